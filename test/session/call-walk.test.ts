/** Whatever two people do in a call, in whatever order and over whatever network: no call is stuck, none leaks, none ends twice. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CallSession } from '../../src/session/call-session.js';
import { log, NOTHING_LEFT, type Party, Wire } from './support/party.js';

const actions = [
  'dial',
  'dial without offer',
  'ring',
  'progress',
  'answer',
  'reject',
  'redirect',
  'hold',
  'resume',
  'renegotiate',
  'dtmf',
  'info',
  'message',
  'transfer',
  'hangup',
] as const;
type Action = (typeof actions)[number];

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
    { arbitrary: fc.constantFrom<Action>('dial', 'answer', 'progress'), weight: 2 },
    { arbitrary: fc.constantFrom(...actions), weight: 3 },
  ),
  waitMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 60 }), fc.integer({ min: 100, max: 4000 })),
});

const network = fc.constantFrom(
  { delayMs: 5 },
  { delayMs: 40, jitterMs: 60 },
  { delayMs: 10, loss: 0.15 },
  { delayMs: 10, duplicate: 0.3, reorder: 0.2, reorderMs: 50 },
);

const refusals = /^(ERR_STATE|ERR_CALL_\w+|ERR_REQUEST|ERR_MEDIA|ERR_PORTS)$/;

/** Does it to the latest call of that party that is still there; what cannot be done now has to say so with an error of ours. */
function act(party: Party, other: Party, action: Action, calls: CallSession[], failures: unknown[]): void {
  const mine = calls.filter((call) => call.context === party.context && call.state !== 'ended');
  const call = mine.at(-1);
  const attempt = (work: () => unknown) => {
    try {
      void Promise.resolve(work()).catch((error: unknown) => check(error));
    } catch (error) {
      check(error);
    }
  };
  const check = (error: unknown) => {
    if (!refusals.test((error as { code?: string }).code ?? '')) failures.push(error);
  };
  if (action === 'dial' || action === 'dial without offer') {
    if (mine.length < 2) calls.push(party.dial(other, { description: action === 'dial' ? 'offer' : 'none' }));
    return;
  }
  if (call === undefined) return;
  const deeds: Record<Exclude<Action, 'dial' | 'dial without offer'>, () => unknown> = {
    ring: () => call.ring(),
    progress: () => call.progress(),
    answer: () => call.answer(),
    reject: () => call.reject(486),
    redirect: () => call.redirect('sip:9@10.0.0.9'),
    hold: () => call.hold(),
    resume: () => call.resume(),
    renegotiate: () => call.renegotiate({ codecs: [call.codec?.codec === 'pcmu' ? 'pcma' : 'pcmu'] }),
    dtmf: () => call.sendDtmf('1'),
    info: () => call.sendDtmf('2', { via: 'info' }),
    message: () => call.message('hello'),
    transfer: () => call.transfer('sip:2@10.0.0.2'),
    hangup: () => call.hangup(),
  };
  attempt(deeds[action]);
}

describe('random walks over two calls at once', () => {
  const long = Number(process.env['SIPBOT_FUZZ_RUNS'] ?? 0);
  const numRuns = long || 60;
  // The same walks every day; a long campaign goes other ways each time.
  const seed = long ? undefined : { seed: 7 };

  test(`no call is stuck, none leaks, none ends twice (${numRuns} walks)`, { timeout: 40_000 + numRuns * 400 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 25 }),
        network,
        fc.integer({ min: 1, max: 1e6 }),
        async (steps, impairment, seed) => {
          const wire = new Wire({ ...impairment, seed });
          const parties = [await wire.party(1), await wire.party(2)] as const;
          const calls: CallSession[] = [];
          const logs: string[][] = [];
          const failures: unknown[] = [];
          const watch = (call: CallSession) => {
            if (!calls.includes(call)) calls.push(call);
            logs.push(log(call));
            call.on('transferRequest', (request) => request.reject(603));
          };
          for (const party of parties) party.onCall = watch;
          for (const { who, action, waitMs } of steps) {
            const before = calls.length;
            act(parties[who], parties[1 - who]!, action, calls, failures);
            for (const call of calls.slice(before)) logs.push(log(call));
            await wire.run(waitMs);
          }
          // Time for what is under way, and for the network to be good again: then the two of every answered call agree.
          wire.network.impair({ delayMs: 5 });
          await wire.run(40_000);
          for (const call of calls.filter((one) => one.state === 'answered' || one.state === 'held')) {
            const twin = calls.find((one) => one !== call && one.id === call.id);
            expect([twin?.state, twin?.isHeldBy('remote'), twin?.isHeldBy('local')]).toEqual([
              call.state,
              call.isHeldBy('local'),
              call.isHeldBy('remote'),
            ]);
            expect(twin?.codec?.codec).toBe(call.codec?.codec);
          }
          for (const call of calls) await Promise.race([call.hangup(), wire.run(40_000)]);
          await wire.run(1000);
          expect(failures).toEqual([]);
          expect(calls.filter((call) => call.state !== 'ended')).toEqual([]);
          for (const lines of logs) {
            expect(lines.filter((line) => line.startsWith('ended'))).toHaveLength(1);
            expect(lines.at(-1)).toMatch(/^ended/);
            expect(lines.some((line) => line.startsWith('AFTER'))).toBe(false);
          }
          expect(wire.errors).toEqual([]);
          expect(await wire.close()).toEqual(NOTHING_LEFT);
        },
      ),
      { numRuns, ...seed },
    );
  });
});
