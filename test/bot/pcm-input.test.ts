import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PcmInput } from '../../src/bot/pcm-input.js';

const sine = (hz: number, rate: number, count: number): Int16Array =>
  Int16Array.from({ length: count }, (_, i) => Math.round(10_000 * Math.sin((2 * Math.PI * hz * i) / rate)));

const bytesOf = (samples: Int16Array): Uint8Array => {
  const bytes = new Uint8Array(samples.length * 2);
  const view = new DataView(bytes.buffer);
  samples.forEach((sample, i) => {
    view.setInt16(2 * i, sample, true);
  });
  return bytes;
};

const join = (parts: readonly Int16Array[]): number[] => parts.flatMap((part) => [...part]);

describe('PCM as applications have it', () => {
  test('samples at our rate pass as they are', () => {
    const samples = Int16Array.of(1, -2, 32_767, -32_768);
    expect([...new PcmInput(16_000).take(samples)]).toEqual([1, -2, 32_767, -32_768]);
  });

  test('bytes of little-endian 16-bit cut anywhere are the same samples', () => {
    const samples = sine(440, 16_000, 500);
    const bytes = bytesOf(samples);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 20 }), (cuts) => {
        const input = new PcmInput(16_000);
        const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const parts = edges.slice(1).map((edge, i) => input.take(bytes.subarray(edges[i], edge)).slice());
        expect(join(parts)).toEqual([...samples]);
      }),
    );
  });

  test('an ArrayBuffer is bytes, and a subarray at an odd offset is read where it lies', () => {
    const bytes = bytesOf(Int16Array.of(258, -3));
    const shifted = new Uint8Array(5);
    shifted.set(bytes, 1);
    expect([...new PcmInput(8000).take(bytes.buffer as ArrayBuffer)]).toEqual([258, -3]);
    expect([...new PcmInput(8000).take(shifted.subarray(1))]).toEqual([258, -3]);
  });

  test.each([22_050, 24_000, 44_100, 8000])('%i Hz in any chunks is resampled as if it were one', (rate) => {
    const samples = sine(1000, rate, Math.round(rate / 10));
    const whole = join([new PcmInput(16_000).take(samples, rate)]);
    expect(whole.length).toBeGreaterThan(1500);
    const input = new PcmInput(16_000);
    const parts: Int16Array[] = [];
    for (let at = 0, size = 1; at < samples.length; at += size, size = (size * 7) % 311)
      parts.push(input.take(samples.subarray(at, at + size), rate).slice());
    expect(join(parts)).toEqual(whole);
  });

  test('flush brings out what the filter still holds: nothing of the sound is lost', () => {
    const input = new PcmInput(16_000);
    const samples = sine(1000, 8000, 800);
    const length = input.take(samples, 8000).length + input.flush().length;
    expect(length).toBeGreaterThanOrEqual(1600);
    expect(input.flush()).toHaveLength(0);
  });

  test('what is neither, and a rate that is none, is refused by name', () => {
    const input = new PcmInput(16_000);
    expect(() => input.take('abc' as never)).toThrow('samples: must be');
    expect(() => input.take(new Int16Array(1), 3)).toThrow('sampleRate: must be');
  });
});
