import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dtmfFrequencies, dtmfTone, isDtmfDigit, progressTone, renderTone, sineTone, ToneGenerator } from '../../src/codec.js';
import { decibels, fitSine, largestStep, toneAmplitude } from './signals.js';

test('Q.23 every key is its two frequencies, at −9 and −7 dBm0', () => {
  for (const key of [...'0123456789*#ABCD'].filter(isDtmfDigit)) {
    const tone = renderTone(dtmfTone(key, { toneMs: 500 }), 8000);
    const [low, high] = dtmfFrequencies(key);
    const dbm0 = (hz: number) => decibels(toneAmplitude(tone, hz, 8000, 100, 3900) / 32768) + 3.14;
    expect(Math.abs(dbm0(low) + 9)).toBeLessThan(0.1);
    expect(Math.abs(dbm0(high) + 7)).toBeLessThan(0.1);
  }
});

test('keys follow each other with their gap', () => {
  const tone = renderTone(dtmfTone('1a', { toneMs: 60, gapMs: 50 }), 8000);
  expect(tone).toHaveLength(8 * 170);
  expect(tone.subarray(480, 880).every((sample) => sample === 0)).toBe(true);
});

test('a sine has its level and soft edges: no step larger than its own', () => {
  for (const rate of [8000, 16000, 48000]) {
    const tone = renderTone(sineTone(1000, 200, -10), rate);
    const { amplitude } = fitSine(tone, 1000, rate, 0.01 * rate, 0.19 * rate);
    expect(Math.abs(decibels(amplitude / 32768) + 13.14)).toBeLessThan(0.05);
    const padded = [0, ...tone, 0];
    expect(largestStep(padded)).toBeLessThanOrEqual((amplitude * 2 * Math.PI * 1000) / rate + 1);
    expect(Math.abs(padded[1]!) + Math.abs(padded.at(-2)!)).toBeLessThan(10);
  }
});

test('E.180 ringback of the United States: 440 and 480 Hz, 2 s on, 4 s off, for ever', () => {
  const generator = new ToneGenerator(progressTone('ringback', 'us'), 8000);
  const out = new Int16Array(8000 * 14);
  expect(generator.fill(out, out.length)).toBe(out.length);
  const heard = Array.from({ length: 14 }, (_, second) => toneAmplitude(out, 440, 8000, 8000 * second, 8000 * (second + 1)) > 1000);
  expect(heard.map((on) => (on ? '#' : '.')).join('')).toBe('##....##....##');
  expect(toneAmplitude(out, 480, 8000, 0, 16_000)).toBeGreaterThan(1000);
});

test('any chunking plays the same, and tells its end', () => {
  const tone = dtmfTone('12', { toneMs: 50, gapMs: 40 });
  const whole = renderTone(tone, 16000);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 900 }), (size) => {
      const generator = new ToneGenerator(tone, 16000);
      const out = new Int16Array(whole.length + 1000);
      let at = 0;
      for (;;) {
        const made = generator.fill(out, size, at);
        at += made;
        if (made < size) break;
      }
      expect(out.subarray(0, at)).toEqual(whole);
      expect(generator.fill(out, 10)).toBe(0);
    }),
    { numRuns: 40, seed: 180 },
  );
});

test('what cannot be is refused by name', () => {
  expect(() => dtmfTone('12x')).toThrow(/digits/);
  expect(() => dtmfTone('1', { toneMs: 20 })).toThrow(/toneMs/);
  expect(() => dtmfTone('1', { gapMs: 20 })).toThrow(/gapMs/);
  expect(() => progressTone('busy', 'xx' as 'us')).toThrow(/country/);
  expect(() => new ToneGenerator(sineTone(5000, 10), 8000)).toThrow(/hz/);
  expect(() => new ToneGenerator(sineTone(500, 0), 8000)).toThrow(/ms/);
});
