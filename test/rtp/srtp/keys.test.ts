import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { OptionError } from '../../../src/errors.js';
import { cryptoKeysFrom } from '../../../src/rtp/srtp/crypto-line.js';
import { checkKeys, deriveKey } from '../../../src/rtp/srtp/keys.js';

interface Derivation {
  readonly source: string;
  readonly master_key: string;
  readonly master_salt: string;
  readonly cipher_key: string;
  readonly cipher_salt: string;
  readonly auth_key: string;
}

const { key_derivation: vectors } = JSON.parse(readFileSync(new URL('../../data/srtp/rfc3711-6188.json', import.meta.url), 'utf8')) as {
  key_derivation: Derivation[];
};

describe('the session keys', () => {
  test('three sets of vectors are there', () => expect(vectors).toHaveLength(3));

  test.each(vectors)('$source: cipher key, salt and authentication key exact', (vector) => {
    const derive = (label: number, like: string) =>
      deriveKey(Buffer.from(vector.master_key, 'hex'), Buffer.from(vector.master_salt, 'hex'), label, like.length / 2).toString('hex');
    expect(derive(0, vector.cipher_key)).toBe(vector.cipher_key);
    expect(derive(2, vector.cipher_salt)).toBe(vector.cipher_salt);
    expect(derive(1, vector.auth_key)).toBe(vector.auth_key);
  });

  test('keys of the wrong length are an OptionError that names them and shows nothing of them', () => {
    const keys = cryptoKeysFrom('AES_256_CM_HMAC_SHA1_80', Buffer.alloc(46, 0xee));
    expect(() => checkKeys(keys)).not.toThrow();
    for (const wrong of [
      { ...keys, masterKey: keys.masterKey.subarray(1) },
      { ...keys, masterSalt: new Uint8Array(12).fill(0xee) },
      { ...keys, mki: new Uint8Array(129) },
      { ...keys, suite: 'toString' as 'AEAD_AES_128_GCM' },
    ]) {
      expect(() => checkKeys(wrong)).toThrow(OptionError);
      expect(() => checkKeys(wrong)).not.toThrow(/ee|238/);
    }
  });
});
