/** Which packets of one source have come: the roll-over counter guessed from the sequence number, and the replay list. RFC 3711 §3.3.1, §3.3.2. */
import { diff16 } from '../sequence.js';

/** §3.3.2 wants 64 at least; at 20 ms a packet this is two and a half seconds. */
export const REPLAY_WINDOW = 128;
/** A ring of bits, twice the window: whole words are cleared ahead of it as it moves. */
const WORDS = (2 * REPLAY_WINDOW) / 32;
/** §3.3.1: the index has 48 bits, and its end is the key's. */
const INDEX_LIMIT = 2 ** 48;

export class ReplayWindow {
  readonly #seen = new Int32Array(WORDS);
  #highest = -1;

  /** The highest index that came; -1 before the first. */
  get highest(): number {
    return this.#highest;
  }

  /** §3.3.1, Appendix A: the index nearest to the highest that ends in this sequence number; negative when there is none. The first has counter 0. */
  indexOf(sequence: number): number {
    return this.#highest < 0 ? sequence : this.#highest + diff16(sequence, this.#highest);
  }

  /** Neither seen nor too old to know. */
  isFresh(index: number): boolean {
    if (index < 0 || index >= INDEX_LIMIT) return false;
    if (index > this.#highest) return true;
    if (this.#highest - index >= REPLAY_WINDOW) return false;
    return (this.#seen[(index >>> 5) & (WORDS - 1)]! & (1 << (index & 31))) === 0;
  }

  /** The packet is authentic. It must have been fresh. */
  commit(index: number): void {
    if (index > this.#highest) {
      this.#clear(index);
      this.#highest = index;
    }
    this.#seen[(index >>> 5) & (WORDS - 1)]! |= 1 << (index & 31);
  }

  #clear(index: number): void {
    const from = Math.floor(this.#highest / 32);
    const words = Math.min(WORDS, Math.floor(index / 32) - from);
    for (let word = 1; word <= words; word++) this.#seen[(from + word) & (WORDS - 1)] = 0;
  }
}
