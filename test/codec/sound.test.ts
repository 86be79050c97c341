import { expect, test } from 'vitest';
import { monoSound, type Sound, soundChannel, soundMs } from '../../src/codec.js';
import { alignedSnr, sine } from './signals.js';

const stereo: Sound = { sampleRate: 8000, channels: 2, samples: Int16Array.of(1, 10, 2, 20, 3, 31) };

test('channels are interleaved, mixed to their mean', () => {
  expect([...soundChannel(stereo, 0)]).toEqual([1, 2, 3]);
  expect([...soundChannel(stereo, 1)]).toEqual([10, 20, 31]);
  expect([...monoSound(stereo)]).toEqual([6, 11, 17]);
  expect(soundMs(stereo)).toBe(0.375);
});

test.each([
  [44100, 8000],
  [44100, 16000],
  [24000, 8000],
  [48000, 16000],
  [8000, 16000],
  [22050, 48000],
])('%i -> %i Hz: as long as before, neither late nor cut short', (from, to) => {
  const out = monoSound({ sampleRate: from, channels: 1, samples: sine(440, from, 0.5) }, to);
  expect(out).toHaveLength(to / 2);
  // Half a sample of delay, which rounding may leave, is 440·π/8000 radians: 15 dB.
  expect(alignedSnr(sine(440, to, 0.5).subarray(200, -200), out.subarray(200, -200), 0).snr).toBeGreaterThan(14);
});
