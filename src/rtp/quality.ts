/** How good a call sounds, from what was measured: the E-model, ITU-T G.107 (its defaults, loss and delay) with G.113 Appendix I. */
import type { CodecName } from '../codec/codec.js';

/** Codec by codec: what it costs on the R scale without loss (Ie), and how much loss it bears (Bpl). */
export interface Impairment {
  readonly ie: number;
  readonly bpl: number;
}

/**
 * G.113 Appendix I has G.711 with concealment (Ie 0, Bpl 25.1). The other codecs have no narrow-band entry, so they are rated as what
 * they carry: G.722 and L16 as waveform codecs concealed alike; Opus so, with the loss resistance of its own concealment.
 */
const IMPAIRMENTS: Readonly<Record<CodecName | 'unknown', Impairment>> = {
  pcmu: { ie: 0, bpl: 25.1 },
  pcma: { ie: 0, bpl: 25.1 },
  l16: { ie: 0, bpl: 25.1 },
  g722: { ie: 0, bpl: 25.1 },
  opus: { ie: 0, bpl: 25.1 },
  // Nothing known: as if without concealment.
  unknown: { ie: 0, bpl: 4.3 },
};

export interface QualityInput {
  readonly codec: CodecName | 'unknown';
  /** Of the packets that should have been heard, those that were not, from 0 to 1: lost and late ones alike. */
  readonly lossRatio: number;
  /** How much longer the bursts of loss are than chance would make them. @default 1 */
  readonly burstRatio?: number;
  /** From mouth to ear: network, buffers, packets. */
  readonly oneWayDelayMs: number;
}

/** Ro - Is for the default values of G.107 (Table 2). */
const BEST = 93.2;

export function impairment(codec: CodecName | 'unknown'): Impairment {
  return IMPAIRMENTS[codec];
}

/** The transmission rating, 0 to 93.2. */
export function rFactor(input: QualityInput): number {
  const { ie, bpl } = IMPAIRMENTS[input.codec];
  const percent = 100 * Math.min(1, Math.max(0, input.lossRatio));
  // G.107 §7.5, (7-29): loss.
  const equipment = ie + ((95 - ie) * percent) / (percent / Math.max(1, input.burstRatio ?? 1) + bpl);
  return Math.min(BEST, Math.max(0, BEST - delayImpairment(Math.max(0, input.oneWayDelayMs)) - equipment));
}

/** G.107 §7.4, (7-27): Idd. The echo terms are zero, for there is no echo path through a machine. */
function delayImpairment(ms: number): number {
  if (ms <= 100) return 0;
  const x = Math.log2(ms / 100);
  return 25 * ((1 + x ** 6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2);
}

/** The mean opinion score that goes with a rating: G.107 Annex B, 1 to 4.5. */
export function mosFromR(r: number): number {
  if (r <= 0) return 1;
  if (r >= 100) return 4.5;
  return Math.max(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6);
}
