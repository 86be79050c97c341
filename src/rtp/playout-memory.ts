/**
 * What both ends of a playout ring agree on: the control words, in 32-bit integers that they share, and the segments that the samples lie in.
 */
import { SharedViews } from './shared-views.js';

export const CONTROL_WORDS = 7;
export const READ = 0;
export const WRITE = 1;
/** The writer wants to hear when READ passes this position ... */
export const WATCH = 2;
/** ... and this is 1 while it does. */
export const WATCHING = 3;
export const DROPPED = 4;
/** How loud what is taken shall be, in parts of UNITY. */
export const GAIN = 5;
export const UNITY = 1024;
/** How many segments were sealed: the reader looks at a seal only when there is one that it has not passed. */
export const SEALS = 6;

const SEAL_WORDS = 2;
const SEALED = 0;
const SEALED_AT = 1;

/** A stretch of shared memory with room for `capacity` samples, holding those from position `start` on. */
export interface PlayoutSegment {
  readonly memory: SharedArrayBuffer;
  readonly offset: number;
  readonly capacity: number;
  readonly start: number;
}

export const playoutControlBytes = CONTROL_WORDS * 4;

/** The first segment: at least 200 ms. */
export function firstSegmentSamples(sampleRate: number): number {
  return powerOfTwo(sampleRate / 5);
}

export function segmentBytes(samples: number): number {
  return SEAL_WORDS * 4 + samples * 2;
}

export function powerOfTwo(atLeast: number): number {
  return 2 ** Math.ceil(Math.log2(atLeast));
}

export class Segment {
  readonly start: number;
  readonly mask: number;
  readonly words: Int32Array;
  readonly samples: Int16Array;
  /** Where the seal begins, in words, ... */
  readonly seal: number;
  /** ... and the samples. */
  readonly first: number;

  constructor({ memory, offset, capacity, start }: PlayoutSegment, views = new SharedViews(memory)) {
    this.start = start;
    this.mask = capacity - 1;
    this.words = views.words;
    this.samples = views.samples;
    this.seal = offset / 4;
    this.first = offset / 2 + SEAL_WORDS * 2;
  }

  /** Whether nothing more is written to it. */
  get isSealed(): boolean {
    return Atomics.load(this.words, this.seal + SEALED) === 1;
  }

  /** The position behind its last sample, once it is sealed. */
  get sealedAt(): number {
    return this.words[this.seal + SEALED_AT]!;
  }

  sealAt(position: number): void {
    this.words[this.seal + SEALED_AT] = position;
    Atomics.store(this.words, this.seal + SEALED, 1);
  }
}
