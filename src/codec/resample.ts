// Streaming change of sample rate: a polyphase FIR whose phase survives chunks of any size, so that any chunking gives the same samples.
//
// Output j stands at input time j·down/up. Its value is the input around that time weighed with a Kaiser-windowed sinc that reaches 16 samples of the
// slower rate to either side (63 taps for 16 -> 8 kHz): −80 dB from 1.25 times the slower rate's Nyquist frequency on, flat to 0.85 of it.
import { OptionError } from '../errors.js';
import { lowPass } from './filter-design.js';

const reachInSlowerSamples = 16;
const attenuationDb = 85;
/** Input samples worked on at once; only how much scratch there is depends on it. */
const blockLength = 480;
/** Ratios whose table of phases would be larger (rates that share no factor) interpolate between this many. */
const largestTable = 200_000;
const interpolatedPhases = 256;

interface Filter {
  readonly kind: 'copy' | 'halve' | 'double' | 'decimate' | 'phases' | 'interpolate';
  readonly up: number;
  readonly down: number;
  /** Input samples each output looks at. */
  readonly taps: number;
  /** How far an output lags behind, in input samples. */
  readonly delay: number;
  /** 'halve', 'double', 'decimate': one half of a symmetric response, from the outside in. Else `taps` for each phase. */
  readonly weights: Float64Array;
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}

function design(from: number, to: number): Filter {
  const common = greatestCommonDivisor(from, to);
  const up = to / common;
  const down = from / common;
  if (up === down) return { kind: 'copy', up, down, taps: 1, delay: 0, weights: new Float64Array(0) };
  const stretch = Math.max(1, from / to);
  const reach = Math.ceil(reachInSlowerSamples * stretch);
  const response = lowPass(0.5 / stretch, reach, attenuationDb);
  if (up === 1) {
    // Whole distances only: the outermost taps are zero, what remains is symmetric around one sample.
    const delay = reach - 1;
    const whole = Float64Array.from({ length: 2 * delay + 1 }, (_, tap) => response(tap - delay));
    const sum = whole.reduce((total, weight) => total + weight, 0);
    const half = whole.subarray(0, delay + 1).map((weight) => weight / sum);
    if (down !== 2) return { kind: 'decimate', up, down, taps: 2 * delay + 1, delay, weights: half };
    // Half band: every second tap is zero but the middle one, which is one half.
    const odd = half.filter((_, tap) => (delay - tap) % 2 === 1);
    const oddSum = odd.reduce((total, weight) => total + weight, 0);
    return { kind: 'halve', up, down, taps: 2 * delay + 1, delay, weights: odd.map((weight) => (weight * 0.25) / oddSum) };
  }
  const taps = 2 * reach;
  const exact = up * taps <= largestTable;
  const phases = exact ? up : interpolatedPhases + 1;
  const steps = exact ? up : interpolatedPhases;
  const weights = new Float64Array(phases * taps);
  for (let phase = 0; phase < phases; phase++) {
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) sum += weights[phase * taps + tap] = response(phase / steps + (taps - 1 - tap) - reach);
    // Each phase passes a constant unchanged, else the phases' differences would be heard as a tone.
    for (let tap = 0; tap < taps; tap++) weights[phase * taps + tap]! /= sum;
  }
  if (up === 2 && down === 1) return { kind: 'double', up, down, taps, delay: reach, weights: weights.slice(taps, taps + reach) };
  return { kind: exact ? 'phases' : 'interpolate', up, down, taps, delay: reach, weights };
}

// Filters depend on the ratio alone and are never written to: all streams of a thread share them. Bounded, for rates that come from files.
const filters = new Map<string, Filter>();

function filterFor(from: number, to: number): Filter {
  const key = `${from}:${to}`;
  let filter = filters.get(key);
  if (!filter) {
    if (filters.size >= 64) filters.clear();
    filter = design(from, to);
    filters.set(key, filter);
  }
  return filter;
}

