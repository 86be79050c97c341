import laws711 from 'alawmulaw';
import { describe, expect, test } from 'vitest';
import { decoder, encoder } from '../../src/codec.js';
import { alignedSnr, dataFolder, decibels, fitSine, readData, sine, speech } from './signals.js';

const laws = ['pcmu', 'pcma'] as const;

/** G.711 Table 2: the value of each code, by the formula of the recommendation, scaled to 16 bits. */
function expand(law: (typeof laws)[number], code: number): number {
  if (law === 'pcmu') {
    const inverted = ~code & 0xff;
    const magnitude = ((((inverted & 15) << 3) + 132) << ((inverted >> 4) & 7)) - 132;
    return inverted & 0x80 ? -magnitude : magnitude;
  }
  const toggled = code ^ 0x55;
  const exponent = (toggled >> 4) & 7;
  const magnitude = exponent === 0 ? ((toggled & 15) << 4) + 8 : (((toggled & 15) << 4) + 0x108) << (exponent - 1);
  return toggled & 0x80 ? magnitude : -magnitude;
}

describe.each(laws)('%s', (law) => {
  const every = Uint8Array.from({ length: 256 }, (_, code) => code);

  test('G.711 every code decodes to the value of the recommendation', () => {
    const out = new Int16Array(256);
    expect(decoder(law).decode(every, 0, 256, out, 0)).toBe(256);
    expect([...out]).toEqual([...every].map((code) => expand(law, code) + 0));
  });

  test('G.711 every sample is encoded as the package does', () => {
    const samples = Int16Array.from({ length: 65536 }, (_, i) => i - 32768);
    const bytes = new Uint8Array(65536);
    encoder(law).encode(samples, 65536, bytes, 0);
    const { encodeSample } = { pcmu: laws711.mulaw, pcma: laws711.alaw }[law];
    expect(
      Buffer.compare(
        bytes,
        Uint8Array.from(samples, (sample) => encodeSample(sample)),
      ),
    ).toBe(0);
  });

  test('G.711 every sample is encoded to the nearest code or its neighbour', () => {
    const values = [...new Set([...every].map((code) => expand(law, code)))].sort((a, b) => a - b);
    const samples = Int16Array.from({ length: 65536 }, (_, i) => i - 32768);
    const bytes = new Uint8Array(65536);
    expect(encoder(law).encode(samples, 65536, bytes, 0)).toBe(65536);
    let off = 0;
    let nearest = 0;
    for (let i = 0; i < 65536; i++) {
      while (nearest + 1 < values.length && Math.abs(values[nearest + 1]! - samples[i]!) <= Math.abs(values[nearest]! - samples[i]!))
        nearest++;
      off = Math.max(off, Math.abs(values.indexOf(expand(law, bytes[i]!)) - nearest));
    }
    expect(off).toBeLessThanOrEqual(1);
  });

  test('a code survives decode and encode (µ-law has a second zero)', () => {
    const linear = new Int16Array(256);
    const again = new Uint8Array(256);
    decoder(law).decode(every, 0, 256, linear, 0);
    encoder(law).encode(linear, 256, again, 0);
    const changed = [...every].filter((code) => again[code] !== code);
    expect(changed).toEqual(law === 'pcmu' ? [0x7f] : []);
  });

  test('1004 Hz at −10 dBm0 keeps its level within 0.1 dB and 36 dB over its noise', () => {
    const original = sine(1004, 8000, 1, 10_000);
    const { amplitude, rest } = fitSine(roundTrip(law, original), 1004, 8000);
    expect(Math.abs(decibels(amplitude / 10_000))).toBeLessThan(0.1);
    expect(decibels(amplitude / Math.SQRT2 / rest)).toBeGreaterThan(36);
  });

  test('decode stops at the end of what it was given to write to', () => {
    const out = new Int16Array(100);
    expect(decoder(law).decode(every, 0, 256, out, 40)).toBe(60);
    expect(decoder(law).decode(every, 200, 256, out, 0)).toBe(56);
  });

  test.skipIf(!dataFolder)('speech keeps 30 dB over its noise (needs SIPBOT_TEST_DATA)', () => {
    const original = speech('pjproject-input.8.wav');
    expect(alignedSnr(original, roundTrip(law, original), 0).snr).toBeGreaterThan(30);
  });

  test.skipIf(!dataFolder)('the sweep of LiveKit decodes exactly, and encodes within one step (needs SIPBOT_TEST_DATA)', () => {
    const name = law === 'pcmu' ? 'ulaw' : 'alaw';
    const theirs = new Uint8Array(readData(`codec-g711-livekit/sweep.${name}`));
    const linear = readData(`codec-g711-livekit/sweep.${name}.s16le`);
    const out = new Int16Array(theirs.length);
    decoder(law).decode(theirs, 0, theirs.length, out, 0);
    expect(Buffer.compare(Buffer.from(out.buffer), linear)).toBe(0);
    const sweep = readData('codec-g711-livekit/sweep.s16le');
    const samples = Int16Array.from({ length: sweep.length / 2 }, (_, i) => sweep.readInt16LE(2 * i));
    const ours = new Uint8Array(samples.length);
    encoder(law).encode(samples, samples.length, ours, 0);
    const order = [...new Set([...every].map((code) => expand(law, code)))].sort((a, b) => a - b);
    const steps = samples.map((_, i) => Math.abs(order.indexOf(expand(law, ours[i]!)) - order.indexOf(expand(law, theirs[i]!))));
    expect(Math.max(...new Set(steps))).toBeLessThanOrEqual(1);
  });
});

function roundTrip(law: (typeof laws)[number], samples: Int16Array): Int16Array {
  const bytes = new Uint8Array(samples.length);
  const out = new Int16Array(samples.length);
  const count = encoder(law).encode(samples, samples.length, bytes, 0);
  decoder(law).decode(bytes, 0, count, out, 0);
  return out;
}
