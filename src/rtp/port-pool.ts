/**
 * Pairs of ports for media: an even one for RTP and the odd one above it for RTCP (RFC 3550 §11). A pair given back rests before it is
 * lent again, so that a late packet of the last call does not fall into the next; pairs are drawn at random, so that they are not guessed.
 * When no other is left, the pair that has rested longest is lent: a call with a stray packet is better than no call.
 */
import { OptionError } from '../errors.js';
import type { Random } from '../random.js';

/** With fewer than these none lies idle. */
const PLENTY = 256;

export class PortPool {
  readonly #quarantineMs: number;
  readonly #random: Random;
  /** Even ports that may be lent, in no order. */
  readonly #free: number[] = [];
  /** Given back and resting, oldest first. */
  readonly #resting: { readonly port: number; readonly until: number }[] = [];
  #used = 0;
  /** Bound already, and nobody's yet. */
  #reserved = 0;

  constructor(range: readonly [number, number], quarantineMs: number, random: Random) {
    const [low, high] = range;
    if (!Number.isInteger(low) || !Number.isInteger(high) || low < 1 || high > 65535 || high - low < 1)
      throw new OptionError('rtpPorts', 'two ports, low and high, between 1 and 65535, with room for a pair');
    for (let port = low + (low & 1); port + 1 <= high; port += 2) this.#free.push(port);
    if (this.#free.length === 0) throw new OptionError('rtpPorts', 'a range that holds an even port and the odd one above it');
    this.#quarantineMs = quarantineMs;
    this.#random = random;
  }

  get free(): number {
    return this.#free.length + this.#reserved;
  }

  get resting(): number {
    return this.#resting.length;
  }

  get used(): number {
    return this.#used;
  }

  /** The even port of a pair, or undefined when all are lent. */
  take(now: number): number | undefined {
    this.#wake(now);
    const port = this.#free.length > 0 ? this.#draw() : this.#resting.shift()?.port;
    if (port !== undefined) this.#used++;
    return port;
  }

  /** One to be bound ahead of its call, while there are many. */
  reserve(now: number): number | undefined {
    this.#wake(now);
    if (this.#free.length < PLENTY) return undefined;
    this.#reserved++;
    return this.#draw();
  }

  /** A call has come for it. */
  useReserved(): void {
    this.#reserved--;
    this.#used++;
  }

  giveBackReserved(port: number, now: number): void {
    this.useReserved();
    this.giveBack(port, now);
  }

  #draw(): number {
    const free = this.#free;
    const index = this.#random.uint32() % free.length;
    const port = free[index]!;
    free[index] = free[free.length - 1]!;
    free.pop();
    return port;
  }

  /** The call is over, or the port would not bind: it rests. */
  giveBack(port: number, now: number): void {
    this.#used--;
    this.#resting.push({ port, until: now + this.#quarantineMs });
  }

  #wake(now: number): void {
    let rested = 0;
    while (rested < this.#resting.length && this.#resting[rested]!.until <= now) this.#free.push(this.#resting[rested++]!.port);
    if (rested > 0) this.#resting.splice(0, rested);
  }
}
