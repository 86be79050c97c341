/** Arithmetic on numbers that wrap: 16-bit sequence numbers and 32-bit timestamps (RFC 3550 §5.1, RFC 1982). */

/** `a - b` the short way round: -32768 to 32767. */
export function diff16(a: number, b: number): number {
  return ((a - b) << 16) >> 16;
}

/** `a - b` the short way round: -2^31 to 2^31 - 1. */
export function diff32(a: number, b: number): number {
  return (a - b) | 0;
}

export function add16(a: number, n: number): number {
  return (a + n) & 0xffff;
}

export function add32(a: number, n: number): number {
  return (a + n) >>> 0;
}

/** A 16-bit number that wraps, as one that does not: each is put nearest to the one before it. The first is itself. */
export class Unwrapper16 {
  #last = Number.NaN;

  unwrap(value: number): number {
    this.#last = Number.isNaN(this.#last) ? value : this.#last + diff16(value, this.#last);
    return this.#last;
  }

  reset(): void {
    this.#last = Number.NaN;
  }
}

/** A 32-bit number that wraps, as one that does not: each is put nearest to the one before it. The first is itself. */
export class Unwrapper32 {
  #last = Number.NaN;

  unwrap(value: number): number {
    this.#last = Number.isNaN(this.#last) ? value : this.#last + diff32(value, this.#last);
    return this.#last;
  }

  reset(): void {
    this.#last = Number.NaN;
  }
}
