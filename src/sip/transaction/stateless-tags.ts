/** To tags for answers of which nothing is remembered (RFC 3261 §8.2.7): the same for every copy of a request, different for every request and every process. */
import type { Random } from '../../random.js';

export class StatelessTags {
  readonly #seed: readonly [number, number];

  constructor(random: Random) {
    this.#seed = [random.uint32(), random.uint32()];
  }

  /** Two FNV-1a sums over what identifies the request. */
  tagFor(key: string): string {
    let [a, b] = this.#seed;
    for (let i = 0; i < key.length; i++) {
      const code = key.charCodeAt(i);
      a = Math.imul(a ^ code, 0x01000193);
      b = Math.imul(b ^ (code + i), 0x01000193);
    }
    return (a >>> 0).toString(36) + (b >>> 0).toString(36);
  }
}
