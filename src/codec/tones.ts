// Tones: DTMF keys (ITU-T Q.23), what a line sounds like while it rings or is busy (ITU-T E.180 and its list of countries), plain sines.
import { OptionError } from '../errors.js';
import { type DtmfDigit, dtmfFrequencies, isDtmfDigit } from './dtmf-keypad.js';

export interface ToneComponent {
  readonly hz: number;
  /** Level of this sine; 0 dBm0 is 3.14 dB below a full-scale one (ITU-T G.711 Table 5). */
  readonly dbm0: number;
}

/** A stretch of sines heard together; of none, silence. */
export interface TonePart {
  readonly ms: number;
  readonly components: readonly ToneComponent[];
}

export interface Tone {
  readonly parts: readonly TonePart[];
  /** `forever`: from the beginning again after the last part. */
  readonly repeat: 'once' | 'forever';
}

export interface DtmfOptions {
  /** @default 100 */
  readonly toneMs?: number;
  /** Silence between keys. @default 80 */
  readonly gapMs?: number;
  /** Of the lower sine; the higher one is 2 dB louder, for lines that swallow it. @default -9 */
  readonly dbm0?: number;
}

/** Full scale is +3.14 dBm0. */
function amplitudeOf(dbm0: number): number {
  return 32767 * 10 ** ((dbm0 - 3.14) / 20);
}

/** Keys, one after the other. Q.24 asks receivers to take 40 ms of tone and 40 ms of pause: less is refused. */
export function dtmfTone(digits: string, options: DtmfOptions = {}): Tone {
  const { toneMs = 100, gapMs = 80, dbm0 = -9 } = options;
  if (toneMs < 40) throw new OptionError('toneMs', 'at least 40 ms');
  if (gapMs < 40) throw new OptionError('gapMs', 'at least 40 ms');
  const parts = Array.from(digits.toUpperCase()).flatMap((digit, i): TonePart[] => {
    if (!isDtmfDigit(digit)) throw new OptionError('digits', '0 to 9, *, # and A to D');
    const tone = { ms: toneMs, components: dtmfComponents(digit, dbm0) };
    return i === 0 ? [tone] : [{ ms: gapMs, components: [] }, tone];
  });
  return { parts, repeat: 'once' };
}

function dtmfComponents(digit: DtmfDigit, dbm0: number): readonly ToneComponent[] {
  const [low, high] = dtmfFrequencies(digit);
  return [
    { hz: low, dbm0 },
    { hz: high, dbm0: dbm0 + 2 },
  ];
}

/** One sine, with soft edges. */
export function sineTone(hz: number, ms: number, dbm0 = -10): Tone {
  return { parts: [{ ms, components: [{ hz, dbm0 }] }], repeat: 'once' };
}

export type ToneCountry = 'au' | 'be' | 'br' | 'ca' | 'ch' | 'de' | 'es' | 'fr' | 'gb' | 'in' | 'it' | 'jp' | 'nl' | 'pl' | 'us';
export type CallProgress = 'ringback' | 'busy' | 'congestion';

/** Frequencies, then milliseconds on, off, on, off… */
type Cadence = readonly [hz: readonly number[], ...ms: readonly number[]];

const cadences: Readonly<Record<ToneCountry, Readonly<Record<CallProgress, Cadence>>>> = {
  au: { ringback: [[400, 425, 450], 400, 200, 400, 2000], busy: [[425], 375, 375], congestion: [[425], 375, 375] },
  be: { ringback: [[425], 1000, 3000], busy: [[425], 500, 500], congestion: [[425], 167, 167] },
  br: { ringback: [[425], 1000, 4000], busy: [[425], 250, 250], congestion: [[425], 250, 250, 750, 250] },
  ca: { ringback: [[440, 480], 2000, 4000], busy: [[480, 620], 500, 500], congestion: [[480, 620], 250, 250] },
  ch: { ringback: [[425], 1000, 4000], busy: [[425], 500, 500], congestion: [[425], 200, 200] },
  de: { ringback: [[425], 1000, 4000], busy: [[425], 480, 480], congestion: [[425], 240, 240] },
  es: { ringback: [[425], 1500, 3000], busy: [[425], 200, 200], congestion: [[425], 200, 200, 200, 200, 200, 600] },
  fr: { ringback: [[440], 1500, 3500], busy: [[440], 500, 500], congestion: [[440], 250, 250] },
  gb: { ringback: [[400, 450], 400, 200, 400, 2000], busy: [[400], 375, 375], congestion: [[400], 400, 350, 225, 525] },
  in: { ringback: [[400], 400, 200, 400, 2000], busy: [[400], 750, 750], congestion: [[400], 250, 250] },
  it: { ringback: [[425], 1000, 4000], busy: [[425], 500, 500], congestion: [[425], 200, 200] },
  jp: { ringback: [[400], 1000, 2000], busy: [[400], 500, 500], congestion: [[400], 500, 500] },
  nl: { ringback: [[425], 1000, 4000], busy: [[425], 500, 500], congestion: [[425], 250, 250] },
  pl: { ringback: [[425], 1000, 4000], busy: [[425], 500, 500], congestion: [[425], 500, 500] },
  us: { ringback: [[440, 480], 2000, 4000], busy: [[480, 620], 500, 500], congestion: [[480, 620], 250, 250] },
};

