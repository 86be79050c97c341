import { expect, test } from 'vitest';
import { Gain, gainOf, MixBus, mixInto } from '../../src/codec.js';
import { largestStep, sine } from './signals.js';

test('a sum saturates and does not wrap', () => {
  const target = Int16Array.of(30_000, -30_000, 100, 7);
  mixInto(target, Int16Array.of(9, 10_000, -10_000, 5), 3, 0, 1);
  expect([...target]).toEqual([32_767, -32_768, 105, 7]);
});

test('a bus gives each the others', () => {
  const bus = new MixBus(2);
  const [a, b, c] = [Int16Array.of(20_000, 1), Int16Array.of(20_000, 2), Int16Array.of(-5, 4)];
  for (const voice of [a, b, c]) bus.add(voice, 2);
  const heard = (own?: Int16Array) => {
    const out = new Int16Array(2);
    bus.take(out, 2, 0, own);
    return [...out];
  };
  expect([heard(a), heard(b), heard(c), heard()]).toEqual([
    [19_995, 6],
    [19_995, 5],
    [32_767, 3],
    [32_767, 7],
  ]);
  bus.clear();
  expect(heard()).toEqual([0, 0]);
});

test('gain 1 touches nothing, another is exact, decibels are decibels', () => {
  const sound = sine(440, 8000, 0.1);
  const same = Int16Array.from(sound);
  new Gain(8000).process(same, same.length);
  expect(same).toEqual(sound);
  const half = Int16Array.from(sound);
  new Gain(8000, 0.5).process(half, half.length);
  expect(half).toEqual(sound.map((sample) => Math.round(sample * 0.5)));
  expect(gainOf(6.0206)).toBeCloseTo(2, 4);
});

test('turning the knob is no click, in chunks of any size, and ends where it was told', () => {
  for (const size of [1, 37, 800]) {
    const sound = sine(200, 8000, 0.1, 10_000);
    const gain = new Gain(8000);
    gain.set(0, 50);
    for (let at = 0; at < 800; at += size) gain.process(sound, Math.min(size, 800 - at), at);
    expect(largestStep(sound)).toBeLessThan(largestStep(sine(200, 8000, 0.1, 10_000)) + 30);
    expect(gain.gain).toBe(0);
    expect(sound.subarray(400).every((sample) => sample === 0)).toBe(true);
    expect(Math.max(...sound.subarray(200, 300))).toBeGreaterThan(1000);
  }
});

test('loud saturates', () => {
  const sound = Int16Array.of(20_000, -20_000);
  new Gain(8000, 4).process(sound, 2);
  expect([...sound]).toEqual([32_767, -32_768]);
});
