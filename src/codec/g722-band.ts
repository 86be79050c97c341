// The two sub-band ADPCM coders of G.722: adaptive quantiser, and a predictor of two poles and six zeros (ITU-T G.722 §3, §6.2).
// Names in capitals are those of the recommendation's blocks. All of it is integer arithmetic, to be done in exactly this order.

/** Decision levels of the 60 level quantiser, in 1/8 of its scale factor (Table 14, Q6). */
// biome-ignore format: a table
const decisionLevels = Int32Array.of(
  0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
);

/** The lowest of them that is at least so much; 30 when none is. */
const levelAbove = Uint8Array.from({ length: 2921 }, (_, least) =>
  least > 2919 ? 30 : decisionLevels.findIndex((level, i) => i > 0 && level >= least),
);

/** Output levels of the 6, 5 and 4 bit inverse quantisers of the lower band (QM6, QM5, QM4), and the 2 bits of the higher (QM2). */
// biome-ignore format: a table
const levels6 = Int32Array.of(
  -136, -136, -136, -136, -24808, -21904, -19008, -16704, -14984, -13512, -12280, -11192, -10232, -9360, -8576, -7856,
  -7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576, -3168, -2776, -2400, -2032, -1688, -1360, -1040, -728,
  24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
  4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728, 432, 136, -432, -136,
);
// biome-ignore format: a table
const levels5 = Int32Array.of(
  -280, -280, -23352, -17560, -14120, -11664, -9752, -8184, -6864, -5712, -4696, -3784, -2960, -2208, -1520, -880,
  23352, 17560, 14120, 11664, 9752, 8184, 6864, 5712, 4696, 3784, 2960, 2208, 1520, 880, 280, -280,
);
const levels4 = Int32Array.of(0, -20456, -12896, -8968, -6288, -4240, -2584, -1200, 20456, 12896, 8968, 6288, 4240, 2584, 1200, 0);
const levels2 = Int32Array.of(-7408, -1616, 7408, 1616);

/** What each code adds to the logarithm of the scale factor (WL through RL4, WH through RH2). */
const growth4 = Int32Array.of(-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60);
const growth2 = Int32Array.of(798, -214, 798, -214);

/** 2048 · 2^(i/32) (ILB). */
// biome-ignore format: a table
const antilogarithms = Int32Array.of(
  2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
  2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
);

function saturate(value: number): number {
  return value > 32767 ? 32767 : value < -32768 ? -32768 : value;
}

// Signs of speech are as good as random: a branch on them is guessed wrong every second time. So they are masks, all ones for true.
function unlike(a: number, b: number): number {
  return (a ^ b) >> 31;
}

function negatedIf(mask: number, value: number): number {
  return (value ^ mask) - mask;
}

/** A weight of a zero: forgets a 256th, and goes a step towards the sign that would have been right. */
function adapted(weight: number, step: number): number {
  return saturate(step + ((weight * 32640) >> 15));
}

/** §6.2.1.3: the bits that a decoder may lose to data in the same 64 kbit/s: none, one, two. */
export type G722Mode = 1 | 2 | 3;

/** One band's memory: scale factor and predictor. Its prediction is of the next sample. */
class Band {
  /** S: what the next sample is expected to be. */
  prediction = 0;
  /** DET: the quantiser's scale factor. */
  protected scale: number;
  readonly #smallestScale: number;
  /** NB: its logarithm, in 1/2048 of an octave. */
  #logScale = 0;
  /** SZ: the zeros' share of the prediction. */
  #zeros = 0;
  #pole1 = 0;
  #pole2 = 0;
  /** R1: the last reconstructed sample; P1, P2: what the zeros alone did not explain. */
  #reconstructed1 = 0;
  #partial1 = 0;
  #partial2 = 0;
  /** D1 to D6: the last six quantised differences, doubled as FILTEZ wants them, and B1 to B6: their weights. */
  readonly #doubled = new Int32Array(6);
  readonly #weights = new Int32Array(6);

  constructor(smallestScale: number) {
    this.#smallestScale = smallestScale;
    this.scale = smallestScale;
  }

  reset(): void {
    this.prediction = this.#logScale = this.#zeros = this.#pole1 = this.#pole2 = 0;
    this.#reconstructed1 = this.#partial1 = this.#partial2 = 0;
    this.#doubled.fill(0);
    this.#weights.fill(0);
    this.scale = this.#smallestScale;
  }

