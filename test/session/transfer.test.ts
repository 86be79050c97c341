import { afterEach, describe, expect, test } from 'vitest';
import type { CallSession } from '../../src/session/call-session.js';
import type { TransferRequest } from '../../src/session/transfer-request.js';
import { audible, log, NOTHING_LEFT, type Party, type PartyOptions, settled, talking, Wire } from './support/party.js';

let wire: Wire;

async function three(...options: PartyOptions[]): Promise<[Party, Party, Party]> {
  wire = new Wire();
  return [await wire.party(1, options[0]), await wire.party(2, options[1]), await wire.party(3, options[2])];
}

/** Takes whatever transfer is asked for, and keeps it. */
function obliging(call: CallSession): { readonly requests: TransferRequest[]; readonly calls: CallSession[] } {
  const taken = { requests: [] as TransferRequest[], calls: [] as CallSession[] };
  call.on('transferRequest', (request) => {
    taken.requests.push(request);
    const next = request.accept();
    if (next !== undefined) taken.calls.push(next);
  });
  return taken;
}

afterEach(async () => {
  expect(wire.errors).toEqual([]);
  expect(await wire.close()).toEqual(NOTHING_LEFT);
});

describe('blind, RFC 3515', () => {
  test('the other side is sent on, reports how it fares, and is let go', async () => {
    const [alice, bob, carol] = await three();
    const [call, incoming] = await talking(alice, bob);
    const told = log(call);
    const taken = obliging(incoming);
    carol.onCall = (third) => void third.ring().then(() => wire.clock.at(wire.clock.now() + 2500, () => void third.answer()));
    const result = await settled(wire, call.transfer(carol.uri));
    expect(result).toEqual({ outcome: 'completed', status: 200, reason: 'OK' });
    expect(told).toEqual(['progress 202', 'progress 100', 'progress 180', 'progress 200', 'ended transferred local 200 16']);
    expect(taken.requests[0]).toMatchObject({ kind: 'refer', isAttended: false });
    expect(String(taken.requests[0]?.targets[0])).toBe(carol.uri);
    expect(taken.requests[0]?.referredBy?.uri.user).toBe('1');
    expect(await audible(wire, taken.calls[0]!, carol.calls[0]!)).toBe('hears/hears');
    expect(carol.calls[0]!.request?.referredBy?.uri.user).toBe('1');
    expect(incoming.state).toBe('ended');
    await settled(wire, taken.calls[0]!.hangup());
  });

  test('the target refuses: told so, and the call goes on as it was', async () => {
    const [alice, bob, carol] = await three();
    const [call, incoming] = await talking(alice, bob);
    obliging(incoming);
    carol.onCall = (third) => third.reject(486);
    expect(await settled(wire, call.transfer(carol.uri))).toEqual({ outcome: 'failed', status: 486, reason: 'Busy Here' });
    expect([call.state, incoming.state]).toEqual(['answered', 'answered']);
    expect(await audible(wire, call, incoming)).toBe('hears/hears');
    await settled(wire, call.hangup());
  });

  test('a page instead of a call: 416, and the application is not asked', async () => {
    const [alice, bob] = await three();
    const [call, incoming] = await talking(alice, bob);
    const { requests } = obliging(incoming);
    expect(await settled(wire, call.transfer('http://example.com/'))).toMatchObject({ outcome: 'failed', status: 416 });
    expect([requests, call.state]).toEqual([[], 'answered']);
    await settled(wire, call.hangup());
  });

  test('nobody listens for transfers: 603, nothing acts by itself', async () => {
    const [alice, bob, carol] = await three();
    const [call] = await talking(alice, bob);
    expect(await settled(wire, call.transfer(carol.uri))).toEqual({ outcome: 'failed', status: 603, reason: 'Decline' });
    expect(carol.calls).toEqual([]);
    await settled(wire, call.hangup());
  });

  test('rejected at once, or after some thought: the referrer is told which', async () => {
    const [alice, bob, carol] = await three();
    const [call, incoming] = await talking(alice, bob);
    let think = false;
    incoming.on('transferRequest', (request) => {
      if (think) wire.clock.at(wire.clock.now() + 2000, () => request.reject(480));
      else request.reject(403);
    });
    expect(await settled(wire, call.transfer(carol.uri))).toMatchObject({ outcome: 'failed', status: 403 });
    think = true;
    expect(await settled(wire, call.transfer(carol.uri))).toMatchObject({ outcome: 'failed', status: 480 });
    expect(call.state).toBe('answered');
    await settled(wire, call.hangup());
  });

  test('undecided when we hang up: that was a no, and nothing of it is left', async () => {
    const [alice, bob, carol] = await three();
    const [call, incoming] = await talking(alice, bob);
    incoming.on('transferRequest', () => {});
    const result = call.transfer(carol.uri);
    await wire.run(100);
    await settled(wire, incoming.hangup());
    await settled(wire, result);
    expect(wire.texts.filter((text) => text.startsWith('NOTIFY')).at(-1)).toContain('SIP/2.0 603 Decline');
    expect(carol.calls).toEqual([]);
  });

  test('undecided when they hang up: phones do so at the 202, and it can still be accepted', async () => {
    const [alice, bob, carol] = await three();
    const [call, incoming] = await talking(alice, bob);
    carol.onCall = (third) => void third.answer();
    const requests: TransferRequest[] = [];
    incoming.on('transferRequest', (request) => void requests.push(request));
    void call.transfer(carol.uri);
    await wire.run(100);
    await settled(wire, call.hangup());
    const next = requests[0]!.accept()!;
    await settled(wire, next.answered);
    await wire.run(100);
    await settled(wire, next.hangup());
  });

  test('accepted, and they hang up without a word more: it has gone on elsewhere', async () => {
    const [alice, bob, carol] = await three();
    const [call, incoming] = await talking(alice, bob);
    const told = log(call);
    incoming.on('transferRequest', (request) => {
      request.accept();
      wire.clock.at(wire.clock.now() + 100, () => void incoming.hangup());
    });
    expect(await settled(wire, call.transfer(carol.uri))).toMatchObject({ outcome: 'completed' });
    expect(told.at(-1)).toBe('ended transferred remote 200 16');
    await settled(wire, carol.calls[0]!.answer());
    await wire.run(100);
    await settled(wire, carol.calls[0]!.hangup());
  });
});

