import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { digestHash, digestResponse, ha1Of, isSameDigest, parseVariant, writeVariant } from '../../../src/sip/auth/digest.js';

interface Vector {
  readonly source: string;
  readonly method: string;
  readonly username: string;
  readonly password: string;
  readonly realm: string;
  readonly nonce: string;
  readonly uri: string;
  readonly qop: 'auth';
  readonly nc: string;
  readonly cnonce: string;
  readonly algorithm: string;
  readonly response: string;
  readonly recomputed: string;
}

const { vectors } = JSON.parse(readFileSync(new URL('../../data/digest-vectors/vectors.json', import.meta.url), 'utf8')) as {
  vectors: Vector[];
};
const empty = new Uint8Array(0);

describe('digest vectors', () => {
  // RFC 7616 §3.9.2 prints SHA-512 cut to 256 bits (an erratum); `recomputed` is FIPS SHA-512/256, and equals `response` everywhere else.
  test.each(vectors.map((vector) => [vector.source, vector] as const))('%s', (_source, vector) => {
    const variant = parseVariant(vector.algorithm)!;
    const ha1 = ha1Of(variant.algorithm, vector.username, vector.realm, vector.password);
    expect(digestResponse({ ...vector, variant, ha1, body: empty })).toBe(vector.recomputed);
  });

  test('the vectors are there', () => {
    expect(vectors.map(({ algorithm }) => algorithm)).toEqual(['MD5', 'MD5', 'SHA-256', 'SHA-512-256']);
  });
});

describe('RFC 7616 §3.4: the forms of the sum', () => {
  const input = {
    variant: parseVariant('MD5')!,
    ha1: 'a'.repeat(32),
    nonce: 'n',
    method: 'INVITE',
    uri: 'sip:b',
    qop: 'auth' as const,
    nc: '00000001',
    cnonce: 'c',
    body: empty,
  };

  test('-sess puts nonce and cnonce into the key', () => {
    const key = digestHash('MD5', `${input.ha1}:n:c`);
    expect(digestResponse({ ...input, variant: parseVariant('MD5-sess')! })).toBe(digestResponse({ ...input, ha1: key }));
  });

  test('auth-int counts the body; RFC 8760 §2.6.7: no body is the hash of nothing', () => {
    const signed = digestResponse({ ...input, qop: 'auth-int' });
    expect(signed).toBe(
      digestHash('MD5', `${input.ha1}:n:00000001:c:auth-int:${digestHash('MD5', `INVITE:sip:b:${digestHash('MD5', '')}`)}`),
    );
    expect(digestResponse({ ...input, qop: 'auth-int', body: Uint8Array.of(1) })).not.toBe(signed);
    expect(digestResponse({ ...input, body: Uint8Array.of(1) })).toBe(digestResponse(input));
  });

  test('without qop, the form of RFC 2069', () => {
    expect(digestResponse({ ...input, qop: undefined })).toBe(digestHash('MD5', `${input.ha1}:n:${digestHash('MD5', 'INVITE:sip:b')}`));
  });

  test.each([
    [undefined, 'MD5'],
    ['md5', 'MD5'],
    ['MD5-sess', 'MD5-sess'],
    ['SHA-256', 'SHA-256'],
    ['sha-256-SESS', 'SHA-256-sess'],
    ['SHA-512-256', 'SHA-512-256'],
    ['AKAv1-MD5', undefined],
    ['', undefined],
  ])('algorithm %s', (text, name) => {
    const variant = parseVariant(text);
    expect(variant && writeVariant(variant)).toBe(name);
  });

  test('digests are compared in any case', () => {
    expect(isSameDigest('abCD', 'ABcd')).toBe(true);
    expect(isSameDigest('abcd', 'abce')).toBe(false);
    expect(isSameDigest('abcd', 'abcde')).toBe(false);
  });
});
