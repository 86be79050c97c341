/** Whatever two applications do with their calls, in whatever order and over whatever network: none is stuck, none leaks, none ends twice. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Call } from '../../src/bot/call.js';
import { EchoBot } from '../../src/bot/echo-bot.js';
import type { SipBot } from '../../src/bot/sip-bot.js';
import { hostOf, log, NOTHING_LEFT, tone, World } from './support/world.js';

const inCall = {
  ring: (call) => call.ring(),
  progress: (call) => call.progress(),
  'progress, unreliably': (call) => call.progress({ reliable: 'never' }),
  answer: (call) => call.answer(),
  'answer with a bot': (call) => call.answer({ bot: new EchoBot() }),
  reject: (call) => call.reject(486),
  redirect: (call) => call.redirect('sip:9@10.0.0.9'),
  hold: (call) => call.hold(),
  resume: (call) => call.resume(),
  dtmf: (call) => call.sendDtmf('12'),
  message: (call) => call.message('hello'),
  write: (call) => call.audio.write(tone(400, 300)),
  clear: (call) => call.audio.clear(),
  play: (call) => call.play(tone(500, 400), { interruptOn: ['dtmf'] }),
  loop: (call) => call.play(tone(600, 100), { mode: 'mix', loop: true }),
  replace: (call) => call.play(tone(700, 100), { mode: 'replace' }),
  gather: (call) => call.gather({ max: 1, timeoutMs: 500 }),
  drained: (call) => call.audio.drained(),
  bridge: (call, others) => others[0] && call.bridge(others[0]),
  'transfer to nobody': (call) => call.transfer('sip:nobody@10.0.0.9'),
  'transfer to the other bot': (call) => call.transfer(`sip:x@${hostOf(call.remote?.address === hostOf(1) ? 1 : 2)}`),
  'attended transfer': (call, others) => others[0] && call.transfer(others[0]),
  'transfer or bridge': (call) => call.transfer('sip:nobody@10.0.0.9', { fallback: 'bridge' }),
  hangup: (call) => call.hangup(),
} satisfies Record<string, (call: Call, others: readonly Call[]) => unknown>;
const actions = ['dial', 'dial and abort', ...(Object.keys(inCall) as (keyof typeof inCall)[])] as const;
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

/** What an application may be told when it asks for what cannot be done now. */
const refusals = /^(ERR_STATE|ERR_CALL_\w+|ERR_REQUEST|ERR_MEDIA|ERR_PORTS|ERR_OPTION|ERR_TIMEOUT)$/;
const MAX_CALLS = 3;

class Walker {
  readonly calls: Call[] = [];
  readonly logs: string[][] = [];
  readonly failures: unknown[] = [];
  readonly #bot: SipBot;
  readonly #peer: string;

  constructor(bot: SipBot, peer: string) {
    this.#bot = bot;
    this.#peer = peer;
    bot.on('call', (call) => this.#watch(call));
    bot.on('error', (error) => this.failures.push(error));
  }

  /** Does it to the latest call that is still there. */
  act(action: Action): void {
    const open = this.calls.filter((call) => call.state !== 'ended');
    if (action === 'dial' || action === 'dial and abort') {
      if (open.length >= MAX_CALLS) return;
      const abort = new AbortController();
      this.#attempt(() => this.#bot.dial(this.#peer, { signal: abort.signal, onCall: (call) => this.#watch(call) }));
      if (action === 'dial and abort') queueMicrotask(() => abort.abort());
      return;
    }
    const call = open.at(-1);
    if (call !== undefined) this.#attempt(() => inCall[action](call, open.slice(0, -1)));
  }

  #watch(call: Call): void {
    if (this.calls.includes(call)) return;
    this.calls.push(call);
    this.logs.push(log(call));
    call.on('transferRequest', (request) => {
      const next = request.accept();
      if (next !== undefined) this.#watch(next);
    });
  }

  #attempt(work: () => unknown): void {
    const check = (error: unknown): void => {
      if (!refusals.test((error as { code?: string }).code ?? '')) this.failures.push(error);
    };
    try {
      void Promise.resolve(work()).catch(check);
    } catch (error) {
      check(error);
    }
  }
}

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
          const twin = calls.find((one) => one !== call && one.id === call.id);
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
