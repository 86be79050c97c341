/** IP packets as they stand in a capture: UDP written (RFC 791, 8200, 768), UDP and TCP read (RFC 9293). Every length is checked before it is believed. */

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export interface IpPacket {
  readonly source: string;
  readonly destination: string;
  /** 6 TCP, 17 UDP. */
  readonly protocol: number;
  readonly payload: Uint8Array;
  /** A piece of a larger packet (RFC 791 §3.2, RFC 8200 §4.5). */
  readonly fragment: { readonly id: number; readonly offset: number; readonly more: boolean } | undefined;
}

export interface Segment {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly isFirst: boolean;
  readonly isLast: boolean;
  readonly payload: Uint8Array;
}

export const TCP = 6;
export const UDP = 17;
const FRAGMENT = 44;
/** Hop-by-hop, routing, destination options: passed over. */
const EXTENSIONS: readonly number[] = [0, 43, 60];
const MOST_EXTENSIONS = 8;
const HEADER_4 = 20;
const HEADER_6 = 40;
const HEADER_UDP = 8;
/** What one IPv4 packet can carry in a UDP datagram; longer ones are cut. */
export const MOST_UDP_PAYLOAD = 65_535 - HEADER_4 - HEADER_UDP;
const TTL = 64;

/** A UDP datagram in its IP packet, checksums and all. */
export function writeUdpPacket(from: Endpoint, to: Endpoint, content: Uint8Array): Uint8Array {
  const payload = content.subarray(0, MOST_UDP_PAYLOAD);
  let source = addressBytes(from.address);
  let destination = addressBytes(to.address);
  if (source.length !== destination.length) [source, destination] = [mapped(source), mapped(destination)];
  const isFour = source.length === 4;
  const header = isFour ? HEADER_4 : HEADER_6;
  const length = HEADER_UDP + payload.length;
  const packet = new Uint8Array(header + length);
  const view = new DataView(packet.buffer);
  if (isFour) {
    packet[0] = 0x45;
    view.setUint16(2, header + length);
    view.setUint16(6, 0x4000); // Don't Fragment
    packet[8] = TTL;
    packet[9] = UDP;
    packet.set(source, 12);
    packet.set(destination, 16);
    view.setUint16(10, checksum(packet.subarray(0, header), 0));
  } else {
    packet[0] = 0x60;
    view.setUint16(4, length);
    packet[6] = UDP;
    packet[7] = TTL;
    packet.set(source, 8);
    packet.set(destination, 24);
  }
  view.setUint16(header, from.port);
  view.setUint16(header + 2, to.port);
  view.setUint16(header + 4, length);
  packet.set(payload, header + HEADER_UDP);
  // RFC 768: over a pseudo header too; a sum of 0 is sent as all ones.
  const pseudo = sum(source) + sum(destination) + UDP + length;
  view.setUint16(header + 6, checksum(packet.subarray(header), pseudo) || 0xffff);
  return packet;
}

/** undefined: no IP packet, or one cut off before its header ends. */
export function readIpPacket(bytes: Uint8Array): IpPacket | undefined {
  const version = bytes.length > 0 ? bytes[0]! >> 4 : 0;
  return version === 4 ? readFour(bytes) : version === 6 ? readSix(bytes) : undefined;
}

export function readUdp(bytes: Uint8Array): Omit<Segment, 'sequence' | 'isFirst' | 'isLast'> | undefined {
  if (bytes.length < HEADER_UDP) return undefined;
  const view = viewOf(bytes);
  const length = view.getUint16(4);
  if (length < HEADER_UDP) return undefined;
  return { sourcePort: view.getUint16(0), destinationPort: view.getUint16(2), payload: bytes.subarray(HEADER_UDP, length) };
}

export function readTcp(bytes: Uint8Array): Segment | undefined {
  if (bytes.length < 20) return undefined;
  const view = viewOf(bytes);
  const header = (bytes[12]! >> 4) * 4;
  if (header < 20 || header > bytes.length) return undefined;
  const flags = bytes[13]!;
  return {
    sourcePort: view.getUint16(0),
    destinationPort: view.getUint16(2),
    sequence: view.getUint32(4),
    isFirst: (flags & 0x02) !== 0,
    isLast: (flags & 0x05) !== 0,
    payload: bytes.subarray(header),
  };
}

