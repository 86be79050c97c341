/** A recognition by a service that takes whole recordings: what was said is sent when the caller has stopped, and answered once. */
import type { Recognition, RecognitionOptions, Transcript } from './speech-to-text.js';
import { TranscriptQueue } from './transcript-queue.js';

/** Of one utterance; the oldest goes. Services refuse more than a minute, or 25 MB. */
const MAX_MS = 59_000;

export type Transcribe = (samples: Int16Array, signal: AbortSignal) => Promise<Transcript | undefined>;

export class UtteranceRecognition implements Recognition {
  readonly #transcribe: Transcribe;
  readonly #most: number;
  readonly #queue = new TranscriptQueue();
  readonly #abort = new AbortController();
  readonly #signal: AbortSignal | undefined;
  #pieces: Int16Array[] = [];
  #length = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(transcribe: Transcribe, { sampleRate, signal }: RecognitionOptions) {
    this.#transcribe = transcribe;
    this.#most = (sampleRate * MAX_MS) / 1000;
    this.#signal = signal;
    signal?.addEventListener('abort', this.close);
    if (signal?.aborted === true) this.close();
  }

  write(samples: Int16Array): void {
    if (this.#queue.isOver) return;
    this.#pieces.push(samples.slice());
    this.#length += samples.length;
    while (this.#length > this.#most) this.#length -= this.#pieces.shift()!.length;
  }

  endUtterance(): void {
    if (this.#length === 0 || this.#queue.isOver) return;
    const samples = new Int16Array(this.#length);
    let at = 0;
    for (const piece of this.#pieces) {
      samples.set(piece, at);
      at += piece.length;
    }
    this.#pieces = [];
    this.#length = 0;
    const asked = this.#transcribe(samples, this.#abort.signal);
    // Two may be on their way: they are told in the order in which they were said.
    this.#last = Promise.all([asked, this.#last]).then(
      ([transcript]) => {
        if (transcript !== undefined) this.#queue.push(transcript);
      },
      (error: unknown) => this.#finish(error),
    );
  }

  end(): void {
    this.endUtterance();
    void this.#last.then(() => this.#finish());
  }

  readonly close = (): void => this.#finish();

  [Symbol.asyncIterator](): AsyncGenerator<Transcript> {
    return this.#queue[Symbol.asyncIterator]();
  }

  #finish(error?: unknown): void {
    if (this.#queue.isOver) return;
    this.#queue.end(error);
    this.#abort.abort();
    this.#signal?.removeEventListener('abort', this.close);
  }
}
