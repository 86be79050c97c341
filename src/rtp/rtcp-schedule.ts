/** When the next RTCP packet is due: RFC 3550 §6.2, §6.3 with timer reconsideration and its reverse. */
import type { Random } from '../random.js';

/** §6.3.1: half of it before the first packet. */
const LEAST_INTERVAL_MS = 5000;
/** §6.3.1, step 5: e - 3/2. */
const COMPENSATION = Math.E - 1.5;
/** §6.2: 5 % of the session bandwidth; two parties at 64 kbit/s. In bytes per millisecond. */
const BANDWIDTH = (0.05 * 2 * 8000) / 1000;
/** §6.2: of which a quarter is the senders'. */
const SENDER_SHARE = 0.25;
/** §6.3.3: sizes count with what carries them, UDP and IP. */
const CARRIER_BYTES = 28;
/** What our first packet is likely to be: SR, CNAME, VoIP metrics. */
const FIRST_BYTES = 140 + CARRIER_BYTES;
/** §6.3.5: the timeout multiplier. */
const TIMEOUT_INTERVALS = 5;

export class RtcpSchedule {
  readonly #random: Random;
  #due = Number.NEGATIVE_INFINITY;
  #lastAt = 0;
  #isInitial = true;
  #averageBytes = FIRST_BYTES;
  #membersBefore = 1;
  /** Ourselves too. */
  members = 1;
  senders = 0;
  /** Whether we are one of the senders. */
  isSender = false;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Before `start`: at once. */
  get due(): number {
    return this.#due;
  }

  get hasStarted(): boolean {
    return this.#due !== Number.NEGATIVE_INFINITY;
  }

  /** §6.3.2. */
  start(now: number): void {
    this.#lastAt = now;
    this.#due = now + this.#interval();
  }

  /** §6.3.3. */
  onReceived(bytes: number): void {
    this.#average(bytes);
  }

  /** §6.3.6: the time drawn has come; another is drawn, and only when that has passed too it is time to send. */
  isTime(now: number): boolean {
    if (now < this.#due) return false;
    this.#membersBefore = this.members;
    this.#due = this.#lastAt + this.#interval();
    return this.#due <= now;
  }

  /** §6.3.6: a packet has been sent. */
  onSent(bytes: number, now: number): void {
    this.#isInitial = false;
    this.#average(bytes);
    this.#lastAt = now;
    this.#due = now + this.#interval();
  }

  /**
   * §6.3.4: there are fewer members now; reverse reconsideration.
   * Deviation: the time of our last packet (tp) is not moved. Moved nearer by every BYE, members made up by an attacker would keep our
   * reports away for as long as he likes.
   */
  onLeft(now: number): void {
    if (this.members >= this.#membersBefore) return;
    const share = this.members / this.#membersBefore;
    this.#due = now + share * (this.#due - now);
    this.#membersBefore = this.members;
  }

  /** §6.3.5: a member that has been silent for so long has left. */
  get timeoutMs(): number {
    return TIMEOUT_INTERVALS * Math.max(LEAST_INTERVAL_MS, this.#share(false));
  }

  /** §6.3.1, steps 2 to 5. */
  #interval(): number {
    const least = this.#isInitial ? LEAST_INTERVAL_MS / 2 : LEAST_INTERVAL_MS;
    const interval = Math.max(least, this.#share(this.isSender));
    return (interval * (this.#random.fraction() + 0.5)) / COMPENSATION;
  }

  /** §6.3.1, step 1: n * C. */
  #share(isSender: boolean): number {
    const { members, senders } = this;
    if (senders > members * SENDER_SHARE) return (members * this.#averageBytes) / BANDWIDTH;
    if (isSender) return (senders * this.#averageBytes) / (BANDWIDTH * SENDER_SHARE);
    return ((members - senders) * this.#averageBytes) / (BANDWIDTH * (1 - SENDER_SHARE));
  }

  #average(bytes: number): void {
    this.#averageBytes += (bytes + CARRIER_BYTES - this.#averageBytes) / 16;
  }
}
