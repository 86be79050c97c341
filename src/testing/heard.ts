/** Sound as numbers: how long, how loud, which tone, and where it is silent. */

export class Heard {
  readonly samples: Int16Array;
  readonly sampleRate: number;

  constructor(samples: Int16Array, sampleRate: number) {
    this.samples = samples;
    this.sampleRate = sampleRate;
  }

  get durationMs(): number {
    return (this.samples.length * 1000) / this.sampleRate;
  }

  /** Root mean square; a full-scale sine is 23170. */
  get level(): number {
    let sum = 0;
    for (const sample of this.samples) sum += sample * sample;
    return this.samples.length === 0 ? 0 : Math.sqrt(sum / this.samples.length);
  }

  get isSilent(): boolean {
    return this.level < 50;
  }

  /** From `fromMs` on, for `durationMs`. */
  part(fromMs: number, durationMs = Number.POSITIVE_INFINITY): Heard {
    const from = Math.round((fromMs * this.sampleRate) / 1000);
    const to = Math.min(this.samples.length, from + Math.round((durationMs * this.sampleRate) / 1000));
    return new Heard(this.samples.subarray(from, to), this.sampleRate);
  }

  /** Which share of its energy is one frequency: 1 for a pure tone of it, near 0 for anything else. */
  shareOf(hz: number): number {
    let re = 0;
    let im = 0;
    let energy = 0;
    for (let i = 0; i < this.samples.length; i++) {
      const sample = this.samples[i]!;
      const phase = (2 * Math.PI * hz * i) / this.sampleRate;
      re += sample * Math.cos(phase);
      im += sample * Math.sin(phase);
      energy += sample * sample;
    }
    return energy === 0 ? 0 : (2 * (re * re + im * im)) / (this.samples.length * energy);
  }

  /** The strongest frequency, to 10 Hz, up to 3.4 kHz; 0 for silence. Of 200 ms at most, from the middle. */
  get frequency(): number {
    const window = Math.min(this.samples.length, Math.round(this.sampleRate / 5));
    const from = (this.samples.length - window) >> 1;
    const middle = new Heard(this.samples.subarray(from, from + window), this.sampleRate);
    if (middle.isSilent) return 0;
    let best = 0;
    let most = 0;
    for (let hz = 50; hz <= Math.min(3400, this.sampleRate / 2); hz += 10) {
      const share = middle.shareOf(hz);
      if (share > most) {
        most = share;
        best = hz;
      }
    }
    return best;
  }

  /** Where the sound begins, in milliseconds; undefined when all is silent. */
  get onsetMs(): number | undefined {
    const at = this.samples.findIndex((sample) => Math.abs(sample) > 500);
    return at < 0 ? undefined : (at * 1000) / this.sampleRate;
  }

  /** Silences inside the sound longer than so much: gaps that a listener would hear. */
  gaps(longerThanMs = 20): readonly { readonly atMs: number; readonly durationMs: number }[] {
    const gaps: { atMs: number; durationMs: number }[] = [];
    const step = Math.round(this.sampleRate / 200);
    let silentFrom: number | undefined;
    let hasBegun = false;
    for (let at = 0; at + step <= this.samples.length; at += step) {
      const isSilent = new Heard(this.samples.subarray(at, at + step), this.sampleRate).isSilent;
      if (isSilent) silentFrom ??= at;
      else {
        const durationMs = silentFrom === undefined ? 0 : ((at - silentFrom) * 1000) / this.sampleRate;
        if (hasBegun && durationMs > longerThanMs) gaps.push({ atMs: (silentFrom! * 1000) / this.sampleRate, durationMs });
        hasBegun = true;
        silentFrom = undefined;
      }
    }
    return gaps;
  }
}
