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
  // Even, so that taps come in fours.
  const reach = 2 * Math.ceil((reachInSlowerSamples * stretch) / 2);
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

/** Scratch of one `process` call, as doubles: the past of the stream at work and its newest block. Between calls each stream keeps its own past. */
let line = new Float64Array(4 * blockLength);
/** For the half bands: every second sample of that, and those in between (or nothing). */
const sides = new Float64Array(2 * blockLength);
const middles = new Float64Array(2 * blockLength);
const nothing = new Float64Array(blockLength);

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
        written = halve(line, filter.weights, this.#ahead, count, out, at);
        this.#ahead += 2 * written - count;
        break;
      case 'double':
        written = double(line, filter.weights, filter.delay, count, out, at);
        break;
      case 'decimate':
        written = decimate(line, filter, this.#ahead, count, out, at);
        this.#ahead += filter.down * written - count;
        break;
      default:
        written = this.#phases(line, filter, count, out, at);
    }
    for (let i = 0; i < kept; i++) past[i] = line[count + i]!;
    return written;
  }

  #phases(line: Float64Array, filter: Filter, count: number, out: Int16Array, at: number): number {
    const { up, down, taps, weights } = filter;
    const wholeStep = Math.floor(down / up);
    const restStep = down - wholeStep * up;
    let whole = this.#ahead;
    let rest = this.#phase;
    let to = at;
    for (; whole < count; to++) {
      let sum = 0;
      if (filter.kind === 'phases') sum = product(line, whole, weights, rest * taps, taps);
      else {
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

/** Four sums at once: one would wait for itself. */
function product(line: Float64Array, from: number, weights: Float64Array, row: number, taps: number): number {
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

/** 2 : 1. The response is symmetric and every second tap is zero: of 63 taps, 16 products and the middle one remain. */
function halve(line: Float64Array, weights: Float64Array, ahead: number, count: number, out: Int16Array, at: number): number {
  const pairs = weights.length;
  const made = Math.max(0, (count - ahead + 1) >> 1);
  for (let i = 0, from = ahead; i < made + 2 * pairs - 1; i++, from += 2) sides[i] = line[from]!;
  for (let i = 0, from = ahead + 2 * pairs - 1; i < made; i++, from += 2) middles[i] = 0.5 * line[from]!;
  halfBand(sides, middles, weights, made, out, at, 1);
  return made;
}

/** 1 : 2. The same half band: one output is the input itself, later; the next lies half-way to its neighbour. */
function double(line: Float64Array, weights: Float64Array, delay: number, count: number, out: Int16Array, at: number): number {
  for (let i = 0, from = delay - 1, to = at; i < count; i++, from++, to += 2) out[to] = line[from]!;
  halfBand(line, nothing, weights, count, out, at + 1, 2);
  return 2 * count;
}

/** A symmetric response, run along a line. Four outputs at a time: each sample is read once for all of them. */
function halfBand(
  line: Float64Array,
  start: Float64Array,
  weights: Float64Array,
  count: number,
  out: Int16Array,
  at: number,
  stride: 1 | 2,
): void {
  const pairs = weights.length;
  let to = at;
  let first = 0;
  for (; first + 4 <= count; first += 4) {
    let a = start[first]!;
    let b = start[first + 1]!;
    let c = start[first + 2]!;
    let d = start[first + 3]!;
    let left = first;
    let right = first + 2 * pairs - 1;
    let leftA = line[left]!;
    let leftB = line[left + 1]!;
    let leftC = line[left + 2]!;
    let rightB = line[right + 1]!;
    let rightC = line[right + 2]!;
    let rightD = line[right + 3]!;
    for (let pair = 0; pair < pairs; pair++, left++, right--) {
      const weight = weights[pair]!;
      const leftD = line[left + 3]!;
      const rightA = line[right]!;
      a += weight * (leftA + rightA);
      b += weight * (leftB + rightB);
      c += weight * (leftC + rightC);
      d += weight * (leftD + rightD);
      leftA = leftB;
      leftB = leftC;
      leftC = leftD;
      rightD = rightC;
      rightC = rightB;
      rightB = rightA;
    }
    out[to] = toSample(a);
    out[to + stride] = toSample(b);
    out[to + 2 * stride] = toSample(c);
    out[to + 3 * stride] = toSample(d);
    to += 4 * stride;
  }
  for (; first < count; first++, to += stride) {
    let sum = start[first]!;
    for (let pair = 0, left = first, right = first + 2 * pairs - 1; pair < pairs; pair++, left++, right--) {
      sum += weights[pair]! * (line[left]! + line[right]!);
    }
    out[to] = toSample(sum);
  }
}

/** n : 1, symmetric around the middle sample. */
function decimate(line: Float64Array, filter: Filter, ahead: number, count: number, out: Int16Array, at: number): number {
  const { weights, delay, down } = filter;
  let to = at;
  for (let first = ahead; first < count; first += down) {
    // The outermost tap is left over when pairs are taken two at a time: `delay` is odd.
    let a = weights[0]! * (line[first]! + line[first + 2 * delay]!);
    let b = weights[delay]! * line[first + delay]!;
    for (let pair = 1, left = first + 1, right = first + 2 * delay - 1; pair < delay; pair += 2, left += 2, right -= 2) {
      a += weights[pair]! * (line[left]! + line[right]!);
      b += weights[pair + 1]! * (line[left + 1]! + line[right - 1]!);
    }
    out[to++] = toSample(a + b);
  }
  return to - at;
}
