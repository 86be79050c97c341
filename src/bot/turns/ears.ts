/**
 * When the caller speaks: what may be speech at once, what is speech when it has lasted longer than a cough, its end after a hang-over; keys
 * are no speech. Time is that of the frames; runs only while somebody listens.
 */
import EventEmitter from 'eventemitter3';
import { levelDbov, silenceDbov } from '../../codec/level.js';
import { ToneDetector } from '../../codec/tone-detector.js';
import { VoiceActivity, type VoiceDetector } from '../../codec/voice-activity.js';
import { OptionError } from '../../errors.js';
import type { AudioFrame, CallAudio } from '../audio.js';
import { Tape, type Utterance } from './utterance.js';

export interface EarOptions {
  /** What tells speech from noise; one for each call. @default VoiceActivity */
  readonly detector?: (sampleRate: number) => VoiceDetector;
  /** Speech is what has lasted so long: a cough is shorter. @default 100 */
  readonly confirmMs?: number;
  /** The caller's turn is over when nothing was said for so long. @default 500 */
  readonly endOfTurnMs?: number;
  /** The event `silence` comes each time both sides were silent for so long. @default 5000 */
  readonly silenceMs?: number;
  /** Of an utterance no more than its last so many are kept. @default 60000 */
  readonly maxUtteranceMs?: number;
}

export interface EarEvents {
  /** Something that may become speech; either `start` or `dismissed` follows. */
  maybe: [timeMs: number];
  dismissed: [];
  start: [timeMs: number];
  /** The utterance while it is spoken, from a moment before its beginning on, without keys. */
  audio: [samples: Int16Array];
  end: [utterance: Utterance];
  silence: [durationMs: number];
}

export interface SoundLevel {
  /** Of the last frame, in dBov. */
  readonly dbov: number;
  readonly isSpeech: boolean;
}

export const EAR_DEFAULTS = { confirmMs: 100, endOfTurnMs: 500, silenceMs: 5000, maxUtteranceMs: 60_000 } as const;

/** What was not heard again for so long was a cough. */
const DISMISS_MS = 60;
/** How far the recogniser's audio lags behind: a key is known 40 ms after it began. */
const HOLD_MS = 60;
/** What a recogniser gets of the time before speech was noticed. */
const LEAD_MS = 250;
const STEP_MS = 10;

export class Ears extends EventEmitter<EarEvents> {
  readonly options: Required<Omit<EarOptions, 'detector'>>;
  readonly #audio: CallAudio;
  readonly #detector: VoiceDetector;
  readonly #keys: ToneDetector;
  readonly #tape: Tape;
  readonly #quiet: Int16Array;
  #users = 0;
  #state: 'quiet' | 'maybe' | 'speaking' = 'quiet';
  #startMs = 0;
  #lastMs = 0;
  #activeMs = 0;
  #nowMs = 0;
  #handedMs = 0;
  #silentSinceMs = 0;
  #isKeyDown = false;
  /** Of the last frame: a key that comes as an event. */
  #isEvent = false;
  #level = silenceDbov;

