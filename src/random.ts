/** Chance, as everything here sees it: tags, branches, Call-IDs, SSRCs. 128 bits from the system, never Math.random. */
import { randomFillSync } from 'node:crypto';

export interface Random {
  /** A 32-bit unsigned integer: SSRCs, first sequence numbers, spreading of timers. */
  uint32(): number;
  /** 26 characters of [a-z2-7], 128 bits: tags, branches, Call-IDs, nonces. */
  token(): string;
  /** A new array of `length` random bytes: keys, salts. */
  bytes(length: number): Uint8Array;
  /** Uniform in [0, 1). */
  fraction(): number;
}

const ALPHABET = Buffer.from('abcdefghijklmnopqrstuvwxyz234567', 'latin1');

/** 16 bytes as 26 characters of base 32 (RFC 4648 §6, lower case, no padding). Made as bytes: a text put together by letters stays a tree of them. */
export function tokenFrom(source: Uint8Array, offset: number): string {
  const text = Buffer.allocUnsafe(26);
  let at = 0;
  let bits = 0;
  let value = 0;
  for (let i = 0; i < 16; i++) {
    value = ((value << 8) | source[offset + i]!) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text[at++] = ALPHABET[(value >>> bits) & 31]!;
    }
  }
  text[at] = ALPHABET[(value << (5 - bits)) & 31]!;
  return text.toString('latin1');
}

/** One system call fills a pool that serves hundreds of draws. */
class SystemRandom implements Random {
  readonly #pool = new Uint8Array(8192);
  readonly #view = new DataView(this.#pool.buffer);
  #at = this.#pool.length;

  uint32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  token(): string {
    return tokenFrom(this.#pool, this.#take(16));
  }

  bytes(length: number): Uint8Array {
    return randomFillSync(new Uint8Array(length));
  }

  fraction(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  #take(length: number): number {
    if (this.#at + length > this.#pool.length) {
      randomFillSync(this.#pool);
      this.#at = 0;
    }
    const at = this.#at;
    this.#at += length;
    return at;
  }
}

export const systemRandom: Random = new SystemRandom();
