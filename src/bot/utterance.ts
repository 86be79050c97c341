/**
 * How much was heard of what the bot is saying: from its first sample on, until it has been cleared, or silent for a second. So a pause between two
 * sentences, or a synthesiser that hands over each piece just in time, does not begin anew, and the next reply does.
 */
import type { PlayoutRing } from '../rtp/playout-ring.js';

const SILENCE_MS = 1000;

export class Utterance {
  readonly #sampleRate: number;
  /** The ring's count of played samples at which it begins. */
  #base = 0;
  /** Media time, in samples, at which all that was written will have been sent. */
  #end = 0;

  constructor(sampleRate: number) {
    this.#sampleRate = sampleRate;
  }

  /** Before `samples` are written into the ring. `now`: media time in samples. */
  onWrite(samples: number, ring: PlayoutRing, now: number): void {
    const queued = ring.queuedSamples;
    if (queued === 0 && (now - this.#end) * 1000 >= SILENCE_MS * this.#sampleRate) this.#base = ring.playedSamples;
    this.#end = now + queued + samples;
  }

  /** The samples heard of it; what is written from here on is another. */
  onClear(playedSamples: number): number {
    const heard = playedSamples - this.#base;
    this.#base = playedSamples;
    return heard;
  }
}
