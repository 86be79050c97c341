import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ComfortNoiseDecoder, ComfortNoiseEncoder, levelDbov } from '../../src/codec.js';
import { largestStep, noise, sine, whiteNoise } from './signals.js';

function learn(sound: Int16Array, sampleRate: number, order?: number): Uint8Array {
  const encoder = new ComfortNoiseEncoder(sampleRate, order);
  for (let at = 0; at + 160 <= sound.length; at += 160) encoder.learn(sound, 160, at);
  const out = new Uint8Array(20);
  return out.slice(0, encoder.write(out, 0));
}

function make(payload: Uint8Array, sampleRate: number, seconds = 2): Int16Array {
  const decoder = new ComfortNoiseDecoder(sampleRate);
  decoder.update(payload, 0, payload.length);
  const out = new Int16Array(seconds * sampleRate);
  decoder.generate(out, out.length);
  return out.subarray(out.length / 2);
}

/** Noise with most of its energy low, as in a car. */
function coloured(length: number, pole: number, amplitude: number): Int16Array {
  const next = noise(5);
  let y = 0;
  return Int16Array.from({ length }, () => {
    y = pole * y + amplitude * next();
    return y;
  });
}

function correlation(samples: Int16Array, lag: number): number {
  let energy = 0;
  let product = 0;
  for (let i = lag; i < samples.length; i++) {
    energy += samples[i]! ** 2;
    product += samples[i]! * samples[i - lag]!;
  }
  return product / energy;
}

test('RFC 3389 §3.1 the level is in −dBov: a square wave at full scale is 0', () => {
  const square = Int16Array.from({ length: 8000 }, (_, i) => (i & 4 ? 32_767 : -32_768));
  expect(learn(square, 8000, 0)).toEqual(Uint8Array.of(0));
  expect(learn(new Int16Array(8000), 8000, 0)).toEqual(Uint8Array.of(127));
  // Uniform noise has a third of the power of its peak: −4.8 dB.
  expect(learn(whiteNoise(16000, 3277), 8000, 0)).toEqual(Uint8Array.of(25));
});

test('RFC 3389 §3.3 one byte of level and one for each coefficient; white noise has none: 127', () => {
  const payload = learn(whiteNoise(16000, 1000), 8000);
  expect(payload).toHaveLength(11);
  for (const index of payload.subarray(1)) expect(Math.abs(index - 127)).toBeLessThanOrEqual(8);
});

test('RFC 3389 §3.2 k = 258·(N − 127) / 32768: one pole at 0.9 is k₁ = −0.9', () => {
  const [, first, ...others] = learn(coloured(32000, 0.9, 300), 8000);
  expect(Math.abs((258 * (first! - 127)) / 32768 + 0.9)).toBeLessThan(0.03);
  for (const index of others) expect(Math.abs(index - 127)).toBeLessThanOrEqual(12);
});

describe.each([8000, 16000])('at %i Hz', (sampleRate) => {
  test.each([-20, -40, -60])('noise of %i dBov is made at that level within 1 dB', (dbov) => {
    expect(Math.abs(levelDbov(make(Uint8Array.of(-dbov), sampleRate)) - dbov)).toBeLessThan(1);
  });

  test('what is heard and what is made have the same level within 1 dB and the same colour', () => {
    for (const pole of [0.9, 0.5, -0.7]) {
      const sound = coloured(2 * sampleRate, pole, 1500);
      const made = make(learn(sound, sampleRate), sampleRate);
      expect(Math.abs(levelDbov(made) - levelDbov(sound))).toBeLessThan(1);
      for (const lag of [1, 2, 3])
        expect(Math.abs(correlation(made, lag) - correlation(sound, lag)), `pole ${pole}, lag ${lag}`).toBeLessThan(0.08);
    }
  });

  test('a pure tone does not make it ring: the noise stays at its level', () => {
    const tone = sine(440, sampleRate, 2, 3000);
    expect(Math.abs(levelDbov(make(learn(tone, sampleRate), sampleRate)) - levelDbov(tone))).toBeLessThan(3);
  });

  test('a change of level is reached without a step', () => {
    const decoder = new ComfortNoiseDecoder(sampleRate);
    decoder.update(Uint8Array.of(60, 20), 0, 2);
    const out = new Int16Array(sampleRate);
    decoder.generate(out, out.length / 2);
    decoder.update(Uint8Array.of(40, 20), 0, 2);
    decoder.generate(out, out.length / 2, out.length / 2);
    const border = out.length / 2;
    const steady = largestStep(out, 0, border);
    expect(largestStep(out, border - 1, border + sampleRate / 100)).toBeLessThan(5 * steady);
    expect(Math.abs(levelDbov(out, out.length / 4, (3 * out.length) / 4) + 40)).toBeLessThan(1);
  });
});

test('level 127 and reset are silence', () => {
  expect(make(Uint8Array.of(127), 8000).every((sample) => sample === 0)).toBe(true);
  const decoder = new ComfortNoiseDecoder(8000);
  decoder.update(Uint8Array.of(20), 0, 1);
  const out = new Int16Array(800);
  decoder.generate(out, 800);
  decoder.reset();
  decoder.generate(out, 800);
  expect(out.every((sample) => sample === 0)).toBe(true);
});

test('setLevel makes white noise of that level', () => {
  const decoder = new ComfortNoiseDecoder(8000);
  decoder.setLevel(-50);
  const out = new Int16Array(16000);
  decoder.generate(out, 16000);
  expect(Math.abs(levelDbov(out, 8000, 8000) + 50)).toBeLessThan(1);
});

test('two seeds make different noise', () => {
  const [a, b] = [1, 77].map((seed) => {
    const decoder = new ComfortNoiseDecoder(8000, seed);
    decoder.setLevel(-30);
    const out = new Int16Array(400);
    decoder.generate(out, 400);
    return out;
  });
  expect(a).not.toEqual(b);
});

test('any payload: stable, and no louder than it says by more than 6 dB', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 30 }), (payload) => {
      const made = make(payload, 8000, 4);
      expect(levelDbov(made)).toBeLessThan(Math.max(-90, -(payload[0]! & 127) + 6));
    }),
    { numRuns: 60, seed: 3389 },
  );
});

test('a payload of nothing changes nothing', () => {
  const decoder = new ComfortNoiseDecoder(8000);
  decoder.update(new Uint8Array(4), 4, 0);
  decoder.update(new Uint8Array(0), 0, 5);
  const out = new Int16Array(100);
  decoder.generate(out, 100);
  expect(out.every((sample) => sample === 0)).toBe(true);
});

test('any chunking learns the same', () => {
  const sound = coloured(4000, 0.8, 900);
  const learnt = [4000, 160, 37, 3].map((size) => {
    const encoder = new ComfortNoiseEncoder(8000);
    for (let at = 0; at < 4000; at += size) encoder.learn(sound, Math.min(size, 4000 - at), at);
    const out = new Uint8Array(11);
    encoder.write(out, 0);
    return [...out];
  });
  for (const payload of learnt) for (let i = 0; i < 11; i++) expect(Math.abs(payload[i]! - learnt[1]![i]!)).toBeLessThanOrEqual(12);
});
