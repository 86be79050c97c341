/**
 * What is known of one stream, as numbers in shared memory: the media thread puts them there ten times a second, anyone reads them at no
 * cost to it. NaN means not known yet.
 */

const FIELDS = [
  'receivedPackets',
  'receivedBytes',
  'receivedLost',
  'receivedExpected',
  'receivedDuplicates',
  'receivedReordered',
  'receivedLate',
  'receivedOverflowed',
  'receivedInvalid',
  'receivedForeign',
  'receivedUnauthenticated',
  'receivedUnknown',
  'receivedRtcp',
  'receivedInvalidRtcp',
  'jitterMs',
  'maxJitterMs',
  'driftPpm',
  'bufferDelayMs',
  'bufferTargetMs',
  'heardMs',
  'concealedMs',
  'silenceMs',
  'stretchedMs',
  'shrunkMs',
  'longestGapMs',
  'receivedLevelDbov',
  'receivedClipped',
  'receivedMos',
  'receivedR',
  'sentPackets',
  'sentBytes',
  'sentRtcp',
  'sentRefused',
  'sentEmptySlots',
  'sentSkipped',
  'sentLevelDbov',
  'sentClipped',
  'sentMos',
  'sentR',
  'remoteLost',
  'remoteLossFraction',
  'remoteJitterMs',
  'rttMs',
] as const;

type Field = (typeof FIELDS)[number];

/**
 * Of what was received: `Lost` of `Expected` never came, `Late` came after its turn, `Foreign` came from another address or source,
 * `Unknown` had a payload type nobody agreed on. `EmptySlots` are packets of silence sent because nothing was written; `Skipped` are
 * packets left out after a stall; `Refused` are those the socket would not have. `remote…` is what the peer reports (RTCP).
 */
export type StreamStats = Readonly<Record<Field, number>>;

/** Where the media thread puts each. */
export const COUNTER = Object.freeze(Object.fromEntries(FIELDS.map((field, index) => [field, index]))) as Readonly<Record<Field, number>>;

export const streamCounterBytes = FIELDS.length * 8;

export function streamCounters(memory: SharedArrayBuffer, offset: number): Float64Array {
  return new Float64Array(memory, offset, FIELDS.length);
}

export function readStreamStats(counters: Float64Array): StreamStats {
  return Object.fromEntries(FIELDS.map((field, index) => [field, counters[index]!])) as StreamStats;
}
