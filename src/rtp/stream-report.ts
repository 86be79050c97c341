/** Puts what a stream knows of itself into its counters in shared memory, and works out how it sounds (E-model). */
import type { CodecName } from '../codec/codec.js';
import type { Inbound } from './inbound.js';
import type { Outbound } from './outbound.js';
import { mosFromR, rFactor } from './quality.js';
import type { ReceiverStats } from './receiver-stats.js';
import type { LocalView, RemoteView } from './stream-seams.js';
import { COUNTER } from './stream-stats.js';

/** The opinion is formed anew every so many times; nobody's changes faster. */
const QUALITY_EVERY = 10;

/** What the stream itself counts. */
export interface StreamTally {
  invalid: number;
  foreign: number;
  unauthenticated: number;
  unknown: number;
  rtcpReceived: number;
  rtcpInvalid: number;
  rtcpSent: number;
  refused: number;
}

/** The counters of sources that are gone: RFC 3550 A.1 begins anew with each, the call does not. */
interface SourceTotals {
  packets: number;
  bytes: number;
  lost: number;
  expected: number;
  duplicates: number;
  reordered: number;
}

export class StreamReport {
  /** For XR (RFC 3611 §4.7). */
  readonly local: LocalView = {
    bufferDelayMs: 0,
    concealedFraction: 0,
    lateFraction: 0,
    levelDbov: -127,
    rFactor: Number.NaN,
    mos: Number.NaN,
    listeningMos: Number.NaN,
    packetMs: 0,
    bufferLimitMs: 0,
  };
  readonly #counters: Float64Array;
  readonly #inbound: Inbound;
  readonly #outbound: Outbound;
  readonly #gone: SourceTotals = { packets: 0, bytes: 0, lost: 0, expected: 0, duplicates: 0, reordered: 0 };
  #published = 0;

  constructor(counters: Float64Array, inbound: Inbound, outbound: Outbound) {
    this.#counters = counters;
    this.#inbound = inbound;
    this.#outbound = outbound;
    for (const field of UNKNOWN_AT_FIRST) counters[COUNTER[field]] = Number.NaN;
  }

  /** Before the receiver's statistics begin anew. */
  keep(receiver: ReceiverStats): void {
    const gone = this.#gone;
    gone.packets += receiver.received;
    gone.bytes += receiver.bytes;
    gone.lost += receiver.lost;
    gone.expected += receiver.expected;
    gone.duplicates += receiver.duplicates;
    gone.reordered += receiver.reordered;
  }

  publish(receiver: ReceiverStats, tally: StreamTally, remote: RemoteView | undefined): void {
    this.#received(receiver, tally);
    this.#buffered();
    this.#sent(tally);
    if (this.#published++ % QUALITY_EVERY === 0) this.#quality(receiver, remote);
  }

  #received(receiver: ReceiverStats, tally: StreamTally): void {
    const counters = this.#counters;
    const inbound = this.#inbound;
    const gone = this.#gone;
    counters[COUNTER.receivedPackets] = gone.packets + receiver.received;
    counters[COUNTER.receivedBytes] = gone.bytes + receiver.bytes;
    counters[COUNTER.receivedLost] = gone.lost + receiver.lost;
    counters[COUNTER.receivedExpected] = gone.expected + receiver.expected;
    counters[COUNTER.receivedDuplicates] = gone.duplicates + receiver.duplicates;
    counters[COUNTER.receivedReordered] = gone.reordered + receiver.reordered;
    counters[COUNTER.receivedInvalid] = tally.invalid;
    counters[COUNTER.receivedForeign] = tally.foreign;
    counters[COUNTER.receivedUnauthenticated] = tally.unauthenticated;
    counters[COUNTER.receivedUnknown] = tally.unknown;
    counters[COUNTER.receivedRtcp] = tally.rtcpReceived;
    counters[COUNTER.receivedInvalidRtcp] = tally.rtcpInvalid;
    counters[COUNTER.jitterMs] = receiver.jitterMs;
    counters[COUNTER.maxJitterMs] = receiver.maxJitterMs;
    counters[COUNTER.driftPpm] = receiver.driftPpm;
    const { heardMs, concealedMs, silenceMs, clipped } = inbound.figures;
    counters[COUNTER.heardMs] = heardMs;
    counters[COUNTER.concealedMs] = concealedMs;
    counters[COUNTER.silenceMs] = silenceMs;
    counters[COUNTER.receivedLevelDbov] = this.local.levelDbov = inbound.takeLevelDbov();
    counters[COUNTER.receivedClipped] = clipped;
  }

