/** Every way a call of two can go: what is agreed on, who offers, who holds, when and by whom it ends; each row with its audio measured. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { CodecName } from '../../src/codec/codec.js';
import { loadOpus } from '../../src/codec/opus-library.js';
import type { CallEnd } from '../../src/session/call-end.js';
import type { CallSession } from '../../src/session/call-session.js';
import { audible, log, NOTHING_LEFT, type Party, type PartyOptions, settled, talking, Wire } from './support/party.js';

beforeAll(async () => {
  await loadOpus();
});

/** Two people, what they do, and nothing left of it. */
async function row(options: PartyOptions, play: (wire: Wire, caller: Party, callee: Party) => Promise<void>): Promise<void> {
  const wire = new Wire();
  const [caller, callee] = [await wire.party(1, options), await wire.party(2, options)];
  await play(wire, caller, callee);
  expect(wire.errors).toEqual([]);
  expect(await wire.close()).toEqual(NOTHING_LEFT);
}

function product<A, B, C, D>(as: readonly A[], bs: readonly B[], cs: readonly C[], ds: readonly D[]): [A, B, C, D][] {
  return as.flatMap((a) => bs.flatMap((b) => cs.flatMap((c) => ds.map((d): [A, B, C, D] => [a, b, c, d]))));
}

const codecs: CodecName[] = ['pcmu', 'pcma', 'g722', 'opus', 'l16'];

describe('answered: codec × who offers × who holds × who hangs up', () => {
  test.each(product(codecs, ['offer', 'none'] as const, ['nobody', 'caller', 'callee', 'both'] as const, ['caller', 'callee'] as const))(
    '%s, INVITE with description: %s, held by %s, hung up by %s',
    async (codec, description, holder, quitter) => {
      await row({ codecs: [codec], audio: { sampleRate: 16000, frameMs: 20 } }, async (wire, caller, callee) => {
        callee.onCall = (call) => void call.answer();
        const call = caller.dial(callee, { description });
        await settled(wire, call.answered);
        await wire.run(50);
        const other = callee.calls[0]!;
        expect(call.codec?.codec).toBe(codec);
        expect(await audible(wire, call, other)).toBe('hears/hears');
        const holders = [
          ...(holder === 'caller' || holder === 'both' ? [call] : []),
          ...(holder === 'callee' || holder === 'both' ? [other] : []),
        ];
        for (const one of holders) await settled(wire, one.hold());
        if (holders.length > 0) {
          expect([call.state, other.state]).toEqual(['held', 'held']);
          expect(await audible(wire, call, other)).toBe('silence/silence');
          for (const one of holders) await settled(wire, one.resume());
          // What was said while on hold waits, and is said now.
          await wire.run(1000);
          expect(await audible(wire, call, other)).toBe('hears/hears');
        }
        const [first, second] = quitter === 'caller' ? [call, other] : [other, call];
        await settled(wire, first.hangup());
        await wire.run(100);
        expect([first.end, second.end]).toMatchObject([
          { reason: 'hangup', by: 'local', status: 200, cause: 16 },
          { reason: 'hangup', by: 'remote', status: 200, cause: 16 },
        ]);
      });
    },
  );
});

