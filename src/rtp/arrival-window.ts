/**
 * How late packets come: the fastest and the nearly slowest transit of the last five seconds.
 *
 * A transit is arrival time less media time; only differences of transits mean anything. The window is a ring of half-second
 * blocks, each with its minimum and its few largest, so that a packet costs two comparisons, a drifting clock moves
 * the base along, and what the network did more than five seconds ago is forgotten at once and not by and by.
 */

import { cellsOf, ownPlace, type Place } from './cells.js';

const BLOCKS = 10;
const BLOCK_MS = 500;
/** Largest transits kept per block: enough for one packet in a hundred at 10 ms a packet. */
const TOP = 8;
/** One packet in a hundred may come later than `high`. */
const OUTLIERS = 0.01;

/** A row a block: its largest transits, largest first, its smallest, and how many there were. */
const MIN = TOP;
const COUNT = TOP + 1;
const ROW = TOP + 2;

const State = cellsOf('block', 'blockEnd', 'count', 'base', 'high');

/** Scratch of `#nthLargest`, for all windows. */
const heads = new Uint8Array(BLOCKS);

export class ArrivalWindow {
  static readonly cells = State.size + BLOCKS * ROW;
  readonly #s;
  #rows: Float64Array;
  /** Where in `#rows` the first begins. */
  #from: number;

  constructor(place: Place = ownPlace(ArrivalWindow.cells), from = 0) {
    this.#s = new State(place, from);
    this.#rows = place.numbers;
    this.#from = place.at + from + State.size;
    this.clear();
  }

  /** Whose numbers these are, from here on. */
  moveTo(numbers: Float64Array, at: number): void {
    this.#s.numbers = numbers;
    this.#s.at = at;
    this.#rows = numbers;
    this.#from = at + State.size;
  }

  /** Packets in the window. */
  get count(): number {
    return this.#s.count;
  }

  /** The smallest transit: the path when it does not tarry. Infinity when the window is empty. */
  get base(): number {
    return this.#s.base;
  }

  /** By how many milliseconds all but one packet in a hundred were later than the fastest, at most. */
  get spreadMs(): number {
    return this.#s.count === 0 ? 0 : this.#s.high - this.#s.base;
  }

  add(transit: number, now: number): void {
    if (now >= this.#s.blockEnd) this.#roll(now);
    const rows = this.#rows;
    const row = this.#from + this.#s.block * ROW;
    this.#s.count++;
    rows[row + COUNT]!++;
    if (transit < rows[row + MIN]!) {
      rows[row + MIN] = transit;
      if (transit < this.#s.base) this.#s.base = transit;
    }
    if (transit > rows[row + TOP - 1]!) {
      let at = row + TOP - 1;
      while (at > row && rows[at - 1]! < transit) {
        rows[at] = rows[at - 1]!;
        at--;
      }
      rows[at] = transit;
      if (transit > this.#s.high) this.#s.high = this.#nthLargest(1 + Math.floor(this.#s.count * OUTLIERS));
    }
  }

  clear(): void {
    for (let block = 0; block < BLOCKS; block++) this.#empty(block);
    this.#s.clear();
    this.#s.base = Infinity;
    this.#s.high = -Infinity;
    this.#s.blockEnd = -Infinity;
  }

  /** Opens the block that `now` falls in, emptying it and those that passed unused. */
  #roll(now: number): void {
    const passed = this.#s.blockEnd === -Infinity ? BLOCKS : Math.floor((now - this.#s.blockEnd) / BLOCK_MS) + 1;
    for (let i = 0; i < Math.min(passed, BLOCKS); i++) {
      const block = (this.#s.block + 1) % BLOCKS;
      this.#s.block = block;
      this.#s.count -= this.#rows[this.#from + block * ROW + COUNT]!;
      this.#empty(block);
    }
    this.#s.blockEnd = passed >= BLOCKS ? now + BLOCK_MS : this.#s.blockEnd + passed * BLOCK_MS;
    let base = Infinity;
    for (let at = this.#from + MIN, end = at + BLOCKS * ROW; at < end; at += ROW) if (this.#rows[at]! < base) base = this.#rows[at]!;
    this.#s.base = base;
    this.#s.high = this.#nthLargest(1 + Math.floor(this.#s.count * OUTLIERS));
  }

  #empty(block: number): void {
    const row = this.#from + block * ROW;
    this.#rows.fill(-Infinity, row, row + TOP);
    this.#rows[row + MIN] = Infinity;
    this.#rows[row + COUNT] = 0;
  }

  /** The n-th largest of the window by walking the rows' heads: the rows are sorted. */
  #nthLargest(n: number): number {
    heads.fill(0);
    let value = -Infinity;
    for (let rank = Math.min(n, TOP); rank > 0; rank--) {
      let best = -1;
      value = -Infinity;
      for (let i = 0; i < BLOCKS; i++) {
        const head = heads[i]!;
        if (head === TOP) continue;
        const candidate = this.#rows[this.#from + i * ROW + head]!;
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
