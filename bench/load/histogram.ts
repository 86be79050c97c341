/** Times in buckets of 0.05 ms up to a second: adding costs nothing that is seen beside a packet. */
const BUCKETS = 20_000;
const PER_MS = 20;

export class Histogram {
  readonly #counts = new Float64Array(BUCKETS);
  #total = 0;
  #max = 0;

  add(ms: number): void {
    const bucket = Math.max(0, Math.min(BUCKETS - 1, Math.floor(ms * PER_MS)));
    this.#counts[bucket]!++;
    this.#total++;
    if (ms > this.#max) this.#max = ms;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#total = 0;
    this.#max = 0;
  }

  /** The upper edge of the bucket that holds the q-th part; NaN of nothing. */
  at(q: number): number {
    let left = Math.ceil(this.#total * q);
    for (let bucket = 0; bucket < BUCKETS && this.#total > 0; bucket++) {
      left -= this.#counts[bucket]!;
      if (left <= 0) return (bucket + 1) / PER_MS;
    }
    return Number.NaN;
  }

  tail(): Tail {
    return { p50: this.at(0.5), p99: this.at(0.99), p999: this.at(0.999), max: this.#total === 0 ? Number.NaN : this.#max };
  }
}

/** Milliseconds. */
export interface Tail {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}
