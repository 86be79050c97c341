/**
 * One timer for all streams of a thread. Time is cut into slots of 2 ms on an absolute monotonic schedule; a stream's turns fall on a
 * slot of its own every 10 to 60 ms, spread so that no slot is crowded. A relative timer every 20 ms would run 0.5 to 2.7 % slow
 * (measured); here the n-th turn is due at start + n * period, however late the ones before it were.
 *
 * A timer has its turn when all packets that have come are taken in, and with many calls that is late: each packet asks whether departures are
 * due. Arrivals wait for the timer, for what they are made of may be among the packets.
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

/** Something that has a turn every `periodMs`. */
export abstract class Turn {
  abstract readonly kind: 'departure' | 'arrival';
  /** @internal Those that take theirs in the same slots. */ group: TurnGroup | undefined;

  /** @internal The slot of the coming turn, or of the one being taken. */
  get due(): number {
    return this.group?.due ?? -1;
  }

  /** `now` is taken once in a while, not for each turn. */
  abstract take(now: number): void;
  /** `turns` were left out after a stall; the next take() goes on from there. */
  abstract skip(turns: number): void;
  /** Its turn threw: an error of ours, and the end of this stream, not of its neighbours. */
  abstract fail(error: Error): void;
}

/** The turns of one kind, period and phase: one place on the wheel, so that a slot walks along an array and not from stream to stream. */
class TurnGroup {
  readonly kind: Turn['kind'];
  readonly periodSlots: number;
  readonly phase: number;
  /** In the order in which they came; a stream that changed places would jitter. A hole: it left in the middle of this group's slot. */
  turns: (Turn | undefined)[] = [];
  hasHoles = false;
  /** The next group in the same bucket. */
  next: TurnGroup | undefined;
  due = 0;

  constructor(kind: Turn['kind'], periodSlots: number, phase: number) {
    this.kind = kind;
    this.periodSlots = periodSlots;
    this.phase = phase;
  }
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
  readonly #departures = new Array<TurnGroup | undefined>(BUCKETS).fill(undefined);
  readonly #arrivals = new Array<TurnGroup | undefined>(BUCKETS).fill(undefined);
  readonly #groups: TurnGroup[] = [];
  /** Turns that fall into each slot of a round: where the next stream finds room. */
  readonly #load = new Int32Array(BUCKETS);
  readonly #epoch: number;
  /** The next slot to be served. */
  #slot = 0;
  #turns = 0;
  #serving: TurnGroup | undefined;
  #timer: Timer | undefined;
  #timerSlot = -1;
  /** The next slot whose departures have not been served, and its moment. */
  #departing = 0;
  #dueAt = Number.POSITIVE_INFINITY;
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
    const periodSlots = periodMs / SLOT_MS;
    this.#catchUp();
    const group = this.#group(turn.kind, periodSlots, phase % periodSlots);
    group.turns.push(turn);
    turn.group = group;
    this.#count(group, 1);
    this.#turns++;
    if (!this.#running) this.#arm();
  }

