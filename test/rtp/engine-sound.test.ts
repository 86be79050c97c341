/** A tone through the whole engine, from one bot's write to another bot's frames, for each codec and rate: how much of it is left, as numbers. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { CodecName } from '../../src/codec/codec.js';
import { isOpusLoaded, loadOpus } from '../../src/codec/opus-library.js';
import { MediaEngine } from '../../src/rtp/engine.js';
import type { SampleRate } from '../../src/rtp/media-stream.js';
import type { PayloadFormat } from '../../src/rtp/stream-parameters.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import { type Impairment, MemoryNetwork } from '../../src/testing/memory-network.js';

const HZ = 1000;
const AMPLITUDE = 8000;

beforeAll(() => loadOpus());

/** Two streams that talk; what the second heard of a tone from the first, in its steady second. */
async function listen(format: PayloadFormat, rate: SampleRate, impairment: Impairment = {}) {
  const clock = new ManualClock();
  const network = new MemoryNetwork({ clock, seed: 3, ...impairment });
  const [a, b] = await Promise.all(
    (['10.0.0.1', '10.0.0.2'] as const).map((host) => new MediaEngine({ clock, network, host }).open({ sampleRate: rate, frameMs: 20 })),
  );
  for (const [one, other] of [
    [a!, b!],
    [b!, a!],
  ] as const)
    one.configure({
      remote: { ...other.local },
      send: true,
      receive: true,
      codec: format,
      accept: [format],
      rtcpMux: true,
    });
  const seconds = 4;
  a!.outgoing.write(Int16Array.from({ length: rate * seconds }, (_, n) => Math.round(AMPLITUDE * Math.sin((2 * Math.PI * HZ * n) / rate))));
  const cursor = b!.incoming.cursor();
  const heard: number[] = [];
  b!.onFrames = () => {
    for (let frame = cursor.next(); frame !== undefined; frame = cursor.next()) heard.push(...frame);
  };
  await clock.run(3000);
  return Int16Array.from(heard.slice(2 * rate - rate / 2, 2 * rate + rate / 2));
}

/** Level against what was sent, and what is not the tone, both in dB. */
function judge(samples: Int16Array, rate: number) {
  let sine = 0;
  let cosine = 0;
  let energy = 0;
  let step = 0;
  samples.forEach((sample, n) => {
    sine += sample * Math.sin((2 * Math.PI * HZ * n) / rate);
    cosine += sample * Math.cos((2 * Math.PI * HZ * n) / rate);
    energy += sample * sample;
    if (n > 0) step = Math.max(step, Math.abs(sample - samples[n - 1]!));
  });
  const amplitude = (2 * Math.hypot(sine, cosine)) / samples.length;
  const tone = (amplitude * amplitude) / 2;
  const rest = Math.max(1e-9, energy / samples.length - tone);
  return { levelDb: 20 * Math.log10(amplitude / AMPLITUDE), snrDb: 10 * Math.log10(tone / rest), step };
}

const rates: readonly SampleRate[] = [8000, 16_000, 24_000, 48_000];
const codecs: readonly (readonly [CodecName, PayloadFormat, number])[] = [
  ['pcmu', { payloadType: 0, codec: 'pcmu' }, 36],
  ['pcma', { payloadType: 8, codec: 'pcma' }, 36],
  ['g722', { payloadType: 9, codec: 'g722' }, 25],
  ['l16', { payloadType: 96, codec: 'l16', sampleRate: 16_000 }, 60],
  ['l16', { payloadType: 11, codec: 'l16', sampleRate: 44_100 }, 40],
  ['opus', { payloadType: 111, codec: 'opus' }, 10],
];

describe.each(codecs)('%s', (_name, format, leastSnrDb) => {
  test.each(rates)('1 kHz at %i Hz keeps its level, its purity, and has no click', async (rate) => {
    expect(isOpusLoaded()).toBe(true);
    const { levelDb, snrDb, step } = judge(await listen(format, rate), rate);
    expect(Math.abs(levelDb)).toBeLessThan(0.5);
    expect(snrDb).toBeGreaterThan(leastSnrDb);
    const steepest = AMPLITUDE * 2 * Math.sin((Math.PI * HZ) / rate);
    expect(step).toBeLessThan(1.25 * steepest);
  });
});

test('60 ms packets into 20 ms frames lose nothing', async () => {
  const { levelDb, snrDb } = judge(await listen({ payloadType: 0, codec: 'pcmu', ptimeMs: 60 }, 8000), 8000);
  expect(Math.abs(levelDb)).toBeLessThan(0.5);
  expect(snrDb).toBeGreaterThan(36);
});

test('with 30 ms of jitter and 3 % of packets lost the tone is still a tone, and no step is a click', async () => {
  const { levelDb, step } = judge(await listen({ payloadType: 0, codec: 'pcmu' }, 8000, { jitterMs: 30, loss: 0.03 }), 8000);
  expect(Math.abs(levelDb)).toBeLessThan(3);
  expect(step).toBeLessThan(1.6 * AMPLITUDE * 2 * Math.sin((Math.PI * HZ) / 8000));
});
