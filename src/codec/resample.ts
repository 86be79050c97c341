// Streaming change of sample rate: a polyphase FIR whose phase survives chunks of any size, so that any chunking gives the same samples.
//
// Output j stands at input time j·down/up. Its value is the input around that time weighed with a Kaiser-windowed sinc that reaches 16 samples of the
// slower rate to either side (64 taps for 16 -> 8 kHz): −80 dB from 1.25 times the slower rate's Nyquist frequency on, flat to 0.85 of it.
import { OptionError } from '../errors.js';
import { lowPass } from './filter-design.js';
import { fir } from './fir.js';

const reachInSlowerSamples = 16;
const attenuationDb = 85;
/** Input samples worked on at once; only how much scratch there is depends on it. */
const blockLength = 480;
/** Ratios whose table of phases would be larger (rates that share no factor) interpolate between this many. */
const largestTable = 200_000;
const interpolatedPhases = 256;

interface Filter {
  readonly kind: 'copy' | 'phases' | 'interpolate';
  readonly up: number;
  readonly down: number;
  /** Input samples each output looks at. */
  readonly taps: number;
  /** How far an output lags behind, in input samples. */
  readonly delay: number;
  /** `taps` for each phase. */
  readonly weights: Float32Array;
  /** Where `fir` keeps them; 0: it does not. */
  readonly at: number;
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}

function design(from: number, to: number): Filter {
  const common = greatestCommonDivisor(from, to);
  const up = to / common;
  const down = from / common;
  if (up === down) return { kind: 'copy', up, down, taps: 1, delay: 0, weights: new Float32Array(0), at: 0 };
  const stretch = Math.max(1, from / to);
  // Taps come in eights.
  const reach = 4 * Math.ceil((reachInSlowerSamples * stretch) / 4);
  const response = lowPass(0.5 / stretch, reach, attenuationDb);
  const taps = 2 * reach;
  const exact = up * taps <= largestTable;
  const phases = exact ? up : interpolatedPhases + 1;
  const steps = exact ? up : interpolatedPhases;
  const weights = new Float32Array(phases * taps);
  for (let phase = 0; phase < phases; phase++) {
    const row = Float64Array.from({ length: taps }, (_, tap) => response(phase / steps + (taps - 1 - tap) - reach));
    // Each phase passes a constant unchanged, else the phases' differences would be heard as a tone.
    const sum = row.reduce((total, weight) => total + weight, 0);
    for (let tap = 0; tap < taps; tap++) weights[phase * taps + tap] = row[tap]! / sum;
  }
  const most = Math.ceil((blockLength * up) / down);
  const at = exact ? (fir()?.keep(weights, taps - 1 + blockLength, most) ?? 0) : 0;
  return { kind: exact ? 'phases' : 'interpolate', up, down, taps, delay: reach, weights, at };
}

// Filters depend on the ratio alone and are never written to: all streams of a thread share them. Bounded, for rates that come from files.
const filters = new Map<string, Filter>();

/** What `fir` keeps stays where it is, and is bounded by its room. */
function forget(): void {
  for (const [key, filter] of filters) if (filter.at === 0) filters.delete(key);
}

function filterFor(from: number, to: number): Filter {
  const key = `${from}:${to}`;
  let filter = filters.get(key);
  if (!filter) {
    if (filters.size >= 64) forget();
    filter = design(from, to);
    filters.set(key, filter);
  }
  return filter;
}

/** What filters that `fir` does not keep run along: the past of the stream at work and its newest block. Between calls each stream keeps its own past. */
let scratch = new Float32Array(4 * blockLength);

function checkRate(option: string, rate: number): void {
  if (!Number.isInteger(rate) || rate < 1000 || rate > 768_000) throw new OptionError(option, 'a whole number of Hz from 1000 to 768000');
}

export class Resampler {
  readonly fromRate: number;
  readonly toRate: number;
  /** How much later than its input the output sounds. */
  readonly delayMs: number;
  readonly #filter: Filter;
  /** The last `taps - 1` input samples. */
  readonly #past: Int16Array;
  /** Where the next output stands: whole input samples past the next one to come, and the rest in 1/up of a sample. */
  #ahead = 0;
  #phase = 0;

