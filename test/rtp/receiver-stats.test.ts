import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RtpHeader } from '../../src/rtp/header.js';
import { ReceiverStats } from '../../src/rtp/receiver-stats.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';

const header = new RtpHeader();
function arrive(stats: ReceiverStats, number: number, now: number, first = 65530): 'new' | 'duplicate' {
  header.ssrc = 7;
  header.sequence = (first + number) & 0xffff;
  header.timestamp = (0xffffff00 + number * 160) >>> 0;
  return stats.onPacket(header, 160, now);
}

describe('RFC 3550 A.3 loss', () => {
  test('expected, received and lost across the wrap', () => {
    const stats = new ReceiverStats(8000);
    for (let i = 0; i < 100; i++) if (i % 10 !== 5) arrive(stats, i, 20 * i);
    expect([stats.expected, stats.received, stats.lost, stats.bytes]).toEqual([100, 90, 10, 14_400]);
    expect(stats.report(2000)).toMatchObject({ ssrc: 7, fractionLost: 25, cumulativeLost: 10, extendedHighest: 65530 + 99 });
  });

  test('the fraction is of the interval, the count of the whole', () => {
    const stats = new ReceiverStats(8000);
    for (let i = 0; i < 50; i++) if (i % 2 === 0) arrive(stats, i, 20 * i);
    expect(stats.report(1000)).toMatchObject({ fractionLost: 125, cumulativeLost: 24 });
    for (let i = 50; i < 100; i++) arrive(stats, i, 20 * i);
    expect(stats.report(2000)).toMatchObject({ fractionLost: 5, cumulativeLost: 25 });
    expect(stats.report(2000)).toMatchObject({ fractionLost: 0, cumulativeLost: 25 });
  });

  test('duplicates are found, count against loss in reports, and never make a fraction negative', () => {
    const stats = new ReceiverStats(8000);
    expect([0, 1, 1, 2, 0, 2].map((n) => arrive(stats, n, 20 * n))).toEqual(['new', 'new', 'duplicate', 'new', 'duplicate', 'duplicate']);
    expect([stats.duplicates, stats.lost, stats.received]).toEqual([3, 0, 3]);
    expect(stats.report(100)).toMatchObject({ fractionLost: 0, cumulativeLost: -3 });
  });

  test('a late packet is reordered, not lost, and known when it comes again', () => {
    const stats = new ReceiverStats(8000);
    expect([0, 40, 1, 39, 1, 39].map((n) => arrive(stats, n, 800))).toEqual(['new', 'new', 'new', 'new', 'duplicate', 'duplicate']);
    expect([stats.reordered, stats.lost]).toEqual([2, 37]);
  });

  test('the last 64 are known exactly, whatever the order', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 200 }), (numbers) => {
        const stats = new ReceiverStats(8000);
        arrive(stats, 0, 0);
        const seen = new Set([0]);
        for (const number of numbers) {
          expect(arrive(stats, number, 0)).toBe(seen.has(number) ? 'duplicate' : 'new');
          seen.add(number);
        }
        expect(stats.received).toBe(seen.size);
      }),
    );
  });

  test('24 bits hold no more than 24 bits', () => {
    const stats = new ReceiverStats(8000);
    for (let i = 0; i < 6000; i++) arrive(stats, 2999 * i, 0);
    expect(stats.report(0).cumulativeLost).toBe(0x7fffff);
  });
});

test('G.107 BurstR: 1 when losses come singly, more when they come together', () => {
  const single = new ReceiverStats(8000);
  const together = new ReceiverStats(8000);
  for (let i = 0; i < 1000; i++) if (i % 20 !== 3) arrive(single, i, 0);
  for (let i = 0; i < 1000; i++) if (i % 100 >= 5) arrive(together, i, 0);
  expect(single.burstRatio).toBe(1);
  expect(together.burstRatio).toBeCloseTo(5 * 0.95, 1);
});

describe('RFC 3550 A.8 jitter', () => {
  test('none on an even path', () => {
    const stats = new ReceiverStats(8000);
    for (let i = 0; i < 100; i++) arrive(stats, i, 20 * i);
    expect([stats.jitterMs, stats.report(0).jitter]).toEqual([0, 0]);
  });

  test('the running mean of how much transit changes, in sixteenths', () => {
    const stats = new ReceiverStats(8000);
    arrive(stats, 0, 0);
    arrive(stats, 1, 28);
    expect(stats.jitterMs).toBeCloseTo(8 / 16);
    for (let i = 2; i < 400; i++) arrive(stats, i, 20 * i + (i % 2) * 8);
    expect(stats.jitterMs).toBeCloseTo(8, 1);
    expect(stats.report(0).jitter).toBe(63);
    expect(stats.maxJitterMs).toBeCloseTo(8, 1);
  });
});

test('§6.4.1 the last sender report and the time since', () => {
  const stats = new ReceiverStats(8000);
  arrive(stats, 0, 0);
  expect(stats.report(10)).toMatchObject({ lastSr: 0, delaySinceLastSr: 0 });
  stats.onSenderReport(0xabcd1234, 1000);
  expect(stats.report(1500)).toMatchObject({ lastSr: 0xabcd1234, delaySinceLastSr: 32768 });
});

describe('clock drift', () => {
  test.each([200, 50, -50, -200])('of %i ppm is found within 15 ppm under 20 ms of jitter', (ppm) => {
    const stats = new ReceiverStats(8000);
    const random = new SeededRandom(3);
    for (let i = 0; i < 6000; i++) arrive(stats, i, 1000 + 20 * i * (1 - ppm / 1e6) + random.fraction() ** 2 * 20);
    expect(Math.abs(stats.driftPpm - ppm)).toBeLessThan(15);
  });

  test('a machine that stands still again and again is not taken for a clock: -833 329 ppm was told of one', () => {
    const stats = new ReceiverStats(8000);
    for (let i = 0; i < 1500; i++) arrive(stats, i, 20 * i + 800 * Math.floor(i / 50));
    expect(stats.driftPpm).toBe(0);
  });

  test('is zero until known, and after a jump of the timestamp', () => {
    const stats = new ReceiverStats(8000);
    for (let i = 0; i < 500; i++) arrive(stats, i, 20 * i);
    expect(stats.driftPpm).toBe(0);
    for (let i = 500; i < 5000; i++) arrive(stats, i, 20 * i * 1.0001);
    expect(stats.driftPpm).not.toBe(0);
    arrive(stats, 5000, 200_000);
    expect(stats.driftPpm).toBe(0);
  });
});

test('A.1 a reset voids what was counted', () => {
  const stats = new ReceiverStats(8000);
  for (let i = 0; i < 50; i += 3) arrive(stats, i, 27 * i);
  stats.reset();
  expect([stats.expected, stats.received, stats.lost, stats.jitterMs, stats.bytes, stats.firstAt]).toEqual([0, 0, 0, 0, 0, Number.NaN]);
  arrive(stats, 30_000, 0);
  expect(stats.report(0)).toMatchObject({ fractionLost: 0, cumulativeLost: 0 });
});
