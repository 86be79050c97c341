// Hears DTMF keys in speech: for lines on which telephone-event was not agreed (ITU-T Q.23, Q.24; ETSI ES 201 235-3).
//
// Every 6.4 ms the last 12.8 are looked at. What sounds like a key has one strong tone in each group, of like level (twist), well above the others of
// its group, and holding nearly all of the energy; and, what speech hardly ever does, the phases of both advance as their exact frequencies must.
// Four such looks in a row, hence 32 to 38 ms of tone, make a key; four without it, 26 ms, end it: a drop-out of 10 ms does not make two of one.
import { type DtmfDigit, dtmfColumnsHz, dtmfDigitAt, dtmfRowsHz } from './dtmf-keypad.js';

/** Where keys go, as they come. */
export interface ToneListener {
  /** Once per key press, as soon as it is sure. */
  onKeyDown(digit: DtmfDigit): void;
  /** When it is over. */
  onKeyUp?(digit: DtmfDigit, durationMs: number): void;
}

const hopSeconds = 51 / 8000;
const looksToBegin = 4;
const looksToEnd = 4;
/** Q.24: keys down to −25 dBm0 a tone are taken. Some more is granted; what others say in the background should not be. */
const lowestDbm0 = -30;
/** Energy a sample of the lower limit: 0 dBm0 is 3.14 dB under a full-scale sine. */
const lowestMeanSquare = 0.5 * 32768 ** 2 * 10 ** ((lowestDbm0 - 3.14) / 10);
/** Q.24 Annex A: the higher tone may be 4 dB louder or 8 dB softer than the lower; a little more is granted. */
const loudestHigh = 10 ** 0.6;
const softestHigh = 10 ** -1;
/** How far each tone must stand above the next of its group: so short a look lets a strong low tone spill into the high ones. */
const groupMargin = 10 ** 0.6;
/** Share of all energy that the two tones must hold. */
const toneShare = 0.7;
/** Q.24: 1.5 % off must be taken, 3.5 % must not. */
const frequencyTolerance = 0.025;

const frequencies = [...dtmfRowsHz, ...dtmfColumnsHz];

export class ToneDetector {
  readonly sampleRate: number;
  readonly #listener: ToneListener;
  readonly #hop: number;
  /** Of the Goertzel recursion, and the turn of each tone over one hop. */
  readonly #coefficient = new Float64Array(8);
  readonly #cosine = new Float64Array(8);
  readonly #sine = new Float64Array(8);
  readonly #turnReal = new Float64Array(8);
  readonly #turnImaginary = new Float64Array(8);
  /** The recursion's two states within this hop. */
  readonly #s1 = new Float64Array(8);
  readonly #s2 = new Float64Array(8);
  /** The transform of the hop before, and of the look before. */
  readonly #hopReal = new Float64Array(8);
  readonly #hopImaginary = new Float64Array(8);
  readonly #lookReal = new Float64Array(8);
  readonly #lookImaginary = new Float64Array(8);
  readonly #power = new Float64Array(8);
  #samplesInHop = 0;
  #energy = 0;
  #energyBefore = 0;

  /** What was seen last, and how often in a row. */
  #candidate: DtmfDigit | undefined;
  #looks = 0;
  /** The key that is down, for how many looks, and for how many it was not seen. */
  #down: DtmfDigit | undefined;
  #downLooks = 0;
  #misses = 0;

  constructor(sampleRate: number, listener: ToneListener) {
    this.sampleRate = sampleRate;
    this.#listener = listener;
    this.#hop = Math.round(hopSeconds * sampleRate);
    frequencies.forEach((hz, k) => {
      const w = (2 * Math.PI * hz) / sampleRate;
      this.#coefficient[k] = 2 * Math.cos(w);
      this.#cosine[k] = Math.cos(w);
      this.#sine[k] = Math.sin(w);
      this.#turnReal[k] = Math.cos(w * this.#hop);
      this.#turnImaginary[k] = Math.sin(w * this.#hop);
    });
  }

