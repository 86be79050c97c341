// Session descriptions (RFC 8866): text to one plain, checked shape, over sdp-transform, which knows the grammar of each attribute but takes any
// junk; sdp-writer.ts has the way back. Here every line is bounded and tidied before it, and every value checked after it; nothing the network sends can throw.
import { parse as parseFields } from 'sdp-transform';

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** One payload type of an RTP media line: its rtpmap, or what RFC 3551 says of a static one, and its fmtp. */
export interface RtpFormat {
  readonly payloadType: number;
  /** As written: compare without regard to case (RFC 4855 §3). */
  readonly encoding: string;
  readonly clockRate: number;
  readonly channels: number;
  readonly fmtp?: string;
}

export interface MediaDescription {
  /** 'audio', 'video', 'image' … */
  readonly kind: string;
  /** 0: rejected, or no longer wanted (RFC 3264 §6, §8.2). */
  readonly port: number;
  /** 'RTP/AVP', 'RTP/SAVP', 'udptl' … as written. */
  readonly protocol: string;
  /** Payload types for RTP, in order of preference; never empty. */
  readonly formats: readonly string[];
  /** What of `formats` means something: in the same order, empty where the protocol is not RTP. */
  readonly rtp: readonly RtpFormat[];
  /** Its own `c=`, else the session's. A name is possible. Absent when neither is there, or it is nonsense. */
  readonly address?: string;
  readonly direction: Direction;
  readonly ptimeMs?: number;
  readonly maxptimeMs?: number;
  /** RFC 3605. */
  readonly rtcp?: { readonly port: number; readonly address?: string };
  readonly rtcpMux?: boolean;
  readonly reducedSizeRtcp?: boolean;
  /** The values of `a=crypto`, unread: crypto-line.ts reads them. */
  readonly crypto?: readonly string[];
  readonly mid?: string;
}

export interface Origin {
  readonly username: string;
  /** Decimal, often past 2^53. */
  readonly sessionId: string;
  readonly version: string;
  readonly address: string;
}

export interface SessionDescription {
  readonly origin: Origin;
  readonly media: readonly MediaDescription[];
  /** The mids of each `a=group:BUNDLE` (RFC 8843). */
  readonly bundles?: readonly (readonly string[])[];
}

/** What was wrong, in words fit for a Warning header. */
export interface SdpFailure {
  readonly failure: string;
}

const MAX_BYTES = 64 * 1024;
const MAX_LINES = 2000;
const MAX_LINE = 2048;
const MAX_MEDIA = 32;
const MAX_FORMATS = 64;
const MAX_CRYPTO = 16;

/** The attributes that mean something here. Others, hundreds in some offers, are dropped before they cost anything. */
const ATTRIBUTES = /^(?:rtpmap|fmtp|rtcp|rtcp-mux|rtcp-rsize|ptime|maxptime|sendrecv|sendonly|recvonly|inactive|mid|group)(?=:|$)/;

const DIRECTION = /^(?:sendrecv|sendonly|recvonly|inactive)$/;

/** RFC 3551 §6, tables 4 and 5: the static payload types, as `encoding/clock/channels`. */
const STATIC_FORMATS: Readonly<Record<number, readonly [string, number, number]>> = {
  0: ['PCMU', 8000, 1],
  3: ['GSM', 8000, 1],
  4: ['G723', 8000, 1],
  5: ['DVI4', 8000, 1],
  6: ['DVI4', 16000, 1],
  7: ['LPC', 8000, 1],
  8: ['PCMA', 8000, 1],
  9: ['G722', 8000, 1],
  10: ['L16', 44100, 2],
  11: ['L16', 44100, 1],
  12: ['QCELP', 8000, 1],
  13: ['CN', 8000, 1],
  14: ['MPA', 90000, 1],
  15: ['G728', 8000, 1],
  16: ['DVI4', 11025, 1],
  17: ['DVI4', 22050, 1],
  18: ['G729', 8000, 1],
  26: ['JPEG', 90000, 1],
  31: ['H261', 90000, 1],
  32: ['MPV', 90000, 1],
  33: ['MP2T', 90000, 1],
  34: ['H263', 90000, 1],
};

export function isSdpFailure(result: SessionDescription | SdpFailure): result is SdpFailure {
  return 'failure' in result;
}

/** Whether a line of it brings SRTP keys. */
export function hasKeys(description: SessionDescription | SdpFailure): boolean {
  return !isSdpFailure(description) && description.media.some(({ crypto }) => crypto !== undefined);
}

