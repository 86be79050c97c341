/**
 * Many short calls in one process: afterwards memory is where it was, and no port, timer, listener or stream in a media thread is left.
 * SIPBOT_CALLS sets how many (10 000 for the record); the memory is judged from a tenth of the way on, when everything is warm.
 */
import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { EchoBot } from '../../src/bot/echo-bot.js';
import { SipBot } from '../../src/bot/sip-bot.js';
import { sineTone } from '../../src/codec/tones.js';
import { hostOf, NOTHING_LEFT, World } from './support/world.js';

const isLong = process.env['SIPBOT_CALLS'] !== undefined;
const CALLS = Number(process.env['SIPBOT_CALLS'] ?? 200);
const LIMIT_MB = 5;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** What is held after collection, in MB: the heap, and memory outside of it. */
async function heldMb(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 2 ** 20;
}

/** Runs all the calls, looks at the memory a tenth of the way and at the end, and says what it saw. */
async function grownMb(name: string, call: (i: number) => Promise<void>, atOnce: number, rest: () => Promise<void>): Promise<number> {
  const run = async (from: number, to: number): Promise<void> => {
    for (let i = from; i < to; i += atOnce) await Promise.all(Array.from({ length: Math.min(atOnce, to - i) }, (_, j) => call(i + j)));
    await rest();
  };
  const warm = Math.max(20, Math.floor(CALLS / 10));
  await run(0, warm);
  const before = await heldMb();
  const startedAt = performance.now();
  await run(warm, CALLS);
  const perCallMs = (performance.now() - startedAt) / (CALLS - warm);
  const after = await heldMb();
  const rssMb = process.memoryUsage.rss() / 2 ** 20;
  if (isLong) {
    process.stdout.write(
      `${name}: ${CALLS} calls, held ${before.toFixed(1)} MB after ${warm}, ${after.toFixed(1)} MB at the end; rss ${rssMb.toFixed(0)} MB; ${perCallMs.toFixed(1)} ms a call\n`,
    );
  }
  return after - before;
}

test('a call that is over is let go at once, with its audio: only its transactions live on for 32 s', async () => {
  const world = new World();
  const [caller, callee] = [await world.bot(1), await world.bot(2)];
  const ended: WeakRef<object>[] = [];
  callee.on('call', (call) => {
    ended.push(new WeakRef(call));
    return call.answer();
  });
  const talk = async (): Promise<void> => {
    const call = await world.until(caller.dial(`sip:bot@${hostOf(2)}`));
    ended.push(new WeakRef(call), new WeakRef(call.audio));
    await world.until(call.hangup());
    await world.run(200);
  };
  await talk();
  await heldMb();
  expect(ended.map((one) => one.deref())).toEqual([undefined, undefined, undefined]);
  expect(caller.stats().signalling.transactions.clients + callee.stats().signalling.transactions.servers).toBeGreaterThan(0);
  expect(await world.close()).toEqual(NOTHING_LEFT);
});

describe(`${CALLS} short calls`, () => {
  test('in memory', { timeout: 60_000 + CALLS * 60 }, async () => {
    const world = new World();
    const caller = await world.bot(1);
    await world.bot(2, { bot: () => new EchoBot() });
    world.network.onDatagram = undefined;
    const abort = new AbortController();
    const grown = await grownMb(
      'in memory',
      async (i) => {
        const call = await world.until(caller.dial(`sip:bot@${hostOf(2)}`, { signal: abort.signal }));
        call.on('dtmf', () => {});
        if (i % 3 === 0) call.play(sineTone(440, 60));
        if (i % 5 === 0) await world.until(call.hold());
        await world.run(100);
        await world.until(call.hangup());
      },
      1,
      () => world.run(40_000),
    );
    expect(grown).toBeLessThan(LIMIT_MB);
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0);
    expect(await world.close()).toEqual(NOTHING_LEFT);
  });

  test('over sockets and a media thread', { timeout: 120_000 + CALLS * 60 }, async () => {
    const resources = process.getActiveResourcesInfo().sort();
    const make = (options: object): SipBot =>
      new SipBot({ threads: 1, rtpHost: '127.0.0.1', listen: [{ transport: 'udp', host: '127.0.0.1', port: 0 }], ...options });
    const [caller, callee] = [make({ rtpPorts: [20_000, 42_000] }), make({ rtpPorts: [42_000, 64_000], bot: () => new EchoBot() })];
    const errors: unknown[] = [];
    for (const bot of [caller, callee]) bot.on('error', (error) => errors.push(error));
    await Promise.all([caller.start(), callee.start()]);
    const uri = `sip:bot@127.0.0.1:${callee.addresses[0]!.port}`;
    const abort = new AbortController();
    // SIP transactions live on for 32 s, ports rest for 5: a long run waits for the last of them, a short one ends them by stopping.
    const rest = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, isLong ? 38_000 : 200));
    const grown = await grownMb(
      'over sockets',
      async (i) => {
        const call = await caller.dial(uri, { signal: abort.signal });
        if (i % 3 === 0) call.play(sineTone(440, 60));
        await call.hangup();
      },
      10,
      rest,
    );
    if (isLong) {
      expect(grown).toBeLessThan(LIMIT_MB);
      for (const bot of [caller, callee]) {
        const { calls, signalling, media } = bot.stats();
        expect([calls, signalling.dialogs, signalling.requests, signalling.transactions.clients, signalling.transactions.servers]).toEqual([
          0, 0, 0, 0, 0,
        ]);
        expect(media.ports.used).toBe(0);
        expect(media.threads.map(({ streams }) => streams)).toEqual([0]);
      }
    }
    expect([caller.calls.size, callee.calls.size]).toEqual([0, 0]);
    expect(getEventListeners(abort.signal, 'abort')).toHaveLength(0);
    await Promise.all([caller.stop(), callee.stop()]);
    for (const bot of [caller, callee]) {
      const { signalling, media } = bot.stats();
      expect([signalling.timers, signalling.dialogs, media.ports.used]).toEqual([0, 0, 0]);
    }
    expect(errors).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(
      process
        .getActiveResourcesInfo()
        .sort()
        .filter((name) => name !== 'Immediate' && name !== 'Timeout'),
    ).toEqual(resources.filter((name) => name !== 'Immediate' && name !== 'Timeout'));
  });
});
