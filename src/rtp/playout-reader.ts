/** The media thread's end of a playout ring. How the two ends share it without waiting for each other: playout-ring.ts. */
import { DROPPED, GAIN, type PlayoutSegment, READ, SEALS, Segment, UNITY, WATCH, WATCHING, WRITE } from './playout-memory.js';
import type { SharedViews } from './shared-views.js';

export class PlayoutReader {
  /** Set when READ went past what the writer watches; whoever sees it wakes the writer and puts it back. */
  passed = false;
  readonly #words: Int32Array;
  /** Where the control words begin. */
  readonly #control: number;
  #segment: Segment;
  #samples: Int16Array;
  #mask: number;
  #start: number;
  #first: number;
  #passedSeals = 0;
  readonly #further: Segment[] = [];
  #gain = UNITY;

  constructor(views: SharedViews, controlOffset: number, first: PlayoutSegment) {
    this.#words = views.words;
    this.#control = controlOffset / 4;
    const segment = new Segment(first, views);
    this.#segment = segment;
    this.#samples = segment.samples;
    this.#mask = segment.mask;
    this.#start = segment.start;
    this.#first = segment.first;
  }

  /** A further segment, in the order in which the writer opened them. */
  extend(segment: PlayoutSegment): void {
    this.#further.push(new Segment(segment));
  }

  get queued(): number {
    const control = this.#control;
    const read = Atomics.load(this.#words, control + READ);
    return (Atomics.load(this.#words, control + WRITE) - read) | 0;
  }

  /** Moves up to `count` samples to the front of `out`; returns how many there were. */
  take(out: Int16Array, count: number): number {
    const words = this.#words;
    const control = this.#control;
    for (;;) {
      const read = Atomics.load(words, control + READ);
      const queued = (Atomics.load(words, control + WRITE) - read) | 0;
      if (queued <= 0) return 0;
      const taken = this.#copy(read, queued < count ? queued : count, out);
      if (taken === 0) return 0;
      const next = (read + taken) | 0;
      if (Atomics.compareExchange(words, control + READ, read, next) !== read) continue; // clear() was first: what we copied was never played.
      if (Atomics.load(words, control + WATCHING) === 1 && ((next - Atomics.load(words, control + WATCH)) | 0) >= 0) {
        Atomics.store(words, control + WATCHING, 0);
        this.passed = true;
      }
      const gain = words[control + GAIN]!;
      if (gain !== UNITY || this.#gain !== UNITY) this.#amplify(out, taken, gain);
      return taken;
    }
  }

  /** From the gain before to the one wanted now within these samples: a step would click. */
  #amplify(out: Int16Array, count: number, gain: number): void {
    const from = this.#gain / UNITY;
    const step = (gain / UNITY - from) / count;
    for (let i = 0; i < count; i++) out[i] = out[i]! * (from + step * (i + 1));
    this.#gain = gain;
  }

  /** These were taken, and then the socket would not have them. */
  dropped(count: number): void {
    Atomics.add(this.#words, this.#control + DROPPED, count);
  }

  #copy(read: number, wanted: number, out: Int16Array): number {
    let copied = 0;
    while (copied < wanted) {
      const at = (read + copied) | 0;
      let stretch = wanted - copied;
      if (this.#words[this.#control + SEALS] !== this.#passedSeals) {
        const left = (this.#segment.sealedAt - at) | 0;
        if (left <= 0) {
          if (!this.#goOn()) break; // Its message is still on the way.
          continue;
        }
        if (left < stretch) stretch = left;
      }
      const samples = this.#samples;
      const from = (at - this.#start) & this.#mask;
      const first = this.#first + from;
      const toEnd = this.#mask + 1 - from;
      if (stretch > toEnd) stretch = toEnd;
      for (let i = 0; i < stretch; i++) out[copied + i] = samples[first + i]!;
      copied += stretch;
    }
    return copied;
  }

  /** To the segment after the sealed one. */
  #goOn(): boolean {
    const next = this.#further.shift();
    if (next === undefined) return false;
    this.#segment = next;
    this.#samples = next.samples;
    this.#mask = next.mask;
    this.#start = next.start;
    this.#first = next.first;
    this.#passedSeals++;
    return true;
  }
}
