/**
 * Where bytes lie that are kept for long. A message is encoded into a slab that it shares with others; a response kept for 64*T1 would keep the
 * whole slab, with everything else on it. Here those that are kept lie with their like, and a slab goes when its last one does.
 */
const SLAB_BYTES = 65_536;
/** Larger ones get a slab to themselves. */
const LARGE_BYTES = 8_192;

export class Shelf {
  #slab = new Uint8Array(0);
  #used = 0;

  /** A copy that is the keeper's. */
  keep(bytes: Uint8Array): Uint8Array {
    if (bytes.length > LARGE_BYTES) return Uint8Array.from(bytes);
    if (this.#used + bytes.length > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB_BYTES);
      this.#used = 0;
    }
    const copy = this.#slab.subarray(this.#used, this.#used + bytes.length);
    copy.set(bytes);
    this.#used += bytes.length;
    return copy;
  }
}
