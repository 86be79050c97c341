/** `dial`: which options do what, and how it ends when it does not end in a call. */
import { describe, expect, test } from 'vitest';
import type { Call } from '../../src/bot/call.js';
import type { DialOptions } from '../../src/bot/dialer.js';
import { EchoBot } from '../../src/bot/echo-bot.js';
import type { SipBotOptions } from '../../src/bot/options.js';
import { pbx } from './support/pbx.js';
import { audible, Ear, hostOf, NOTHING_LEFT, tone, World } from './support/world.js';

const TARGET = `sip:bob@${hostOf(2)}`;

async function two(options: SipBotOptions = {}, calleeOptions: SipBotOptions = {}) {
  const world = new World();
  const caller = await world.bot(1, options);
  const callee = await world.bot(2, calleeOptions);
  const close = async (): Promise<void> => expect(await world.close()).toEqual(NOTHING_LEFT);
  return { world, caller, callee, close };
}

describe('how long, and until when', () => {
  test('timeoutMs: nobody picks up', async () => {
    const { world, caller, callee, close } = await two();
    callee.on('call', (call) => call.ring());
    const before = world.clock.now();
    expect(await world.failure(caller.dial(TARGET, { timeoutMs: 3000 }))).toMatchObject({
      name: 'CallError',
      code: 'ERR_CALL_TIMEOUT',
      status: 408,
    });
    expect(world.clock.now() - before).toBeLessThan(3200);
    await close();
  });

  test('ringTimeoutMs of the bot where dial says none', async () => {
    const { world, caller, callee, close } = await two({ ringTimeoutMs: 2000 });
    callee.on('call', (call) => call.ring());
    expect(await world.failure(caller.dial(TARGET))).toMatchObject({ code: 'ERR_CALL_TIMEOUT' });
    await close();
  });

  test('signal: before, while it rings, and after the answer', async () => {
    const { world, caller, callee, close } = await two();
    callee.on('call', (call) => call.ring());
    expect(await world.failure(caller.dial(TARGET, { signal: AbortSignal.abort('no') }))).toMatchObject({
      code: 'ERR_CALL_CANCELLED',
      cause: 'no',
    });
    expect(world.ladder).toEqual([]);
    const abort = new AbortController();
    const failed = world.failure(caller.dial(TARGET, { signal: abort.signal }));
    await world.run(500);
    abort.abort('changed my mind');
    expect(await failed).toMatchObject({ code: 'ERR_CALL_CANCELLED', status: 487, cause: 'changed my mind' });
    await world.run(100);
    expect(world.ladder.filter((line) => line.startsWith('1>2'))).toEqual(['1>2 INVITE', '1>2 CANCEL', '1>2 ACK']);
    callee.on('call', (call) => call.answer());
    const late = new AbortController();
    const call = await world.until(caller.dial(TARGET, { signal: late.signal }));
    late.abort();
    await world.run(500);
    expect(call.state).toBe('answered');
    await world.until(call.hangup());
    await close();
  });

  test('maxCallMs ends a call that lasts; both are told', async () => {
    const { world, caller, callee, close } = await two({}, { maxCallMs: 5000 });
    callee.on('call', (call) => call.answer());
    const [call] = await world.talking(caller, 2);
    await world.run(6000);
    expect(call.end).toMatchObject({ reason: 'hangup', by: 'remote' });
    await close();
  });

  test('mediaTimeoutMs ends a call whose peer has vanished; RTCP alone is life', async () => {
    const { world, caller, callee, close } = await two({ mediaTimeoutMs: 8000 });
    callee.on('call', (call) => call.answer());
    const [call] = await world.talking(caller, 2);
    await world.run(20_000);
    expect(call.state).toBe('answered');
    world.network.isolate(hostOf(2));
    await world.run(9000);
    expect(call.end).toMatchObject({ reason: 'mediaTimeout', by: 'network' });
    world.network.restore(hostOf(2));
    await world.run(40_000);
    for (const one of callee.calls.values()) await world.until(one.hangup());
    await close();
  });
});

describe('`bot.calls`', () => {
  test('a bot that calls itself has two calls of one Call-ID, and each its own key', async () => {
    const world = new World();
    const bot = await world.bot(1);
    const incoming: Call[] = [];
    bot.on('call', (call) => {
      incoming.push(call);
      return call.answer();
    });
    const call = await world.until(bot.dial(`sip:me@${hostOf(1)}`));
    await world.run(100);
    const [other] = incoming;
    expect([call.callId, call.id, other!.id]).toEqual([other!.callId, call.callId, `${call.callId}#2`]);
    expect([...bot.calls]).toEqual([
      [call.id, call],
      [other!.id, other],
    ]);
    await world.until(call.hangup());
    await world.run(100);
    expect(bot.calls.size).toBe(0);
    expect(await world.close()).toEqual(NOTHING_LEFT);
  });

  test('a call of ours is in it before its INVITE leaves', async () => {
    const { world, caller, callee, close } = await two();
    callee.on('call', (call) => call.answer());
    let first: (Call | undefined)[] = [];
    const call = await world.until(
      caller.dial(TARGET, {
        onCall: (one) => {
          first = [one, caller.calls.get(one.id)];
        },
      }),
    );
    expect(first).toEqual([call, call]);
    await world.until(call.hangup());
    await close();
  });
});

