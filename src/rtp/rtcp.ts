/**
 * RTCP packets on the wire: SR, RR, SDES, BYE (RFC 3550 §6.4 to §6.6), XR (RFC 3611), and the frame of the others. Bytes to values and back.
 *
 * Not over rtp.js: measured, it reads 12 of the 24 bits of the cumulative loss and writes a negative one as sign and magnitude, and it
 * throws at what an attacker sends; a guard that keeps it from throwing has read the packet already. Tests hold us against it.
 */
import type { ReceptionReport } from './receiver-stats.js';
import { parseXr, type VoipMetrics } from './rtcp-xr.js';

export interface SenderInfo {
  /** 64 bits: seconds since 1900, and 2^32 parts of a second. */
  readonly ntpSeconds: number;
  readonly ntpFraction: number;
  readonly timestamp: number;
  readonly packets: number;
  readonly bytes: number;
}

export type RtcpPacket =
  | { readonly type: 'sr'; readonly ssrc: number; readonly sender: SenderInfo; readonly reports: readonly ReceptionReport[] }
  | { readonly type: 'rr'; readonly ssrc: number; readonly reports: readonly ReceptionReport[] }
  | { readonly type: 'sdes'; readonly chunks: readonly SdesChunk[] }
  | { readonly type: 'bye'; readonly ssrcs: readonly number[]; readonly reason: string | undefined }
  | { readonly type: 'xr'; readonly ssrc: number; readonly voip: readonly VoipMetrics[] }
  /** RFC 4585 §6.1: RTPFB (205) or PSFB (206), told apart further by `format`. */
  | { readonly type: 'feedback'; readonly packetType: number; readonly format: number; readonly ssrc: number; readonly mediaSsrc: number }
  /** APP, and what came after us. */
  | { readonly type: 'other'; readonly packetType: number };

export interface SdesChunk {
  readonly ssrc: number;
  readonly items: readonly { readonly type: number; readonly text: string }[];
}

export const SDES_CNAME = 1;

const VERSION = 2;
const SR = 200;
const RR = 201;
const SDES = 202;
const BYE = 203;
const RTPFB = 205;
const PSFB = 206;
const XR = 207;

const HEADER_BYTES = 4;
const SENDER_INFO_BYTES = 20;
const REPORT_BYTES = 24;
/** A compound of a call has five; an attacker's may have thousands. */
const MOST_PACKETS = 32;
const MOST_TEXT = 255;

/**
 * All packets of one datagram, or undefined when anything in it is malformed (RFC 3550 A.2, but for what must come first: a single
 * packet is one of RFC 5506, and whether that was agreed the caller knows).
 */
export function parseRtcp(bytes: Uint8Array, length: number = bytes.length): RtcpPacket[] | undefined {
  if (length < HEADER_BYTES || length % 4 !== 0 || length > bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, length);
  const packets: RtcpPacket[] = [];
  for (let at = 0; at < length; ) {
    if (packets.length === MOST_PACKETS) return undefined;
    const next = at + 4 * (view.getUint16(at + 2) + 1);
    if (view.getUint8(at) >> 6 !== VERSION || next > length) return undefined;
    const end = endOf(view, at, next, length);
    const packet = end === undefined ? undefined : parsePacket(view, at, end);
    if (packet === undefined) return undefined;
    packets.push(packet);
    at = next;
  }
  return packets;
}

/** RFC 3550 §6.4.1: only the last packet is padded; the count of padding includes itself and is a multiple of four. */
function endOf(view: DataView, at: number, next: number, length: number): number | undefined {
  if ((view.getUint8(at) & 0x20) === 0) return next;
  const padding = view.getUint8(next - 1);
  if (next !== length || padding === 0 || padding % 4 !== 0 || next - padding < at + HEADER_BYTES) return undefined;
  return next - padding;
}

function parsePacket(view: DataView, at: number, end: number): RtcpPacket | undefined {
  const count = view.getUint8(at) & 0x1f;
  const packetType = view.getUint8(at + 1);
  const body = at + HEADER_BYTES;
  switch (packetType) {
    case SR:
      return parseSenderReport(view, body, end, count);
    case RR: {
      if (end - body < 4) return undefined;
      const reports = parseReports(view, body + 4, end, count);
      return reports && { type: 'rr', ssrc: view.getUint32(body), reports };
    }
    case SDES:
      return parseSdes(view, body, end, count);
    case BYE:
      return parseBye(view, body, end, count);
    case RTPFB:
    case PSFB:
      if (end - body < 8) return undefined;
      return { type: 'feedback', packetType, format: count, ssrc: view.getUint32(body), mediaSsrc: view.getUint32(body + 4) };
    case XR: {
      if (end - body < 4) return undefined;
      const voip = parseXr(view, body + 4, end);
      return voip && { type: 'xr', ssrc: view.getUint32(body), voip };
    }
    default:
      // RFC 3550 §6.1: an unknown type is passed over.
      return packetType >= 192 && packetType <= 223 ? { type: 'other', packetType } : undefined;
  }
}

function parseSenderReport(view: DataView, at: number, end: number, count: number): RtcpPacket | undefined {
  if (end - at < 4 + SENDER_INFO_BYTES) return undefined;
  const reports = parseReports(view, at + 4 + SENDER_INFO_BYTES, end, count);
  if (reports === undefined) return undefined;
  const sender = {
    ntpSeconds: view.getUint32(at + 4),
    ntpFraction: view.getUint32(at + 8),
    timestamp: view.getUint32(at + 12),
    packets: view.getUint32(at + 16),
    bytes: view.getUint32(at + 20),
  };
  return { type: 'sr', ssrc: view.getUint32(at), sender, reports };
}

