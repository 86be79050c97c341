/**
 * What a voice makes of a text, sentence by sentence, as one stream of samples at the call's rate, made a little ahead of the wire; and the
 * ledger of it: which words lie where, so that what was played can be said in words.
 */
import { PcmInput } from '../pcm-input.js';
import type { TextToSpeech, WordMark } from '../speech/text-to-speech.js';
import { sentencesOf } from './sentences.js';

export interface SpokenOptions {
  readonly voice: TextToSpeech;
  readonly sampleRate: number;
  readonly language?: string;
  /** 'none': the voice gets the text as it comes, whole. @default 'sentences' */
  readonly split?: 'sentences' | 'none';
}

/** Made ahead of what was taken, at most. */
const AHEAD_MS = 10_000;
/** Handed on at once, at most. */
const PIECE_MS = 250;
/** Of speech whose length is not known yet. */
const MS_PER_LETTER = 65;

interface Sentence {
  text: string;
  readonly fromMs: number;
  toMs: number | undefined;
  readonly words: WordMark[];
}

export class SpokenText implements AsyncIterable<Int16Array> {
  /** Resolves with the first sound, or at the end of a text without any; rejects when the voice fails before. */
  readonly begun: Promise<void>;
  readonly #options: SpokenOptions;
  readonly #abort = new AbortController();
  readonly #input: PcmInput;
  readonly #sentences: Sentence[] = [];
  readonly #ready: Int16Array[] = [];
  #madeSamples = 0;
  #takenSamples = 0;
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;
  #wakeTaker: () => void = () => {};
  #wakeMaker: () => void = () => {};
  #onBegun!: () => void;
  #onFailed!: (error: unknown) => void;

  constructor(text: string | AsyncIterable<string>, options: SpokenOptions) {
    this.#options = options;
    this.#input = new PcmInput(options.sampleRate);
    this.begun = new Promise((resolve, reject) => {
      this.#onBegun = resolve;
      this.#onFailed = reject;
    });
    this.begun.catch(() => {});
    void this.#make(text);
  }

  /** All that was given to the voice until now. */
  get text(): string {
    return this.#sentences.map(({ text }) => text).join(' ');
  }

  /** Of that, what lies within the first so many milliseconds: to the word where the voice tells of words, else by proportion. */
  heard(playedMs: number): string {
    const parts: string[] = [];
    for (const sentence of this.#sentences) {
      if (sentence.toMs !== undefined && playedMs >= sentence.toMs - 1) parts.push(sentence.text);
      else if (playedMs > sentence.fromMs) parts.push(beginningOf(sentence, playedMs));
    }
    return parts.filter((part) => part !== '').join(' ');
  }

  /** Nobody wants the rest. */
  cancel(): void {
    this.#isOver = true;
    this.#abort.abort();
    this.#onBegun();
    this.#wakeMaker();
    this.#wakeTaker();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Int16Array> {
    try {
      for (;;) {
        const piece = this.#next();
        if (piece !== undefined) {
          this.#takenSamples += piece.length;
          this.#wakeMaker();
          yield piece;
        } else if (this.#failure !== undefined) throw this.#failure.error;
        else if (this.#isOver) return;
        else
          await new Promise<void>((resolve) => {
            this.#wakeTaker = resolve;
          });
      }
    } finally {
      this.cancel();
    }
  }

  /** What is ready, small pieces joined: they are written ahead by number. */
  #next(): Int16Array | undefined {
    if (this.#ready.length < 2) return this.#ready.shift();
    const most = (this.#options.sampleRate * PIECE_MS) / 1000;
    let count = 0;
    let total = 0;
    while (count < this.#ready.length && (count === 0 || total + this.#ready[count]!.length <= most)) total += this.#ready[count++]!.length;
    const joined = new Int16Array(total);
    let at = 0;
    for (const piece of this.#ready.splice(0, count)) {
      joined.set(piece, at);
      at += piece.length;
    }
    return joined;
  }

  async #make(text: string | AsyncIterable<string>): Promise<void> {
    try {
      if (this.#options.split === 'none') await this.#speak(text);
      else
        for await (const sentence of sentencesOf(text)) {
          if (this.#isOver) return;
          await this.#speak(sentence);
        }
    } catch (error) {
      if (!this.#isOver) this.#failure = { error };
      this.#onFailed(error);
    } finally {
      this.#isOver = true;
      this.#onBegun();
      this.#wakeTaker();
    }
  }

  async #speak(text: string | AsyncIterable<string>): Promise<void> {
    const { voice, sampleRate, language } = this.#options;
    const sentence: Sentence = { text: typeof text === 'string' ? text : '', fromMs: this.#madeMs, toMs: undefined, words: [] };
    this.#sentences.push(sentence);
    const wanted = typeof text === 'string' ? text : noted(text, sentence);
    const options = { sampleRate, signal: this.#abort.signal, ...(language === undefined ? {} : { language }) };
    for await (const chunk of voice.speak(wanted, options)) {
      if (this.#isOver) return;
      sentence.words.push(...(chunk.words ?? []));
      this.#push(this.#input.take(chunk.samples, chunk.sampleRate));
      while (!this.#isOver && this.#madeMs - this.#msOf(this.#takenSamples) > AHEAD_MS) {
        await new Promise<void>((resolve) => {
          this.#wakeMaker = resolve;
        });
      }
    }
    // What the filter holds is this one's, and half a sample that was left is nobody's.
    this.#push(this.#input.flush());
    sentence.toMs = this.#madeMs;
  }

  #push(samples: Int16Array): void {
    if (samples.length === 0) return;
    this.#ready.push(samples.slice());
    this.#madeSamples += samples.length;
    this.#onBegun();
    this.#wakeTaker();
  }

  get #madeMs(): number {
    return this.#msOf(this.#madeSamples);
  }

  #msOf(samples: number): number {
    return (samples * 1000) / this.#options.sampleRate;
  }
}

async function* noted(text: AsyncIterable<string>, sentence: Sentence): AsyncGenerator<string> {
  for await (const piece of text) {
    sentence.text += piece;
    yield piece;
  }
}

function beginningOf({ text, fromMs, toMs, words }: Sentence, playedMs: number): string {
  const into = playedMs - fromMs;
  if (words.length > 0)
    return words
      .filter(({ atMs }) => atMs < into)
      .map((word) => word.text)
      .join(' ');
  const length = Math.floor(toMs === undefined ? into / MS_PER_LETTER : (text.length * into) / (toMs - fromMs));
  if (length >= text.length) return text;
  const space = text.lastIndexOf(' ', length);
  return space < 0 ? '' : text.slice(0, space);
}
