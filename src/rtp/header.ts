/**
 * The RTP packet header, RFC 3550 §5.1 and §5.3.1: read into one reused object that holds offsets, never slices;
 * written in place. What travels beside RTP on the same port is told apart by RFC 5761 §4.
 */

/**
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 * |                           timestamp                           |
 * |                             SSRC                              |
 * |                      CSRC list (CC of them)                   |
 * |       extension profile       |       length in words         |   when X
 * |                  extension, payload, padding                  |
 * ```
 */
export class RtpHeader {
  payloadType = 0;
  marker = false;
  sequence = 0;
  timestamp = 0;
  ssrc = 0;
  csrcCount = 0;
  /** The 16 bits that name the kind of extension; -1 when there is none. */
  extensionProfile = -1;
  /** Where the extension's data starts, after its own four bytes. */
  extensionOffset = 0;
  extensionLength = 0;
  payloadOffset = 0;
  payloadLength = 0;
  paddingLength = 0;
}

export const RTP_HEADER_BYTES = 12;

/**
 * Reads a packet's header; undefined when these bytes are no RTP packet (`into` is then half written and means nothing).
 * On the media path `into` is one header per stream; without it a new one is made.
 */
export function parseRtp(packet: Uint8Array, length: number = packet.length, into: RtpHeader = new RtpHeader()): RtpHeader | undefined {
  if (length < RTP_HEADER_BYTES || length > packet.length) return undefined;
  const first = packet[0]!;
  if (first >> 6 !== 2) return undefined;
  const second = packet[1]!;
  into.marker = second >= 0x80;
  into.payloadType = second & 0x7f;
  into.sequence = (packet[2]! << 8) | packet[3]!;
  into.timestamp = ((packet[4]! << 24) | (packet[5]! << 16) | (packet[6]! << 8) | packet[7]!) >>> 0;
  into.ssrc = ((packet[8]! << 24) | (packet[9]! << 16) | (packet[10]! << 8) | packet[11]!) >>> 0;

  const csrcCount = first & 0x0f;
  into.csrcCount = csrcCount;
  let offset = RTP_HEADER_BYTES + 4 * csrcCount;
  into.extensionProfile = -1;
  into.extensionOffset = 0;
  into.extensionLength = 0;
  if ((first & 0x10) !== 0) {
    if (offset + 4 > length) return undefined;
    into.extensionProfile = (packet[offset]! << 8) | packet[offset + 1]!;
    into.extensionLength = ((packet[offset + 2]! << 8) | packet[offset + 3]!) * 4;
    into.extensionOffset = offset + 4;
    offset += 4 + into.extensionLength;
  }
  let end = length;
  into.paddingLength = 0;
  if ((first & 0x20) !== 0) {
    // §5.1: the count includes itself, so zero is a lie.
    const padding = packet[length - 1]!;
    if (padding === 0) return undefined;
    into.paddingLength = padding;
    end -= padding;
  }
  if (offset > end) return undefined;
  into.payloadOffset = offset;
  into.payloadLength = end - offset;
  return into;
}

/** What a written header says; nothing of ours sends CSRCs, extensions or padding. */
export interface RtpHeaderFields {
  readonly payloadType: number;
  readonly marker: boolean;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
}

/** Writes the fixed header over the first 12 bytes of `out`; returns 12, where the payload goes. */
export function writeRtp(out: Uint8Array, header: RtpHeaderFields): number {
  const { sequence, timestamp, ssrc } = header;
  out[0] = 0x80;
  out[1] = (header.payloadType & 0x7f) | (header.marker ? 0x80 : 0);
  out[2] = sequence >>> 8;
  out[3] = sequence;
  out[4] = timestamp >>> 24;
  out[5] = timestamp >>> 16;
  out[6] = timestamp >>> 8;
  out[7] = timestamp;
  out[8] = ssrc >>> 24;
  out[9] = ssrc >>> 16;
  out[10] = ssrc >>> 8;
  out[11] = ssrc;
  return RTP_HEADER_BYTES;
}

/** RFC 5761 §4: with RTCP on the RTP port, second bytes 192 to 223 are RTCP (payload types 64 to 95 are never given to RTP). */
export function isRtcp(packet: Uint8Array, length: number = packet.length): boolean {
  if (length < 4 || packet[0]! >> 6 !== 2) return false;
  const type = packet[1]!;
  return type >= 192 && type <= 223;
}

/** The CSRC at `index` (below the header's `csrcCount`) of a packet that has been read. */
export function csrcAt(packet: Uint8Array, index: number): number {
  const at = RTP_HEADER_BYTES + 4 * index;
  return ((packet[at]! << 24) | (packet[at + 1]! << 16) | (packet[at + 2]! << 8) | packet[at + 3]!) >>> 0;
}