/** What a caller of that country is used to hear. Goes on until it is stopped. */
export function progressTone(kind: CallProgress, country: ToneCountry = 'us'): Tone {
  const cadence = cadences[country]?.[kind];
  if (!cadence) throw new OptionError('country', `one of ${Object.keys(cadences).join(', ')}; and ringback, busy or congestion`);
  const [hz, ...ms] = cadence;
  const components = hz.map((frequency) => ({ hz: frequency, dbm0: -13 - 10 * Math.log10(hz.length) }));
  return { parts: ms.map((length, i) => ({ ms: length, components: i % 2 === 0 ? components : [] })), repeat: 'forever' };
}

/** Edges rise and fall over this long; shorter ones are heard as clicks, longer ones cost a key its time. */
const edgeMs = 3;

/** Plays a tone, in pieces of any size. */
export class ToneGenerator {
  readonly sampleRate: number;
  readonly #tone: Tone;
  #part = 0;
  /** Samples of the part already played. */
  #at = 0;

  constructor(tone: Tone, sampleRate: number) {
    this.sampleRate = sampleRate;
    this.#tone = tone;
    for (const { ms, components } of tone.parts) {
      if (!(ms > 0 && ms <= 3_600_000)) throw new OptionError('tone.parts.ms', 'more than 0, an hour at most');
      if (components.some(({ hz }) => !(hz > 0 && hz < sampleRate / 2)))
        throw new OptionError('tone.parts.hz', 'between 0 and half the sample rate');
    }
  }

  /** The samples written: fewer than `count` only at the end. */
  fill(out: Int16Array, count: number, at = 0): number {
    const { parts, repeat } = this.#tone;
    let to = at;
    while (to < at + count) {
      if (this.#part === parts.length) {
        if (repeat === 'once' || parts.length === 0) break;
        this.#part = 0;
      }
      const part = parts[this.#part]!;
      const length = Math.max(1, Math.round((part.ms * this.sampleRate) / 1000));
      const run = Math.min(length - this.#at, at + count - to);
      this.#play(part, length, out, to, run);
      to += run;
      this.#at += run;
      if (this.#at === length) {
        this.#at = 0;
        this.#part++;
      }
    }
    return to - at;
  }

  #play({ components }: TonePart, length: number, out: Int16Array, at: number, count: number): void {
    const edge = Math.max(1, Math.min(length / 2, (edgeMs * this.sampleRate) / 1000));
    for (let i = 0; i < count; i++) {
      const t = this.#at + i;
      let sum = 0;
      for (let k = 0; k < components.length; k++) {
        const { hz, dbm0 } = components[k]!;
        sum += amplitudeOf(dbm0) * Math.sin((2 * Math.PI * hz * t) / this.sampleRate);
      }
      const fromEdge = Math.min(t, length - 1 - t);
      if (fromEdge < edge) sum *= 0.5 - 0.5 * Math.cos((Math.PI * fromEdge) / edge);
      out[at + i] = Math.max(-32768, Math.min(32767, Math.round(sum)));
    }
  }
}

/** All of a tone that ends; a single round of one that does not. */
export function renderTone(tone: Tone, sampleRate: number): Int16Array {
  const parts = tone.parts.map(({ ms }) => Math.max(1, Math.round((ms * sampleRate) / 1000)));
  const out = new Int16Array(parts.reduce((sum, length) => sum + length, 0));
  new ToneGenerator(tone, sampleRate).fill(out, out.length);
  return out;
}
