/**
 * Capture files: classic pcap written and read (draft-ietf-opsawg-pcap), pcapng read (draft-ietf-opsawg-pcapng). What is written is raw IP with
 * microseconds, which every reader knows. A damaged file gives what stands before the damage, and says where that is.
 */
import { type Endpoint, writeUdpPacket } from './ip-packet.js';

/** Something that was on the wire as a UDP datagram, or is shown as one. */
export interface Datagram {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly bytes: Uint8Array;
  /** Milliseconds since 1970. */
  readonly wall: number;
}

export interface Frame {
  /** LINKTYPE_*, https://www.tcpdump.org/linktypes.html */
  readonly linkType: number;
  /** Milliseconds since 1970. */
  readonly wall: number;
  readonly bytes: Uint8Array;
}

export interface Capture {
  readonly frames: readonly Frame[];
  /** Why reading stopped before the end. */
  readonly damage: string | undefined;
}

export const LINKTYPE_RAW = 101;
const SNAP_LENGTH = 65_535;
const FILE_HEADER = 24;
const RECORD_HEADER = 16;
const MICROSECONDS = 0xa1b2c3d4;
const NANOSECONDS = 0xa1b23c4d;
const SECTION = 0x0a0d0d0a;
const BYTE_ORDER = 0x1a2b3c4d;
const MOST_FRAMES = 1_000_000;
const MOST_INTERFACES = 1024;
/** Longer than any link's frame: the file lies. */
const MOST_FRAME_BYTES = 262_144;

/** A whole pcap file. Sorted by time: readers that follow calls expect it. */
export function writePcap(datagrams: readonly Datagram[]): Uint8Array {
  const packets = [...datagrams]
    .sort((a, b) => a.wall - b.wall)
    .map(({ from, to, bytes, wall }) => ({ wall, bytes: writeUdpPacket(from, to, bytes) }));
  const file = new Uint8Array(FILE_HEADER + packets.reduce((total, { bytes }) => total + RECORD_HEADER + bytes.length, 0));
  const view = new DataView(file.buffer);
  view.setUint32(0, MICROSECONDS, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, SNAP_LENGTH, true);
  view.setUint32(20, LINKTYPE_RAW, true);
  let at = FILE_HEADER;
  for (const { wall, bytes } of packets) {
    const microseconds = Math.round(wall * 1000);
    view.setUint32(at, Math.floor(microseconds / 1_000_000), true);
    view.setUint32(at + 4, microseconds % 1_000_000, true);
    view.setUint32(at + 8, bytes.length, true);
    view.setUint32(at + 12, bytes.length, true);
    file.set(bytes, at + RECORD_HEADER);
    at += RECORD_HEADER + bytes.length;
  }
  return file;
}

/** pcap of either byte order and resolution, or pcapng. */
export function readCapture(file: Uint8Array): Capture {
  if (file.length < 12) return { frames: [], damage: 'not a capture: it is too short' };
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (view.getUint32(0) === SECTION) return readPcapng(file, view);
  for (const little of [true, false]) {
    const magic = view.getUint32(0, little);
    if (magic === MICROSECONDS || magic === NANOSECONDS) return readPcap(file, view, little, magic === NANOSECONDS ? 1e-6 : 1e-3);
  }
  return { frames: [], damage: 'not a capture: neither pcap nor pcapng' };
}

function readPcap(file: Uint8Array, view: DataView, little: boolean, fractionMs: number): Capture {
  const frames: Frame[] = [];
  if (file.length < FILE_HEADER) return { frames, damage: 'the file header is cut off' };
  const linkType = view.getUint32(20, little) & 0xffff;
  let at = FILE_HEADER;
  while (at < file.length) {
    if (frames.length >= MOST_FRAMES) return { frames, damage: `more than ${MOST_FRAMES} packets` };
    if (at + RECORD_HEADER > file.length) return { frames, damage: `cut off at byte ${at}` };
    const length = view.getUint32(at + 8, little);
    const end = at + RECORD_HEADER + length;
    if (length > MOST_FRAME_BYTES || end > file.length) return { frames, damage: `cut off at byte ${at}` };
    const wall = view.getUint32(at, little) * 1000 + view.getUint32(at + 4, little) * fractionMs;
    frames.push({ linkType, wall, bytes: file.subarray(at + RECORD_HEADER, end) });
    at = end;
  }
  return { frames, damage: undefined };
}

interface Interface {
  readonly linkType: number;
  /** Milliseconds in one unit of its stamps. */
  readonly unitMs: number;
}

function readPcapng(file: Uint8Array, view: DataView): Capture {
  const frames: Frame[] = [];
  let interfaces: Interface[] = [];
  let little = true;
  let at = 0;
  while (at < file.length) {
    if (frames.length >= MOST_FRAMES) return { frames, damage: `more than ${MOST_FRAMES} packets` };
    if (at + 12 > file.length) return { frames, damage: `cut off at byte ${at}` };
    // A section says its own byte order, and its interfaces are numbered anew.
    if (view.getUint32(at) === SECTION) {
      little = view.getUint32(at + 8, true) === BYTE_ORDER;
      if (!little && view.getUint32(at + 8) !== BYTE_ORDER) return { frames, damage: `no byte order at byte ${at}` };
      interfaces = [];
    }
    const type = view.getUint32(at, little);
    const length = view.getUint32(at + 4, little);
    if (length < 12 || length % 4 !== 0 || at + length > file.length) return { frames, damage: `cut off at byte ${at}` };
    const [body, end] = [at + 8, at + length - 4];
    if (type === 1 && end - body >= 8 && interfaces.length < MOST_INTERFACES)
      interfaces.push({ linkType: view.getUint16(body, little), unitMs: unitOf(file, view, body + 8, end, little) });
    else if (type === 6 && end - body >= 20) {
      const { linkType, unitMs } = interfaces[view.getUint32(body, little)] ?? { linkType: -1, unitMs: 1e-3 };
      const stamp = view.getUint32(body + 4, little) * 0x1_0000_0000 + view.getUint32(body + 8, little);
      const stored = view.getUint32(body + 12, little);
      if (stored > end - body - 20) return { frames, damage: `a packet longer than its block at byte ${at}` };
      frames.push({ linkType, wall: stamp * unitMs, bytes: file.subarray(body + 20, body + 20 + stored) });
    } else if (type === 3 && end - body >= 4) {
      const stored = Math.min(view.getUint32(body, little), end - body - 4);
      frames.push({
        linkType: interfaces[0]?.linkType ?? -1,
        wall: frames.at(-1)?.wall ?? 0,
        bytes: file.subarray(body + 4, body + 4 + stored),
      });
    }
    at += length;
  }
  return { frames, damage: undefined };
}

/** Option if_tsresol (9): a power of ten, or of two with the high bit. */
function unitOf(file: Uint8Array, view: DataView, from: number, end: number, little: boolean): number {
  for (let at = from; at + 4 <= end; ) {
    const code = view.getUint16(at, little);
    const length = view.getUint16(at + 2, little);
    if (code === 0) break;
    if (code === 9 && length === 1 && at + 5 <= end) {
      const resolution = file[at + 4]!;
      return 1000 * (resolution & 0x80 ? 2 ** -(resolution & 0x7f) : 10 ** -resolution);
    }
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return 1e-3;
}
