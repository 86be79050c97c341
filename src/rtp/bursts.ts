/** How losses cluster: bursts and the gaps between them, RFC 3611 §4.7.2 and A.2 with Gmin 16. */

import { cellsOf, ownPlace, type Place } from './cells.js';

/** So many packets received in a row end a burst. */
export const GMIN = 16;
/** A packet that has not come when so many later ones have is lost. */
const PATIENCE = 32;

export interface BurstFigures {
  /** Lost, of the packets within bursts: 0 to 1. */
  readonly burstDensity: number;
  readonly gapDensity: number;
  /** In packets: the mean burst. */
  readonly burstLength: number;
  /** In packets: the gaps, as A.2 has it, shared out among the bursts. */
  readonly gapLength: number;
}

const State = cellsOf(
  // Bit n: the packet `n` before the highest has come.
  'seen',
  'known',
  // Received since the last loss. The session is taken to be preceded by enough of them (§4.7.2).
  'run',
  // The losses that are near each other, from the first to the last of them.
  'packets',
  'losses',
  'bursts',
  'burstPackets',
  'burstLosses',
  'gapPackets',
  'gapLosses',
);

export class LossBursts {
  static readonly cells = State.size;
  readonly #s;

  constructor(place: Place = ownPlace(LossBursts.cells), from = 0) {
    this.#s = new State(place, from);
  }

  /** Whose numbers these are, from here on. */
  moveTo(numbers: Float64Array, at: number): void {
    this.#s.numbers = numbers;
    this.#s.at = at;
  }

  reset(): void {
    this.#s.clear();
  }

  /** A packet came, `step` after the highest so far (1 for the first); those that fall out of sight are judged. */
  onNewest(step: number): void {
    for (let i = 0; i < step; i++) {
      if (this.#s.known === PATIENCE) this.#judge(this.#s.seen < 0);
      else this.#s.known++;
      this.#s.seen <<= 1;
    }
    this.#s.seen |= 1;
  }

  /** One came after all. */
  onBelated(behind: number): void {
    if (behind < this.#s.known) this.#s.seen |= 1 << behind;
  }

  /** As if enough received packets followed (§4.7.2); what is still in sight is not counted. */
  figures(): BurstFigures {
    const isBurst = this.#s.losses > 1;
    const bursts = this.#s.bursts + (isBurst ? 1 : 0);
    const burstPackets = this.#s.burstPackets + (isBurst ? this.#s.packets : 0);
    const gapPackets = this.#s.gapPackets + this.#s.run + (isBurst ? 0 : this.#s.packets);
    return {
      burstDensity: ratio(this.#s.burstLosses + (isBurst ? this.#s.losses : 0), burstPackets),
      gapDensity: ratio(this.#s.gapLosses + (isBurst ? 0 : this.#s.losses), gapPackets),
      burstLength: ratio(burstPackets, bursts),
      gapLength: gapPackets / Math.max(1, bursts),
    };
  }

  #judge(came: boolean): void {
    if (came) {
      this.#s.run++;
      return;
    }
    if (this.#s.losses > 0 && this.#s.run < GMIN) {
      this.#s.packets += this.#s.run + 1;
      this.#s.losses++;
    } else {
      this.#close();
      this.#s.gapPackets += this.#s.run;
      this.#s.packets = this.#s.losses = 1;
    }
    this.#s.run = 0;
  }

  /** A loss with nothing but received packets around it belongs to the gap. */
  #close(): void {
    if (this.#s.losses > 1) {
      this.#s.bursts++;
      this.#s.burstPackets += this.#s.packets;
      this.#s.burstLosses += this.#s.losses;
    } else {
      this.#s.gapPackets += this.#s.packets;
      this.#s.gapLosses += this.#s.losses;
    }
  }
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
