/**
 * The last second of what the caller said, in shared memory: one writer (the media thread), any number of readers, each with its own
 * cursor. The writer never waits: a reader that falls more than a second behind loses the oldest frames and learns how many.
 *
 * A frame's slot is reused `capacity` frames later, so a copy is good when, after it, the writer has not come round to that slot again.
 */

import type { FrameSource } from './playout.js';
import type { SharedViews } from './shared-views.js';

const SOURCES = ['heard', 'concealed', 'silence', 'dtmf'] as const satisfies readonly FrameSource[];

/** How `FrameRingWriter.write` is told a source: its place in the list of them. */
export const HEARD = 0;
export const CONCEALED = 1;
export const SILENCE = 2;
export const DTMF = 3;

const HEAD_WORDS = 2;
const WRITTEN = 0;
const ENDED = 1;
/** Before each frame's samples: its source, and its time. */
const META_WORDS = 2;
const META_SAMPLES = 2 * META_WORDS;

/** What both ends must agree on to read the same memory. */
export interface FrameFormat {
  readonly sampleRate: number;
  readonly frameMs: number;
}

const frameSamplesOf = (format: FrameFormat): number => (format.sampleRate / 1000) * format.frameMs;

/** One second of frames, and one more: the one being written. */
const capacityOf = (format: FrameFormat): number => Math.ceil(1000 / format.frameMs) + 1;

/** From one frame to the next, in samples: an even number of them. */
const rowOf = (format: FrameFormat): number => META_SAMPLES + 2 * Math.ceil(frameSamplesOf(format) / 2);

export const frameHeadBytes = HEAD_WORDS * 4;

/** Its head included. */
export function frameRingBytes(format: FrameFormat): number {
  return frameHeadBytes + capacityOf(format) * rowOf(format) * 2;
}

class FrameMemory {
  readonly capacity: number;
  readonly frameSamples: number;
  readonly words: Int32Array;
  readonly samples: Int16Array;
  /** Where the head begins, in words, ... */
  readonly head: number;
  /** ... and the frames, in samples, and from one to the next. */
  readonly first: number;
  readonly row: number;

  /** `headOffset`: elsewhere, beside what is looked at together with it; else before the frames. */
  constructor({ words, samples }: SharedViews, offset: number, format: FrameFormat, headOffset = offset) {
    this.capacity = capacityOf(format);
    this.frameSamples = frameSamplesOf(format);
    this.words = words;
    this.samples = samples;
    this.head = headOffset / 4;
    this.first = (headOffset === offset ? offset + frameHeadBytes : offset) / 2;
    this.row = rowOf(format);
  }

  /** Frames written since the call began. */
  get written(): number {
    return Atomics.load(this.words, this.head + WRITTEN);
  }
}

/** The media thread's end. */
export class FrameRingWriter {
  /** What the ring lies in: a frame may be made where it will be, between `begin` and `commit`. */
  readonly samples: Int16Array;
  readonly #words: Int32Array;
  readonly #capacity: number;
  readonly #frameSamples: number;
  readonly #head: number;
  readonly #first: number;
  readonly #row: number;
  #written = 0;
  /** Where the next frame goes. */
  #slot = 0;

  constructor(views: SharedViews, offset: number, format: FrameFormat, headOffset?: number) {
    const { capacity, frameSamples, words, head, first, row } = new FrameMemory(views, offset, format, headOffset);
    this.samples = views.samples;
    this.#words = words;
    this.#capacity = capacity;
    this.#frameSamples = frameSamples;
    this.#head = head;
    this.#first = first;
    this.#row = row;
  }

  /** Where in `samples` the next frame lies. */
  begin(): number {
    return this.#first + this.#slot * this.#row + META_SAMPLES;
  }

