import { expect, test } from 'vitest';
import { impairment, mosFromR, rFactor } from '../../src/rtp/quality.js';

const g711 = { codec: 'pcmu', lossRatio: 0, oneWayDelayMs: 0 } as const;

test('G.107 a perfect narrow-band call: R 93.2, MOS 4.41', () => {
  expect(rFactor(g711)).toBe(93.2);
  expect(mosFromR(93.2)).toBeCloseTo(4.41, 2);
});

// Idd worked out by hand from G.107 (7-27): at 400 ms X = 2, so 25 (65^(1/6) - 3 (1 + (2/3)^6)^(1/6) + 2).
test.each([
  [100, 0],
  [150, 0.14],
  [200, 3.02],
  [300, 14.76],
  [400, 24.07],
])('G.107 §7.4 %i ms one way cost %f on the R scale', (oneWayDelayMs, cost) => {
  expect(93.2 - rFactor({ ...g711, oneWayDelayMs })).toBeCloseTo(cost, 1);
});

test('G.113 App. I random loss against concealed G.711: 1 % costs 3.6, 5 % 15.8', () => {
  expect(93.2 - rFactor({ ...g711, lossRatio: 0.01 })).toBeCloseTo(95 / 26.1, 2);
  expect(93.2 - rFactor({ ...g711, lossRatio: 0.05 })).toBeCloseTo((95 * 5) / 30.1, 2);
});

test('burst loss costs more than the same loss by chance', () => {
  expect(rFactor({ ...g711, lossRatio: 0.05, burstRatio: 4 })).toBeLessThan(rFactor({ ...g711, lossRatio: 0.05 }));
});

test('a codec without concealment suffers more', () => {
  expect(impairment('unknown').bpl).toBeLessThan(impairment('pcmu').bpl);
  expect(rFactor({ ...g711, codec: 'unknown', lossRatio: 0.02 })).toBeLessThan(rFactor({ ...g711, lossRatio: 0.02 }));
});

test('never outside of its scale', () => {
  expect(rFactor({ ...g711, lossRatio: 7, oneWayDelayMs: 1e6 })).toBe(0);
  expect(rFactor({ ...g711, lossRatio: -1, oneWayDelayMs: -5 })).toBe(93.2);
  expect([mosFromR(-3), mosFromR(0), mosFromR(3), mosFromR(100), mosFromR(200)]).toEqual([1, 1, 1, 4.5, 4.5]);
});
