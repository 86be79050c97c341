/**
 * The caller speaks while the bot does. In two steps: at the first sound that may be speech the bot lowers its voice; when it is speech the bot
 * stops; when it was a cough it goes on as before, and nothing was lost.
 */
import { OptionError } from '../../errors.js';
import type { Ears } from './ears.js';

export interface BargeInOptions {
  /** How much softer the bot is until it is known whether the caller speaks. 0: not at all. @default 15 */
  readonly duckDb?: number;
}

export interface BargeInHost {
  readonly ears: Ears;
  /** The bot is heard, and may be interrupted. */
  isInterruptible(): boolean;
  setGain(gain: number): void;
  stop(): void;
}

export class BargeIn {
  readonly #host: BargeInHost;
  readonly #ducked: number;
  #isDucked = false;

  constructor(host: BargeInHost, options: BargeInOptions = {}) {
    const { duckDb = 15 } = options;
    if (!(duckDb >= 0)) throw new OptionError('bargeIn.duckDb', 'must be a number of decibels, not negative');
    this.#ducked = 10 ** (-duckDb / 20);
    this.#host = host;
    host.ears.on('maybe', () => this.#duck());
    host.ears.on('dismissed', () => this.release());
    host.ears.on('start', () => {
      if (host.isInterruptible()) host.stop();
      this.release();
    });
  }

  /** As loud as before. */
  release(): void {
    if (this.#isDucked) this.#host.setGain(1);
    this.#isDucked = false;
  }

  #duck(): void {
    if (!this.#host.isInterruptible()) return;
    this.#isDucked = true;
    this.#host.setGain(this.#ducked);
  }
}
