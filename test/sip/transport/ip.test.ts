import { describe, expect, test } from 'vitest';
import { hostTextOf, isIP, isSameAddress, PRIVATE_NETWORKS, plainAddress, Subnets } from '../../../src/sip/transport/ip.js';

describe('addresses', () => {
  test.each([
    ['192.0.2.1', 4],
    ['255.255.255.255', 4],
    ['256.0.0.1', 0],
    ['1.2.3', 0],
    ['1.2.3.4.5', 0],
    ['1..2.3', 0],
    ['::', 6],
    ['::1', 6],
    ['2001:db8::8a2e:370:7334', 6],
    ['2001:db8:0:0:8:800:200c:417a', 6],
    ['::ffff:192.0.2.1', 6],
    ['1::2::3', 0],
    ['1:2:3:4:5:6:7', 0],
    ['1:2:3:4:5:6:7:8:9', 0],
    ['12345::', 0],
    [':::', 0],
    ['1:2:3:4:5:6:7::', 6],
    ['1:2:3:4:5:6:7:8::', 0],
    ['example.com', 0],
    ['[::1]', 0],
    ['', 0],
  ])('RFC 4291 §2.2: %s is of version %i', (text, version) => {
    expect(isIP(text)).toBe(version);
  });

  test('two spellings of one address are the same', () => {
    expect(isSameAddress('2001:DB8::1', '2001:db8:0:0:0:0:0:1')).toBe(true);
    expect(isSameAddress('::ffff:192.0.2.1', '192.0.2.1')).toBe(true);
    expect(isSameAddress('[::1]', '::1')).toBe(true);
    expect(isSameAddress('192.0.2.1', '192.0.2.2')).toBe(false);
    expect(isSameAddress('example.com', 'example.org')).toBe(false);
  });

  test('an IPv4-mapped address is written as the IPv4 address, a zone is left out, IPv6 stands in brackets', () => {
    expect(plainAddress('::ffff:192.0.2.7')).toBe('192.0.2.7');
    expect(plainAddress('fe80::1%eth0')).toBe('fe80::1');
    expect(hostTextOf('2001:db8::1')).toBe('[2001:db8::1]');
    expect(hostTextOf('192.0.2.1')).toBe('192.0.2.1');
  });
});

describe('subnets', () => {
  test('RFC 4632: an address is in a block when the prefix is the same', () => {
    const subnets = new Subnets(['192.0.2.0/24', '198.51.100.7', '2001:db8::/32']);
    for (const inside of ['192.0.2.0', '192.0.2.255', '198.51.100.7', '2001:db8:ffff::1', '::ffff:192.0.2.9'])
      expect(subnets.has(inside)).toBe(true);
    for (const outside of ['192.0.3.0', '198.51.100.8', '2001:db9::', 'nonsense', '']) expect(subnets.has(outside)).toBe(false);
  });

  test('everything of IPv4 is nothing of IPv6', () => {
    expect(new Subnets(['0.0.0.0/0']).has('2001:db8::1')).toBe(false);
    expect(new Subnets(['0.0.0.0/0']).has('8.8.8.8')).toBe(true);
  });

  test.each(['192.0.2.0/33', '2001:db8::/129', '192.0.2.0/', '192.0.2.0/a', 'example.com', ''])(
    'what is no block is refused: %s',
    (text) => {
      expect(() => new Subnets([text])).toThrow(TypeError);
    },
  );

  test('the private ranges hold private addresses alone', () => {
    const subnets = new Subnets(PRIVATE_NETWORKS);
    for (const inside of ['10.1.2.3', '172.31.0.1', '192.168.1.1', '127.0.0.1', '100.64.0.1', 'fd00::1', '::1'])
      expect(subnets.has(inside)).toBe(true);
    for (const outside of ['172.32.0.1', '8.8.8.8', '2001:db8::1', '100.128.0.1']) expect(subnets.has(outside)).toBe(false);
  });
});