  constructor(fromRate: number, toRate: number) {
    checkRate('fromRate', fromRate);
    checkRate('toRate', toRate);
    this.fromRate = fromRate;
    this.toRate = toRate;
    this.#filter = filterFor(fromRate, toRate);
    this.#past = new Int16Array(this.#filter.taps - 1);
    this.delayMs = (this.#filter.delay * 1000) / fromRate;
    const length = this.#past.length + blockLength;
    if (this.#filter.at === 0 && scratch.length < length) scratch = new Float32Array(length);
  }

  /** The most that `process` can write for so many input samples. Exactly `count * toRate / fromRate` when that is always whole. */
  maxOutput(count: number): number {
    return Math.ceil((count * this.#filter.up) / this.#filter.down);
  }

  /** Takes `input[0..count)`, writes what has become due to `out[at..]`; the samples written. `out` must be another array and hold `maxOutput(count)`. */
  process(input: Int16Array, count: number, out: Int16Array, at = 0): number {
    const filter = this.#filter;
    if (filter.kind === 'copy') {
      for (let i = 0; i < count; i++) out[at + i] = input[i]!;
      return count;
    }
    let to = at;
    for (let from = 0; from < count; from += blockLength)
      to += this.#block(filter, input, from, Math.min(blockLength, count - from), out, to);
    return to - at;
  }

  /** The end of a sound: what is still inside comes out, followed by silence, in as many samples as `delayMs` is long. */
  flush(out: Int16Array, at = 0): number {
    return this.#filter.delay === 0 ? 0 : this.process(new Int16Array(this.#filter.delay), this.#filter.delay, out, at);
  }

  /** Forgets the past: the next sample is the first of another sound. */
  reset(): void {
    this.#past.fill(0);
    this.#ahead = 0;
    this.#phase = 0;
  }

  #block(filter: Filter, input: Int16Array, from: number, count: number, out: Int16Array, at: number): number {
    const kernel = filter.at > 0 ? fir() : undefined;
    const line = kernel?.line ?? scratch;
    const past = this.#past;
    const kept = past.length;
    for (let i = 0; i < kept; i++) line[i] = past[i]!;
    for (let i = 0; i < count; i++) line[kept + i] = input[from + i]!;
    const { up, down, taps } = filter;
    let made: number;
    if (kernel === undefined) made = this.#sums(filter, count, out, at);
    else {
      made = kernel.run(filter.at, taps, this.#ahead, count, this.#phase, up, down);
      const results = kernel.out;
      for (let i = 0; i < made; i++) out[at + i] = results[i]!;
    }
    const passed = this.#phase + made * down;
    this.#ahead += Math.floor(passed / up) - count;
    this.#phase = passed % up;
    for (let i = 0; i < kept; i++) past[i] = line[count + i]!;
    return made;
  }

  #sums({ kind, up, down, taps, weights }: Filter, count: number, out: Int16Array, at: number): number {
    const wholeStep = Math.floor(down / up);
    const restStep = down - wholeStep * up;
    let whole = this.#ahead;
    let rest = this.#phase;
    let to = at;
    for (; whole < count; to++) {
      const sum =
        kind === 'phases' ? product(scratch, whole, weights, rest * taps, taps) : between(scratch, whole, weights, rest / up, taps);
      out[to] = toSample(sum);
      whole += wholeStep;
      rest += restStep;
      if (rest >= up) {
        rest -= up;
        whole++;
      }
    }
    return to - at;
  }
}

/** Nearest, saturated. */
function toSample(value: number): number {
  return value >= 32767 ? 32767 : value <= -32768 ? -32768 : ((value + 32768.5) | 0) - 32768;
}

/** Four sums at once: one would wait for itself. */
function product(line: Float32Array, from: number, weights: Float32Array, row: number, taps: number): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let tap = 0, i = from, w = row; tap < taps; tap += 4, i += 4, w += 4) {
    a += weights[w]! * line[i]!;
    b += weights[w + 1]! * line[i + 1]!;
    c += weights[w + 2]! * line[i + 2]!;
    d += weights[w + 3]! * line[i + 3]!;
  }
  return a + b + (c + d);
}

/** The same with weights that lie between those of two phases. */
function between(line: Float32Array, from: number, weights: Float32Array, phase: number, taps: number): number {
  const exact = phase * interpolatedPhases;
  const row = Math.floor(exact);
  const share = exact - row;
  let sum = 0;
  for (let tap = 0, w = row * taps; tap < taps; tap++, w++)
    sum += (weights[w]! + share * (weights[w + taps]! - weights[w]!)) * line[from + tap]!;
  return sum;
}