  #buffered(): void {
    const counters = this.#counters;
    const { playout } = this.#inbound;
    if (playout === undefined) return;
    const { counts, buffer } = playout;
    counters[COUNTER.receivedLate] = counts.late;
    counters[COUNTER.receivedOverflowed] = counts.overflowed;
    counters[COUNTER.stretchedMs] = counts.stretchedMs;
    counters[COUNTER.shrunkMs] = counts.shrunkMs;
    counters[COUNTER.longestGapMs] = counts.longestGapMs;
    counters[COUNTER.bufferDelayMs] = buffer.delayMs;
    counters[COUNTER.bufferTargetMs] = buffer.targetMs;
  }

  #sent(tally: StreamTally): void {
    const counters = this.#counters;
    const outbound = this.#outbound;
    const { sentPackets, sentBytes, emptySlots, skipped, clipped } = outbound.figures;
    counters[COUNTER.sentPackets] = sentPackets;
    counters[COUNTER.sentBytes] = sentBytes;
    counters[COUNTER.sentRtcp] = tally.rtcpSent;
    counters[COUNTER.sentRefused] = tally.refused;
    counters[COUNTER.sentEmptySlots] = emptySlots;
    counters[COUNTER.sentSkipped] = skipped;
    counters[COUNTER.sentLevelDbov] = outbound.takeLevelDbov();
    counters[COUNTER.sentClipped] = clipped;
  }

  #quality(receiver: ReceiverStats, remote: RemoteView | undefined): void {
    const counters = this.#counters;
    const { local } = this;
    const { codec, figures } = this.#inbound;
    const { heardMs, concealedMs } = figures;
    const sounded = heardMs + concealedMs;
    local.bufferDelayMs = counters[COUNTER.bufferDelayMs]!;
    local.concealedFraction = sounded === 0 ? 0 : concealedMs / sounded;
    const received = counters[COUNTER.receivedPackets]!;
    local.lateFraction = received === 0 ? 0 : counters[COUNTER.receivedLate]! / received;
    const rttMs = remote?.rttMs ?? Number.NaN;
    local.packetMs = this.#outbound.packetMs;
    local.bufferLimitMs = this.#inbound.playout?.buffer.limitMs ?? 0;
    const oneWayMs = (Number.isNaN(rttMs) ? 0 : rttMs / 2) + local.packetMs;
    const heard = { codec, lossRatio: local.concealedFraction, burstRatio: receiver.burstRatio };
    local.rFactor = rFactor({ oneWayDelayMs: oneWayMs + local.bufferDelayMs, ...heard });
    local.mos = mosFromR(local.rFactor);
    local.listeningMos = mosFromR(rFactor({ oneWayDelayMs: 0, ...heard }));
    counters[COUNTER.receivedR] = local.rFactor;
    counters[COUNTER.receivedMos] = local.mos;
    counters[COUNTER.rttMs] = rttMs;
    if (remote === undefined || Number.isNaN(remote.lossFraction)) return;
    counters[COUNTER.remoteLost] = remote.lost;
    counters[COUNTER.remoteLossFraction] = remote.lossFraction;
    counters[COUNTER.remoteJitterMs] = remote.jitterMs;
    const sending: CodecName | 'unknown' = this.#outbound.codec ?? 'unknown';
    // What the far end buffers it does not say: twice its jitter is about where an adaptive buffer settles.
    const guess = rFactor({ codec: sending, lossRatio: remote.lossFraction, oneWayDelayMs: oneWayMs + 2 * remote.jitterMs });
    const r = Number.isNaN(remote.rFactor) ? guess : remote.rFactor;
    counters[COUNTER.sentR] = r;
    counters[COUNTER.sentMos] = mosFromR(r);
  }
}

const UNKNOWN_AT_FIRST = [
  'rttMs',
  'remoteLost',
  'remoteLossFraction',
  'remoteJitterMs',
  'sentR',
  'sentMos',
  'receivedR',
  'receivedMos',
] as const;