  /** The frame is whole: readers may have it. */
  commit(source: number, timeMs: number): void {
    const slot = this.#slot;
    const words = this.#words;
    const meta = (this.#first + slot * this.#row) >> 1;
    words[meta] = source;
    words[meta + 1] = timeMs;
    this.#slot = slot + 1 === this.#capacity ? 0 : slot + 1;
    Atomics.store(words, this.#head + WRITTEN, ++this.#written);
  }

  /** One frame from `samples[from]` on. */
  write(samples: Int16Array, from: number, source: number, timeMs: number): void {
    const ring = this.samples;
    const frameSamples = this.#frameSamples;
    const at = this.begin();
    for (let i = 0; i < frameSamples; i++) ring[at + i] = samples[from + i]!;
    this.commit(source, timeMs);
  }
}

/** The application's end: hands out cursors. */
export class FrameRing {
  readonly sampleRate: number;
  readonly frameMs: number;
  readonly frameSamples: number;
  readonly #memory: FrameMemory;

  constructor(views: SharedViews, offset: number, format: FrameFormat, headOffset?: number) {
    this.#memory = new FrameMemory(views, offset, format, headOffset);
    this.sampleRate = format.sampleRate;
    this.frameMs = format.frameMs;
    this.frameSamples = this.#memory.frameSamples;
  }

  /** Frames written since the call began. */
  get written(): number {
    return this.#memory.written;
  }

  /** True once no more frames will come. */
  get ended(): boolean {
    const { words, head } = this.#memory;
    return Atomics.load(words, head + ENDED) === 1;
  }

  end(): void {
    const { words, head } = this.#memory;
    Atomics.store(words, head + ENDED, 1);
  }

  /** A reader of its own, from the next frame to come, from the oldest still held, or from a frame's number (at most a second back). */
  cursor(from: 'now' | 'oldest' | number = 'now'): FrameCursor {
    const written = this.written;
    const oldest = Math.max(0, written - (this.#memory.capacity - 1));
    const at = from === 'now' ? written : from === 'oldest' ? oldest : Math.min(Math.max(from, oldest), written);
    return new FrameCursor(this.#memory, this.frameMs, at);
  }
}

export class FrameCursor {
  /** When the frame returned last began, in milliseconds of the media clock since the stream was opened. */
  timeMs = 0;
  source: FrameSource = 'silence';
  /** What this cursor lost just before the frame returned last. */
  droppedMs = 0;
  readonly #words: Int32Array;
  readonly #samples: Int16Array;
  readonly #head: number;
  readonly #first: number;
  readonly #row: number;
  readonly #capacity: number;
  readonly #frameSamples: number;
  readonly #frameMs: number;
  #at: number;

  constructor(memory: FrameMemory, frameMs: number, at: number) {
    this.#words = memory.words;
    this.#samples = memory.samples;
    this.#head = memory.head;
    this.#first = memory.first;
    this.#row = memory.row;
    this.#capacity = memory.capacity;
    this.#frameSamples = memory.frameSamples;
    this.#frameMs = frameMs;
    this.#at = at;
  }

  /** Frames waiting; those that were lost are not counted. */
  get available(): number {
    return Math.min(this.#written() - this.#at, this.#capacity - 1);
  }

  /** A copy of the next frame, in `into` or in an array of its own; undefined when there is none yet. */
  next(into?: Int16Array): Int16Array | undefined {
    const samples = this.#samples;
    const frameSamples = this.#frameSamples;
    let lost = 0;
    for (;;) {
      const missed = this.#seek();
      if (missed < 0) return undefined;
      lost += missed;
      const copy = into ?? new Int16Array(frameSamples);
      const slot = this.#at % this.#capacity;
      const at = this.#placeOf(slot);
      for (let i = 0; i < frameSamples; i++) copy[i] = samples[at + i]!;
      this.#describe(slot, lost);
      if (this.#written() - this.#at < this.#capacity) {
        this.#at++;
        return copy;
      }
      // The writer came round while we copied: what we hold may be torn. Go to what is now the oldest.
    }
  }

  /** The next frame where it lies: good for this turn of the event loop, and for reading only. */
  borrow(): Int16Array | undefined {
    const missed = this.#seek();
    if (missed < 0) return undefined;
    const slot = this.#at % this.#capacity;
    const at = this.#placeOf(slot);
    this.#describe(slot, missed);
    this.#at++;
    // A view kept for each slot would be 5 kB a consumer, and as cold when its turn came as a new one.
    return this.#samples.subarray(at, at + this.#frameSamples);
  }

  /** Goes to the oldest frame still whole; returns the frames lost on the way, or -1 when none is waiting. */
  #seek(): number {
    const written = this.#written();
    if (this.#at >= written) return -1;
    const lost = written - (this.#capacity - 1) - this.#at;
    if (lost <= 0) return 0;
    this.#at += lost;
    return lost;
  }

  #written(): number {
    return Atomics.load(this.#words, this.#head + WRITTEN);
  }

  /** Where in `#samples` a frame begins. */
  #placeOf(slot: number): number {
    return this.#first + slot * this.#row + META_SAMPLES;
  }

  #describe(slot: number, lost: number): void {
    const meta = (this.#first + slot * this.#row) >> 1;
    this.source = SOURCES[this.#words[meta]!] ?? 'silence';
    this.timeMs = this.#words[meta + 1]!;
    this.droppedMs = lost * this.#frameMs;
  }
}
