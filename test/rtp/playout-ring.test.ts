import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SipBotError } from '../../src/errors.js';
import { firstSegmentSamples, type PlayoutSegment, playoutControlBytes, segmentBytes } from '../../src/rtp/playout-memory.js';
import { PlayoutReader } from '../../src/rtp/playout-reader.js';
import { PlayoutRing } from '../../src/rtp/playout-ring.js';
import { SharedViews } from '../../src/rtp/shared-views.js';

const RATE = 8000;

/** Both ends over the same memory. `deliver: 'late'` keeps further segments back until they are asked for, as a message queue would. */
function lane(options: { readonly maxQueueMs?: number; readonly deliver?: 'at once' | 'late'; readonly start?: number } = {}) {
  const capacity = firstSegmentSamples(RATE);
  const memory = new SharedArrayBuffer(playoutControlBytes + 4 + segmentBytes(capacity));
  const first: PlayoutSegment = { memory, offset: playoutControlBytes + 4, capacity, start: options.start ?? 0 };
  const views = new SharedViews(memory);
  const reader = new PlayoutReader(views, 0, first);
  const late: PlayoutSegment[] = [];
  const segments: number[] = [];
  const ring = new PlayoutRing(views, 0, first, {
    sampleRate: RATE,
    maxQueueMs: options.maxQueueMs ?? 60_000,
    extend: (segment) => {
      segments.push(segment.capacity);
      if (options.deliver === 'late') late.push(segment);
      else reader.extend(segment);
    },
  });
  const out = new Int16Array(RATE);
  const take = (count: number): number[] => Array.from(out.subarray(0, reader.take(out, count)));
  const deliver = (): void => {
    for (const segment of late.splice(0)) reader.extend(segment);
  };
  return { ring, reader, take, deliver, segments };
}

/** Samples that say their own position. */
function counting(from: number, count: number): Int16Array {
  return Int16Array.from({ length: count }, (_, i) => ((from + i) % 60_000) - 30_000);
}

const ledger = (ring: PlayoutRing) => ({
  written: ring.writtenSamples,
  played: ring.playedSamples,
  cleared: ring.clearedSamples,
  queued: ring.queuedSamples,
});

