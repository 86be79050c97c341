/** What the packets of one source say of the path: loss, jitter, reordering, duplicates and the clocks' drift. RFC 3550 §6.4.1, A.3, A.8. */
import { LossBursts } from './bursts.js';
import { cellsOf, ownPlace, type Place } from './cells.js';
import type { RtpHeader } from './header.js';
import { diff16, diff32 } from './sequence.js';

/** The report block of RTCP SR and RR, §6.4.1. */
export interface ReceptionReport {
  readonly ssrc: number;
  /** Of the packets since the last report, in 256ths. */
  readonly fractionLost: number;
  /** Since the beginning: 24 bits, negative when duplicates outnumber losses. */
  readonly cumulativeLost: number;
  readonly extendedHighest: number;
  /** In ticks of the timestamp. */
  readonly jitter: number;
  /** The middle 32 bits of the last sender report's NTP time; 0 when there was none. */
  readonly lastSr: number;
  /** Since then, in 65536ths of a second. */
  readonly delaySinceLastSr: number;
}

/** The drift is the slope of the fastest transits, one per block, over two minutes. */
const BLOCK_MS = 4000;
/** A power of two: the remainder of a number that may have a fraction is a call to the C library. */
const BLOCKS = 32;
const LAST_BLOCK = BLOCKS - 1;
/** Fewer say nothing. */
const LEAST_BLOCKS = 4;
/** A transit that jumps further was not moved by drift: the measuring begins anew. */
const JUMP_MS = 1000;
/** No clock is as wrong as that, not even one paced by timers: a machine stood still. */
const MOST_PPM = 50_000;

const State = cellsOf(
  'clockRate',
  // The fastest transit of the block that grows.
  'fastest',
  'ssrc',
  'base',
  'highest',
  // Bit n: the packet n before the highest has come. 64 of them, as two words.
  'seenLow',
  'seenHigh',
  // As RFC 3550 counts: duplicates too.
  'arrived',
  // Packets that came, each once.
  'received',
  // Bytes of payload, as given.
  'bytes',
  'lastAt',
  'lastTimestamp',
  'time',
  'transit',
  'jitter',
  'maxJitter',
  'blocks',
  'blockEnd',
  'firstAt',
  'duplicates',
  'reordered',
  'lossRuns',
  'expectedBefore',
  'arrivedBefore',
  'lastSr',
  'lastSrAt',
);

export class ReceiverStats {
  static readonly cells = State.size + LossBursts.cells + 2 * BLOCKS;
  readonly #s;
  /** Of each block: when its fastest came, and its transit. */
  #blocks: Float64Array;
  #from: number;
  /** How the losses cluster. */
  readonly bursts: LossBursts;

  constructor(clockRate: number, place: Place = ownPlace(ReceiverStats.cells)) {
    this.#s = new State(place);
    this.bursts = new LossBursts(place, State.size);
    this.#blocks = place.numbers;
    this.#from = place.at + State.size + LossBursts.cells;
    this.begin(clockRate);
  }

  /** Whose numbers these are, from here on. */
  moveTo(numbers: Float64Array, at: number): void {
    this.#s.numbers = numbers;
    this.#s.at = at;
    this.bursts.moveTo(numbers, at + State.size);
    this.#blocks = numbers;
    this.#from = at + State.size + LossBursts.cells;
  }

  begin(clockRate: number): void {
    this.#s.clear();
    this.bursts.reset();
    this.#s.clockRate = clockRate;
    this.#s.blockEnd = Number.NEGATIVE_INFINITY;
    this.#s.firstAt = this.#s.lastAt = Number.NaN;
  }

  get received(): number {
    return this.#s.received;
  }

  get bytes(): number {
    return this.#s.bytes;
  }

  get duplicates(): number {
    return this.#s.duplicates;
  }

  /** Packets that came after a later one. */
  get reordered(): number {
    return this.#s.reordered;
  }

  get firstAt(): number {
    return this.#s.firstAt;
  }

