/** Transcripts on their way to whoever listens: a guess that nobody has seen yet gives way to the next one, so that they never pile up. */
import type { Transcript } from './speech-to-text.js';

const MAX_FINALS = 1000;

export class TranscriptQueue implements AsyncIterable<Transcript> {
  readonly #waiting: Transcript[] = [];
  #wake: () => void = () => {};
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;

  get isOver(): boolean {
    return this.#isOver;
  }

  push(transcript: Transcript): void {
    if (this.#isOver) return;
    if (this.#waiting.at(-1)?.isFinal === false) this.#waiting.pop();
    if (this.#waiting.length >= MAX_FINALS) this.#waiting.shift();
    this.#waiting.push(transcript);
    this.#wake();
  }

  /** What waits is still handed out. */
  end(error?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (error !== undefined) this.#failure = { error };
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Transcript> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next;
      else if (this.#failure !== undefined) throw this.#failure.error;
      else if (this.#isOver) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
