/** A media thread for the tests of the bot's rooms: real rings, a reader that takes 20 ms when it is told to, and what it took. */
import type { AudioLine } from '../../src/bot/audio.js';
import { FrameRing, FrameRingWriter, frameRingBytes, HEARD } from '../../src/rtp/frame-ring.js';
import { firstSegmentSamples, type PlayoutSegment, playoutControlBytes, segmentBytes } from '../../src/rtp/playout-memory.js';
import { PlayoutReader } from '../../src/rtp/playout-reader.js';
import { PlayoutRing } from '../../src/rtp/playout-ring.js';
import { SharedViews } from '../../src/rtp/shared-views.js';

export interface FakeLine extends AudioLine {
  /** What left for the peer, in order. */
  readonly sent: number[];
  readonly mixed: number[];
  /** One tick of the media clock: a frame to the bot, 20 ms from the bot. */
  tick(heard?: Int16Array): void;
  ticks(count: number): void;
  end(): void;
}

export const RATE = 16_000;
export const FRAME = 320;

export function fakeLine(onFrames: () => void = () => {}): FakeLine {
  const format = { sampleRate: RATE, frameMs: 20 };
  const frames = new SharedViews(new SharedArrayBuffer(frameRingBytes(format)));
  const writer = new FrameRingWriter(frames, 0, format);
  const incoming = new FrameRing(frames, 0, format);
  const front = playout();
  const back = playout();
  const sent: number[] = [];
  const mixed: number[] = [];
  const out = new Int16Array(FRAME);
  let timeMs = 0;
  const silence = new Int16Array(FRAME);
  const tick = (heard: Int16Array = silence): void => {
    writer.write(heard, 0, HEARD, timeMs);
    timeMs += 20;
    sent.push(...out.subarray(0, front.reader.take(out, FRAME)));
    mixed.push(...out.subarray(0, back.reader.take(out, FRAME)));
    front.ring.settle();
    back.ring.settle();
    onFrames();
  };
  return {
    incoming,
    outgoing: front.ring,
    background: back.ring,
    sent,
    mixed,
    tick,
    ticks: (count) => {
      for (let i = 0; i < count; i++) tick();
    },
    end: () => {
      incoming.end();
      front.ring.end();
      back.ring.end();
    },
  };
}

function playout(): { ring: PlayoutRing; reader: PlayoutReader } {
  const capacity = firstSegmentSamples(RATE);
  const memory = new SharedArrayBuffer(playoutControlBytes + 4 + segmentBytes(capacity));
  const first: PlayoutSegment = { memory, offset: playoutControlBytes + 4, capacity, start: 0 };
  const views = new SharedViews(memory);
  const reader = new PlayoutReader(views, 0, first);
  const ring = new PlayoutRing(views, 0, first, { sampleRate: RATE, maxQueueMs: 60_000, extend: (segment) => reader.extend(segment) });
  return { ring, reader };
}

/** Samples that say their own place. */
export function counting(from: number, count: number): Int16Array {
  return Int16Array.from({ length: count }, (_, i) => ((from + i) % 30_000) + 1);
}

/** Lets every promise settle. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
