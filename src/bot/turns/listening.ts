/** One `call.listen`: the caller's next utterance, in words where there is a recogniser, or the keys pressed instead, or nothing in time. */
import type { Clock, Timer } from '../../clock.js';
import { given } from '../../session/given.js';
import type { CallAudio } from '../audio.js';
import type { Recognition, RecognitionOptions, SpeechToText } from '../speech/speech-to-text.js';
import type { Ears } from './ears.js';
import type { Utterance } from './utterance.js';

export interface ListenOptions {
  /** For the caller to begin, counted from the end of what the bot says. @default 8000 */
  readonly timeoutMs?: number;
  /** The longest utterance; then it is taken as it is. @default 60000 */
  readonly maxMs?: number;
  /** What the recogniser may expect. */
  readonly phrases?: readonly string[];
  /** How many keys are taken instead of speech; 0: none. @default 0 */
  readonly maxKeys?: number;
  /** Ends the keys, and is not among them. @default '#' */
  readonly finishOn?: string;
  /** Between keys. @default 3000 */
  readonly keyTimeoutMs?: number;
  /** How long the recogniser may take behind the end of speech; then its best guess is taken. @default 3000 */
  readonly transcriptTimeoutMs?: number;
}

export interface Listened {
  readonly ended: 'speech' | 'keys' | 'timeout' | 'hangup';
  /** '' where nothing was understood, or nobody tried. */
  readonly text: string;
  readonly confidence?: number;
  readonly keys: string;
  readonly utterance?: Utterance;
}

export interface ListeningHost {
  readonly clock: Clock;
  readonly audio: CallAudio;
  readonly ears: Ears;
  readonly recogniser: SpeechToText | undefined;
  readonly language: string | undefined;
  readonly isEnded: boolean;
  /** Each calls back until the returned function is called. */
  onDtmf(listener: (digit: string) => void): () => void;
  onEnded(listener: () => void): () => void;
  /** The recogniser failed: told, and the utterance goes on without words. */
  onFailed(error: unknown): void;
}

export class Listening {
  readonly done: Promise<Listened>;
  readonly #host: ListeningHost;
  readonly #options: ListenOptions;
  readonly #stops: (() => void)[] = [];
  #resolve!: (listened: Listened) => void;
  #timer: Timer | undefined;
  #transcript: Transcribing | undefined;
  #keys = '';
  /** Over, and perhaps not understood yet: whatever ends the listening, it was said. */
  #utterance: Utterance | undefined;
  #isDone = false;

  /** @internal: `call.listen` makes them. `pending` was said while the bot spoke, and nobody has taken it. */
  constructor(host: ListeningHost, options: ListenOptions, pending: Utterance | undefined) {
    this.#host = host;
    this.#options = options;
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    if (host.isEnded) this.#finish('hangup');
    else this.#begin(pending);
  }

