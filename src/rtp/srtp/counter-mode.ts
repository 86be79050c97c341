/** AES-CM with HMAC-SHA1 over one packet: RFC 3711 §3.1, §3.4, §4; RFC 6188 for longer keys. */
import { HmacSha1 } from './auth-tag.js';
import { AesCounter } from './cipher.js';
import type { CryptoKeys } from './crypto-line.js';
import { deriveKeys, suiteTraits } from './keys.js';
import {
  isMki,
  type Protection,
  RTCP_HEADER_BYTES,
  RTCP_INDEX_BYTES,
  RTCP_SSRC_AT,
  RTP_SSRC_AT,
  readWord,
  writeRtcpIndex,
} from './protection.js';

/** RFC 4568 §6.2: SRTCP's tag is of 80 bits in every suite. */
const RTCP_TAG_BYTES = 10;
const PACKETS_AHEAD = 8;

interface Pair {
  readonly cipher: AesCounter;
  readonly auth: HmacSha1;
}

const NO_MKI = new Uint8Array(0);

/**
 * ```
 * SRTP   header | payload, encrypted | MKI | tag      the tag is over header, payload and the roll-over counter
 * SRTCP  8 bytes | the rest, encrypted | E, index | MKI | tag      and here over all before the MKI
 * ```
 */
export class CounterMode implements Protection {
  readonly rtpOverhead: number;
  readonly rtcpOverhead: number;
  readonly rtcpIndexFromEnd: number;
  readonly #keys: CryptoKeys;
  readonly #mki: Uint8Array;
  readonly #tagBytes: number;
  readonly #rtp: Pair;
  /** Made when the first RTCP packet comes. */
  #rtcp: Pair | undefined;

  constructor(keys: CryptoKeys) {
    this.#keys = keys;
    this.#mki = keys.mki ?? NO_MKI;
    this.#tagBytes = suiteTraits(keys.suite).tagBytes;
    this.#rtp = pair(keys, 'rtp', PACKETS_AHEAD);
    this.rtpOverhead = this.#mki.length + this.#tagBytes;
    this.rtcpOverhead = this.rtcpIndexFromEnd = RTCP_INDEX_BYTES + this.#mki.length + RTCP_TAG_BYTES;
  }

  sealRtp(bytes: Uint8Array, payloadAt: number, length: number, index: number): number {
    const { cipher, auth } = this.#rtp;
    cipher.apply(bytes, payloadAt, length, readWord(bytes, RTP_SSRC_AT), index);
    bytes.set(this.#mki, length);
    auth.write(bytes, length, index / 0x10000, length + this.#mki.length, this.#tagBytes);
    return length + this.rtpOverhead;
  }

  openRtp(bytes: Uint8Array, payloadAt: number, length: number, index: number): number {
    const { cipher, auth } = this.#rtp;
    const end = length - this.rtpOverhead;
    if (!isMki(bytes, end, this.#mki)) return -1;
    if (!auth.verify(bytes, end, index / 0x10000, length - this.#tagBytes, this.#tagBytes)) return -1;
    cipher.apply(bytes, payloadAt, end, readWord(bytes, RTP_SSRC_AT), index);
    return end;
  }

  sealRtcp(bytes: Uint8Array, length: number, index: number): number {
    const { cipher, auth } = this.#rtcpPair();
    cipher.apply(bytes, RTCP_HEADER_BYTES, length, readWord(bytes, RTCP_SSRC_AT), index);
    writeRtcpIndex(bytes, length, index);
    const signed = length + RTCP_INDEX_BYTES;
    bytes.set(this.#mki, signed);
    auth.write(bytes, signed, undefined, signed + this.#mki.length, RTCP_TAG_BYTES);
    return length + this.rtcpOverhead;
  }

  openRtcp(bytes: Uint8Array, length: number, index: number): number {
    const { cipher, auth } = this.#rtcpPair();
    const end = length - this.rtcpOverhead;
    const signed = end + RTCP_INDEX_BYTES;
    if (!isMki(bytes, signed, this.#mki)) return -1;
    if (!auth.verify(bytes, signed, undefined, length - RTCP_TAG_BYTES, RTCP_TAG_BYTES)) return -1;
    cipher.apply(bytes, RTCP_HEADER_BYTES, end, readWord(bytes, RTCP_SSRC_AT), index);
    return end;
  }

  #rtcpPair(): Pair {
    this.#rtcp ??= pair(this.#keys, 'rtcp', 1);
    return this.#rtcp;
  }
}

function pair(keys: CryptoKeys, protocol: 'rtp' | 'rtcp', packetsAhead: number): Pair {
  const { cipher, salt, auth } = deriveKeys(keys, protocol);
  return { cipher: new AesCounter(cipher, salt, packetsAhead), auth: new HmacSha1(auth) };
}
