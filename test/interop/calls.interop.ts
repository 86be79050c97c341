/** Calls against a real exchange: what it agrees to, what is heard, how it refuses, holds, transfers and hangs up. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test as base, describe, expect, inject } from 'vitest';
import { systemClock } from '../../src/clock.js';
import type { CodecName } from '../../src/codec/codec.js';
import { loadOpus } from '../../src/codec/opus-library.js';
import { silentLogger } from '../../src/log.js';
import { systemRandom } from '../../src/random.js';
import { MediaEngine } from '../../src/rtp/engine.js';
import type { CallContext, CallOptions } from '../../src/session/call-options.js';
import { CallSession } from '../../src/session/call-session.js';
import type { DialTarget } from '../../src/session/outgoing-leg.js';
import { Registration } from '../../src/sip/ua/registration.js';
import { UserAgent } from '../../src/sip/ua/user-agent.js';
import { type Baresip, type BaresipOptions, startBaresip } from './peers/baresip.js';
import { at, until } from './peers/process.js';
import type { PeerAddress } from './setup.js';

const peers = inject('peers');
const HERE = at(18);

/** One of the exchange's users: an agent, an engine, and ears. */
class User {
  readonly number: string;
  readonly peer: Pick<PeerAddress, 'host' | 'port'>;
  readonly agent: UserAgent;
  readonly engine = new MediaEngine({ threads: 0, host: HERE, ports: [41_000, 41_400] });
  readonly context: CallContext;
  readonly options: CallOptions;
  readonly calls: CallSession[] = [];
  registration: Registration | undefined;
  onCall: (call: CallSession) => Promise<void> = async () => {};

  constructor(peer: Pick<PeerAddress, 'host' | 'port'>, number: string, options: CallOptions = {}) {
    this.peer = peer;
    this.number = number;
    this.options = { codecs: ['pcmu', 'pcma'], audio: { sampleRate: 8000, frameMs: 20 }, ...options };
    this.agent = new UserAgent({ listen: [{ transport: 'udp', host: HERE }], credentials: { user: number, password: `pw${number}` } });
    this.context = {
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      engine: this.engine,
      mediaAddress: () => HERE,
      invite: (invite) => this.agent.invite(invite),
    };
    this.agent.on('invite', (invite) => {
      const call = CallSession.receive(invite, this.context, this.options);
      if (call === undefined) return;
      this.calls.push(call);
      // A caller who gave up before our answer: the test hears of it from the caller.
      this.onCall(call).catch(() => {});
    });
  }

  async register(): Promise<void> {
    const { peer, number } = this;
    this.registration = new Registration(this.agent, {
      uri: `sip:${number}@${peer.host}`,
      registrar: `sip:${peer.host}:${peer.port}`,
      credentials: { user: number, password: `pw${number}` },
    });
    await this.registration.start();
  }

  dial(extension: string, target: Partial<DialTarget> = {}, options: CallOptions = {}): CallSession {
    const { peer, number } = this;
    const uri = `sip:${extension}@${peer.host}:${peer.port}`;
    return CallSession.dial({ uri, from: `<sip:${number}@${peer.host}>`, ...target }, this.context, { ...this.options, ...options });
  }

  async close(): Promise<void> {
    await this.registration?.stop();
    await this.agent.close();
    await this.engine.close();
  }
}

type Enter = (number: string, options?: CallOptions) => Promise<User>;
type Meet = (phone: Partial<BaresipOptions>, options?: CallOptions) => Promise<[User, Baresip]>;

const PHONE = { host: at(38), port: 5070 };

const test = base.extend<{ enter: Enter; meet: Meet }>({
  // biome-ignore lint/correctness/noEmptyPattern: what a fixture depends on is read from its pattern
  enter: async ({}, use) => {
    const users: User[] = [];
    await use(async (number, options) => {
      const user = new User(peers.asterisk!, number, options);
      users.push(user);
      await user.agent.start();
      return user;
    });
    await Promise.all(users.map((user) => user.close()));
  },
  /** A phone that needs no exchange, and somebody to talk to it. */
  meet: async ({ task }, use) => {
    const ends: (() => Promise<void>)[] = [];
    await use(async (phoneOptions, options) => {
      const folder = join(peers.work, `baresip-${task.id}`);
      const phone = await startBaresip({ ...PHONE, folder, user: 'phone', domain: PHONE.host, register: false, ...phoneOptions });
      const user = new User(PHONE, 'phone', options);
      await user.agent.start();
      ends.push(
        () => user.close(),
        () => phone.stop(),
      );
      return [user, phone];
    });
    for (const end of ends) await end();
  },
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => systemClock.at(systemClock.now() + ms, resolve));
}

