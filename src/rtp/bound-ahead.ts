/**
 * Sockets that a media thread binds before there is a call for them: the call then needs no answer from the thread to know its port, and all that is to be
 * said of it goes over in one message. As many as calls have come at a time, and never more than a few.
 */

export interface BoundPort {
  /** Even. */
  readonly port: number;
  /** What it is bound to, as the system says it. */
  readonly address: string;
}

export interface BoundAheadOptions {
  /** An even port that may wait for a call; undefined: there are not so many that some may lie idle. */
  readonly reserve: () => number | undefined;
  /** It waits no longer: somebody else sits on it, or the thread is gone. */
  readonly release: (port: number) => void;
  /** Has the thread bind them. */
  readonly bind: (ports: readonly number[]) => void;
}

const MOST = 64;

export class BoundAhead {
  readonly #options: BoundAheadOptions;
  readonly #bound: BoundPort[] = [];
  readonly #asked = new Set<number>();
  #wanted = 1;
  #isOver = false;

  constructor(options: BoundAheadOptions) {
    this.#options = options;
  }

  /** The one that has waited longest. */
  take(): BoundPort | undefined {
    const taken = this.#bound.shift();
    if (taken === undefined) this.#wanted = Math.min(2 * this.#wanted, MOST);
    if (2 * (this.#bound.length + this.#asked.size) <= this.#wanted) this.#ask();
    return taken;
  }

  onBound(bound: BoundPort): void {
    if (this.#asked.delete(bound.port)) this.#bound.push(bound);
  }

  onRefused(port: number): void {
    if (this.#asked.delete(port)) this.#options.release(port);
  }

  /** The thread is gone, and its sockets with it. */
  end(): void {
    this.#isOver = true;
    for (const port of [...this.#bound.splice(0).map((bound) => bound.port), ...this.#asked]) this.#options.release(port);
    this.#asked.clear();
  }

  #ask(): void {
    if (this.#isOver) return;
    const ports: number[] = [];
    for (let count = this.#bound.length + this.#asked.size; count < this.#wanted; count++) {
      const port = this.#options.reserve();
      if (port === undefined) break;
      this.#asked.add(port);
      ports.push(port);
    }
    if (ports.length > 0) this.#options.bind(ports);
  }
}
