// Hears one steady sine, as machines beep and faxes answer: in it each sample follows from the two before, x[n] = 2 cos(w) x[n-1] - x[n-2].

/** Softer is none. */
const LOWEST_MEAN_SQUARE = 150 * 150;
/** What prediction may leave of the energy. */
const MOST_LEFT = 0.03;
/** How far the frequency of one moment may be from that of the one before. */
const TOLERANCE = 0.04;
/** Moments that agree before it is a tone. */
const STEADY = 3;

export class PureTone {
  readonly #sampleRate: number;
  #hz = 0;
  #agreeing = 0;

  constructor(sampleRate: number) {
    this.#sampleRate = sampleRate;
  }

  /** A moment of some 10 ms: its frequency, or 0 where it is no part of a steady tone. */
  process(samples: Int16Array, count: number, at = 0): number {
    const hz = this.#estimate(samples, count, at);
    this.#agreeing = hz > 0 && Math.abs(hz - this.#hz) <= TOLERANCE * hz ? this.#agreeing + 1 : 0;
    this.#hz = hz;
    return this.#agreeing >= STEADY ? hz : 0;
  }

  /** Least squares over the moment, and how well it fits. */
  #estimate(samples: Int16Array, count: number, at: number): number {
    let cross = 0;
    let middle = 0;
    let energy = 0;
    for (let i = at + 2; i < at + count; i++) {
      const sum = samples[i]! + samples[i - 2]!;
      const x = samples[i - 1]!;
      cross += sum * x;
      middle += x * x;
      energy += sum * sum;
    }
    if (middle < LOWEST_MEAN_SQUARE * count) return 0;
    const twoCosine = cross / middle;
    const left = energy - twoCosine * cross;
    if (left > MOST_LEFT * middle || Math.abs(twoCosine) >= 2) return 0;
    return (Math.acos(twoCosine / 2) * this.#sampleRate) / (2 * Math.PI);
  }
}
