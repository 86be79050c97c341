import { describe, expect, test } from 'vitest';
import { addressBytes, addressText, readIpPacket, readTcp, readUdp, writeUdpPacket } from '../../src/trace/ip-packet.js';

/** RFC 1071, the plain way: what a receiver computes over packet and pseudo header is all ones. */
function onesSum(bytes: Uint8Array): number {
  let total = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    total += bytes[i]! * 256 + (bytes[i + 1] ?? 0);
    if (total > 0xffff) total -= 0xffff;
  }
  return total;
}

const from = { address: '192.0.2.1', port: 5060 };
const to = { address: '192.0.2.200', port: 40_000 };

describe('IP packets', () => {
  test.each([0, 1, 2, 3, 1400, 1401])('RFC 791, 768: IPv4 and UDP of %i bytes, with checksums that a receiver finds right', (length) => {
    const payload = Uint8Array.from({ length }, (_, i) => (i * 7 + 3) & 0xff);
    const bytes = writeUdpPacket(from, to, payload);
    expect(onesSum(bytes.subarray(0, 20))).toBe(0xffff);
    const udp = bytes.subarray(20);
    const pseudo = Uint8Array.of(...bytes.subarray(12, 20), 0, 17, udp.length >> 8, udp.length & 0xff);
    expect(onesSum(Uint8Array.of(...pseudo, ...udp))).toBe(0xffff);
    const packet = readIpPacket(bytes)!;
    expect(packet).toMatchObject({ source: from.address, destination: to.address, protocol: 17, fragment: undefined });
    expect(readUdp(packet.payload)).toEqual({ sourcePort: 5060, destinationPort: 40_000, payload });
  });

  test('RFC 8200, 8.1: IPv6 and UDP, whose checksum is never left out', () => {
    const payload = Buffer.from('hello');
    const bytes = writeUdpPacket({ address: '2001:db8::1', port: 1 }, { address: '::1', port: 2 }, payload);
    const udp = bytes.subarray(40);
    expect(onesSum(Uint8Array.of(...bytes.subarray(8, 40), 0, 0, 0, udp.length, 0, 0, 0, 17, ...udp))).toBe(0xffff);
    const packet = readIpPacket(bytes)!;
    expect(packet).toMatchObject({ source: '2001:db8::1', destination: '::1', protocol: 17 });
    expect(Buffer.from(readUdp(packet.payload)!.payload).toString()).toBe('hello');
  });

  test('two families in one packet: IPv4 stands in IPv6 as RFC 4291 §2.5.5.2 has it', () => {
    const packet = readIpPacket(writeUdpPacket({ address: '::1', port: 1 }, { address: '192.0.2.1', port: 2 }, Uint8Array.of(1)))!;
    expect([packet.source, packet.destination]).toEqual(['::1', '::ffff:c000:201']);
  });

  test('more than a datagram can carry is cut, not wrapped', () => {
    const packet = readIpPacket(writeUdpPacket(from, to, new Uint8Array(100_000)))!;
    expect(readUdp(packet.payload)!.payload).toHaveLength(65_507);
  });

  test.each([
    ['0.0.0.0', '0.0.0.0'],
    ['::', '::'],
    ['::1', '::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['1:0:2:0:3:0:4:0', '1:0:2:0:3:0:4:0'],
    ['fe80::', 'fe80::'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
  ])('RFC 5952: %s is written %s', (text, expected) => {
    expect(addressText(addressBytes(text))).toBe(expected);
  });

  test('IPv6 extension headers are passed over, and a fragment says which piece it is (RFC 8200 §4)', () => {
    const plain = writeUdpPacket({ address: '::1', port: 1 }, { address: '::2', port: 2 }, Buffer.from('x'));
    const inserted = Uint8Array.of(...plain.subarray(0, 40), 44, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 9, 0, 0, 0, 7, ...plain.subarray(40));
    inserted[6] = 0;
    inserted[5] = inserted[5]! + 16;
    expect(readIpPacket(inserted)).toMatchObject({ protocol: 17, fragment: { id: 7, offset: 8, more: true } });
  });

  test('whatever is cut off or lies about its lengths is nothing, or no longer than what is there', () => {
    const whole = writeUdpPacket(from, to, Buffer.from('hello there'));
    for (let length = 0; length < whole.length; length++) {
      const packet = readIpPacket(whole.subarray(0, length));
      if (packet !== undefined) expect(packet.payload.length).toBeLessThanOrEqual(length);
    }
    for (let at = 0; at < whole.length; at++) {
      const bad = Uint8Array.from(whole);
      bad[at] = 0xff;
      const packet = readIpPacket(bad);
      const datagram = packet && readUdp(packet.payload);
      expect((datagram?.payload ?? []).length).toBeLessThanOrEqual(whole.length);
    }
    expect(readUdp(Uint8Array.of(0, 1, 0, 2, 0, 7, 0, 0))).toBeUndefined();
    expect(readTcp(new Uint8Array(19))).toBeUndefined();
    expect(readTcp(Uint8Array.from({ length: 20 }, (_, i) => (i === 12 ? 0xf0 : 0)))).toBeUndefined();
  });
});
