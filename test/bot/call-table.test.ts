/** Two SipBots and every way a call between them can go, row by row: both end in the right state, audio flows where it must, nothing is left. */
import { describe, expect, test } from 'vitest';
import type { Call, CallEnd } from '../../src/bot/call.js';
import type { SipBotOptions } from '../../src/bot/options.js';
import type { SipBot } from '../../src/bot/sip-bot.js';
import { audible, log, NOTHING_LEFT, World } from './support/world.js';

async function row(options: SipBotOptions, play: (world: World, one: SipBot, two: SipBot) => Promise<void>): Promise<void> {
  const world = new World();
  const [one, two] = [await world.bot(1, options), await world.bot(2, options)];
  await play(world, one, two);
  expect(world.errors).toEqual([]);
  expect(await world.close()).toEqual(NOTHING_LEFT);
}

type Four = [string, string, string, string];
const product = (a: readonly string[], b: readonly string[], c: readonly string[], d: readonly string[]): Four[] =>
  a.flatMap((w) => b.flatMap((x) => c.flatMap((y) => d.map((z): Four => [w, x, y, z]))));

const OFFERS: Record<string, SipBotOptions> = {
  plain: {},
  'optional SRTP': { srtp: 'optional' },
  'required SRTP': { srtp: 'required' },
};

describe('answered: codec × offer × who holds × who hangs up', () => {
  test.each(product(['opus', 'g722', 'pcmu', 'pcma'], Object.keys(OFFERS), ['nobody', 'caller', 'callee', 'both'], ['caller', 'callee']))(
    '%s, %s, held by %s, hung up by %s',
    async (codec, offer, holder, quitter) => {
      await row({ codecs: [codec as 'pcmu'], ...OFFERS[offer] }, async (world, one, two) => {
        const logs: string[][] = [];
        two.on('call', (call) => {
          logs.push(log(call));
          return call.answer();
        });
        const [call, other] = await world.talking(one, 2, { onCall: (outgoing) => logs.push(log(outgoing)) });
        expect([call.codec, other.codec]).toEqual([codec, codec]);
        expect(await audible(world, call, other)).toBe('hears/hears');
        const holders = [call, other].filter((_, i) => holder === 'both' || holder === ['caller', 'callee'][i]);
        for (const held of holders) await world.until(held.hold());
        if (holders.length > 0) {
          expect([call.state, other.state]).toEqual(['held', 'held']);
          const before = [call.audio.playedMs, other.audio.playedMs];
          expect(await audible(world, call, other)).toBe('silence/silence');
          // The ledger stands still, and what was written waits.
          expect([call.audio.playedMs, other.audio.playedMs]).toEqual(before);
          expect([call.audio.queuedMs, other.audio.queuedMs]).toEqual([500, 500]);
          for (const held of holders) await world.until(held.resume());
          await world.run(700);
          expect([call.state, other.state]).toEqual(['answered', 'answered']);
          expect(await audible(world, call, other)).toBe('hears/hears');
        }
        await world.until((quitter === 'caller' ? call : other).hangup());
        await world.run(100);
        const [byCaller, byCallee] = quitter === 'caller' ? ['local', 'remote'] : ['remote', 'local'];
        expect(logs.map((lines) => lines.at(-1))).toEqual([`ended hangup ${byCallee} 200 16`, `ended hangup ${byCaller} 200 16`].reverse());
        expect(logs.map((lines) => lines.filter((line) => line.startsWith('ended')).length)).toEqual([1, 1]);
        expect([one.calls.size, two.calls.size]).toEqual([0, 0]);
      });
    },
  );
});