/** The past of the stream at work and its newest block, as doubles. Scratch of one `process` call: between calls each stream keeps its own past. */
let line = new Float64Array(4 * blockLength);

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
    if (line.length < this.#past.length + blockLength) line = new Float64Array(this.#past.length + blockLength);
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
    const past = this.#past;
    const kept = past.length;
    for (let i = 0; i < kept; i++) line[i] = past[i]!;
    for (let i = 0; i < count; i++) line[kept + i] = input[from + i]!;
    let written = 0;
    switch (filter.kind) {
      case 'halve':
        written = halve(filter.weights, this.#ahead, count, out, at);
        this.#ahead += 2 * written - count;
        break;
      case 'double':
        written = double(filter.weights, filter.delay, count, out, at);
        break;
      case 'decimate':
        written = decimate(filter, this.#ahead, count, out, at);
        this.#ahead += filter.down * written - count;
        break;
      default:
        written = this.#phases(filter, count, out, at);
    }
    for (let i = 0; i < kept; i++) past[i] = line[count + i]!;
    return written;
  }

  #phases(filter: Filter, count: number, out: Int16Array, at: number): number {
    const { up, down, taps, weights } = filter;
    const wholeStep = Math.floor(down / up);
    const restStep = down - wholeStep * up;
    let whole = this.#ahead;
    let rest = this.#phase;
    let to = at;
    for (; whole < count; to++) {
      let sum = 0;
      if (filter.kind === 'phases') {
        const row = rest * taps;
        for (let tap = 0; tap < taps; tap++) sum += weights[row + tap]! * line[whole + tap]!;
      } else {
        const between = (rest / up) * interpolatedPhases;
        const row = Math.floor(between);
        const share = between - row;
        for (let tap = 0, i = row * taps; tap < taps; tap++, i++) {
          sum += (weights[i]! + share * (weights[i + taps]! - weights[i]!)) * line[whole + tap]!;
        }
      }
      out[to] = toSample(sum);
      whole += wholeStep;
      rest += restStep;
      if (rest >= up) {
        rest -= up;
        whole++;
      }
    }
    this.#ahead = whole - count;
    this.#phase = rest;
    return to - at;
  }
}

/** Nearest, saturated. */
function toSample(value: number): number {
  return value >= 32767 ? 32767 : value <= -32768 ? -32768 : ((value + 32768.5) | 0) - 32768;
}

/** 2 : 1. The response is symmetric and every second tap is zero: of 63 taps, 16 products and the middle one remain. */
function halve(weights: Float64Array, ahead: number, count: number, out: Int16Array, at: number): number {
  const pairs = weights.length;
  const span = 4 * pairs - 2;
  let to = at;
  for (let first = ahead; first < count; first += 2) {
    let sum = 0.5 * line[first + 2 * pairs - 1]!;
    for (let pair = 0, left = first, right = first + span; pair < pairs; pair++, left += 2, right -= 2) {
      sum += weights[pair]! * (line[left]! + line[right]!);
    }
    out[to++] = toSample(sum);
  }
  return to - at;
}

/** 1 : 2. The same half band: one output is the input itself, later; the next lies half-way to its neighbour. */
function double(weights: Float64Array, delay: number, count: number, out: Int16Array, at: number): number {
  const pairs = weights.length;
  let to = at;
  for (let first = 0; first < count; first++) {
    out[to++] = line[first + delay - 1]!;
    let sum = 0;
    for (let pair = 0, left = first, right = first + 2 * pairs - 1; pair < pairs; pair++, left++, right--) {
      sum += weights[pair]! * (line[left]! + line[right]!);
    }
    out[to++] = toSample(sum);
  }
  return to - at;
}

/** n : 1, symmetric around the middle sample. */
function decimate(filter: Filter, ahead: number, count: number, out: Int16Array, at: number): number {
  const { weights, delay, down } = filter;
  let to = at;
  for (let first = ahead; first < count; first += down) {
    let sum = weights[delay]! * line[first + delay]!;
    for (let pair = 0, left = first, right = first + 2 * delay; pair < delay; pair++, left++, right--) {
      sum += weights[pair]! * (line[left]! + line[right]!);
    }
    out[to++] = toSample(sum);
  }
  return to - at;
}
