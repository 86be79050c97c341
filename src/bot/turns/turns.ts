/** The conversation of one call: its ears, what the bot says and how it is interrupted, what the caller says, and the log of both. */
import type { Clock } from '../../clock.js';
import { OptionError } from '../../errors.js';
import type { Logger } from '../../log.js';
import { given } from '../../session/given.js';
import type { CallAudio } from '../audio.js';
import type { PlayOptions } from '../player.js';
import type { Playout } from '../playout.js';
import type { SoundSource } from '../sound.js';
import type { SpeechToText } from '../speech/speech-to-text.js';
import type { TextToSpeech } from '../speech/text-to-speech.js';
import { BargeIn, type BargeInOptions } from './barge-in.js';
import { type EarOptions, Ears, type SoundLevel } from './ears.js';
import { type Listened, Listening, type ListenOptions } from './listening.js';
import { type Filler, type Said, Saying } from './saying.js';
import { SpokenText } from './spoken.js';
import { type Turn, TurnLog } from './turn-log.js';
import type { Utterance } from './utterance.js';

export interface SpeechOptions {
  /** What `say` speaks with. */
  readonly voice?: TextToSpeech;
  /** What `listen` understands with. */
  readonly recogniser?: SpeechToText;
  /** BCP 47, for both. */
  readonly language?: string;
  readonly ears?: EarOptions;
  readonly bargeIn?: BargeInOptions;
  /** Heard while the voice, or who writes the text, still thinks. */
  readonly filler?: Filler;
}

export interface SayOptions {
  /** May the caller interrupt it, by speech or a key? @default true */
  readonly interruptible?: boolean;
  readonly voice?: TextToSpeech;
  readonly language?: string;
  readonly filler?: Filler;
  /** 'none': the voice gets the text as it comes. @default 'sentences' */
  readonly split?: 'sentences' | 'none';
}

export interface AskOptions extends ListenOptions {
  /** Said when nothing was heard, or nothing that `accept` takes; one after the other. @default the question, once more */
  readonly reprompts?: readonly string[];
  /** Is that an answer? @default whatever was said or pressed */
  readonly accept?: (heard: Listened) => boolean;
}

export interface TurnsHost {
  readonly clock: Clock;
  readonly logger: Logger;
  audio(): CallAudio;
  isEnded(): boolean;
  play(source: SoundSource, options?: PlayOptions): Playout;
  /** Each calls back until the returned function is called. */
  onDtmf(listener: (digit: string) => void): () => void;
  onEnded(listener: () => void): () => void;
  onTurn(turn: Turn): void;
}

/** What was said longer ago is no answer any more. */
const STALE_MS = 4000;

export class Turns {
  readonly log = new TurnLog();
  readonly #host: TurnsHost;
  readonly #sayings: Saying[] = [];
  #options: SpeechOptions;
  #ears: Ears | undefined;
  #bargeIn: BargeIn | undefined;
  #startedAt: number | undefined;
  /** When the caller's last turn ended, until the bot has answered it. */
  #unansweredAt: number | undefined;
  /** Said while the bot spoke, and taken by no `listen`. */
  #pending: Utterance | undefined;
  #closeEars: (() => void) | undefined;
  #isMetered = false;

  constructor(host: TurnsHost, options: SpeechOptions) {
    this.#host = host;
    this.#options = options;
  }