/** How many of the frames heard in that time are loud. */
async function loudFrames(call: CallSession, ms: number): Promise<number> {
  let loud = 0;
  const cursor = call.stream!.incoming.cursor('now');
  const stop = call.onFrames(() => {
    for (let frame = cursor.next(); frame !== undefined; frame = cursor.next()) if (frame.some((sample) => Math.abs(sample) > 2000)) loud++;
  });
  await pause(ms);
  stop();
  return loud;
}

function say(call: CallSession, ms: number): void {
  const { sampleRate, outgoing } = call.stream!;
  const samples = new Int16Array((sampleRate * ms) / 1000);
  for (let i = 0; i < samples.length; i++) samples[i] = 8000 * Math.sin((2 * Math.PI * 440 * i) / sampleRate);
  outgoing.write(samples);
}

/** That an echo comes back. */
async function echoes(call: CallSession): Promise<boolean> {
  say(call, 1000);
  return (await loudFrames(call, 1500)) > 30;
}

const ended = (call: CallSession): Promise<void> => until('the call ends', () => call.state === 'ended', 20_000).then(() => {});

describe.skipIf(peers.asterisk === undefined)('Asterisk 22', () => {
  test.for<CodecName>(['pcmu', 'pcma', 'g722', 'opus', 'l16'])('a call in %s, both ways', async (codec, { enter }) => {
    await loadOpus();
    const user = await enter('6001', { codecs: [codec], audio: { sampleRate: 16000, frameMs: 20 } });
    const call = user.dial('600');
    await call.answered;
    expect(call.codec?.codec).toBe(codec);
    expect(await echoes(call)).toBe(true);
    await call.hangup();
  });

  test('an offer in its 200, our answer in the ACK', async ({ enter }) => {
    const user = await enter('6001');
    const call = user.dial('600', { description: 'none' });
    await call.answered;
    expect(await echoes(call)).toBe(true);
    await call.hangup();
  });

  test.for(['optional', 'required'] as const)('SRTP, %s', async (srtp, { enter }) => {
    const user = await enter('6003', { srtp });
    const call = user.dial('600');
    await call.answered;
    expect(call.media?.srtp?.send.suite).toBe('AES_CM_128_HMAC_SHA1_80');
    expect(await echoes(call)).toBe(true);
    await call.hold();
    await call.resume();
    expect(await echoes(call)).toBe(true);
    await call.hangup();
  });

  test('early media before the answer (183)', async ({ enter }) => {
    const user = await enter('6001');
    const call = user.dial('102');
    await until('early media', () => call.state === 'early');
    expect(await loudFrames(call, 1200)).toBeGreaterThan(10);
    await call.answered;
    await ended(call);
    expect(call.end).toMatchObject({ reason: 'hangup', by: 'remote', cause: 16 });
  });

  test('reliable responses where it requires them (RFC 3262)', async ({ enter }) => {
    const user = await enter('6009');
    const call = user.dial('102');
    await call.answered;
    await ended(call);
    expect(call.end).toMatchObject({ reason: 'hangup', by: 'remote' });
  });

  test('hold and resume', async ({ enter }) => {
    const user = await enter('6001');
    const call = user.dial('601');
    await call.answered;
    expect(await loudFrames(call, 1000)).toBeGreaterThan(30);
    await call.hold();
    expect(await loudFrames(call, 1000)).toBe(0);
    await call.resume();
    await pause(300);
    expect(await loudFrames(call, 1000)).toBeGreaterThan(30);
    await call.hangup();
  });

  test('another codec in the middle of the call', async ({ enter }) => {
    const user = await enter('6001', { codecs: ['pcmu', 'g722'], audio: { sampleRate: 16000, frameMs: 20 } });
    const call = user.dial('600');
    await call.answered;
    await call.renegotiate({ codecs: ['g722'] });
    expect(call.codec?.codec).toBe('g722');
    expect(await echoes(call)).toBe(true);
    await call.hangup();
  });

  test('keys from it: RFC 4733, and INFO', async ({ enter }) => {
    const user = await enter('6001');
    const [call, other] = [user.dial('602'), (await enter('6005')).dial('602')];
    const keys = { rfc4733: '', info: '' };
    call.on('dtmf', (digit) => {
      keys.rfc4733 += digit;
    });
    other.on('dtmf', (digit) => {
      keys.info += digit;
    });
    await Promise.all([ended(call), ended(other)]);
    expect(keys).toEqual({ rfc4733: '1234*#ABCD', info: '1234*#ABCD' });
  });

  test('keys to it: RFC 4733, and INFO', async ({ enter }) => {
    const [call, other] = [(await enter('6001')).dial('603'), (await enter('6005')).dial('603')];
    await Promise.all([call.answered, other.answered]);
    await pause(500);
    await Promise.all([call.sendDtmf('14*7'), other.sendDtmf('2508', { via: 'info' })]);
    const log = join(peers.asterisk!.folder, 'dtmf.log');
    await until('the keys are logged', () => {
      const text = readFileSync(log, 'utf8');
      return text.includes(`${call.id} 14*7`) && text.includes(`${other.id} 2508`);
    });
    await Promise.all([call.hangup(), other.hangup()]);
  });

  test.for([
    ['900', 'rejected', 486, 17],
    ['903', 'rejected', 403, 21],
    ['999', 'rejected', 404, 1],
  ] as const)('%s: %s, %i, cause %i', async ([extension, reason, status, cause], { enter }) => {
    const call = (await enter('6001')).dial(extension);
    await expect(call.answered).rejects.toMatchObject({ code: 'ERR_CALL_REJECTED', status });
    expect(call.end).toMatchObject({ reason, by: 'remote', status, cause });
  });

  test('rung and given up', async ({ enter }) => {
    const call = (await enter('6001')).dial('902');
    await new Promise<void>((resolve) => call.once('ringing', resolve));
    await call.hangup();
    await expect(call.answered).rejects.toMatchObject({ code: 'ERR_CALL_CANCELLED' });
    expect(call.end).toMatchObject({ reason: 'cancelled', by: 'local', status: 487 });
  });

  test('a 302 is followed where that is wanted', async ({ enter }) => {
    const call = (await enter('6001', { redirects: 'follow' })).dial('904');
    await call.answered;
    expect(call.requestUri.user).toBe('600');
    expect(await echoes(call)).toBe(true);
    await call.hangup();
  });

  test('it refers us on (RFC 3515): taken, reported, and let go', async ({ enter }) => {
    const call = (await enter('6001')).dial('905');
    const next = new Promise<CallSession>((resolve) => {
      call.on('transferRequest', (request) => resolve(request.accept()!));
    });
    const second = await next;
    await second.answered;
    expect(await echoes(second)).toBe(true);
    await ended(call);
    expect(call.end).toMatchObject({ reason: 'hangup', by: 'remote' });
    await second.hangup();
  });

  test('it calls us: rung, answered, heard, hung up', async ({ enter }) => {
    const [caller, callee] = [await enter('6001'), await enter('6002')];
    await callee.register();
    callee.onCall = (call) => call.ring().then(() => call.answer());
    const call = caller.dial('76002');
    await call.answered;
    await pause(300);
    const other = callee.calls[0]!;
    expect(other.from.uri.user).toBe('6001');
    say(call, 1000);
    expect(await loudFrames(other, 1500)).toBeGreaterThan(30);
    say(other, 1000);
    expect(await loudFrames(call, 1500)).toBeGreaterThan(30);
    await other.hangup();
    await ended(call);
    expect(call.end).toMatchObject({ reason: 'hangup', by: 'remote', cause: 16 });
  });

  test('a transfer, blind: the other side hears where it was sent', async ({ enter }) => {
    const [caller, callee] = [await enter('6001'), await enter('6002')];
    await callee.register();
    callee.onCall = (call) => call.answer();
    const call = caller.dial('76002');
    await call.answered;
    await pause(500);
    const told: number[] = [];
    call.on('transferProgress', ({ status }) => told.push(status));
    const { host, port } = peers.asterisk!;
    expect(await call.transfer(`sip:600@${host}:${port}`)).toMatchObject({ outcome: 'completed', status: 200 });
    expect(told).toContain(202);
    expect(call.end).toMatchObject({ reason: 'transferred' });
    await pause(300);
    expect(await echoes(callee.calls[0]!)).toBe(true);
    await callee.calls[0]!.hangup();
  });

  test('a transfer, attended: two calls of ours become one without us', async ({ enter }) => {
    const [caller, callee] = [await enter('6001'), await enter('6002')];
    await callee.register();
    callee.onCall = (call) => call.answer();
    const first = caller.dial('76002');
    await first.answered;
    const second = caller.dial('600');
    await second.answered;
    await pause(500);
    expect(await first.transfer(second)).toMatchObject({ outcome: 'completed', status: 200 });
    await Promise.all([ended(first), ended(second)]);
    await pause(300);
    expect(await echoes(callee.calls[0]!)).toBe(true);
    await callee.calls[0]!.hangup();
  });
});

