import { describe, expect, test } from 'vitest';
import { CONCEALED, DTMF, FrameRing, FrameRingWriter, frameRingBytes, HEARD, SILENCE } from '../../src/rtp/frame-ring.js';
import { SharedViews } from '../../src/rtp/shared-views.js';

const format = { sampleRate: 8000, frameMs: 20 };

function ring() {
  const memory = new SharedViews(new SharedArrayBuffer(frameRingBytes(format) + 16));
  const writer = new FrameRingWriter(memory, 16, format);
  const reader = new FrameRing(memory, 16, format);
  let written = 0;
  const write = (count = 1, source = HEARD): void => {
    for (let i = 0; i < count; i++) writer.write(new Int16Array(160).fill(written), 0, source, 20 * written++);
  };
  return { writer, reader, write };
}

describe('frame ring', () => {
  test('a cursor starts now, and gets each frame once, in order, with its time and source', () => {
    const { reader, write } = ring();
    write(3);
    const cursor = reader.cursor();
    expect(cursor.next()).toBeUndefined();
    const seen: unknown[] = [];
    for (const source of [HEARD, CONCEALED, SILENCE, DTMF]) {
      write(1, source);
      const samples = cursor.next()!;
      seen.push([samples.length, samples[0], samples[159], cursor.timeMs, cursor.source, cursor.droppedMs]);
    }
    expect(seen).toEqual([
      [160, 3, 3, 60, 'heard', 0],
      [160, 4, 4, 80, 'concealed', 0],
      [160, 5, 5, 100, 'silence', 0],
      [160, 6, 6, 120, 'dtmf', 0],
    ]);
    expect(cursor.next()).toBeUndefined();
  });

  test('a slow cursor loses the oldest, and the next frame says how much; another cursor loses nothing', () => {
    const { reader, write } = ring();
    const slow = reader.cursor();
    const quick = reader.cursor();
    let got = 0;
    for (let i = 0; i < 120; i++) {
      write();
      got += quick.next() === undefined ? 0 : 1;
      expect(quick.droppedMs).toBe(0);
    }
    expect(got).toBe(120);
    expect(slow.available).toBe(50);
    const first = slow.next()!;
    expect([first[0], slow.droppedMs, slow.timeMs]).toEqual([70, 1400, 1400]);
    expect(slow.next()![0]).toBe(71);
    expect(slow.droppedMs).toBe(0);
  });

  test('one second is held: a cursor may start at the oldest frame or at a number', () => {
    const { reader, write } = ring();
    write(200);
    expect(reader.cursor('oldest').next()![0]).toBe(150);
    expect(reader.cursor(190).next()![0]).toBe(190);
    expect(reader.cursor(3).next()![0]).toBe(150);
    expect(reader.cursor(9999).next()).toBeUndefined();
    expect(reader.written).toBe(200);
  });

  test('a copy is the reader`s own, a borrowed frame is the shared memory', () => {
    const { reader, write } = ring();
    const own = reader.cursor();
    const borrowed = reader.cursor();
    write();
    const copy = own.next()!;
    const lent = borrowed.borrow()!;
    expect([copy[0], lent[0], lent.length]).toEqual([0, 0, 160]);
    write(51);
    expect(copy[0]).toBe(0);
    expect(lent[0]).toBe(51);
    const into = new Int16Array(160);
    expect(own.next(into)).toBe(into);
    expect([into[0], own.droppedMs]).toEqual([2, 20]);
  });

  test.each([
    { sampleRate: 8000, frameMs: 60 },
    { sampleRate: 48000, frameMs: 10 },
    { sampleRate: 24000, frameMs: 40 },
    { sampleRate: 16000, frameMs: 30 },
  ])('holds at least a second of $frameMs ms at $sampleRate Hz', (shape) => {
    const memory = new SharedViews(new SharedArrayBuffer(frameRingBytes(shape)));
    const writer = new FrameRingWriter(memory, 0, shape);
    const reader = new FrameRing(memory, 0, shape);
    const samples = new Int16Array(reader.frameSamples);
    for (let i = 0; i < 500; i++) writer.write(samples.fill(i), 0, HEARD, i * shape.frameMs);
    const cursor = reader.cursor('oldest');
    let frames = 0;
    for (let frame = cursor.next(); frame !== undefined; frame = cursor.next()) frames++;
    expect(frames * shape.frameMs).toBeGreaterThanOrEqual(1000);
  });

  test('says when no more will come', () => {
    const { reader } = ring();
    expect(reader.ended).toBe(false);
    reader.end();
    expect(reader.ended).toBe(true);
  });
});
