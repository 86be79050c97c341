import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Resampler } from '../../src/codec.js';
import { alignedSnr, dataFolder, decibels, fitSine, largestStep, rms, sine, speech, toneAmplitude, whiteNoise } from './signals.js';

/** All at once. */
function resample(from: number, to: number, samples: Int16Array): Int16Array {
  const resampler = new Resampler(from, to);
  const out = new Int16Array(resampler.maxOutput(samples.length));
  return out.subarray(0, resampler.process(samples, samples.length, out));
}

/** Response to a tone in dB, once the filter is filled. */
function responseDb(from: number, to: number, hz: number, heardAt = hz): number {
  const out = resample(from, to, sine(hz, from, 0.4, 16_000, 0.7));
  return decibels(fitSine(out, heardAt, to, Math.round(0.1 * to), out.length).amplitude / 16_000);
}

describe('16 -> 8 kHz', () => {
  test('0 to 3.4 kHz passes within 0.5 dB', () => {
    for (let hz = 50; hz <= 3400; hz += 50) expect(Math.abs(responseDb(16000, 8000, hz)), `${hz} Hz`).toBeLessThan(0.5);
  });

  test('from 5 kHz on, what folds back is below −80 dB', () => {
    for (let hz = 5000; hz <= 7950; hz += 50) expect(responseDb(16000, 8000, hz, 8000 - hz), `${hz} Hz`).toBeLessThan(-80);
  });

  test('a full-scale tone at 5.5 kHz leaves nothing but rounding', () => {
    const out = resample(16000, 8000, sine(5500, 16000, 0.5, 32_000));
    expect(decibels(rms(out, 800) / (32_000 / Math.SQRT2))).toBeLessThan(-80);
  });
});

describe.each([
  [8000, 16000],
  [8000, 24000],
  [8000, 48000],
  [11025, 8000],
  [11025, 16000],
  [11025, 24000],
  [11025, 48000],
  [16000, 8000],
  [16000, 24000],
  [16000, 48000],
  [22050, 8000],
  [22050, 16000],
  [22050, 24000],
  [22050, 48000],
  [24000, 8000],
  [24000, 16000],
  [24000, 48000],
  [32000, 8000],
  [32000, 16000],
  [32000, 24000],
  [32000, 48000],
  [44100, 8000],
  [44100, 16000],
  [44100, 24000],
  [44100, 48000],
  [48000, 8000],
  [48000, 16000],
  [48000, 24000],
  [47999, 8000],
])('%i -> %i Hz', (from, to) => {
  const slower = Math.min(from, to);

  test('a tone passes at its level, 80 dB above everything else', () => {
    const out = resample(from, to, sine(1000, from, 0.4, 16_000, 0.2));
    const { amplitude, rest } = fitSine(out, 1000, to, Math.round(0.1 * to), out.length);
    expect(Math.abs(decibels(amplitude / 16_000))).toBeLessThan(0.01);
    // Rounding to 16 bits twice, of a sine 6 dB below full scale, leaves 88 to 89 dB.
    expect(decibels(amplitude / Math.SQRT2 / rest)).toBeGreaterThan(80);
  });

  test('flat within 0.5 dB to 0.42 of the slower rate', () => {
    for (const share of [0.01, 0.1, 0.2, 0.3, 0.4, 0.42])
      expect(Math.abs(responseDb(from, to, share * slower)), `${share}`).toBeLessThan(0.5);
  });

  if (from > to)
    test('what would fold back from 0.625 of the slower rate on is below −80 dB', () => {
      for (let hz = 0.626 * to; hz < from / 2; hz += 0.173 * to) {
        const out = resample(from, to, sine(hz, from, 0.3, 16_000));
        expect(decibels(rms(out, Math.round(0.1 * to)) / (16_000 / Math.SQRT2)), `${hz} Hz`).toBeLessThan(-80);
      }
    });

  if (from < to)
    test('images of a tone are below −80 dB', () => {
      const hz = 0.3 * from;
      const out = resample(from, to, sine(hz, from, 0.4, 16_000));
      const start = Math.round(0.1 * to);
      for (const image of [from - hz, from + hz].filter((at) => at < to / 2)) {
        expect(decibels(toneAmplitude(out, image, to, start) / 16_000), `${image} Hz`).toBeLessThan(-80);
      }
    });

  test('any chunking gives the same samples, never more than maxOutput', () => {
    const input = whiteNoise(2500, 30_000, from + to);
    const whole = resample(from, to, input);
    expect(whole.length).toBe(Math.ceil((input.length * to) / from));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 40 }), (sizes) => {
        const resampler = new Resampler(from, to);
        const joined = new Int16Array(whole.length);
        let read = 0;
        let written = 0;
        for (let turn = 0; read < input.length; turn++) {
          const count = turn < sizes.length ? Math.min(sizes[turn]!, input.length - read) : input.length - read;
          const made = resampler.process(input.subarray(read, read + count), count, joined, written);
          expect(made).toBeLessThanOrEqual(resampler.maxOutput(count));
          read += count;
          written += made;
        }
        expect(written).toBe(whole.length);
        expect(Buffer.compare(Buffer.from(joined.buffer), Buffer.from(whole.buffer, whole.byteOffset, whole.byteLength))).toBe(0);
      }),
      { numRuns: 15, seed: 4 },
    );
  });

  test('a constant stays that constant', () => {
    const out = resample(from, to, new Int16Array(from / 10).fill(12_345));
    expect(new Set(out.subarray(Math.round(0.03 * to)))).toEqual(new Set([12_345]));
  });
});

