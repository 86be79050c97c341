/** Keys as a caller presses them: told together, after # or a pause, so that a number is one thing said. */
import type { Clock, Timer } from '../../clock.js';
import type { DtmfDigit } from '../call.js';

const PAUSE_MS = 1500;
const MAX_KEYS = 64;

export class KeysPressed {
  readonly #clock: Clock;
  readonly #tell: (digits: string) => void;
  #digits = '';
  #timer: Timer | undefined;

  constructor(clock: Clock, tell: (digits: string) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  press(digit: DtmfDigit): void {
    this.#digits += digit;
    this.#timer?.cancel();
    if (digit === '#' || this.#digits.length >= MAX_KEYS) this.#done();
    else this.#timer = this.#clock.at(this.#clock.now() + PAUSE_MS, () => this.#done());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#digits = '';
  }

  #done(): void {
    const digits = this.#digits;
    this.stop();
    this.#tell(digits);
  }
}
