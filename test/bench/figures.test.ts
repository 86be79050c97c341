/** The arithmetic under the benches: a figure that is wrong here is wrong in every table. */
import { expect, test } from 'vitest';
import { summarize } from '../../bench/calls/summary.js';
import { fitLine } from '../../bench/growth/fit.js';
import { Drift } from '../../bench/load/drift.js';
import { Histogram } from '../../bench/load/histogram.js';

test('quantiles of a histogram are upper edges of its buckets; of nothing there are none', () => {
  const histogram = new Histogram();
  expect(histogram.tail().p99).toBeNaN();
  for (let i = 0; i < 1000; i++) histogram.add(i / 100);
  expect(histogram.tail()).toEqual({ p50: 5, p99: 9.9, p999: 10, max: 9.99 });
});

test('a clock 40 ppm too fast is seen in a minute of packets that are up to 5 ms late', () => {
  const drift = new Drift(0);
  let seed = 7;
  for (let at = 0; at < 60_000; at += 20) {
    seed = (seed * 16_807) % 2_147_483_647;
    drift.add(at, (5 * seed) / 2_147_483_647 - at * 40e-6);
  }
  expect(drift.ppm()).toBeGreaterThan(38);
  expect(drift.ppm()).toBeLessThan(42);
});

test('less than three whole stretches of time tell nothing of a clock', () => {
  const drift = new Drift(0);
  for (let at = 0; at < 11_000; at += 20) drift.add(at, 0);
  expect(drift.ppm()).toBeNaN();
});

test('a line through points that lie on one explains all; what bends, less', () => {
  const straight = [1, 2, 3, 4].map((x) => ({ x, y: 5 + 2 * x }));
  expect(fitLine(straight)).toEqual({ slope: 2, intercept: 5, r2: 1 });
  expect(fitLine([1, 2, 3, 4].map((x) => ({ x, y: x ** 4 }))).r2).toBeLessThan(0.9);
});

test('runs of the same work become one row of medians; what was not measured stays so', () => {
  const tail = { p50: 1, p99: 2, p999: 3, max: 4 };
  const run = (core: number, ppm: number) => ({
    peer: 'sipbot 8 kHz',
    version: '1',
    calls: 100,
    media: 'plain' as const,
    holdS: 5,
    core,
    pairUs: 1,
    kbPerCall: 50,
    placed: { up: 100, failed: 0, resent: 0, setup: tail },
    heard: { sent: 1, received: 1, lost: 0, gaps: 0, late: tail, roundTrip: tail, ppm: { median: ppm, worst: ppm }, ownLate: tail },
    unclean: 0,
    own: undefined,
    timesFloor: core / 10,
  });
  const rows = summarize([run(10, 1), run(30, Number.NaN), run(20, 3), { ...run(1, 1), calls: 50 }]);
  expect(rows.map(({ calls, runs, core, timesFloor }) => [calls, runs, core, timesFloor])).toEqual([
    [50, 1, 1, 0.1],
    [100, 3, 20, 2],
  ]);
  expect(rows[1]!.heard.ppm.median).toBe(2);
});
