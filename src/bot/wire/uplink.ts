/**
 * What the caller says, on its way to the platform: at its rate, in its encoding, in chunks of its length. While the platform is away or
 * does not read, the last moments are held for it and the older ones lost, and counted.
 */
import { Resampler } from '../../codec/resample.js';
import type { AudioFrame } from '../audio.js';
import { type SoundFormat, soundWriter } from './sound-format.js';

export interface UplinkOptions {
  /** Of the call's audio. */
  readonly fromRate: number;
  readonly format: SoundFormat;
  readonly chunkMs: number;
  /** So much is kept for a platform that cannot take it now. */
  readonly holdMs: number;
  /** False: not now. `timeMs`: of the call's media, of the chunk's first sample. */
  readonly deliver: (chunk: Uint8Array, timeMs: number) => boolean;
}

export interface UplinkStats {
  readonly sentMs: number;
  /** Waiting for the platform to take it. */
  readonly heldMs: number;
  /** What it will never hear. */
  readonly lostMs: number;
}

/** Longer than this, a hole in what we heard is not filled with silence: the platform's time jumps. */
const LONGEST_HOLE_MS = 2000;

export class Uplink {
  readonly #options: UplinkOptions;
  readonly #resampler: Resampler | undefined;
  readonly #write: (samples: Int16Array, count: number) => Uint8Array;
  #converted: Int16Array = new Int16Array(0);
  readonly #chunk: Int16Array;
  #filled = 0;
  #chunkAt = 0;
  readonly #held: { readonly chunk: Uint8Array; readonly timeMs: number }[] = [];
  readonly #mostHeld: number;
  #sent = 0;
  #lost = 0;

  constructor(options: UplinkOptions) {
    const { fromRate, format, chunkMs, holdMs } = options;
    this.#options = options;
    this.#resampler = fromRate === format.sampleRate ? undefined : new Resampler(fromRate, format.sampleRate);
    this.#write = soundWriter(format);
    this.#chunk = new Int16Array(Math.round((format.sampleRate * chunkMs) / 1000));
    this.#mostHeld = Math.max(1, Math.ceil(holdMs / chunkMs));
  }

  get stats(): UplinkStats {
    const { chunkMs } = this.#options;
    return { sentMs: this.#sent * chunkMs, heldMs: this.#held.length * chunkMs, lostMs: this.#lost * chunkMs };
  }

  hear({ samples, timeMs, droppedMs }: AudioFrame): void {
    if (droppedMs > 0 && droppedMs <= LONGEST_HOLE_MS) {
      const hole = new Int16Array(Math.round((droppedMs * this.#options.fromRate) / 1000));
      this.#take(hole, timeMs - droppedMs);
    }
    this.#take(samples, timeMs);
    this.flush();
  }

  /** Samples without a place in time. */
  write(samples: Int16Array): void {
    this.#take(samples, 0);
    this.flush();
  }

  /** What fills no whole chunk goes too, as a shorter one. True: nothing waits any more. */
  finish(): boolean {
    if (this.#filled > 0) this.#push();
    this.flush();
    return this.#held.length === 0;
  }

  /** Gives the platform what it may have missed. */
  flush(): void {
    while (this.#held.length > 0 && this.#options.deliver(this.#held[0]!.chunk, this.#held[0]!.timeMs)) {
      this.#held.shift();
      this.#sent++;
    }
  }

  #take(samples: Int16Array, timeMs: number): void {
    let from = samples;
    let count = samples.length;
    if (this.#resampler !== undefined) {
      const most = this.#resampler.maxOutput(count);
      if (this.#converted.length < most) this.#converted = new Int16Array(most);
      count = this.#resampler.process(samples, count, this.#converted);
      from = this.#converted;
    }
    const chunk = this.#chunk;
    for (let at = 0; at < count; ) {
      if (this.#filled === 0) this.#chunkAt = timeMs + (at * 1000) / this.#options.format.sampleRate;
      const fits = Math.min(count - at, chunk.length - this.#filled);
      chunk.set(from.subarray(at, at + fits), this.#filled);
      this.#filled += fits;
      at += fits;
      if (this.#filled === chunk.length) this.#push();
    }
  }

  #push(): void {
    this.#held.push({ chunk: this.#write(this.#chunk, this.#filled), timeMs: this.#chunkAt });
    this.#filled = 0;
    if (this.#held.length > this.#mostHeld) {
      this.flush();
      if (this.#held.length <= this.#mostHeld) return;
      this.#held.shift();
      this.#lost++;
    }
  }
}
