/**
 * One timer for all streams of a thread. Time is cut into slots of 2 ms on an absolute monotonic schedule; a stream's turns fall on a
 * slot of its own every 10 to 60 ms, spread so that no slot is crowded. A relative timer every 20 ms would run 0.5 to 2.7 % slow
 * (measured); here the n-th turn is due at start + n * period, however late the ones before it were.
 *
 * Within a slot departures go first: what they put on the wire is on time; what arrives is only handed to the application.
 * A thread that stalled takes up to `ARREARS_MS` of turns at once and skips what is older: no burst of stale audio.
 */
import type { Clock, Timer } from '../clock.js';

export const SLOT_MS = 2;
/** The least common multiple of the periods 10, 20, 30, 40, 50, 60 ms: every turn finds its bucket again after one round. */
const ROUND_MS = 600;
const BUCKETS = ROUND_MS / SLOT_MS;
const ARREARS_MS = 60;

/** Something that has a turn every `periodMs`. The clock keeps its place in `next` and `due`. */
export abstract class Turn {
  abstract readonly kind: 'departure' | 'arrival';
  /** @internal */ next: Turn | undefined;
  /** @internal The slot of the coming turn. */ due = 0;
  /** @internal */ periodSlots = 0;
  /** @internal */ phase = -1;

  /** `now` is taken once in a while, not for each turn. */
  abstract take(now: number): void;
  /** `turns` were left out after a stall; the next take() goes on from there. */
  abstract skip(turns: number): void;
  /** Its turn threw: an error of ours, and the end of this stream, not of its neighbours. */
  abstract fail(error: Error): void;
}

/** How late departures were, in shared memory so that anyone can read it. */
export class Lateness {
  /** 0.1 ms wide up to 10 ms, then 1 ms wide up to 200 ms, then one for the rest. */
  static readonly buckets = 100 + 190 + 1;
  readonly #counts: Float64Array;

  constructor(counts: Float64Array) {
    this.#counts = counts;
  }

  add(lateMs: number): void {
    const bucket = lateMs < 10 ? (lateMs * 10) | 0 : lateMs < 200 ? 90 + (lateMs | 0) : Lateness.buckets - 1;
    this.#counts[bucket < 0 ? 0 : bucket]!++;
  }

  /** The upper edge of the bucket that holds the q-th part of all departures; Infinity past 200 ms. */
  static quantile(counts: Float64Array, q: number): number {
    let total = 0;
    for (const count of counts) total += count;
    if (total === 0) return 0;
    let left = Math.ceil(total * q);
    for (let bucket = 0; bucket < counts.length; bucket++) {
      left -= counts[bucket]!;
      if (left <= 0) return upperEdge(bucket);
    }
    return Number.POSITIVE_INFINITY;
  }
}

function upperEdge(bucket: number): number {
  if (bucket < 100) return (bucket + 1) / 10;
  return bucket < 290 ? bucket - 89 : Number.POSITIVE_INFINITY;
}

export interface MediaClockOptions {
  readonly clock: Clock;
  readonly lateness: Lateness;
  /** After each slot that had turns: the moment to wake the application's thread, once. */
  readonly onSlotDone: () => void;
  readonly onSkip: (slots: number) => void;
}

export class MediaClock {
  readonly #clock: Clock;
  readonly #lateness: Lateness;
  readonly #onSlotDone: () => void;
  readonly #onSkip: (slots: number) => void;
  readonly #departures = new Array<Turn | undefined>(BUCKETS).fill(undefined);
  readonly #arrivals = new Array<Turn | undefined>(BUCKETS).fill(undefined);
  /** Turns that fall into each slot of a round: where the next stream finds room. */
  readonly #load = new Int32Array(BUCKETS);
  readonly #epoch: number;
  /** The next slot to be served. */
  #slot = 0;
  #turns = 0;
  readonly #serving: (Turn | undefined)[] = [];
  #served = 0;
  #timer: Timer | undefined;
  #timerSlot = -1;
  #running = false;

  constructor(options: MediaClockOptions) {
    this.#clock = options.clock;
    this.#lateness = options.lateness;
    this.#onSlotDone = options.onSlotDone;
    this.#onSkip = options.onSkip;
    this.#epoch = options.clock.now();
  }

