/**
 * Sound made shorter or longer by one period of itself, without a click and at its own pitch: waveform similarity overlap-add (WSOLA).
 *
 * The lag at which the sound is most like itself is looked for; a stretch that long is taken out, or put in once more, and
 * the two sides are cross-faded over the same length, so that the borders on both ends run on exactly.
 */

/** The shortest and longest lag: periods of 400 to 67 Hz, of which a voice's is one, or a few of them. */
const SHORTEST_MS = 2.5;
const LONGEST_MS = 15;
/** The first search looks at about this many samples a second; near the best lag all of them are looked at. */
const COARSE_RATE = 8000;
/** How much sound two places are compared over, at most. */
const MATCH_MS = 10;
/** Sound below this level (-50 dBov) is like any other that soft, at any lag. */
const SOFT = 100;

export class TimeScale {
  readonly #shortest: number;
  readonly #longest: number;
  readonly #match: number;
  readonly #coarse: number;
  /** How alike the two places of the last search were: 1 is the same. */
  #likeness = 0;

  constructor(sampleRate: number) {
    this.#shortest = Math.round((SHORTEST_MS * sampleRate) / 1000);
    this.#longest = Math.round((LONGEST_MS * sampleRate) / 1000);
    this.#match = Math.round((MATCH_MS * sampleRate) / 1000);
    this.#coarse = Math.max(1, Math.round(sampleRate / COARSE_RATE));
  }

  /**
   * Takes at most `most` samples out of `samples[0..count)`; the number taken, 0 when there is no place where the sound is
   * as much like itself as `leastLikeness` (from 0, anything, to 1, the same).
   */
  shrink(samples: Int16Array, count: number, most: number, leastLikeness: number): number {
    const lag = this.#bestLag(samples, count, most);
    if (lag === 0 || this.#likeness < leastLikeness) return 0;
    for (let i = 0; i < lag; i++) {
      const share = i / lag;
      samples[i] = Math.round((1 - share) * samples[i]! + share * samples[i + lag]!);
    }
    samples.copyWithin(lag, 2 * lag, count);
    return lag;
  }

  /** Puts at most `most` samples into `samples[0..count)`, which has room for them; the number put in, 0 as in `shrink`. */
  stretch(samples: Int16Array, count: number, most: number, leastLikeness: number): number {
    const lag = this.#bestLag(samples, count, most);
    if (lag === 0 || this.#likeness < leastLikeness) return 0;
    samples.copyWithin(2 * lag, lag, count);
    // Once more from the beginning, faded in over what follows the beginning; then on from there.
    for (let i = lag - 1; i >= 0; i--) {
      const share = i / lag;
      samples[lag + i] = Math.round((1 - share) * samples[lag + i]! + share * samples[i]!);
    }
    return lag;
  }

  #bestLag(samples: Int16Array, count: number, most: number): number {
    const longest = Math.min(this.#longest, Math.floor(most), count >> 1);
    if (longest < 1) return 0;
    const shortest = this.#shortest;
    const match = Math.min(this.#match, count - longest);
    const step = this.#coarse;
    let energy = 0;
    for (let i = 0; i < match; i += step) energy += samples[i]! * samples[i]!;
    if (energy * step < SOFT * SOFT * match) {
      this.#likeness = 1;
      return longest;
    }
    if (longest < shortest) return 0;
    const rough = this.#search(samples, match, shortest, longest, step, energy);
    if (step === 1) return rough;
    energy = 0;
    for (let i = 0; i < match; i++) energy += samples[i]! * samples[i]!;
    return this.#search(samples, match, Math.max(shortest, rough - step), Math.min(longest, rough + step), 1, energy);
  }

  #search(samples: Int16Array, match: number, from: number, to: number, step: number, energy: number): number {
    let best = from;
    let likeness = -1;
    for (let lag = from; lag <= to; lag += step) {
      let product = 0;
      let shifted = 1;
      for (let i = 0; i < match; i += step) {
        const later = samples[i + lag]!;
        product += samples[i]! * later;
        shifted += later * later;
      }
      const alike = product / Math.sqrt(energy * shifted + 1);
      // As long as it is as good: fewer seams for the same time.
      if (alike >= likeness) {
        likeness = alike;
        best = lag;
      }
    }
    this.#likeness = likeness;
    return best;
  }
}
