/** A caller with a script: speaks in a voice or from recordings, interrupts, coughs, is silent, presses keys; and notes what it did when. */
import { openSound } from '../bot/sound.js';
import type { TextToSpeech } from '../bot/speech/text-to-speech.js';
import { monoSound } from '../codec.js';
import { type NoiseKind, noise } from './noises.js';
import type { SeededRandom } from './seeded-random.js';
import type { TestCall, TestClock } from './test-caller.js';
import { WireTrack } from './wire-track.js';

const RATE = 16_000;
/** Softer is the silence around what was said. */
const SILENT = 200;
/** Between two words of one sentence the bot is still speaking. */
const PAUSE_MS = 300;
const STEP_MS = 20;
/** Of a recording. */
const LONGEST_MS = 600_000;

/** One thing the caller did, in milliseconds of wall time. */
export interface Deed {
  readonly kind: 'speech' | 'cough' | 'keys';
  /** Its words, or the keys. */
  readonly text: string;
  /** The first and the last sample that sounds, as they left. */
  readonly startMs: number;
  readonly endMs: number;
  /** The bot was heard when it began. */
  readonly isOver: boolean;
}

export class SimulatedCaller {
  readonly call: TestCall;
  /** This conversation's chance. */
  readonly random: SeededRandom;
  readonly deeds: Deed[] = [];
  readonly failures: string[] = [];
  /** The bot's sound as it arrives. */
  readonly track: WireTrack;
  readonly #clock: TestClock;
  readonly #voice: TextToSpeech;
  #since: number;

  /** @internal: `converse` makes them. */
  constructor(call: TestCall, clock: TestClock, voice: TextToSpeech, random: SeededRandom) {
    this.call = call;
    this.random = random;
    this.track = WireTrack.of(call.call).in;
    this.#clock = clock;
    this.#voice = voice;
    this.#since = clock.wall();
  }

  /** One of them, by chance. */
  choose<T>(...from: readonly [T, ...T[]]): T {
    return from[Math.floor(this.random.fraction() * from.length)] as T;
  }

  /** Listens until the bot has begun and been silent for so long; a bot that says nothing in time is noted as a failure. */
  async untilDone(options: { readonly pauseMs?: number; readonly limitMs?: number } = {}): Promise<void> {
    const { pauseMs = 700, limitMs = 15_000 } = options;
    const since = this.#since;
    const isDone = (): boolean => {
      const last = this.track.lastAt ?? 0;
      return last >= since && this.#clock.wall() - last >= pauseMs;
    };
    if (!(await this.#until(isDone, limitMs))) this.failures.push(`the bot was not done within ${limitMs} ms`);
  }

  /** A text by the voice, a sound file, or samples at 16 kHz; `words` are those that the bot should understand. */
  async say(what: string | URL | Int16Array, words = typeof what === 'string' ? what : ''): Promise<void> {
    await this.#sound('speech', words, await this.#samplesOf(what));
  }

  /** Waits until the bot has been heard for so long, and then speaks. */
  async interrupt(what: string | URL | Int16Array, options: { readonly afterMs?: number; readonly words?: string } = {}): Promise<void> {
    await this.#whileBotSpeaks(options.afterMs ?? 800);
    await this.say(what, options.words);
  }

  /** A cough of 80 ms; with `afterMs`, while the bot has been speaking for so long. */
  async cough(options: { readonly afterMs?: number } = {}): Promise<void> {
    if (options.afterMs !== undefined) await this.#whileBotSpeaks(options.afterMs);
    await this.#sound('cough', '', noise('cough', this.random));
  }

  /** Under all that follows: other people, or a bad line; `level` is its root mean square. */
  background(kind: Exclude<NoiseKind, 'cough'>, level?: number): void {
    this.call.call.play(noise(kind, this.random, 4000, level), { sampleRate: RATE, mode: 'mix', loop: true });
  }

  async press(keys: string): Promise<void> {
    if (this.call.isEnded) return;
    const startMs = this.#clock.wall();
    const isOver = this.#isBotSpeaking;
    await this.call.press(keys);
    this.#note({ kind: 'keys', text: keys, startMs, endMs: this.#clock.wall(), isOver });
  }

  /** Says nothing for so long. */
  wait(ms: number): Promise<void> {
    return this.call.wait(ms);
  }

  async hangup(): Promise<void> {
    if (!this.call.isEnded) await this.call.hangup();
  }

  /** Waits until the bot hangs up. */
  async ended(limitMs = 30_000): Promise<void> {
    if (!(await this.#until(() => this.call.isEnded, limitMs))) this.failures.push(`the bot did not hang up within ${limitMs} ms`);
  }

  get #isBotSpeaking(): boolean {
    return this.#clock.wall() - (this.track.lastAt ?? 0) < PAUSE_MS;
  }

  async #whileBotSpeaks(forMs: number): Promise<void> {
    const since = this.#since;
    const spoken = (): boolean => {
      const first = this.track.firstFrom(since);
      return first !== undefined && this.#isBotSpeaking && this.#clock.wall() - first >= forMs;
    };
    if (!(await this.#until(spoken, 15_000))) this.failures.push(`the bot was not heard for ${forMs} ms: nothing to interrupt`);
  }

  async #samplesOf(what: string | URL | Int16Array): Promise<Int16Array> {
    if (typeof what === 'string') return this.#spoken(what);
    if (what instanceof Int16Array) return what;
    const sound = await openSound(what, RATE);
    return (await sound.read(LONGEST_MS * (RATE / 1000))) ?? new Int16Array(0);
  }

  async #spoken(text: string): Promise<Int16Array> {
    const parts: Int16Array[] = [];
    for await (const { samples, sampleRate } of this.#voice.speak(text, { sampleRate: RATE })) {
      const whole = samples instanceof Int16Array ? samples : new Int16Array(new Uint8Array(samples).slice().buffer);
      parts.push(monoSound({ samples: whole, channels: 1, sampleRate }, RATE));
    }
    const all = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }

  async #sound(kind: 'speech' | 'cough', text: string, samples: Int16Array): Promise<void> {
    if (this.call.isEnded) return;
    const isOver = this.#isBotSpeaking;
    await this.call.say(samples);
    const first = samples.findIndex((sample) => Math.abs(sample) > SILENT);
    const last = samples.findLastIndex((sample) => Math.abs(sample) > SILENT);
    const now = this.#clock.wall();
    const msBefore = (position: number): number => now - ((samples.length - position) * 1000) / RATE;
    this.#note({ kind, text, startMs: msBefore(first), endMs: msBefore(last + 1), isOver });
  }

  #note(deed: Deed): void {
    this.deeds.push(deed);
    this.#since = deed.endMs;
  }

  /** False when it did not come to be in time; the end of the call is an end of waiting too. */
  async #until(done: () => boolean, limitMs: number): Promise<boolean> {
    for (let passed = 0; passed < limitMs; passed += STEP_MS) {
      if (done()) return true;
      if (this.call.isEnded) return true;
      await this.#clock.run(STEP_MS);
    }
    return false;
  }
}
