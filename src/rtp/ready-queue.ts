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

export class ReadyQueue {
  readonly #head: Int32Array;
  /** Stream numbers, in a ring. */
  readonly #entries: Int32Array;
  /** For each stream, whether it is in the ring. */
  readonly #queued: Int32Array;

  constructor(memory: SharedArrayBuffer) {
    const streams = (memory.byteLength / 4 - HEAD_WORDS) / 2;
    this.#head = new Int32Array(memory, 0, HEAD_WORDS);
    this.#entries = new Int32Array(memory, HEAD_WORDS * 4, streams);
    this.#queued = new Int32Array(memory, (HEAD_WORDS + streams) * 4, streams);
  }

  /** The media thread: this stream has something. */
  push(stream: number): void {
    if (Atomics.exchange(this.#queued, stream, 1) === 1) return;
    const written = this.#head[WRITTEN]!;
    this.#entries[written % this.#entries.length] = stream;
    Atomics.store(this.#head, WRITTEN, (written + 1) % (2 * this.#entries.length));
  }

  /** The media thread, at the end of a tick: whether the reader must be woken now. */
  needsWake(): boolean {
    return Atomics.load(this.#head, WRITTEN) !== Atomics.load(this.#head, TAKEN) && Atomics.exchange(this.#head, AWAKE, 1) === 0;
  }

  /** The reader, first thing when woken: what is pushed from here on wakes it again. */
  wake(): void {
    Atomics.store(this.#head, AWAKE, 0);
  }

  /** The reader: the next stream that has something, or -1. */
  take(): number {
    const taken = this.#head[TAKEN]!;
    if (taken === Atomics.load(this.#head, WRITTEN)) return -1;
    const stream = this.#entries[taken % this.#entries.length]!;
    Atomics.store(this.#head, TAKEN, (taken + 1) % (2 * this.#entries.length));
    Atomics.store(this.#queued, stream, 0);
    return stream;
  }
}
