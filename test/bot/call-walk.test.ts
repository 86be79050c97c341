/** Whatever two applications do with their calls, in whatever order and over whatever network: none is stuck, none leaks, none ends twice. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Action, actions, Walker } from './support/walker.js';
import { hostOf, NOTHING_LEFT, World } from './support/world.js';

interface Step {
  readonly who: 0 | 1;
  readonly action: Action;
  /** How long until the next. */
  readonly waitMs: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  who: fc.constantFrom(0 as const, 1 as const),
  // What makes and answers calls more often than what ends them.
  action: fc.oneof(
    { arbitrary: fc.constantFrom<Action>('dial', 'answer', 'progress', 'hold'), weight: 2 },
    { arbitrary: fc.constantFrom(...actions), weight: 3 },
  ),
  waitMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 60 }), fc.integer({ min: 100, max: 3000 })),
});

const network = fc.constantFrom(
  { delayMs: 5 },
  { delayMs: 40, jitterMs: 60 },
  { delayMs: 10, loss: 0.15 },
  { delayMs: 10, duplicate: 0.3, reorder: 0.2, reorderMs: 50 },
);

describe('random walks over the calls of two bots', () => {
  const long = Number(process.env['SIPBOT_WALKS'] ?? 0);
  const numRuns = long || 40;
  // The same walks every day; a long campaign goes other ways each time.
  const seed = long ? {} : { seed: 11 };

  test(`no call is stuck, none leaks, none ends twice (${numRuns} walks)`, { timeout: 60_000 + numRuns * 2000 }, async () => {
    const steps = fc.array(step, { minLength: 1, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(steps, network, fc.integer({ min: 1, max: 1e6 }), async (walk, impairment, networkSeed) => {
        const world = new World({ ...impairment, seed: networkSeed });
        const bots = [await world.bot(1, { maxCalls: 8 }), await world.bot(2, { maxCalls: 8 })] as const;
        const walkers = [new Walker(bots[0], `sip:x@${hostOf(2)}`), new Walker(bots[1], `sip:x@${hostOf(1)}`)] as const;
        for (const { who, action, waitMs } of walk) {
          walkers[who].act(action);
          await world.run(waitMs);
        }
        // Time for what is under way, and for the network to be good again: then the two of every answered call agree.
        world.network.impair({ delayMs: 5 });
        await world.run(40_000);
        const calls = walkers.flatMap((walker) => walker.calls);
        for (const call of calls.filter((one) => one.state === 'answered' || one.state === 'held')) {
          const twin = calls.find((one) => one !== call && one.callId === call.callId);
          expect([twin?.state, twin?.codec]).toEqual([call.state, call.codec]);
        }
        for (const call of calls) await Promise.race([call.hangup().catch(() => {}), world.run(40_000)]);
        await world.run(1000);
        expect(walkers.flatMap((walker) => walker.failures)).toEqual([]);
        expect(calls.filter((call) => call.state !== 'ended').map((call) => call.state)).toEqual([]);
        for (const lines of walkers.flatMap((walker) => walker.logs)) {
          expect(lines.filter((line) => line.startsWith('ended'))).toHaveLength(1);
          expect(lines.at(-1)).toMatch(/^ended/);
        }
        expect(world.errors).toEqual([]);
        expect(await world.close()).toEqual(NOTHING_LEFT);
      }),
      { numRuns, ...seed },
    );
  });
});