  use(options: SpeechOptions): void {
    if (this.#ears !== undefined && options.ears !== undefined) throw new OptionError('ears', 'this call is being listened to already');
    this.#options = { ...this.#options, ...options };
  }

  get ears(): Ears {
    if (this.#ears === undefined) {
      const ears = new Ears(this.#host.audio(), this.#options.ears);
      this.#ears = ears;
      ears.on('end', (utterance) => this.#onUtterance(utterance, ears.pauseMs));
    }
    return this.#ears;
  }

  get level(): SoundLevel {
    if (!this.#isMetered && !this.#host.isEnded()) {
      this.#isMetered = true;
      this.ears.open();
    }
    return this.ears.level;
  }

  say(text: string | AsyncIterable<string>, options: SayOptions = {}): Saying {
    const { voice = this.#options.voice, language = this.#options.language, filler = this.#options.filler, split } = options;
    if (voice === undefined) throw new OptionError('speech.voice', 'say needs a voice: a TextToSpeech, here or in the options of the bot');
    this.#openEars();
    const { clock } = this.#host;
    const audio = this.#host.audio();
    const spoken = new SpokenText(text, { voice, sampleRate: audio.sampleRate, ...given({ language, split }) });
    let answeredMs: number | undefined;
    const host = {
      clock,
      audio,
      play: (source: SoundSource, how?: PlayOptions) => this.#host.play(source, how),
      onSounded: () => {
        if (this.#unansweredAt !== undefined) answeredMs = clock.now() - this.#unansweredAt;
        this.#unansweredAt = undefined;
      },
    };
    const before = this.#sayings.at(-1)?.queued.catch(() => {}) ?? Promise.resolve();
    const saying = new Saying(host, spoken, { isBargeable: options.interruptible ?? true, filler, before });
    this.#sayings.push(saying);
    if (!saying.isBargeable) this.#pending = undefined;
    const atMs = this.#now();
    const over = (said?: Said): void => {
      this.#sayings.splice(this.#sayings.indexOf(saying), 1);
      if (!saying.isBargeable) this.#pending = undefined;
      if (this.#sayings.length === 0) this.#bargeIn?.release();
      if (said === undefined) return;
      const { outcome, playedMs: durationMs, text: words, heard } = said;
      this.#add({ who: 'bot', atMs, durationMs, text: words, heard, outcome, ...given({ latencyMs: answeredMs }) });
    };
    saying.done.then(over, (error: unknown) => {
      this.#host.logger.warn({ error: String(error) }, 'the voice failed');
      over();
    });
    return saying;
  }

  async listen(options: ListenOptions = {}): Promise<Listened> {
    this.#openEars();
    const { recogniser, language } = this.#options;
    const { clock, onDtmf, onEnded, logger } = this.#host;
    const audio = this.#host.audio();
    const isEnded = this.#host.isEnded();
    const pending = this.#takePending();
    const host = {
      clock,
      audio,
      ears: this.ears,
      recogniser,
      language,
      isEnded,
      onDtmf,
      onEnded,
      onFailed: (error: unknown) => logger.warn({ error: String(error) }, 'the recogniser failed'),
    };
    const listened = await new Listening(host, options, pending).done;
    this.#pending = undefined;
    if (listened.ended === 'speech' || listened.ended === 'keys') this.#addListened(listened);
    return listened;
  }

  #takePending(): Utterance | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    return pending !== undefined && this.ears.nowMs - pending.endMs < STALE_MS ? pending : undefined;
  }

  /** Says, listens, and asks again as long as there are reprompts. */
  async ask(question: string, options: AskOptions = {}): Promise<Listened> {
    const { reprompts = [question], accept = ({ ended }) => ended !== 'timeout', ...how } = options;
    let heard: Listened | undefined;
    for (const text of [question, ...reprompts]) {
      this.say(text);
      heard = await this.listen(how);
      if (heard.ended === 'hangup' || accept(heard)) break;
    }
    return heard!;
  }

  /** Takes back all that may be interrupted; the bot falls silent. */
  interrupt(): void {
    for (const saying of this.#sayings.slice().reverse()) if (saying.isBargeable) saying.interrupt();
  }

  /** The call is over. */
  end(): void {
    for (const saying of this.#sayings) saying.cancel();
    this.#ears?.end();
  }

  #openEars(): void {
    if (this.#closeEars !== undefined || this.#host.isEnded()) return;
    const { ears } = this;
    this.#closeEars = ears.open();
    this.#bargeIn = new BargeIn(
      {
        ears,
        isInterruptible: () => this.#sayings.some((saying) => saying.isBargeable && saying.isSounding),
        setGain: (gain) => {
          this.#host.audio().gain = gain;
        },
        stop: () => this.interrupt(),
      },
      this.#options.bargeIn,
    );
    this.#host.onDtmf(() => this.interrupt());
  }

  #onUtterance(utterance: Utterance, pauseMs: number): void {
    this.#pending = utterance;
    this.#unansweredAt = this.#host.clock.now() - pauseMs;
  }

  #addListened({ text, keys, utterance }: Listened): void {
    const durationMs = utterance === undefined ? 0 : utterance.endMs - utterance.startMs;
    const atMs = this.#now() - (utterance === undefined ? 0 : this.ears.nowMs - utterance.startMs);
    this.#add({ who: 'caller', atMs, durationMs, text: keys === '' ? text : keys });
  }

  #now(): number {
    const now = this.#host.clock.now();
    this.#startedAt ??= now;
    return now - this.#startedAt;
  }

  #add(turn: Turn): void {
    this.log.add(turn);
    this.#host.onTurn(turn);
  }
}
