// Adding sounds and changing their level, saturating instead of wrapping, without steps.

function saturate(value: number): number {
  return value > 32767 ? 32767 : value < -32768 ? -32768 : value;
}

/** Adds `source[from..from+count)` to `target[at..]`. */
export function mixInto(target: Int16Array, source: Int16Array, count: number, at = 0, from = 0): void {
  for (let i = 0; i < count; i++) target[at + i] = saturate(target[at + i]! + source[from + i]!);
}

/** A frame to which many add their sound, and from which each takes what the others said. */
export class MixBus {
  readonly #sum: Int32Array;

  constructor(frameLength: number) {
    this.#sum = new Int32Array(frameLength);
  }

  /** A new frame begins. */
  clear(): void {
    this.#sum.fill(0);
  }

  add(samples: Int16Array, count: number, at = 0): void {
    for (let i = 0; i < count; i++) this.#sum[i]! += samples[at + i]!;
  }

  /** The sum, less the listener's own part when that is given. */
  take(out: Int16Array, count: number, at = 0, own?: Int16Array, ownAt = 0): void {
    for (let i = 0; i < count; i++) out[at + i] = saturate(this.#sum[i]! - (own ? own[ownAt + i]! : 0));
  }
}

/** The factor of a change in decibels. */
export function gainOf(decibels: number): number {
  return 10 ** (decibels / 20);
}

/** A volume knob: what it is turned to is reached over some milliseconds, so that turning is not heard as a click. */
export class Gain {
  readonly #perMs: number;
  #gain: number;
  #target: number;
  #step = 0;

  constructor(sampleRate: number, gain = 1) {
    this.#perMs = sampleRate / 1000;
    this.#gain = gain;
    this.#target = gain;
  }

  get gain(): number {
    return this.#gain;
  }

  set(gain: number, overMs = 20): void {
    this.#target = gain;
    const steps = Math.max(1, Math.round(overMs * this.#perMs));
    this.#step = (gain - this.#gain) / steps;
  }

  /** In place. */
  process(samples: Int16Array, count: number, at = 0): void {
    let i = at;
    const end = at + count;
    for (; i < end && this.#gain !== this.#target; i++) {
      const next = this.#gain + this.#step;
      this.#gain = this.#step === 0 || (this.#step > 0 ? next >= this.#target : next <= this.#target) ? this.#target : next;
      samples[i] = saturate(Math.round(samples[i]! * this.#gain));
    }
    if (this.#target === 1) return;
    for (; i < end; i++) samples[i] = saturate(Math.round(samples[i]! * this.#target));
  }
}
