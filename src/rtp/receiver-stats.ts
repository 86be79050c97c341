/** What the packets of one source say of the path: loss, jitter, reordering, duplicates and the clocks' drift. RFC 3550 §6.4.1, A.3, A.8. */
import { LossBursts } from './bursts.js';
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
const BLOCKS = 32;
/** Fewer say nothing. */
const LEAST_BLOCKS = 4;
/** A transit that jumps further was not moved by drift: the measuring begins anew. */
const JUMP_MS = 1000;
/** No clock is as wrong as that, not even one paced by timers: a machine stood still. */
const MOST_PPM = 50_000;

export class ReceiverStats {
  #clockRate: number;
  #ssrc = 0;
  #base = 0;
  #highest = 0;
  /** Bit n: `#highest - n` has come. 64 of them, as two words. */
  #seenLow = 0;
  #seenHigh = 0;
  /** As RFC 3550 counts: duplicates too. */
  #arrived = 0;
  #expectedBefore = 0;
  #arrivedBefore = 0;
  #lossRuns = 0;

  #lastTimestamp = 0;
  #time = 0;
  #transit = 0;
  #jitter = 0;
  #maxJitter = 0;
  #lastSr = 0;
  #lastSrAt = 0;

  readonly #blockTimes = new Float64Array(BLOCKS);
  readonly #blockMinima = new Float64Array(BLOCKS);
  #blocks = 0;
  #blockEnd = Number.NEGATIVE_INFINITY;

  /** How the losses cluster. */
  readonly bursts = new LossBursts();
  /** Packets that came, each once. */
  received = 0;
  /** Bytes of payload, as given. */
  bytes = 0;
  duplicates = 0;
  /** Packets that came after a later one. */
  reordered = 0;
  firstAt = Number.NaN;
  lastAt = Number.NaN;

  constructor(clockRate: number) {
    this.#clockRate = clockRate;
  }

  get extendedHighest(): number {
    return this.#highest;
  }

  get expected(): number {
    return this.#arrived === 0 ? 0 : this.#highest - this.#base + 1;
  }

  get lost(): number {
    return Math.max(0, this.expected - this.received);
  }

