/**
 * One numbering for a whole stream: sequence numbers and timestamps unwrapped (RFC 3550 §5.1, A.1), and carried on unbroken when the
 * sender begins anew, changes its SSRC, or lets its timestamp stand still or jump. Keeps how late packets come along it.
 */
import { ArrivalWindow } from './arrival-window.js';
import { cellsOf, ownPlace, type Place } from './cells.js';
import type { RtpHeader } from './header.js';
import { diff16, diff32 } from './sequence.js';

/** `late`: later than any delay allowed. `stray`: elsewhere; when the next agree with it, the stream has moved there. */
export type Placement = 'placed' | 'late' | 'stray';

/** RFC 3550 A.1, MAX_DROPOUT and MAX_MISORDER: beyond these it is another numbering. */
const MAX_DROPOUT = 3000;
const MAX_MISORDER = 100;
/** So much before the fastest is not the network's doing: the timestamp has jumped. */
const EARLY_JUMP_MS = 100;
/** Packets after which the fastest is known well enough to say so. */
const SURE_OF_BASE = 50;
/** After a silence as long as the arrival window, nothing is known of the path. */
const FORGET_MS = 5000;
/** A.1, MIN_SEQUENTIAL: packets that agree with each other before a jump is believed. */
const AGREEING = 2;
/** As many, over as long, must come too late before lateness is taken for a jump: a burst after an outage is none. */
const LATE_RUN = 8;
const LATE_RUN_MS = 200;
/** And so long where they could be old packets: a sender that began anew a little behind itself is rarer than those. */
const OLD_RUN_MS = 1000;

const State = cellsOf(
  'msPerTick',
  'maxLateMs',
  // The newest packet: the others are unwrapped against it.
  'newest',
  'newestSequence',
  'newestTime',
  'newestTimestamp',
  'newestAt',
  // Where the last packet was placed.
  'sequence',
  'time',
  // The run of packets that did not fit.
  'strays',
  'straySequence',
  'strayTransit',
  'strayAt',
  'strayFrom',
  'isAnchored',
  'isStrayAfterSilence',
  'jumps',
);

export class Timeline {
  static readonly cells = State.size + ArrivalWindow.cells;
  readonly #s;
  readonly #arrivals: ArrivalWindow;

  /** Packets later than the fastest by more than `maxLateMs` cannot be played, whatever the delay. */
  constructor(clockRate: number, maxLateMs: number, place: Place = ownPlace(Timeline.cells), from = 0) {
    this.#s = new State(place, from);
    this.#arrivals = new ArrivalWindow(place, from + State.size);
    this.begin(clockRate, maxLateMs);
  }

  /** Whose numbers these are, from here on. */
  moveTo(numbers: Float64Array, at: number): void {
    this.#s.numbers = numbers;
    this.#s.at = at;
    this.#arrivals.moveTo(numbers, at + State.size);
  }

  begin(clockRate: number, maxLateMs: number): void {
    this.#s.clear();
    this.#arrivals.clear();
    this.#s.msPerTick = 1000 / clockRate;
    this.#s.maxLateMs = maxLateMs;
    this.#s.newest = -1;
    this.#s.newestAt = -Infinity;
  }

  /** How often the numbering was seen to begin anew. */
  get jumps(): number {
    return this.#s.jumps;
  }

  /** Where the last packet was placed. */
  get sequence(): number {
    return this.#s.sequence;
  }

  get time(): number {
    return this.#s.time;
  }

  /** The highest sequence number placed. */
  get newest(): number {
    return this.#s.newest;
  }

  /** By how much all but one packet in a hundred were later than the fastest. */
  get spreadMs(): number {
    return this.#arrivals.spreadMs;
  }

  /** Packets that `spreadMs` speaks of. */
  get seen(): number {
    return this.#arrivals.count;
  }

  /** How late something of media time `time` would be played at `now`, beside the fastest packet's arrival. */
  delayOf(time: number, now: number): number {
    return now - time * this.#s.msPerTick - this.#arrivals.base;
  }

