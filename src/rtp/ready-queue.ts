/**
 * Which streams have something for the application: one writer (the media thread), one reader. A stream is in it once at most, so it
 * never overflows; and one message wakes the reader for all that a tick made ready, not one for each frame.
 */

const HEAD_WORDS = 3;
const WRITTEN = 0;
const TAKEN = 1;
/** 1 while a wake-up is on its way. */
const AWAKE = 2;

/** Memory for streams numbered 0 to `streams` - 1. */
export function readyQueueMemory(streams: number): SharedArrayBuffer {
  return new SharedArrayBuffer((HEAD_WORDS + 2 * streams) * 4);
}

/** One end of it: an object for the writer, another for the reader. */
export class ReadyQueue {
  readonly #head: Int32Array;
  /** Stream numbers, in a ring. */
  readonly #entries: Int32Array;
  /** For each stream, whether it is in the ring. */
  readonly #queued: Int32Array;
  /** How far this end is; the other learns of it once a tick, for each telling waits until all memory is written. */
  #at = 0;

  constructor(memory: SharedArrayBuffer) {
    const streams = (memory.byteLength / 4 - HEAD_WORDS) / 2;
    this.#head = new Int32Array(memory, 0, HEAD_WORDS);
    this.#entries = new Int32Array(memory, HEAD_WORDS * 4, streams);
    this.#queued = new Int32Array(memory, (HEAD_WORDS + streams) * 4, streams);
  }

  /** The media thread: this stream has something. */
  push(stream: number): void {
    if (Atomics.exchange(this.#queued, stream, 1) === 1) return;
    const { length } = this.#entries;
    this.#entries[this.#at % length] = stream;
    this.#at = (this.#at + 1) % (2 * length);
  }

  /** The media thread, at the end of a tick: tells of what was pushed in it; whether the reader must be woken now. */
  tell(): boolean {
    if (this.#head[WRITTEN] !== this.#at) Atomics.store(this.#head, WRITTEN, this.#at);
    return this.#at !== Atomics.load(this.#head, TAKEN) && Atomics.exchange(this.#head, AWAKE, 1) === 0;
  }

  /** The reader, first thing when woken: what is pushed from here on wakes it again. */
  wake(): void {
    Atomics.store(this.#head, AWAKE, 0);
  }

  /** The reader: the next stream that has something, or -1. */
  take(): number {
    if (this.#at === Atomics.load(this.#head, WRITTEN)) {
      Atomics.store(this.#head, TAKEN, this.#at);
      return -1;
    }
    const { length } = this.#entries;
    const stream = this.#entries[this.#at % length]!;
    this.#at = (this.#at + 1) % (2 * length);
    Atomics.store(this.#queued, stream, 0);
    return stream;
  }
}