  get jitterMs(): number {
    return (this.#jitter * 1000) / this.#clockRate;
  }

  get maxJitterMs(): number {
    return (this.#maxJitter * 1000) / this.#clockRate;
  }

  /** How much longer the bursts of loss are than chance would make them: 1 is chance (ITU-T G.107, BurstR). */
  get burstRatio(): number {
    const { expected, lost } = this;
    if (this.#lossRuns === 0 || lost === 0) return 1;
    return Math.max(1, (lost / this.#lossRuns) * (1 - lost / expected));
  }

  /** By how much the sender's clock is faster than ours, in millionths; 0 until known. */
  get driftPpm(): number {
    const known = Math.min(this.#blocks, BLOCKS);
    // The newest block still grows.
    const whole = known - 1;
    if (whole < LEAST_BLOCKS) return 0;
    let sumT = 0;
    let sumD = 0;
    for (let i = 0; i < known; i++) {
      if (i === (this.#blocks - 1) % BLOCKS) continue;
      sumT += this.#blockTimes[i]!;
      sumD += this.#blockMinima[i]!;
    }
    let above = 0;
    let below = 0;
    for (let i = 0; i < known; i++) {
      if (i === (this.#blocks - 1) % BLOCKS) continue;
      const t = this.#blockTimes[i]! - sumT / whole;
      above += t * (this.#blockMinima[i]! - sumD / whole);
      below += t * t;
    }
    const ppm = below === 0 ? 0 : (-1e6 * above) / below;
    return Math.abs(ppm) > MOST_PPM ? 0 : ppm;
  }

  /** Counts a packet of the source that is heard. A `duplicate` must not be passed on. */
  onPacket(header: RtpHeader, bytes: number, now: number): 'new' | 'duplicate' {
    this.bytes += bytes;
    this.lastAt = now;
    this.#arrived++;
    if (this.#arrived === 1) return this.#begin(header, now);
    this.#ssrc = header.ssrc;
    const step = diff16(header.sequence, this.#highest);
    if (step > 0) {
      if (step > 1) this.#lossRuns++;
      this.#highest += step;
      this.#shiftSeen(step);
      this.bursts.onNewest(step);
    } else {
      if (this.#hasSeen(-step)) {
        this.duplicates++;
        return 'duplicate';
      }
      this.reordered++;
      this.bursts.onBelated(-step);
    }
    this.received++;
    this.#measure(header, now);
    return 'new';
  }

  /** §6.4.1: a sender report came; its NTP time's middle 32 bits go back to the sender in our reports. */
  onSenderReport(ntpMiddle32: number, now: number): void {
    this.#lastSr = ntpMiddle32;
    this.#lastSrAt = now;
  }

  /** The block for the next SR or RR; begins a new interval. */
  report(now: number): ReceptionReport {
    const { expected } = this;
    const expectedInterval = expected - this.#expectedBefore;
    const lostInterval = expectedInterval - (this.#arrived - this.#arrivedBefore);
    this.#expectedBefore = expected;
    this.#arrivedBefore = this.#arrived;
    return {
      ssrc: this.#ssrc,
      fractionLost: expectedInterval <= 0 || lostInterval <= 0 ? 0 : Math.min(255, Math.floor((lostInterval * 256) / expectedInterval)),
      cumulativeLost: Math.min(0x7fffff, Math.max(-0x800000, expected - this.#arrived)),
      extendedHighest: this.#highest >>> 0,
      jitter: Math.floor(this.#jitter),
      lastSr: this.#lastSr,
      delaySinceLastSr: this.#lastSr === 0 ? 0 : Math.round(((now - this.#lastSrAt) * 65536) / 1000) >>> 0,
    };
  }

  /** The source is another, or counts anew: A.1 says that what was counted is void. */
  reset(clockRate: number = this.#clockRate): void {
    this.#clockRate = clockRate;
    this.#arrived = this.#expectedBefore = this.#arrivedBefore = this.#lossRuns = 0;
    this.#jitter = this.#maxJitter = 0;
    this.#lastSr = 0;
    this.#blocks = 0;
    this.bursts.reset();
    this.received = this.bytes = this.duplicates = this.reordered = 0;
    this.firstAt = this.lastAt = Number.NaN;
  }

  #begin(header: RtpHeader, now: number): 'new' {
    this.#ssrc = header.ssrc;
    this.#base = this.#highest = header.sequence;
    this.#seenLow = 1;
    this.#seenHigh = 0;
    this.bursts.onNewest(1);
    this.#lastTimestamp = header.timestamp;
    this.#time = 0;
    this.#transit = now;
    this.#blocks = 0;
    this.#blockEnd = Number.NEGATIVE_INFINITY;
    this.#noteTransit(now, now);
    this.firstAt = now;
    this.received = 1;
    return 'new';
  }

  #measure(header: RtpHeader, now: number): void {
    this.#time += (diff32(header.timestamp, this.#lastTimestamp) * 1000) / this.#clockRate;
    this.#lastTimestamp = header.timestamp;
    const transit = now - this.#time;
    const difference = (Math.abs(transit - this.#transit) * this.#clockRate) / 1000;
    this.#jitter += (difference - this.#jitter) / 16;
    if (this.#jitter > this.#maxJitter) this.#maxJitter = this.#jitter;
    if (Math.abs(transit - this.#transit) > JUMP_MS) this.#blocks = 0;
    this.#transit = transit;
    this.#noteTransit(transit, now);
  }

  #noteTransit(transit: number, now: number): void {
    if (this.#blocks === 0 || now >= this.#blockEnd) {
      this.#blockEnd = now + BLOCK_MS;
      this.#blockTimes[this.#blocks % BLOCKS] = now;
      this.#blockMinima[this.#blocks % BLOCKS] = transit;
      this.#blocks++;
      return;
    }
    const block = (this.#blocks - 1) % BLOCKS;
    if (transit < this.#blockMinima[block]!) {
      this.#blockTimes[block] = now;
      this.#blockMinima[block] = transit;
    }
  }

  #shiftSeen(step: number): void {
    if (step >= 64) {
      this.#seenHigh = 0;
      this.#seenLow = 0;
    } else if (step >= 32) {
      this.#seenHigh = this.#seenLow << (step - 32);
      this.#seenLow = 0;
    } else {
      this.#seenHigh = (this.#seenHigh << step) | (this.#seenLow >>> (32 - step));
      this.#seenLow <<= step;
    }
    this.#seenLow |= 1;
  }

  /** Whether the packet `behind` the highest has come; if not, it has now. What is too old to know counts as not. */
  #hasSeen(behind: number): boolean {
    if (behind >= 64) return false;
    const bit = 1 << (behind & 31);
    if (behind < 32) {
      if ((this.#seenLow & bit) !== 0) return true;
      this.#seenLow |= bit;
    } else {
      if ((this.#seenHigh & bit) !== 0) return true;
      this.#seenHigh |= bit;
    }
    return false;
  }
}
