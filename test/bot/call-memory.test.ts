/** What a call keeps in memory while it talks: bytes of heap and of buffers, counted and not timed. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { EchoBot } from '../../src/bot/echo-bot.js';
import { World } from './support/world.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const held = async (): Promise<number> => {
  // What the first collection lets go of, the second takes.
  for (let i = 0; i < 2; i++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

const CALLS = 30;

test('a call at 8 kHz that talks keeps under 80 kB: a second of sound, a jitter buffer, and what can still be asked of it', async () => {
  const world = new World();
  const settings = { codecs: ['pcmu'], audio: { sampleRate: 8000 }, rtpPorts: [10_000, 12_000], bot: () => new EchoBot() } as const;
  const caller = await world.bot(1, settings);
  await world.bot(2, settings);
  const place = async (calls: number): Promise<void> => {
    for (let i = 0; i < calls; i++) {
      const call = await world.until(caller.dial('sip:bot@10.0.0.2'));
      call.use(new EchoBot());
      await world.run(100);
    }
    // The transactions that began them are forgotten.
    await world.run(40_000);
  };
  await place(20);
  // What else the process comes to keep meanwhile, compiled code above all, is in one round or the other.
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 3; round++) {
    const before = await held();
    await place(CALLS);
    least = Math.min(least, ((await held()) - before) / (2 * CALLS));
  }
  expect(least).toBeLessThan(80_000);
  await world.close();
});
