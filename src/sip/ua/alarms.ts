/** Named one-shot timers over the clock: what the `arm` and `disarm` of machines become. One of each name at a time. */
import type { Clock, Timer } from '../../clock.js';
import type { TimerEffect } from '../dialog/effects.js';

export class Alarms<Name extends string> {
  readonly #clock: Clock;
  readonly #onTimer: (name: Name, now: number) => void;
  readonly #armed = new Map<Name, Timer>();

  constructor(clock: Clock, onTimer: (name: Name, now: number) => void) {
    this.#clock = clock;
    this.#onTimer = onTimer;
  }

  apply(effect: TimerEffect<Name>): void {
    if (effect.type === 'arm') this.arm(effect.timer, effect.at);
    else this.disarm(effect.timer);
  }

  arm(name: Name, at: number): void {
    this.#armed.get(name)?.cancel();
    this.#armed.set(
      name,
      this.#clock.at(at, () => {
        this.#armed.delete(name);
        this.#onTimer(name, this.#clock.now());
      }),
    );
  }

  disarm(name: Name): void {
    this.#armed.get(name)?.cancel();
    this.#armed.delete(name);
  }

  clear(): void {
    for (const timer of this.#armed.values()) timer.cancel();
    this.#armed.clear();
  }
}
