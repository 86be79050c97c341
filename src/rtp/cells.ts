/**
 * Where the numbers of a stream lie: side by side, in memory that its whole thread shares. With a thousand calls nothing of a stream is left in
 * the processor's caches when its next packet comes, and to V8 a number with a fraction is a box of its own, each a trip to memory: the boxes
 * and small arrays of one call cost more than all the work done on them (measured: docs/performance.md).
 */

/** Room for numbers, from `at` on. */
export interface Place {
  readonly numbers: Float64Array;
  /** The same memory. */
  readonly bytes: Uint8Array;
  readonly at: number;
  /** What would not go into it. */
  more?: Uint8Array | undefined;
}

type Cells<Name extends string> = Record<Name, number>;

interface CellsClass<Name extends string> {
  /** How many there are. */
  readonly size: number;
  /** `from` numbers behind the beginning of the place; all zero. */
  new (place: Place, from?: number): Cells<Name> & Movable;
}

/**
 * Numbers that one object reads for many: with both of these set it speaks of another's, and is warm where an object for each would be cold.
 * Set by each room for itself: a function for all of them would see too many classes to be fast.
 */
export interface Movable {
  numbers: Float64Array;
  at: number;
  /** All zero. */
  clear(): void;
}

/** A class with a property for each name, each a number in the place it is given. */
export function cellsOf<const Names extends readonly string[]>(...names: Names): CellsClass<Names[number]> {
  class Named {
    static readonly size = names.length;
    numbers: Float64Array;
    at: number;

    constructor(place: Place, from = 0) {
      this.numbers = place.numbers;
      this.at = place.at + from;
      this.clear();
    }

    clear(): void {
      this.numbers.fill(0, this.at, this.at + names.length);
    }
  }
  names.forEach((name, index) => {
    Object.defineProperty(Named.prototype, name, {
      get(this: Named): number {
        return this.numbers[this.at + index]!;
      },
      set(this: Named, value: number) {
        this.numbers[this.at + index] = value;
      },
    });
  });
  return Named as unknown as CellsClass<Names[number]>;
}

/** What lies behind the first `count` numbers. */
export function after({ numbers, bytes, at }: Place, count: number): Place {
  return { numbers, bytes, at: at + count };
}

/** Room of its own, for what is not part of a stream. */
export function ownPlace(count: number): Place {
  const numbers = new Float64Array(count);
  return { numbers, bytes: new Uint8Array(numbers.buffer), at: 0 };
}

/** Places of one size, many to an array. What is given back is taken again first. */
export class PlacePool {
  readonly #size: number;
  readonly #perArray: number;
  readonly #free: Place[] = [];

  constructor(size: number, perArray: number) {
    this.#size = Math.ceil(size / 8) * 8; // Whole cache lines.
    this.#perArray = perArray;
  }

  take(): Place {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const whole = ownPlace(this.#size * this.#perArray);
    for (let i = this.#perArray - 1; i > 0; i--) this.#free.push(after(whole, i * this.#size));
    return whole;
  }

  /** Whoever had it must not touch it again. */
  give(place: Place): void {
    this.#free.push(place);
  }
}
