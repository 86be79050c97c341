import { expect, test } from 'vitest';
import { LevelMeter, levelDbov } from '../../src/codec.js';
import { sine } from './signals.js';

test('RFC 6464 §3 a square wave at full scale is 0 dBov, a sine 3 dB less, silence −127', () => {
  expect(levelDbov(Int16Array.from({ length: 100 }, (_, i) => (i & 1 ? -32_768 : 32_767)))).toBeCloseTo(0, 2);
  expect(levelDbov(sine(1000, 8000, 1, 32_767))).toBeCloseTo(-3.01, 1);
  expect(levelDbov(new Int16Array(10))).toBe(-127);
  expect(levelDbov(new Int16Array(0))).toBe(-127);
});

test('a meter adds up level, peak and clipping until it is reset', () => {
  const meter = new LevelMeter();
  expect([meter.dbov, meter.peakDbov, meter.clippedShare]).toEqual([-127, -127, 0]);
  meter.add(Int16Array.of(99, 0, 0, -32_768, 32_767, 99), 4, 1);
  expect(meter.clippedShare).toBe(0.5);
  expect(meter.peakDbov).toBeCloseTo(0, 3);
  expect(meter.dbov).toBeCloseTo(-3.01, 2);
  meter.reset();
  expect(meter.dbov).toBe(-127);
});