/** Never throws; time and memory are linear in a text that is itself bounded (64 KiB, 2000 lines, 32 media). */
export function parseSdp(text: string): SessionDescription | SdpFailure {
  if (text.length > MAX_BYTES) return { failure: `SDP longer than ${MAX_BYTES} bytes` };
  const lines = text.split(/\r\n|\n|\r/, MAX_LINES + 1);
  if (lines.length > MAX_LINES) return { failure: `SDP of more than ${MAX_LINES} lines` };
  const sections = sectionsOf(lines);
  if (typeof sections === 'string') return { failure: sections };
  const [session, ...media] = sections;
  const origin = parseOrigin(session!.origin);
  if (origin === undefined) return { failure: 'SDP without an o= line that can be read' };
  const bundles = session!.fields.groups?.filter((group) => group.type === 'BUNDLE').map((group) => String(group.mids).trim().split(/ +/));
  return {
    origin,
    media: media.map((section) => mediaOf(section, session!)),
    ...(bundles && bundles.length > 0 ? { bundles } : {}),
  };
}

/** 0.0.0.0 and :: (RFC 3264 §8.4, RFC 6157 §4): send nothing there. Also names under .invalid, which older IPv6 agents write for the same. */
export function isUnspecified(address: string): boolean {
  return address === '0.0.0.0' || /^[0:]+$/.test(address) || /\.invalid\.?$/i.test(address);
}

export function isMulticast(address: string): boolean {
  return /^2(2[4-9]|3\d)\./.test(address) || /^ff/i.test(address);
}

export function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4;
}

type Fields = ReturnType<typeof parseFields>;

const NO_FIELDS = parseFields('');

interface Section {
  /** Of a media section: kind, port, protocol, formats. */
  readonly head: readonly [kind: string, port: number, protocol: string, formats: string[]] | undefined;
  readonly fields: Fields & Partial<Fields['media'][number]>;
  readonly origin: string | undefined;
  readonly address: string | undefined;
  readonly crypto: string[];
}

/** A section while its lines are collected. */
class Part {
  readonly head: Section['head'];
  readonly kept: string[] = [];
  readonly crypto: string[] = [];
  origin: string | undefined;
  address: string | undefined;

  constructor(head: Section['head']) {
    this.head = head;
  }
}

/** Cuts at the m= lines, drops what is not needed, and lets sdp-transform read the attributes of each part. */
function sectionsOf(lines: readonly string[]): Section[] | string {
  const parts: Part[] = [new Part(undefined)];
  for (const raw of lines) {
    // Deviation: spaces around a line and capitals in its attribute name are common and harmless.
    const line = raw.trim();
    if (line.length > MAX_LINE || line[1] !== '=') continue;
    const value = line.slice(2).trim();
    const part = parts.at(-1)!;
    switch (line[0]) {
      case 'o':
        part.origin ??= value;
        break;
      case 'c':
        part.address ??= parseConnection(value);
        break;
      case 'm': {
        if (parts.length > MAX_MEDIA) return `SDP of more than ${MAX_MEDIA} media lines`;
        const head = parseMediaLine(value);
        if (head === undefined) return `SDP with a media line that cannot be read`;
        parts.push(new Part(head));
        break;
      }
      case 'a': {
        const attribute = tidyAttribute(value);
        // sdp-transform keeps one session parameter of a crypto line and loses the others, which matter.
        if (attribute.startsWith('crypto:')) {
          if (part.crypto.length < MAX_CRYPTO) part.crypto.push(attribute.slice('crypto:'.length).trim());
        } else if (ATTRIBUTES.test(attribute)) part.kept.push(`a=${attribute}`);
      }
    }
  }
  return parts.map(({ head, kept, origin, address, crypto }) => ({
    head,
    fields: kept.length === 0 ? NO_FIELDS : parseFields(kept.join('\n')),
    origin,
    address,
    crypto,
  }));
}

function tidyAttribute(value: string): string {
  const colon = value.indexOf(':');
  return colon < 0 ? value.toLowerCase() : `${value.slice(0, colon).trim().toLowerCase()}:${value.slice(colon + 1).trim()}`;
}

/** §5.2. Deviation: the username may hold spaces, the session id and version any word: they are only compared. */
function parseOrigin(value: string | undefined): Origin | undefined {
  const words = value?.split(/[ \t]+/) ?? [];
  if (words.length < 4) return undefined;
  const address = words.at(-1)!;
  // Deviation: `o=- 1 1 10.0.0.1` without the two words before the address is taken.
  const rest = words.slice(0, /^IP[46]$/i.test(words.at(-2)!) ? -3 : -1);
  if (rest.length < 3) return undefined;
  return { username: rest.slice(0, -2).join(' '), sessionId: rest.at(-2)!, version: rest.at(-1)!, address };
}

/** §5.7: `IN IP4 224.2.1.1/127/3`; the time to live and count are of no use to us. */
function parseConnection(value: string): string | undefined {
  const match = /^IN[ \t]+IP[46][ \t]+([\w.:%-]{1,255})/i.exec(value);
  return match?.[1];
}