  remove(turn: Turn): void {
    const { group } = turn;
    if (group === undefined) return;
    turn.group = undefined;
    const at = group.turns.indexOf(turn);
    if (group === this.#serving) {
      group.turns[at] = undefined;
      group.hasHoles = true;
    } else {
      group.turns.splice(at, 1);
      if (group.turns.length === 0) this.#drop(group);
    }
    this.#count(group, -1);
    this.#turns--;
    if (this.#turns === 0) this.#disarm();
  }

  /** Whoever knows the time tells it here, once in a while: departures that are due do not wait for the timer. */
  serveDepartures(now: number): void {
    if (now <= this.#dueAt || this.#running) return;
    const present = Math.floor((now - this.#epoch) / SLOT_MS + 1e-6);
    const from = Math.max(this.#departing, this.#slot);
    this.#departing = present + 1;
    this.#dueAt = this.#deadline(this.#departing);
    // After a stall it is for the timer to say what is skipped.
    if ((present - from) * SLOT_MS > ARREARS_MS) return;
    this.#running = true;
    try {
      for (let slot = from; slot <= present; slot++) {
        if (this.#departures[slot % BUCKETS] === undefined) continue;
        this.#serve(this.#departures, slot, 'timed');
        this.#onSlotDone();
      }
    } finally {
      // Inline, the application may have put the last stream away and opened another from within.
      this.#running = false;
      if (this.#turns > 0) this.#arm();
    }
  }

  stop(): void {
    this.#disarm();
    this.#departures.fill(undefined);
    this.#arrivals.fill(undefined);
    this.#groups.length = 0;
    this.#turns = 0;
  }

  #deadline(slot: number): number {
    return this.#epoch + slot * SLOT_MS;
  }

  #count({ phase, periodSlots }: TurnGroup, by: number): void {
    for (let slot = phase; slot < BUCKETS; slot += periodSlots) this.#load[slot]! += by;
  }

  #group(kind: Turn['kind'], periodSlots: number, phase: number): TurnGroup {
    for (const group of this.#groups) if (group.kind === kind && group.periodSlots === periodSlots && group.phase === phase) return group;
    const group = new TurnGroup(kind, periodSlots, phase);
    const from = this.#slot + (this.#serving === undefined ? 0 : 1); // The slot being served is over for newcomers.
    group.due = from + ((((phase - from) % periodSlots) + periodSlots) % periodSlots);
    this.#groups.push(group);
    this.#put(group);
    return group;
  }

  #put(group: TurnGroup): void {
    const wheel = this.#wheelOf(group.kind);
    const bucket = group.due % BUCKETS;
    group.next = wheel[bucket];
    wheel[bucket] = group;
  }

  /** Nobody is left in it. */
  #drop(group: TurnGroup): void {
    this.#groups.splice(this.#groups.indexOf(group), 1);
    const wheel = this.#wheelOf(group.kind);
    const bucket = group.due % BUCKETS;
    if (wheel[bucket] === group) wheel[bucket] = group.next;
    else for (let at = wheel[bucket]; at !== undefined; at = at.next) if (at.next === group) at.next = group.next;
    group.next = undefined;
  }

  #wheelOf(kind: Turn['kind']): (TurnGroup | undefined)[] {
    return kind === 'departure' ? this.#departures : this.#arrivals;
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
          this.#serve(this.#departures, this.#slot, 'timed');
          this.#serve(this.#arrivals, this.#slot, 'untimed');
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

  #serve(wheel: (TurnGroup | undefined)[], slot: number, lateness: 'timed' | 'untimed'): void {
    const bucket = slot % BUCKETS;
    let group = wheel[bucket];
    wheel[bucket] = undefined;
    while (group !== undefined) {
      const following: TurnGroup | undefined = group.next;
      this.#takeAll(group, slot, lateness);
      group.due += group.periodSlots;
      this.#put(group);
      if (group.turns.length === 0) this.#drop(group);
      group = following;
    }
  }

  #takeAll(group: TurnGroup, slot: number, lateness: 'timed' | 'untimed'): void {
    const deadline = this.#deadline(slot);
    const { turns } = group;
    const count = turns.length; // Who joins meanwhile has a turn next time.
    this.#serving = group;
    let now = this.#clock.now();
    for (let i = 0; i < count; i++) {
      const turn = turns[i];
      if (turn === undefined) continue;
      if ((i & 7) === 7) now = this.#clock.now();
      try {
        turn.take(now);
      } catch (error) {
        turn.fail(error as Error);
      }
      if (lateness === 'timed') this.#lateness.add(now - deadline);
    }
    this.#serving = undefined;
    if (group.hasHoles) {
      group.turns = turns.filter((turn) => turn !== undefined);
      group.hasHoles = false;
    }
  }

  /** Everything due before `slot` is left out, each group by whole turns of its own. */
  #skipTo(slot: number): void {
    this.#onSkip(slot - this.#slot);
    const until = Math.min(slot, this.#slot + BUCKETS);
    for (let stale = this.#slot; stale < until; stale++) {
      this.#skipGroups(this.#departures, stale % BUCKETS, slot);
      this.#skipGroups(this.#arrivals, stale % BUCKETS, slot);
    }
    this.#slot = slot;
  }

  #skipGroups(wheel: (TurnGroup | undefined)[], bucket: number, slot: number): void {
    let group = wheel[bucket];
    wheel[bucket] = undefined;
    while (group !== undefined) {
      const following: TurnGroup | undefined = group.next;
      const turns = Math.ceil((slot - group.due) / group.periodSlots);
      if (turns > 0) {
        group.due += turns * group.periodSlots;
        for (const turn of group.turns) turn?.skip(turns);
      }
      this.#put(group);
      group = following;
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
    const deadline = this.#deadline(slot);
    if (slot >= this.#departing) this.#dueAt = deadline;
    this.#timer = this.#clock.at(deadline, this.#onTimer);
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerSlot = -1;
    this.#dueAt = Number.POSITIVE_INFINITY;
  }
}
