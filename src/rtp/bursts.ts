/** How losses cluster: bursts and the gaps between them, RFC 3611 §4.7.2 and A.2 with Gmin 16. */

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

export class LossBursts {
  /** Bit n: the packet `n` before the highest has come. */
  #seen = 0;
  #known = 0;
  /** Received since the last loss. The session is taken to be preceded by enough of them (§4.7.2). */
  #run = 0;
  /** The losses that are near each other, from the first to the last of them. */
  #packets = 0;
  #losses = 0;
  #bursts = 0;
  #burstPackets = 0;
  #burstLosses = 0;
  #gapPackets = 0;
  #gapLosses = 0;

  reset(): void {
    this.#seen = this.#known = this.#run = this.#packets = this.#losses = 0;
    this.#bursts = this.#burstPackets = this.#burstLosses = this.#gapPackets = this.#gapLosses = 0;
  }

  /** A packet came, `step` after the highest so far (1 for the first); those that fall out of sight are judged. */
  onNewest(step: number): void {
    for (let i = 0; i < step; i++) {
      if (this.#known === PATIENCE) this.#judge(this.#seen < 0);
      else this.#known++;
      this.#seen <<= 1;
    }
    this.#seen |= 1;
  }

  /** One came after all. */
  onBelated(behind: number): void {
    if (behind < this.#known) this.#seen |= 1 << behind;
  }

  /** As if enough received packets followed (§4.7.2); what is still in sight is not counted. */
  figures(): BurstFigures {
    const isBurst = this.#losses > 1;
    const bursts = this.#bursts + (isBurst ? 1 : 0);
    const burstPackets = this.#burstPackets + (isBurst ? this.#packets : 0);
    const gapPackets = this.#gapPackets + this.#run + (isBurst ? 0 : this.#packets);
    return {
      burstDensity: ratio(this.#burstLosses + (isBurst ? this.#losses : 0), burstPackets),
      gapDensity: ratio(this.#gapLosses + (isBurst ? 0 : this.#losses), gapPackets),
      burstLength: ratio(burstPackets, bursts),
      gapLength: gapPackets / Math.max(1, bursts),
    };
  }

  #judge(came: boolean): void {
    if (came) {
      this.#run++;
      return;
    }
    if (this.#losses > 0 && this.#run < GMIN) {
      this.#packets += this.#run + 1;
      this.#losses++;
    } else {
      this.#close();
      this.#gapPackets += this.#run;
      this.#packets = this.#losses = 1;
    }
    this.#run = 0;
  }

  /** A loss with nothing but received packets around it belongs to the gap. */
  #close(): void {
    if (this.#losses > 1) {
      this.#bursts++;
      this.#burstPackets += this.#packets;
      this.#burstLosses += this.#losses;
    } else {
      this.#gapPackets += this.#packets;
      this.#gapLosses += this.#losses;
    }
  }
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
