/** Packets of any length on their way out, cut into the bot's frames for whoever listens in: a recorder's other channel. */
import { type FrameFormat, FrameRingWriter, SILENCE } from './frame-ring.js';
import { SharedViews } from './shared-views.js';

export class FrameTap {
  readonly #ring: FrameRingWriter;
  readonly #frameMs: number;
  readonly #frame: Int16Array;
  #filled = 0;
  #timeMs = 0;
  /** Of the frame at work: what was not silence in it counts. */
  #source = SILENCE;

  constructor(memory: SharedArrayBuffer, format: FrameFormat) {
    this.#ring = new FrameRingWriter(new SharedViews(memory), 0, format);
    this.#frameMs = format.frameMs;
    this.#frame = new Int16Array((format.sampleRate / 1000) * format.frameMs);
  }

  write(samples: Int16Array, count: number, source: number): void {
    for (let at = 0; at < count; ) {
      const run = Math.min(this.#frame.length - this.#filled, count - at);
      for (let i = 0; i < run; i++) this.#frame[this.#filled + i] = samples[at + i]!;
      at += run;
      this.#advance(run, source);
    }
  }

  silence(count: number, source: number): void {
    for (let at = 0; at < count; ) {
      const run = Math.min(this.#frame.length - this.#filled, count - at);
      this.#frame.fill(0, this.#filled, this.#filled + run);
      at += run;
      this.#advance(run, source);
    }
  }

  #advance(run: number, source: number): void {
    if (source !== SILENCE) this.#source = source;
    this.#filled += run;
    if (this.#filled < this.#frame.length) return;
    this.#ring.write(this.#frame, 0, this.#source, this.#timeMs);
    this.#timeMs += this.#frameMs;
    this.#filled = 0;
    this.#source = SILENCE;
  }
}
