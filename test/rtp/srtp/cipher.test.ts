import { createCipheriv, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { AesCounter } from '../../../src/rtp/srtp/cipher.js';

interface Keystream {
  readonly source: string;
  readonly session_key: string;
  readonly offset: string;
  readonly blocks: readonly { readonly counter: string; readonly keystream: string }[];
}

const { aes_cm_keystream: vectors } = JSON.parse(readFileSync(new URL('../../data/srtp/rfc3711-6188.json', import.meta.url), 'utf8')) as {
  aes_cm_keystream: Keystream[];
};

/** RFC 3711 §4.1.1 once more, by another way: a CTR cipher for each packet. */
function reference(key: Buffer, salt: Buffer, ssrc: number, index: number, length: number): string {
  const iv = Buffer.alloc(16);
  iv.set(salt);
  iv.writeUInt32BE((iv.readUInt32BE(4) ^ ssrc) >>> 0, 4);
  const counted = Buffer.alloc(8);
  counted.writeUIntBE(index, 2, 6);
  for (let i = 2; i < 8; i++) iv[6 + i]! ^= counted[i]!;
  return createCipheriv(`aes-${key.length * 8}-ctr`, key, iv)
    .update(Buffer.alloc(length))
    .toString('hex');
}

function keystream(cipher: AesCounter, ssrc: number, index: number, length: number): string {
  const bytes = Buffer.alloc(length);
  cipher.apply(bytes, 0, length, ssrc, index);
  return bytes.toString('hex');
}

describe('AES in counter mode', () => {
  test.each(vectors)('$source: every block of the keystream exact, the last of 65282 too', ({ session_key, offset, blocks }) => {
    const salt = Buffer.from(offset, 'hex').subarray(0, 14);
    const cipher = new AesCounter(Buffer.from(session_key, 'hex'), salt);
    const bytes = Buffer.alloc(0xff02 * 16);
    cipher.apply(bytes, 0, bytes.length, 0, 0);
    for (const { counter, keystream } of blocks) {
      const at = Number.parseInt(counter.slice(28), 16) * 16;
      expect(bytes.subarray(at, at + 16).toString('hex')).toBe(keystream);
    }
  });

  test('§4.1.1 source and all 48 bits of the index are in the keystream', () => {
    const key = randomBytes(16);
    const salt = randomBytes(14);
    const cipher = new AesCounter(key, salt);
    for (const ssrc of [0, 1, 0x12345678, 0xffffffff])
      for (const index of [0, 1, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 0x123456789abc, 2 ** 48 - 1])
        expect(keystream(cipher, ssrc, index, 172)).toBe(reference(key, salt, ssrc, index, 172));
  });

  test('made ahead or not, in order or not, short or long: the same keystream', () => {
    const key = randomBytes(32);
    const salt = randomBytes(14);
    const cipher = new AesCounter(key, salt, 8);
    const order = [
      0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 11, 13, 14, 15, 16, 17, 40, 41, 42, 43, 42, 41, 5, 44, 45, 46, 47, 48, 49, 50, 51, 52,
    ];
    const lengths = [160, 160, 172, 160, 1, 33, 240, 320, 0, 16, 1920, 2047, 2048, 2049, 5000];
    for (const [n, index] of order.entries()) {
      const length = lengths[n % lengths.length]!;
      expect(keystream(cipher, 7, index, length)).toBe(reference(key, salt, 7, index, length));
      expect(keystream(cipher, 7, index + 65_530, 160)).toBe(reference(key, salt, 7, index + 65_530, 160));
    }
    for (let index = 65_500; index < 65_600; index++) expect(keystream(cipher, 9, index, 160)).toBe(reference(key, salt, 9, index, 160));
  });
});
