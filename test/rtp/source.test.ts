import { expect, test } from 'vitest';
import { RtpHeader } from '../../src/rtp/header.js';
import { RtpSource, type SourceVerdict } from '../../src/rtp/source.js';

const OURS = 99;

/** Packets as [SSRC, sequence number, time]; what was said of each. */
function listen(source: RtpSource, packets: readonly (readonly [number, number, number])[]): SourceVerdict[] {
  return packets.map(([ssrc, sequence, now]) => source.accept(Object.assign(new RtpHeader(), { ssrc, sequence: sequence & 0xffff }), now));
}

const run = (ssrc: number, from: number, count: number, at: number): [number, number, number][] =>
  Array.from({ length: count }, (_, i) => [ssrc, from + i, at + 20 * i]);

test('the first source is heard at once, reordered and across the wrap', () => {
  const source = new RtpSource(OURS);
  expect(
    listen(source, [
      [1, 65534, 0],
      [1, 0, 20],
      [1, 65535, 25],
      [1, 1, 40],
    ]),
  ).toEqual(['started', 'valid', 'valid', 'valid']);
  expect(source.ssrc).toBe(1);
});

test('another SSRC takes over when the first is silent, after two packets in sequence', () => {
  const source = new RtpSource(OURS);
  listen(source, run(1, 100, 5, 0));
  expect(
    listen(source, [
      [2, 7, 200],
      [2, 8, 220],
      [2, 9, 240],
      [1, 105, 245],
    ]),
  ).toEqual(['probation', 'changed', 'valid', 'probation']);
  expect([source.ssrc, source.foreign]).toEqual([2, 2]);
});

test('another SSRC beside a living one is not heard, however long it talks', () => {
  const source = new RtpSource(OURS);
  const packets = Array.from({ length: 100 }, (_, i): [number, number, number][] => [
    [1, i, 20 * i],
    [2, 500 + i, 20 * i + 10],
  ]).flat();
  expect(new Set(listen(source, packets).filter((_, i) => i % 2 === 1))).toEqual(new Set(['probation']));
  expect(source.foreign).toBe(100);
});

test('a stray packet of another SSRC in a silence changes nothing', () => {
  const source = new RtpSource(OURS);
  listen(source, run(1, 100, 5, 0));
  expect(
    listen(source, [
      [2, 7, 1000],
      [3, 8, 1020],
      [2, 90, 1040],
      [1, 150, 1060],
    ]),
  ).toEqual(['probation', 'probation', 'probation', 'valid']);
});

test('A.1 the same SSRC with another numbering: two in sequence, once the known one is silent', () => {
  const source = new RtpSource(OURS);
  listen(source, run(1, 100, 5, 0));
  expect(
    listen(source, [
      [1, 40000, 100],
      [1, 40001, 120],
      [1, 40002, 140],
    ]),
  ).toEqual(['probation', 'restarted', 'valid']);
});

test('A.1 forged jumps between living packets change nothing', () => {
  const source = new RtpSource(OURS);
  listen(source, run(1, 100, 5, 0));
  const packets: [number, number, number][] = [];
  for (let i = 0; i < 50; i++) packets.push([1, 105 + i, 100 + 20 * i], [1, 40000 + 2 * i, 101 + 20 * i], [1, 40001 + 2 * i, 102 + 20 * i]);
  const said = listen(source, packets);
  expect(said.filter((_, i) => i % 3 === 0)).toEqual(Array(50).fill('valid'));
  expect(said).not.toContain('restarted');
});

test('old packets let loose by the network after a long time are no restart', () => {
  const source = new RtpSource(OURS);
  listen(source, run(1, 1000, 5, 0));
  expect(
    listen(source, [
      [1, 500, 100],
      [1, 501, 101],
      [1, 502, 102],
      [1, 1005, 103],
    ]),
  ).toEqual(['probation', 'probation', 'probation', 'valid']);
  // A sender that really went back to there is believed when nothing else comes.
  expect(listen(source, run(1, 300, 12, 140)).filter((verdict) => verdict !== 'probation')).toEqual([
    'restarted',
    ...Array(2).fill('valid'),
  ]);
});

test('§8.2 our own SSRC from the peer is a collision once, and then heard: echo servers send it back', () => {
  const source = new RtpSource(OURS);
  expect(listen(source, [[OURS, 5, 0]])).toEqual(['collision']);
  source.localSsrc = 77;
  expect(
    listen(source, [
      [OURS, 6, 20],
      [77, 7, 140],
      [77, 8, 160],
      [77, 9, 180],
    ]),
  ).toEqual(['valid', 'probation', 'changed', 'valid']);
});

test('after signalling has named another peer, whoever comes is heard', () => {
  const source = new RtpSource(OURS);
  listen(source, run(1, 100, 5, 0));
  source.reset();
  expect(listen(source, [[2, 7, 85]])).toEqual(['started']);
});
