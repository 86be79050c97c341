import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { REPLAY_WINDOW, ReplayWindow } from '../../../src/rtp/srtp/replay.js';

function windowAt(...indices: number[]): ReplayWindow {
  const window = new ReplayWindow();
  for (const index of indices) window.commit(index);
  return window;
}

describe('the roll-over counter, RFC 3711 §3.3.1', () => {
  test('the first packet has counter 0', () => expect(new ReplayWindow().indexOf(65_535)).toBe(65_535));

  test('Appendix A: nearest to the highest, one counter up or down', () => {
    expect(windowAt(65_535).indexOf(0)).toBe(65_536);
    expect(windowAt(65_536).indexOf(65_535)).toBe(65_535);
    expect(windowAt(3 * 65_536 + 10).indexOf(65_530)).toBe(2 * 65_536 + 65_530);
    expect(windowAt(3 * 65_536 + 65_000).indexOf(20)).toBe(4 * 65_536 + 20);
    expect(windowAt(3 * 65_536 + 65_000).indexOf(64_000)).toBe(3 * 65_536 + 64_000);
  });

  test('a counter below 0 does not exist: the packet is not fresh', () => {
    const window = windowAt(10);
    expect(window.indexOf(65_530)).toBe(-6);
    expect(window.isFresh(-6)).toBe(false);
  });

  test('§3.3.1 the index ends at 2^48', () => {
    const window = windowAt(2 ** 48 - 1);
    expect(window.isFresh(window.indexOf(0))).toBe(false);
  });
});

describe('the replay list, RFC 3711 §3.3.2', () => {
  test('each index once; what is older than the window is never fresh', () => {
    const window = windowAt(1000);
    expect(window.isFresh(1000)).toBe(false);
    expect(window.isFresh(1001)).toBe(true);
    expect(window.isFresh(1000 - REPLAY_WINDOW + 1)).toBe(true);
    expect(window.isFresh(1000 - REPLAY_WINDOW)).toBe(false);
    window.commit(999);
    expect(window.isFresh(999)).toBe(false);
  });

  test('agrees with a list of everything that came, whatever the order and the jumps', () => {
    const steps = fc.array(
      fc.oneof(fc.integer({ min: -200, max: 200 }), fc.integer({ min: -3, max: 3 }), fc.integer({ min: 0, max: 70_000 })),
      {
        minLength: 1,
        maxLength: 200,
      },
    );
    fc.assert(
      fc.property(fc.constantFrom(0, 65_400, 2 ** 31 - 100, 2 ** 32 - 100, 2 ** 40), steps, (start, moves) => {
        const window = new ReplayWindow();
        const came = new Set<number>();
        let highest = -1;
        let index = start;
        for (const move of moves) {
          index = Math.max(0, index + move);
          const fresh = !came.has(index) && (index > highest || highest - index < REPLAY_WINDOW);
          expect(window.isFresh(index)).toBe(fresh);
          if (!fresh) continue;
          window.commit(index);
          came.add(index);
          highest = Math.max(highest, index);
          expect(window.highest).toBe(highest);
        }
      }),
    );
  });
});
