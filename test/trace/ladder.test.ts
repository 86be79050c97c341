import { describe, expect, test } from 'vitest';
import { Ladder, type TracedMessage } from '../../src/trace/ladder.js';

const alice = { address: '10.0.0.1', port: 5060 };
const bob = { address: '10.0.0.2', port: 5060 };

function message(first: string, cseq: string, more: Partial<TracedMessage> = {}, headers = ''): TracedMessage {
  const text = `${first}\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: c1\r\nCSeq: ${cseq}\r\n${headers}\r\n`;
  return { direction: 'out', bytes: Buffer.from(text), local: alice, remote: bob, wall: 1000, ...more };
}

const call: TracedMessage[] = [
  message('INVITE sip:600@10.0.0.2 SIP/2.0', '1 INVITE', {}, 'Content-Type: application/sdp\r\n'),
  message('SIP/2.0 180 Ringing', '1 INVITE', { direction: 'in', wall: 1020 }),
  message('SIP/2.0 200 OK', '1 INVITE', { direction: 'in', wall: 3500 }, 'Content-Type: application/sdp\r\n'),
  message('ACK sip:600@10.0.0.2 SIP/2.0', '1 ACK', { wall: 3501 }),
];

describe('the ladder of a call', () => {
  test('a column for each party, an arrow for each message, the time beside it', () => {
    const ladder = new Ladder({ names: { '10.0.0.1:5060': 'caller', '10.0.0.2:5060': 'bot' } });
    for (const one of call) ladder.add(one);
    expect(ladder.parties).toEqual(['caller', 'bot']);
    expect(ladder.arrows.map(({ atMs, from, to, label, note }) => `${atMs} ${from}>${to} ${label} ${note}`.trim())).toEqual([
      '0 caller>bot INVITE 600 SDP',
      '20 bot>caller 180 Ringing (INVITE)',
      '2500 bot>caller 200 OK (INVITE) SDP',
      '2501 caller>bot ACK 600',
    ]);
    const lines = ladder.toText().split('\n');
    expect(lines[1]).toMatch(/^ {3}0\.000 {2}│─+ INVITE 600 · SDP ─+▶│$/);
    expect(lines[2]).toMatch(/^ {3}0\.020 {2}│◀─+ 180 Ringing \(INVITE\) ─+│$/);
    expect(new Set(lines.slice(1).map((line) => line.length)).size).toBe(1);
  });

  test('another call’s messages are left out where one is asked for, and junk is an arrow too', () => {
    const ladder = new Ladder({ callId: 'c2' });
    expect(ladder.add(call[0]!)).toBeUndefined();
    const all = new Ladder();
    expect(all.add({ ...call[0]!, bytes: Uint8Array.of(0, 1, 2) })).toMatchObject({ label: 'unreadable' });
  });

  test('the SVG holds every arrow, and text that could break it is escaped', () => {
    const ladder = new Ladder({ names: { '10.0.0.1:5060': '<a&b>' } });
    for (const one of call) ladder.add(one);
    const svg = ladder.toSvg();
    expect(svg.match(/marker-end/g)).toHaveLength(4);
    expect(svg).toContain('&#60;a&#38;b&#62;');
    expect(svg).not.toContain('<a&b>');
  });

  test('a picture has an end: what is past it is counted', () => {
    const ladder = new Ladder();
    for (let i = 0; i < 2010; i++) ladder.add(call[0]!);
    expect(ladder.arrows).toHaveLength(2000);
    expect(ladder.toText()).toMatch(/… and 10 more$/);
  });
});