describe('playout ring', () => {
  test('made softer and louder again: from the next packet on, with a slope and no step, what was written before as well', () => {
    const { ring, take } = lane();
    ring.write(new Int16Array(600).fill(1000));
    expect(take(100)).toEqual(Array<number>(100).fill(1000));
    ring.gain = 0.25;
    const slope = take(100);
    expect(slope[0]).toBeGreaterThan(990);
    expect(slope.at(-1)).toBe(250);
    for (let i = 1; i < 100; i++) expect(slope[i - 1]! - slope[i]!).toBeLessThan(9);
    expect(take(100)).toEqual(Array<number>(100).fill(250));
    ring.gain = 1;
    expect(take(100).at(-1)).toBe(1000);
    expect(take(100)).toEqual(Array<number>(100).fill(1000));
    expect(ring.playedSamples).toBe(500);
  });

  test('what is written is played, in order, and the ledger says so', () => {
    const { ring, take } = lane();
    expect(ring.write(Int16Array.of(1, 2, 3, 4, 5))).toBe(true);
    expect(take(3)).toEqual([1, 2, 3]);
    expect(ledger(ring)).toEqual({ written: 5, played: 3, cleared: 0, queued: 2 });
    expect(take(3)).toEqual([4, 5]);
    expect(take(3)).toEqual([]);
    expect(ledger(ring)).toEqual({ written: 5, played: 5, cleared: 0, queued: 0 });
  });

  test('a part of an array can be written', () => {
    const { ring, take } = lane();
    ring.write(Int16Array.of(1, 2, 3, 4, 5), 1, 4);
    expect(take(9)).toEqual([2, 3, 4]);
  });

  test('clear takes back exactly what was not taken', () => {
    const { ring, take } = lane();
    ring.write(counting(0, 500));
    take(160);
    expect(ring.clear()).toEqual({ playedSamples: 160, clearedSamples: 340, movedBy: 0 });
    expect(take(160)).toEqual([]);
    ring.write(Int16Array.of(7, 8));
    expect(take(160)).toEqual([7, 8]);
    expect(ledger(ring)).toEqual({ written: 502, played: 162, cleared: 340, queued: 0 });
    expect(ring.clear()).toEqual({ playedSamples: 162, clearedSamples: 0, movedBy: 0 });
  });

  test('clear from a position keeps what lies before it, marks included, and plays it on', () => {
    const { ring, take } = lane();
    const heard: string[] = [];
    ring.onMark = (name, outcome) => heard.push(`${name} ${outcome}`);
    ring.write(counting(0, 300));
    ring.mark('kept');
    const from = ring.position;
    ring.write(counting(300, 500));
    ring.mark('cut');
    expect(take(100)).toEqual([...counting(0, 100)]);
    expect(ring.clear(from)).toEqual({ playedSamples: 100, clearedSamples: 500, movedBy: 700 });
    expect([ring.writtenSamples, ring.playedSamples, ring.clearedSamples, ring.queuedSamples]).toEqual([800, 100, 500, 200]);
    expect(heard).toEqual(['cut cleared']);
    ring.write(counting(5000, 50));
    expect(take(1000)).toEqual([...counting(100, 200), ...counting(5000, 50)]);
    ring.settle();
    expect(heard).toEqual(['cut cleared', 'kept sent']);
    expect([ring.writtenSamples, ring.playedSamples, ring.clearedSamples]).toEqual([850, 350, 500]);
  });

  test('clear from a position reaches back through every segment, and across the wrap', () => {
    const { ring, take, segments } = lane({ start: 0x7fff_ff00 | 0 });
    for (let at = 0; at < 30_000; at += 1000) ring.write(counting(at, 1000));
    expect(segments.length).toBeGreaterThan(1);
    expect(take(500)).toEqual([...counting(0, 500)]);
    ring.clear(25_000);
    expect(ring.queuedSamples).toBe(24_500);
    const rest: number[] = [];
    while (ring.queuedSamples > 0) rest.push(...take(777));
    expect(rest).toEqual([...counting(500, 24_500)]);
  });

  test('marks come in order, sent when what is before them was taken, cleared when it was not', async () => {
    const { ring, reader, take } = lane();
    const marks: string[] = [];
    ring.onMark = (name, outcome) => marks.push(`${name} ${outcome}`);
    ring.mark('start');
    ring.write(counting(0, 100));
    ring.mark('a');
    ring.write(counting(0, 100));
    ring.mark('b');
    ring.mark('b again');
    ring.write(counting(0, 100));
    ring.mark('c');
    expect(marks).toEqual([]); // never from within mark() itself
    await Promise.resolve();
    expect(marks).toEqual(['start sent']);
    take(99);
    expect(reader.passed).toBe(false);
    take(1);
    expect(reader.passed).toBe(true);
    reader.passed = false;
    ring.settle();
    expect(marks).toEqual(['start sent', 'a sent']);
    take(150);
    expect(reader.passed).toBe(true);
    ring.clear();
    expect(marks).toEqual(['start sent', 'a sent', 'b sent', 'b again sent', 'c cleared']);
    ring.mark('after');
    await Promise.resolve();
    expect(marks.at(-1)).toBe('after sent');
  });

  test('drained resolves when the last sample was taken, or cleared, or the call is over', async () => {
    const { ring, reader, take } = lane();
    await ring.drained();
    const done: string[] = [];
    ring.write(counting(0, 100));
    void ring.drained().then(() => done.push('taken'));
    take(100);
    expect(reader.passed).toBe(true);
    expect(done).toEqual([]);
    ring.settle();
    await Promise.resolve();
    expect(done).toEqual(['taken']);
    ring.write(counting(0, 100));
    void ring.drained().then(() => done.push('cleared'));
    ring.clear();
    await Promise.resolve();
    ring.write(counting(0, 100));
    void ring.drained().then(() => done.push('ended'));
    ring.end();
    await Promise.resolve();
    expect(done).toEqual(['taken', 'cleared', 'ended']);
    expect(ledger(ring)).toEqual({ written: 300, played: 100, cleared: 200, queued: 0 });
    expect(() => ring.write(counting(0, 1))).toThrow(SipBotError);
  });

  test('says false past the high-water mark, takes up to maxQueueMs, and throws past it without taking any', () => {
    const { ring, take } = lane({ maxQueueMs: 5000 });
    expect(ring.write(counting(0, 8000))).toBe(true);
    expect(ring.write(counting(8000, 1))).toBe(false);
    ring.write(counting(8001, 31_999));
    expect(() => ring.write(counting(0, 1))).toThrow(expect.objectContaining({ code: 'ERR_QUEUE_FULL' }));
    expect(ring.queuedSamples).toBe(40_000);
    const played: number[] = [];
    for (let part = take(160); part.length > 0; part = take(160)) played.push(...part);
    expect(Int16Array.from(played)).toEqual(counting(0, 40_000));
  });

  test('a minute written at once plays on without the writer; afterwards memory is small again', () => {
    const { ring, take, segments } = lane();
    ring.write(counting(0, 60 * RATE));
    let at = 0;
    for (let part = take(160); part.length > 0; part = take(160)) {
      expect(part[0]).toBe(counting(at, 1)[0]);
      at += part.length;
    }
    expect(at).toBe(60 * RATE);
    for (let i = 0; i < 100; i++) {
      ring.write(counting(i * 160, 160));
      expect(take(160)).toEqual(Array.from(counting(i * 160, 160)));
    }
    expect(segments).toEqual([524_288, 2048]);
  });

  test('a segment whose message is late is a silence, not a skip', () => {
    const { ring, take, deliver } = lane({ deliver: 'late' });
    ring.write(counting(0, 2000));
    ring.write(counting(2000, 2000));
    expect(take(1900).length).toBe(1900);
    expect(take(160)).toEqual(Array.from(counting(1900, 100)));
    expect(take(160)).toEqual([]);
    expect(ring.queuedSamples).toBe(2000);
    deliver();
    expect(take(160)).toEqual(Array.from(counting(2000, 160)));
  });

  test('positions may wrap at 32 bits: twelve hours at 48 kHz are not the end of a call', async () => {
    const { ring, take } = lane({ start: 2 ** 31 - 700 });
    const marks: string[] = [];
    ring.onMark = (name, outcome) => marks.push(`${name} ${outcome}`);
    for (let round = 0; round < 20; round++) {
      ring.write(counting(round * 160, 160));
      ring.mark(`${round}`);
      expect(take(160)).toEqual(Array.from(counting(round * 160, 160)));
      ring.settle();
    }
    expect(marks).toEqual(Array.from({ length: 20 }, (_, round) => `${round} sent`));
    ring.write(counting(0, 5000));
    expect(take(10)).toEqual(Array.from(counting(0, 10)));
    expect(ring.clear()).toEqual({ playedSamples: 3210, clearedSamples: 4990, movedBy: 0 });
    expect(ledger(ring)).toEqual({ written: 8200, played: 3210, cleared: 4990, queued: 0 });
  });

  test('any sequence of writes, takes and clears: every sample is played once in order, or cleared; the sums agree', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('write' as const), count: fc.integer({ min: 0, max: 6000 }) }),
      fc.record({ do: fc.constant('take' as const), count: fc.integer({ min: 1, max: 2880 }) }),
      fc.record({ do: fc.constant('clear' as const), count: fc.constant(0) }),
      fc.record({ do: fc.constant('cut' as const), count: fc.integer({ min: 0, max: 9000 }) }),
      fc.record({ do: fc.constant('deliver' as const), count: fc.constant(0) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { ring, take, deliver } = lane({ deliver: 'late', maxQueueMs: 4000 });
        let queue: number[] = [];
        let written = 0;
        let played = 0;
        for (const { do: what, count } of steps) {
          if (what === 'write' && ring.queuedSamples + count <= 32_000) {
            ring.write(counting(written, count));
            queue.push(...counting(written, count));
            written += count;
          } else if (what === 'take') {
            const got = take(count);
            expect(got).toEqual(queue.splice(0, got.length));
            played += got.length;
          } else if (what === 'clear') {
            ring.clear();
            queue = [];
          } else if (what === 'cut') {
            const cut = Math.min(count, queue.length);
            expect(ring.clear(ring.position - cut).clearedSamples).toBe(cut);
            queue.length -= cut;
          } else if (what === 'deliver') deliver();
          expect(ring.queuedSamples).toBe(queue.length);
        }
        expect(ring.playedSamples).toBe(played);
        expect(ring.writtenSamples).toBe(written);
        expect(ring.playedSamples + ring.clearedSamples + ring.queuedSamples).toBe(written);
      }),
      { numRuns: 300 },
    );
  });
});
