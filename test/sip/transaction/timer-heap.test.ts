import { describe, expect, test } from 'vitest';
import { TimerHeap } from '../../../src/sip/transaction/timer-heap.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { SeededRandom } from '../../../src/testing/seeded-random.js';

describe('TimerHeap: many timers on one', () => {
  test('fires in order of time, then of asking, each once and never early', () => {
    const clock = new ManualClock();
    const heap = new TimerHeap(clock);
    const fired: string[] = [];
    for (const [when, name] of [
      [30, 'c'],
      [10, 'a'],
      [20, 'b1'],
      [20, 'b2'],
      [40, 'd'],
    ] as const)
      heap.at(when, () => fired.push(`${clock.now()} ${name}`));
    clock.advance(9);
    expect(fired).toEqual([]);
    clock.advance(100);
    expect(fired).toEqual(['10 a', '20 b1', '20 b2', '30 c', '40 d']);
    expect([heap.pending, clock.pending]).toEqual([0, 0]);
  });

  test('one timer is armed underneath, however many are asked for; none when the last is cancelled', () => {
    const clock = new ManualClock();
    const heap = new TimerHeap(clock);
    const timers = [50, 40, 30, 20, 60].map((when) => heap.at(when, () => {}));
    expect([heap.pending, clock.pending, clock.next]).toEqual([5, 1, 20]);
    for (const timer of timers) timer.cancel();
    for (const timer of timers) timer.cancel();
    expect([heap.pending, clock.pending]).toEqual([0, 0]);
  });

  test('cancelling after it fired is harmless', () => {
    const clock = new ManualClock();
    const heap = new TimerHeap(clock);
    const timer = heap.at(1, () => {});
    heap.at(5, () => {});
    clock.advance(1);
    timer.cancel();
    expect(heap.pending).toBe(1);
  });

  test('a task may arm and cancel others; what is due already waits for the next ring', () => {
    const clock = new ManualClock();
    const heap = new TimerHeap(clock);
    const fired: string[] = [];
    heap.at(10, () => {
      fired.push('first');
      later.cancel();
      heap.at(5, () => fired.push('overdue'));
      expect(fired).toEqual(['first']);
    });
    const later = heap.at(10, () => fired.push('never'));
    clock.advance(10);
    expect(fired).toEqual(['first', 'overdue']);
    expect([heap.pending, clock.pending]).toEqual([0, 0]);
  });

  test('a task that throws does not silence the others', () => {
    const clock = new ManualClock();
    const heap = new TimerHeap(clock);
    const fired: string[] = [];
    heap.at(1, () => {
      throw new Error('boom');
    });
    heap.at(2, () => fired.push('next'));
    expect(() => clock.advance(1)).toThrow('boom');
    clock.advance(1);
    expect(fired).toEqual(['next']);
  });

  test('ten thousand at random, half cancelled: exactly the others fire, sorted', () => {
    const clock = new ManualClock();
    const heap = new TimerHeap(clock);
    const random = new SeededRandom(7);
    const fired: number[] = [];
    const expected: number[] = [];
    const cancelled = [];
    for (let i = 0; i < 10_000; i++) {
      const when = Math.floor(random.fraction() * 32_000);
      const timer = heap.at(when, () => fired.push(clock.now()));
      if (i % 2) cancelled.push(timer);
      else expected.push(when);
    }
    for (const timer of cancelled) timer.cancel();
    expect([heap.pending, clock.pending]).toEqual([5000, 1]);
    clock.advance(32_000);
    expect(fired).toEqual(expected.sort((a, b) => a - b));
    expect([heap.pending, clock.pending]).toEqual([0, 0]);
  });
});
