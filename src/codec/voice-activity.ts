// Tells speech from noise: how far each band of the telephone's spectrum stands over a noise floor that is learnt band by band.
// Finer detectors can take its place: they have the same face.
import { OptionError } from '../errors.js';
import { dbovOf } from './level.js';
import { Spectrum } from './spectrum.js';

export interface VoiceDetector {
  readonly sampleRate: number;
  /** What was last said of the sound. */
  readonly isSpeech: boolean;
  /** The last moment sounds like speech, by itself: enough to lower one's voice for, not to fall silent. @default isSpeech */
  readonly mayBeSpeech?: boolean;
  /** Takes the next samples, any number; whether there is speech at their end. */
  process(samples: Int16Array, count: number, at?: number): boolean;
  /** Forgets the past. */
  reset(): void;
  /** Gives back what it holds: its call is over. */
  close?(): void;
}

export interface VoiceActivityOptions {
  readonly sampleRate: number;
  /** How far speech must stand above the noise, in dB, were it in all bands alike. @default 3 */
  readonly marginDb?: number;
  /** What is softer is never speech, in dBov. @default -52 */
  readonly lowestDbov?: number;
  /** Speech begins when it has lasted this long: shorter is a click. @default 30 */
  readonly attackMs?: number;
  /** Speech is over when it has not been heard for this long: longer than the pauses inside of words. @default 300 */
  readonly hangoverMs?: number;
}

/** All is looked at as a telephone carries it, 10 ms at a time through a window of 16. */
const bandRate = 8000;
const hop = 80;
const size = 128;
const frameMs = 10;
/** Edges in bins of 62.5 Hz: about as wide as the ear's, from 160 to 3780 Hz. Below is hum. */
const edges = [2.5, 4, 6, 8, 10, 12, 15, 18, 21, 25, 29, 34, 40, 47, 54, 60.5].map(Math.round);
const bands = edges.length - 1;
/** The floor of a band is its softest moment of the last two seconds: speech pauses within them, and a fan that starts is forgotten after them. */
const spans = 8;
const framesPerSpan = 25;
/** The floor rises as fast as noise does, and sinks slowly: where many talk there is no silence between two voices. Only in the beginning it sinks as fast. */
const rise = 0.08;
const sink = 0.02;
const beginningFrames = 30;
/** It is no more than 13 dB over its softest moment: more, and a soft voice would hide itself. */
const mostOverSoftest = 20;
/** Until it is learnt, noise is not thought to be louder. */
const startFloorDbov = -30;
/** No line is more silent; and G.711 is rougher than that. */
const lowestFloorDbov = -78;
/** One band that stands over its floor says no more than if it were so many times as strong: a whistle is not a voice. */
const mostOfOneBand = 6.5;
/** Who is 17 dB softer than the voice heard before stands behind it. */
const background = 0.02;

/** Hann over what is old, flat over what is new: a sound that begins is seen at once. */
const window = Float64Array.from({ length: size }, (_, i) => {
  const rise = size - hop;
  if (i < rise) return 0.5 - 0.5 * Math.cos((Math.PI * (i + 0.5)) / rise);
  return i > size - 17 ? 0.5 - 0.5 * Math.cos((Math.PI * (size - i - 0.5)) / 16) : 1;
});
const windowEnergy = window.reduce((sum, weight) => sum + weight * weight, 0);
/** Mean square of a signal to the power of all its bins, and back. */
const powerOfDbov = (dbov: number): number => 32768 * 32768 * 10 ** (dbov / 10) * windowEnergy;

export class VoiceActivity implements VoiceDetector {
  readonly sampleRate: number;
  readonly #threshold: number;
  readonly #lowestPower: number;
  readonly #attackFrames: number;
  readonly #hangoverFrames: number;
  readonly #spectrum = new Spectrum(size, window);

  #isSpeech = false;
  #mayBeSpeech = false;
  /** The last 16 ms at 8 kHz, and the sample being gathered for it. */
  readonly #recent = new Float64Array(size);
  #filled = 0;
  #phase = 0;
  #sum = 0;
  #count = 0;
  #loud = 0;
  #soft = 0;
  readonly #power = new Float64Array(bands);
  readonly #smooth = new Float64Array(bands);
  readonly #ratio = new Float64Array(bands);
  readonly #noise = new Float64Array(bands);
  /** Softest of each span, band by band; the oldest span gives way to the newest. */
  readonly #softest = new Float64Array(bands * spans);
  #span = 0;
  #framesInSpan = 0;
  #frames = 0;
  /** Power of the voice that is heard here. */
  #voice = 0;
  /** Energy of the loudest 10 ms of late. */
  #peak = 0;

  constructor(options: VoiceActivityOptions) {
    const { sampleRate, marginDb = 3, lowestDbov = -52, attackMs = 30, hangoverMs = 300 } = options;
    if (!(sampleRate >= 8000 && sampleRate <= 48000)) throw new OptionError('sampleRate', '8000 to 48000 Hz');
    if (!(attackMs >= 0 && hangoverMs >= 0)) throw new OptionError('attackMs, hangoverMs', 'not negative');
    this.sampleRate = sampleRate;
    this.#threshold = bands * evidenceOf(10 ** (marginDb / 10));
    this.#lowestPower = powerOfDbov(lowestDbov);
    this.#attackFrames = Math.max(1, Math.round(attackMs / frameMs));
    this.#hangoverFrames = Math.max(1, Math.round(hangoverMs / frameMs));
    this.reset();
  }

