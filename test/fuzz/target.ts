/** What can be fuzzed: bytes go in, and whatever throws is a finding. */
export interface Target {
  readonly name: string;
  /** Where mutation begins. */
  readonly seeds: readonly Uint8Array[];
  /** Pieces that mean something in this grammar. */
  readonly words: readonly string[];
  /** Cases between two looks at the coverage. @default 32 */
  readonly batch?: number;
  /** Of the time, against the others. @default 1 */
  readonly share?: number;
  run(input: Uint8Array): void | Promise<void>;
}

/** Bytes as a source of decisions: the same bytes decide the same; when they run out, zero. */
export class Choices {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isOver(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? 0;
  }

  word(): number {
    return (this.byte() << 8) | this.byte();
  }

  below(limit: number): number {
    return (limit > 256 ? this.word() : this.byte()) % limit;
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** As many as there are left, at most. */
  take(length: number): Uint8Array {
    const taken = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return taken;
  }
}

export function assert(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}
