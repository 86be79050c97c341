/**
 * Keys pressed at the far end, from telephone-event packets: RFC 4733 §2.5.2. One event per key press, whatever is lost, repeated or out of
 * order: a press is known by its event and its timestamp, and those told are remembered.
 */
import type { DtmfDigit } from '../codec/dtmf-keypad.js';
import { digitOfEvent, EVENT_BYTES, LONGEST_SEGMENT } from './dtmf.js';
import type { RtpHeader } from './header.js';
import { add32, diff32 } from './sequence.js';

export type { DtmfDigit };

export interface DtmfSink {
  /** A key is down. May be missing, when all packets but the last were lost. */
  onDigitBegin?(digit: DtmfDigit): void;
  /** A key was pressed: once per press, when it is up. */
  onDigit(digit: DtmfDigit, durationMs: number): void;
}

/** A key whose packets stop is up: every end packet was lost. */
const LOST_END_MS = 200;
/** Presses remembered, to know a packet that comes late from a press that is new. */
const REMEMBERED = 16;
/** What is older than this is not believed to be a press of its own. */
const OLDEST_MS = 5000;

export class DtmfReceiver {
  readonly #clockRate: number;
  readonly #sink: DtmfSink;

  // The newest press, and the segment of it that is being told.
  #event = -1;
  #isOver = true;
  #segment = 0;
  #segmentTicks = 0;
  /** Of the segments before. */
  #pastTicks = 0;
  #toldAt = 0;

  /** Timestamps of the segments of the last presses. */
  readonly #told = new Float64Array(REMEMBERED).fill(-1);
  #nextTold = 0;

  constructor(clockRate: number, sink: DtmfSink) {
    this.#clockRate = clockRate;
    this.#sink = sink;
  }

  /** A key is down. */
  get isActive(): boolean {
    return !this.#isOver;
  }

  onPacket(header: RtpHeader, packet: Uint8Array, now: number): void {
    const end = header.payloadOffset + header.payloadLength;
    let start = header.timestamp;
    // §2.5.1.5: several events may follow each other in one packet.
    for (let at = header.payloadOffset; at + EVENT_BYTES <= end; at += EVENT_BYTES) {
      const duration = (packet[at + 2]! << 8) | packet[at + 3]!;
      this.#onReport(packet[at]!, (packet[at + 1]! & 0x80) !== 0, start, duration, now);
      start = add32(start, duration);
    }
  }

  /** Every frame or so. */
  onTick(now: number): void {
    if (!this.#isOver && now - this.#toldAt >= LOST_END_MS) this.#finish();
  }

  /** The source is another: its timestamps are, too. A key that was down is up. */
  reset(): void {
    if (!this.#isOver) this.#finish();
    this.#event = -1;
    this.#told.fill(-1);
  }

  #onReport(event: number, isEnd: boolean, start: number, duration: number, now: number): void {
    const digit = digitOfEvent(event);
    if (digit === undefined) return;
    if (event === this.#event && this.#isOfThisPress(start)) {
      if (start === this.#segment && duration > this.#segmentTicks) this.#segmentTicks = duration;
      this.#toldAt = now;
      if (isEnd && !this.#isOver) this.#finish();
      return;
    }
    // §2.3.5: no key is pressed for no time.
    if (duration === 0 || this.#told.includes(start)) return;
    if (this.#event >= 0) {
      const newer = diff32(start, this.#segment);
      if (newer < 0) {
        // A press before the newest, of which nothing had come so far.
        if (-newer > (OLDEST_MS * this.#clockRate) / 1000) return;
        this.#remember(start);
        this.#sink.onDigit(digit, (duration * 1000) / this.#clockRate);
        return;
      }
      if (!this.#isOver) this.#finish();
    }
    this.#event = event;
    this.#isOver = false;
    this.#segment = start;
    this.#segmentTicks = duration;
    this.#pastTicks = 0;
    this.#toldAt = now;
    this.#remember(start);
    if (isEnd) this.#finish();
    else this.#sink.onDigitBegin?.(digit);
  }

  /** Whether a report is of the newest press: of its segment, or of the one right behind it (§2.5.2.3). */
  #isOfThisPress(start: number): boolean {
    if (start === this.#segment) return true;
    if (start !== add32(this.#segment, LONGEST_SEGMENT)) return false;
    this.#pastTicks += LONGEST_SEGMENT;
    this.#segment = start;
    this.#segmentTicks = 0;
    this.#remember(start);
    return true;
  }

  #finish(): void {
    this.#isOver = true;
    this.#sink.onDigit(digitOfEvent(this.#event)!, ((this.#pastTicks + this.#segmentTicks) * 1000) / this.#clockRate);
  }

  #remember(start: number): void {
    this.#told[this.#nextTold] = start;
    this.#nextTold = (this.#nextTold + 1) % REMEMBERED;
  }
}