  /** LOGSCL and SCALEL, LOGSCH and SCALEH. `largest` is the logarithm's limit, `octave` the octave in which the table stands unshifted. */
  protected adaptScale(growth: number, largest: number, octave: number): void {
    const log = Math.min(Math.max(((this.#logScale * 127) >> 7) + growth, 0), largest);
    const mantissa = antilogarithms[(log >> 6) & 31]!;
    const shift = octave - (log >> 11);
    this.#logScale = log;
    this.scale = (shift < 0 ? mantissa << -shift : mantissa >> shift) << 2;
  }

  /** BLOCK4: takes the quantised difference in, adapts poles and zeros, and predicts the next sample. */
  protected adaptPrediction(difference: number): void {
    const reconstructed = saturate(this.prediction + difference); // RECONS
    const partial = saturate(this.#zeros + difference); // PARREC
    const unlikeLast = unlike(partial, this.#partial1);

    // UPPOL2, then UPPOL1, whose limit keeps the pair stable.
    const pull = Math.min(negatedIf(~unlikeLast, saturate(this.#pole1 << 2)), 32767);
    let pole2 = negatedIf(unlike(partial, this.#partial2), 128) + (pull >> 7) + ((this.#pole2 * 32512) >> 15);
    pole2 = pole2 > 12288 ? 12288 : pole2 < -12288 ? -12288 : pole2;
    let pole1 = saturate(negatedIf(unlikeLast, 192) + ((this.#pole1 * 32640) >> 15));
    const limit = 15360 - pole2;
    pole1 = pole1 > limit ? limit : pole1 < -limit ? -limit : pole1;

    // UPZERO, DELAYA and FILTEZ, written out: as a loop they take half as long again.
    const weights = this.#weights;
    const doubled = this.#doubled;
    const step = difference === 0 ? 0 : 128;
    const d0 = saturate(difference + difference);
    const d1 = doubled[0]!;
    const d2 = doubled[1]!;
    const d3 = doubled[2]!;
    const d4 = doubled[3]!;
    const d5 = doubled[4]!;
    const d6 = doubled[5]!;
    const b1 = adapted(weights[0]!, negatedIf(unlike(d1, difference), step));
    const b2 = adapted(weights[1]!, negatedIf(unlike(d2, difference), step));
    const b3 = adapted(weights[2]!, negatedIf(unlike(d3, difference), step));
    const b4 = adapted(weights[3]!, negatedIf(unlike(d4, difference), step));
    const b5 = adapted(weights[4]!, negatedIf(unlike(d5, difference), step));
    const b6 = adapted(weights[5]!, negatedIf(unlike(d6, difference), step));
    weights[0] = b1;
    weights[1] = b2;
    weights[2] = b3;
    weights[3] = b4;
    weights[4] = b5;
    weights[5] = b6;
    doubled[0] = d0;
    doubled[1] = d1;
    doubled[2] = d2;
    doubled[3] = d3;
    doubled[4] = d4;
    doubled[5] = d5;
    const zeros = saturate(
      ((b1 * d0) >> 15) + ((b2 * d1) >> 15) + ((b3 * d2) >> 15) + ((b4 * d3) >> 15) + ((b5 * d4) >> 15) + ((b6 * d5) >> 15),
    );

    // FILTEP and PREDIC.
    const poles = saturate(
      ((pole1 * saturate(reconstructed + reconstructed)) >> 15) + ((pole2 * saturate(2 * this.#reconstructed1)) >> 15),
    );
    this.prediction = saturate(poles + zeros);
    this.#zeros = zeros;
    this.#pole1 = pole1;
    this.#pole2 = pole2;
    this.#reconstructed1 = reconstructed;
    this.#partial2 = this.#partial1;
    this.#partial1 = partial;
  }
}

/** 0 to 4 kHz: 6 bits a sample, of which the upper 4 steer the adaptation, so that a decoder may miss the lower 2. */
export class LowerBand extends Band {
  constructor() {
    super(32);
  }

  encode(sample: number): number {
    const difference = saturate(sample - this.prediction); // SUBTRA
    // QUANTL: the lowest level with magnitude < (level · scale) >> 12, which is to say level >= (magnitude + 1) · 4096 / scale.
    const magnitude = difference ^ (difference >> 31);
    const low = levelAbove[Math.min(Math.ceil(((magnitude + 1) * 4096) / this.scale), levelAbove.length - 1)]!;
    // Codes run down from 61 for positive differences; for negative ones from 63, skipping those in between (ILP, ILN).
    const code = difference >= 0 ? 62 - low : low <= 2 ? 64 - low : 34 - low;
    this.#adapt(code >> 2);
    return code;
  }

  decode(code: number, mode: G722Mode): number {
    // INVQBL. The code has 6 bits; in modes 2 and 3 the lower ones are not audio.
    const level = mode === 1 ? levels6[code]! : mode === 2 ? levels5[code >> 1]! : levels4[code >> 2]!;
    const sample = this.prediction + ((this.scale * level) >> 15);
    this.#adapt(code >> 2);
    return sample > 16383 ? 16383 : sample < -16384 ? -16384 : sample; // LIMIT
  }

  #adapt(code: number): void {
    const difference = (this.scale * levels4[code]!) >> 15; // INVQAL
    this.adaptScale(growth4[code]!, 18432, 8);
    this.adaptPrediction(difference);
  }
}

/** 4 to 8 kHz: 2 bits a sample. */
export class HigherBand extends Band {
  constructor() {
    super(8);
  }

  encode(sample: number): number {
    const difference = saturate(sample - this.prediction); // SUBTRA
    const negative = difference >> 31;
    // QUANTH: 3 and 2 for small and large positive differences, 1 and 0 for negative ones.
    const isSmall = ((difference ^ negative) - ((564 * this.scale) >> 12)) >>> 31;
    const code = (2 & ~negative) | isSmall;
    this.#adapt(code);
    return code;
  }

  decode(code: number): number {
    const sample = this.prediction + this.#adapt(code);
    return sample > 16383 ? 16383 : sample < -16384 ? -16384 : sample; // LIMIT
  }

  /** The quantised difference. */
  #adapt(code: number): number {
    const difference = (this.scale * levels2[code]!) >> 15; // INVQAH
    this.adaptScale(growth2[code]!, 22528, 10);
    this.adaptPrediction(difference);
    return difference;
  }
}
