import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../../src/testing/seeded-random.js';
import { sipOfCapture } from '../../src/trace/captured-sip.js';
import { Ladder } from '../../src/trace/ladder.js';
import { alice, bob, ethernet, ip, pcap, pcapng, sip, tcp, udp } from './captures.js';

const cseqs = (file: Uint8Array): string[] =>
  sipOfCapture(file).messages.map(({ bytes }) => /CSeq: (\d+)/.exec(Buffer.from(bytes).toString())?.[1] ?? '?');

const SLL = Uint8Array.of(0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0x08, 0x00);
const SLL2 = Uint8Array.of(0x08, 0x00, ...new Uint8Array(18));

describe('the SIP of a capture', () => {
  test.each([
    ['raw IP', 101, udp(sip(1))],
    ['IPv4', 228, udp(sip(1))],
    ['BSD loopback', 0, Uint8Array.of(2, 0, 0, 0, ...udp(sip(1)))],
    ['Ethernet', 1, ethernet(udp(sip(1)))],
    ['Ethernet with two VLAN tags', 1, ethernet(udp(sip(1)), 5, 7)],
    ['Ethernet with PPPoE', 1, Uint8Array.of(...new Uint8Array(12), 0x88, 0x64, 0x11, 0, 0, 1, 0, 0, 0x00, 0x21, ...udp(sip(1)))],
    ['Linux cooked', 113, Uint8Array.of(...SLL, ...udp(sip(1)))],
    ['Linux cooked, the second', 276, Uint8Array.of(...SLL2, ...udp(sip(1)))],
  ])('over UDP, captured on %s', (_name, linkType, frame) => {
    const { messages, packets } = sipOfCapture(pcap(linkType, [frame]));
    expect(packets).toBe(1);
    expect(messages).toMatchObject([{ direction: 'out', local: alice, remote: bob, wall: 1_000_500 }]);
  });

  test('what is no SIP is passed over: RTP, DNS, keep-alives, HTTP', () => {
    const others = ['\r\n\r\n', '\x80\x00abcdefghijkl', 'GET / HTTP/1.1\r\n\r\n', ''].map((text) => udp(Buffer.from(text, 'latin1')));
    expect(cseqs(pcap(101, [...others, udp(sip(9))]))).toEqual(['9']);
  });

  test('an INVITE in three IP fragments, in the wrong order and once twice (RFC 791 §3.2)', () => {
    const datagram = udp(sip(4, 'x'.repeat(2000))).subarray(20);
    const piece = (from: number, to: number): Uint8Array =>
      ip(17, datagram.subarray(from, to), (from / 8) | (to < datagram.length ? 0x2000 : 0), 77);
    expect(cseqs(pcap(101, [piece(1600, datagram.length), piece(0, 800), piece(0, 800), piece(800, 1600)]))).toEqual(['4']);
    expect(cseqs(pcap(101, [piece(0, 800), piece(800, 1600)]))).toEqual([]);
  });

  test('over TCP: two messages in one segment, one in three, out of order and sent again (RFC 3261 §18.3)', () => {
    const stream = Buffer.concat([sip(1), sip(2, 'body'), sip(3)]);
    const start = 0xffff_fff0; // the numbers wrap on the way
    const at = (from: number, to: number): Uint8Array => tcp(start + 1 + from, stream.subarray(from, to));
    const cut = sip(1).length + sip(2, 'body').length;
    const frames = [
      tcp(start, new Uint8Array(), 0x02),
      at(0, cut),
      at(cut + 50, cut + 90),
      at(0, cut),
      at(cut, cut + 50),
      at(cut + 90, stream.length),
    ];
    expect(cseqs(pcap(101, frames))).toEqual(['1', '2', '3']);
  });

  test('a capture that begins in the middle of a connection begins at its next message', () => {
    expect(cseqs(pcap(101, [tcp(500, Buffer.from('the end of a body')), tcp(517, sip(6))]))).toEqual(['6']);
  });

  test('a segment that was never captured costs the messages it was part of, not the rest of the connection', () => {
    const lost = 400;
    const rest = Array.from({ length: 80 }, (_, i) => sip(100 + i));
    let sequence = 1000 + lost;
    const frames = [tcp(999, new Uint8Array(), 0x02)];
    for (const message of rest) {
      frames.push(tcp(sequence, message));
      sequence += message.length;
    }
    const found = cseqs(pcap(101, frames));
    expect(found[0]).toBe('100');
    expect(found).toHaveLength(80);
  });

  test('the ladder of a pcapng', () => {
    const ladder = new Ladder();
    for (const message of sipOfCapture(pcapng([{ linkType: 1 }], [[0, 5_000_000, ethernet(udp(sip(1)))]])).messages) ladder.add(message);
    expect(ladder.parties).toEqual(['192.0.2.1:5060', '192.0.2.2:5061']);
    expect(ladder.arrows[0]).toMatchObject({ label: 'OPTIONS bob', atMs: 0 });
  });

  test('bytes turned at random never throw, and never show more than there is', () => {
    const random = new SeededRandom(11);
    const stream = Buffer.concat([sip(1), sip(2)]);
    const file = pcap(1, [
      ethernet(tcp(9, new Uint8Array(), 2)),
      ethernet(tcp(10, stream)),
      ethernet(udp(sip(3))),
      ethernet(ip(17, udp(sip(4)).subarray(20), 0x2000, 5)),
    ]);
    for (let run = 0; run < 2000; run++) {
      const bad = Buffer.from(file);
      for (let hit = 0; hit < 1 + (run % 8); hit++) bad[24 + (random.uint32() % (bad.length - 24))] = random.uint32() & 0xff;
      const { messages } = sipOfCapture(bad);
      expect(messages.reduce((total, { bytes }) => total + bytes.length, 0)).toBeLessThanOrEqual(file.length);
    }
  });
});

const data = process.env['SIPBOT_TEST_DATA'];

describe.skipIf(data === undefined)('captures of others (needs SIPBOT_TEST_DATA)', () => {
  const folder = `${data}/captures-dev/`;
  const expected = data === undefined ? {} : (JSON.parse(readFileSync(`${folder}expected-tshark.json`, 'utf8')) as Expected).files;
  test.each(Object.entries(expected))('%s: every SIP message that tshark sees, byte for byte', (name, { sip: messages }) => {
    const found = sipOfCapture(readFileSync(`${folder}${name}`));
    expect(found.damage).toBeUndefined();
    expect(found.messages).toHaveLength(messages.length);
    for (const [i, { transport, payload_hex: payload }] of messages.entries())
      if (transport === 'udp') expect(Buffer.from(found.messages[i]!.bytes).toString('hex')).toBe(payload);
  });
});

interface Expected {
  readonly files: Readonly<Record<string, { readonly sip: readonly { readonly transport: string; readonly payload_hex?: string }[] }>>;
}
