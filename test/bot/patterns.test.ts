import { describe, expect, test } from 'vitest';
import { Patterns } from '../../src/bot/patterns.js';
import { parseUri } from '../../src/sip/message/uri.js';

describe('numbers, users and addresses in a list', () => {
  test.each([
    ['+1900*', 'sip:+19005550100@carrier.example', true],
    ['+1900*', 'sip:+1900@carrier.example', true],
    ['+1900*', 'sip:+1800@carrier.example', false],
    ['+1 (900) 555-0100', 'sip:+19005550100@carrier.example', true],
    ['+1 (900) 555-0100', 'tel:+1-900-555-0100', true],
    ['+19005550100', 'sip:+19005550100;phone-context=x@carrier.example;user=phone', true],
    ['+19005550100', 'sip:%2B19005550100@carrier.example', true],
    ['eve', 'sip:EVE@example.com', true],
    ['eve', 'sip:evelyn@example.com', false],
    ['sip:eve@example.com', 'sips:eve@EXAMPLE.com:5061', true],
    ['sip:eve@example.com', 'sip:eve@example.org', false],
    ['*@example.com', 'sip:anybody@example.com', true],
    ['*@example.com', 'sip:anybody@sub.example.com', false],
    ['anonymous', 'sip:anonymous@anonymous.invalid', true],
    ['anonymous', 'sip:Restricted@192.0.2.1', true],
    ['anonymous', 'sip:192.0.2.1', true],
    ['*', 'sip:whoever@wherever', true],
  ])('%s and %s: %s', (pattern, uri, expected) => {
    expect(new Patterns([pattern]).has(parseUri(uri)!)).toBe(expected);
  });

  test('as text, the way people write it', () => {
    const patterns = new Patterns(['+1900*', '666']);
    expect(['+1 900 1', 'tel:+1-900-1', 'sip:666@x', '666', '6661', 'hello'].map((text) => patterns.hasText(text))).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(new Patterns([]).hasText('666')).toBe(false);
  });
});