test('a square wave at full scale saturates and does not wrap', () => {
  const square = Int16Array.from({ length: 4000 }, (_, i) => (Math.floor(i / 20) % 2 ? 32_767 : -32_768));
  for (const to of [8000, 24000]) {
    const out = resample(16000, to, square);
    expect(Math.max(...out)).toBe(32_767);
    expect(Math.min(...out)).toBe(-32_768);
    expect(largestStep(out)).toBeLessThan(60_000);
  }
});

test('frames of 20 ms come out as frames of 20 ms', () => {
  for (const [from, to] of [
    [16000, 8000],
    [8000, 16000],
    [48000, 16000],
    [24000, 8000],
    [8000, 48000],
  ] as const) {
    const resampler = new Resampler(from, to);
    const out = new Int16Array(960);
    for (let turn = 0; turn < 7; turn++) expect(resampler.process(new Int16Array(from / 50), from / 50, out)).toBe(to / 50);
  }
});

test('chunk borders leave no step: the largest one is that of the whole', () => {
  const input = sine(300, 22050, 0.5, 20_000);
  const resampler = new Resampler(22050, 16000);
  const out = new Int16Array(8000);
  let written = 0;
  for (let read = 0; read < input.length; read += 441) {
    const chunk = input.subarray(read, read + 441);
    written += resampler.process(chunk, chunk.length, out, written);
  }
  // The steepest step of 300 Hz at 16 kHz is 20000·2π·300/16000; the tone's own beginning is steeper, and over by then.
  expect(largestStep(out, 100, written)).toBeLessThan((20_000 * 2 * Math.PI * 300) / 16000 + 3);
});

test('delayMs says where an impulse comes out, and flush brings it out', () => {
  for (const [from, to] of [
    [16000, 8000],
    [8000, 16000],
    [24000, 8000],
    [22050, 16000],
    [48000, 48000],
  ] as const) {
    const resampler = new Resampler(from, to);
    const input = new Int16Array(500);
    input[499] = 20_000;
    const out = new Int16Array(2 * resampler.maxOutput(500));
    let written = resampler.process(input, 500, out);
    written += resampler.flush(out, written);
    const peak = out.indexOf(Math.max(...out.subarray(0, written)));
    expect(Math.abs((peak * 1000) / to - (499 * 1000) / from - resampler.delayMs)).toBeLessThanOrEqual(1000 / to);
  }
});

test('after reset nothing is left of the sound before', () => {
  const resampler = new Resampler(22050, 16000);
  const input = whiteNoise(777, 20_000);
  const fresh = resample(22050, 16000, input);
  const out = new Int16Array(1000);
  resampler.process(whiteNoise(501, 30_000, 9), 501, out);
  resampler.reset();
  expect(out.subarray(0, resampler.process(input, 777, out))).toEqual(fresh);
});

test('a rate that is none is refused by name', () => {
  expect(() => new Resampler(0, 8000)).toThrow(/fromRate/);
  expect(() => new Resampler(8000, 44100.5)).toThrow(/toRate/);
});

test.skipIf(!dataFolder)('speech there and back, 16 -> 48 -> 16 and 16 -> 24 -> 16 kHz, keeps 60 dB (needs SIPBOT_TEST_DATA)', () => {
  // Band-limited first: what stands between 0.42 and 0.5 of the rate is the filters' to shape.
  const original = resample(8000, 16000, speech('pjproject-input.8.wav'));
  for (const middle of [48000, 24000]) {
    // Both delays together are whole samples of 16 kHz, and can be lined up.
    const between = resample(16000, middle, original);
    const { snr, gainDb } = alignedSnr(original, resample(middle, 16000, between), 40);
    expect(snr).toBeGreaterThan(60);
    expect(Math.abs(gainDb)).toBeLessThan(0.05);
  }
});
