// How loud: RMS in dBov (0 is a square wave at full scale, RFC 3389 §3.1, RFC 6464 §3), peak and clipping.

/** What silence counts as: the lowest level that RTP can say. */
export const silenceDbov = -127;

/** Level of a mean square of 16-bit samples. */
export function dbovOf(meanSquare: number): number {
  return meanSquare <= 0 ? silenceDbov : Math.max(silenceDbov, 10 * Math.log10(meanSquare / (32768 * 32768)));
}

/** Level of some samples. */
export function levelDbov(samples: Int16Array, count = samples.length, at = 0): number {
  let sum = 0;
  for (let i = at; i < at + count; i++) sum += samples[i]! * samples[i]!;
  return count > 0 ? dbovOf(sum / count) : silenceDbov;
}

/** Level, peak and clipped samples since it was last read. */
export class LevelMeter {
  #sum = 0;
  #count = 0;
  #peak = 0;
  #clipped = 0;

  add(samples: Int16Array, count: number, at = 0): void {
    let sum = 0;
    let peak = this.#peak;
    for (let i = at; i < at + count; i++) {
      const sample = samples[i]!;
      const magnitude = sample < 0 ? -sample : sample;
      sum += sample * sample;
      if (magnitude > peak) peak = magnitude;
      if (magnitude >= 32767) this.#clipped++;
    }
    this.#sum += sum;
    this.#count += count;
    this.#peak = peak;
  }

  get dbov(): number {
    return this.#count === 0 ? silenceDbov : dbovOf(this.#sum / this.#count);
  }

  get peakDbov(): number {
    return dbovOf(this.#peak * this.#peak);
  }

  /** Share of samples at full scale, 0 to 1. */
  get clippedShare(): number {
    return this.#count === 0 ? 0 : this.#clipped / this.#count;
  }

  reset(): void {
    this.#sum = this.#count = this.#peak = this.#clipped = 0;
  }
}
