/**
 * How the shared memory of one stream is laid out: its counters, the frames to the application, and the control words and first segment
 * of each of the two lanes from it. One allocation a call; both threads compute the same offsets from the same format.
 */
import { type FrameFormat, frameHeadBytes, frameRingBytes } from './frame-ring.js';
import { firstSegmentSamples, type PlayoutSegment, playoutControlBytes, segmentBytes } from './playout-memory.js';
import { streamCounterBytes } from './stream-stats.js';

export interface StreamLayout {
  /** The few words that both threads look at for every frame: side by side. */
  readonly framesHead: number;
  readonly outgoingControl: number;
  readonly counters: number;
  readonly frames: number;
  readonly outgoingFirst: number;
  readonly bytes: number;
}

export interface LaneLayout {
  readonly control: number;
  readonly first: number;
  readonly bytes: number;
}

const aligned = (bytes: number): number => Math.ceil(bytes / 8) * 8;

/** A word of its own, at the same place in every stream: for how long nothing may be heard, in ms; 0: for ever. */
export const silenceWord = (aligned(frameHeadBytes) + aligned(playoutControlBytes)) / 4;

export function streamLayout(format: FrameFormat): StreamLayout {
  const outgoingControl = aligned(frameHeadBytes);
  const counters = silenceWord * 4 + 8;
  const frames = counters + aligned(streamCounterBytes);
  const outgoingFirst = frames + aligned(frameRingBytes(format));
  return {
    framesHead: 0,
    outgoingControl,
    counters,
    frames,
    outgoingFirst,
    bytes: outgoingFirst + aligned(segmentBytes(firstSegmentSamples(format.sampleRate))),
  };
}

/** The second lane has memory of its own, made when it is first used. */
export function laneLayout(sampleRate: number): LaneLayout {
  const first = aligned(playoutControlBytes);
  return { control: 0, first, bytes: first + segmentBytes(firstSegmentSamples(sampleRate)) };
}

export function firstSegment(memory: SharedArrayBuffer, offset: number, sampleRate: number): PlayoutSegment {
  return { memory, offset, capacity: firstSegmentSamples(sampleRate), start: 0 };
}
