/** Calls through Kamailio: a proxy that stays in the path by Record-Route. Both ends are ours, or one is baresip; audio goes directly. */
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Call, DialOptions } from '../../src/index.js';
import {
  account,
  answered,
  as,
  dial,
  Ear,
  endOf,
  expectTalk,
  expectTone,
  nextCall,
  peers,
  recordingOf,
  say,
  sharedBot,
  test,
} from './line.js';
import { type Baresip, startBaresip, TONE_LEVEL } from './peers/baresip.js';
import { at, sleep } from './peers/process.js';

const peer = peers.kamailio!;
const USERS = Array.from({ length: 12 }, (_, i) => String(7010 + i));

describe.concurrent('Kamailio', { skip: peers.kamailio === undefined }, () => {
  const us = sharedBot(() => ({ codecs: ['g722', 'pcmu'], accounts: USERS.map((user) => ({ ...account(peer, user), register: true })) }));
  const call = (user: string, target: string, options?: DialOptions): Promise<Call> =>
    dial(us(), peer, target, { account: user, ...options });
  const pair = async (caller: string, callee: string): Promise<[out: Call, into: Call]> =>
    Promise.all([call(caller, callee), answered(nextCall(us(), caller))]);

  for (const [transport, user] of [
    ['udp', '7022'],
    ['tcp', '7023'],
    ['tls', '7024'],
    ['ws', '7025'],
  ] as const) {
    test(`call out and in over ${transport}, by the route set (RFC 3261 §16.12.1)`, async ({ bot }) => {
      const one = await bot(as(peer, user, { transport, register: true }));
      for (const direction of ['in', 'out'] as const) {
        const [out, into] =
          direction === 'in'
            ? await Promise.all([call('7010', user), answered(nextCall(one))])
            : await Promise.all([dial(one, peer, '7011'), answered(nextCall(us(), user))]);
        const ours = direction === 'in' ? into : out;
        // An INVITE too long for a datagram goes by TCP (RFC 3261 §18.1.1).
        if (transport !== 'udp') expect(ours.remote?.transport).toBe(transport);
        await expectTalk(out, into);
        await ours.hold();
        await ours.resume();
        const other = endOf(ours === out ? into : out);
        await ours.hangup();
        expect(await other).toMatchObject({ reason: 'hangup', by: 'remote' });
        const within = one.messages.filter(
          ({ direction: way, text }) =>
            way === 'out' && text.includes(ours.callId) && /^(BYE|ACK|INVITE) .*\r\n(?:.*\r\n)*?To: .*;tag=/.test(text),
        );
        expect(within.length).toBeGreaterThan(2);
        for (const { text } of within) expect(text).toMatch(/^Route: .*;lr/m);
      }
    });
  }

  test('nobody there, and busy', async () => {
    await expect(call('7012', '7029')).rejects.toMatchObject({ status: 404 });
    void nextCall(us(), '7012').then((into) => into.reject(486));
    await expect(call('7012', '7013')).rejects.toMatchObject({ status: 486 });
  });

  test('given up while it rings', async () => {
    const abort = new AbortController();
    const incoming = nextCall(us(), '7013');
    const out = call('7013', '7014', { signal: abort.signal });
    const into = await incoming;
    const ended = endOf(into);
    await into.ring();
    abort.abort();
    await expect(out).rejects.toMatchObject({ code: 'ERR_CALL_CANCELLED' });
    expect(await ended).toMatchObject({ reason: 'cancelled', by: 'remote' });
  });

  test('forked to two of us: one answers, the other stops ringing', async ({ bot }) => {
    const [one, other] = await Promise.all([
      bot(as(peer, '7026', { register: true })),
      bot(as(peer, '7026', { register: true, instanceId: '0c67446e-f1a1-11d9-94d3-000a95a0e128' })),
    ]);
    const incoming = [nextCall(one), nextCall(other)];
    const dialled = call('7014', '7026');
    const [taken, left] = (await Promise.all(incoming)) as [Call, Call];
    await Promise.all([taken.ring(), left.ring()]);
    const ended = endOf(left);
    await taken.answer();
    await expectTalk(await dialled, taken);
    expect(await ended).toMatchObject({ reason: 'cancelled', by: 'remote' });
  });

  test('MESSAGE', async ({ bot }) => {
    const one = await bot(as(peer, '7027', { register: true }));
    const heard = new Promise<string>((resolve) => one.once('message', ({ text }) => resolve(text)));
    await us().message(`sip:7027@${peer.host}:${peer.port}`, 'grüße', { account: '7015' });
    expect(await heard).toBe('grüße');
  });

  test('an INVITE from another address than the registrar’s, to the Contact we registered', async ({ bot }) => {
    const one = await bot(as(peer, '7028', { register: true }));
    const contact = one.messages.map(({ text }) => /^Contact: *<([^>]+)>/im.exec(text)?.[1]).find((uri) => uri !== undefined)!;
    const stranger = await bot({ listen: [{ transport: 'udp', host: at(15) }], rtpHost: at(15) });
    await expect(stranger.dial(`sip:7028@${/@(.*)$/.exec(contact)![1]}`)).rejects.toMatchObject({ status: 403 });
    const [out, into] = await Promise.all([stranger.dial(contact), answered(nextCall(one))]);
    expect(into.remote?.address).toBe(at(15));
    await expectTalk(out, into);
  });

  test('blind transfer through the proxy: REFER out and in', async ({ bot }) => {
    const one = await bot(as(peer, '7016', { register: true }));
    const [customer, first] = await Promise.all([dial(one, peer, '7017'), answered(nextCall(us(), '7016'))]);
    const moved = new Promise<Call>((resolve) => customer.on('transferRequest', (request) => resolve(request.accept()!)));
    const third = answered(nextCall(us(), '7016'));
    expect(await first.transfer(`sip:7018@${peer.host}:${peer.port}`)).toMatchObject({ outcome: 'completed' });
    await expectTalk(await moved, await third);
  });

  test('attended transfer through the proxy: Replaces (RFC 3891)', async ({ bot }) => {
    const one = await bot(as(peer, '7019', { register: true }));
    const [customer, first] = await Promise.all([dial(one, peer, '7020'), answered(nextCall(us(), '7019'))]);
    const [consult, agent] = await pair('7020', '7021');
    const moved = new Promise<Call>((resolve) => customer.on('transferRequest', (request) => resolve(request.accept()!)));
    const replaced = new Promise<Call>((resolve) => agent.on('transferRequest', (request) => resolve(request.accept()!)));
    expect(await first.transfer(consult)).toMatchObject({ outcome: 'completed' });
    await expectTalk(await moved, await replaced);
  });

  describe.skipIf(!peers.baresip)('with baresip', () => {
    const phone = async (user: string, port: number): Promise<Baresip> => {
      const one = await startBaresip({
        host: at(34),
        port,
        folder: join(peers.work, `baresip-${user}`),
        user,
        password: `pw${user}`,
        domain: `${peer.host}:${peer.port}`,
      });
      await one.registered();
      return one;
    };

    test('we call it: each hears the other', async () => {
      const one = await phone('7004', 5070);
      try {
        const out = await call('7010', '7004');
        const ear = new Ear(out);
        say(out, 1000, 2000);
        await ear.hears(440, 1500);
        await out.audio.drained();
        await sleep(300);
        expectTone(ear.heard, 440, 1.5, TONE_LEVEL);
        await out.hangup();
        await one.sees('CALL_CLOSED');
        expectTone(recordingOf(one.heard()[0]!), 1000);
      } finally {
        await one.stop();
      }
    });

    test('it calls us and hangs up', async () => {
      const one = await phone('7005', 5090);
      try {
        const incoming = answered(nextCall(us(), '7005'));
        one.command('dial', `sip:7015@${peer.host}:${peer.port}`);
        const into = await incoming;
        const ear = new Ear(into);
        await ear.hears(440, 1000);
        expectTone(ear.heard, 440, 1.5, TONE_LEVEL);
        const ended = endOf(into);
        one.command('hangup');
        expect(await ended).toMatchObject({ reason: 'hangup', by: 'remote' });
      } finally {
        await one.stop();
      }
    });
  });
});
