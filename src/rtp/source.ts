/**
 * Which of the sources that send to us we listen to: RFC 3550 A.1 (probation, restarts) and §8.2 (collisions).
 *
 * A call has one speaker. Another SSRC takes over only when the one heard has fallen silent and the other sends packet after
 * packet; so does the same one with a wholly different numbering.
 */
import { cellsOf, ownPlace, type Place } from './cells.js';
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

const State = cellsOf(
  'localSsrc',
  // Who is heard; -1 before the first packet.
  'ssrc',
  'highest',
  'lastAt',
  // A.1, bad_seq: what would follow the last packet of another numbering.
  'expected',
  'otherSsrc',
  'otherSequence',
  'otherRun',
  'foreign',
  'hasCollided',
);

export class RtpSource {
  static readonly cells = State.size;
  readonly #s;

  constructor(localSsrc: number, place: Place = ownPlace(RtpSource.cells)) {
    this.#s = new State(place);
    this.begin(localSsrc);
  }

  /** Whose numbers these are, from here on. */
  moveTo(numbers: Float64Array, at: number): void {
    this.#s.numbers = numbers;
    this.#s.at = at;
  }

  begin(localSsrc: number): void {
    this.#s.clear();
    this.#s.localSsrc = localSsrc;
    this.#s.ssrc = this.#s.expected = this.#s.otherSsrc = -1;
  }

  /** Who is heard; undefined before the first packet. */
  get ssrc(): number | undefined {
    return this.#s.ssrc < 0 ? undefined : this.#s.ssrc;
  }

  /** Packets of others than the speaker. */
  get foreign(): number {
    return this.#s.foreign;
  }

  /** We are another from now on. */
  set localSsrc(ssrc: number) {
    this.#s.localSsrc = ssrc;
  }

  accept(header: RtpHeader, now: number): SourceVerdict {
    const { ssrc, sequence } = header;
    if (ssrc === this.#s.ssrc) return this.#judge(sequence, now);
    if (ssrc === this.#s.localSsrc && this.#s.hasCollided === 0) {
      this.#s.hasCollided = 1;
      this.#listenTo(ssrc, sequence, now);
      return 'collision';
    }
    // Deviation: after that a loop (§8.2) is heard like anyone else. Echo servers send packets back as they are, and are called to be heard.
    if (this.#s.ssrc < 0) {
      this.#listenTo(ssrc, sequence, now);
      return 'started';
    }
    const step = diff16(sequence, this.#s.otherSequence);
    const follows = ssrc === this.#s.otherSsrc && step > 0 && step <= MAX_MISORDER;
    this.#s.otherRun = follows ? this.#s.otherRun + 1 : 1;
    this.#s.otherSsrc = ssrc;
    this.#s.otherSequence = sequence;
    if (this.#s.otherRun >= MIN_SEQUENTIAL && now - this.#s.lastAt >= SILENT_MS) {
      this.#listenTo(ssrc, sequence, now);
      return 'changed';
    }
    this.#s.foreign++;
    return 'probation';
  }

  /** Signalling has named another peer: whoever comes next is heard. */
  reset(): void {
    this.#s.ssrc = -1;
    this.#s.otherSsrc = -1;
  }

  #judge(sequence: number, now: number): SourceVerdict {
    const step = diff16(sequence, this.#s.highest);
    if (step <= MAX_DROPOUT && step >= -MAX_MISORDER) {
      if (step > 0) this.#s.highest = sequence;
      this.#s.lastAt = now;
      return 'valid';
    }
    const silence = now - this.#s.lastAt;
    const isSequential = sequence === this.#s.expected;
    this.#s.expected = add16(sequence, 1);
    if (isSequential && silence >= (step < 0 && step >= -MAX_DROPOUT ? RESTART_BEHIND_MS : RESTART_MS)) {
      this.#listenTo(this.#s.ssrc, sequence, now);
      return 'restarted';
    }
    return 'probation';
  }

  #listenTo(ssrc: number, sequence: number, now: number): void {
    this.#s.ssrc = ssrc;
    this.#s.highest = sequence;
    this.#s.lastAt = now;
    this.#s.expected = -1;
    this.#s.otherSsrc = -1;
    this.#s.otherRun = 0;
  }
}
