import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { Aead, rtcpIv, rtpIv } from '../../../src/rtp/srtp/gcm.js';

interface Vector {
  readonly title: string;
  readonly Key: string;
  readonly AAD: string;
  readonly PT?: string;
  readonly CT?: string;
  readonly IV: string;
  readonly packets: readonly { readonly hex: string }[];
  readonly computed_ct_and_tag?: string;
  readonly computed_pt?: string;
  readonly computed_tag?: string;
}

const { vectors } = JSON.parse(readFileSync(new URL('../../data/srtp/rfc7714.json', import.meta.url), 'utf8')) as { vectors: Vector[] };
/** RFC 7714 §16, §17: the salt of all of them. */
const SALT = Buffer.from('517569642070726f2071756f', 'hex');

const unsalted = (iv: string) => Buffer.from(iv, 'hex').map((byte, i) => byte ^ SALT[i]!) as Buffer;
const hex = (text = '') => Buffer.from(text, 'hex');

describe('AES-GCM, RFC 7714 §16 and §17', () => {
  test('twelve vectors are there', () => expect(vectors).toHaveLength(12));

  test.each(vectors)('$title exact', (vector) => {
    const aead = new Aead({ cipher: hex(vector.Key), salt: SALT });
    const place = () => unsalted(vector.IV);
    const sealed = vector.computed_ct_and_tag ?? vector.computed_tag;
    if (sealed !== undefined) {
      const clear = hex(vector.PT);
      const bytes = Buffer.concat([clear, Buffer.alloc(16)]);
      aead.seal(place(), hex(vector.AAD), bytes, 0, clear.length);
      expect(bytes.toString('hex')).toBe(sealed);
    }
    const cipherText = hex(sealed ?? vector.CT);
    const end = cipherText.length - 16;
    const before = cipherText.toString('hex');
    for (let i = 0; i < cipherText.length; i++) {
      cipherText[i]! ^= 0x10;
      expect(aead.open(place(), hex(vector.AAD), cipherText, 0, end)).toBe(false);
      cipherText[i]! ^= 0x10;
    }
    expect(cipherText.toString('hex')).toBe(before);
    expect(aead.open(place(), hex(vector.AAD), cipherText, 0, end)).toBe(true);
    expect(cipherText.toString('hex', 0, end)).toBe(vector.PT ?? vector.computed_pt ?? '');
  });

  test('§8.1, §9.1 the IVs of the vectors come from their packets', () => {
    for (const { title, IV, packets } of vectors) {
      const packet = hex(packets[0]!.hex);
      const iv = title.includes('SRTCP') ? rtcpIv(packet, 0x5d4) : rtpIv(packet, packet.readUInt16BE(2));
      expect(iv.toString('hex')).toBe(unsalted(IV).toString('hex'));
    }
  });

  test('§8.1 the roll-over counter stands before the sequence number', () => {
    expect(rtpIv(hex('8040f17b8041f8d35501a0b2'), 0x12345678f17b).toString('hex')).toBe('00005501a0b212345678f17b');
  });
});
