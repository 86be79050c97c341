import { describe, expect, test } from 'vitest';
import type { AudioFrame } from '../../../src/bot/audio.js';
import { Uplink, type UplinkOptions } from '../../../src/bot/wire/uplink.js';

const frame = (samples: Int16Array, timeMs: number, droppedMs = 0): AudioFrame => ({ samples, timeMs, droppedMs, source: 'heard' });

function uplink(options: Partial<UplinkOptions> = {}) {
  const got: { bytes: Uint8Array; timeMs: number }[] = [];
  const state = { takes: true };
  const link = new Uplink({
    fromRate: 16_000,
    format: { encoding: 'pcm16', sampleRate: 16_000 },
    chunkMs: 20,
    holdMs: 100,
    deliver: (bytes, timeMs) => {
      if (state.takes) got.push({ bytes, timeMs });
      return state.takes;
    },
    ...options,
  });
  return { link, got, state };
}

const counting = (from: number, count: number): Int16Array => Int16Array.from({ length: count }, (_, i) => from + i);

describe('what the caller says, on its way to a platform', () => {
  test('frames of any length become chunks of one, sample by sample, with their times', () => {
    const { link, got } = uplink();
    for (let i = 0; i < 8; i++) link.hear(frame(counting(160 * i, 160), 10 * i));
    expect(got.map(({ timeMs }) => timeMs)).toEqual([0, 20, 40, 60]);
    const samples = Int16Array.from(got.flatMap(({ bytes }) => [...new Int16Array(bytes.buffer)]));
    expect(samples).toEqual(counting(0, 1280));
  });

  test('a hole in what we heard is silence of the same length: the platform’s clock is not ours to turn', () => {
    const { link, got } = uplink();
    link.hear(frame(counting(1, 320), 0));
    link.hear(frame(counting(1, 320), 60, 40));
    expect(got.map(({ timeMs }) => timeMs)).toEqual([0, 20, 40, 60]);
    expect(got.slice(1, 3).every(({ bytes }) => bytes.every((byte) => byte === 0))).toBe(true);
  });

  test('a platform that cannot take it: the last moments are held, the older ones lost, and counted', () => {
    const { link, got, state } = uplink();
    state.takes = false;
    for (let i = 0; i < 50; i++) link.hear(frame(counting(i, 320), 20 * i));
    expect(link.stats).toEqual({ sentMs: 0, heldMs: 100, lostMs: 900 });
    state.takes = true;
    link.flush();
    expect(got.map(({ timeMs }) => timeMs)).toEqual([900, 920, 940, 960, 980]);
    expect(link.stats).toEqual({ sentMs: 100, heldMs: 0, lostMs: 900 });
  });

  test('ten minutes at another rate: not a chunk more or less', () => {
    const { link, got } = uplink({ format: { encoding: 'pcmu', sampleRate: 8000 } });
    const samples = new Int16Array(320);
    for (let i = 0; i < 30_000; i++) {
      link.hear(frame(samples, 20 * i));
      if (got.length > 100 && i < 29_999) got.splice(0, got.length - 1);
    }
    expect(link.stats.sentMs).toBe(600_000);
    expect(got.at(-1)!.bytes).toHaveLength(160);
  });

  test('the end of an utterance that fills no chunk goes as a shorter one', () => {
    const { link, got } = uplink();
    link.write(new Int16Array(330));
    expect(link.finish()).toBe(true);
    expect(got.map(({ bytes }) => bytes.length)).toEqual([640, 20]);
  });
});
