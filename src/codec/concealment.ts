// Hides lost packets of codecs that have no way of their own: repeats the last pitch periods, then fades (in the spirit of ITU-T G.711 Appendix I).
//
// The first 10 ms repeat one period at full level, the next 10 two, then three, so that it does not buzz; from 10 ms on the level falls, and is zero at
// 60. Where the sound comes back, the repetition runs on beneath it for a moment. Unlike the Appendix nothing is delayed: there the last 3.75 ms are
// kept back to be bent towards the repetition, here the repetition is bent to where the sound broke off.

const shortestPeriodMs = 5;
const longestPeriodMs = 15;
/** Deviation: the Appendix compares 20 ms. The shorter one follows speech better: 1 to 2 dB less error over voiced frames. */
const matchMs = 10;
const fullLevelMs = 10;
const silentAfterMs = 60;
const longestFadeInMs = 10;
/** The first search for the period looks at this many samples a second. */
const coarseRate = 4000;

/** What is at work while sound is missing. */
interface Gap {
  /** What was heard when it broke off, oldest first. */
  readonly heard: Int16Array;
  /** The end of the stretch, bent so that its beginning follows. A quarter of a period. */
  readonly bend: Int16Array;
  /** The former, shorter stretch while the next one fades in over it. */
  readonly carry: Int16Array;
}

/** Few of many calls miss something at a time: what one is done with serves the next, and no more than these wait for it. */
const resting: Gap[] = [];
const mostResting = 16;

function takeGap(length: number, perMs: number): Gap {
  const at = resting.findIndex(({ heard }) => heard.length === length);
  if (at >= 0) return resting.splice(at, 1)[0]!;
  const quarter = Math.ceil((longestPeriodMs * perMs) / 4);
  return { heard: new Int16Array(length), bend: new Int16Array(quarter), carry: new Int16Array(quarter) };
}

export class Concealer {
  readonly sampleRate: number;
  readonly #perMs: number;
  readonly #fullLength: number;
  readonly #silentAfter: number;
  /** The last samples that went out, in a ring; `#next` is where the oldest stands. */
  readonly #past: Int16Array;
  readonly #pastLength: number;
  #next = 0;
  /** Frames that went out after that, where they lie: in somebody's memory who keeps them, one a stride. Copied only when they are needed. */
  #kept: Int16Array | undefined;
  #keptFrames = 0;
  #keptCount = 0;
  #keptStride = 0;
  #keptAt = 0;

  /** Samples since the sound broke off; 0 while it is whole. */
  #missing = 0;
  #gap: Gap | undefined;
  #period = 0;
  #periods = 0;
  /** Where in the repeated stretch the next sample stands. */
  #at = 0;
  /** The beginning of the repetition is moved to where the sound was, by less and less. */
  #offset = 0;
  #carried = 0;
  /** Samples over which the returning sound still fades in, and how many that were. */
  #fadeIn = 0;
  #fadeInLength = 0;

  constructor(sampleRate: number) {
    this.sampleRate = sampleRate;
    this.#perMs = sampleRate / 1000;
    this.#fullLength = Math.round(fullLevelMs * this.#perMs);
    this.#silentAfter = Math.round(silentAfterMs * this.#perMs);
    this.#pastLength = Math.ceil(3.25 * longestPeriodMs * this.#perMs);
    this.#past = new Int16Array(this.#pastLength);
  }

  /** Nothing is left of the sound: more of the gap is silence. */
  get isSilent(): boolean {
    return this.#missing >= this.#silentAfter;
  }