  /** Gives a packet its place: `sequence` and `time`. `packetTicks`: how long packets are here. */
  place(header: RtpHeader, now: number, packetTicks: number): Placement {
    const step = diff16(header.sequence, this.#s.newestSequence);
    const time = this.#s.newestTime + diff32(header.timestamp, this.#s.newestTimestamp);
    const transit = now - time * this.#s.msPerTick;
    if (this.#s.isAnchored === 0 || now - this.#s.newestAt > FORGET_MS) {
      this.#anchor(header, now, packetTicks);
    } else {
      const fit = this.#fit(step, time, transit);
      if (fit === 'placed') this.#settle(header, step, time, now);
      else if (this.#isBelieved(header, fit, step, transit, now, packetTicks)) {
        this.#s.jumps++;
        // A timestamp that jumped while the numbers went on leaves them as they are.
        this.#anchor(header, now, packetTicks, isNear(step) && step > 0 ? step : 1);
      } else return fit;
    }
    this.#s.strays = 0;
    return 'placed';
  }

  /** Learns from when the packet just placed has come: not from a duplicate, nor from an event. */
  learn(now: number): void {
    this.#arrivals.add(now - this.#s.time * this.#s.msPerTick, now);
  }

  /** Gives a place to a packet whose timestamp says nothing of when it was sent: an event's stands still while it lasts. */
  placeEvent(header: RtpHeader, now: number, packetTicks: number, durationTicks: number): Placement {
    if (this.#s.isAnchored === 0 || now - this.#s.newestAt > FORGET_MS) this.#anchor(header, now, packetTicks);
    const step = diff16(header.sequence, this.#s.newestSequence);
    if (!isNear(step)) return 'stray';
    // An event counted in another clock (duration unknown) takes the time of the sound before it.
    const time = durationTicks > 0 ? this.#s.newestTime + diff32(header.timestamp, this.#s.newestTimestamp) : this.#s.newestTime;
    if (durationTicks > 0) this.#settle(header, step, time, now);
    else this.#settleSequence(header, step, time, now);
    // Sent when the time it tells of is over, like sound.
    this.#s.time = time + Math.max(0, durationTicks - packetTicks);
    return 'placed';
  }

  /** The next packet begins a numbering. */
  restart(): void {
    this.#s.isAnchored = 0;
  }

  #fit(step: number, time: number, transit: number): Placement {
    // Far behind in number and in time alike: a packet, or a copy of one, that was on its way for very long.
    if (step < -MAX_MISORDER && step >= -MAX_DROPOUT && time < this.#s.newestTime) return 'late';
    if (!isNear(step)) return 'stray';
    if (this.#arrivals.count === 0) return 'placed';
    const lateness = transit - this.#arrivals.base;
    if (lateness > this.#s.maxLateMs) return 'late';
    return lateness < -EARLY_JUMP_MS && this.#arrivals.count >= SURE_OF_BASE ? 'stray' : 'placed';
  }

  #settle(header: RtpHeader, step: number, time: number, now: number): void {
    this.#settleSequence(header, step, time, now);
    if (step > 0) {
      this.#s.newestTime = time;
      this.#s.newestTimestamp = header.timestamp;
    }
  }

  #settleSequence(header: RtpHeader, step: number, time: number, now: number): void {
    this.#s.sequence = this.#s.newest + step;
    this.#s.time = time;
    if (step <= 0) return;
    this.#s.newest = this.#s.sequence;
    this.#s.newestSequence = header.sequence;
    this.#s.newestAt = now;
  }

  /** Places the packet behind all before it, as fast as the fastest. */
  #anchor(header: RtpHeader, now: number, packetTicks: number, step = 1): void {
    let time = 0;
    if (this.#s.newest >= 0) {
      const { base } = this.#arrivals;
      const elapsed = now - this.#s.newestAt;
      const soonest = elapsed > FORGET_MS ? this.#s.newestTime + elapsed / this.#s.msPerTick : (now - base) / this.#s.msPerTick;
      time = Math.max(this.#s.newestTime + packetTicks, Math.round(soonest));
    }
    this.#s.isAnchored = 1;
    this.#s.newest += step;
    this.#s.newestSequence = header.sequence;
    this.#s.newestTime = time;
    this.#s.newestTimestamp = header.timestamp;
    this.#s.newestAt = now;
    this.#s.sequence = this.#s.newest;
    this.#s.time = time;
  }

  #isBelieved(header: RtpHeader, fit: Placement, step: number, transit: number, now: number, packetTicks: number): boolean {
    // The marker announces a jump of the timestamp: a new talk-spurt right behind the last (RFC 3551 §4.1).
    if (header.marker && step === 1) return true;
    const packetMs = packetTicks * this.#s.msPerTick;
    const wander = Math.max(packetMs / 2, this.#arrivals.spreadMs);
    const onward = diff16(header.sequence, this.#s.straySequence);
    const agrees = this.#s.strays > 0 && onward > 0 && onward <= 3 && Math.abs(transit - this.#s.strayTransit) <= wander;
    if (!agrees) {
      this.#s.strays = 0;
      this.#s.strayFrom = now;
      this.#s.isStrayAfterSilence = now - this.#s.newestAt > this.#s.maxLateMs ? 1 : 0;
    }
    const isPaced = now - this.#s.strayAt >= packetMs / 2;
    this.#s.strays++;
    this.#s.straySequence = header.sequence;
    this.#s.strayTransit = transit;
    this.#s.strayAt = now;
    // What stands close behind the newest is old, however much of it comes.
    if (step <= 0 && isNear(step)) return false;
    if (fit === 'stray' || (this.#s.isStrayAfterSilence === 1 && isPaced && step > 0)) return this.#s.strays >= AGREEING;
    return this.#s.strays >= LATE_RUN && now - this.#s.strayFrom >= (step > 0 ? LATE_RUN_MS : OLD_RUN_MS);
  }
}

function isNear(step: number): boolean {
  return step <= MAX_DROPOUT && step >= -MAX_MISORDER;
}
