/**
 * Which of the sources that send to us we listen to: RFC 3550 A.1 (probation, restarts) and §8.2 (collisions).
 *
 * A call has one speaker. Another SSRC takes over only when the one heard has fallen silent and the other sends packet after
 * packet; so does the same one with a wholly different numbering.
 */
import type { RtpHeader } from './header.js';
import { add16, diff16 } from './sequence.js';

/**
 * `started`: the first ever. `changed`: another SSRC is the speaker now. `restarted`: the same began anew. After these two the numbers
 * and the timestamps mean something else. `collision`: the peer uses our SSRC; take another and say BYE for this one, once.
 * `probation`: not to be heard.
 */
export type SourceVerdict = 'valid' | 'started' | 'changed' | 'restarted' | 'probation' | 'collision';

/** A.1: MAX_DROPOUT and MAX_MISORDER. */
const MAX_DROPOUT = 3000;
const MAX_MISORDER = 100;
/** A.1, MIN_SEQUENTIAL. */
const MIN_SEQUENTIAL = 2;
/** How long the speaker has been silent before another is believed. */
const SILENT_MS = 100;
/** How long the known numbering has been silent before another of the same SSRC is believed; longer where it could be old packets. */
const RESTART_MS = 30;
const RESTART_BEHIND_MS = 200;

export class RtpSource {
  localSsrc: number;
  #ssrc: number | undefined;
  #highest = 0;
  #lastAt = 0;
  /** A.1, bad_seq: what would follow the last packet of another numbering. */
  #expected = -1;
  #hasCollided = false;

  #otherSsrc = -1;
  #otherSequence = 0;
  #otherRun = 0;

  /** Packets of others than the speaker. */
  foreign = 0;

  constructor(localSsrc: number) {
    this.localSsrc = localSsrc;
  }

  /** Who is heard; undefined before the first packet. */
  get ssrc(): number | undefined {
    return this.#ssrc;
  }

  accept(header: RtpHeader, now: number): SourceVerdict {
    const { ssrc, sequence } = header;
    if (ssrc === this.#ssrc) return this.#judge(sequence, now);
    if (ssrc === this.localSsrc && !this.#hasCollided) {
      this.#hasCollided = true;
      this.#listenTo(ssrc, sequence, now);
      return 'collision';
    }
    // Deviation: after that a loop (§8.2) is heard like anyone else. Echo servers send packets back as they are, and are called to be heard.
    if (this.#ssrc === undefined) {
      this.#listenTo(ssrc, sequence, now);
      return 'started';
    }
    const step = diff16(sequence, this.#otherSequence);
    const follows = ssrc === this.#otherSsrc && step > 0 && step <= MAX_MISORDER;
    this.#otherRun = follows ? this.#otherRun + 1 : 1;
    this.#otherSsrc = ssrc;
    this.#otherSequence = sequence;
    if (this.#otherRun >= MIN_SEQUENTIAL && now - this.#lastAt >= SILENT_MS) {
      this.#listenTo(ssrc, sequence, now);
      return 'changed';
    }
    this.foreign++;
    return 'probation';
  }

  /** Signalling has named another peer: whoever comes next is heard. */
  reset(): void {
    this.#ssrc = undefined;
    this.#otherSsrc = -1;
  }

  #judge(sequence: number, now: number): SourceVerdict {
    const step = diff16(sequence, this.#highest);
    if (step <= MAX_DROPOUT && step >= -MAX_MISORDER) {
      if (step > 0) this.#highest = sequence;
      this.#lastAt = now;
      return 'valid';
    }
    const silence = now - this.#lastAt;
    const isSequential = sequence === this.#expected;
    this.#expected = add16(sequence, 1);
    if (isSequential && silence >= (step < 0 && step >= -MAX_DROPOUT ? RESTART_BEHIND_MS : RESTART_MS)) {
      this.#listenTo(this.#ssrc!, sequence, now);
      return 'restarted';
    }
    return 'probation';
  }

  #listenTo(ssrc: number, sequence: number, now: number): void {
    this.#ssrc = ssrc;
    this.#highest = sequence;
    this.#lastAt = now;
    this.#expected = -1;
    this.#otherSsrc = -1;
    this.#otherRun = 0;
  }
}
