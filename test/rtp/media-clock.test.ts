import { describe, expect, test } from 'vitest';
import type { Clock, Timer } from '../../src/clock.js';
import { Lateness, MediaClock, SLOT_MS, Turn } from '../../src/rtp/media-clock.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';

class Recorder extends Turn {
  readonly kind: 'departure' | 'arrival';
  readonly name: string;
  readonly log: string[];
  readonly deadlines: number[] = [];
  readonly lateness: number[] = [];
  skipped = 0;
  onTake: (() => void) | undefined;

  constructor(name: string, log: string[] = [], kind: 'departure' | 'arrival' = 'departure') {
    super();
    this.name = name;
    this.log = log;
    this.kind = kind;
  }

  take(now: number): void {
    const deadline = this.due * SLOT_MS;
    this.deadlines.push(deadline);
    this.lateness.push(now - deadline);
    this.log.push(`${deadline} ${this.name}`);
    this.onTake?.();
  }

  skip(turns: number): void {
    this.skipped += turns;
    this.log.push(`skip ${turns} ${this.name}`);
  }

  fail(error: Error): void {
    this.log.push(`${this.name} failed: ${error.message}`);
  }
}

/** A clock whose timers fire late, each by an amount drawn from a seed, and whose now() moves on while work is done. */
class LateClock implements Clock {
  readonly manual = new ManualClock();
  readonly #late: () => number;

  constructor(late: () => number) {
    this.#late = late;
  }