describe('late offer (RFC 3261 §13.2.1)', () => {
  test.each([{}, { srtp: 'required' }] as const)(
    'offer: theirs, with %o: an INVITE without SDP, the answer in the ACK, and both hear each other',
    async (options) => {
      const { world, caller, callee, close } = await two({}, options);
      const calls: Call[] = [];
      callee.on('call', (call) => {
        calls.push(call);
        return call.answer();
      });
      const call = await world.until(caller.dial(TARGET, { offer: 'theirs' }));
      await world.run(100);
      expect([calls[0]!.headers.has('Content-Type'), call.codec, calls[0]!.codec]).toEqual([false, 'opus', 'opus']);
      expect(await audible(world, call, calls[0]!)).toBe('hears/hears');
      await world.until(call.hangup());
      await close();
    },
  );

  test('an offer in which nothing can be taken ends the call: acknowledged, then BYE', async () => {
    const { world, caller, callee, close } = await two({ codecs: ['pcma'] }, { codecs: ['pcmu'] });
    callee.on('call', (call) => call.answer());
    expect(await world.failure(caller.dial(TARGET, { offer: 'theirs' }))).toMatchObject({ code: 'ERR_CALL_FAILED', status: 488 });
    await close();
  });

  test('what is no choice is told at the door', async () => {
    const { caller, close } = await two();
    await expect(caller.dial(TARGET, { offer: 'late' as 'ours' })).rejects.toThrow(/offer/);
    await close();
  });
});

describe('what the callee sees', () => {
  test('callerId, displayName and headers; To and the Request-URI', async () => {
    const { world, caller, callee, close } = await two();
    const calls: Call[] = [];
    callee.on('call', (call) => {
      calls.push(call);
      return call.answer();
    });
    const options: DialOptions = {
      callerId: 'alice',
      displayName: 'Älice',
      headers: { 'X-One': 'a', 'X-Two': ['b', 'c'], Diversion: '<sip:x@y>;reason=unconditional' },
    };
    const call = await world.until(caller.dial(TARGET, options));
    await world.run(50);
    const seen = calls[0]!;
    expect([seen.from.user, seen.from.displayName, seen.to.uri, seen.requestUri]).toEqual(['alice', 'Älice', TARGET, TARGET]);
    expect([seen.headers.get('x-one'), seen.headers.getAll('X-Two'), seen.diversion.map(String)]).toEqual(['a', ['b', 'c'], ['sip:x@y']]);
    expect([seen.direction, call.direction, seen.id === call.id]).toEqual(['in', 'out', true]);
    expect([seen.remote, call.remote].map((remote) => remote?.address)).toEqual([hostOf(1), hostOf(2)]);
    expect([call.answeredAt! >= call.startedAt, seen.answeredAt! >= seen.startedAt]).toEqual([true, true]);
    await world.until(call.hangup());
    await close();
  });

  test.each([
    ['headers.Via', { Via: 'x' }],
    ['headers.contact', { contact: '<sip:evil@x>' }],
    ['headers.X-A', { 'X-A': 'b\r\nContact: <sip:evil@x>' }],
    ['headers."X A"', { 'X A': 'b' }],
  ])('%s would break the message or forge another: refused before anything is sent', async (path, headers) => {
    const { world, caller, close } = await two();
    expect(await world.failure(caller.dial(TARGET, { headers }))).toMatchObject({ name: 'OptionError', option: path });
    expect(world.ladder).toEqual([]);
    await close();
  });

  test('codecs in the order given; srtp; audio of the call whatever the codec', async () => {
    const { world, caller, callee, close } = await two({}, { srtp: 'required' });
    callee.on('call', (call) => call.answer({ audio: { sampleRate: 8000 } }));
    const [call, other] = await world.talking(caller, 2, {
      codecs: ['pcma', 'g722'],
      srtp: 'required',
      audio: { sampleRate: 48_000, frameMs: 10 },
    });
    expect([call.codec, call.sampleRate, other.sampleRate]).toEqual(['pcma', 48_000, 8000]);
    expect(await audible(world, call, other)).toBe('hears/hears');
    const ear = new Ear(call);
    await world.run(100);
    expect(new Set(ear.frames.map((frame) => frame.samples.length))).toEqual(new Set([480]));
    expect(await world.failure(caller.dial(TARGET, { srtp: 'off' }))).toMatchObject({ status: 488 });
    await world.until(call.hangup());
    await close();
  });
});

