/** Calls with Asterisk 22, one capability a test; audio judged at both ends. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import type { Call, CallEnd, DialOptions } from '../../src/index.js';
import {
  account,
  answered,
  as,
  dial,
  Ear,
  endOf,
  expectEcho,
  expectTalk,
  expectTone,
  extension,
  nextCall,
  peers,
  recordingOf,
  say,
  sharedBot,
  test,
} from './line.js';
import { asteriskCli } from './peers/asterisk.js';
import { sleep, until } from './peers/process.js';

const peer = peers.asterisk!;
const isLong = process.env.SIPBOT_INTEROP_LONG === 'yes';
const USERS = ['6002', '6009', '6011', '6012', '6013', '6014', '6015', '6020', ...Array.from({ length: 39 }, (_, i) => String(6021 + i))];

describe.concurrent('Asterisk 22', { skip: peers.asterisk === undefined }, () => {
  const us = sharedBot(() => ({ accounts: USERS.map((user) => ({ ...account(peer, user), register: true })) }));

  /** A call of ours. Each test has users of its own, so that they do not meet. */
  const call = (user: string, target: string, options?: DialOptions): Promise<Call> =>
    dial(us(), peer, target, { account: user, ...options });

  /** Both ends of a call through Asterisk. */
  const pair = async (caller: string, callee: string): Promise<[out: Call, into: Call]> =>
    Promise.all([call(caller, `7${callee}`), answered(nextCall(us(), caller))]);

  for (const [codec, user, caller] of [
    ['pcmu', '6021', '6022'],
    ['pcma', '6012', '6023'],
    ['g722', '6013', '6024'],
    ['opus', '6014', '6025'],
  ] as const) {
    test(`call out, ${codec}: what we say comes back`, async () => {
      const out = await call(user, '600', codec === 'pcmu' ? { codecs: ['pcmu'] } : {});
      expect(out.codec).toBe(codec);
      await expectEcho(out);
      const ended = endOf(out);
      await out.hangup();
      expect(await ended).toMatchObject({ reason: 'hangup', by: 'local', status: 200 });
    });

    test(`call in, ${codec}: both hear each other, they hang up`, async () => {
      const [out, into] = await pair(caller, user);
      expect(into.codec).toBe(codec);
      await expectTalk(out, into);
      const ended = endOf(into);
      await out.hangup();
      expect(await ended).toMatchObject({ reason: 'hangup', by: 'remote', status: 200, cause: 16 });
    });
  }

  for (const [transport, user] of [
    ['udp', '6051'],
    ['tcp', '6052'],
    ['tls', '6053'],
    ['ws', '6054'],
    ['wss', '6055'],
  ] as const) {
    test(`call out and in over ${transport}`, async ({ bot }) => {
      const one = await bot(as(peer, user, { transport, register: true }));
      const [out, into] = await Promise.all([one.dial(`7${user}`), answered(nextCall(one))]);
      expect([out.remote?.transport, into.remote?.transport]).toEqual([transport, transport]);
      await expectTalk(out, into);
      const ended = endOf(out);
      await into.hangup();
      expect(await ended).toMatchObject({ reason: 'hangup', by: 'remote' });
    });
  }

  test('they hang up', async () => {
    const out = await call('6021', '906');
    expect(await endOf(out)).toMatchObject({ reason: 'hangup', by: 'remote', status: 200, cause: 16 });
    expect(us().calls.has(out.id)).toBe(false);
  });

  for (const [what, target, status, cause] of [
    ['busy', '900', 486, 17],
    // Its Reason says 34, when it sends one.
    ['congestion', '901', 503, expect.toBeOneOf([34, 41])],
    ['declined', '903', 403, 21],
    ['no such number', '999', 404, 1],
  ] as const) {
    test(`${what}: ${status}`, async () => {
      let end: Promise<CallEnd> | undefined;
      const out = call('6021', target, { onCall: (one) => (end = endOf(one)) });
      await expect(out).rejects.toMatchObject({ code: 'ERR_CALL_REJECTED', status });
      expect(await end).toMatchObject({ reason: 'rejected', by: 'remote', status, cause });
    });
  }

  test('no answer: given up after its time', async () => {
    let one: Call | undefined;
    let rang = false;
    const out = call('6021', '902', {
      timeoutMs: 2000,
      onCall: (placed) => {
        one = placed;
        placed.on('ringing', () => (rang = true));
      },
    });
    await expect(out).rejects.toMatchObject({ code: 'ERR_CALL_TIMEOUT' });
    expect(rang).toBe(true);
    await until('the INVITE is over', () =>
      us()
        .wire(one)
        .some((line) => line.startsWith('< SIP/2.0 487')),
    );
    expect(
      us()
        .wire(one)
        .filter((line) => line.startsWith('> CANCEL')).length,
    ).toBe(1);
  });

  test('cancelled by us while it rings', async () => {
    const abort = new AbortController();
    let end: Promise<CallEnd> | undefined;
    const out = call('6021', '902', {
      signal: abort.signal,
      onCall: (one) => {
        end = endOf(one);
        one.on('ringing', () => abort.abort());
      },
    });
    await expect(out).rejects.toMatchObject({ code: 'ERR_CALL_CANCELLED', status: 487 });
    expect(await end).toMatchObject({ reason: 'cancelled', by: 'local' });
  });

  test('cancelled by the caller while we ring', async () => {
    const abort = new AbortController();
    const incoming = nextCall(us(), '6026');
    const out = call('6026', '76029', { signal: abort.signal });
    const into = await incoming;
    const ended = endOf(into);
    await into.ring();
    abort.abort();
    await expect(out).rejects.toMatchObject({ code: 'ERR_CALL_CANCELLED' });
    expect(await ended).toMatchObject({ reason: 'cancelled', by: 'remote', status: 487 });
  });

  test('we decline a call, and send one elsewhere', async () => {
    const declined = nextCall(us(), '6027').then((into) => into.reject(486));
    await expect(call('6027', '76030')).rejects.toMatchObject({ status: 486 });
    await declined;
    void nextCall(us(), '6027').then((into) => into.redirect(extension(peer, '600')));
    await expectEcho(await call('6027', '76030'));
  });

  test('redirected: the caller is told, or the call follows', async () => {
    await expect(call('6021', '904')).rejects.toMatchObject({ status: 302 });
    await expectEcho(await call('6021', '904', { redirects: 'follow' }));
  });

  test('early media is heard before the answer', async () => {
    let ear: Ear | undefined;
    let levelBefore = 0;
    const out = await call('6021', '102', {
      onCall: (one) => {
        ear = new Ear(one);
        one.on('answered', () => (levelBefore = ear!.heard.level));
      },
    });
    expect(out.state).toBe('answered');
    // "Hello, world" lasts 1.4 s or so.
    expect(levelBefore).toBeGreaterThan(500);
    expect(ear!.heard.durationMs).toBeGreaterThan(1000);
    expect(ear!.concealed).toBeLessThan(0.05);
  });

  for (const [way, user, via] of [
    ['RFC 4733', '6021', 'auto'],
    ['INFO', '6015', 'info'],
    ['in-band', '6011', 'auto'],
  ] as const) {
    test(`keys to it, ${way}`, async () => {
      const out = await call(user, '603');
      await out.sendDtmf('4071', { via });
      const log = join(peer.folder, 'dtmf.log');
      await until('Asterisk has read the keys', () => existsSync(log) && readFileSync(log, 'utf8').includes(`${out.callId} 4071`));
    });

    test(`keys from it, ${way}`, async () => {
      const out = await call(user, '602');
      const digits: string[] = [];
      out.on('dtmf', (digit) => digits.push(digit));
      expect(await out.gather({ max: 10, finishOn: '', timeoutMs: 15_000 })).toEqual({ digits: '1234*#ABCD', ended: 'max' });
      await sleep(500);
      // Each once, whichever way they came.
      expect(digits.join('')).toBe('1234*#ABCD');
    });
  }

  test('held by us and resumed: nothing is heard meanwhile, all of it after', async () => {
    const out = await call('6021', '600');
    await expectEcho(out);
    await out.hold();
    expect(out.state).toBe('held');
    await sleep(200);
    const ear = new Ear(out);
    await sleep(1000);
    expect(ear.heard.isSilent).toBe(true);
    await out.resume();
    expect(out.state).toBe('answered');
    await expectEcho(out, 700);
  });

  test('held by the other side and resumed (re-INVITE from the peer)', async () => {
    const [out, into] = await pair('6031', '6020');
    await expectTalk(out, into);
    const held = new Promise((resolve) => into.once('held', resolve));
    await out.hold();
    expect(await held).toEqual({ by: 'remote' });
    const resumed = new Promise((resolve) => into.once('resumed', resolve));
    await out.resume();
    await resumed;
    await expectTalk(out, into);
  });

  test('reliable provisional responses required (RFC 3262), out and in', async () => {
    const early = await call('6009', '102');
    expect(
      us()
        .wire(early)
        .some((line) => line.startsWith('> PRACK')),
    ).toBe(true);
    await early.hangup();
    const incoming = nextCall(us(), '6028');
    const dialled = call('6028', '76009');
    const into = await incoming;
    await into.ring();
    await into.answer();
    expect(
      us()
        .wire(into)
        .some((line) => line.startsWith('< PRACK')),
    ).toBe(true);
    await expectTalk(await dialled, into);
  });

  test('session timers forced at 90 s (RFC 4028), out and in', { timeout: 240_000 }, async ({ bot }) => {
    const one = await bot(as(peer, '6005', { register: true, sessionExpiresS: 90 }));
    const [out, into] = await Promise.all([dial(one, peer, '76005'), answered(nextCall(one))]);
    for (const side of [out, into]) {
      const expires = one.messages
        .filter(({ text }) => text.startsWith('SIP/2.0 200') && text.includes(side.callId))
        .map(({ text }) => /^Session-Expires: *(.*)$/im.exec(text)?.[1]);
      expect(expires).toContainEqual(expect.stringMatching(/^90;refresher=ua[cs]$/));
    }
    const refreshes = (side: Call): number => one.wire(side).filter((line) => /(UPDATE|INVITE) sip/.test(line)).length;
    if (isLong) {
      const before = [refreshes(out), refreshes(into)] as const;
      await sleep(100_000);
      expect(refreshes(out)).toBeGreaterThanOrEqual(before[0] + 2);
      expect(refreshes(into)).toBeGreaterThanOrEqual(before[1] + 2);
    }
    expect([out.state, into.state]).toEqual(['answered', 'answered']);
    await expectTalk(out, into);
  });

  test('blind transfer by us (REFER out): the other side hears where it was sent', async () => {
    const [out, into] = await pair('6032', '6033');
    await expectTalk(out, into);
    const ended = endOf(into);
    expect(await into.transfer(extension(peer, '600'))).toMatchObject({ outcome: 'completed' });
    expect(await ended).toMatchObject({ reason: 'transferred' });
    await expectEcho(out);
  });

  test('transferred by the peer (REFER in): taken, and talking there', async () => {
    const out = await call('6021', '905');
    const old = endOf(out);
    const next = await new Promise<Call>((resolve) => {
      out.on('transferRequest', (request) => resolve(request.accept()!));
    });
    await until('the new call is answered', () => next.state === 'answered');
    await expectEcho(next);
    expect(await old).toMatchObject({ by: 'remote' });
  });

  test('attended transfer by us: two calls become one without us', async () => {
    const [customer, first] = await pair('6034', '6035');
    const [consult, agent] = await pair('6035', '6036');
    await Promise.all([expectTalk(customer, first), expectTalk(consult, agent)]);
    const gone = [endOf(first), endOf(consult)];
    expect(await first.transfer(consult)).toMatchObject({ outcome: 'completed' });
    await Promise.all(gone);
    await expectTalk(customer, agent);
  });

  test('ConfBridge: each hears the others and not itself', async () => {
    const calls = await Promise.all(['6041', '6042', '6043'].map((user) => call(user, '800')));
    // "You are the only person in this conference" and the like.
    await sleep(1500);
    const ears = calls.map((one) => new Ear(one));
    say(calls[0]!, 700, 2500);
    say(calls[1]!, 1300, 2500);
    await Promise.all([ears[2]!.hearsBoth(700, 1300, 1000), ears[0]!.hears(1300, 1500), ears[1]!.hears(700, 1500)]);
    expect(ears[0]!.toneMs(700)).toBe(0);
    expect(ears[1]!.toneMs(1300)).toBe(0);
    await Promise.all(calls.map((one) => one.hangup()));
  });

  test('SRTP by SDES, out and in', async ({ bot }) => {
    const one = await bot(as(peer, '6003', { register: true, srtp: 'required' }));
    const [out, into] = await Promise.all([dial(one, peer, '76003'), answered(nextCall(one))]);
    await expectTalk(out, into);
    const lines = one.messages.flatMap(({ text }) => /^m=audio .*$/m.exec(text)?.[0] ?? []);
    expect(lines.length).toBeGreaterThan(3);
    expect(lines.filter((line) => !/^m=audio \d+ RTP\/SAVP /.test(line))).toEqual([]);
    await into.hangup();
    await expectEcho(await dial(one, peer, '600'));
  });

  test('MESSAGE, both ways', async () => {
    const heard = new Promise<string>((resolve) => us().once('message', ({ text, from }) => resolve(`${from.user}: ${text}`)));
    await us().message(extension(peer, '950'), 'grüße', { account: '6037' });
    expect(await heard).toBe('6037: grüße');
  });

  test('one contact allowed: a bot that starts again is called where it is now', async ({ bot }) => {
    const before = await bot(as(peer, '6010', { register: true }));
    before.on('call', (one) => one.reject(600));
    const after = await bot(as(peer, '6010', { register: true }));
    const [out, into] = await Promise.all([call('6044', '76010'), answered(nextCall(after))]);
    await expectTalk(out, into);
  });

  test('recorded by the PBX: what it holds is what we said', async () => {
    const out = await call('6037', '801', { codecs: ['pcmu'] });
    await sleep(500);
    say(out, 1000, 2000);
    await out.audio.drained();
    await sleep(500);
    await out.hangup();
    const file = join(peer.folder, 'rec', `${out.callId}.wav`);
    await until('the recording is there', () => existsSync(file));
    await sleep(300);
    expectTone(recordingOf(file), 1000);
  });

  test('originated by the PBX: it echoes us', async ({ bot }) => {
    const one = await bot(as(peer, '6056', { register: true }));
    const incoming = answered(nextCall(one));
    await asteriskCli(peer.folder, 'channel originate PJSIP/6056 application Echo');
    await expectEcho(await incoming);
  });

  test('who calls is told: number, name, P-Asserted-Identity', async ({ bot }) => {
    const caller = await bot(as(peer, '6057', { displayName: 'Grace Hopper' }));
    const incoming = nextCall(us(), '6057');
    const out = dial(caller, peer, '76039');
    const into = await incoming;
    expect([into.from.user, into.from.displayName, into.asserted?.user]).toEqual(['6057', 'Grace Hopper', '6057']);
    into.reject(603);
    await expect(out).rejects.toMatchObject({ code: 'ERR_CALL_REJECTED' });
  });
});
