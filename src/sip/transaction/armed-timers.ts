/** The timers one transaction has armed, by name: never more than two at a time, whatever its machine. */
import type { Clock, Timer } from '../../clock.js';
import type { TimerName } from './effects.js';

export class ArmedTimers {
  #firstName: TimerName | undefined;
  #first: Timer | undefined;
  #secondName: TimerName | undefined;
  #second: Timer | undefined;

  /** Arming again moves the timer. */
  arm(name: TimerName, at: number, clock: Clock, fire: (name: TimerName) => void): void {
    this.disarm(name);
    const timer = clock.at(at, () => {
      this.disarm(name);
      fire(name);
    });
    if (this.#firstName === undefined) {
      this.#firstName = name;
      this.#first = timer;
    } else if (this.#secondName === undefined) {
      this.#secondName = name;
      this.#second = timer;
    } else throw new Error(`a third timer, ${name}, beside ${this.#firstName} and ${this.#secondName}`);
  }

  disarm(name: TimerName): void {
    if (this.#firstName === name) {
      this.#first!.cancel();
      this.#firstName = this.#first = undefined;
    } else if (this.#secondName === name) {
      this.#second!.cancel();
      this.#secondName = this.#second = undefined;
    }
  }

  disarmAll(): void {
    this.#first?.cancel();
    this.#second?.cancel();
    this.#firstName = this.#first = this.#secondName = this.#second = undefined;
  }
}