describe('attended, RFC 3891 and RFC 5589', () => {
  test('two calls become one without us', async () => {
    const [alice, bob, carol] = await three();
    const [toBob, atBob] = await talking(alice, bob);
    const [toCarol, atCarol] = await talking(alice, carol);
    const [one, other] = [log(toBob), log(toCarol)];
    const taken = obliging(atBob);
    const third = obliging(atCarol);
    expect(await settled(wire, toBob.transfer(toCarol))).toEqual({ outcome: 'completed', status: 200, reason: 'OK' });
    await wire.run(500);
    expect(taken.requests[0]?.isAttended).toBe(true);
    expect(third.requests[0]?.kind).toBe('replaces');
    expect(one.at(-1)).toBe('ended transferred local 200 16');
    expect(other.at(-1)).toMatch(/^ended (transferred local|hangup remote) 200/);
    expect(atCarol.end).toMatchObject({ reason: expect.stringMatching(/replaced|hangup/) });
    expect(await audible(wire, taken.calls[0]!, third.calls[0]!)).toBe('hears/hears');
    await settled(wire, taken.calls[0]!.hangup());
  });

  test('RFC 3891 §3: the one to be replaced does not want to, and stays', async () => {
    const [alice, bob, carol] = await three();
    const [toBob, atBob] = await talking(alice, bob);
    const [toCarol, atCarol] = await talking(alice, carol);
    obliging(atBob);
    expect(await settled(wire, toBob.transfer(toCarol))).toMatchObject({ outcome: 'failed', status: 603 });
    expect([toBob.state, toCarol.state, atCarol.state]).toEqual(['answered', 'answered', 'answered']);
    await settled(wire, Promise.all([toBob.hangup(), toCarol.hangup()]));
  });

  test('RFC 3891 §3: a call that does not exist cannot be replaced: 481', async () => {
    const [alice, , carol] = await three();
    const call = alice.dial(carol, { replaces: 'nobody;to-tag=a;from-tag=b' });
    await expect(settled(wire, call.answered)).rejects.toMatchObject({ status: 481 });
  });
});

describe('when the other side cannot REFER, a bridge can', () => {
  test('blind: the target is called, and the two talk through us until one hangs up', async () => {
    const [alice, bob, carol] = await three({}, {}, { codecs: ['g722'], audio: { sampleRate: 16000 } });
    const [call, incoming] = await talking(alice, bob);
    const told = log(call);
    const placed: CallSession[] = [];
    carol.onCall = (third) => void third.ring().then(() => wire.clock.at(wire.clock.now() + 500, () => void third.answer()));
    const dial = (target: string): CallSession => {
      placed.push(alice.dial(target, {}, { codecs: ['g722'], audio: { sampleRate: 16000, frameMs: 20 } }));
      return placed[0]!;
    };
    expect(await settled(wire, call.transfer(carol.uri, { fallback: 'bridge', dial }))).toEqual({
      outcome: 'bridged',
      status: 200,
      reason: 'OK',
    });
    expect(told).toEqual(['progress 180', 'progress 200']);
    expect(await audible(wire, incoming, carol.calls[0]!)).toBe('hears/hears');
    await settled(wire, carol.calls[0]!.hangup());
    await wire.run(500);
    expect([call.state, placed[0]!.state, incoming.state]).toEqual(['ended', 'ended', 'ended']);
  });

  test('attended: the two calls we have are joined', async () => {
    const [alice, bob, carol] = await three();
    const [toBob, atBob] = await talking(alice, bob);
    const [toCarol, atCarol] = await talking(alice, carol);
    expect(await settled(wire, toBob.transfer(toCarol, { fallback: 'bridge' }))).toMatchObject({ outcome: 'bridged' });
    expect(await audible(wire, atBob, atCarol)).toBe('hears/hears');
    await settled(wire, atBob.hangup());
    await wire.run(200);
    expect(atCarol.state).toBe('ended');
    expect(toCarol.state).toBe('ended');
  });

  test('the target refuses: nothing is bridged, and the call goes on as it was', async () => {
    const [alice, bob, carol] = await three();
    const [call, incoming] = await talking(alice, bob);
    carol.onCall = (third) => third.reject(404);
    expect(await settled(wire, call.transfer(carol.uri, { fallback: 'bridge' }))).toMatchObject({ outcome: 'failed', status: 404 });
    expect(await audible(wire, call, incoming)).toBe('hears/hears');
    await settled(wire, call.hangup());
  });
});
