import { expect, test } from 'vitest';
import { Spectrum } from '../../src/codec/spectrum.js';
import { noise } from './signals.js';

test('it is the discrete Fourier transform, and pads what is short', () => {
  const random = noise(3);
  const window = Float64Array.from({ length: 50 }, (_, i) => 0.5 + i / 100);
  const samples = Float64Array.from({ length: 50 }, random);
  const power = new Spectrum(64, window).of(samples);
  for (let k = 0; k <= 32; k++) {
    let re = 0;
    let im = 0;
    for (let i = 0; i < 50; i++) {
      re += samples[i]! * window[i]! * Math.cos((2 * Math.PI * k * i) / 64);
      im += samples[i]! * window[i]! * Math.sin((2 * Math.PI * k * i) / 64);
    }
    expect(power[k]).toBeCloseTo(re * re + im * im, 9);
  }
});
