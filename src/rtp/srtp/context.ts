/**
 * One direction of an SRTP session, RFC 3711 §3.3 and §3.4: which packet of which source this is, whether it came before, and the suite's
 * cipher over it, in place. Replay is looked for first, then the packet is authenticated and deciphered, and only then it counts.
 */
import { RTP_HEADER_BYTES } from '../header.js';
import type { SrtpContext as Seam } from '../stream-seams.js';
import { CounterMode } from './counter-mode.js';
import type { CryptoKeys } from './crypto-line.js';
import { GcmMode } from './gcm.js';
import { checkKeys, suiteTraits } from './keys.js';
import { type Protection, RTCP_HEADER_BYTES, RTCP_SSRC_AT, RTP_SSRC_AT, readRtcpIndex, readWord } from './protection.js';
import { ReplayWindow } from './replay.js';

/** RFC 4568 §6.4: a key has as many sources as its sender has SSRCs, known when they speak. More than this in one call is no call. */
const MOST_SOURCES = 64;
const LAST_RTCP_INDEX = 0x7fffffff;
const RTP_VERSION = 2;

export class SrtpContext implements Seam {
  /** What protecting adds to an RTP packet. */
  readonly rtpOverhead: number;
  /** What protecting adds to an RTCP packet. */
  readonly rtcpOverhead: number;
  readonly #protection: Protection;
  readonly #rtp = new Sources();
  readonly #rtcp = new Sources();

  /** Throws `OptionError` for keys that are not of the suite's lengths. */
  constructor(keys: CryptoKeys) {
    checkKeys(keys);
    this.#protection = suiteTraits(keys.suite).mode === 'gcm' ? new GcmMode(keys) : new CounterMode(keys);
    this.rtpOverhead = this.#protection.rtpOverhead;
    this.rtcpOverhead = this.#protection.rtcpOverhead;
  }

  /** The new length; `bytes` has room for it. -1 for no RTP, and for a sequence number used before: its keystream must not serve twice (§9.1). */
  protectRtp(bytes: Uint8Array, length: number): number {
    const payloadAt = payloadOffset(bytes, length);
    if (payloadAt < 0 || length + this.rtpOverhead > bytes.length) return -1;
    const source = this.#rtp.find(readWord(bytes, RTP_SSRC_AT));
    if (source === undefined) return -1;
    const index = source.indexOf(sequenceOf(bytes));
    if (!source.isFresh(index)) return -1;
    this.#rtp.commit(source, index);
    return this.#protection.sealRtp(bytes, payloadAt, length, index);
  }

  /** The length of the clear packet; -1 when it is not authentic, came before, or is no SRTP. */
  unprotectRtp(bytes: Uint8Array, length: number): number {
    if (length > bytes.length) return -1;
    const payloadAt = payloadOffset(bytes, length - this.rtpOverhead);
    if (payloadAt < 0) return -1;
    const source = this.#rtp.find(readWord(bytes, RTP_SSRC_AT));
    if (source === undefined) return -1;
    const sequence = sequenceOf(bytes);
    let index = source.indexOf(sequence);
    if (!source.isFresh(index)) return -1;
    let clear = this.#protection.openRtp(bytes, payloadAt, length, index);
    if (clear < 0 && source.highest < 0 && sequence < 0x8000) {
      // Senders begin below 2^15 (RFC 4568 §6.4); of one that did not, the packets before its first wrap may all have been lost.
      index += 0x10000;
      clear = this.#protection.openRtp(bytes, payloadAt, length, index);
    }
    if (clear >= 0) this.#rtp.commit(source, index);
    return clear;
  }

  /** The new length; `bytes` has room for it. -1 for no RTCP with a source, and past the key's last index. */
  protectRtcp(bytes: Uint8Array, length: number): number {
    if (length < RTCP_HEADER_BYTES || length + this.rtcpOverhead > bytes.length) return -1;
    const source = this.#rtcp.find(readWord(bytes, RTCP_SSRC_AT));
    if (source === undefined) return -1;
    const index = source.highest + 1;
    if (index > LAST_RTCP_INDEX) return -1;
    this.#rtcp.commit(source, index);
    return this.#protection.sealRtcp(bytes, length, index);
  }

  /** The length of the clear packet; -1 when it is not authentic, not encrypted, came before, or is no SRTCP. */
  unprotectRtcp(bytes: Uint8Array, length: number): number {
    if (length > bytes.length || length < RTCP_HEADER_BYTES + this.rtcpOverhead || bytes[0]! >> 6 !== RTP_VERSION) return -1;
    const index = readRtcpIndex(bytes, length - this.#protection.rtcpIndexFromEnd);
    const source = this.#rtcp.find(readWord(bytes, RTCP_SSRC_AT));
    if (source === undefined || !source.isFresh(index)) return -1;
    const clear = this.#protection.openRtcp(bytes, length, index);
    if (clear >= 0) this.#rtcp.commit(source, index);
    return clear;
  }
}

/** Every source has indices of its own. One that nobody has vouched for yet takes no memory. */
class Sources {
  readonly #known = new Map<number, ReplayWindow>();
  #lastSsrc = -1;
  #last = new ReplayWindow();
  /** For the source that may turn out to be one. */
  #candidate = new ReplayWindow();

  /** Undefined: one too many. */
  find(ssrc: number): ReplayWindow | undefined {
    if (ssrc === this.#lastSsrc) return this.#last;
    const window = this.#known.get(ssrc) ?? (this.#known.size < MOST_SOURCES ? this.#candidate : undefined);
    if (window === undefined) return undefined;
    this.#lastSsrc = ssrc;
    this.#last = window;
    return window;
  }

  /** Of the source found last. */
  commit(window: ReplayWindow, index: number): void {
    window.commit(index);
    if (window !== this.#candidate) return;
    this.#known.set(this.#lastSsrc, window);
    this.#candidate = new ReplayWindow();
  }
}

function sequenceOf(bytes: Uint8Array): number {
  return (bytes[2]! << 8) | bytes[3]!;
}

/** Where the payload of an RTP packet starts, -1 when there is none. Its padding is encrypted, and not looked at. */
function payloadOffset(bytes: Uint8Array, length: number): number {
  if (length < RTP_HEADER_BYTES || bytes[0]! >> 6 !== RTP_VERSION) return -1;
  let offset = RTP_HEADER_BYTES + 4 * (bytes[0]! & 0x0f);
  if ((bytes[0]! & 0x10) !== 0) {
    if (offset + 4 > length) return -1;
    offset += 4 + 4 * ((bytes[offset + 2]! << 8) | bytes[offset + 3]!);
  }
  return offset > length ? -1 : offset;
}
