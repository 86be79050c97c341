import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decoder, encoder, Resampler } from '../../src/codec.js';
import { alignedSnr, dataFolder, decibels, fitSine, readData, rms, sine, speech } from './signals.js';

function encode(samples: Int16Array, sampleRate = 16000): Uint8Array {
  const out = new Uint8Array(samples.length);
  return out.subarray(0, encoder('g722', { sampleRate }).encode(samples, samples.length, out, 0));
}

function decode(bytes: Uint8Array, sampleRate = 16000): Int16Array {
  const out = new Int16Array(2 * bytes.length);
  return out.subarray(0, decoder('g722', { sampleRate }).decode(bytes, 0, bytes.length, out, 0));
}

function hash(algorithm: string, data: Int16Array | Uint8Array): string {
  return createHash(algorithm)
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest('hex');
}

describe.skipIf(!dataFolder)('the hashes of libg722 (needs SIPBOT_TEST_DATA)', () => {
  const expected = (name: string) =>
    readData('codec-g722-libg722/test.checksum')
      .toString()
      .split('\n')
      .find((row) => row.endsWith(` *${name}`))
      ?.slice(0, 64);
  const file = (name: string) => new Uint8Array(readData(`codec-g722-libg722/${name}`));
  const pcm = (order: 'big' | 'little') => {
    const bytes = readData('codec-g722-libg722/pcminb.dat');
    return Int16Array.from({ length: bytes.length / 2 }, (_, i) => (order === 'big' ? bytes.readInt16BE(2 * i) : bytes.readInt16LE(2 * i)));
  };

  test('speech decoded at 8 and 16 kHz', () => {
    expect(hash('sha256', decode(file('test.g722'), 8000))).toBe(expected('test.raw.out'));
    expect(hash('sha256', decode(file('test.g722')))).toBe(expected('test.raw.16k.out'));
  });

  test('16 kHz encoded, and decoded again', () => {
    const coded = encode(pcm('big'));
    expect(hash('sha256', coded)).toBe(expected('pcminb.g722.out'));
    // This output alone was hashed in big endian, as its input is (the manifest says little).
    const decoded = decode(coded);
    expect(hash('sha256', Buffer.from(decoded.buffer).swap16())).toBe(expected('pcminb.raw.16k.out'));
  });

  test.each([
    [8000, 1],
    [16000, 2],
  ])('the same file read in the wrong order, which is noise at full scale: 64 kbit/s at %i Hz', (sampleRate, perByte) => {
    const row = readData('codec-g722-libg722/pcminb.checksum')
      .toString()
      .match(new RegExp(`^64000_${sampleRate}\\s+(\\d+)\\s+(\\S+)\\s+(\\S+)`, 'm'))!;
    const coded = encode(pcm('little'), sampleRate);
    const out = new Int16Array(coded.length * perByte);
    decoder('g722', { sampleRate }).decode(coded, 0, coded.length, out, 0);
    expect([`${coded.length}`, hash('md5', coded), hash('md5', out)]).toEqual(row.slice(1));
  });

  test('8 kHz encoded', () => {
    expect(hash('sha256', encode(decode(file('test.g722'), 8000), 8000))).toBe(expected('test.g722.out'));
  });

  test('full-scale input saturates as theirs does', () => {
    expect(hash('sha256', decode(file('fullscale.g722')))).toBe(expected('fullscale.raw.out'));
  });
});

test('ITU-T G.722: tones from 100 Hz to 6.5 kHz keep their level within 0.5 dB and 30 dB over what the coder adds', () => {
  for (const hz of [100, 300, 500, 1004, 2000, 3000, 5000, 6000, 6500]) {
    const out = decode(encode(sine(hz, 16000, 0.6, 8000)));
    const { amplitude, rest } = fitSine(out, hz, 16000, 3200, out.length);
    expect(Math.abs(decibels(amplitude / 8000)), `${hz} Hz`).toBeLessThan(0.5);
    // The higher band has 2 bits a sample where the lower has 6.
    expect(decibels(amplitude / Math.SQRT2 / rest), `${hz} Hz`).toBeGreaterThan(hz < 4000 ? 30 : 20);
  }
});

test('silence in, silence out', () => {
  expect(rms(decode(encode(new Int16Array(3200))))).toBeLessThan(2);
});

test('a frame at a time is the same as all at once', () => {
  const samples = sine(1500, 16000, 0.2);
  const whole = encode(samples);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 20 }), (sizes) => {
      const coder = encoder('g722');
      const back = decoder('g722');
      const bytes = new Uint8Array(samples.length);
      const out = new Int16Array(samples.length);
      let written = 0;
      for (let from = 0, turn = 0; from < samples.length; turn++) {
        const count = Math.min(2 * (sizes[turn % sizes.length] ?? 1), samples.length - from);
        written += coder.encode(samples.subarray(from, from + count), count, bytes, written);
        from += count;
      }
      for (let from = 0, turn = 0; from < written; turn++) {
        const count = Math.min(sizes[(turn + 3) % sizes.length] ?? 1, written - from);
        back.decode(bytes, from, count, out, 2 * from);
        from += count;
      }
      expect(Buffer.compare(bytes.subarray(0, written), whole)).toBe(0);
      expect(out).toEqual(decode(whole));
    }),
    { numRuns: 30, seed: 722 },
  );
});

test('after reset the past is forgotten', () => {
  const samples = sine(700, 16000, 0.1);
  const coder = encoder('g722');
  const bytes = new Uint8Array(800);
  coder.encode(sine(3000, 16000, 0.1, 30_000), 1600, bytes, 0);
  const loud = bytes.slice();
  coder.reset();
  coder.encode(samples, 1600, bytes, 0);
  expect(Buffer.compare(bytes, encode(samples))).toBe(0);
  const back = decoder('g722');
  const out = new Int16Array(1600);
  back.decode(loud, 0, 800, out, 0);
  back.reset();
  back.decode(bytes, 0, 800, out, 0);
  expect(out).toEqual(decode(bytes));
});

test('how many samples a payload holds is known beforehand', () => {
  expect(decoder('g722').samplesIn(new Uint8Array(160), 0, 160)).toBe(320);
  expect(decoder('g722', { sampleRate: 8000 }).samplesIn(new Uint8Array(160), 0, 160)).toBe(160);
});

test('any bytes decode, no further than the array that takes them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.integer({ min: 0, max: 500 }), (bytes, room) => {
      const out = new Int16Array(room);
      expect(decoder('g722').decode(bytes, 0, bytes.length, out, 0)).toBe(2 * Math.min(bytes.length, room >> 1));
    }),
    { seed: 1 },
  );
});

test('rates it has not are refused', () => {
  expect(() => encoder('g722', { sampleRate: 48000 })).toThrow(/sampleRate/);
});

test.skipIf(!dataFolder)('speech keeps 18 dB over what the coder adds, narrow or wide (needs SIPBOT_TEST_DATA)', () => {
  const wide = speech('pjproject-input.16.wav');
  expect(alignedSnr(wide, decode(encode(wide)), 60).snr).toBeGreaterThan(18);
  const resampler = new Resampler(16000, 8000);
  const narrow = new Int16Array(resampler.maxOutput(wide.length));
  resampler.process(wide, wide.length, narrow);
  expect(alignedSnr(narrow, decode(encode(narrow, 8000), 8000), 4).snr).toBeGreaterThan(18);
});
