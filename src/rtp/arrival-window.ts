/**
 * How late packets come: the fastest and the nearly slowest transit of the last five seconds.
 *
 * A transit is arrival time less media time; only differences of transits mean anything. The window is a ring of half-second
 * blocks, each with its minimum and its few largest, so that a packet costs two comparisons, a drifting clock moves
 * the base along, and what the network did more than five seconds ago is forgotten at once and not by and by.
 */

const BLOCKS = 10;
const BLOCK_MS = 500;
/** Largest transits kept per block: enough for one packet in a hundred at 10 ms a packet. */
const TOP = 8;
/** One packet in a hundred may come later than `high`. */
const OUTLIERS = 0.01;

export class ArrivalWindow {
  /** BLOCKS rows of TOP, largest first. */
  readonly #top = new Float64Array(BLOCKS * TOP).fill(-Infinity);
  readonly #min = new Float64Array(BLOCKS).fill(Infinity);
  readonly #counts = new Uint16Array(BLOCKS);
  /** Scratch of `#nthLargest`. */
  readonly #heads = new Uint8Array(BLOCKS);
  #block = 0;
  #blockEnd = -Infinity;
  #count = 0;
  #base = Infinity;
  #high = -Infinity;

  /** Packets in the window. */
  get count(): number {
    return this.#count;
  }

  /** The smallest transit: the path when it does not tarry. Infinity when the window is empty. */
  get base(): number {
    return this.#base;
  }

  /** By how many milliseconds all but one packet in a hundred were later than the fastest, at most. */
  get spreadMs(): number {
    return this.#count === 0 ? 0 : this.#high - this.#base;
  }

  add(transit: number, now: number): void {
    if (now >= this.#blockEnd) this.#roll(now);
    const block = this.#block;
    this.#count++;
    this.#counts[block]!++;
    if (transit < this.#min[block]!) {
      this.#min[block] = transit;
      if (transit < this.#base) this.#base = transit;
    }
    const row = block * TOP;
    if (transit > this.#top[row + TOP - 1]!) {
      let at = row + TOP - 1;
      while (at > row && this.#top[at - 1]! < transit) {
        this.#top[at] = this.#top[at - 1]!;
        at--;
      }
      this.#top[at] = transit;
      if (transit > this.#high) this.#high = this.#nthLargest(1 + Math.floor(this.#count * OUTLIERS));
    }
  }

  clear(): void {
    this.#top.fill(-Infinity);
    this.#min.fill(Infinity);
    this.#counts.fill(0);
    this.#count = 0;
    this.#base = Infinity;
    this.#high = -Infinity;
    this.#blockEnd = -Infinity;
  }

  /** Opens the block that `now` falls in, emptying it and those that passed unused. */
  #roll(now: number): void {
    const passed = this.#blockEnd === -Infinity ? BLOCKS : Math.floor((now - this.#blockEnd) / BLOCK_MS) + 1;
    for (let i = 0; i < Math.min(passed, BLOCKS); i++) {
      const block = (this.#block + 1) % BLOCKS;
      this.#block = block;
      this.#count -= this.#counts[block]!;
      this.#counts[block] = 0;
      this.#min[block] = Infinity;
      this.#top.fill(-Infinity, block * TOP, (block + 1) * TOP);
    }
    this.#blockEnd = passed >= BLOCKS ? now + BLOCK_MS : this.#blockEnd + passed * BLOCK_MS;
    let base = Infinity;
    for (let i = 0; i < BLOCKS; i++) if (this.#min[i]! < base) base = this.#min[i]!;
    this.#base = base;
    this.#high = this.#nthLargest(1 + Math.floor(this.#count * OUTLIERS));
  }

  /** The n-th largest of the window by walking the rows' heads: the rows are sorted. */
  #nthLargest(n: number): number {
    const heads = this.#heads;
    heads.fill(0);
    let value = -Infinity;
    for (let rank = Math.min(n, TOP); rank > 0; rank--) {
      let best = -1;
      value = -Infinity;
      for (let i = 0; i < BLOCKS; i++) {
        const head = heads[i]!;
        if (head === TOP) continue;
        const candidate = this.#top[i * TOP + head]!;
        if (candidate > value) {
          value = candidate;
          best = i;
        }
      }
      if (best < 0) break;
      heads[best]!++;
    }
    return value;
  }
}
