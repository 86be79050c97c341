import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type CryptoSuite,
  chooseCryptoLine,
  cryptoKeyLength,
  cryptoKeysFrom,
  matchCryptoAnswer,
  parseCryptoLine,
  writeCryptoLine,
} from '../../../src/rtp/srtp/crypto-line.js';

const KEY = 'PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR';
const suites: CryptoSuite[] = [
  'AES_CM_128_HMAC_SHA1_80',
  'AES_CM_128_HMAC_SHA1_32',
  'AES_192_CM_HMAC_SHA1_80',
  'AES_256_CM_HMAC_SHA1_80',
  'AEAD_AES_128_GCM',
  'AEAD_AES_256_GCM',
];

describe('a=crypto, RFC 4568', () => {
  test('§9.1 the example: lifetime and MKI are read, the key is what the base64 says', () => {
    const line = parseCryptoLine(`1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|2^20|1:4`);
    expect(line?.tag).toBe(1);
    expect(line?.keys.suite).toBe('AES_CM_128_HMAC_SHA1_80');
    expect(Buffer.concat([line!.keys.masterKey, line!.keys.masterSalt]).toString('base64')).toBe(KEY);
    expect(line?.keys.masterKey.length).toBe(16);
    expect(line?.keys.masterSalt.length).toBe(14);
    expect([...line!.keys.mki!]).toEqual([0, 0, 0, 1]);
  });

  test('§6.1 an MKI without a lifetime, and a lifetime without an MKI', () => {
    expect([...parseCryptoLine(`7 AES_CM_128_HMAC_SHA1_32 inline:${KEY}|258:2`)!.keys.mki!]).toEqual([1, 2]);
    expect(parseCryptoLine(`7 AES_CM_128_HMAC_SHA1_32 inline:${KEY}|2^31`)?.keys.mki).toBeUndefined();
    expect(parseCryptoLine(`7 AES_CM_128_HMAC_SHA1_32 inline:${KEY}|1048576`)).toBeDefined();
  });

  test.each([
    ['KDR=1', undefined],
    ['UNENCRYPTED_SRTP', undefined],
    ['UNENCRYPTED_SRTCP', undefined],
    ['UNAUTHENTICATED_SRTP', undefined],
    ['WSH=64 UNENCRYPTED_SRTCP', undefined],
    ['FEC_ORDER=FEC_SRTP', undefined],
    ['X_UNKNOWN', undefined],
    ['WSH=64', 3],
    ['KDR=0', 3],
    ['-X_UNKNOWN WSH=128', 3],
  ])('§6.3 session parameter %s: the line is refused unless the packets stay as they were', (parameters, tag) => {
    expect(parseCryptoLine(`3 AES_CM_128_HMAC_SHA1_80 inline:${KEY} ${parameters}`)?.tag).toBe(tag);
  });

  test.each([
    ['no key', '1 AES_CM_128_HMAC_SHA1_80'],
    ['a suite nobody knows', `1 F8_128_HMAC_SHA1_80 inline:${KEY}`],
    ['a property of every object for a suite', `1 constructor inline:${KEY}`],
    ['a key that is too short', '1 AES_CM_128_HMAC_SHA1_80 inline:AAAA'],
    ['a key that is too long', `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}AAAA`],
    ['a key that is not base64', `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY.slice(0, -1)}!`],
    ['two keys', `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|1:1;inline:${KEY}|2:1`],
    ['an MKI of no bytes', `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|1:0`],
    ['an MKI that does not fit its bytes', `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|256:1`],
    ['an MKI longer than RFC 3711 has', `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|1:129`],
    ['a tag of ten digits', `1234567890 AES_CM_128_HMAC_SHA1_80 inline:${KEY}`],
    ['a method that is not inline', `1 AES_CM_128_HMAC_SHA1_80 uri:${KEY}`],
    ['nothing', ''],
    ['a line without end', `1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}|1:${'9'.repeat(100_000)}`],
  ])('§5.1.2 %s: passed over', (_what, value) => {
    expect(parseCryptoLine(value)).toBeUndefined();
  });

  test('§5.1.2 the answerer takes the first line, in the order offered, that it can do', () => {
    const offered = [
      `1 F8_128_HMAC_SHA1_80 inline:${KEY}`,
      `2 AES_CM_128_HMAC_SHA1_32 inline:${KEY}`,
      `3 AES_CM_128_HMAC_SHA1_80 inline:${KEY}`,
    ];
    expect(chooseCryptoLine(offered, suites)?.tag).toBe(2);
    expect(chooseCryptoLine(offered, ['AES_CM_128_HMAC_SHA1_80'])?.tag).toBe(3);
    expect(chooseCryptoLine(offered, ['AEAD_AES_256_GCM'])).toBeUndefined();
  });

  test('§5.1.3 the answer names our line by tag and suite; a foreign tag passes only when the suite leaves no doubt', () => {
    const keys = (fill: number) => cryptoKeysFrom('AES_CM_128_HMAC_SHA1_80', new Uint8Array(30).fill(fill));
    const short = cryptoKeysFrom('AES_CM_128_HMAC_SHA1_32', new Uint8Array(30).fill(9));
    const offered = [
      { tag: 1, keys: keys(1) },
      { tag: 2, keys: short },
    ];
    const said = (tag: number, suite: string) => `${tag} ${suite} inline:${KEY}`;
    expect(matchCryptoAnswer(offered, [said(2, 'AES_CM_128_HMAC_SHA1_32')])?.ours.tag).toBe(2);
    expect(matchCryptoAnswer(offered, [said(1, 'AES_CM_128_HMAC_SHA1_32')])?.ours.tag).toBe(2);
    expect(matchCryptoAnswer(offered, [said(1, 'AEAD_AES_128_GCM')])).toBeUndefined();
    expect(matchCryptoAnswer([...offered, { tag: 3, keys: keys(3) }], [said(9, 'AES_CM_128_HMAC_SHA1_80')])).toBeUndefined();
  });

  test('what is written is read back, for every suite, with and without MKI', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...suites),
        fc.integer({ min: 0, max: 999_999_999 }),
        fc.uint8Array({ minLength: 46, maxLength: 46 }),
        fc.option(fc.uint8Array({ minLength: 1, maxLength: 128 }), { nil: undefined }),
        (suite, tag, bytes, mki) => {
          const keys = cryptoKeysFrom(suite, bytes);
          expect(keys.masterKey.length + keys.masterSalt.length).toBe(cryptoKeyLength(suite));
          const line = { tag, keys: mki ? { ...keys, mki } : keys };
          expect(parseCryptoLine(writeCryptoLine(line))).toEqual(line);
        },
      ),
    );
  });

  test('any text is read or refused, never a throw', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
        (text) => {
          parseCryptoLine(text);
          const read = parseCryptoLine(`1 AES_CM_128_HMAC_SHA1_80 inline:${text}`);
          expect(read === undefined || read.keys.masterKey.length === 16).toBe(true);
        },
      ),
    );
  });
});
