import { describe, expect, test } from 'vitest';
import { isSilence, SoundReader, soundWriter } from '../../../src/bot/wire/sound-format.js';

const bytesOf = (samples: Int16Array): Uint8Array => new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);

describe('sound as platforms write it', () => {
  test.each([
    [22_050, 16_000],
    [16_000, 8000],
    [24_000, 8000],
    [44_100, 16_000],
    [8000, 24_000],
  ])('ten minutes at %i Hz, in chunks cut anywhere, are ten minutes at %i Hz to the sample', (from, to) => {
    const reader = new SoundReader({ encoding: 'pcm16', sampleRate: from }, to);
    const total = 2 * 600 * from;
    const chunk = new Uint8Array(4099).fill(7);
    let made = 0;
    for (let at = 0, i = 0; at < total; i++) {
      const size = Math.min([1, 640, 333, 4099][i % 4]!, total - at);
      made += reader.read(chunk.subarray(0, size)).length;
      at += size;
    }
    expect(made).toBe(600 * to);
  });

  test('16-bit samples and G.711 codes come back as they went', () => {
    const samples = Int16Array.from({ length: 4000 }, (_, i) => ((i * 7919) % 65_536) - 32_768);
    const pcm = { encoding: 'pcm16', sampleRate: 8000 } as const;
    expect(soundWriter(pcm)(samples, samples.length)).toEqual(bytesOf(samples));
    expect(new SoundReader(pcm, 8000).read(bytesOf(samples))).toEqual(samples);
    for (const encoding of ['pcmu', 'pcma'] as const) {
      const codes = Uint8Array.from({ length: 256 }, (_, code) => code);
      const format = { encoding, sampleRate: 8000 };
      const back = soundWriter(format)(new SoundReader(format, 8000).read(codes), 256);
      // µ-law has two zeros.
      expect(back).toEqual(encoding === 'pcmu' ? codes.map((code) => (code === 0x7f ? 0xff : code)) : codes);
    }
  });

  test('silence is what nobody hears, in each encoding', () => {
    for (const encoding of ['pcm16', 'pcmu', 'pcma'] as const) {
      const format = { encoding, sampleRate: 8000 };
      const write = soundWriter(format);
      const hiss = Int16Array.from({ length: 160 }, (_, i) => (i % 2 === 0 ? 50 : -50));
      const soft = hiss.map((sample) => sample * 6);
      expect([isSilence(write(hiss, 160), format), isSilence(write(soft, 160), format)]).toEqual([true, false]);
    }
  });

  test('a crumb of sound, or what is cut through a sample, is never silence: without it the rest would be noise', () => {
    const format = { encoding: 'pcm16', sampleRate: 8000 } as const;
    for (const [length, isQuiet] of [
      [0, false],
      [2, false],
      [158, false],
      [160, true],
      [161, false],
    ] as const)
      expect(isSilence(new Uint8Array(length), format)).toBe(isQuiet);
    expect(isSilence(new Uint8Array(79).fill(0xff), { encoding: 'pcmu', sampleRate: 8000 })).toBe(false);
  });

  test('a reset forgets half a sample', () => {
    const reader = new SoundReader({ encoding: 'pcm16', sampleRate: 16_000 }, 16_000);
    expect(reader.read(new Uint8Array([1, 0, 9]))).toEqual(Int16Array.of(1));
    reader.reset();
    expect(reader.read(new Uint8Array([2, 0]))).toEqual(Int16Array.of(2));
  });
});
