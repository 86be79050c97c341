// Comfort noise: the background of a line in a few bytes, its level and its spectrum (RFC 3389), heard and made.
import { dbovOf, silenceDbov } from './level.js';

/** More coefficients than this are not made, nor listened to: what they would add to noise is not heard. */
export const comfortNoiseOrder = 10;
/** The nearer a coefficient is to one, the longer the filter rings: of noise it is never so near, and of anything else it is to be noise. */
const largestReflection = 0.97;
/** White noise that is added to what is learnt, 20 dB below it: the spectrum of a tone would be all ring. */
const whitening = 1.01;

function limit(reflection: number): number {
  return Math.min(largestReflection, Math.max(-largestReflection, reflection));
}

/** Learns the background of a sound and writes it as a payload. */
export class ComfortNoiseEncoder {
  readonly #order: number;
  /** Autocorrelation, mean of the last quarter of a second or so. */
  readonly #correlation: Float64Array;
  /** The last samples, for products across borders of chunks. */
  readonly #past: Float64Array;
  readonly #forget: number;
  readonly #reflections: Float64Array;
  readonly #forward: Float64Array;
  readonly #backward: Float64Array;

  /** `order` 0 sends the level alone, which every receiver understands. */
  constructor(sampleRate: number, order = comfortNoiseOrder) {
    this.#order = Math.max(0, Math.min(comfortNoiseOrder, Math.floor(order)));
    this.#correlation = new Float64Array(this.#order + 1);
    this.#past = new Float64Array(this.#order);
    this.#forget = Math.exp(-1 / (0.1 * sampleRate));
    this.#reflections = new Float64Array(this.#order);
    this.#forward = new Float64Array(this.#order + 1);
    this.#backward = new Float64Array(this.#order + 1);
  }

  /** Samples in which nobody speaks. */
  learn(samples: Int16Array, count: number, at = 0): void {
    if (count <= 0) return;
    const order = this.#order;
    const past = this.#past;
    const keep = this.#forget ** count;
    for (let lag = 0; lag <= order; lag++) {
      let sum = 0;
      for (let i = 0; i < count; i++) sum += samples[at + i]! * (i >= lag ? samples[at + i - lag]! : past[order + i - lag]!);
      this.#correlation[lag] = keep * this.#correlation[lag]! + ((1 - keep) * sum) / count;
    }
    for (let i = 0; i < order; i++) past[i] = count + i >= order ? samples[at + count - order + i]! : past[count + i]!;
  }

  get dbov(): number {
    return dbovOf(this.#correlation[0]!);
  }

  /** Writes the payload; its length. */
  write(out: Uint8Array, offset: number): number {
    // §3.1: the level is said as what it lies below overload.
    out[offset] = Math.round(Math.min(-silenceDbov, Math.max(0, -this.dbov)));
    this.#analyse();
    for (let i = 0; i < this.#order; i++) {
      const index = 127 + Math.round((this.#reflections[i]! * 32768) / 258);
      out[offset + 1 + i] = Math.min(254, Math.max(0, index));
    }
    return 1 + this.#order;
  }

  /** Reflection coefficients by Schur's recursion: k₁ is −R(1)/R(0), as in an all-pole filter 1/(1 + Σ aᵢ z⁻ⁱ). */
  #analyse(): void {
    const order = this.#order;
    const floor = whitening * this.#correlation[0]! + 1e-3;
    for (let i = 0; i <= order; i++) this.#forward[i] = this.#backward[i] = i === 0 ? floor : this.#correlation[i]!;
    for (let i = 0; i < order; i++) {
      const k = -this.#forward[i + 1]! / this.#backward[0]!;
      this.#reflections[i] = limit(k);
      for (let lag = 0; lag < order - i; lag++) {
        const forward = this.#forward[i + 1 + lag]!;
        const backward = this.#backward[lag]!;
        this.#forward[i + 1 + lag] = forward + k * backward;
        this.#backward[lag] = backward + k * forward;
      }
    }
  }
}

/** Makes noise as payloads describe it. Each change of level or colour is reached within some tens of milliseconds. */
export class ComfortNoiseDecoder {
  readonly #towards: number;
  readonly #target = new Float64Array(comfortNoiseOrder);
  readonly #reflections = new Float64Array(comfortNoiseOrder);
  readonly #lattice = new Float64Array(comfortNoiseOrder + 1);
  /** RMS of what is heard. */
  #targetRms = 0;
  #rms = 0;
  /** Of the white noise that goes in, so that what comes out has that RMS. */
  #drive = 0;
  #untilUpdate = 0;
  readonly #updateLength: number;
  #random: number;

  /** `seed` only keeps two lines from making the very same noise. */
  constructor(sampleRate: number, seed = 1) {
    this.#updateLength = Math.max(1, Math.round(sampleRate / 200));
    this.#towards = 1 - Math.exp(-5 / 20);
    this.#random = seed | 1;
  }

  /** Takes a payload. What is none, of length 0, is ignored; RFC 3389 §3.2: index 255 is reserved and taken as no reflection. */
  update(payload: Uint8Array, offset: number, length: number): void {
    const end = Math.min(offset + length, payload.length);
    if (length < 1 || offset >= end) return;
    this.#targetRms = 32768 * 10 ** (-(payload[offset]! & 127) / 20);
    if (this.#targetRms < 0.5) this.#targetRms = 0;
    for (let i = 0; i < comfortNoiseOrder; i++) {
      const index = offset + 1 + i < end ? payload[offset + 1 + i]! : 127;
      this.#target[i] = index === 255 ? 0 : limit((258 * (index - 127)) / 32768);
    }
  }

  /** White noise of that level, for where a far end falls silent without a word. */
  setLevel(dbov: number): void {
    this.#targetRms = dbov <= silenceDbov ? 0 : 32768 * 10 ** (dbov / 20);
    this.#target.fill(0);
  }

  generate(out: Int16Array, count: number, at = 0): void {
    const lattice = this.#lattice;
    const reflections = this.#reflections;
    for (let i = at; i < at + count; i++) {
      if (this.#untilUpdate-- <= 0) this.#approach();
      let random = this.#random;
      random ^= random << 13;
      random ^= random >>> 17;
      random ^= random << 5;
      this.#random = random;
      let forward = this.#drive * (random / 0x80000000);
      for (let k = comfortNoiseOrder - 1; k >= 0; k--) {
        forward -= reflections[k]! * lattice[k]!;
        lattice[k + 1] = lattice[k]! + reflections[k]! * forward;
      }
      lattice[0] = forward;
      out[i] = forward > 32767 ? 32767 : forward < -32768 ? -32768 : Math.round(forward);
    }
  }

  /** Silence, until the next payload. */
  reset(): void {
    this.#target.fill(0);
    this.#reflections.fill(0);
    this.#lattice.fill(0);
    this.#targetRms = this.#rms = this.#drive = this.#untilUpdate = 0;
  }

  /** Every 5 ms: a step towards what was asked for. */
  #approach(): void {
    this.#untilUpdate = this.#updateLength - 1;
    this.#rms += this.#towards * (this.#targetRms - this.#rms);
    // An all-pole lattice raises white noise by 1/Π(1 − k²) in power; uniform noise in [−1, 1) has a third.
    let remainder = 1;
    for (let i = 0; i < comfortNoiseOrder; i++) {
      this.#reflections[i]! += this.#towards * (this.#target[i]! - this.#reflections[i]!);
      remainder *= 1 - this.#reflections[i]! ** 2;
    }
    this.#drive = this.#rms * Math.sqrt(3 * remainder);
  }
}
