// The voice detector of WebRTC, from the optional package `@echogarden/fvad-wasm` (15 kB of WebAssembly, no compiler at install).
import { OptionError, SipBotError } from '../errors.js';
import type { VoiceDetector } from './voice-activity.js';

/** What the package exports. Pointers are offsets into its memory. */
interface Fvad {
  readonly HEAP16: Int16Array;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  _fvad_new(): number;
  _fvad_free(handle: number): void;
  _fvad_reset(handle: number): void;
  _fvad_set_mode(handle: number, mode: number): number;
  _fvad_set_sample_rate(handle: number, rate: number): number;
  _fvad_process(handle: number, samples: number, count: number): number;
}

export interface WebRtcVadOptions {
  /** How sure it must be before it says speech: 0 to 3. @default 3 */
  readonly mode?: 0 | 1 | 2 | 3;
  /** How the package is imported; a bundled application hands in its own. @default import() */
  readonly load?: (name: '@echogarden/fvad-wasm') => Promise<unknown>;
}

const FRAME_MS = 10;
const RATES = [8000, 16000, 32000, 48000];

/** Loads it once; then `detector` for each call. Rejects with `ERR_AUDIO` when the package is not installed. */
export async function webRtcVad(
  options: WebRtcVadOptions = {},
): Promise<{ detector(sampleRate: number): VoiceDetector & { close(): void } }> {
  const load = options.load ?? ((name: string): Promise<unknown> => import(name));
  const loaded = (await load('@echogarden/fvad-wasm').catch((cause: unknown) => {
    throw new SipBotError('ERR_AUDIO', 'the package @echogarden/fvad-wasm is not installed', { cause });
  })) as { readonly default: () => Promise<Fvad> };
  const fvad = await loaded.default();
  return { detector: (sampleRate) => new WebRtcVad(fvad, sampleRate, options.mode ?? 3) };
}

class WebRtcVad implements VoiceDetector {
  readonly sampleRate: number;
  readonly #fvad: Fvad;
  /** 0: given back. */
  #handle: number;
  readonly #samplesAt: number;
  readonly #frame: Int16Array;
  readonly #mode: number;
  #filled = 0;
  #isSpeech = false;

  constructor(fvad: Fvad, sampleRate: number, mode: number) {
    if (!RATES.includes(sampleRate)) throw new OptionError('sampleRate', `must be one of ${RATES.join(', ')}`);
    this.sampleRate = sampleRate;
    this.#fvad = fvad;
    this.#mode = mode;
    this.#handle = fvad._fvad_new();
    this.#frame = new Int16Array((sampleRate / 1000) * FRAME_MS);
    this.#samplesAt = fvad._malloc(this.#frame.length * 2);
    this.reset();
  }

  get isSpeech(): boolean {
    return this.#isSpeech;
  }

  process(samples: Int16Array, count: number, at = 0): boolean {
    if (this.#handle === 0) return false;
    const frame = this.#frame;
    for (let i = at; i < at + count; ) {
      const fits = Math.min(frame.length - this.#filled, at + count - i);
      frame.set(samples.subarray(i, i + fits), this.#filled);
      i += fits;
      this.#filled += fits;
      if (this.#filled < frame.length) break;
      this.#filled = 0;
      this.#fvad.HEAP16.set(frame, this.#samplesAt / 2);
      this.#isSpeech = this.#fvad._fvad_process(this.#handle, this.#samplesAt, frame.length) === 1;
    }
    return this.#isSpeech;
  }

  reset(): void {
    this.#filled = 0;
    this.#isSpeech = false;
    if (this.#handle === 0) return;
    this.#fvad._fvad_reset(this.#handle);
    this.#fvad._fvad_set_mode(this.#handle, this.#mode);
    this.#fvad._fvad_set_sample_rate(this.#handle, this.sampleRate);
  }

  /** Gives its memory back, once; what is heard then is no speech. */
  close(): void {
    if (this.#handle === 0) return;
    this.#fvad._fvad_free(this.#handle);
    this.#fvad._free(this.#samplesAt);
    this.#handle = 0;
    this.reset();
  }
}
