import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OptionError } from '../../../src/errors.js';
import { Params } from '../../../src/sip/message/params.js';
import { parseUri, Uri } from '../../../src/sip/message/uri.js';

/** No lone surrogate: UTF-8 has none. */
const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text);

const uri = (text: string): Uri => {
  const parsed = parseUri(text);
  if (!parsed) throw new Error(`no URI: ${text}`);
  return parsed;
};

describe('parseUri', () => {
  test.each([
    ['sip:alice@atlanta.com', { scheme: 'sip', user: 'alice', host: 'atlanta.com' }],
    ['sip:alice:secretword@atlanta.com;transport=tcp', { user: 'alice', password: 'secretword', host: 'atlanta.com' }],
    ['sips:alice@atlanta.com?subject=project%20x&priority=urgent', { scheme: 'sips', user: 'alice' }],
    ['sip:+1-212-555-1212:1234@gateway.com;user=phone', { user: '+1-212-555-1212', password: '1234', host: 'gateway.com' }],
    ['sips:1212@gateway.com', { user: '1212' }],
    ['sip:alice@192.0.2.4', { host: '192.0.2.4' }],
    ['sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com', { user: undefined, host: 'atlanta.com' }],
    ['sip:alice;day=tuesday@atlanta.com', { user: 'alice;day=tuesday', host: 'atlanta.com' }],
    ['SIP:a@[2001:db8::1]:5070;lr', { scheme: 'sip', host: '2001:db8::1', port: 5070 }],
    ['sip:%61lice@host', { user: 'alice' }],
    ['tel:+1-201-555-0123;phone-context=example.com', { scheme: 'tel', user: '+1-201-555-0123', host: '' }],
    ['urn:service:sos', { scheme: 'urn', opaque: 'service:sos', host: '' }],
    ['http://www.example.com/a?b=c', { scheme: 'http', opaque: '//www.example.com/a?b=c' }],
    ['sip:*97#@pbx', { user: '*97#', host: 'pbx' }],
    ['sip:a_b@my_host', { host: 'my_host' }],
  ])('§19.1.1 %s', (text, parts) => {
    expect(uri(text)).toMatchObject(parts);
    expect(uri(text).toString()).toBe(text);
  });

  test.each([
    '',
    'sip',
    'sip:',
    ':x',
    'sip:@host',
    'sip:a@',
    'sip:a@b@c',
    'sip:a@h:port',
    'sip:a@h:65536',
    'sip:a@h:',
    'sip:a@[::1',
    'sip:a@[1:2]',
    'sip:a b@h',
    'sip:<a@h>',
    'sip:a@h;x=<',
    'sip:a%4@h',
    'sip:a%zz@h',
    'sip:a@h\r\n',
    'tel:',
    'tel:abcxyz',
    '1x:y',
    'http:a b',
    'sip:a@h;=v',
    'sip:a"@h',
  ])('§25.1 no URI: %j', (text) => {
    expect(parseUri(text)).toBeUndefined();
  });

  test('§19.1.2 parameters and headers are unescaped once', () => {
    const parsed = uri('sip:a@h;m%61ddr=1.2.3.4;x=a%2541?Subject=a%20b&Route=%3Csip:p%3Blr%3E');
    expect([parsed.params.get('maddr'), parsed.params.get('x')]).toEqual(['1.2.3.4', 'a%41']);
    expect([parsed.headers.get('subject'), parsed.headers.get('route')]).toEqual(['a b', '<sip:p;lr>']);
  });
});

describe('Uri.equals, RFC 3261 §19.1.4', () => {
  test.each([
    ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;security=on'],
    ['sip:carol@chicago.com;newparam=5', 'sip:carol@chicago.com;security=on'],
    [
      'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
      'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
    ],
    ['sip:alice@atlanta.com?subject=project%20x&priority=urgent', 'sip:alice@atlanta.com?priority=urgent&subject=project%20x'],
    ['sip:a@[2001:DB8::1]', 'sip:a@[2001:db8::1]'],
    ['tel:+1-201-555-0123', 'tel:+12015550123'],
    ['tel:863-1234;phone-context=+1-914-555', 'tel:8631234;phone-context=+1914555'],
  ])('%s = %s', (a, b) => {
    expect(uri(a).equals(uri(b))).toBe(true);
    expect(uri(b).equals(uri(a))).toBe(true);
  });

  test.each([
    ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
    ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off'],
    ['sip:a@h', 'sips:a@h'],
    ['sip:a@h', 'sip:a:@h'],
    ['sip:a@h;maddr=1.2.3.4', 'sip:a@h'],
    ['tel:8631234;phone-context=example.com', 'tel:8631234'],
  ])('%s ≠ %s', (a, b) => {
    expect(uri(a).equals(uri(b))).toBe(false);
    expect(uri(b).equals(uri(a))).toBe(false);
  });
});

describe('Uri', () => {
  test('what an application gives is escaped, and read back as it was', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (user, value) => {
        fc.pre(!/[\r\n\0]/.test(value) && isWellFormed(user) && isWellFormed(value));
        const built = new Uri({ user, host: 'example.com', params: Params.of({ x: value }, 'uri') });
        const again = uri(built.toString());
        expect([again.user, again.params.get('x')]).toEqual([user, value]);
      }),
    );
  });

  test('a host, port or scheme that is none is refused at once', () => {
    for (const parts of [
      { host: '' },
      { host: 'a b' },
      { host: 'a\r\nVia: x' },
      { host: 'h', port: 70000 },
      { host: 'h', scheme: 'a b' },
      { host: 'h', scheme: 'tel' },
    ]) {
      expect(() => new Uri(parts)).toThrow(OptionError);
    }
  });

  test('with() changes what is given and keeps the rest', () => {
    const changed = uri('sip:a@h:5070;lr?x=y').with({ user: 'b', port: undefined, host: '2001:db8::2' });
    expect(changed.toString()).toBe('sip:b@[2001:db8::2];lr?x=y');
  });
});