describe('never answered: when it is given up, by whom', () => {
  const stages: Record<string, (call: CallSession) => unknown> = {
    'before a word': () => {},
    'while it rings': (call) => call.ring(),
    'in early media': (call) => call.progress(),
    'in early media that may be lost': (call) => call.progress({ reliable: 'never' }),
  };
  const ends: Record<
    string,
    { act: (caller: CallSession, callee: CallSession) => unknown; caller: Partial<CallEnd>; callee: Partial<CallEnd> }
  > = {
    'the caller hangs up': {
      act: (caller) => caller.hangup(),
      caller: { reason: 'cancelled', by: 'local', status: 487 },
      callee: { reason: 'cancelled', by: 'remote', status: 487 },
    },
    'the callee hangs up': {
      act: (_caller, callee) => callee.hangup(),
      caller: { reason: 'rejected', by: 'remote', status: 480, cause: 18 },
      callee: { reason: 'rejected', by: 'local', status: 480 },
    },
    'the callee refuses': {
      act: (_caller, callee) => callee.reject(603),
      caller: { reason: 'rejected', by: 'remote', status: 603, cause: 21 },
      callee: { reason: 'rejected', by: 'local', status: 603, cause: 21 },
    },
    'the callee points elsewhere': {
      act: (_caller, callee) => callee.redirect('sip:9@10.0.0.9'),
      caller: { reason: 'redirected', by: 'remote', status: 302 },
      callee: { reason: 'redirected', by: 'local', status: 302 },
    },
  };

  test.each(product(Object.keys(stages), Object.keys(ends), ['offer', 'none'] as const, [0, 300]))(
    '%s, %s (INVITE with description: %s, after %i ms)',
    async (stage, ending, description, waitMs) => {
      await row({}, async (wire, caller, callee) => {
        callee.onCall = (call) => void Promise.resolve(stages[stage]!(call)).catch(() => {});
        const call = caller.dial(callee, { description });
        const told = log(call);
        await wire.clock.runUntil(() => callee.calls.length > 0);
        await wire.run(waitMs);
        const { act, caller: callerEnd, callee: calleeEnd } = ends[ending]!;
        await settled(wire, Promise.resolve(act(call, callee.calls[0]!)));
        await wire.run(500);
        expect([call.end, callee.calls[0]!.end]).toMatchObject([callerEnd, calleeEnd]);
        expect(told.filter((line) => line.startsWith('ended'))).toHaveLength(1);
        await expect(call.answered).rejects.toMatchObject({ status: callerEnd.status });
      });
    },
  );
});

describe('a CANCEL and a 200 that cross, at every millisecond of their way', () => {
  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])('hung up %i ms after the callee answers: both are out of it', async (waitMs) => {
    await row({}, async (wire, caller, callee) => {
      callee.onCall = (call) => void call.ring();
      const call = caller.dial(callee);
      await wire.run(200);
      const answer = callee.calls[0]!.answer().catch(() => {});
      await wire.run(waitMs);
      await settled(wire, call.hangup());
      await settled(wire, answer);
      await wire.run(1000);
      expect([call.state, callee.calls[0]!.state]).toEqual(['ended', 'ended']);
    });
  });
});

describe('transferred: by whom × how × held or not × who hangs up afterwards', () => {
  test.each(
    product(
      ['caller', 'callee'] as const,
      ['blind', 'attended', 'bridge'] as const,
      ['talking', 'held'] as const,
      ['one', 'other'] as const,
    ),
  )('the %s transfers, %s, %s; afterwards the %s hangs up', async (by, how, state, quitter) => {
    const wire = new Wire();
    const [alice, bob, carol] = [await wire.party(1), await wire.party(2), await wire.party(3)];
    const [call, incoming] = await talking(alice, bob);
    const [ours, theirs, we] = by === 'caller' ? [call, incoming, alice] : [incoming, call, bob];
    const reached: CallSession[] = [];
    const obliging = (one: CallSession) => one.on('transferRequest', (request) => void reached.push(request.accept()!));
    if (how !== 'bridge') obliging(theirs);
    if (state === 'held' && how !== 'bridge') await settled(wire, ours.hold());
    let target: string | CallSession = carol.uri;
    carol.onCall = (third) => void third.answer();
    if (how === 'attended') {
      const [consult, atCarol] = await talking(we, carol);
      obliging(atCarol);
      target = consult;
    }
    const result = await settled(wire, ours.transfer(target, { fallback: how === 'bridge' ? 'bridge' : 'none' }));
    await wire.run(500);
    expect(result.outcome).toBe(how === 'bridge' ? 'bridged' : 'completed');
    const atCarol = how === 'attended' ? reached.find((one) => one.context === carol.context)! : carol.calls.at(-1)!;
    const atPeer = how === 'bridge' ? theirs : reached.find((one) => one.context === theirs.context)!;
    expect(await audible(wire, atPeer, atCarol)).toBe('hears/hears');
    if (how !== 'bridge') expect(ours.end).toMatchObject({ reason: 'transferred' });
    await settled(wire, (quitter === 'one' ? atPeer : atCarol).hangup());
    await wire.run(500);
    expect([atPeer.state, atCarol.state, ours.state]).toEqual(['ended', 'ended', 'ended']);
    for (const party of wire.parties) for (const one of party.calls) if (one.state !== 'ended') await settled(wire, one.hangup());
    expect(wire.errors).toEqual([]);
    expect(await wire.close()).toEqual(NOTHING_LEFT);
  });
});