describe('early access', () => {
  test('onCall: early media is heard and spoken before the answer', async () => {
    const { world, caller, callee, close } = await two();
    callee.on('call', async (call) => {
      await call.progress();
      const playout = call.play(tone(440, 300));
      await playout.done;
      await call.answer();
    });
    let ear: Ear | undefined;
    const states: string[] = [];
    const call = await world.until(
      caller.dial(TARGET, {
        onCall: (early) => {
          ear = new Ear(early);
          early.on('early', () => void states.push(early.state));
          early.on('answered', () => void states.push(early.state));
        },
      }),
    );
    expect(states).toEqual(['early', 'answered']);
    expect(ear!.heard.part(ear!.heard.onsetMs! + 40, 200).shareOf(440)).toBeGreaterThan(0.97);
    await world.until(call.hangup());
    await close();
  });

  test('onCall: hanging up there cancels', async () => {
    const { world, caller, callee, close } = await two();
    callee.on('call', (call) => call.ring());
    const error = await world.failure(caller.dial(TARGET, { onCall: (call) => call.on('ringing', () => call.hangup()) }));
    expect(error).toMatchObject({ code: 'ERR_CALL_CANCELLED', status: 487 });
    await close();
  });

  test('bot: it is started when the call is answered', async () => {
    const { world, caller, callee, close } = await two();
    callee.on('call', (call) => call.answer());
    const [call, other] = await world.talking(caller, 2, { bot: new EchoBot() });
    const ear = new Ear(other);
    other.audio.write(tone(600, 500));
    await world.run(800);
    expect(ear.heard.part(ear.heard.onsetMs! + 40, 300).shareOf(600)).toBeGreaterThan(0.97);
    await world.until(call.hangup());
    await close();
  });
});

describe('which way out', () => {
  test('a SIP URI of an account’s domain goes as that account, through its registrar’s digest; its password goes nowhere else', async () => {
    const world = new World();
    const house = await pbx(world, 9, { '6001': 'secret' });
    const asked: string[] = [];
    house.agent.on('invite', (incoming) => {
      asked.push(`${incoming.request.from?.uri.user} ${incoming.request.header('X-Account')}`);
      incoming.reject(486);
    });
    const stranger = await world.bot(8, { users: { '6001': 'secret' }, allow: [] });
    const bot = await world.bot(1, {
      uri: `sip:6001@${hostOf(9)}`,
      password: 'secret',
      displayName: 'Desk',
      headers: { 'X-Account': 'yes' },
    });
    expect(await world.failure(bot.dial(`sip:100@${hostOf(9)}`))).toMatchObject({ status: 486 });
    expect(await world.failure(bot.dial('100'))).toMatchObject({ status: 486 });
    expect(asked).toEqual(['6001 yes', '6001 yes']);
    // Another domain asks for a password: it gets none, though it would have been right.
    expect(await world.failure(bot.dial(`sip:x@${hostOf(8)}`))).toMatchObject({ status: 401 });
    expect(world.texts.filter((text) => text.startsWith('INVITE sip:x@') && /^Authorization:/im.test(text))).toEqual([]);
    await world.until(bot.stop());
    house.registrar.close();
    await world.until(Promise.all([stranger.stop(), house.agent.close()]));
    expect(world.clock.pending).toBe(0);
  });

  test('what is not there is an OptionError that lists what is', async () => {
    const { world, caller, close } = await two({ trunks: [{ name: 'a', hosts: [hostOf(8)] }], accounts: [{ uri: 'sip:x@y.example' }] });
    for (const [target, options, option] of [
      ['1', { trunk: 'b' }, 'trunk'],
      ['1', { account: 'z' }, 'account'],
      ['1', { account: 'x', trunk: 'a' }, 'trunk'],
      ['bob', {}, 'target'],
      ['http://x', {}, 'target'],
      ['', {}, 'target'],
    ] as const) {
      const error = await world.failure(caller.dial(target, options));
      expect(error).toMatchObject({ name: 'OptionError', option });
      if (target === '1' && option !== 'trunk') expect(String(error)).toContain("account 'sip:x@y.example', trunk 'a'");
    }
    await close();
  });

  test('before start and after stop: said so', async () => {
    const world = new World();
    const bot = world.make(1);
    await expect(bot.dial(TARGET)).rejects.toMatchObject({ code: 'ERR_STATE' });
    await world.until(bot.start());
    await world.until(bot.stop());
    await expect(bot.dial(TARGET)).rejects.toMatchObject({ code: 'ERR_STOPPED' });
    await expect(bot.message(TARGET, 'x')).rejects.toMatchObject({ code: 'ERR_STOPPED' });
    await expect(bot.start()).rejects.toMatchObject({ code: 'ERR_STOPPED' });
  });

  test('nobody there at all: how that is told', async () => {
    const { world, caller, close } = await two();
    expect(await world.failure(caller.dial(`sip:x@${hostOf(77)}`, { timeoutMs: 60_000 }))).toMatchObject({ status: 408 });
    expect(await world.failure(caller.dial('sip:x@no-such-name.invalid'))).toMatchObject({
      code: 'ERR_CALL_FAILED',
      // Without a DNS at all, it is that which is told.
      message: expect.stringMatching(/^(404 the name leads nowhere|503 the DNS does not answer)/),
    });
    await close();
  });
});
