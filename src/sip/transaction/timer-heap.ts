/** Many timers for the price of one: a clock over a clock, a binary heap of deadlines with a single timer armed underneath for the earliest. */
import type { Clock, Timer } from '../../clock.js';

class Deadline implements Timer {
  readonly when: number;
  /** Equal times fire in the order they were asked for. */
  readonly order: number;
  /** Undefined once fired or cancelled: a dead deadline holds on to nothing while it waits to surface. */
  task: (() => void) | undefined;
  readonly #heap: TimerHeap;

  constructor(when: number, order: number, task: () => void, heap: TimerHeap) {
    this.when = when;
    this.order = order;
    this.task = task;
    this.#heap = heap;
  }

  cancel(): void {
    if (this.task === undefined) return;
    this.task = undefined;
    this.#heap.onCancelled();
  }
}

export class TimerHeap implements Clock {
  readonly #clock: Clock;
  #heap: Deadline[] = [];
  #order = 0;
  #live = 0;
  #alarm: Timer | undefined;
  #alarmAt = Number.POSITIVE_INFINITY;
  #firing = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  wall(): number {
    return this.#clock.wall();
  }

  /** Timers armed and not yet fired or cancelled. */
  get pending(): number {
    return this.#live;
  }

  at(when: number, task: () => void): Timer {
    const deadline = new Deadline(when, this.#order++, task, this);
    this.#live++;
    this.#push(deadline);
    if (when < this.#alarmAt && !this.#firing) this.#setAlarm(when);
    return deadline;
  }

  /** Called by a deadline that was cancelled: the last one takes the alarm with it, and many dead ones are swept out. */
  onCancelled(): void {
    this.#live--;
    if (this.#firing) return;
    if (this.#live === 0) {
      this.#heap = [];
      this.#clearAlarm();
    } else if (this.#heap.length > 64 && this.#heap.length > 2 * this.#live) this.#sweep();
  }

  readonly #ring = (): void => {
    this.#alarm = undefined;
    this.#alarmAt = Number.POSITIVE_INFINITY;
    const now = this.#clock.now();
    const asked = this.#order;
    this.#firing = true;
    try {
      for (let next = this.#heap[0]; next !== undefined; next = this.#heap[0]) {
        const { task } = next;
        // What a task asks for in turn waits for the next ring, even when it is due already.
        if (task !== undefined && (next.when > now || next.order >= asked)) break;
        this.#pop();
        if (task === undefined) continue;
        next.task = undefined;
        this.#live--;
        task();
      }
    } finally {
      this.#firing = false;
      const next = this.#heap[0];
      if (this.#live === 0) this.#heap = [];
      else if (next !== undefined) this.#setAlarm(next.when);
    }
  };

  #setAlarm(when: number): void {
    this.#alarm?.cancel();
    this.#alarmAt = when;
    this.#alarm = this.#clock.at(when, this.#ring);
  }

  #clearAlarm(): void {
    this.#alarm?.cancel();
    this.#alarm = undefined;
    this.#alarmAt = Number.POSITIVE_INFINITY;
  }

  /** Sorted is a heap too. */
  #sweep(): void {
    this.#heap = this.#heap.filter((deadline) => deadline.task !== undefined).sort((a, b) => a.when - b.when || a.order - b.order);
  }

  #push(deadline: Deadline): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(deadline);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(deadline, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = deadline;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    const length = heap.length;
    if (length === 0) return;
    let at = 0;
    for (let child = 1; child < length; child = 2 * at + 1) {
      if (child + 1 < length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Deadline, b: Deadline): boolean {
  return a.when < b.when || (a.when === b.when && a.order < b.order);
}
