import { readFileSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';
import { firCode } from '../../scripts/fir.js';
import { fir } from '../../src/codec/fir.js';
import { Resampler } from '../../src/codec/resample.js';
import { whiteNoise } from './signals.js';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

test('the code that is loaded is the one that is written', async () => {
  expect(readFileSync(new URL('../../src/codec/fir-code.ts', import.meta.url), 'utf8')).toBe(await firCode());
});

/** The resampler of a thread in which there is no WebAssembly. */
async function withoutCode(): Promise<typeof Resampler> {
  vi.stubGlobal('WebAssembly', undefined);
  vi.resetModules();
  expect((await import('../../src/codec/fir.js')).fir()).toBeUndefined();
  return (await import('../../src/codec/resample.js')).Resampler;
}

test.each([
  [16000, 8000],
  [8000, 16000],
  [24000, 8000],
  [8000, 24000],
  [48000, 8000],
  [8000, 48000],
  [44100, 16000],
  [11025, 48000],
])('%i -> %i Hz: without WebAssembly the same samples, but for the rounding of the last bit', async (from, to) => {
  const input = whiteNoise(3000, 32_767, 5);
  const own = new Resampler(from, to);
  const expected = new Int16Array(own.maxOutput(3000));
  const count = own.process(input, 3000, expected);
  const other = new (await withoutCode())(from, to);
  const out = new Int16Array(other.maxOutput(3000));
  expect(other.process(input, 3000, out)).toBe(count);
  expect(Math.max(...out.map((sample, i) => Math.abs(sample - expected[i]!)))).toBeLessThanOrEqual(1);
  expect(out.filter((sample, i) => sample !== expected[i]!).length).toBeLessThan(count / 100);
});

test('weights for which there is no room are not kept, and those that are lie apart', async () => {
  const kept = fir()!;
  expect(kept.keep(new Float32Array(8), 8193, 8)).toBe(0);
  expect(kept.keep(new Float32Array(8), 8, 8193)).toBe(0);
  const first = kept.keep(new Float32Array(16), 8192, 8192);
  expect(first).toBeGreaterThan(0);
  expect(kept.keep(new Float32Array(16), 8, 8)).toBe(first + 64);
  expect(kept.keep(new Float32Array(400_000), 8, 8)).toBe(0);
});

test('rates that come from files push none of the usual ones out', () => {
  new Resampler(24_000, 8000);
  for (let rate = 47_001; rate < 47_100; rate++) new Resampler(rate, 8000);
  const next = (): number => fir()!.keep(new Float32Array(8), 8, 8);
  const before = next();
  new Resampler(24_000, 8000);
  expect(next()).toBe(before + 32);
});

test('a change of rate for which there is no room is made all the same', () => {
  const kept = fir()!;
  while (kept.keep(new Float32Array(4096), 8, 8) > 0);
  const resampler = new Resampler(12_000, 8000);
  const out = new Int16Array(200);
  const input = new Int16Array(240).fill(1000);
  resampler.process(input, 240, out);
  expect(resampler.process(input, 240, out)).toBe(160);
  expect([...new Set(out.subarray(0, 160))]).toEqual([1000]);
});