  get isSpeech(): boolean {
    return this.#isSpeech;
  }

  get mayBeSpeech(): boolean {
    return this.#mayBeSpeech;
  }

  /** What counts as noise at the moment, in dBov. */
  get floorDbov(): number {
    let sum = 0;
    for (let b = 0; b < bands; b++) sum += this.#noise[b]!;
    return dbovOf(sum / windowEnergy);
  }

  process(samples: Int16Array, count: number, at = 0): boolean {
    const step = bandRate / this.sampleRate;
    for (let i = at; i < at + count; i++) {
      this.#sum += samples[i]!;
      this.#count++;
      this.#phase += step;
      if (this.#phase < 1 - 1e-9) continue;
      this.#phase -= 1;
      this.#recent[size - hop + this.#filled] = this.#sum / this.#count;
      this.#sum = this.#count = 0;
      if (++this.#filled < hop) continue;
      this.#judge();
      this.#recent.copyWithin(0, hop);
      this.#filled = 0;
    }
    return this.#isSpeech;
  }

  reset(): void {
    this.#isSpeech = this.#mayBeSpeech = false;
    this.#filled =
      this.#phase =
      this.#sum =
      this.#count =
      this.#loud =
      this.#soft =
      this.#span =
      this.#framesInSpan =
      this.#frames =
      this.#voice =
      this.#peak =
        0;
    this.#recent.fill(0);
    const start = powerOfDbov(startFloorDbov) / bands;
    this.#noise.fill(start);
    this.#smooth.fill(start);
    this.#softest.fill(start);
    this.#ratio.fill(1);
  }

  #judge(): void {
    const total = this.#measure();
    let evidence = 0;
    for (let b = 0; b < bands; b++) {
      const ratio = 0.3 * this.#ratio[b]! + 0.7 * Math.min(mostOfOneBand, this.#power[b]! / this.#noise[b]!);
      this.#ratio[b] = ratio;
      evidence += evidenceOf(ratio);
    }
    const isLoud = total > Math.max(this.#lowestPower, this.#voice * background) && evidence > this.#threshold;
    this.#mayBeSpeech = this.#isLasting() && isLoud;
    const pace = !isLoud ? 0.001 : total > this.#voice ? 0.2 : 0.005;
    this.#voice += pace * ((isLoud ? total : 0) - this.#voice);
    if (isLoud) {
      this.#loud++;
      this.#soft = 0;
      if (this.#loud >= this.#attackFrames) this.#isSpeech = true;
    } else {
      this.#soft++;
      // A soft frame inside of a syllable does not begin it anew.
      this.#loud = Math.max(0, this.#loud - 1);
      if (this.#soft >= this.#hangoverFrames) {
        this.#isSpeech = false;
        this.#loud = 0;
      }
    }
    this.#learn(isLoud || this.#isSpeech);
  }

  /** False where the last 10 ms are much softer than the moment before: what the window still holds has ended. */
  #isLasting(): boolean {
    let sum = 0;
    let squares = 0;
    for (let i = size - hop; i < size; i++) {
      sum += this.#recent[i]!;
      squares += this.#recent[i]! * this.#recent[i]!;
    }
    const energy = squares - (sum * sum) / hop;
    this.#peak = Math.max(energy, 0.8 * this.#peak);
    return energy > 0.1 * this.#peak;
  }

  /** Power of each band; of all together. */
  #measure(): number {
    const power = this.#spectrum.of(this.#recent);
    let total = 0;
    for (let b = 0; b < bands; b++) {
      let sum = 0;
      for (let k = edges[b]!; k < edges[b + 1]!; k++) sum += power[k]!;
      // Both halves of the spectrum, over its size: so that all bins together are the energy in the window.
      this.#power[b] = (2 * sum) / size;
      total += this.#power[b]!;
    }
    return total;
  }

  /** Where there is no speech the floor follows the noise; in any case it is never far from the softest of two seconds. */
  #learn(isSpeech: boolean): void {
    const lowest = powerOfDbov(lowestFloorDbov) / bands;
    const isNewSpan = this.#framesInSpan === 0;
    const isNew = ++this.#frames < beginningFrames;
    for (let b = 0; b < bands; b++) {
      const width = edges[b + 1]! - edges[b]!;
      const smooth = 0.8 * this.#smooth[b]! + 0.2 * this.#power[b]!;
      this.#smooth[b] = smooth;
      const at = b * spans;
      if (isNewSpan || smooth < this.#softest[at + this.#span]!) this.#softest[at + this.#span] = smooth;
      let softest = this.#softest[at]!;
      for (let s = 1; s < spans; s++) softest = Math.min(softest, this.#softest[at + s]!);
      const bias = 1 + 1.1 / Math.sqrt(width);
      const change = Math.min(this.#power[b]!, 4 * this.#noise[b]!) - this.#noise[b]!;
      if (!isSpeech) this.#noise[b]! += (change > 0 || isNew ? rise : sink) * change;
      this.#noise[b] = Math.max(lowest, softest * bias, Math.min(this.#noise[b]!, mostOverSoftest * softest * bias));
    }
    if (++this.#framesInSpan === framesPerSpan) {
      this.#framesInSpan = 0;
      this.#span = (this.#span + 1) % spans;
    }
  }
}

/** How much a band that stands so far over its floor speaks for speech: the likelihood ratio at the likeliest signal. */
function evidenceOf(ratio: number): number {
  return ratio > 1 ? ratio - 1 - Math.log(ratio) : 0;
}
