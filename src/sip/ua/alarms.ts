/** Named one-shot timers over the clock: what the `arm` and `disarm` of machines become. One of each name at a time. */
import type { Clock, Timer } from '../../clock.js';
import type { TimerEffect } from '../dialog/effects.js';

/** A pair of names at most is armed at a time: a list of those is smaller than a map, and there are several for each call. */
interface Armed<Name> {
  readonly name: Name;
  readonly timer: Timer;
}

export class Alarms<Name extends string> {
  readonly #clock: Clock;
  readonly #onTimer: (name: Name, now: number) => void;
  #armed: Armed<Name>[] | undefined;

  constructor(clock: Clock, onTimer: (name: Name, now: number) => void) {
    this.#clock = clock;
    this.#onTimer = onTimer;
  }

  apply(effect: TimerEffect<Name>): void {
    if (effect.type === 'arm') this.arm(effect.timer, effect.at);
    else this.disarm(effect.timer);
  }

  arm(name: Name, at: number): void {
    this.disarm(name);
    const timer = this.#clock.at(at, () => {
      this.#forget(name);
      this.#onTimer(name, this.#clock.now());
    });
    this.#armed ??= [];
    this.#armed.push({ name, timer });
  }

  disarm(name: Name): void {
    this.#forget(name)?.cancel();
  }

  clear(): void {
    for (const { timer } of this.#armed ?? []) timer.cancel();
    this.#armed = undefined;
  }

  #forget(name: Name): Timer | undefined {
    const index = this.#armed?.findIndex((armed) => armed.name === name) ?? -1;
    return index === -1 ? undefined : this.#armed!.splice(index, 1)[0]!.timer;
  }
}
