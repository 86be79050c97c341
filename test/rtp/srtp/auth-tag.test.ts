import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { HmacSha1 } from '../../../src/rtp/srtp/auth-tag.js';

describe('the authentication tag, RFC 3711 §4.2', () => {
  test('is HMAC-SHA1 (RFC 2104) for every length to 300, with the roll-over counter behind and without', () => {
    for (const keyBytes of [20, 64]) {
      const key = randomBytes(keyBytes);
      const hmac = new HmacSha1(key);
      for (let length = 0; length <= 300; length++) {
        const bytes = Buffer.concat([randomBytes(length), Buffer.alloc(20)]);
        const message = bytes.subarray(0, length);
        hmac.write(bytes, length, undefined, length, 20);
        expect(bytes.subarray(length).equals(createHmac('sha1', key).update(message).digest())).toBe(true);
        hmac.write(bytes, length, 0xfedcba98, length, 20);
        const counter = Buffer.from('fedcba98', 'hex');
        expect(bytes.subarray(length).equals(createHmac('sha1', key).update(message).update(counter).digest())).toBe(true);
      }
    }
  });

  test('RFC 2202 case 1', () => {
    const bytes = Buffer.concat([Buffer.from('Hi There'), Buffer.alloc(20)]);
    new HmacSha1(Buffer.alloc(20, 0x0b)).write(bytes, 8, undefined, 8, 20);
    expect(bytes.toString('hex', 8)).toBe('b617318655057264e28bc0b6fb378c8ef146be00');
  });

  test('one bit anywhere, of message, tag or counter, and it does not verify', () => {
    const hmac = new HmacSha1(randomBytes(20));
    const bytes = randomBytes(100);
    hmac.write(bytes, 90, 5, 90, 10);
    expect(hmac.verify(bytes, 90, 5, 90, 10)).toBe(true);
    expect(hmac.verify(bytes, 90, 4, 90, 10)).toBe(false);
    expect(hmac.verify(bytes, 90, undefined, 90, 10)).toBe(false);
    for (let bit = 0; bit < 800; bit++) {
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      expect(hmac.verify(bytes, 90, 5, 90, 10)).toBe(false);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
    }
  });
});