  get lastAt(): number {
    return this.#s.lastAt;
  }

  get extendedHighest(): number {
    return this.#s.highest;
  }

  get expected(): number {
    return this.#s.arrived === 0 ? 0 : this.#s.highest - this.#s.base + 1;
  }

  get lost(): number {
    return Math.max(0, this.expected - this.#s.received);
  }

  get jitterMs(): number {
    return (this.#s.jitter * 1000) / this.#s.clockRate;
  }

  get maxJitterMs(): number {
    return (this.#s.maxJitter * 1000) / this.#s.clockRate;
  }

  /** How much longer the bursts of loss are than chance would make them: 1 is chance (ITU-T G.107, BurstR). */
  get burstRatio(): number {
    const { expected, lost } = this;
    if (this.#s.lossRuns === 0 || lost === 0) return 1;
    return Math.max(1, (lost / this.#s.lossRuns) * (1 - lost / expected));
  }

  /** By how much the sender's clock is faster than ours, in millionths; 0 until known. */
  get driftPpm(): number {
    const known = Math.min(this.#s.blocks, BLOCKS);
    // The newest block still grows.
    const whole = known - 1;
    if (whole < LEAST_BLOCKS) return 0;
    const newest = (this.#s.blocks - 1) & LAST_BLOCK;
    let sumT = 0;
    let sumD = 0;
    for (let i = 0; i < known; i++) {
      if (i === newest) continue;
      sumT += this.#blocks[this.#from + 2 * i]!;
      sumD += this.#blocks[this.#from + 2 * i + 1]!;
    }
    let above = 0;
    let below = 0;
    for (let i = 0; i < known; i++) {
      if (i === newest) continue;
      const t = this.#blocks[this.#from + 2 * i]! - sumT / whole;
      above += t * (this.#blocks[this.#from + 2 * i + 1]! - sumD / whole);
      below += t * t;
    }
    const ppm = below === 0 ? 0 : (-1e6 * above) / below;
    return Math.abs(ppm) > MOST_PPM ? 0 : ppm;
  }

  /** Counts a packet of the source that is heard. A `duplicate` must not be passed on. */
  onPacket(header: RtpHeader, bytes: number, now: number): 'new' | 'duplicate' {
    this.#s.bytes += bytes;
    this.#s.lastAt = now;
    this.#s.arrived++;
    if (this.#s.arrived === 1) return this.#begin(header, now);
    this.#s.ssrc = header.ssrc;
    const step = diff16(header.sequence, this.#s.highest);
    if (step > 0) {
      if (step > 1) this.#s.lossRuns++;
      this.#s.highest += step;
      this.#shiftSeen(step);
      this.bursts.onNewest(step);
    } else {
      if (this.#hasSeen(-step)) {
        this.#s.duplicates++;
        return 'duplicate';
      }
      this.#s.reordered++;
      this.bursts.onBelated(-step);
    }
    this.#s.received++;
    this.#measure(header, now);
    return 'new';
  }

  /** §6.4.1: a sender report came; its NTP time's middle 32 bits go back to the sender in our reports. */
  onSenderReport(ntpMiddle32: number, now: number): void {
    this.#s.lastSr = ntpMiddle32;
    this.#s.lastSrAt = now;
  }

  /** The block for the next SR or RR; begins a new interval. */
  report(now: number): ReceptionReport {
    const { expected } = this;
    const expectedInterval = expected - this.#s.expectedBefore;
    const lostInterval = expectedInterval - (this.#s.arrived - this.#s.arrivedBefore);
    this.#s.expectedBefore = expected;
    this.#s.arrivedBefore = this.#s.arrived;
    return {
      ssrc: this.#s.ssrc,
      fractionLost: expectedInterval <= 0 || lostInterval <= 0 ? 0 : Math.min(255, Math.floor((lostInterval * 256) / expectedInterval)),
      cumulativeLost: Math.min(0x7fffff, Math.max(-0x800000, expected - this.#s.arrived)),
      extendedHighest: this.#s.highest >>> 0,
      jitter: Math.floor(this.#s.jitter),
      lastSr: this.#s.lastSr,
      delaySinceLastSr: this.#s.lastSr === 0 ? 0 : Math.round(((now - this.#s.lastSrAt) * 65536) / 1000) >>> 0,
    };
  }

  /** The source is another, or counts anew: A.1 says that what was counted is void. */
  reset(clockRate: number = this.#s.clockRate): void {
    this.#s.clockRate = clockRate;
    this.#s.arrived = this.#s.expectedBefore = this.#s.arrivedBefore = this.#s.lossRuns = 0;
    this.#s.jitter = this.#s.maxJitter = 0;
    this.#s.lastSr = 0;
    this.#s.blocks = 0;
    this.bursts.reset();
    this.#s.received = this.#s.bytes = this.#s.duplicates = this.#s.reordered = 0;
    this.#s.firstAt = this.#s.lastAt = Number.NaN;
  }

  #begin(header: RtpHeader, now: number): 'new' {
    this.#s.ssrc = header.ssrc;
    this.#s.base = this.#s.highest = header.sequence;
    this.#s.seenLow = 1;
    this.#s.seenHigh = 0;
    this.bursts.onNewest(1);
    this.#s.lastTimestamp = header.timestamp;
    this.#s.time = 0;
    this.#s.transit = now;
    this.#s.blocks = 0;
    this.#s.blockEnd = Number.NEGATIVE_INFINITY;
    this.#noteTransit(now, now);
    this.#s.firstAt = now;
    this.#s.received = 1;
    return 'new';
  }

  #measure(header: RtpHeader, now: number): void {
    this.#s.time += (diff32(header.timestamp, this.#s.lastTimestamp) * 1000) / this.#s.clockRate;
    this.#s.lastTimestamp = header.timestamp;
    const transit = now - this.#s.time;
    const difference = (Math.abs(transit - this.#s.transit) * this.#s.clockRate) / 1000;
    this.#s.jitter += (difference - this.#s.jitter) / 16;
    if (this.#s.jitter > this.#s.maxJitter) this.#s.maxJitter = this.#s.jitter;
    if (Math.abs(transit - this.#s.transit) > JUMP_MS) this.#s.blocks = 0;
    this.#s.transit = transit;
    this.#noteTransit(transit, now);
  }

  #noteTransit(transit: number, now: number): void {
    const s = this.#s;
    if (s.blocks === 0 || now >= s.blockEnd) {
      s.blockEnd = now + BLOCK_MS;
      s.blocks++;
    } else if (transit >= s.fastest) return;
    s.fastest = transit;
    const block = (s.blocks - 1) & LAST_BLOCK;
    this.#blocks[this.#from + 2 * block] = now;
    this.#blocks[this.#from + 2 * block + 1] = transit;
  }

  #shiftSeen(step: number): void {
    if (step >= 64) {
      this.#s.seenHigh = 0;
      this.#s.seenLow = 0;
    } else if (step >= 32) {
      this.#s.seenHigh = this.#s.seenLow << (step - 32);
      this.#s.seenLow = 0;
    } else {
      this.#s.seenHigh = (this.#s.seenHigh << step) | (this.#s.seenLow >>> (32 - step));
      this.#s.seenLow <<= step;
    }
    this.#s.seenLow |= 1;
  }

  /** Whether the packet `behind` the highest has come; if not, it has now. What is too old to know counts as not. */
  #hasSeen(behind: number): boolean {
    if (behind >= 64) return false;
    const bit = 1 << (behind & 31);
    if (behind < 32) {
      if ((this.#s.seenLow & bit) !== 0) return true;
      this.#s.seenLow |= bit;
    } else {
      if ((this.#s.seenHigh & bit) !== 0) return true;
      this.#s.seenHigh |= bit;
    }
    return false;
  }
}