describe('never answered: stage × who ends it × when', () => {
  const stages: Record<string, (call: Call) => unknown> = {
    untouched: () => {},
    ringing: (call) => call.ring(),
    'early media': (call) => call.progress(),
    'early media, unreliably': (call) => call.progress({ reliable: 'never' }),
  };
  const endings: Record<string, { act(ours: AbortController, theirs: Call): void; ours: Partial<CallEnd>; theirs: Partial<CallEnd> }> = {
    'the caller aborts': {
      act: (ours) => ours.abort(),
      ours: { reason: 'cancelled', by: 'local', status: 487 },
      theirs: { reason: 'cancelled', by: 'remote', status: 487 },
    },
    'the callee rejects': {
      act: (_, theirs) => theirs.reject(486, 'Busy Here'),
      ours: { reason: 'rejected', by: 'remote', status: 486, cause: 17 },
      theirs: { reason: 'rejected', by: 'local', status: 486, cause: 17 },
    },
    'the callee redirects': {
      act: (_, theirs) => theirs.redirect('sip:elsewhere@10.0.0.9'),
      ours: { reason: 'redirected', by: 'remote', status: 302 },
      theirs: { reason: 'redirected', by: 'local', status: 302 },
    },
    'the callee hangs up': {
      act: (_, theirs) => void theirs.hangup(),
      ours: { reason: 'rejected', by: 'remote', status: 480 },
      theirs: { reason: 'rejected', by: 'local', status: 480 },
    },
  };

  test.each(product(Object.keys(stages), Object.keys(endings), ['0', '1', '11', '500'], ['plain']))(
    '%s, %s after %s ms',
    async (stage, ending, wait) => {
      await row({}, async (world, one, two) => {
        let theirs: Call | undefined;
        two.on('call', (call) => {
          theirs = call;
          return Promise.resolve(stages[stage]!(call)).catch(() => {});
        });
        let ours: Call | undefined;
        const abort = new AbortController();
        const dialling = one.dial('sip:bot@10.0.0.2', { signal: abort.signal, onCall: (call) => (ours = call) });
        const failed = world.failure(dialling);
        await world.clock.runUntil(() => theirs !== undefined);
        await world.run(Number(wait));
        const { act, ours: ourEnd, theirs: theirEnd } = endings[ending]!;
        act(abort, theirs!);
        const error = await failed;
        await world.run(500);
        expect([ours!.end, theirs!.end]).toMatchObject([ourEnd, theirEnd]);
        const code = ending === 'the caller aborts' ? 'ERR_CALL_CANCELLED' : 'ERR_CALL_REJECTED';
        expect(error).toMatchObject({ name: 'CallError', code, status: ourEnd.status });
      });
    },
  );
});

describe('cancelled around the answer: no instant leaves a half of a call', () => {
  const instants = ['0', '1', '4', '5', '6', '9', '10', '11', '14', '15', '16', '20', '21', '25', '30'];
  test.each(instants.flatMap((at) => [[at, 'aborts'] as const, [at, 'hangs up'] as const]))(
    '%s ms after dialling, the caller %s',
    async (at, how) => {
      await row({}, async (world, one, two) => {
        const logs: string[][] = [];
        two.on('call', (call) => {
          logs.push(log(call));
          return call.answer().catch(() => {});
        });
        const abort = new AbortController();
        let ours: Call | undefined;
        const dialling = one
          .dial('sip:bot@10.0.0.2', {
            signal: abort.signal,
            onCall: (call) => {
              ours = call;
              logs.push(log(call));
            },
          })
          .catch(() => undefined);
        await world.run(Number(at));
        if (how === 'aborts') abort.abort();
        else await Promise.race([ours?.hangup(), world.run(0)]);
        await world.run(2000);
        const call = await world.until(dialling);
        if (call !== undefined && call.state !== 'ended') await world.until(call.hangup());
        await world.run(500);
        expect([one.calls.size, two.calls.size]).toEqual([0, 0]);
        for (const lines of logs) expect(lines.filter((line) => line.startsWith('ended'))).toHaveLength(1);
      });
    },
  );
});

describe('transferred: how × who asks × who hangs up afterwards', () => {
  test.each(product(['blind', 'attended', 'bridge'], ['caller', 'callee'], ['the one', 'the other'], ['plain']))(
    '%s, by the %s, hung up by %s',
    async (how, asker, quitter) => {
      await row({}, async (world, one, two) => {
        const three = await world.bot(3);
        const reached: Call[] = [];
        three.on('call', (call) => {
          reached.push(call);
          return call.answer();
        });
        two.on('call', (call) => call.answer());
        const [call, other] = await world.talking(one, 2);
        const [ours, theirs] = asker === 'caller' ? [call, other] : [other, call];
        const asking = asker === 'caller' ? one : two;
        const referred: Call[] = [];
        if (how !== 'bridge') theirs.on('transferRequest', (request) => void referred.push(request.accept()!));
        const progress: number[] = [];
        ours.on('transferProgress', ({ status }) => progress.push(status));
        let consultation: Call | undefined;
        if (how === 'attended') {
          [consultation] = await world.talking(asking, 3);
          reached[0]!.on('transferRequest', (request) => void referred.push(request.accept()!));
        }
        const target = consultation ?? 'sip:agent@10.0.0.3';
        const result = await world.until(ours.transfer(target, { fallback: how === 'bridge' ? 'bridge' : 'none' }));
        await world.run(500);
        expect(result).toMatchObject({ outcome: how === 'bridge' ? 'bridged' : 'completed', status: 200 });
        expect(progress.at(-1)).toBe(200);
        const first = how === 'bridge' ? theirs : referred[0]!;
        const second = how === 'attended' ? referred[1]! : reached[0]!;
        expect(await audible(world, first, second)).toBe('hears/hears');
        if (how !== 'bridge') expect(ours.end).toMatchObject({ reason: 'transferred', status: 200 });
        await world.until((quitter === 'the one' ? first : second).hangup());
        await world.run(1000);
        expect([first.state, second.state, ours.state]).toEqual(['ended', 'ended', 'ended']);
        expect(three.calls.size).toBe(0);
      });
    },
  );
});
