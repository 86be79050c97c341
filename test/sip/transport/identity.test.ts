import { describe, expect, test } from 'vitest';
import { checkIdentity, sipIdentities } from '../../../src/sip/transport/identity.js';

describe('RFC 5922 §7.1: whom a certificate speaks for', () => {
  test.each([
    ['a sip URI', 'URI:sip:example.com', undefined, ['example.com']],
    ['the scheme in any case', 'URI:SIP:example.com', undefined, ['example.com']],
    ['sip URIs leave DNS names without a say', 'URI:sip:example.com, DNS:a.example.com', undefined, ['example.com']],
    ['a URI with a user identifies a person, not a domain', 'URI:sip:alice@example.com, DNS:a.example.com', undefined, ['a.example.com']],
    ['another scheme does not count', 'URI:https://example.com, DNS:a.example.com', undefined, ['a.example.com']],
    ['sips is not sip', 'URI:sips:example.com', undefined, []],
    ['DNS names', 'DNS:a.example.com, DNS:b.example.com', undefined, ['a.example.com', 'b.example.com']],
    ['with a subjectAltName the CN does not count', 'DNS:a.example.com', 'b.example.com', ['a.example.com']],
    ['with a subjectAltName of another kind neither', 'email:x@example.com', 'b.example.com', []],
    ['the CN where there is no subjectAltName', undefined, 'b.example.com', ['b.example.com']],
    ['nothing at all', undefined, undefined, []],
    ['a quoted value cannot smuggle another in', 'DNS:"evil.example, DNS:example.com"', undefined, ['evil.example, DNS:example.com']],
  ])('%s', (_rule, subjectaltname, CN, expected) => {
    expect(sipIdentities({ subjectaltname, subject: { ...(CN === undefined ? {} : { CN }) } })).toEqual(expected);
  });
});

describe('RFC 5922 §7.2: comparing', () => {
  const check = (host: string, subjectaltname: string, wildcards: 'exact' | 'one-label' = 'exact') =>
    checkIdentity(host, { subjectaltname }, wildcards) === undefined;

  test.each([
    ['the same', 'example.com', 'DNS:example.com', 'exact', true],
    ['in any case', 'EXAMPLE.com', 'DNS:Example.Com', 'exact', true],
    ['a final dot says nothing', 'example.com.', 'DNS:example.com', 'exact', true],
    ['a suffix does not match', 'foo.example.com', 'DNS:example.com', 'exact', false],
    ['a wildcard does not match', 'foo.example.com', 'DNS:*.example.com', 'exact', false],
    ['a wildcard matches one label when allowed', 'foo.example.com', 'DNS:*.example.com', 'one-label', true],
    ['not two', 'a.b.example.com', 'DNS:*.example.com', 'one-label', false],
    ['not none', 'example.com', 'DNS:*.example.com', 'one-label', false],
    ['never a top-level domain', 'example.com', 'DNS:*.com', 'one-label', false],
    ['an address by its iPAddress', '192.0.2.1', 'IP Address:192.0.2.1', 'exact', true],
    ['an IPv6 address in any spelling', '[2001:db8::1]', 'IP Address:2001:DB8:0:0:0:0:0:1', 'exact', true],
    ['another address', '192.0.2.1', 'IP Address:192.0.2.2', 'exact', false],
  ] as const)('%s', (_rule, host, names, wildcards, expected) => {
    expect(check(host, names, wildcards)).toBe(expected);
  });

  test('a thousand names: bounded work, no throw', () => {
    const names = Array.from({ length: 5000 }, (_, i) => `DNS:${i}.example.com`).join(', ');
    expect(check('4999.example.com', names)).toBe(false);
    expect(check('7.example.com', names)).toBe(true);
  });
});
