/** How long callers wait for the platform: from the end of their speech to its first sound. The last hundred, and the worst. */

export interface ResponseTimes {
  readonly count: number;
  readonly lastMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly maxMs: number;
}

const KEPT = 100;

export class ResponseWatch {
  readonly #times: number[] = [];
  #count = 0;
  #max = 0;
  #since: number | undefined;

  /** The caller has stopped speaking. */
  asked(now: number): void {
    this.#since = now;
  }

  /** The caller speaks again: no answer is owed yet. */
  goesOn(): void {
    this.#since = undefined;
  }

  answered(now: number): void {
    if (this.#since === undefined) return;
    const ms = now - this.#since;
    this.#since = undefined;
    this.#times[this.#count++ % KEPT] = ms;
    this.#max = Math.max(this.#max, ms);
  }

  /** Undefined before the first answer. */
  get times(): ResponseTimes | undefined {
    if (this.#count === 0) return undefined;
    const sorted = this.#times.slice().sort((a, b) => a - b);
    const at = (share: number): number => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!);
    const lastMs = Math.round(this.#times[(this.#count - 1) % KEPT]!);
    return { count: this.#count, lastMs, p50Ms: at(0.5), p95Ms: at(0.95), maxMs: Math.round(this.#max) };
  }
}
