// G.722: 16 kHz sound in 64 kbit/s, as two sub-bands behind a quadrature mirror filter (ITU-T G.722 §3.1, §4.4; RFC 3551 §4.5.2).
// It speaks 8 kHz as well, without the filter: the lower band alone is telephone speech.
import { OptionError } from '../errors.js';
import type { CodecOptions, Decoder, Encoder } from './codec.js';
import { HigherBand, LowerBand } from './g722-band.js';

const taps = 24;
const pastLength = taps - 2;
/** Samples worked on at once; only how much scratch there is depends on it. */
const blockLength = 640;

/** The past and the newest block of the stream at work. Scratch of one call: between calls each stream keeps its own past. */
const line = new Int32Array(pastLength + blockLength);

function resolveRate({ sampleRate = 16000 }: CodecOptions): number {
  if (sampleRate !== 8000 && sampleRate !== 16000) throw new OptionError('sampleRate', 'for G.722, 16000 or 8000');
  return sampleRate;
}

/** Every second of the 24 coefficients of the mirror filter (Table 11), scaled by 2^13; backwards they are the others. */
function evenTaps(at: number): number {
  const x = line;
  return (
    3 * x[at]! -
    11 * x[at + 2]! +
    12 * x[at + 4]! +
    32 * x[at + 6]! -
    210 * x[at + 8]! +
    951 * x[at + 10]! +
    3876 * x[at + 12]! -
    805 * x[at + 14]! +
    362 * x[at + 16]! -
    156 * x[at + 18]! +
    53 * x[at + 20]! -
    11 * x[at + 22]!
  );
}

function oddTaps(at: number): number {
  const x = line;
  return (
    -11 * x[at]! +
    53 * x[at + 2]! -
    156 * x[at + 4]! +
    362 * x[at + 6]! -
    805 * x[at + 8]! +
    3876 * x[at + 10]! +
    951 * x[at + 12]! -
    210 * x[at + 14]! +
    32 * x[at + 16]! +
    12 * x[at + 18]! -
    11 * x[at + 20]! +
    3 * x[at + 22]!
  );
}

function clip(value: number): number {
  return value > 32767 ? 32767 : value < -32768 ? -32768 : value;
}

export class G722Encoder implements Encoder {
  readonly sampleRate: number;
  readonly clockRate = 8000;
  readonly #lower = new LowerBand();
  readonly #higher = new HigherBand();
  readonly #past = new Int32Array(pastLength);

  constructor(options: CodecOptions = {}) {
    this.sampleRate = resolveRate(options);
  }

  /** At 16 kHz `count` is even. */
  encode(samples: Int16Array, count: number, out: Uint8Array, offset: number): number {
    if (this.sampleRate === 8000) {
      // The higher band is told to stay where it is.
      for (let i = 0; i < count; i++) out[offset + i] = 0xc0 | this.#lower.encode(samples[i]! >> 1);
      return count;
    }
    let to = offset;
    for (let from = 0; from < count; from += blockLength)
      to += this.#block(samples, from, Math.min(blockLength, count - from) & ~1, out, to);
    return to - offset;
  }

  reset(): void {
    this.#lower.reset();
    this.#higher.reset();
    this.#past.fill(0);
  }

  close(): void {}

  #block(samples: Int16Array, from: number, count: number, out: Uint8Array, offset: number): number {
    line.set(this.#past);
    for (let i = 0; i < count; i++) line[pastLength + i] = samples[from + i]!;
    const pairs = count >> 1;
    for (let pair = 0; pair < pairs; pair++) {
      const even = evenTaps(2 * pair);
      const odd = oddTaps(2 * pair + 1);
      // From 2^13 in both sums and 16 bits to the 15 of the bands.
      out[offset + pair] = (this.#higher.encode((odd - even) >> 14) << 6) | this.#lower.encode((even + odd) >> 14);
    }
    for (let i = 0; i < pastLength; i++) this.#past[i] = line[count + i]!;
    return pairs;
  }
}

export class G722Decoder implements Decoder {
  readonly sampleRate: number;
  readonly clockRate = 8000;
  readonly #lower = new LowerBand();
  readonly #higher = new HigherBand();
  readonly #past = new Int32Array(pastLength);

  constructor(options: CodecOptions = {}) {
    this.sampleRate = resolveRate(options);
  }

  samplesIn(_payload: Uint8Array, _offset: number, length: number): number {
    return this.sampleRate === 8000 ? length : 2 * length;
  }

  decode(payload: Uint8Array, offset: number, length: number, out: Int16Array, at: number): number {
    const perByte = this.sampleRate === 8000 ? 1 : 2;
    const bytes = Math.max(0, Math.min(length, payload.length - offset, Math.floor((out.length - at) / perByte)));
    if (perByte === 1) {
      for (let i = 0; i < bytes; i++) out[at + i] = this.#lower.decode(payload[offset + i]! & 63, 1) << 1;
    } else {
      const step = blockLength / 2;
      for (let from = 0; from < bytes; from += step) this.#block(payload, offset + from, Math.min(step, bytes - from), out, at + 2 * from);
    }
    return bytes * perByte;
  }

  reset(): void {
    this.#lower.reset();
    this.#higher.reset();
    this.#past.fill(0);
  }

  close(): void {}

  #block(payload: Uint8Array, offset: number, bytes: number, out: Int16Array, at: number): void {
    line.set(this.#past);
    for (let i = 0; i < bytes; i++) {
      const code = payload[offset + i]!;
      const low = this.#lower.decode(code & 63, 1);
      const high = this.#higher.decode(code >> 6);
      line[pastLength + 2 * i] = low + high;
      line[pastLength + 2 * i + 1] = low - high;
    }
    for (let i = 0; i < 2 * bytes; i += 2) {
      out[at + i] = clip(oddTaps(i + 1) >> 11);
      out[at + i + 1] = clip(evenTaps(i) >> 11);
    }
    for (let i = 0; i < pastLength; i++) this.#past[i] = line[2 * bytes + i]!;
  }
}