function readFour(bytes: Uint8Array): IpPacket | undefined {
  const header = (bytes[0]! & 15) * 4;
  if (header < HEADER_4 || bytes.length < header) return undefined;
  const view = viewOf(bytes);
  const total = view.getUint16(2);
  // Segmentation offload leaves 0 in captures: then all of it.
  const end = total === 0 ? bytes.length : Math.min(total, bytes.length);
  if (end < header) return undefined;
  const flags = view.getUint16(6);
  const [offset, more] = [(flags & 0x1fff) * 8, (flags & 0x2000) !== 0];
  return {
    source: addressText(bytes.subarray(12, 16)),
    destination: addressText(bytes.subarray(16, 20)),
    protocol: bytes[9]!,
    payload: bytes.subarray(header, end),
    fragment: offset > 0 || more ? { id: view.getUint16(4), offset, more } : undefined,
  };
}

function readSix(bytes: Uint8Array): IpPacket | undefined {
  if (bytes.length < HEADER_6) return undefined;
  const view = viewOf(bytes);
  const length = view.getUint16(4);
  const end = length === 0 ? bytes.length : Math.min(HEADER_6 + length, bytes.length);
  let protocol = bytes[6]!;
  let at = HEADER_6;
  let fragment: IpPacket['fragment'];
  for (let i = 0; i < MOST_EXTENSIONS; i++) {
    if (!EXTENSIONS.includes(protocol) && protocol !== FRAGMENT) break;
    if (at + 8 > end) return undefined;
    const next = bytes[at]!;
    if (protocol === FRAGMENT) {
      const bits = view.getUint16(at + 2);
      fragment = { id: view.getUint32(at + 4), offset: bits & 0xfff8, more: (bits & 1) === 1 };
      at += 8;
    } else at += (bytes[at + 1]! + 1) * 8;
    protocol = next;
  }
  if (at > end) return undefined;
  return {
    source: addressText(bytes.subarray(8, 24)),
    destination: addressText(bytes.subarray(24, 40)),
    protocol,
    payload: bytes.subarray(at, end),
    fragment: fragment !== undefined && (fragment.more || fragment.offset > 0) ? fragment : undefined,
  };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** RFC 1071, not yet folded. */
function sum(bytes: Uint8Array): number {
  let total = 0;
  for (let i = 0; i < bytes.length; i += 2) total += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  return total;
}

function checksum(bytes: Uint8Array, start: number): number {
  let total = sum(bytes) + start;
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 0x1_0000);
  return ~total & 0xffff;
}

/** 4 or 16 bytes; what is no address is the unspecified one: a capture shows what it can. */
export function addressBytes(text: string): Uint8Array {
  const bare = text.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');
  const four = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(bare);
  if (four !== null) return Uint8Array.from(four.slice(1), Number);
  if (!bare.includes(':')) return new Uint8Array(4);
  const [head = '', tail] = bare.split('::');
  const groups = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16) || 0));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const all = [...before, ...new Array<number>(zeros).fill(0), ...after].slice(0, 8);
  return Uint8Array.from({ length: 16 }, (_, i) => ((all[i >> 1] ?? 0) >> (i % 2 === 0 ? 8 : 0)) & 0xff);
}

/** RFC 5952: lower case, no leading zeros, the longest run of zero groups as `::`. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[i * 2]! << 8) | bytes[i * 2 + 1]!).toString(16)).join(':');
  const [longest] = [...groups.matchAll(/(?<![^:])0(?::0)+(?![^:])/g)].sort((a, b) => b[0].length - a[0].length);
  if (longest === undefined) return groups;
  return `${groups.slice(0, longest.index).replace(/:$/, '')}::${groups.slice(longest.index + longest[0].length).replace(/^:/, '')}`;
}

function mapped(bytes: Uint8Array): Uint8Array {
  return bytes.length === 16 ? bytes : Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...bytes);
}