describe.skipIf(!peers.baresip)('baresip', () => {
  test.for([
    ['pcmu', 'g711'],
    ['g722', 'g722'],
    ['opus', 'opus'],
  ] as const)('a call in %s', async ([codec, module], { meet }) => {
    await loadOpus();
    const [user] = await meet({ codecs: [module] }, { codecs: [codec], audio: { sampleRate: 16000, frameMs: 20 } });
    const call = user.dial('phone');
    await call.answered;
    expect(call.codec?.codec).toBe(codec);
    await pause(500);
    expect(await loudFrames(call, 1000)).toBeGreaterThan(30);
    await call.hangup();
  });

  test.for([
    ['srtp-mand', 'required'],
    ['srtp', 'optional'],
  ] as const)('SRTP, %s there and %s here', async ([mediaenc, srtp], { meet }) => {
    const [user] = await meet({ accountParameters: `mediaenc=${mediaenc}` }, { srtp });
    const call = user.dial('phone');
    await call.answered;
    expect(call.media?.srtp).toBeDefined();
    await pause(500);
    expect(await loudFrames(call, 1000)).toBeGreaterThan(30);
    await call.hangup();
  });

  test('it calls us, holds us, takes us back, and hangs up', async ({ meet }) => {
    const [user, phone] = await meet({ accountParameters: 'mediaenc=srtp-mand' }, { srtp: 'accept' });
    user.onCall = (call) => call.answer();
    phone.command('dial', `sip:us@${HERE}:${user.agent.addresses[0]!.port}`);
    await phone.sees('CALL_ESTABLISHED');
    const call = user.calls[0]!;
    await until('both know', () => call.state === 'answered');
    await pause(500);
    expect(await loudFrames(call, 1000)).toBeGreaterThan(30);
    phone.command('hold');
    await until('held', () => call.state === 'held');
    expect(call.isHeldBy('remote')).toBe(true);
    expect(await loudFrames(call, 600)).toBe(0);
    phone.command('resume');
    await until('resumed', () => call.state === 'answered');
    await pause(300);
    expect(await loudFrames(call, 1000)).toBeGreaterThan(30);
    phone.command('hangup');
    await ended(call);
    expect(call.end).toMatchObject({ reason: 'hangup', by: 'remote' });
  });

  test('we hold it, and take it back', async ({ meet }) => {
    const [user] = await meet({});
    const call = user.dial('phone');
    await call.answered;
    await pause(500);
    await call.hold();
    expect(await loudFrames(call, 600)).toBe(0);
    await call.resume();
    await pause(300);
    expect(await loudFrames(call, 1000)).toBeGreaterThan(30);
    await call.hangup();
  });

  test.skipIf(peers.asterisk === undefined)('sent on to an exchange, blind, it goes', async ({ meet, enter }) => {
    const [user] = await meet({});
    const third = await enter('6001');
    third.onCall = (call) => call.answer();
    const call = user.dial('phone');
    await call.answered;
    await pause(300);
    expect(await call.transfer(`sip:6001@${HERE}:${third.agent.addresses[0]!.port}`)).toMatchObject({ outcome: 'completed' });
    await until('the third is called', () => third.calls[0]?.state === 'answered');
    await pause(500);
    expect(await loudFrames(third.calls[0]!, 1000)).toBeGreaterThan(30);
    await third.calls[0]!.hangup();
  });
});