  process(samples: Int16Array, count: number, at = 0): void {
    let from = at;
    const end = at + count;
    while (from < end) {
      const run = Math.min(end - from, this.#hop - this.#samplesInHop);
      this.#advance(samples, from, run);
      from += run;
      this.#samplesInHop += run;
      if (this.#samplesInHop === this.#hop) this.#look();
    }
  }

  /** Forgets the past; a key that is down is let go without a word. */
  reset(): void {
    for (const state of [this.#s1, this.#s2, this.#hopReal, this.#hopImaginary, this.#lookReal, this.#lookImaginary]) state.fill(0);
    this.#samplesInHop = this.#energy = this.#energyBefore = this.#looks = this.#downLooks = this.#misses = 0;
    this.#candidate = this.#down = undefined;
  }

  #advance(samples: Int16Array, from: number, count: number): void {
    let energy = 0;
    for (let i = from; i < from + count; i++) energy += samples[i]! * samples[i]!;
    this.#energy += energy;
    for (let k = 0; k < 8; k++) {
      const coefficient = this.#coefficient[k]!;
      let s1 = this.#s1[k]!;
      let s2 = this.#s2[k]!;
      for (let i = from; i < from + count; i++) {
        const s0 = samples[i]! + coefficient * s1 - s2;
        s2 = s1;
        s1 = s0;
      }
      this.#s1[k] = s1;
      this.#s2[k] = s2;
    }
  }

  /** The end of a hop: joins it with the one before and judges both. */
  #look(): void {
    let accuracy = 0;
    for (let k = 0; k < 8; k++) {
      // The transform of this hop, its phase counted from the hop's end.
      const real = this.#s1[k]! - this.#s2[k]! * this.#cosine[k]!;
      const imaginary = this.#s2[k]! * this.#sine[k]!;
      // The hop before, turned on to the same moment.
      const turnedReal = this.#hopReal[k]! * this.#turnReal[k]! - this.#hopImaginary[k]! * this.#turnImaginary[k]!;
      const turnedImaginary = this.#hopReal[k]! * this.#turnImaginary[k]! + this.#hopImaginary[k]! * this.#turnReal[k]!;
      const lookReal = turnedReal + real;
      const lookImaginary = turnedImaginary + imaginary;
      this.#power[k] = lookReal * lookReal + lookImaginary * lookImaginary;
      // How far the phase has come since the look before, less than what is due: the error of the frequency.
      const dueReal = this.#lookReal[k]! * this.#turnReal[k]! - this.#lookImaginary[k]! * this.#turnImaginary[k]!;
      const dueImaginary = this.#lookReal[k]! * this.#turnImaginary[k]! + this.#lookImaginary[k]! * this.#turnReal[k]!;
      const lag = Math.atan2(lookImaginary * dueReal - lookReal * dueImaginary, lookReal * dueReal + lookImaginary * dueImaginary);
      const errorHz = (lag * this.sampleRate) / (2 * Math.PI * this.#hop);
      if (Math.abs(errorHz) <= frequencyTolerance * frequencies[k]!) accuracy |= 1 << k;
      this.#hopReal[k] = real;
      this.#hopImaginary[k] = imaginary;
      this.#lookReal[k] = lookReal;
      this.#lookImaginary[k] = lookImaginary;
      this.#s1[k] = 0;
      this.#s2[k] = 0;
    }
    const energy = this.#energy + this.#energyBefore;
    this.#energyBefore = this.#energy;
    this.#energy = 0;
    this.#samplesInHop = 0;
    this.#judge(energy, accuracy);
  }

  #judge(energy: number, accuracy: number): void {
    const power = this.#power;
    let row = 0;
    let column = 4;
    for (let k = 1; k < 4; k++) {
      if (power[k]! > power[row]!) row = k;
      if (power[4 + k]! > power[column]!) column = 4 + k;
    }
    const low = power[row]!;
    const high = power[column]!;
    // A sine of amplitude a over n samples: its transform is a·n/2, its energy a²·n/2.
    const length = 2 * this.#hop;
    const toEnergy = 2 / length;
    let isKey =
      Math.min(low, high) * toEnergy >= lowestMeanSquare * length &&
      high <= loudestHigh * low &&
      high >= softestHigh * low &&
      (low + high) * toEnergy >= toneShare * energy;
    for (let k = 0; isKey && k < 4; k++) {
      if (k !== row && power[k]! * groupMargin > low) isKey = false;
      if (4 + k !== column && power[4 + k]! * groupMargin > high) isKey = false;
    }
    const seen = isKey ? dtmfDigitAt(row, column - 4) : undefined;
    // The first look at a key has no phase to compare with; all later ones must be exact.
    const isExact = ((accuracy >> row) & (accuracy >> column) & 1) === 1;
    if (seen === undefined || seen !== this.#candidate || !isExact) {
      this.#candidate = seen;
      this.#looks = seen === undefined ? 0 : 1;
    } else this.#looks++;
    this.#follow(seen);
  }

  #follow(seen: DtmfDigit | undefined): void {
    if (this.#down !== undefined) {
      this.#downLooks++;
      this.#misses = seen === this.#down ? 0 : this.#misses + 1;
      if (this.#misses >= looksToEnd || (this.#looks >= looksToBegin && seen !== this.#down)) this.#release();
    }
    if (this.#down === undefined && seen !== undefined && this.#looks >= looksToBegin) {
      this.#down = seen;
      this.#downLooks = this.#looks;
      this.#misses = 0;
      this.#listener.onKeyDown(seen);
    }
  }

  #release(): void {
    const digit = this.#down!;
    const looks = this.#downLooks - this.#misses;
    this.#down = undefined;
    // n looks in a row see n + 1 hops, of which the outermost are half filled on average.
    this.#listener.onKeyUp?.(digit, Math.round((looks * this.#hop * 1000) / this.sampleRate));
  }
}
