// Silero's voice detector: a small network, from the optional packages `onnxruntime-web` (WebAssembly, no compiler) and `@ricky0123/vad-web` (its weights).
import { OptionError } from '../errors.js';
import { installedFile } from './installed.js';
import { Resampler } from './resample.js';
import { type Asking, SileroThread } from './silero-thread.js';
import type { VoiceDetector } from './voice-activity.js';

export interface SileroVadOptions {
  /** How likely it must be speech, from 0 to 1; it is over at 0.15 less. @default 0.5 */
  readonly threshold?: number;
  /** Speech is over when it has not been heard for this long. @default 64 */
  readonly hangoverMs?: number;
  /** The file of weights, version 5 or 6, or its contents. @default silero_vad_v5.onnx of `@ricky0123/vad-web` */
  readonly model?: string | Uint8Array;
  /** The file to `require` as `onnxruntime-web`, for a bundled application. @default where the package is installed */
  readonly runtime?: string;
}

export interface SileroDetector extends VoiceDetector {
  /** How much of what it was given is not judged yet, in milliseconds: 128 at most, what comes then is not listened to. */
  readonly behindMs: number;
}

export interface SileroVad {
  /** One for each call. What it says is of the last whole 32 ms, and comes a moment after them. */
  detector(sampleRate: number): SileroDetector;
  /** Ends the thread. It does not keep the process alive. */
  close(): Promise<void>;
}

const WINDOW_MS = 32;
const MOST_WAITING = 4;

/** Loads it once, into a thread of its own; then `detector` for each call. Rejects with `ERR_AUDIO` when the packages are not installed. */
export async function sileroVad(options: SileroVadOptions = {}): Promise<SileroVad> {
  const { threshold = 0.5, hangoverMs = 64 } = options;
  if (!(threshold > 0 && threshold < 1)) throw new OptionError('threshold', 'between 0 and 1');
  const find = (file: string): string => installedFile(file, 'ERR_AUDIO', 'onnxruntime-web @ricky0123/vad-web');
  const runtime = options.runtime ?? find('onnxruntime-web');
  const model = options.model ?? find('@ricky0123/vad-web/dist/silero_vad_v5.onnx');
  let thread = new SileroThread(runtime, model);
  await thread.ready;
  let count = 0;
  return {
    detector(sampleRate) {
      // A thread that dies takes its calls with it; the next have another.
      if (thread.hasEnded) thread = new SileroThread(runtime, model);
      return new Silero(thread, count++, sampleRate, { threshold, hangoverMs });
    },
    close: () => thread.close(),
  };
}

class Silero implements SileroDetector, Asking {
  readonly id: number;
  readonly sampleRate: number;
  isSpeech = false;
  readonly #thread: SileroThread;
  readonly #options: { readonly threshold: number; readonly hangoverMs: number };
  readonly #resampler: Resampler | undefined;
  #resampled = new Int16Array(0);
  readonly #window: Int16Array;
  #filled = 0;
  #waiting = 0;
  /** Answers still to come of what was forgotten. */
  #stale = 0;
  #softMs = 0;

  constructor(thread: SileroThread, id: number, sampleRate: number, options: { threshold: number; hangoverMs: number }) {
    const rate = sampleRate === 8000 ? 8000 : 16_000;
    this.#thread = thread;
    this.id = id;
    this.sampleRate = sampleRate;
    this.#options = options;
    this.#resampler = sampleRate === rate ? undefined : new Resampler(sampleRate, rate);
    this.#window = new Int16Array((rate / 1000) * WINDOW_MS);
  }

  get behindMs(): number {
    return this.#waiting * WINDOW_MS;
  }

  process(samples: Int16Array, count: number, at = 0): boolean {
    const sound = this.#atRate(samples.subarray(at, at + count));
    for (let i = 0; i < sound.length; ) {
      const fits = Math.min(this.#window.length - this.#filled, sound.length - i);
      this.#window.set(sound.subarray(i, i + fits), this.#filled);
      i += fits;
      this.#filled += fits;
      if (this.#filled < this.#window.length) break;
      this.#filled = 0;
      if (this.#waiting + this.#stale === MOST_WAITING) continue;
      this.#thread.ask(this, this.#window);
      this.#waiting++;
    }
    return this.isSpeech;
  }

  #atRate(sound: Int16Array): Int16Array {
    if (!this.#resampler) return sound;
    const room = this.#resampler.maxOutput(sound.length);
    if (this.#resampled.length < room) this.#resampled = new Int16Array(room);
    return this.#resampled.subarray(0, this.#resampler.process(sound, sound.length, this.#resampled));
  }

  judged(probability: number): void {
    if (this.#stale > 0) {
      this.#stale--;
      return;
    }
    this.#waiting--;
    const { threshold, hangoverMs } = this.#options;
    if (probability >= threshold) this.isSpeech = true;
    this.#softMs = probability >= threshold - 0.15 ? 0 : this.#softMs + WINDOW_MS;
    if (this.#softMs >= hangoverMs) this.isSpeech = false;
  }

  reset(): void {
    this.#stale += this.#waiting;
    this.#waiting = this.#filled = this.#softMs = 0;
    this.isSpeech = false;
    this.#thread.forget(this);
  }
}
