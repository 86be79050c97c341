/** PCM as applications have it (Int16Array, or bytes of little-endian 16-bit cut anywhere; any rate) made into samples at one rate, the phase kept from chunk to chunk. */
import { Resampler } from '../codec/resample.js';
import { OptionError } from '../errors.js';

export type PcmChunk = Int16Array | Uint8Array | ArrayBuffer;

const EMPTY = new Int16Array(0);

export class PcmInput {
  readonly sampleRate: number;
  /** The odd byte of a chunk that was cut through a sample. */
  #halfSample = -1;
  #resampler: Resampler | undefined;
  #resampled = EMPTY;

  constructor(sampleRate: number) {
    this.sampleRate = sampleRate;
  }

  /** What `chunk` adds, at `sampleRate`. The array is ours, and good until the next call. */
  take(chunk: PcmChunk, fromRate = this.sampleRate): Int16Array {
    const samples = chunk instanceof Int16Array ? chunk : this.#samplesOf(chunk);
    if (fromRate === this.sampleRate) {
      this.#resampler = undefined;
      return samples;
    }
    if (this.#resampler?.fromRate !== fromRate) this.#resampler = new Resampler(checkRate(fromRate), this.sampleRate);
    const most = this.#resampler.maxOutput(samples.length);
    if (this.#resampled.length < most) this.#resampled = new Int16Array(most);
    const count = this.#resampler.process(samples, samples.length, this.#resampled);
    return this.#resampled.subarray(0, count);
  }

  /** The sound is over: what the filter still holds. */
  flush(): Int16Array {
    this.#halfSample = -1;
    const resampler = this.#resampler;
    if (resampler === undefined) return EMPTY;
    this.#resampler = undefined;
    const tail = new Int16Array(resampler.maxOutput(Math.ceil((resampler.delayMs * resampler.fromRate) / 1000) + 1));
    return tail.subarray(0, resampler.flush(tail));
  }

  #samplesOf(chunk: Uint8Array | ArrayBuffer): Int16Array {
    const bytes = chunk instanceof ArrayBuffer ? new Uint8Array(chunk) : chunk;
    if (!(bytes instanceof Uint8Array)) throw new OptionError('samples', 'must be an Int16Array, or bytes of little-endian 16-bit PCM');
    const hasHalf = this.#halfSample >= 0;
    const total = bytes.length + (hasHalf ? 1 : 0);
    const samples = new Int16Array(total >> 1);
    let at = 0;
    let from = 0;
    if (hasHalf && bytes.length > 0) {
      samples[at++] = this.#halfSample | (bytes[from++]! << 8);
      this.#halfSample = -1;
    }
    for (; from + 1 < bytes.length; from += 2) samples[at++] = bytes[from]! | (bytes[from + 1]! << 8);
    if (from < bytes.length) this.#halfSample = bytes[from]!;
    return samples;
  }
}

function checkRate(rate: number): number {
  if (Number.isInteger(rate) && rate >= 4000 && rate <= 192_000) return rate;
  throw new OptionError('sampleRate', 'must be a whole number of Hz from 4000 to 192000');
}
