/** What a suite does to one packet, whose place in the stream is already known: the seam between context and ciphers. */

/**
 * In place. `bytes` up to `length` is the packet; everything before `payloadAt` stays readable. Sealing gives the new length; opening gives
 * that of the clear packet, or -1 and leaves the bytes as they were.
 */
export interface Protection {
  readonly rtpOverhead: number;
  readonly rtcpOverhead: number;
  /** The word with the index of a sealed RTCP packet stands so many bytes before its end. */
  readonly rtcpIndexFromEnd: number;
  sealRtp(bytes: Uint8Array, payloadAt: number, length: number, index: number): number;
  openRtp(bytes: Uint8Array, payloadAt: number, length: number, index: number): number;
  sealRtcp(bytes: Uint8Array, length: number, index: number): number;
  openRtcp(bytes: Uint8Array, length: number, index: number): number;
}

/** RFC 3711 §3.4: behind the packet go the bit that says it is encrypted, and the 31 bits of its index. */
export const RTCP_INDEX_BYTES = 4;
const ENCRYPTED = 0x80000000;

export const RTCP_HEADER_BYTES = 8;

export function writeRtcpIndex(bytes: Uint8Array, at: number, index: number): void {
  writeWord(bytes, at, ENCRYPTED | index);
}

/**
 * The index in the word at `at`; -1 when the packet says it is not encrypted.
 * Deviation: RFC 3711 §3.4 lets authentic clear SRTCP pass; a=crypto with UNENCRYPTED_SRTCP is refused, so nobody may send it.
 */
export function readRtcpIndex(bytes: Uint8Array, at: number): number {
  const word = readWord(bytes, at);
  return word >= ENCRYPTED ? word - ENCRYPTED : -1;
}

export function readWord(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

export function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}

/** RFC 3711 §3.1: the master key identifier is neither encrypted nor authenticated. */
export function isMki(bytes: Uint8Array, at: number, mki: Uint8Array): boolean {
  for (let i = 0; i < mki.length; i++) if (bytes[at + i] !== mki[i]) return false;
  return true;
}

export const RTP_SSRC_AT = 8;
export const RTCP_SSRC_AT = 4;