/** What follows the blocks is a profile's extension (§6.4.3) and passed over. */
function parseReports(view: DataView, at: number, end: number, count: number): ReceptionReport[] | undefined {
  if (at + count * REPORT_BYTES > end) return undefined;
  const reports: ReceptionReport[] = [];
  for (let i = 0; i < count; i++, at += REPORT_BYTES)
    reports.push({
      ssrc: view.getUint32(at),
      fractionLost: view.getUint8(at + 4),
      // 24 bits with a sign.
      cumulativeLost: (view.getInt32(at + 4) << 8) >> 8,
      extendedHighest: view.getUint32(at + 8),
      jitter: view.getUint32(at + 12),
      lastSr: view.getUint32(at + 16),
      delaySinceLastSr: view.getUint32(at + 20),
    });
  return reports;
}

/** §6.5: chunks of a source and its items, each ended by a zero and filled up to a whole word. */
function parseSdes(view: DataView, at: number, end: number, count: number): RtcpPacket | undefined {
  const chunks: SdesChunk[] = [];
  for (let i = 0; i < count; i++) {
    if (at + 8 > end) return undefined;
    const ssrc = view.getUint32(at);
    at += 4;
    const items: { type: number; text: string }[] = [];
    for (;;) {
      if (at >= end) return undefined;
      const type = view.getUint8(at);
      if (type === 0) break;
      const from = at + 2;
      if (from > end || from + view.getUint8(at + 1) > end) return undefined;
      at = from + view.getUint8(at + 1);
      items.push({ type, text: textOf(view, from, at) });
    }
    at = (at + 4) & ~3;
    if (at > end) return undefined;
    chunks.push({ ssrc, items });
  }
  return { type: 'sdes', chunks };
}

/** §6.6. */
function parseBye(view: DataView, at: number, end: number, count: number): RtcpPacket | undefined {
  const after = at + 4 * count;
  if (after > end) return undefined;
  const ssrcs: number[] = [];
  for (; at < after; at += 4) ssrcs.push(view.getUint32(at));
  if (after === end) return { type: 'bye', ssrcs, reason: undefined };
  const to = after + 1 + view.getUint8(after);
  return to > end ? undefined : { type: 'bye', ssrcs, reason: textOf(view, after + 1, to) };
}

function textOf(view: DataView, from: number, to: number): string {
  return Buffer.from(view.buffer, view.byteOffset + from, to - from).toString('utf8');
}

/** SR with `sender`, else RR; at most one block, for a call has one source. Returns where it ends. */
export function writeReport(
  into: Uint8Array,
  at: number,
  report: { readonly ssrc: number; readonly sender?: SenderInfo | undefined; readonly block?: ReceptionReport | undefined },
): number {
  const view = viewOf(into);
  const { ssrc, sender, block } = report;
  const start = at;
  at = writeWord(view, at + HEADER_BYTES, ssrc);
  if (sender !== undefined) {
    at = writeWord(view, at, sender.ntpSeconds);
    at = writeWord(view, at, sender.ntpFraction);
    at = writeWord(view, at, sender.timestamp);
    at = writeWord(view, at, sender.packets);
    at = writeWord(view, at, sender.bytes);
  }
  if (block !== undefined) {
    at = writeWord(view, at, block.ssrc);
    at = writeWord(view, at, (block.fractionLost << 24) | (block.cumulativeLost & 0xffffff));
    at = writeWord(view, at, block.extendedHighest);
    at = writeWord(view, at, block.jitter);
    at = writeWord(view, at, block.lastSr);
    at = writeWord(view, at, block.delaySinceLastSr);
  }
  return writeHeader(view, start, at, sender === undefined ? RR : SR, block === undefined ? 0 : 1);
}

/** SDES with nothing but the CNAME (§6.5.1). */
export function writeCname(into: Uint8Array, at: number, ssrc: number, cname: string): number {
  const view = viewOf(into);
  const start = at;
  at = writeWord(view, at + HEADER_BYTES, ssrc);
  const text = Buffer.from(cname, 'utf8').subarray(0, MOST_TEXT);
  into[at] = SDES_CNAME;
  into[at + 1] = text.length;
  into.set(text, at + 2);
  at += 2 + text.length;
  const end = (at + 4) & ~3;
  into.fill(0, at, end);
  return writeHeader(view, start, end, SDES, 1);
}

export function writeBye(into: Uint8Array, at: number, ssrc: number): number {
  const view = viewOf(into);
  return writeHeader(view, at, writeWord(view, at + HEADER_BYTES, ssrc), BYE, 1);
}

/** `writeBlocks` puts the report blocks, and says where they end. */
export function writeXr(into: Uint8Array, at: number, ssrc: number, writeBlocks: (view: DataView, at: number) => number): number {
  const view = viewOf(into);
  return writeHeader(view, at, writeBlocks(view, writeWord(view, at + HEADER_BYTES, ssrc)), XR, 0);
}

function writeHeader(view: DataView, start: number, end: number, packetType: number, count: number): number {
  view.setUint8(start, (VERSION << 6) | count);
  view.setUint8(start + 1, packetType);
  view.setUint16(start + 2, (end - start) / 4 - 1);
  return end;
}

function writeWord(view: DataView, at: number, word: number): number {
  view.setUint32(at, word);
  return at + 4;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
