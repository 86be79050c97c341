/**
 * Speech for tests: each word of a small vocabulary is a buzz of its own pitch, which our ears take for a voice and a codec does not hurt. So a
 * scripted caller and a bot can talk to each other in words, on a turned clock, with no model and no service.
 */
import type { Recognition, RecognitionOptions, SpeechToText, Transcript } from '../bot/speech/speech-to-text.js';
import type { SpeakOptions, SpokenChunk, TextToSpeech } from '../bot/speech/text-to-speech.js';
import { OptionError } from '../errors.js';

const LOWEST_HZ = 100;
const STEP = 1.07;
const MOST_WORDS = 20;
const WORD_MS = 240;
const GAP_MS = 60;
const RATE = 16_000;
const WINDOW_MS = 10;

export class TestSpeech implements TextToSpeech, SpeechToText {
  readonly #words: readonly string[];

  /** The only words that it can understand; it says any other as the last of them. */
  constructor(words: readonly string[]) {
    if (words.length === 0 || words.length > MOST_WORDS) throw new OptionError('words', `1 to ${MOST_WORDS} of them`);
    this.#words = words.map((word) => word.toLowerCase());
  }

  async *speak(text: string | AsyncIterable<string>, _options: SpeakOptions): AsyncGenerator<SpokenChunk> {
    let atMs = 0;
    for await (const piece of typeof text === 'string' ? [text] : text) {
      for (const word of piece.split(/\s+/).filter((one) => one !== '')) {
        yield { samples: this.samples(word), sampleRate: RATE, words: [{ text: word, atMs }] };
        atMs += WORD_MS + GAP_MS;
      }
    }
  }

  /** A text as samples at 16 kHz. */
  samples(text: string): Int16Array {
    const words = text.split(/\s+/).filter((one) => one !== '');
    const each = ((WORD_MS + GAP_MS) * RATE) / 1000;
    const all = new Int16Array(words.length * each);
    for (const [i, word] of words.entries()) all.set(this.#buzz(word), i * each);
    return all;
  }

  recognise({ sampleRate }: RecognitionOptions): Recognition {
    return new TestRecognition(sampleRate, (samples) => this.#understand(samples, sampleRate));
  }

  #buzz(word: string): Int16Array {
    const known = this.#words.indexOf(word.toLowerCase().replace(/[^\p{L}\p{N}]/gu, ''));
    const hz = LOWEST_HZ * STEP ** (known < 0 ? this.#words.length - 1 : known);
    const length = (WORD_MS * RATE) / 1000;
    return Int16Array.from({ length }, (_, i) => {
      let sum = 0;
      for (let k = 1; k * hz < 3400; k++) sum += Math.cos((2 * Math.PI * k * hz * i) / RATE + (k * k) / 3) / Math.sqrt(k);
      const edge = Math.min(1, i / 80, (length - i) / 80);
      return Math.round(2500 * edge * sum);
    });
  }

  /** Stretches of sound, and which pitch each repeats at. */
  #understand(samples: Int16Array, rate: number): string {
    const window = (rate * WINDOW_MS) / 1000;
    const words: string[] = [];
    let from = -1;
    for (let at = 0; at + window <= samples.length + window; at += window) {
      const isLoud = at + window <= samples.length && energy(samples, at, window) > 300 * 300;
      if (isLoud && from < 0) from = at;
      if (isLoud || from < 0) continue;
      if (at - from > (rate * WORD_MS) / 2000) words.push(this.#nearest(samples.subarray(from, at), rate));
      from = -1;
    }
    return words.join(' ');
  }

  #nearest(sound: Int16Array, rate: number): string {
    let best = 0;
    let most = Number.NEGATIVE_INFINITY;
    this.#words.forEach((_, i) => {
      const lag = rate / (LOWEST_HZ * STEP ** i);
      const likeness = correlation(sound, lag) - 0.1 * Math.max(0, correlation(sound, lag / 2));
      if (likeness > most) [most, best] = [likeness, i];
    });
    return this.#words[best]!;
  }
}

function energy(samples: Int16Array, at: number, count: number): number {
  let sum = 0;
  for (let i = at; i < at + count; i++) sum += samples[i]! * samples[i]!;
  return sum / count;
}

/** With itself so many samples later, between samples too. */
function correlation(x: Int16Array, lag: number): number {
  const whole = Math.floor(lag);
  const part = lag - whole;
  let product = 0;
  let square = 0;
  for (let i = whole + 1; i < x.length; i++) {
    product += x[i]! * ((1 - part) * x[i - whole]! + part * x[i - whole - 1]!);
    square += x[i]! * x[i]!;
  }
  return square === 0 ? 0 : product / square;
}

class TestRecognition implements Recognition {
  readonly #understand: (samples: Int16Array) => string;
  readonly #most: number;
  #heard: Int16Array[] = [];
  #length = 0;
  readonly #ready: Transcript[] = [];
  #isOver = false;
  #wake: () => void = () => {};

  constructor(sampleRate: number, understand: (samples: Int16Array) => string) {
    this.#understand = understand;
    this.#most = 60 * sampleRate;
  }

  write(samples: Int16Array): void {
    if (this.#isOver || this.#length > this.#most) return;
    this.#heard.push(samples.slice());
    this.#length += samples.length;
  }

  endUtterance(): void {
    const all = new Int16Array(this.#length);
    let at = 0;
    for (const piece of this.#heard) {
      all.set(piece, at);
      at += piece.length;
    }
    this.#heard = [];
    this.#length = 0;
    this.#ready.push({ text: this.#understand(all), isFinal: true, confidence: 1 });
    this.#wake();
  }

  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  close(): void {
    this.#ready.length = 0;
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Transcript> {
    for (;;) {
      const next = this.#ready.shift();
      if (next !== undefined) yield next;
      else if (this.#isOver) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
