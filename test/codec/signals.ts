// Signals the codec tests are measured with, and the measures.
import { readFileSync } from 'node:fs';

/** Where the vectors and speech files lie that are not part of this repository; undefined when they are not here. */
export const dataFolder = process.env['SIPBOT_TEST_DATA'];

export function readData(path: string): Buffer {
  return readFileSync(`${dataFolder}/${path}`);
}

export function sine(hz: number, sampleRate: number, seconds: number, amplitude = 10_000, phase = 0): Int16Array {
  return Int16Array.from({ length: Math.round(sampleRate * seconds) }, (_, i) =>
    Math.round(amplitude * Math.sin((2 * Math.PI * hz * i) / sampleRate + phase)),
  );
}

/** The same pseudo-random numbers on every machine (xorshift32), in [-1, 1). */
export function noise(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 0x80000000;
  };
}

export function whiteNoise(length: number, amplitude: number, seed = 1): Int16Array {
  const next = noise(seed);
  return Int16Array.from({ length }, () => Math.round(amplitude * next()));
}

/** 16-bit mono PCM after the `data` header of a plain WAV file of the test data. */
export function speech(file: string): Int16Array {
  const bytes = readData(`speech-dev/${file}`);
  const at = bytes.indexOf('data') + 8;
  const count = Math.floor(Math.min(bytes.readUInt32LE(at - 4), bytes.length - at) / 2);
  return Int16Array.from({ length: count }, (_, i) => bytes.readInt16LE(at + 2 * i));
}

export function rms(samples: ArrayLike<number>, from = 0, to = samples.length): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += samples[i]! ** 2;
  return Math.sqrt(sum / Math.max(1, to - from));
}

export function decibels(ratio: number): number {
  return 20 * Math.log10(Math.max(ratio, 1e-12));
}

/** Least-squares sine of that frequency: its amplitude, and the RMS of what it leaves. */
export function fitSine(
  samples: ArrayLike<number>,
  hz: number,
  sampleRate: number,
  from = 0,
  to = samples.length,
): { amplitude: number; rest: number } {
  const w = (2 * Math.PI * hz) / sampleRate;
  let ss = 0;
  let sc = 0;
  let cc = 0;
  let xs = 0;
  let xc = 0;
  for (let i = from; i < to; i++) {
    const s = Math.sin(w * i);
    const c = Math.cos(w * i);
    ss += s * s;
    sc += s * c;
    cc += c * c;
    xs += samples[i]! * s;
    xc += samples[i]! * c;
  }
  const determinant = ss * cc - sc * sc;
  const a = (xs * cc - xc * sc) / determinant;
  const b = (xc * ss - xs * sc) / determinant;
  let rest = 0;
  for (let i = from; i < to; i++) rest += (samples[i]! - a * Math.sin(w * i) - b * Math.cos(w * i)) ** 2;
  return { amplitude: Math.hypot(a, b), rest: Math.sqrt(rest / (to - from)) };
}

/** SNR in dB of a against what it should be, after the best gain, at the best lag from 0 to `maxLag`. */
export function alignedSnr(original: Int16Array, result: Int16Array, maxLag: number): { snr: number; lag: number; gainDb: number } {
  let best = { snr: Number.NEGATIVE_INFINITY, lag: 0, gainDb: 0 };
  for (let lag = 0; lag <= maxLag; lag++) {
    const length = Math.min(original.length, result.length - lag);
    let xx = 0;
    let xy = 0;
    let yy = 0;
    for (let i = 0; i < length; i++) {
      const x = original[i]!;
      const y = result[i + lag]!;
      xx += x * x;
      xy += x * y;
      yy += y * y;
    }
    const gain = xy / xx;
    const error = Math.max(yy - gain * xy, 1e-9);
    const snr = 10 * Math.log10((gain * xy) / error);
    if (snr > best.snr) best = { snr, lag, gainDb: decibels(Math.abs(gain)) };
  }
  return best;
}

/** The largest step from one sample to the next. */
export function largestStep(samples: ArrayLike<number>, from = 0, to = samples.length): number {
  let largest = 0;
  for (let i = Math.max(1, from); i < to; i++) largest = Math.max(largest, Math.abs(samples[i]! - samples[i - 1]!));
  return largest;
}

/** Amplitude of what stands at that frequency, through a Blackman-Harris window: tones beside it are 92 dB down four bins away. */
export function toneAmplitude(samples: ArrayLike<number>, hz: number, sampleRate: number, from = 0, to = samples.length): number {
  const length = to - from;
  const w = (2 * Math.PI * hz) / sampleRate;
  let real = 0;
  let imaginary = 0;
  let gain = 0;
  for (let i = 0; i < length; i++) {
    const u = (2 * Math.PI * i) / length;
    const weight = 0.35875 - 0.48829 * Math.cos(u) + 0.14128 * Math.cos(2 * u) - 0.01168 * Math.cos(3 * u);
    real += weight * samples[from + i]! * Math.cos(w * i);
    imaginary += weight * samples[from + i]! * Math.sin(w * i);
    gain += weight;
  }
  return (2 * Math.hypot(real, imaginary)) / gain;
}
