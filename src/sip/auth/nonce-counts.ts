/** Which counts of which nonces have been used (RFC 7616 §3.4.5, §5.12): bounded, and never forgetting in a way that would let an old answer in. */

/** How far behind the highest count an unused one is still taken: requests overtake each other. */
const WINDOW = 32;

interface Uses {
  readonly madeAt: number;
  highest: number;
  /** Bit i: `highest - i` has been used. */
  seen: number;
}

export class NonceCounts {
  readonly #limit: number;
  /** Least recently used first. */
  readonly #uses = new Map<string, Uses>();
  /** What is older than this and not in the table may have been in it. */
  #forgottenUntil = Number.NEGATIVE_INFINITY;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#uses.size;
  }

  /** Whether this use is the first of its count. Without counts (no qop) a nonce is good for one use. */
  take(nonce: string, madeAt: number, count: number | undefined): boolean {
    const known = this.#uses.get(nonce);
    if (known === undefined) {
      if (madeAt <= this.#forgottenUntil) return false;
      this.#add(nonce, { madeAt, highest: count ?? 0xffffffff, seen: 1 });
      return count !== 0;
    }
    if (count === undefined || !mark(known, count)) return false;
    this.#uses.delete(nonce);
    this.#uses.set(nonce, known);
    return true;
  }

  #add(nonce: string, uses: Uses): void {
    this.#uses.set(nonce, uses);
    if (this.#uses.size <= this.#limit) return;
    const [oldest, forgotten] = this.#uses.entries().next().value!;
    this.#uses.delete(oldest);
    this.#forgottenUntil = Math.max(this.#forgottenUntil, forgotten.madeAt);
  }
}

function mark(uses: Uses, count: number): boolean {
  const ahead = count - uses.highest;
  if (ahead > 0) {
    uses.seen = ahead >= WINDOW ? 1 : (uses.seen << ahead) | 1;
    uses.highest = count;
    return true;
  }
  if (-ahead >= WINDOW || (uses.seen & (1 << -ahead)) !== 0) return false;
  uses.seen |= 1 << -ahead;
  return true;
}
