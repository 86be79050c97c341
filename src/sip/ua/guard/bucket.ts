/** A leaky bucket: so much at once, so much a second. Two numbers, so that thousands of sources cost little. */
export class Bucket {
  #level = 0;
  #at = 0;

  /** Whether `amount` still fits; what does not fit is not added. */
  take(now: number, capacity: number, leakPerMs: number, amount = 1): boolean {
    this.#level = Math.max(0, this.#level - (now - this.#at) * leakPerMs);
    this.#at = now;
    if (this.#level + amount > capacity) return false;
    this.#level += amount;
    return true;
  }

  /** Whether nothing more would fit, as it stood when it was last asked. */
  isFull(capacity: number): boolean {
    return this.#level + 1 > capacity;
  }

  /** What was taken turns out not to count. */
  giveBack(amount = 1): void {
    this.#level = Math.max(0, this.#level - amount);
  }
}
