/** How a platform writes sound: G.711, or 16-bit samples with the low byte first; and our samples to and from it. */
import { decoder, encoder } from '../../codec/registry.js';
import { PcmInput } from '../pcm-input.js';

export type SoundEncoding = 'pcm16' | 'pcmu' | 'pcma';

export interface SoundFormat {
  readonly encoding: SoundEncoding;
  readonly sampleRate: number;
}

/** What can be resampled. */
export function isSoundRate(rate: number): boolean {
  return Number.isInteger(rate) && rate >= 4000 && rate <= 192_000;
}

/** -54 dBFS. */
const QUIET = 64;

export function bytesPerMs({ encoding, sampleRate }: SoundFormat): number {
  return (sampleRate / 1000) * (encoding === 'pcm16' ? 2 : 1);
}

/** Of less nobody can say whether it is silence: the quiet samples of a wave are none. */
const LEAST_MS = 10;

/** None of it is heard, and without it what comes next is whole samples still. */
export function isSilence(bytes: Uint8Array, format: SoundFormat): boolean {
  const { encoding } = format;
  if (bytes.length < LEAST_MS * bytesPerMs(format)) return false;
  if (encoding === 'pcmu') return bytes.every((code) => (code | 0x80) >= 0xf7);
  if (encoding === 'pcma') return bytes.every((code) => ((code ^ 0x55) & 0x7f) <= 3);
  if (bytes.length % 2 === 1) return false;
  for (let i = 1; i < bytes.length; i += 2) {
    const sample = ((bytes[i]! << 24) >> 16) | bytes[i - 1]!;
    if (sample > QUIET || sample < -QUIET) return false;
  }
  return true;
}

/** Samples to the platform's bytes, in an array of its own. */
export function soundWriter({ encoding }: SoundFormat): (samples: Int16Array, count: number) => Uint8Array {
  if (encoding === 'pcm16') {
    return (samples, count) => {
      const bytes = new Uint8Array(2 * count);
      for (let i = 0, to = 0; i < count; i++) {
        const sample = samples[i]!;
        bytes[to++] = sample;
        bytes[to++] = sample >> 8;
      }
      return bytes;
    };
  }
  const g711 = encoder(encoding);
  return (samples, count) => {
    const bytes = new Uint8Array(count);
    g711.encode(samples, count, bytes, 0);
    return bytes;
  };
}

/** The platform's bytes, in any split, to samples at `sampleRate`. What `read` gives is good until it is called again. */
export class SoundReader {
  readonly format: SoundFormat;
  readonly #input: PcmInput;
  readonly #toSamples: (bytes: Uint8Array) => Uint8Array | Int16Array;

  constructor(format: SoundFormat, sampleRate: number) {
    this.format = format;
    this.#input = new PcmInput(sampleRate);
    const g711 = format.encoding === 'pcm16' ? undefined : decoder(format.encoding);
    this.#toSamples = (bytes) => {
      if (g711 === undefined) return bytes;
      const samples = new Int16Array(bytes.length);
      g711.decode(bytes, 0, bytes.length, samples, 0);
      return samples;
    };
  }

  read(bytes: Uint8Array): Int16Array {
    return this.#input.take(this.#toSamples(bytes), this.format.sampleRate);
  }

  /** What comes next is the beginning of another sound: half a sample that was left belongs to nothing. */
  reset(): void {
    this.#input.flush();
  }
}
