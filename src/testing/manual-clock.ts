/** A clock that stands still until it is turned by hand: no test of ours sleeps, and none of yours need to. */
import { type Clock, systemClock, type Timer } from '../clock.js';

interface Entry extends Timer {
  readonly when: number;
  readonly order: number;
  readonly task: () => void;
  live: boolean;
}

export class ManualClock implements Clock {
  #now: number;
  readonly #wallAtZero: number;
  #order = 0;
  /** A binary heap, earliest first; equal times in the order they were asked for. */
  readonly #heap: Entry[] = [];
  #live = 0;
  readonly #held = new Set<Promise<unknown>>();

  constructor(options: { readonly now?: number; readonly wall?: number } = {}) {
    this.#now = options.now ?? 0;
    this.#wallAtZero = (options.wall ?? Date.UTC(2030, 0, 1)) - this.#now;
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#wallAtZero + this.#now;
  }

  at(when: number, task: () => void): Timer {
    const entry: Entry = {
      when: Math.max(when, this.#now),
      order: this.#order++,
      task,
      live: true,
      cancel: () => {
        if (entry.live) this.#live--;
        entry.live = false;
      },
    };
    this.#live++;
    this.#push(entry);
    return entry;
  }

  /** Timers armed and not yet fired or cancelled: zero when everything has been put away. */
  get pending(): number {
    return this.#live;
  }

  /** When the next timer is due; undefined when none is armed. */
  get next(): number | undefined {
    this.#dropDead();
    return this.#heap[0]?.when;
  }

  /** Turns the clock, firing what comes due, in order. Promises do not settle on the way: `run` lets them. */
  advance(ms: number): void {
    const until = this.#now + ms;
    while (this.#fireNext(until));
    this.#now = until;
  }

  /** `run` and `runUntil` stand still until it has settled: for what takes real time and none of the clock's, such as a recogniser in a thread. */
  hold(promise: Promise<unknown>): void {
    const settle = (): void => void this.#held.delete(promise);
    this.#held.add(promise);
    promise.then(settle, settle);
  }

  /** Turns the clock like `advance`, and lets every promise settle before the first and after each moment at which something fires. */
  async run(ms: number): Promise<void> {
    const until = this.#now + ms;
    await this.#settled();
    for (;;) {
      this.#dropDead();
      const moment = this.#heap[0]?.when;
      if (moment === undefined || moment > until) break;
      while (this.#fireNext(moment));
      await this.#settled();
    }
    this.#now = until;
    await this.#settled();
  }

  /** Turns the clock until `done` holds; throws when it has not after `limitMs`. With no timer left it waits a moment for the disk and its like. */
  async runUntil(done: () => boolean, limitMs = 60_000): Promise<void> {
    const until = this.#now + limitMs;
    await this.#settled();
    for (let patience = REAL_PATIENCE_MS; !done(); ) {
      const next = this.next;
      if (next === undefined && patience-- > 0) {
        await new Promise<void>((resolve) => systemClock.at(systemClock.now() + 1, resolve));
        continue;
      }
      if (next === undefined || next > until)
        throw new Error(`nothing came of it within ${limitMs} ms (manual clock at ${this.#now} ms, next timer ${next ?? 'none'})`);
      await this.run(next - this.#now);
    }
  }

  /** Every promise that can settle now has, and those that were held too. */
  async #settled(): Promise<void> {
    await settled();
    while (this.#held.size > 0) {
      await Promise.allSettled(this.#held);
      await settled();
    }
  }

  #fireNext(until: number): boolean {
    this.#dropDead();
    const entry = this.#heap[0];
    if (entry === undefined || entry.when > until) return false;
    this.#pop();
    this.#live--;
    entry.live = false;
    this.#now = entry.when;
    entry.task();
    return true;
  }

  #dropDead(): void {
    while (this.#heap.length > 0 && !this.#heap[0]!.live) this.#pop();
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

/** What is real takes real time: a file that is read, a module that is loaded. */
const REAL_PATIENCE_MS = 2000;

function isBefore(a: Entry, b: Entry): boolean {
  return a.when < b.when || (a.when === b.when && a.order < b.order);
}

/** One turn of the event loop: every promise that can settle now has. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