  #begin(pending: Utterance | undefined): void {
    const { ears, onDtmf, onEnded } = this.#host;
    this.#stops.push(
      ears.open(),
      onEnded(() => this.#finish('hangup')),
    );
    if ((this.#options.maxKeys ?? 0) > 0) this.#stops.push(onDtmf((digit) => this.#onKey(digit)));
    if (pending !== undefined) {
      this.#transcribe([pending.samples]);
      void this.#onEnd(pending);
      return;
    }
    const onStart = (): void => this.#transcribe(ears.said());
    const onAudio = (samples: Int16Array): void => this.#transcript?.write(samples);
    const onEnd = (utterance: Utterance): void => void this.#onEnd(utterance);
    ears.on('start', onStart).on('audio', onAudio).on('end', onEnd);
    this.#stops.push(() => ears.off('start', onStart).off('audio', onAudio).off('end', onEnd));
    if (ears.isSpeaking) onStart();
    else this.#wait();
  }

  /** For the caller to begin: while the bot is still heard, time does not run. */
  #wait(): void {
    const { audio } = this.#host;
    this.#arm(audio.queuedMs + (this.#options.timeoutMs ?? 8000), () => {
      if (audio.queuedMs > 0) this.#wait();
      else this.#finish('timeout');
    });
  }

  #transcribe(said: Iterable<Int16Array>): void {
    const { recogniser, language, audio } = this.#host;
    this.#arm(this.#options.maxMs ?? 60_000, () => void this.#settle());
    if (recogniser === undefined) return;
    const { phrases } = this.#options;
    const options = { sampleRate: audio.sampleRate, ...given({ language, phrases }) };
    this.#transcript = new Transcribing(recogniser, options, { onFailed: this.#host.onFailed, onEndOfTurn: () => this.#finish('speech') });
    for (const samples of said) this.#transcript.write(samples);
  }

  async #onEnd(utterance: Utterance): Promise<void> {
    if (this.#keys !== '') return;
    this.#utterance = utterance;
    await this.#settle();
  }

  async #settle(): Promise<void> {
    const transcript = this.#transcript;
    if (transcript !== undefined) {
      this.#arm(this.#options.transcriptTimeoutMs ?? 3000, () => transcript.close());
      await transcript.finish();
    }
    this.#finish('speech');
  }

  #onKey(digit: string): void {
    const { maxKeys = 0, finishOn = '#', keyTimeoutMs = 3000 } = this.#options;
    this.#transcript?.close();
    const isEnd = finishOn.includes(digit);
    if (!isEnd) this.#keys += digit;
    if (isEnd || this.#keys.length >= maxKeys) this.#finish('keys');
    else this.#arm(keyTimeoutMs, () => this.#finish('keys'));
  }

  #arm(ms: number, then: () => void): void {
    const { clock } = this.#host;
    this.#timer?.cancel();
    this.#timer = clock.at(clock.now() + ms, then);
  }

  #finish(ended: Listened['ended']): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#timer?.cancel();
    for (const stop of this.#stops) stop();
    this.#transcript?.close();
    const { text = '', confidence } = ended === 'speech' ? (this.#transcript ?? {}) : {};
    this.#resolve({ ended, text, keys: this.#keys, ...given({ confidence, utterance: this.#utterance }) });
  }
}

interface TranscribingEvents {
  onFailed(error: unknown): void;
  /** The recogniser's own ear says that the caller is done. */
  onEndOfTurn(): void;
}

/** One recognition, gathered: finals in order, and the guess behind them. */
class Transcribing {
  confidence: number | undefined;
  readonly #recognition: Recognition | undefined;
  readonly #finals: string[] = [];
  readonly #done: Promise<void>;
  #guess = '';
  #close: () => void = () => {};

  constructor(recogniser: SpeechToText, options: RecognitionOptions, told: TranscribingEvents) {
    const closed = new Promise<void>((resolve) => {
      this.#close = resolve;
    });
    try {
      this.#recognition = recogniser.recognise(options);
      this.#done = Promise.race([closed, this.#gather(this.#recognition, told).catch(told.onFailed)]);
    } catch (error) {
      told.onFailed(error);
      this.#done = Promise.resolve();
    }
  }

  get text(): string {
    return [...this.#finals, this.#guess].filter((part) => part !== '').join(' ');
  }

  write(samples: Int16Array): void {
    this.#recognition?.write(samples);
  }

  /** No more will be said; resolves when all is known. */
  finish(): Promise<void> {
    this.#recognition?.endUtterance();
    this.#recognition?.end();
    return this.#done;
  }

  close(): void {
    this.#recognition?.close();
    this.#close();
  }

  async #gather(recognition: Recognition, told: TranscribingEvents): Promise<void> {
    for await (const { text, isFinal, confidence, isEndOfTurn } of recognition) {
      this.#guess = isFinal ? '' : text.trim();
      if (!isFinal) continue;
      this.#finals.push(text.trim());
      if (confidence !== undefined) this.confidence = Math.min(confidence, this.confidence ?? 1);
      if (isEndOfTurn === true) told.onEndOfTurn();
    }
  }
}