  constructor(audio: CallAudio, options: EarOptions = {}) {
    super();
    this.#audio = audio;
    this.options = { ...EAR_DEFAULTS, ...options };
    for (const name of Object.keys(EAR_DEFAULTS) as (keyof typeof EAR_DEFAULTS)[]) {
      if (!(this.options[name] > 0)) throw new OptionError(`ears.${name}`, 'must be a number of milliseconds');
    }
    const { sampleRate } = audio;
    this.#detector = options.detector?.(sampleRate) ?? new VoiceActivity({ sampleRate, attackMs: 20, hangoverMs: 30 });
    this.#tape = new Tape(sampleRate, this.options.maxUtteranceMs);
    this.#quiet = new Int16Array((sampleRate / 1000) * audio.frameMs);
    this.#keys = new ToneDetector(sampleRate, {
      onKeyDown: () => {
        this.#isKeyDown = true;
        this.#tape.wipe(this.#nowMs);
      },
      onKeyUp: () => {
        this.#isKeyDown = false;
      },
    });
  }

  /** Begins to listen; the result ends it, once nobody else does. */
  open(): () => void {
    if (this.#users++ === 0) {
      this.#silentSinceMs = -1;
      this.#audio.on('frame', this.#onFrame, { borrow: true });
    }
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      if (--this.#users === 0) this.#close();
    };
  }

  get isSpeaking(): boolean {
    return this.#state === 'speaking';
  }

  /** When what is being said began. */
  get startMs(): number {
    return this.#startMs;
  }

  /** How long nothing was said, within what counts as speaking still. */
  get pauseMs(): number {
    return this.#nowMs - this.#lastMs;
  }

  /** Media time of what was heard last. */
  get nowMs(): number {
    return this.#nowMs;
  }

  get level(): SoundLevel {
    return { dbov: this.#level, isSpeech: this.#state === 'speaking' };
  }

  /** What was said until now of an utterance that is not over. */
  *said(): Iterable<Int16Array> {
    if (this.#state === 'speaking') yield* this.#tape.between(this.#startMs - LEAD_MS, this.#handedMs);
  }

  /** The call is over: what is being said ends here. */
  end(): void {
    if (this.#state === 'speaking') this.#finish();
    this.#close();
    this.#detector.close?.();
    this.removeAllListeners();
  }

  #close(): void {
    this.#users = 0;
    this.#audio.off('frame', this.#onFrame);
    this.#detector.reset();
    this.#state = 'quiet';
    this.#tape.forget(Number.POSITIVE_INFINITY);
  }

  readonly #onFrame = (frame: AudioFrame): void => {
    const { samples, source, timeMs } = frame;
    const { sampleRate } = this.#audio;
    this.#level = levelDbov(samples);
    if (source === 'heard') this.#keys.process(samples, samples.length);
    else this.#isKeyDown = false;
    const isSound = source === 'heard' && !this.#isKeyDown;
    const isEvent = source === 'dtmf';
    // Gateways that send keys as events let the beginning of the tone through.
    if (isEvent && !this.#isEvent) this.#tape.wipe(this.#nowMs);
    this.#isEvent = isEvent;
    // What was concealed belongs to what is kept, but says nothing of whether somebody speaks.
    this.#tape.add(isEvent || this.#isKeyDown ? this.#quiet : samples, timeMs);
    const step = (sampleRate / 1000) * STEP_MS;
    for (let at = 0; at < samples.length; at += step) {
      this.#nowMs = timeMs + ((at + step) * 1000) / sampleRate;
      const isSpeech = this.#detector.process(isSound ? samples : this.#quiet, step, at);
      this.#judge(this.#detector.mayBeSpeech ?? isSpeech, isSpeech);
    }
    if (this.#state === 'speaking') this.#hand(this.#nowMs - HOLD_MS);
    else if (this.#state === 'quiet') this.#tape.forget(this.#nowMs);
    this.#watchSilence();
  };

  #judge(mayBe: boolean, isSpeech: boolean): void {
    const now = this.#nowMs;
    if (mayBe || (this.#state === 'speaking' && isSpeech)) this.#lastMs = now;
    switch (this.#state) {
      case 'quiet':
        if (!mayBe) return;
        this.#state = 'maybe';
        this.#startMs = now - STEP_MS;
        this.#activeMs = STEP_MS;
        this.emit('maybe', this.#startMs);
        return;
      case 'maybe':
        if (mayBe) this.#confirm(now);
        else if (this.#isKeyDown || now - this.#lastMs >= DISMISS_MS) {
          this.#state = 'quiet';
          this.emit('dismissed');
        }
        return;
      case 'speaking':
        if (now - this.#lastMs >= this.options.endOfTurnMs) this.#finish();
    }
  }

  /** Lasted long enough, and mostly sound: two clicks are no word. */
  #confirm(now: number): void {
    this.#activeMs += STEP_MS;
    const { confirmMs } = this.options;
    if (now - this.#startMs < confirmMs || this.#activeMs < 0.7 * confirmMs) return;
    this.#state = 'speaking';
    this.#handedMs = this.#startMs - LEAD_MS;
    this.emit('start', this.#startMs);
  }

  #hand(toMs: number): void {
    if (this.listenerCount('audio') > 0) for (const samples of this.#tape.between(this.#handedMs, toMs)) this.emit('audio', samples);
    this.#handedMs = Math.max(this.#handedMs, toMs);
  }

  #finish(): void {
    this.#hand(this.#nowMs);
    this.#state = 'quiet';
    this.#silentSinceMs = this.#lastMs;
    this.emit('end', this.#tape.utterance(this.#startMs, this.#lastMs));
  }

  #watchSilence(): void {
    if (this.#silentSinceMs < 0 || this.#state === 'speaking' || this.#audio.queuedMs > 0) this.#silentSinceMs = this.#nowMs;
    const durationMs = this.#nowMs - this.#silentSinceMs;
    if (durationMs < this.options.silenceMs) return;
    this.#silentSinceMs = this.#nowMs;
    this.emit('silence', durationMs);
  }
}
