import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../src/testing/manual-clock.js';

describe('the clock that is turned by hand', () => {
  test('timers fire in order of time, equal ones in the order they were asked for', () => {
    const clock = new ManualClock();
    const seen: string[] = [];
    for (const [when, name] of [
      [30, 'c'],
      [10, 'a'],
      [10, 'b'],
      [40, 'd'],
    ] as const) {
      clock.at(when, () => seen.push(`${clock.now()} ${name}`));
    }
    clock.advance(35);
    expect(seen).toEqual(['10 a', '10 b', '30 c']);
    expect(clock.now()).toBe(35);
    expect(clock.pending).toBe(1);
  });

  test('a cancelled timer never fires and is not counted; cancelling twice, or after firing, changes nothing', () => {
    const clock = new ManualClock();
    const timer = clock.at(5, () => expect.unreachable());
    const fired = clock.at(6, () => {});
    timer.cancel();
    timer.cancel();
    clock.advance(10);
    fired.cancel();
    expect(clock.pending).toBe(0);
    expect(clock.next).toBeUndefined();
  });

  test('a timer armed by a timer fires in the same turn when it is due', () => {
    const clock = new ManualClock();
    const seen: number[] = [];
    const tick = (): void => {
      seen.push(clock.now());
      if (seen.length < 4) clock.at(clock.now() + 20, tick);
    };
    clock.at(20, tick);
    clock.advance(100);
    expect(seen).toEqual([20, 40, 60, 80]);
  });

  test('run lets promises settle between moments; advance does not', async () => {
    const clock = new ManualClock();
    const seen: string[] = [];
    const wait = (ms: number) => new Promise<void>((resolve) => clock.at(clock.now() + ms, resolve));
    const story = async (): Promise<void> => {
      await wait(10);
      seen.push(`first at ${clock.now()}`);
      await wait(10);
      seen.push(`second at ${clock.now()}`);
    };
    void story();
    clock.advance(100);
    expect(seen).toEqual([]);
    await clock.run(100);
    expect(seen).toEqual(['first at 100', 'second at 110']);
  });

  test('runUntil stops at the moment it asked for, and says so when it never comes', async () => {
    const clock = new ManualClock();
    clock.at(500, () => {});
    clock.at(900, () => {});
    await clock.runUntil(() => clock.now() >= 500);
    expect(clock.now()).toBe(500);
    await expect(clock.runUntil(() => false, 1000)).rejects.toThrow('within 1000 ms');
  });

  test('runUntil lets what is real happen, when no timer is left to turn to', async () => {
    const clock = new ManualClock();
    let isRead = false;
    void import('node:fs/promises')
      .then(({ readFile }) => readFile(new URL(import.meta.url)))
      .then(() => {
        isRead = true;
      });
    await clock.runUntil(() => isRead);
    expect(clock.now()).toBe(0);
  });

  test('ten thousand random timers fire sorted', () => {
    const clock = new ManualClock();
    const seen: number[] = [];
    for (let i = 0, x = 1; i < 10_000; i++, x = (x * 48_271) % 2_147_483_647) clock.at(x % 5000, () => seen.push(clock.now()));
    clock.advance(5000);
    expect(seen).toHaveLength(10_000);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
  });
});
