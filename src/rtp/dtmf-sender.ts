/**
 * Keys pressed at this end, as telephone-event packets: RFC 4733 §2.5.1. One packet a departure in the place of sound: the first with the marker,
 * each with the duration so far and the timestamp of the beginning, the last three times.
 */
import { OptionError } from '../errors.js';
import { EVENT_BYTES, eventOfDigit, LONGEST_SEGMENT } from './dtmf.js';
import { add32, diff32 } from './sequence.js';

export interface DtmfSenderOptions {
  /** Of the RTP timestamp. */
  readonly clockRate: number;
  /** Between departures. */
  readonly packetMs: number;
  /** How long a key is down. @default 100 */
  readonly durationMs?: number;
  /** From key to key; never less than the repetitions of the end need. @default 60 */
  readonly gapMs?: number;
  /** Below 0 dBm0, 0 to 63. @default 10 */
  readonly volume?: number;
}

export interface KeyTiming {
  readonly durationMs?: number;
  readonly gapMs?: number;
}

/** One key, or with `event` -1 a pause. */
interface Press {
  readonly event: number;
  readonly ticks: number;
  readonly gapTicks: number;
  readonly onDone: (() => void) | undefined;
}

/** §2.5.1.4. */
const TELLINGS = 3;
const PAUSE_MS = 500;
const SHORTEST_MS = 40;
const LONGEST_MS = 60_000;
const END_BIT = 0x80;

export class DtmfSender {
  readonly #clockRate: number;
  readonly #packetTicks: number;
  readonly #durationMs: number;
  readonly #gapMs: number;
  readonly #volume: number;

  readonly #queue: Press[] = [];
  #press: Press | undefined;
  #state: 'waiting' | 'down' | 'up' = 'waiting';
  /** When the press began, and the segment of it that is being told. */
  #start = 0;
  #segment = 0;
  #tellings = 0;
  /** Of the press that is over: told in its ends. */
  #ticks = 0;
  #marker = false;

  constructor(options: DtmfSenderOptions) {
    this.#clockRate = options.clockRate;
    this.#packetTicks = Math.round((options.packetMs * options.clockRate) / 1000);
    this.#durationMs = options.durationMs ?? 100;
    this.#gapMs = options.gapMs ?? 60;
    this.#volume = Math.min(63, Math.max(0, options.volume ?? 10));
  }

  /** While it is, each departure asks `next` and sends no sound. */
  get isActive(): boolean {
    return this.#press !== undefined || this.#queue.length > 0;
  }

  /** Of the RTP header of what `next` has just written. */
  get marker(): boolean {
    return this.#marker;
  }

  get timestamp(): number {
    return this.#segment;
  }

  /** Queues keys: 0 to 9, *, #, A to D, and a comma for half a second's pause. `onDone`: the last has been told to its end, or cancelled. */
  send(digits: string, timing: KeyTiming = {}, onDone?: () => void): void {
    const durationMs = timing.durationMs ?? this.#durationMs;
    const gapMs = timing.gapMs ?? this.#gapMs;
    if (!(durationMs >= SHORTEST_MS && durationMs <= LONGEST_MS))
      throw new OptionError('durationMs', `${SHORTEST_MS} to ${LONGEST_MS} milliseconds`);
    if (!(gapMs >= 0 && gapMs <= LONGEST_MS)) throw new OptionError('gapMs', `0 to ${LONGEST_MS} milliseconds`);
    if (!/^[0-9*#A-Da-d,]+$/.test(digits)) throw new OptionError('digits', '0 to 9, *, #, A to D, and a comma for a pause');
    for (let i = 0; i < digits.length; i++) {
      const key = digits[i]!;
      this.#queue.push({
        event: eventOfDigit(key),
        ticks: this.#ticksOf(key === ',' ? PAUSE_MS : durationMs),
        gapTicks: Math.max(this.#ticksOf(gapMs), (TELLINGS - 1) * this.#packetTicks),
        onDone: i === digits.length - 1 ? onDone : undefined,
      });
    }
  }

  /** Lets go of the key that is down, as a packet will tell, and forgets those that follow. */
  cancel(): void {
    const dropped = this.#queue.splice(0);
    if (this.#press !== undefined && this.#state === 'down') this.#press = { ...this.#press, ticks: 0 };
    for (const press of dropped) press.onDone?.();
  }

  /** At a departure whose sound would have `timestamp`: writes a payload to `out[at..]` and returns its length, or 0 when nothing is to be sent. */
  next(timestamp: number, out: Uint8Array, at: number): number {
    this.#marker = false;
    if (this.#state === 'up' && this.#tellings === 0 && diff32(timestamp, this.#start) >= this.#ticks + this.#press!.gapTicks) {
      this.#press = undefined;
      this.#state = 'waiting';
    }
    if (this.#press === undefined) {
      this.#press = this.#queue.shift();
      if (this.#press === undefined) return 0;
      this.#start = this.#segment = timestamp;
      this.#tellings = 0;
      this.#state = 'down';
      this.#marker = this.#press.event >= 0;
    }
    return this.#state === 'down' ? this.#tell(timestamp, out, at) : this.#tellEnd(out, at);
  }

  #tell(timestamp: number, out: Uint8Array, at: number): number {
    const press = this.#press!;
    const elapsed = diff32(timestamp, this.#start) + this.#packetTicks;
    if (press.event < 0) {
      if (elapsed >= press.ticks) this.#finish();
      return 0;
    }
    if (this.#tellings > 0) {
      // The end of a segment, told again; then the next one.
      if (--this.#tellings > 0) return this.#write(out, at, LONGEST_SEGMENT, 0);
      this.#segment = add32(this.#segment, LONGEST_SEGMENT);
    }
    const before = diff32(this.#segment, this.#start);
    // Let go at once (`cancel`), it has lasted until now.
    const ticks = press.ticks === 0 ? elapsed : press.ticks;
    if (elapsed >= ticks && ticks - before <= LONGEST_SEGMENT) {
      this.#ticks = ticks;
      this.#state = 'up';
      this.#tellings = TELLINGS;
      return this.#tellEnd(out, at);
    }
    if (elapsed - before > LONGEST_SEGMENT) {
      this.#tellings = TELLINGS;
      return this.#write(out, at, LONGEST_SEGMENT, 0);
    }
    return this.#write(out, at, elapsed - before, 0);
  }

  #tellEnd(out: Uint8Array, at: number): number {
    if (this.#tellings === 0) return 0;
    const length = this.#write(out, at, this.#ticks - diff32(this.#segment, this.#start), END_BIT);
    if (--this.#tellings === 0) {
      const { onDone } = this.#press!;
      // Nothing follows: the sound may go on.
      if (this.#queue.length === 0) this.#finish();
      onDone?.();
    }
    return length;
  }

  #finish(): void {
    const onDone = this.#press?.event === -1 ? this.#press.onDone : undefined;
    this.#press = undefined;
    this.#state = 'waiting';
    onDone?.();
  }

  #write(out: Uint8Array, at: number, duration: number, flags: number): number {
    out[at] = this.#press!.event;
    out[at + 1] = flags | this.#volume;
    out[at + 2] = duration >>> 8;
    out[at + 3] = duration;
    return EVENT_BYTES;
  }

  #ticksOf(ms: number): number {
    return Math.round((ms * this.#clockRate) / 1000);
  }
}