  /**
   * A frame that came, before it is heard: remembered, and after a gap faded in where it stands. `isKept`: it stays there, unchanged, for a
   * quarter of a second at least.
   */
  good(samples: Int16Array, count: number, at = 0, isKept = false): void {
    if (this.#missing > 0) {
      if (this.#fadeInLength === 0) {
        // Appendix I §I.2.7: a quarter period, and 4 ms more for each 10 ms that were lost.
        const wanted = (this.#period >> 2) + 0.4 * this.#missing;
        this.#fadeIn = this.#fadeInLength = Math.max(1, Math.round(Math.min(wanted, longestFadeInMs * this.#perMs)));
      }
      for (let i = 0; i < count && this.#fadeIn > 0; i++, this.#fadeIn--) {
        const share = this.#fadeIn / (this.#fadeInLength + 1);
        samples[at + i] = Math.round(share * this.#repeat() + (1 - share) * samples[at + i]!);
      }
      if (this.#fadeIn === 0) {
        this.#missing = this.#fadeInLength = 0;
        this.#leaveGap();
      }
    }
    if (isKept) this.#keep(samples, count, at);
    else this.#remember(samples, count, at);
  }

  /** A frame that did not. */
  conceal(out: Int16Array, count: number, at = 0): void {
    // The sound broke off again before it was quite back: what had come back is what is repeated now.
    if (this.#missing === 0 || this.#fadeInLength > 0) this.#breakOff();
    for (let i = 0; i < count; i++) out[at + i] = Math.round(this.#repeat());
    this.#remember(out, count, at);
    if (this.isSilent) this.#leaveGap();
  }

  /** Forgets the past: the next frame is the first of another sound. */
  reset(): void {
    this.#past.fill(0);
    this.#kept = undefined;
    this.#keptFrames = 0;
    this.#missing = this.#fadeIn = this.#fadeInLength = 0;
    this.#leaveGap();
  }

  #leaveGap(): void {
    if (this.#gap !== undefined && resting.length < mostResting) resting.push(this.#gap);
    this.#gap = undefined;
  }

  #keep(samples: Int16Array, count: number, at: number): void {
    const stride = at - this.#keptAt;
    const follows =
      samples === this.#kept && count === this.#keptCount && stride > 0 && (this.#keptFrames === 1 || stride === this.#keptStride);
    if (!follows) {
      this.#takeKept();
      this.#kept = samples;
      this.#keptCount = count;
    }
    this.#keptStride = stride;
    this.#keptAt = at;
    this.#keptFrames++;
  }

  #takeKept(): void {
    const kept = this.#kept;
    if (kept === undefined) return;
    const count = this.#keptCount;
    for (let ago = Math.min(this.#keptFrames, Math.ceil(this.#pastLength / count)) - 1; ago >= 0; ago--)
      this.#copy(kept, count, this.#keptAt - ago * this.#keptStride);
    this.#kept = undefined;
    this.#keptFrames = 0;
  }

  #remember(samples: Int16Array, count: number, at: number): void {
    this.#takeKept();
    this.#copy(samples, count, at);
  }

  #copy(samples: Int16Array, count: number, at: number): void {
    const past = this.#past;
    let next = this.#next;
    for (let i = Math.max(0, count - past.length); i < count; i++) {
      past[next] = samples[at + i]!;
      if (++next === past.length) next = 0;
    }
    this.#next = next;
  }

  #breakOff(): void {
    this.#takeKept();
    const past = this.#past;
    const length = past.length;
    this.#gap ??= takeGap(length, this.#perMs);
    const { heard } = this.#gap;
    for (let i = 0, from = this.#next; i < length; i++) {
      heard[i] = past[from]!;
      if (++from === length) from = 0;
    }
    this.#missing = this.#fadeIn = this.#fadeInLength = this.#carried = 0;
    this.#period = findPeriod(heard, this.#perMs);
    this.#stretch(1);
    this.#at = 0;
    this.#offset = heard[length - 1]! - heard[length - 1 - this.#period]!;
  }

  /** Repeats that many periods from now on. */
  #stretch(periods: number): void {
    const { heard, bend } = this.#gap!;
    const quarter = this.#period >> 2;
    this.#periods = periods;
    for (let i = 0, end = heard.length - quarter; i < quarter; i++, end++) {
      const share = (i + 1) / (quarter + 1);
      bend[i] = (1 - share) * heard[end]! + share * heard[end - periods * this.#period]!;
    }
  }

  /** The next sample of the stretch. */
  #step(): number {
    const { heard, bend } = this.#gap!;
    const length = this.#periods * this.#period;
    const intoBend = this.#at - length + (this.#period >> 2);
    const sample = intoBend >= 0 ? bend[intoBend]! : heard[heard.length - length + this.#at]!;
    if (++this.#at === length) this.#at = 0;
    return sample;
  }

  /** The next sample of the repetition, at its level. */
  #repeat(): number {
    const full = this.#fullLength;
    const silent = this.#silentAfter;
    if (this.#missing >= silent) return 0;
    const quarter = this.#period >> 2;
    if (this.#missing > 0 && this.#missing % full === 0 && this.#periods < 3) {
      const at = this.#at;
      const { carry } = this.#gap!;
      for (let i = 0; i < quarter; i++) carry[i] = this.#step();
      this.#carried = quarter;
      this.#stretch(this.#periods + 1);
      this.#at = at;
    }
    let sample = this.#step();
    if (this.#missing < quarter) sample += this.#offset * (1 - this.#missing / quarter);
    if (this.#carried > 0) {
      const share = this.#carried / (quarter + 1);
      sample = share * this.#gap!.carry[quarter - this.#carried]! + (1 - share) * sample;
      this.#carried--;
    }
    const level = this.#missing < full ? 1 : (silent - this.#missing) / (silent - full);
    this.#missing++;
    return Math.min(32767, Math.max(-32768, level * sample));
  }
}

/** The lag at which the last 10 ms are most like what was before them: by every n-th sample first, then near the best by all. */
function findPeriod(heard: Int16Array, perMs: number): number {
  const coarse = Math.max(1, Math.round((perMs * 1000) / coarseRate));
  const shortest = Math.round(shortestPeriodMs * perMs);
  const longest = Math.round(longestPeriodMs * perMs);
  const length = Math.round(matchMs * perMs);
  const rough = mostAlike(heard, length, shortest, longest, coarse);
  return mostAlike(heard, length, Math.max(shortest, rough - 2), Math.min(longest, rough + 2), 1);
}

function mostAlike(heard: Int16Array, length: number, shortest: number, longest: number, step: number): number {
  const end = heard.length;
  let best = longest;
  let likeness = 0;
  for (let lag = shortest; lag <= longest; lag++) {
    let product = 0;
    let energy = 1;
    for (let i = end - length; i < end; i += step) {
      const earlier = heard[i - lag]!;
      product += heard[i]! * earlier;
      energy += earlier * earlier;
    }
    const alike = product > 0 ? (product * product) / energy : 0;
    if (alike > likeness) {
      likeness = alike;
      best = lag;
    }
  }
  return best;
}