  /** The phase, in slots, in which a turn of this period meets the fewest others. */
  quietestPhase(periodMs: number): number {
    const period = periodMs / SLOT_MS;
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let phase = 0; phase < period; phase++) {
      let load = 0;
      for (let slot = phase; slot < BUCKETS; slot += period) load += this.#load[slot]!;
      if (load < least) {
        least = load;
        best = phase;
      }
    }
    return best;
  }

  /** From its next slot on, `turn` is taken every `periodMs`. */
  add(turn: Turn, periodMs: number, phase: number): void {
    const period = periodMs / SLOT_MS;
    this.#catchUp();
    turn.periodSlots = period;
    turn.phase = phase % period;
    const from = this.#slot + (this.#served > 0 ? 1 : 0); // The slot being served is over for newcomers.
    turn.due = from + ((((turn.phase - from) % period) + period) % period);
    this.#count(turn, 1);
    this.#turns++;
    this.#put(turn);
    if (!this.#running) this.#arm();
  }

  remove(turn: Turn): void {
    if (turn.phase < 0) return;
    const lists = turn.kind === 'departure' ? this.#departures : this.#arrivals;
    const bucket = turn.due % BUCKETS;
    let before: Turn | undefined;
    for (let at = lists[bucket]; at !== undefined; before = at, at = at.next) {
      if (at !== turn) continue;
      if (before === undefined) lists[bucket] = at.next;
      else before.next = at.next;
      break;
    }
    turn.next = undefined;
    this.#count(turn, -1);
    this.#turns--;
    turn.phase = -1; // Seen by `#serve` when it happens in the middle of this turn's slot.
    if (this.#turns === 0) this.#disarm();
  }

  stop(): void {
    this.#disarm();
    this.#departures.fill(undefined);
    this.#arrivals.fill(undefined);
    this.#turns = 0;
  }

  #deadline(slot: number): number {
    return this.#epoch + slot * SLOT_MS;
  }

  #count(turn: Turn, by: number): void {
    for (let slot = turn.phase; slot < BUCKETS; slot += turn.periodSlots) this.#load[slot]! += by;
  }

  #put(turn: Turn): void {
    const lists = turn.kind === 'departure' ? this.#departures : this.#arrivals;
    const bucket = turn.due % BUCKETS;
    turn.next = lists[bucket];
    lists[bucket] = turn;
  }

  /** With nothing to do the wheel stands still; before something is added it goes on from the present. */
  #catchUp(): void {
    if (this.#turns > 0) return;
    this.#slot = Math.max(this.#slot, Math.floor((this.#clock.now() - this.#epoch) / SLOT_MS) + 1);
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    this.#timerSlot = -1;
    this.#running = true;
    const now = this.#clock.now();
    const present = Math.floor((now - this.#epoch) / SLOT_MS + 1e-6);
    while (this.#slot < present && this.#isIdle(this.#slot)) this.#slot++;
    if ((present - this.#slot) * SLOT_MS > ARREARS_MS) this.#skipTo(present);
    try {
      while (this.#slot <= present) {
        const isIdle = this.#isIdle(this.#slot);
        if (!isIdle) {
          this.#serve(this.#departures, this.#slot % BUCKETS, 'timed');
          this.#serve(this.#arrivals, this.#slot % BUCKETS, 'untimed');
        }
        this.#slot++;
        if (!isIdle) this.#onSlotDone();
      }
    } finally {
      // Inline, the application is called from within: whatever it throws, the clock goes on.
      this.#running = false;
      if (this.#turns > 0) this.#arm();
    }
  };

  #isIdle(slot: number): boolean {
    return this.#departures[slot % BUCKETS] === undefined && this.#arrivals[slot % BUCKETS] === undefined;
  }

  #serve(lists: (Turn | undefined)[], bucket: number, lateness: 'timed' | 'untimed'): void {
    const deadline = this.#deadline(this.#slot);
    const serving = this.#serving;
    let count = 0;
    // Aside first: a turn may take itself or others off the wheel, or put them on.
    for (let turn = lists[bucket]; turn !== undefined; turn = turn.next) serving[count++] = turn;
    lists[bucket] = undefined;
    this.#served = count;
    let now = this.#clock.now();
    for (let i = 0; i < count; i++) {
      const turn = serving[i]!;
      if (turn.phase < 0 || turn.due !== this.#slot) continue;
      if ((i & 7) === 7) now = this.#clock.now();
      try {
        turn.take(now);
      } catch (error) {
        turn.fail(error as Error);
      }
      if (lateness === 'timed') this.#lateness.add(now - deadline);
    }
    // Put back last first, so that the list keeps its order: a stream that changed places every turn would jitter.
    for (let i = count - 1; i >= 0; i--) {
      const turn = serving[i]!;
      serving[i] = undefined; // Not `length = 0`: that would give the memory away and ask for it again every slot.
      if (turn.phase < 0 || turn.due !== this.#slot) continue;
      turn.due += turn.periodSlots;
      this.#put(turn);
    }
    this.#served = 0;
  }

  /** Everything due before `slot` is left out, each stream by whole turns of its own. */
  #skipTo(slot: number): void {
    this.#onSkip(slot - this.#slot);
    const until = Math.min(slot, this.#slot + BUCKETS);
    for (let stale = this.#slot; stale < until; stale++) {
      this.#skipList(this.#departures, stale % BUCKETS, slot);
      this.#skipList(this.#arrivals, stale % BUCKETS, slot);
    }
    this.#slot = slot;
  }

  #skipList(lists: (Turn | undefined)[], bucket: number, slot: number): void {
    let turn = lists[bucket];
    lists[bucket] = undefined;
    while (turn !== undefined) {
      const following = turn.next;
      if (turn.due < slot) {
        const turns = Math.ceil((slot - turn.due) / turn.periodSlots);
        turn.due += turns * turn.periodSlots;
        turn.skip(turns);
      }
      this.#put(turn);
      turn = following;
    }
  }

  /** Sleeps until the next slot that has a turn in it. */
  #arm(): void {
    let slot = this.#slot;
    while (slot < this.#slot + BUCKETS && this.#isIdle(slot)) slot++;
    if (this.#timer !== undefined) {
      if (this.#timerSlot === slot) return;
      this.#timer.cancel();
    }
    this.#timerSlot = slot;
    this.#timer = this.#clock.at(this.#deadline(slot), this.#onTimer);
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerSlot = -1;
  }
}
