/** The VoIP metrics block of RTCP XR: how a call sounds, told to the far end. RFC 3611 §3, §4.7. */
import { GMIN } from './bursts.js';

/** Fractions are from 0 to 1, times in milliseconds; NaN where it is not known. */
export interface VoipMetrics {
  /** Whose packets this is about. */
  readonly ssrc: number;
  readonly lossRate: number;
  /** Came, but too late or too early to be heard. */
  readonly discardRate: number;
  readonly burstDensity: number;
  readonly gapDensity: number;
  readonly burstMs: number;
  readonly gapMs: number;
  readonly roundTripMs: number;
  readonly endSystemMs: number;
  /** Of the voice, dBm0. */
  readonly signalLevelDbm0: number;
  /** 0 to 100, with the delay. */
  readonly rFactor: number;
  /** Listening quality, without the delay: 1 to 5. */
  readonly mosLq: number;
  /** Conversational quality. */
  readonly mosCq: number;
  readonly bufferMs: number;
  readonly bufferMaxMs: number;
  readonly bufferLimitMs: number;
}

const BLOCK_HEADER_BYTES = 4;
const VOIP_METRICS = 7;
const VOIP_METRICS_WORDS = 8;
const UNKNOWN = 127;
/** §4.7.6: concealment by an enhanced algorithm, an adaptive jitter buffer, the rate of adjustment unknown. */
const RX_CONFIG = 0b10_11_0000;

/** The VoIP metrics among the blocks; other blocks are passed over, undefined when they do not add up. */
export function parseXr(view: DataView, at: number, end: number): VoipMetrics[] | undefined {
  const metrics: VoipMetrics[] = [];
  while (at < end) {
    if (at + BLOCK_HEADER_BYTES > end) return undefined;
    const words = view.getUint16(at + 2);
    const next = at + BLOCK_HEADER_BYTES + 4 * words;
    if (next > end) return undefined;
    // §4.7: a block of another length is no VoIP metrics block.
    if (view.getUint8(at) === VOIP_METRICS && words === VOIP_METRICS_WORDS) metrics.push(parseVoipMetrics(view, at + BLOCK_HEADER_BYTES));
    at = next;
  }
  return metrics;
}

function parseVoipMetrics(view: DataView, at: number): VoipMetrics {
  const known = (offset: number, scale: number): number => {
    const value = view.getUint8(at + offset);
    return value === UNKNOWN ? Number.NaN : value / scale;
  };
  const signal = view.getInt8(at + 16);
  return {
    ssrc: view.getUint32(at),
    lossRate: view.getUint8(at + 4) / 256,
    discardRate: view.getUint8(at + 5) / 256,
    burstDensity: view.getUint8(at + 6) / 256,
    gapDensity: view.getUint8(at + 7) / 256,
    burstMs: view.getUint16(at + 8),
    gapMs: view.getUint16(at + 10),
    roundTripMs: view.getUint16(at + 12),
    endSystemMs: view.getUint16(at + 14),
    signalLevelDbm0: signal === UNKNOWN ? Number.NaN : signal,
    rFactor: known(20, 1),
    mosLq: known(22, 10),
    mosCq: known(23, 10),
    bufferMs: view.getUint16(at + 26),
    bufferMaxMs: view.getUint16(at + 28),
    bufferLimitMs: view.getUint16(at + 30),
  };
}

/** Returns where the block ends. */
export function writeVoipMetrics(view: DataView, at: number, metrics: VoipMetrics): number {
  view.setUint8(at, VOIP_METRICS);
  view.setUint8(at + 1, 0);
  view.setUint16(at + 2, VOIP_METRICS_WORDS);
  at += BLOCK_HEADER_BYTES;
  view.setUint32(at, metrics.ssrc);
  view.setUint8(at + 4, in256ths(metrics.lossRate));
  view.setUint8(at + 5, in256ths(metrics.discardRate));
  view.setUint8(at + 6, in256ths(metrics.burstDensity));
  view.setUint8(at + 7, in256ths(metrics.gapDensity));
  view.setUint16(at + 8, in16Bits(metrics.burstMs));
  view.setUint16(at + 10, in16Bits(metrics.gapMs));
  view.setUint16(at + 12, in16Bits(metrics.roundTripMs));
  view.setUint16(at + 14, in16Bits(metrics.endSystemMs));
  view.setInt8(at + 16, Number.isNaN(metrics.signalLevelDbm0) ? UNKNOWN : Math.round(within(metrics.signalLevelDbm0, -128, 126)));
  // The noise and the echo are not measured; nor is what lies behind this leg.
  view.setUint8(at + 17, UNKNOWN);
  view.setUint8(at + 18, UNKNOWN);
  view.setUint8(at + 19, GMIN);
  view.setUint8(at + 20, Number.isNaN(metrics.rFactor) ? UNKNOWN : Math.round(within(metrics.rFactor, 0, 100)));
  view.setUint8(at + 21, UNKNOWN);
  view.setUint8(at + 22, inTenths(metrics.mosLq));
  view.setUint8(at + 23, inTenths(metrics.mosCq));
  view.setUint8(at + 24, RX_CONFIG);
  view.setUint8(at + 25, 0);
  view.setUint16(at + 26, in16Bits(metrics.bufferMs));
  view.setUint16(at + 28, in16Bits(metrics.bufferMaxMs));
  view.setUint16(at + 30, in16Bits(metrics.bufferLimitMs));
  return at + 4 * VOIP_METRICS_WORDS;
}

/** §4.7.1: the integer part, at most 255. */
function in256ths(fraction: number): number {
  return Math.floor(within(fraction * 256, 0, 255));
}

/** 0 stands for what is not known (§4.7.3). */
function in16Bits(value: number): number {
  return Math.round(within(value, 0, 0xffff));
}

function inTenths(mos: number): number {
  return Number.isNaN(mos) ? UNKNOWN : Math.round(within(mos * 10, 10, 50));
}

function within(value: number, least: number, most: number): number {
  return Number.isNaN(value) ? least : Math.min(most, Math.max(least, value));
}
