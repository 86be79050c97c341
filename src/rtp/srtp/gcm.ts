/** AES-GCM over one packet: RFC 7714. Its tag is part of the cipher text, and the MKI stands behind all. */
import { type CipherGCMTypes, createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import type { CryptoKeys } from './crypto-line.js';
import { deriveKeys, type SessionKeys } from './keys.js';
import {
  isMki,
  type Protection,
  RTCP_HEADER_BYTES,
  RTCP_INDEX_BYTES,
  RTCP_SSRC_AT,
  RTP_SSRC_AT,
  readWord,
  writeRtcpIndex,
  writeWord,
} from './protection.js';

const TAG_BYTES = 16;
const TAG = { authTagLength: TAG_BYTES };
const IV_BYTES = 12;
const NO_MKI = new Uint8Array(0);

/** Reused: a cipher copies its IV when it is made. */
const iv = Buffer.alloc(IV_BYTES);
/** §9.2: of SRTCP the header and the index word are authenticated. */
const rtcpData = Buffer.alloc(RTCP_HEADER_BYTES + RTCP_INDEX_BYTES);

/**
 * ```
 * SRTP   header | payload, encrypted | tag | MKI
 * SRTCP  8 bytes | the rest, encrypted | tag | E, index | MKI
 * ```
 */
export class GcmMode implements Protection {
  readonly rtpOverhead: number;
  readonly rtcpOverhead: number;
  readonly rtcpIndexFromEnd: number;
  readonly #keys: CryptoKeys;
  readonly #mki: Uint8Array;
  readonly #rtp: Aead;
  #rtcp: Aead | undefined;

  constructor(keys: CryptoKeys) {
    this.#keys = keys;
    this.#mki = keys.mki ?? NO_MKI;
    this.#rtp = new Aead(deriveKeys(keys, 'rtp'));
    this.rtpOverhead = TAG_BYTES + this.#mki.length;
    this.rtcpIndexFromEnd = RTCP_INDEX_BYTES + this.#mki.length;
    this.rtcpOverhead = TAG_BYTES + this.rtcpIndexFromEnd;
  }

  sealRtp(bytes: Uint8Array, payloadAt: number, length: number, index: number): number {
    this.#rtp.seal(rtpIv(bytes, index), bytes.subarray(0, payloadAt), bytes, payloadAt, length);
    bytes.set(this.#mki, length + TAG_BYTES);
    return length + this.rtpOverhead;
  }

  openRtp(bytes: Uint8Array, payloadAt: number, length: number, index: number): number {
    const end = length - this.rtpOverhead;
    if (!isMki(bytes, end + TAG_BYTES, this.#mki)) return -1;
    return this.#rtp.open(rtpIv(bytes, index), bytes.subarray(0, payloadAt), bytes, payloadAt, end) ? end : -1;
  }

  sealRtcp(bytes: Uint8Array, length: number, index: number): number {
    this.#rtcp ??= new Aead(deriveKeys(this.#keys, 'rtcp'));
    const indexAt = length + TAG_BYTES;
    writeRtcpIndex(bytes, indexAt, index);
    this.#rtcp.seal(rtcpIv(bytes, index), rtcpAssociated(bytes, indexAt), bytes, RTCP_HEADER_BYTES, length);
    bytes.set(this.#mki, indexAt + RTCP_INDEX_BYTES);
    return length + this.rtcpOverhead;
  }

  openRtcp(bytes: Uint8Array, length: number, index: number): number {
    this.#rtcp ??= new Aead(deriveKeys(this.#keys, 'rtcp'));
    const end = length - this.rtcpOverhead;
    const indexAt = end + TAG_BYTES;
    if (!isMki(bytes, indexAt + RTCP_INDEX_BYTES, this.#mki)) return -1;
    return this.#rtcp.open(rtcpIv(bytes, index), rtcpAssociated(bytes, indexAt), bytes, RTCP_HEADER_BYTES, end) ? end : -1;
  }
}

/** One key with its salt. A cipher object for each packet is what GCM costs here: its IV cannot be changed. */
export class Aead {
  readonly #algorithm: CipherGCMTypes;
  readonly #key: KeyObject;
  readonly #salt: Uint8Array;

  constructor({ cipher, salt }: Pick<SessionKeys, 'cipher' | 'salt'>) {
    this.#algorithm = cipher.length === 32 ? 'aes-256-gcm' : 'aes-128-gcm';
    this.#key = createSecretKey(cipher);
    this.#salt = salt;
  }

  /** Encrypts `from` to before `to`, and writes the tag at `to`. `place` is the IV before the salt is laid over it (§8.1, §9.1). */
  seal(place: Buffer, associated: Uint8Array, bytes: Uint8Array, from: number, to: number): void {
    const cipher = createCipheriv(this.#algorithm, this.#key, this.#salted(place), TAG);
    cipher.setAAD(associated);
    bytes.set(cipher.update(bytes.subarray(from, to)), from);
    cipher.final();
    bytes.set(cipher.getAuthTag(), to);
  }

  /** Decrypts in place if the tag at `to` is right, else leaves all as it is. */
  open(place: Buffer, associated: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
    const decipher = createDecipheriv(this.#algorithm, this.#key, this.#salted(place), TAG);
    decipher.setAAD(associated);
    decipher.setAuthTag(bytes.subarray(to, to + TAG_BYTES));
    const clear = decipher.update(bytes.subarray(from, to));
    try {
      decipher.final();
    } catch {
      // Node says "not authentic" by throwing, and has no other way.
      return false;
    }
    bytes.set(clear, from);
    return true;
  }

  #salted(place: Buffer): Buffer {
    for (let i = 0; i < IV_BYTES; i++) place[i]! ^= this.#salt[i]!;
    return place;
  }
}

/** §8.1: two zeros, SSRC, roll-over counter, sequence number. */
export function rtpIv(bytes: Uint8Array, index: number): Buffer {
  iv[0] = iv[1] = 0;
  writeWord(iv, 2, readWord(bytes, RTP_SSRC_AT));
  writeWord(iv, 6, index / 0x10000);
  iv[10] = index >>> 8;
  iv[11] = index;
  return iv;
}

/** §9.1: two zeros, SSRC, two zeros, index. */
export function rtcpIv(bytes: Uint8Array, index: number): Buffer {
  iv[0] = iv[1] = iv[6] = iv[7] = 0;
  writeWord(iv, 2, readWord(bytes, RTCP_SSRC_AT));
  writeWord(iv, 8, index);
  return iv;
}

function rtcpAssociated(bytes: Uint8Array, indexAt: number): Buffer {
  rtcpData.set(bytes.subarray(0, RTCP_HEADER_BYTES));
  rtcpData.set(bytes.subarray(indexAt, indexAt + RTCP_INDEX_BYTES), RTCP_HEADER_BYTES);
  return rtcpData;
}
