/**
 * The last second of what the caller said, in shared memory: one writer (the media thread), any number of readers, each with its own
 * cursor. The writer never waits: a reader that falls more than a second behind loses the oldest frames and learns how many.
 *
 * A frame's slot is reused `capacity` frames later, so a copy is good when, after it, the writer has not come round to that slot again.
 */

import type { FrameSource } from './playout.js';

const SOURCES = ['heard', 'concealed', 'silence', 'dtmf'] as const satisfies readonly FrameSource[];

/** How `FrameRingWriter.write` is told a source: its place in the list of them. */
export const HEARD = 0;
export const CONCEALED = 1;
export const SILENCE = 2;
export const DTMF = 3;

const HEAD_WORDS = 2;
const WRITTEN = 0;
const ENDED = 1;
const META_WORDS = 2;

/** What both ends must agree on to read the same memory. */
export interface FrameFormat {
  readonly sampleRate: number;
  readonly frameMs: number;
}

const frameSamplesOf = (format: FrameFormat): number => (format.sampleRate / 1000) * format.frameMs;

/** One second of frames, and one more: the one being written. */
const capacityOf = (format: FrameFormat): number => Math.ceil(1000 / format.frameMs) + 1;

export function frameRingBytes(format: FrameFormat): number {
  const capacity = capacityOf(format);
  return (HEAD_WORDS + META_WORDS * capacity) * 4 + capacity * frameSamplesOf(format) * 2;
}

class FrameMemory {
  readonly capacity: number;
  readonly frameSamples: number;
  readonly head: Int32Array;
  readonly meta: Int32Array;
  readonly samples: Int16Array;

  constructor(memory: SharedArrayBuffer, offset: number, format: FrameFormat) {
    this.capacity = capacityOf(format);
    this.frameSamples = frameSamplesOf(format);
    this.head = new Int32Array(memory, offset, HEAD_WORDS);
    this.meta = new Int32Array(memory, offset + HEAD_WORDS * 4, META_WORDS * this.capacity);
    this.samples = new Int16Array(memory, offset + (HEAD_WORDS + META_WORDS * this.capacity) * 4, this.capacity * this.frameSamples);
  }
}

/** The media thread's end. */
export class FrameRingWriter {
  /** The ring itself: a frame may be made where it will lie, between `begin` and `commit`. */
  readonly samples: Int16Array;
  readonly #capacity: number;
  readonly #frameSamples: number;
  readonly #head: Int32Array;
  readonly #meta: Int32Array;
  #written = 0;
  /** Where the next frame goes. */
  #slot = 0;

  constructor(memory: SharedArrayBuffer, offset: number, format: FrameFormat) {
    const { capacity, frameSamples, head, meta, samples } = new FrameMemory(memory, offset, format);
    this.samples = samples;
    this.#capacity = capacity;
    this.#frameSamples = frameSamples;
    this.#head = head;
    this.#meta = meta;
  }

  /** Where in `samples` the next frame lies. */
  begin(): number {
    return this.#slot * this.#frameSamples;
  }

  /** The frame is whole: readers may have it. */
  commit(source: number, timeMs: number): void {
    const slot = this.#slot;
    const meta = this.#meta;
    meta[slot * META_WORDS] = source;
    meta[slot * META_WORDS + 1] = timeMs;
    this.#slot = slot + 1 === this.#capacity ? 0 : slot + 1;
    Atomics.store(this.#head, WRITTEN, ++this.#written);
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

  constructor(memory: SharedArrayBuffer, offset: number, format: FrameFormat) {
    this.#memory = new FrameMemory(memory, offset, format);
    this.sampleRate = format.sampleRate;
    this.frameMs = format.frameMs;
    this.frameSamples = this.#memory.frameSamples;
  }

  /** Frames written since the call began. */
  get written(): number {
    return Atomics.load(this.#memory.head, WRITTEN);
  }

  /** True once no more frames will come. */
  get ended(): boolean {
    return Atomics.load(this.#memory.head, ENDED) === 1;
  }

  end(): void {
    Atomics.store(this.#memory.head, ENDED, 1);
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
  readonly #memory: FrameMemory;
  readonly #frameMs: number;
  #at: number;
  /** Made at the first borrow: one view a slot, used again every second. */
  #views: (Int16Array | undefined)[] | undefined;

  constructor(memory: FrameMemory, frameMs: number, at: number) {
    this.#memory = memory;
    this.#frameMs = frameMs;
    this.#at = at;
  }

  /** Frames waiting; those that were lost are not counted. */
  get available(): number {
    return Math.min(Atomics.load(this.#memory.head, WRITTEN) - this.#at, this.#memory.capacity - 1);
  }

  /** A copy of the next frame, in `into` or in an array of its own; undefined when there is none yet. */
  next(into?: Int16Array): Int16Array | undefined {
    const { frameSamples, samples, capacity, head } = this.#memory;
    let lost = 0;
    for (;;) {
      const missed = this.#seek();
      if (missed < 0) return undefined;
      lost += missed;
      const copy = into ?? new Int16Array(frameSamples);
      const slot = this.#at % capacity;
      const at = slot * frameSamples;
      for (let i = 0; i < frameSamples; i++) copy[i] = samples[at + i]!;
      this.#describe(slot, lost);
      if (Atomics.load(head, WRITTEN) - this.#at < capacity) {
        this.#at++;
        return copy;
      }
      // The writer came round while we copied: what we hold may be torn. Go to what is now the oldest.
    }
  }

  /** The next frame where it lies: good for this turn of the event loop, and for reading only. */
  borrow(): Int16Array | undefined {
    const { frameSamples, samples, capacity } = this.#memory;
    const missed = this.#seek();
    if (missed < 0) return undefined;
    const slot = this.#at % capacity;
    this.#views ??= new Array<Int16Array | undefined>(capacity).fill(undefined);
    this.#views[slot] ??= samples.subarray(slot * frameSamples, (slot + 1) * frameSamples);
    this.#describe(slot, missed);
    this.#at++;
    return this.#views[slot];
  }

  /** Goes to the oldest frame still whole; returns the frames lost on the way, or -1 when none is waiting. */
  #seek(): number {
    const written = Atomics.load(this.#memory.head, WRITTEN);
    if (this.#at >= written) return -1;
    const lost = written - (this.#memory.capacity - 1) - this.#at;
    if (lost <= 0) return 0;
    this.#at += lost;
    return lost;
  }

  #describe(slot: number, lost: number): void {
    const { meta } = this.#memory;
    this.source = SOURCES[meta[slot * META_WORDS]!] ?? 'silence';
    this.timeMs = meta[slot * META_WORDS + 1]!;
    this.droppedMs = lost * this.#frameMs;
  }
}
