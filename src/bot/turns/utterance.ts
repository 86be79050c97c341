/** What the caller says, kept while it may be an utterance: a moment of the past always, all of it while it lasts; keys are wiped out of it. */

export interface Utterance {
  /** Silence before and after is trimmed. */
  readonly samples: Int16Array;
  readonly sampleRate: number;
  /** Media time, as in AudioFrame, of the first and behind the last speech in it. */
  readonly startMs: number;
  readonly endMs: number;
}

/** What is left of the silence around it: consonants are softer than a detector hears. */
const AROUND_MS = 150;
/** Kept while nobody speaks: the beginning of what is recognised late. */
const PAST_MS = 400;
/** How much a key may have leaked in before it was recognised. */
const KEY_MS = 60;

interface Piece {
  readonly samples: Int16Array;
  readonly timeMs: number;
}

export class Tape {
  readonly #sampleRate: number;
  readonly #maxMs: number;
  #pieces: Piece[] = [];

  constructor(sampleRate: number, maxMs: number) {
    this.#sampleRate = sampleRate;
    this.#maxMs = maxMs;
  }

  add(samples: Int16Array, timeMs: number): Int16Array {
    const kept = samples.slice();
    this.#pieces.push({ samples: kept, timeMs });
    if (timeMs - this.#pieces[0]!.timeMs > this.#maxMs) this.#pieces.shift();
    return kept;
  }

  /** Nobody speaks: only the near past matters. */
  forget(nowMs: number): void {
    while (this.#pieces.length > 0 && this.#pieces[0]!.timeMs < nowMs - PAST_MS) this.#pieces.shift();
  }

  /** The last moments were a key. */
  wipe(nowMs: number): void {
    for (const { samples, timeMs } of this.#pieces) if (timeMs >= nowMs - KEY_MS) samples.fill(0);
  }

  /** All that lies between two times, as it came. */
  *between(fromMs: number, toMs: number): Iterable<Int16Array> {
    for (const { samples, timeMs } of this.#pieces) if (timeMs >= fromMs && timeMs < toMs) yield samples;
  }

  utterance(startMs: number, endMs: number): Utterance {
    const pieces = this.#pieces;
    const first = pieces[0]?.timeMs ?? 0;
    const total = pieces.reduce((sum, { samples }) => sum + samples.length, 0);
    const all = new Int16Array(total);
    let at = 0;
    for (const { samples } of pieces) {
      all.set(samples, at);
      at += samples.length;
    }
    const position = (ms: number): number => Math.min(total, Math.max(0, Math.round(((ms - first) * this.#sampleRate) / 1000)));
    return {
      samples: all.slice(position(startMs - AROUND_MS), position(endMs + AROUND_MS)),
      sampleRate: this.#sampleRate,
      startMs,
      endMs,
    };
  }
}
