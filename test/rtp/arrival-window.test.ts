import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ArrivalWindow } from '../../src/rtp/arrival-window.js';

test('nothing known: no spread', () => {
  const window = new ArrivalWindow();
  expect([window.count, window.spreadMs, window.base]).toEqual([0, 0, Number.POSITIVE_INFINITY]);
});

test('the fastest and all but one in a hundred of the slowest', () => {
  const window = new ArrivalWindow();
  for (let i = 0; i < 200; i++) window.add(100 + (i % 50), 20 * i);
  expect([window.base, window.spreadMs]).toEqual([100, 49]);
  window.add(500, 4000);
  window.add(400, 4020);
  expect(window.spreadMs).toBe(49);
  window.add(300, 4040);
  expect(window.spreadMs).toBe(200);
});

test('one slow packet among few counts at once', () => {
  const window = new ArrivalWindow();
  for (let i = 0; i < 10; i++) window.add(0, 20 * i);
  window.add(60, 200);
  expect(window.spreadMs).toBe(60);
});

test('what is five seconds old is forgotten, the fastest too', () => {
  const window = new ArrivalWindow();
  for (let i = 0; i < 50; i++) window.add(i % 2 === 0 ? 0 : 90, 20 * i);
  for (let i = 50; i < 320; i++) window.add(40, 20 * i);
  expect([window.base, window.spreadMs]).toEqual([40, 0]);
  window.clear();
  expect(window.count).toBe(0);
});

test('a long silence empties it', () => {
  const window = new ArrivalWindow();
  window.add(5, 0);
  window.add(70, 20);
  window.add(1000, 60_000);
  expect([window.count, window.base, window.spreadMs]).toEqual([1, 1000, 0]);
});

test('as a sorted list of the last packets would say', () => {
  const packets = fc.array(fc.record({ gap: fc.integer({ min: 10, max: 60 }), transit: fc.integer({ min: 0, max: 300 }) }), {
    minLength: 1,
    maxLength: 500,
  });
  fc.assert(
    fc.property(packets, (walk) => {
      const window = new ArrivalWindow();
      const all: { at: number; transit: number }[] = [];
      let at = 0;
      let blockEnd = 500;
      for (const { gap, transit } of walk) {
        window.add(transit, at);
        while (at >= blockEnd) blockEnd += 500;
        all.push({ at, transit });
        // Ten half-second blocks, the last not yet full.
        const held = all.filter((packet) => packet.at >= blockEnd - 5000).map((packet) => packet.transit);
        held.sort((a, b) => b - a);
        expect(window.count).toBe(held.length);
        expect(window.base).toBe(held.at(-1));
        // Between updates the rank may lag by one packet in a hundred.
        const rank = Math.floor(held.length * 0.01);
        expect(window.spreadMs).toBeGreaterThanOrEqual(held[Math.min(rank, held.length - 1)]! - held.at(-1)!);
        expect(window.spreadMs).toBeLessThanOrEqual(held[0]! - held.at(-1)!);
        at += gap;
      }
    }),
    { numRuns: 50 },
  );
});
