import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TimeScale } from '../../src/rtp/time-scale.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';

function tone(hz: number, sampleRate: number, count: number, amplitude = 8000): Int16Array {
  return Int16Array.from({ length: count }, (_, i) => Math.round(amplitude * Math.sin((2 * Math.PI * hz * i) / sampleRate)));
}

function largestStep(samples: Int16Array, count = samples.length): number {
  let largest = 0;
  for (let i = 1; i < count; i++) largest = Math.max(largest, Math.abs(samples[i]! - samples[i - 1]!));
  return largest;
}

describe.each([8000, 16000, 24000, 48000])('at %i Hz', (sampleRate) => {
  const perMs = sampleRate / 1000;

  test.each([100, 130, 440, 1000])('a tone of %i Hz gets shorter and longer by whole periods, and stays a tone', (hz) => {
    const scale = new TimeScale(sampleRate);
    const count = 40 * perMs;
    const original = tone(hz, sampleRate, count + 20 * perMs);
    const shorter = original.slice();
    const removed = scale.shrink(shorter, count, 15 * perMs, 0.9);
    expect(removed).toBeGreaterThanOrEqual(2.5 * perMs);
    expect(removed).toBeLessThanOrEqual(15 * perMs);
    expect(largestStep(shorter, count - removed)).toBeLessThanOrEqual(largestStep(original) * 1.02 + 2);
    const period = sampleRate / hz;
    expect(Math.abs(removed / period - Math.round(removed / period))).toBeLessThan(0.15);

    const longer = original.slice();
    const added = scale.stretch(longer, count, 15 * perMs, 0.9);
    expect(added).toBeGreaterThanOrEqual(2.5 * perMs);
    expect(largestStep(longer, count + added)).toBeLessThanOrEqual(largestStep(original) * 1.02 + 2);
    // Both begin and end as the original does.
    expect([shorter[0], longer[0]]).toEqual([original[0], original[0]]);
    expect([shorter[count - removed - 1], longer[count + added - 1]]).toEqual([original[count - 1], original[count - 1]]);
  });

  test('20 ms are enough', () => {
    const samples = tone(200, sampleRate, 40 * perMs);
    expect(new TimeScale(sampleRate).shrink(samples, 20 * perMs, 15 * perMs, 0.9)).toBeGreaterThanOrEqual(5 * perMs - 1);
  });

  test('silence is cut at any length', () => {
    const scale = new TimeScale(sampleRate);
    expect(scale.shrink(new Int16Array(30 * perMs), 30 * perMs, 12 * perMs, 1)).toBe(12 * perMs);
    expect(scale.stretch(new Int16Array(60 * perMs), 30 * perMs, 12 * perMs, 1)).toBe(12 * perMs);
  });

  test('what is like nothing of itself is left alone, unless anything is asked for', () => {
    const random = new SeededRandom(1);
    const noise = Int16Array.from({ length: 30 * perMs }, () => random.fraction() * 20000 - 10000);
    const scale = new TimeScale(sampleRate);
    const copy = noise.slice();
    expect(scale.shrink(copy, copy.length, 15 * perMs, 0.9)).toBe(0);
    expect(copy).toEqual(noise);
    expect(scale.shrink(copy, copy.length, 15 * perMs, -1)).toBeGreaterThan(0);
  });

  test('less than the shortest period is nothing, but where it is soft', () => {
    expect(new TimeScale(sampleRate).shrink(tone(400, sampleRate, 20 * perMs, 90), 20 * perMs, perMs, 1)).toBe(perMs);
    const samples = tone(400, sampleRate, 40 * perMs);
    expect(new TimeScale(sampleRate).shrink(samples, 20 * perMs, 2 * perMs, 0)).toBe(0);
    expect(new TimeScale(sampleRate).stretch(samples, 4 * perMs, 20 * perMs, 0)).toBe(0);
  });
});

test('any sound: never more than was allowed, and no border steps further than the sound it is made of', () => {
  const sound = fc.int16Array({ minLength: 2, maxLength: 400 });
  fc.assert(
    fc.property(
      sound,
      fc.nat(200),
      fc.double({ min: -1, max: 1, noNaN: true }),
      fc.boolean(),
      (original, most, leastLikeness, isShrink) => {
        const scale = new TimeScale(8000);
        const samples = new Int16Array(original.length * 2);
        samples.set(original);
        const count = original.length;
        const changed = isShrink ? scale.shrink(samples, count, most, leastLikeness) : scale.stretch(samples, count, most, leastLikeness);
        expect(changed).toBeLessThanOrEqual(most);
        expect(changed * 2).toBeLessThanOrEqual(count);
        const result = samples.subarray(0, isShrink ? count - changed : count + changed);
        // A cross-fade of two stretches steps at most as far as they do, and by the slope of the fade.
        const fade = changed === 0 ? 0 : 65536 / changed + 2;
        expect(largestStep(result)).toBeLessThanOrEqual(largestStep(original) + fade);
      },
    ),
  );
});
