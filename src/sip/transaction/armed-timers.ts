/** The few timers one transaction has armed at a time, by name. */
import type { Clock, Timer } from '../../clock.js';
import type { TimerName } from './effects.js';

export class ArmedTimers {
  readonly #names: TimerName[] = [];
  readonly #timers: Timer[] = [];

  get size(): number {
    return this.#names.length;
  }

  /** Arming again moves the timer. */
  arm(name: TimerName, at: number, clock: Clock, fire: (name: TimerName) => void): void {
    this.disarm(name);
    this.#names.push(name);
    this.#timers.push(
      clock.at(at, () => {
        this.#remove(this.#names.indexOf(name));
        fire(name);
      }),
    );
  }

  disarm(name: TimerName): void {
    const at = this.#names.indexOf(name);
    if (at === -1) return;
    this.#timers[at]!.cancel();
    this.#remove(at);
  }

  disarmAll(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#names.length = 0;
    this.#timers.length = 0;
  }

  #remove(at: number): void {
    this.#names.splice(at, 1);
    this.#timers.splice(at, 1);
  }
}
