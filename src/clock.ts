/** Time, as everything here sees it: a monotonic now, one-shot timers on it, and the wall for dates and NTP. */

export interface Timer {
  /** Idempotent; safe after the timer has fired. */
  cancel(): void;
}

export interface Clock {
  /** Monotonic milliseconds with a fraction; comparable only with itself. */
  now(): number;
  /** Runs `task` once, when `now()` has reached `when` (never earlier; at once, but not synchronously, when it has passed). */
  at(when: number, task: () => void): Timer;
  /** Milliseconds since 1970: for NTP timestamps, Date headers and file names, never for intervals. */
  wall(): number;
}

class SystemTimer implements Timer {
  readonly #when: number;
  readonly #task: () => void;
  #handle: NodeJS.Timeout;

  constructor(when: number, task: () => void) {
    this.#when = when;
    this.#task = task;
    this.#handle = this.#arm();
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }

  #arm(): NodeJS.Timeout {
    // setTimeout counts whole milliseconds, may fire up to one early, and takes at most 2^31 - 1.
    const delay = Math.min(Math.max(0, Math.ceil(this.#when - performance.now())), 0x7fffffff);
    return setTimeout(this.#fire, delay);
  }

  readonly #fire = (): void => {
    if (performance.now() < this.#when) {
      this.#handle = this.#arm();
      return;
    }
    this.#task();
  };
}

export const systemClock: Clock = {
  now: () => performance.now(),
  at: (when, task) => new SystemTimer(when, task),
  wall: () => Date.now(),
};
