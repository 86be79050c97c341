/**
 * Who answered: a person says a word and waits, a machine talks on and beeps. Fed with what is heard, early media included, where a ringing
 * tone is a tone and an announcement is speech before the answer.
 */
import { PureTone } from '../../codec/pure-tone.js';
import { VoiceActivity } from '../../codec/voice-activity.js';

export interface AnswerOptions {
  /** Silence for so long after the answer is nobody's. @default 3000 */
  readonly initialSilenceMs?: number;
  /** A greeting longer than this is a machine's. @default 1800 */
  readonly longestGreetingMs?: number;
  /** So long a silence behind a short greeting is a person who waits. @default 700 */
  readonly afterGreetingMs?: number;
  /** Whatever it is by then is said. @default 6000 */
  readonly decideMs?: number;
  /** How long a machine's beep is waited for. @default 30000 */
  readonly beepMs?: number;
}

export type AnsweredBy = 'human' | 'machine' | 'fax' | 'silence' | 'unknown';

export interface Answered {
  readonly by: AnsweredBy;
  /** From the answer to the verdict; 0 before it. */
  readonly afterMs: number;
  /** Of all that was said in it. */
  readonly greetingMs: number;
  /** What was heard before the answer. */
  readonly early: 'nothing' | 'tones' | 'speech';
}

const STEP_MS = 10;
/** Beeps of machines, and what a fax answers with (ITU-T T.30: 2100 Hz for 2.6 to 4 s). */
const BEEP_HZ = [350, 2000] as const;
const BEEP_MS = [90, 3500] as const;
const FAX_HZ = [2075, 2125] as const;
const FAX_MS = 1200;
const EARLY_SPEECH_MS = 400;
/** A machine of the network's beeps behind its greeting and is silent then; ringing is lower, tones before an announcement are followed by it. */
const EARLY_BEEP_HZ = 500;
const EARLY_SILENCE_MS = 500;
/** The detector's hang-over behind a tone is no speech. */
const HANGOVER_MS = 200;

export class AnswerDetector {
  readonly #options: Required<AnswerOptions>;
  readonly #voice: VoiceActivity;
  readonly #tone: PureTone;
  readonly #step: number;
  #isAnswered = false;
  #sinceAnswerMs = 0;
  #speechMs = 0;
  #silenceMs = 0;
  #toneMs = 0;
  #toneHz = 0;
  #earlySpeechMs = 0;
  #earlyToneMs = 0;
  /** How much had been said when a tone before the answer ended that may be a beep. */
  #spokenBeforeBeepMs = Number.NaN;
  #verdict: Answered | undefined;
  #hasBeeped = false;

  constructor(sampleRate: number, options: AnswerOptions = {}) {
    this.#options = { initialSilenceMs: 3000, longestGreetingMs: 1800, afterGreetingMs: 700, decideMs: 6000, beepMs: 30_000, ...options };
    this.#voice = new VoiceActivity({ sampleRate, hangoverMs: 100 });
    this.#tone = new PureTone(sampleRate);
    this.#step = (sampleRate * STEP_MS) / 1000;
  }

  /** What comes now is the callee's, no longer the network's. */
  answered(): void {
    this.#isAnswered = true;
    this.#toneMs = 0;
    this.#silenceMs = 0;
  }

  get verdict(): Answered | undefined {
    return this.#verdict;
  }

  /** A beep has been heard to its end: now a message can be left. */
  get hasBeeped(): boolean {
    return this.#hasBeeped;
  }

  /** No beep came, or none is to be expected. */
  get isOver(): boolean {
    return this.#hasBeeped || this.#sinceAnswerMs >= this.#options.beepMs;
  }

  /** No more will be heard. */
  end(): Answered {
    if (this.#verdict === undefined) this.#say('unknown');
    return this.#verdict!;
  }

  process(samples: Int16Array): void {
    for (let at = 0; at + this.#step <= samples.length; at += this.#step) {
      const hz = this.#tone.process(samples, this.#step, at);
      const isSpeech = this.#voice.process(samples, this.#step, at) && hz === 0;
      if (this.#isAnswered) this.#judge(isSpeech, hz);
      else this.#overhear(isSpeech, hz);
    }
  }

  #overhear(isSpeech: boolean, hz: number): void {
    if (hz > 0) this.#earlyToneMs += STEP_MS;
    else if (isSpeech) this.#earlySpeechMs += STEP_MS;
    this.#silenceMs = hz > 0 || isSpeech ? 0 : this.#silenceMs + STEP_MS;
    const spokenMs = this.#earlySpeechMs;
    if (this.#endsBeep(hz)) this.#spokenBeforeBeepMs = this.#toneHz > EARLY_BEEP_HZ && spokenMs >= EARLY_SPEECH_MS ? spokenMs : Number.NaN;
    if (this.#silenceMs < EARLY_SILENCE_MS || this.#verdict !== undefined || !(spokenMs - this.#spokenBeforeBeepMs <= HANGOVER_MS)) return;
    this.#hasBeeped = true;
    this.#say('machine');
  }

  #judge(isSpeech: boolean, hz: number): void {
    this.#sinceAnswerMs += STEP_MS;
    if (this.#endsBeep(hz)) this.#hasBeeped = true;
    if (isSpeech) {
      this.#speechMs += STEP_MS;
      this.#silenceMs = 0;
    } else this.#silenceMs += STEP_MS;
    if (this.#verdict === undefined) this.#decide();
  }

  #decide(): void {
    const { initialSilenceMs, longestGreetingMs, afterGreetingMs, decideMs } = this.#options;
    if (this.#isFax) this.#say('fax');
    else if (this.#hasBeeped || this.#speechMs > longestGreetingMs) this.#say('machine');
    else if (this.#speechMs > 0 && this.#silenceMs >= afterGreetingMs) this.#say('human');
    else if (this.#speechMs === 0 && this.#toneMs === 0 && this.#sinceAnswerMs >= initialSilenceMs) this.#say('silence');
    else if (this.#sinceAnswerMs >= decideMs) this.#say('unknown');
  }

  get #isFax(): boolean {
    return this.#toneMs >= FAX_MS && this.#toneHz > FAX_HZ[0] && this.#toneHz < FAX_HZ[1];
  }

  #endsBeep(hz: number): boolean {
    if (hz > 0) {
      this.#toneMs += STEP_MS;
      this.#toneHz = hz;
      return false;
    }
    const isBeep = this.#toneMs >= BEEP_MS[0] && this.#toneMs <= BEEP_MS[1] && this.#toneHz > BEEP_HZ[0] && this.#toneHz < BEEP_HZ[1];
    this.#toneMs = 0;
    return isBeep;
  }

  #say(by: AnsweredBy): void {
    const early = this.#earlySpeechMs >= EARLY_SPEECH_MS ? 'speech' : this.#earlyToneMs > 0 ? 'tones' : 'nothing';
    this.#verdict = { by, afterMs: this.#sinceAnswerMs, greetingMs: this.#speechMs, early };
  }
}