  now = (): number => this.manual.now();
  wall = (): number => this.manual.wall();
  at = (when: number, task: () => void): Timer => this.manual.at(when + this.#late(), task);
}

function wheel(clock: Clock) {
  const counts = new Float64Array(Lateness.buckets);
  const done: number[] = [];
  const skips: number[] = [];
  const media = new MediaClock({
    clock,
    lateness: new Lateness(counts),
    onSlotDone: () => done.push(clock.now()),
    onSkip: (slots) => skips.push(slots),
  });
  return { media, counts, done, skips };
}

describe('media clock', () => {
  test.each([10, 20, 30, 40, 50, 60])('a turn every %d ms, on the dot, for as long as it is wanted', (period) => {
    const clock = new ManualClock();
    const { media } = wheel(clock);
    const turn = new Recorder('a');
    media.add(turn, period, 3);
    clock.advance(6 * 600 + 7);
    expect(turn.deadlines[0]).toBe(6);
    expect(turn.deadlines).toEqual(turn.deadlines.map((_, i) => 6 + i * period));
    expect(turn.deadlines.length).toBe(Math.floor((3607 - 6) / period) + 1);
    media.remove(turn);
    expect(clock.pending).toBe(0);
  });

  test('in a slot departures come before arrivals, and the application is woken once after both', () => {
    const clock = new ManualClock();
    const { media, done } = wheel(clock);
    const log: string[] = [];
    media.add(new Recorder('in', log, 'arrival'), 20, 0);
    media.add(new Recorder('out 1', log), 20, 0);
    media.add(new Recorder('out 2', log), 20, 0);
    clock.advance(25);
    expect(log).toEqual(['20 out 1', '20 out 2', '20 in']);
    expect(done).toEqual([20]);
  });

  test('streams spread: a thousand of 20 ms are a hundred in each slot', () => {
    const clock = new ManualClock();
    const { media } = wheel(clock);
    const phases = new Map<number, number>();
    for (let i = 0; i < 1000; i++) {
      const phase = media.quietestPhase(20);
      phases.set(phase, (phases.get(phase) ?? 0) + 1);
      media.add(new Recorder(`${i}`), 20, phase);
    }
    expect([...phases.values()]).toEqual(new Array(20 / SLOT_MS).fill(1000 / (20 / SLOT_MS)));
  });

  test('ten minutes on timers up to 15 ms late: the last packet is as punctual as the first', () => {
    const random = new SeededRandom(7);
    const late = new LateClock(() => 15 * random.fraction());
    const { media } = wheel(late);
    const turn = new Recorder('a');
    media.add(turn, 20, 0);
    late.manual.advance(600_000);
    expect(turn.deadlines.length).toBe(30_000 - (turn.deadlines.at(-1)! === 600_000 ? 0 : 1));
    expect(turn.deadlines).toEqual(turn.deadlines.map((_, i) => 20 * (i + 1)));
    expect(Math.max(...turn.lateness)).toBeLessThanOrEqual(15);
    expect(turn.skipped).toBe(0);
  });

  test('timers that have no turn for 40 ms: whoever tells the time has departures served, once; arrivals wait', () => {
    const clock = new LateClock(() => 40);
    const { media } = wheel(clock);
    const [a, b, arrival] = [new Recorder('a'), new Recorder('b'), new Recorder('c', [], 'arrival')];
    media.add(a, 20, 0);
    media.add(b, 20, 4);
    media.add(arrival, 20, 1);
    for (let ms = 0; ms < 2000; ms++) {
      clock.manual.advance(1);
      media.serveDepartures(clock.now());
    }
    for (const turn of [a, b, arrival]) {
      expect(turn.deadlines).toEqual(turn.deadlines.map((_, i) => turn.deadlines[0]! + 20 * i));
      expect(turn.skipped).toBe(0);
    }
    for (const turn of [a, b]) {
      expect(turn.deadlines.length).toBeGreaterThanOrEqual(99);
      expect(Math.max(...turn.lateness.slice(3))).toBe(1);
    }
    expect(Math.max(...arrival.lateness)).toBeGreaterThanOrEqual(20);
    const served = a.deadlines.length;
    media.stop();
    clock.manual.advance(100);
    media.serveDepartures(clock.now());
    expect(clock.manual.pending).toBe(0);
    expect(a.deadlines.length).toBe(served);
  });

  test('departures go on while timers have no turn at all: then arrivals alone are skipped', () => {
    let lateMs = 0;
    const clock = new LateClock(() => lateMs);
    const { media, skips } = wheel(clock);
    const [departure, arrival] = [new Recorder('a'), new Recorder('b', [], 'arrival')];
    media.add(departure, 20, 0);
    media.add(arrival, 20, 1);
    clock.manual.advance(100);
    lateMs = 300;
    for (let ms = 0; ms < 400; ms++) {
      clock.manual.advance(1);
      media.serveDepartures(clock.now());
    }
    expect(departure.deadlines).toEqual(departure.deadlines.map((_, i) => departure.deadlines[0]! + 20 * i));
    expect(departure.deadlines.at(-1)).toBeGreaterThanOrEqual(480);
    expect(Math.max(...departure.lateness)).toBe(1);
    expect(departure.skipped).toBe(0);
    expect(skips.length).toBe(1);
    expect(arrival.skipped).toBeGreaterThan(10);
  });

  test('whose last turn goes, and another comes, while departures are served, is not left without a timer', () => {
    const clock = new ManualClock();
    const { media } = wheel(clock);
    const [last, next] = [new Recorder('a'), new Recorder('b')];
    last.onTake = () => {
      if (last.deadlines.length < 2) return;
      media.remove(last);
      media.add(next, 20, 0);
    };
    media.add(last, 20, 0);
    clock.advance(39);
    media.serveDepartures(clock.now() + 2);
    expect(last.deadlines.length).toBe(2);
    clock.advance(100);
    expect(next.deadlines.length).toBeGreaterThan(3);
  });

  test('after a stall nobody has more departures served than the arrears allow', () => {
    const clock = new LateClock(() => 5);
    const { media, skips } = wheel(clock);
    const turn = new Recorder('a');
    media.add(turn, 20, 0);
    clock.manual.advance(200);
    const before = turn.deadlines.length;
    const late = clock.now() + 500;
    media.serveDepartures(late);
    expect(turn.deadlines.length).toBe(before);
    expect(skips).toEqual([]);
  });

  test('a stall within the arrears is made up; a longer one is skipped, by whole turns, without a burst', () => {
    const clock = new ManualClock();
    let stall = 0;
    const late: Clock = { now: () => clock.now(), wall: () => 0, at: (when, task) => clock.at(when + stall, task) };
    const { media, skips } = wheel(late);
    const log: string[] = [];
    const a = new Recorder('a', log);
    const b = new Recorder('b', log, 'arrival');
    media.add(a, 20, 0);
    media.add(b, 30, 5);
    clock.advance(30);
    log.length = 0;
    stall = 50;
    clock.advance(10); // the timer for 60 will fire at 110
    stall = 0;
    clock.advance(80);
    const made = log.splice(0);
    expect(made).toEqual(['40 a', '40 b', '60 a', '70 b', '80 a', '100 a', '100 b', '120 a']);
    expect(skips).toEqual([]);
    stall = 500;
    clock.advance(10);
    stall = 0;
    log.length = 0;
    clock.advance(2000);
    expect(log[0]).toMatch(/^skip/);
    expect(log.filter((line) => line.startsWith('skip')).length).toBe(2);
    expect(skips.length).toBe(1);
    const after = a.deadlines.filter((deadline) => deadline > 200);
    expect(after).toEqual(after.map((_, i) => after[0]! + 20 * i));
    expect(after.every((deadline) => deadline % 20 === 0)).toBe(true);
    expect(a.deadlines.length + a.skipped).toBe(Math.floor(clock.now() / 20));
  });

  test('a stall of minutes, longer than the wheel is round, is skipped in one go', () => {
    const clock = new ManualClock();
    let stall = 0;
    const late: Clock = { now: () => clock.now(), wall: () => 0, at: (when, task) => clock.at(when + stall, task) };
    const { media } = wheel(late);
    const turns = [10, 20, 30, 40, 50, 60].map((period) => {
      const turn = new Recorder(`${period}`);
      media.add(turn, period, media.quietestPhase(period));
      return { turn, period };
    });
    clock.advance(100);
    stall = 180_000;
    clock.advance(20);
    stall = 0;
    clock.advance(200_000);
    for (const { turn, period } of turns) {
      const total = turn.deadlines.length + turn.skipped;
      expect(total).toBe(Math.floor((clock.now() - turn.deadlines[0]!) / period) + 1);
      const phase = turn.deadlines[0]! % period;
      expect(turn.deadlines.every((deadline) => deadline % period === phase)).toBe(true);
    }
  });

  test('a turn may take itself or another of the same slot off the wheel', () => {
    const clock = new ManualClock();
    const { media } = wheel(clock);
    const log: string[] = [];
    const [a, b, c] = ['a', 'b', 'c'].map((name) => new Recorder(name, log)) as [Recorder, Recorder, Recorder];
    for (const turn of [a, b, c]) media.add(turn, 20, 0);
    a.onTake = () => {
      media.remove(b);
      media.remove(a);
    };
    clock.advance(50);
    expect(log).toEqual(['20 a', '20 c', '40 c']);
    b.onTake = () => {
      media.remove(b);
      media.add(b, 10, 1);
    };
    media.add(b, 20, 0);
    log.length = 0;
    clock.advance(35);
    expect(log).toEqual(['60 c', '60 b', '62 b', '72 b', '80 c', '82 b']);
  });

  test('a turn that throws fails alone, and its neighbours and the clock go on', () => {
    const clock = new ManualClock();
    const { media } = wheel(clock);
    const log: string[] = [];
    const [a, b] = ['a', 'b'].map((name) => new Recorder(name, log)) as [Recorder, Recorder];
    media.add(a, 20, 0);
    media.add(b, 20, 0);
    b.onTake = () => {
      throw new Error('no');
    };
    clock.advance(40);
    expect(log).toEqual(['20 a', '20 b', 'b failed: no', '40 a', '40 b', 'b failed: no']);
  });

  test('with nothing to do it sleeps, and what is added later starts in the present', () => {
    const clock = new ManualClock();
    const { media } = wheel(clock);
    const turn = new Recorder('a');
    media.add(turn, 20, 0);
    clock.advance(40);
    media.remove(turn);
    expect(clock.pending).toBe(0);
    clock.advance(100_000);
    media.add(turn, 20, 0);
    clock.advance(40);
    expect(turn.deadlines).toEqual([20, 40, 100_060, 100_080]);
    expect(turn.skipped).toBe(0);
    media.stop();
    expect(clock.pending).toBe(0);
  });
});

describe('lateness', () => {
  test('quantiles are the upper edge of their bucket: 0.1 ms wide to 10 ms, 1 ms to 200 ms', () => {
    const counts = new Float64Array(Lateness.buckets);
    const lateness = new Lateness(counts);
    for (let i = 0; i < 990; i++) lateness.add(0.25);
    for (let i = 0; i < 9; i++) lateness.add(12.3);
    lateness.add(5000);
    expect([0.5, 0.99, 0.995, 0.999, 1].map((q) => Lateness.quantile(counts, q))).toEqual([0.3, 0.3, 13, 13, Number.POSITIVE_INFINITY]);
    expect(Lateness.quantile(new Float64Array(Lateness.buckets), 0.99)).toBe(0);
  });

  test('a departure before its time counts as none late', () => {
    const counts = new Float64Array(Lateness.buckets);
    new Lateness(counts).add(-0.5);
    expect(Lateness.quantile(counts, 1)).toBe(0.1);
  });
});
