// Tells speech from silence by its energy over a noise floor that it learns. Finer detectors can take its place: they have the same face.
import { OptionError } from '../errors.js';
import { dbovOf } from './level.js';

export interface VoiceDetector {
  readonly sampleRate: number;
  /** What was last said of the sound. */
  readonly isSpeech: boolean;
  /** Takes the next samples, any number; whether there is speech at their end. */
  process(samples: Int16Array, count: number, at?: number): boolean;
  /** Forgets the past. */
  reset(): void;
}

export interface VoiceActivityOptions {
  readonly sampleRate: number;
  /** How far speech must stand above the noise, in dB. @default 9 */
  readonly marginDb?: number;
  /** What is softer is never speech, in dBov. @default -50 */
  readonly lowestDbov?: number;
  /** Speech begins when it has lasted this long: shorter is a click. @default 40 */
  readonly attackMs?: number;
  /** Speech is over when it has not been heard for this long: longer than the pauses inside of words. @default 300 */
  readonly hangoverMs?: number;
}

const frameMs = 10;
/** The floor is the softest frame of the last two seconds: speech pauses within them, and a fan that starts is forgotten after them. */
const spans = 8;
const framesPerSpan = 25;
/** The softest of so many frames lies about this far under the mean of the noise. */
const floorBiasDb = 2;
/** Until it is learnt, noise is not thought to be louder. */
const startFloorDbov = -40;

export class VoiceActivity implements VoiceDetector {
  readonly sampleRate: number;
  readonly #marginDb: number;
  readonly #lowestDbov: number;
  readonly #attackFrames: number;
  readonly #hangoverFrames: number;
  readonly #frameLength: number;

  #isSpeech = false;
  /** The frame at work: its energy without hum and offset, and the memory of that filter. */
  #filled = 0;
  #energy = 0;
  #lastIn = 0;
  #lastOut = 0;
  /** Loud frames of late, and soft ones since the last loud one. */
  #loud = 0;
  #soft = 0;
  /** Softest frame of each span; the oldest span gives way to the newest. */
  readonly #softest = new Float64Array(spans).fill(startFloorDbov);
  #span = 0;
  #framesInSpan = 0;
  #floor = startFloorDbov;

  constructor(options: VoiceActivityOptions) {
    const { sampleRate, marginDb = 9, lowestDbov = -50, attackMs = 40, hangoverMs = 300 } = options;
    if (!(sampleRate >= 8000 && sampleRate <= 48000)) throw new OptionError('sampleRate', '8000 to 48000 Hz');
    if (!(attackMs >= 0 && hangoverMs >= 0)) throw new OptionError('attackMs, hangoverMs', 'not negative');
    this.sampleRate = sampleRate;
    this.#marginDb = marginDb;
    this.#lowestDbov = lowestDbov;
    this.#attackFrames = Math.max(1, Math.round(attackMs / frameMs));
    this.#hangoverFrames = Math.max(1, Math.round(hangoverMs / frameMs));
    this.#frameLength = Math.round((sampleRate * frameMs) / 1000);
  }

  get isSpeech(): boolean {
    return this.#isSpeech;
  }

  /** What counts as noise at the moment, in dBov. */
  get floorDbov(): number {
    return this.#floor;
  }

  process(samples: Int16Array, count: number, at = 0): boolean {
    // One pole and one zero: what is under some 60 Hz (at 8 kHz) is not speech.
    const keep = 1 - 400 / this.sampleRate;
    for (let i = at; i < at + count; i++) {
      const sample = samples[i]!;
      this.#lastOut = sample - this.#lastIn + keep * this.#lastOut;
      this.#lastIn = sample;
      this.#energy += this.#lastOut * this.#lastOut;
      if (++this.#filled === this.#frameLength) {
        this.#judge(dbovOf(this.#energy / this.#frameLength));
        this.#filled = this.#energy = 0;
      }
    }
    return this.#isSpeech;
  }

  reset(): void {
    this.#isSpeech = false;
    this.#filled = this.#energy = this.#lastIn = this.#lastOut = this.#loud = this.#soft = this.#span = this.#framesInSpan = 0;
    this.#softest.fill(startFloorDbov);
    this.#floor = startFloorDbov;
  }

  #judge(dbov: number): void {
    const isLoud = dbov > Math.max(this.#lowestDbov, this.#floor + this.#marginDb);
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
    this.#learn(dbov);
  }

  #learn(dbov: number): void {
    if (this.#framesInSpan === 0 || dbov < this.#softest[this.#span]!) this.#softest[this.#span] = dbov;
    if (++this.#framesInSpan === framesPerSpan) {
      this.#framesInSpan = 0;
      this.#span = (this.#span + 1) % spans;
    }
    let floor = this.#softest[0]!;
    for (let i = 1; i < spans; i++) floor = Math.min(floor, this.#softest[i]!);
    this.#floor = floor + floorBiasDb;
  }
}