/** §5.14: `audio 49170/2 RTP/AVP 0 8`. A port count is for layered video; the first port is what counts. */
function parseMediaLine(value: string): Section['head'] {
  const [kind, portText, protocol, ...formats] = value.split(/[ \t]+/, MAX_FORMATS + 3);
  const port = /^(\d{1,5})(?:\/\d{1,5})?$/.exec(portText ?? '');
  if (port === null || Number(port[1]) > 65535 || formats.length === 0) return undefined;
  // These come back in an answer that rejects the line, so only what the grammar calls a token may pass.
  if (!/^[\w.+-]{1,64}$/.test(kind ?? '') || !/^[\w./+-]{1,64}$/.test(protocol ?? '')) return undefined;
  if (!formats.every((format) => /^[\x21-\x7e]{1,64}$/.test(format))) return undefined;
  return [kind!.toLowerCase(), Number(port[1]), protocol!, formats];
}

function mediaOf(section: Section, session: Section): MediaDescription {
  const [kind, port, protocol, formats] = section.head!;
  const { fields } = section;
  const address = section.address ?? session.address;
  const ptimeMs = milliseconds(fields.ptime);
  const maxptimeMs = milliseconds(fields.maxptime);
  const rtcp = fields.rtcp;
  const crypto = section.crypto.length > 0 ? section.crypto : session.crypto;
  return {
    kind,
    port,
    protocol,
    formats,
    rtp: isRtp(protocol) ? rtpFormats(formats, fields) : [],
    ...(address === undefined ? {} : { address }),
    direction: directionOf(fields.direction) ?? directionOf(session.fields.direction) ?? 'sendrecv',
    ...(ptimeMs === undefined ? {} : { ptimeMs }),
    ...(maxptimeMs === undefined ? {} : { maxptimeMs }),
    ...(rtcp !== undefined && isPort(rtcp.port)
      ? { rtcp: { port: rtcp.port, ...(typeof rtcp.address === 'string' && isAddress(rtcp.address) ? { address: rtcp.address } : {}) } }
      : {}),
    ...(fields.rtcpMux === undefined ? {} : { rtcpMux: true }),
    ...(fields.rtcpRsize === undefined ? {} : { reducedSizeRtcp: true }),
    ...(crypto.length > 0 ? { crypto } : {}),
    ...(/^[\x21-\x7e]{1,64}$/.test(String(fields.mid ?? '')) ? { mid: String(fields.mid) } : {}),
  };
}

/** Each payload type once, in the order of the m= line; a dynamic one without rtpmap means nothing and is left out. */
function rtpFormats(formats: readonly string[], fields: Section['fields']): RtpFormat[] {
  const found = new Map<number, RtpFormat>();
  for (const text of formats) {
    const payloadType = /^\d{1,3}$/.test(text) ? Number(text) : -1;
    if (payloadType < 0 || payloadType > 127 || found.has(payloadType)) continue;
    const map = fields.rtp?.find((entry) => entry.payload === payloadType && entry.codec !== '');
    const known = STATIC_FORMATS[payloadType];
    const encoding = map === undefined ? known?.[0] : String(map.codec);
    // Deviation: `a=rtpmap:0 PCMU` without a rate takes the static one, else 8000, as every phone that writes so means it.
    const clockRate = Number(map?.rate ?? known?.[1] ?? 8000);
    const channels = map === undefined ? (known?.[2] ?? 1) : Number(map.encoding ?? 1);
    if (encoding === undefined || !(clockRate > 0 && clockRate <= 1_000_000)) continue;
    const config = fields.fmtp?.find((entry) => entry.payload === payloadType)?.config;
    const fmtp = config === undefined ? undefined : String(config).trim();
    const safeChannels = channels >= 1 && channels <= 255 ? channels : 1;
    found.set(payloadType, { payloadType, encoding, clockRate, channels: safeChannels, ...(fmtp ? { fmtp } : {}) });
  }
  return [...found.values()];
}

export function isRtp(protocol: string): boolean {
  return /(?:^|\/)RTP\/S?AVPF?$/i.test(protocol);
}

/** Fractions and nonsense ('0.125', '0', 'abc') are no packet length that anyone can send. */
function milliseconds(value: unknown): number | undefined {
  const number = Number(value);
  return number >= 1 && number <= 1000 ? Math.floor(number) : undefined;
}

function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 65535;
}

/** An address rather than a name; whether it is a good one, the socket will say. */
export function isAddress(text: string): boolean {
  return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text) || (text.includes(':') && /^[\da-f:.]{2,45}(?:%[\w.-]{1,32})?$/i.test(text));
}

function directionOf(value: unknown): Direction | undefined {
  return typeof value === 'string' && DIRECTION.test(value) ? (value as Direction) : undefined;
}
