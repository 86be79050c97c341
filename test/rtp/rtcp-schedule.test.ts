import { describe, expect, test } from 'vitest';
import type { Random } from '../../src/random.js';
import { RtcpSchedule } from '../../src/rtp/rtcp-schedule.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';

const drawing = (fraction: number): Random => ({
  uint32: () => 0,
  token: () => '',
  bytes: (length) => new Uint8Array(length),
  fraction: () => fraction,
});
/** §6.3.1, step 5. */
const C = Math.E - 1.5;

/** The times at which packets of `bytes` leave, until `until`. */
function sends(schedule: RtcpSchedule, until: number, bytes = 120): number[] {
  const times: number[] = [];
  schedule.start(0);
  for (let now = 0; now < until; now = Math.max(now, schedule.due)) {
    if (!schedule.isTime(now)) continue;
    times.push(now);
    schedule.onSent(bytes, now);
  }
  return times;
}

describe('the RTCP schedule, RFC 3550 §6.3', () => {
  test('§6.3.1 for a call: half of 5 s at first, then 5 s, times 0.5 to 1.5, by e - 3/2', () => {
    const schedule = new RtcpSchedule(drawing(0.5));
    schedule.members = 2;
    schedule.start(1000);
    expect(schedule.due).toBeCloseTo(1000 + 2500 / C);
    expect(schedule.isTime(schedule.due - 0.01)).toBe(false);
    const first = schedule.due;
    expect(schedule.isTime(first)).toBe(true);
    schedule.onSent(120, first);
    expect(schedule.due).toBeCloseTo(first + 5000 / C);
    for (const [fraction, factor] of [
      [0, 0.5],
      [0.999999, 1.5],
    ] as const) {
      const other = new RtcpSchedule(drawing(fraction));
      other.start(0);
      expect(other.due).toBeCloseTo((2500 * factor) / C, 1);
    }
  });

  test('randomised: over an hour 5 s on average, never nearer than 2.05 s, never further than 6.16 s (§6.3.1)', () => {
    const schedule = new RtcpSchedule(new SeededRandom(7));
    schedule.members = 2;
    schedule.senders = 2;
    schedule.isSender = true;
    const times = sends(schedule, 3_600_000);
    const gaps = times.slice(1).map((time, i) => time - times[i]!);
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(2500 / C);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(7500 / C);
    // Reconsideration waits longer than what was drawn first; the compensation makes up for it.
    expect(mean).toBeGreaterThan(4700);
    expect(mean).toBeLessThan(5200);
  });

  test('§6.3.6 reconsideration: who learns of many others in the meantime waits', () => {
    const schedule = new RtcpSchedule(drawing(0.5));
    schedule.start(0);
    schedule.members = 1000;
    const due = schedule.due;
    expect(schedule.isTime(due)).toBe(false);
    expect(schedule.due).toBeGreaterThan(10 * due);
  });

  test('§6.3.1 the interval grows with the members, and a quarter of the bandwidth is the senders`', () => {
    const interval = (members: number, senders: number, isSender: boolean): number => {
      const schedule = new RtcpSchedule(drawing(0.5));
      Object.assign(schedule, { members, senders, isSender });
      schedule.start(0);
      return schedule.due * C;
    };
    const size = 168;
    const bytesPerMs = 0.8;
    expect(interval(1000, 500, true)).toBeCloseTo((1000 * size) / bytesPerMs);
    expect(interval(1000, 100, true)).toBeCloseTo((100 * size) / (bytesPerMs / 4));
    expect(interval(1000, 100, false)).toBeCloseTo((900 * size) / ((bytesPerMs * 3) / 4));
  });

  test('§6.3.3 the average size follows what is sent and received, a sixteenth at a time', () => {
    const schedule = new RtcpSchedule(drawing(0.5));
    schedule.members = 1000;
    schedule.start(0);
    const before = schedule.due;
    for (let i = 0; i < 200; i++) schedule.onReceived(2 * 168 - 28);
    schedule.start(0);
    expect(schedule.due / before).toBeCloseTo(2, 2);
  });

  test('§6.3.4 reverse reconsideration: when nine of ten leave, what is left to wait is a tenth', () => {
    const schedule = new RtcpSchedule(drawing(0.5));
    schedule.members = 1000;
    schedule.start(0);
    expect(schedule.isTime(schedule.due)).toBe(true);
    schedule.onSent(120, 100_000);
    const left = schedule.due - 110_000;
    schedule.members = 100;
    schedule.onLeft(110_000);
    expect(schedule.due - 110_000).toBeCloseTo(left / 10);
    schedule.onLeft(110_000);
    expect(schedule.due - 110_000).toBeCloseTo(left / 10);
  });

  test('members made up and taken away by an attacker do not put our reports off (found by mutated packets: 11 s without a report)', () => {
    const schedule = new RtcpSchedule(new SeededRandom(3));
    const times: number[] = [];
    schedule.start(0);
    for (let now = 0; now < 120_000; now += 5) {
      schedule.members = now % 10 === 0 ? 20 : 2;
      schedule.senders = 1;
      schedule.isSender = true;
      schedule.onLeft(now);
      if (!schedule.isTime(now)) continue;
      times.push(now);
      schedule.onSent(120, now);
    }
    const gaps = times.slice(1).map((time, i) => time - times[i]!);
    expect(Math.max(...gaps)).toBeLessThan(7500 / C + 10);
  });

  test('§6.3.5 a member times out after five intervals, not fewer than 25 s', () => {
    const schedule = new RtcpSchedule(drawing(0.5));
    schedule.members = 2;
    expect(schedule.timeoutMs).toBe(25_000);
    schedule.members = 1000;
    expect(schedule.timeoutMs).toBeGreaterThan(25_000);
  });
});
