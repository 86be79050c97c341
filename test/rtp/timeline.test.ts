import { describe, expect, test } from 'vitest';
import { RtpHeader } from '../../src/rtp/header.js';
import { Timeline } from '../../src/rtp/timeline.js';

/** Packets as [sequence number, timestamp, arrival]; where they were put, in packets and ticks after the first. */
function place(timeline: Timeline, packets: readonly (readonly [number, number, number, 'M'?])[]): string[] {
  return packets.map(([sequence, timestamp, now, marker]) => {
    const header = Object.assign(new RtpHeader(), { sequence: sequence & 0xffff, timestamp: timestamp >>> 0, marker: marker === 'M' });
    const placement = timeline.place(header, now, 160);
    if (placement === 'placed') timeline.learn(now);
    return placement === 'placed' ? `${timeline.sequence} ${timeline.time}` : placement;
  });
}

/** A stream that has run for two seconds: packet 100 is next, timestamp 16000, at 2000. */
function running(): Timeline {
  const timeline = new Timeline(8000, 320);
  place(
    timeline,
    Array.from({ length: 100 }, (_, i) => [i, 160 * i, 20 * i] as const),
  );
  return timeline;
}

test('numbers are unwrapped, forwards and back', () => {
  const timeline = new Timeline(8000, 320);
  expect(
    place(timeline, [
      [65534, 0xfffffff0, 0],
      [1, 0xfffffff0 + 480, 60],
      [65535, 0xfffffff0 + 160, 65],
      [2, 0xfffffff0 + 640, 80],
    ]),
  ).toEqual(['0 0', '3 480', '1 160', '4 640']);
});

test('a pause of the sender keeps time and number', () => {
  expect(place(running(), [[100, 16_000 + 24_000, 5000]])).toEqual(['100 40000']);
});

describe('carried on unbroken', () => {
  test('after restart: any numbers follow', () => {
    const timeline = running();
    timeline.restart();
    expect(
      place(timeline, [
        [40_000, 5, 2000],
        [40_001, 165, 2020],
      ]),
    ).toEqual(['100 16000', '101 16160']);
  });

  test('when the sequence number jumps: the second packet is believed', () => {
    const timeline = running();
    expect(
      place(timeline, [
        [40_000, 16_000, 2000],
        [40_001, 16_160, 2020],
        [40_002, 16_320, 2040],
      ]),
    ).toEqual(['stray', '100 16160', '101 16320']);
    expect(timeline.jumps).toBe(1);
  });

  test('when the timestamp jumps: the second packet is believed, or the first with a marker', () => {
    expect(
      place(running(), [
        [100, 9_000_000, 2000],
        [101, 9_000_160, 2020],
        [102, 9_000_320, 2040],
      ]),
    ).toEqual(['stray', '101 16160', '102 16320']);
    expect(
      place(running(), [
        [100, 9_000_000, 2000, 'M'],
        [101, 9_000_160, 2020],
      ]),
    ).toEqual(['100 16000', '101 16160']);
  });

  test('when the timestamp stood still in a pause', () => {
    expect(
      place(running(), [
        [100, 16_000, 4000],
        [101, 16_160, 4020],
        [102, 16_320, 4040],
      ]),
    ).toEqual(['late', '101 32160', '102 32320']);
  });

  test('after a pause so long that nothing is known any more', () => {
    expect(
      place(running(), [
        [12_345, 777, 60_000],
        [12_346, 937, 60_020],
      ]),
    ).toEqual(['100 480000', '101 480160']);
  });

  test('when the path is longer than any delay allowed, for good', () => {
    const packets = Array.from({ length: 20 }, (_, i) => [100 + i, 16_000 + 160 * i, 2000 + 500 + 20 * i] as const);
    // The packets of half a second are missing first; what comes then comes evenly.
    expect(place(running(), packets).filter((placement) => placement === 'late')).toHaveLength(1);
  });
});

describe('left where it is', () => {
  test('by a single packet from elsewhere', () => {
    expect(
      place(running(), [
        [40_000, 5, 2000],
        [100, 16_000, 2001],
        [40_001, 165, 2002],
        [101, 16_160, 2020],
      ]),
    ).toEqual(['stray', '100 16000', 'stray', '101 16160']);
  });

  test('by a burst after an outage: too late is not a jump', () => {
    const burst = Array.from({ length: 100 }, (_, i) => [100 + i, 16_000 + 160 * i, 4000 + i * 0.1] as const);
    const placed = place(running(), burst);
    expect(placed.slice(0, 80)).toEqual(Array(80).fill('late'));
    expect(placed.at(-1)).toBe('199 31840');
  });

  test('by packets that come after very long', () => {
    const timeline = running();
    place(timeline, [[3000, 160 * 3000, 60_000 - 100]]);
    expect(
      place(timeline, [
        [200, 32_000, 60_000],
        [201, 32_160, 60_001],
        [202, 32_320, 60_002],
      ]),
    ).toEqual(['late', 'late', 'late']);
  });

  test('by packets close behind the newest, however many of them come too late', () => {
    const timeline = running();
    place(timeline, [[160, 25_600, 3300]]);
    const old = Array.from({ length: 40 }, (_, i) => [100 + i, 16_000 + 160 * i, 3400 + 20 * i] as const);
    expect(new Set(place(timeline, old))).toEqual(new Set(['late']));
    expect(timeline.jumps).toBe(0);
  });

  test('by events, whose timestamp stands still', () => {
    const timeline = running();
    const header = Object.assign(new RtpHeader(), { sequence: 100, timestamp: 16_000 });
    expect(timeline.placeEvent(header, 2000, 160, 160)).toBe('placed');
    expect([timeline.sequence, timeline.time]).toEqual([100, 16_000]);
    header.sequence = 101;
    timeline.placeEvent(header, 2020, 160, 320);
    expect([timeline.sequence, timeline.time]).toEqual([101, 16_160]);
    // Counted in another clock: the time of the sound before it.
    header.sequence = 102;
    header.timestamp = 3_000_000_000;
    timeline.placeEvent(header, 2040, 160, 0);
    expect([timeline.sequence, timeline.time]).toEqual([102, 16_000]);
    header.sequence = 20_000;
    expect(timeline.placeEvent(header, 2060, 160, 0)).toBe('stray');
    expect(place(timeline, [[103, 16_480, 2060]])).toEqual(['103 16480']);
  });
});
