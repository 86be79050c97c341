import { afterEach, describe, expect, test } from 'vitest';
import type { CallSession } from '../../src/session/call-session.js';
import type { SrtpMode } from '../../src/session/capabilities.js';
import {
  audible as heardBy,
  settled as inTime,
  log,
  NOTHING_LEFT,
  type Party,
  type PartyOptions,
  talking,
  Voice,
  Wire,
} from './support/party.js';

let wire: Wire;

async function two(
  a: PartyOptions = {},
  b: PartyOptions = {},
  network: ConstructorParameters<typeof Wire>[0] = {},
): Promise<[Party, Party]> {
  wire = new Wire(network);
  return [await wire.party(1, a), await wire.party(2, b)];
}

const settled = <T>(promise: Promise<T>, limitMs?: number): Promise<T> => inTime(wire, promise, limitMs);
const audible = (a: CallSession, b: CallSession): Promise<string> => heardBy(wire, a, b);

afterEach(async () => {
  expect(wire.errors).toEqual([]);
  expect(await wire.close()).toEqual(NOTHING_LEFT);
});

describe('a call from beginning to end', () => {
  test('dialled, rung, answered, heard both ways, hung up by the caller', async () => {
    const [alice, bob] = await two();
    bob.onCall = (call) => void call.ring();
    const call = alice.dial(bob);
    const told = log(call);
    await wire.run(1000);
    expect([told, call.state]).toEqual([['ringing'], 'ringing']);
    const incoming = bob.calls[0]!;
    const heard = log(incoming);
    await settled(incoming.answer());
    await settled(call.answered);
    expect([call.state, incoming.state]).toEqual(['answered', 'answered']);
    expect(await audible(call, incoming)).toBe('hears/hears');
    const bye = call.hangup();
    expect(call.state).toBe('ended');
    await settled(bye);
    await wire.run(100);
    expect(told).toEqual(['ringing', 'codec pcmu', 'answered', 'ended hangup local 200 16']);
    expect(heard).toEqual(['codec pcmu', 'answered', 'ended hangup remote 200 16']);
    expect(wire.ladder).toEqual(['1>2 INVITE', '2>1 180', '2>1 200', '1>2 ACK', '1>2 BYE', '2>1 200']);
  });

  test('the callee hangs up, with a cause of its own (RFC 3326)', async () => {
    const [alice, bob] = await two();
    const [call, incoming] = await talking(alice, bob);
    const told = log(call);
    await settled(incoming.hangup({ reason: 'Q.850;cause=31;text="Moved on"' }));
    expect(told).toEqual(['ended hangup remote 200 31']);
    expect(call.end?.text).toBe('Moved on');
  });

  test('who they are to each other', async () => {
    const [alice, bob] = await two();
    bob.onCall = (call) => void call.answer();
    const call = alice.dial(bob, { from: '"Alice" <sip:1@10.0.0.1>', headers: [['X-Ticket', '7']] });
    const { id } = call;
    expect([id.length > 20, call.from.uri.user, call.to.uri.user]).toEqual([true, '1', '2']);
    await settled(call.answered);
    const incoming = bob.calls[0]!;
    expect(incoming.id).toBe(call.id);
    expect([incoming.from.displayName, incoming.to.uri.user, incoming.requestUri.user]).toEqual(['Alice', '2', '2']);
    expect(incoming.request?.header('x-ticket')).toBe('7');
    expect([incoming.remote?.address, call.remote?.address]).toEqual(['10.0.0.1', '10.0.0.2']);
    expect([call.codec?.codec, incoming.codec?.payloadType]).toEqual(['pcmu', 0]);
    expect(call.answeredAt! >= call.startedAt).toBe(true);
    await settled(call.hangup());
  });

  test('§13.2.1 the callee offers: no description in the INVITE, the answer in the ACK', async () => {
    const [alice, bob] = await two();
    bob.onCall = (call) => void call.answer();
    const call = alice.dial(bob, { description: 'none' });
    await settled(call.answered);
    await wire.run(100);
    expect(wire.texts.map((text) => `${text.slice(0, 6)} ${text.includes('m=audio') ? 'sdp' : '-'}`)).toEqual([
      'INVITE -',
      'SIP/2. sdp',
      'ACK si sdp',
    ]);
    expect(await audible(call, bob.calls[0]!)).toBe('hears/hears');
    await settled(call.hangup());
  });

  test('over IPv6', async () => {
    const [alice, bob] = await two({ address: '2001:db8::1' }, { address: '2001:db8::2' });
    const [call, incoming] = await talking(alice, bob);
    expect(wire.texts[0]).toContain('c=IN IP6 2001:db8::1\r\n');
    expect(await audible(call, incoming)).toBe('hears/hears');
    await settled(call.hold());
    expect(incoming.state).toBe('held');
    await settled(call.hangup());
  });

  async function callWith(a: SrtpMode, b: SrtpMode, outcome: 'plain' | 'secret' | 488): Promise<void> {
    const [alice, bob] = await two({ srtp: a }, { srtp: b });
    bob.onCall = (call) => void call.answer();
    const call = alice.dial(bob);
    if (outcome === 488) {
      await expect(settled(call.answered)).rejects.toMatchObject({ code: 'ERR_CALL_REJECTED', status: outcome });
      return;
    }
    await settled(call.answered);
    expect(call.media?.srtp === undefined ? 'plain' : 'secret').toBe(outcome);
    expect(await audible(call, bob.calls[0]!)).toBe('hears/hears');
    await settled(call.hangup());
  }

  test.each<[SrtpMode, SrtpMode, 'plain' | 'secret' | 488]>([
    ['off', 'accept', 'plain'],
    ['accept', 'accept', 'plain'],
    ['optional', 'off', 'plain'],
    ['required', 'off', 488],
    ['off', 'required', 488],
    ['optional', 'accept', 'secret'],
    ['required', 'accept', 'secret'],
    ['required', 'required', 'secret'],
  ])('srtp %s calls %s: %s', callWith);
});

describe('before the answer', () => {
  test.each([['never'], ['ifSupported']] as const)(
    'early media both ways (183, reliable: %s), and the same audio goes on after the answer',
    async (reliable) => {
      const [alice, bob] = await two();
      bob.onCall = (call) => void call.progress({ reliable });
      const call = alice.dial(bob);
      const told = log(call);
      await wire.run(200);
      const incoming = bob.calls[0]!;
      expect([call.state, incoming.state]).toEqual(['early', 'early']);
      expect(await audible(call, incoming)).toBe('hears/hears');
      await settled(incoming.answer());
      await settled(call.answered);
      expect(await audible(call, incoming)).toBe('hears/hears');
      expect(told).toEqual(['codec pcmu', 'early', 'answered']);
      expect(wire.ladder).toEqual(
        reliable === 'never'
          ? ['1>2 INVITE', '2>1 183', '2>1 200', '1>2 ACK']
          : ['1>2 INVITE', '2>1 183', '1>2 PRACK', '2>1 200', '2>1 200', '1>2 ACK'],
      );
      await settled(call.hangup());
    },
  );

  test('RFC 3262 §5: to an INVITE without offer a reliable 183 offers, and the PRACK answers', async () => {
    const [alice, bob] = await two();
    bob.onCall = (call) => void call.progress();
    const call = alice.dial(bob, { description: 'none' });
    await wire.run(200);
    const incoming = bob.calls[0]!;
    expect([call.state, incoming.state]).toEqual(['early', 'early']);
    expect(await audible(call, incoming)).toBe('hears/hears');
    await settled(incoming.answer());
    expect(await audible(call, incoming)).toBe('hears/hears');
    await settled(call.hangup());
  });

  test('refused: the caller is told status and cause; nothing was ever answered', async () => {
    const [alice, bob] = await two();
    bob.onCall = (call) => {
      log(call);
      call.reject(486, 'On The Phone');
    };
    const call = alice.dial(bob);
    const told = log(call);
    await expect(settled(call.answered)).rejects.toMatchObject({ code: 'ERR_CALL_REJECTED', status: 486, reason: 'On The Phone' });
    expect(told).toEqual(['ended rejected remote 486 17']);
    expect(bob.calls[0]!.end).toMatchObject({ reason: 'rejected', by: 'local', status: 486, cause: 17 });
  });

  test('given up by the caller: CANCEL, and both sides know', async () => {
    const [alice, bob] = await two();
    bob.onCall = (call) => void call.ring();
    const call = alice.dial(bob);
    await wire.run(500);
    const heard = log(bob.calls[0]!);
    const gone = call.hangup();
    await expect(settled(call.answered)).rejects.toMatchObject({ code: 'ERR_CALL_CANCELLED' });
    await settled(gone);
    expect(call.end).toMatchObject({ reason: 'cancelled', by: 'local', status: 487 });
    expect(heard).toEqual(['ended cancelled remote 487 16']);
    await expect(bob.calls[0]!.answer()).rejects.toMatchObject({ code: 'ERR_CALL_CANCELLED' });
  });

  test('given up before the media was open: no INVITE is sent', async () => {
    const [alice, bob] = await two();
    const call = alice.dial(bob);
    await call.hangup();
    await wire.run(1000);
    expect(wire.ladder).toEqual([]);
    expect(call.end).toMatchObject({ reason: 'cancelled', status: 487 });
  });

  test('answered while the CANCEL is on its way: acknowledged, released, and over on both sides', async () => {
    const [alice, bob] = await two();
    bob.onCall = (call) => void call.ring();
    const call = alice.dial(bob);
    await wire.run(500);
    const incoming = bob.calls[0]!;
    const heard = log(incoming);
    const answer = incoming.answer().catch(() => {});
    await wire.run(1);
    await settled(call.hangup());
    await settled(answer);
    await wire.run(500);
    expect([call.state, incoming.state]).toEqual(['ended', 'ended']);
    expect(heard.at(-1)).toMatch(/^ended/);
    expect(wire.ladder.slice(2)).toEqual(expect.arrayContaining(['1>2 CANCEL', '1>2 ACK', '1>2 BYE']));
  });

  test('nobody answers in time: 19, no answer from user; the callee sees a CANCEL', async () => {
    const [alice, bob] = await two({ ringTimeoutMs: 20_000 });
    bob.onCall = (call) => void call.ring();
    const call = alice.dial(bob);
    await expect(settled(call.answered)).rejects.toMatchObject({ code: 'ERR_CALL_TIMEOUT', status: 408 });
    expect(call.end).toMatchObject({ reason: 'noAnswer', by: 'local', cause: 19 });
    await wire.run(100);
    expect(bob.calls[0]!.end).toMatchObject({ reason: 'cancelled', by: 'remote' });
  });

  test('a call that nobody takes is refused in time', async () => {
    const [alice, bob] = await two({}, { ringTimeoutMs: 10_000 });
    const call = alice.dial(bob);
    await expect(settled(call.answered)).rejects.toMatchObject({ status: 480 });
    expect(bob.calls[0]!.end).toMatchObject({ reason: 'noAnswer', by: 'local', status: 480, cause: 19 });
  });

  test('nobody there at all: 408, by the network', async () => {
    const [alice] = await two();
    const call = alice.dial('sip:9@10.0.0.9');
    await expect(settled(call.answered)).rejects.toMatchObject({ code: 'ERR_CALL_TIMEOUT', status: 408 });
    expect(call.end).toMatchObject({ reason: 'noAnswer', by: 'network', cause: 102 });
  });

  test('§21.4.26 no codec in common: 488 with a Warning, before anyone is bothered', async () => {
    const [alice, bob] = await two({ codecs: ['g722'] });
    const call = alice.dial(bob);
    await expect(settled(call.answered)).rejects.toMatchObject({ status: 488 });
    expect(bob.calls).toEqual([]);
    expect(wire.texts[1]).toContain('Warning: 305 sipbot "no codec in common');
  });

  test('no media port is free: that call ends, 503, and says so', async () => {
    const [alice, bob] = await two();
    const all = await Promise.all(
      Array.from({ length: 51 }, () => bob.engine.open({ sampleRate: 8000, frameMs: 20 }).catch(() => undefined)),
    );
    let failure: unknown;
    bob.onCall = (call) =>
      void call.answer().catch((error: unknown) => {
        failure = error;
      });
    const call = alice.dial(bob);
    await expect(settled(call.answered)).rejects.toMatchObject({ status: 503 });
    expect(failure).toMatchObject({ code: 'ERR_PORTS' });
    for (const stream of all) stream?.close();
    expect(wire.errors.splice(0)).toHaveLength(1);
  });
});

describe('hold', () => {
  test.each([['sendonly'], ['inactive']] as const)(
    'by one side, %s: both know, nothing is heard; resumed, it is as before',
    async (holdStyle) => {
      const [alice, bob] = await two({ holdStyle });
      const [call, incoming] = await talking(alice, bob);
      const [told, heard] = [log(call), log(incoming)];
      await settled(call.hold());
      await wire.run(50);
      expect([call.state, incoming.state]).toEqual(['held', 'held']);
      const rtp = wire.packets.get('10.0.0.2>10.0.0.1')!.count;
      expect(await audible(call, incoming)).toBe('silence/silence');
      expect(wire.packets.get('10.0.0.2>10.0.0.1')!.count).toBe(rtp);
      await settled(call.resume());
      await wire.run(2000);
      expect(await audible(call, incoming)).toBe('hears/hears');
      expect(told).toEqual(['held local', 'resumed local']);
      expect(heard).toEqual(['held remote', 'resumed remote']);
      await settled(call.hangup());
    },
  );

  test('by both: each lets go for itself', async () => {
    const [alice, bob] = await two();
    const [call, incoming] = await talking(alice, bob);
    const told = log(call);
    await settled(call.hold());
    await settled(incoming.hold());
    expect([call.isHeldBy('local'), call.isHeldBy('remote')]).toEqual([true, true]);
    await settled(call.resume());
    expect([call.state, incoming.state]).toEqual(['held', 'held']);
    await settled(incoming.resume());
    expect([call.state, incoming.state]).toEqual(['answered', 'answered']);
    await wire.run(1500);
    expect(await audible(call, incoming)).toBe('hears/hears');
    expect(told).toEqual(['held local', 'held remote', 'resumed local', 'resumed remote']);
    await settled(call.hangup());
  });

  test('§14.1 by both at once: glare, and both get what they asked for', async () => {
    const [alice, bob] = await two();
    const [call, incoming] = await talking(alice, bob);
    await settled(Promise.all([call.hold(), incoming.hold()]));
    expect(wire.ladder.filter((line) => line.endsWith('491')).length).toBeGreaterThanOrEqual(1);
    await wire.run(100);
    for (const one of [call, incoming]) expect([one.isHeldBy('local'), one.isHeldBy('remote')]).toEqual([true, true]);
    await settled(Promise.all([call.resume(), incoming.resume()]));
    await wire.run(1500);
    expect([call.state, incoming.state]).toEqual(['answered', 'answered']);
    expect(await audible(call, incoming)).toBe('hears/hears');
    await settled(call.hangup());
  });

  test('RFC 3264 §8.4 in the old style, c=0.0.0.0', async () => {
    const [alice, bob] = await two();
    const [call, incoming] = await talking(alice, bob);
    const old = (address: string, version: number) => ({
      contentType: 'application/sdp',
      bytes: Buffer.from(
        `v=0\r\no=- 1 ${version} IN IP4 ${address}\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\nm=audio ${call.stream!.local.port} RTP/AVP 0\r\n`,
      ),
    });
    await settled(call.usage!.reinvite({ body: old('0.0.0.0', 7) }));
    expect([incoming.state, incoming.isHeldBy('remote')]).toEqual(['held', true]);
    expect(wire.texts.findLast((text) => text.startsWith('SIP/2.0 200'))).toContain('a=recvonly');
    await settled(call.usage!.reinvite({ body: old('10.0.0.1', 8) }));
    expect(incoming.state).toBe('answered');
    await settled(call.hangup());
  });

  test('refused by the other side: the call stays as it was, and the promise says why', async () => {
    const [alice, bob] = await two();
    const [call, incoming] = await talking(alice, bob);
    incoming.usage!.handler.onOffer = () => ({ status: 403 });
    await expect(settled(call.hold())).rejects.toMatchObject({ code: 'ERR_CALL_FAILED', status: 403 });
    expect(call.state).toBe('answered');
    expect(await audible(call, incoming)).toBe('hears/hears');
    await settled(call.hangup());
  });
});

describe('changes in the middle of a call', () => {
  test('another codec: the audio goes on, at the same rate for the application', async () => {
    const [alice, bob] = await two({ codecs: ['pcmu', 'pcma', 'g722'] }, { codecs: ['pcmu', 'pcma', 'g722'] });
    const [call, incoming] = await talking(alice, bob);
    const heard = log(incoming);
    const voice = new Voice(incoming);
    new Voice(call).say(3000);
    await wire.run(1000);
    await settled(call.renegotiate({ codecs: ['g722'] }));
    expect([call.codec?.codec, incoming.codec?.codec]).toEqual(['g722', 'g722']);
    await wire.run(3000);
    expect(heard).toEqual(['codec g722']);
    expect(voice.loud).toBeGreaterThan(140);
    expect(await audible(call, incoming)).toBe('hears/hears');
    expect(wire.packets.get('10.0.0.1>10.0.0.2')!.payloadTypes).toEqual(new Set([0, 9]));
    await settled(call.hangup());
  });

  test('hung up while a change is under way: the end is the last that is told', async () => {
    const [alice, bob] = await two();
    const [call] = await talking(alice, bob);
    const told = log(call);
    const change = call.renegotiate({ codecs: ['pcma'] }).catch((error: { code: string }) => error.code);
    await wire.run(1);
    await settled(call.hangup());
    await wire.run(100);
    expect([told, await change]).toEqual([['ended hangup local 200 16'], 'ERR_CALL_ENDED']);
  });

  test('§14.2 T.38 is refused with 488, and the call goes on as it was', async () => {
    const [alice, bob] = await two();
    const [call, incoming] = await talking(alice, bob);
    const fax = 'v=0\r\no=- 1 9 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\nm=image 5000 udptl t38\r\n';
    const { response } = await settled(call.usage!.reinvite({ body: { contentType: 'application/sdp', bytes: Buffer.from(fax) } }));
    expect([response.status, response.header('Warning')]).toEqual([488, expect.stringContaining('304')]);
    expect(await audible(call, incoming)).toBe('hears/hears');
    await settled(call.hangup());
  });

  test('§14.2 a re-INVITE without offer gets ours, and its ACK answers', async () => {
    const [alice, bob] = await two();
    const [call, incoming] = await talking(alice, bob);
    const outcome = await settled(call.usage!.reinvite());
    const sdp = Buffer.from(outcome.body!.bytes).toString();
    expect(sdp).toContain('m=audio');
    outcome.ack({
      contentType: 'application/sdp',
      bytes: Buffer.from(sdp.replace(/m=audio \d+/, `m=audio ${call.stream!.local.port}`).replaceAll('10.0.0.2', '10.0.0.1')),
    });
    await wire.run(100);
    expect(await audible(call, incoming)).toBe('hears/hears');
    await settled(call.hangup());
  });

  test('a body that is no session description: 415, and what would do', async () => {
    const [alice, bob] = await two();
    const [call] = await talking(alice, bob);
    const { response } = await settled(call.usage!.reinvite({ body: { contentType: 'application/json', bytes: Buffer.from('{}') } }));
    expect([response.status, response.header('Accept')]).toEqual([415, 'application/sdp']);
    await settled(call.hangup());
  });

  test('RFC 4028: the session is refreshed for a quarter of an hour, and the audio hears nothing of it', async () => {
    const [alice, bob] = await two();
    bob.onCall = (call) => void call.answer();
    const call = alice.dial(bob, { sessionExpiresS: 90 });
    await settled(call.answered);
    await wire.run(400_000);
    expect(call.state).toBe('answered');
    expect(wire.ladder.filter((line) => /UPDATE|INVITE/.test(line)).length).toBeGreaterThan(5);
    expect(await audible(call, bob.calls[0]!)).toBe('hears/hears');
    await settled(call.hangup());
  }, 30_000);
});

describe('keys and messages', () => {
  test('RFC 4733, INFO of both kinds, and a MESSAGE', async () => {
    const [alice, bob] = await two();
    const [call, incoming] = await talking(alice, bob);
    const heard = log(incoming);
    await settled(call.sendDtmf('1#'));
    await wire.run(3000);
    await settled(call.sendDtmf('2*', { via: 'info' }));
    await settled(call.usage!.info({ contentType: 'application/dtmf', body: '9' }));
    await settled(call.message('hello'));
    expect(heard).toEqual([
      'dtmf 1 telephone-event',
      'dtmf # telephone-event',
      'dtmf 2 info',
      'dtmf * info',
      'dtmf 9 info',
      'message hello',
    ]);
    const other = await settled(call.usage!.info({ contentType: 'application/media_control+xml', body: '<x/>' }));
    expect([other.status, other.headers('Accept')]).toEqual([415, ['application/dtmf-relay', 'application/dtmf']]);
    const told: string[] = [];
    incoming.on('info', ({ contentType, text }) => told.push(`${contentType} ${text}`));
    const taken = await settled(call.usage!.info({ contentType: 'application/json', body: '{"a":1}' }));
    expect([taken.status, told]).toEqual([200, ['application/json {"a":1}']]);
    await settled(call.hangup());
  });

  test('one key, though it came both ways', async () => {
    const [alice, bob] = await two();
    const [call, incoming] = await talking(alice, bob);
    const heard = log(incoming);
    await settled(Promise.all([call.sendDtmf('5'), call.sendDtmf('5', { via: 'info' })]));
    await wire.run(300);
    await settled(Promise.all([call.sendDtmf('5'), call.sendDtmf('5', { via: 'info' })]));
    await wire.run(300);
    expect(heard).toHaveLength(2);
    await settled(call.hangup());
  });
});

describe('when things go wrong', () => {
  test('the peer vanishes: no media, and the call ends by itself', async () => {
    const [alice, bob] = await two({ mediaTimeoutMs: 10_000 });
    const [call, incoming] = await talking(alice, bob);
    const told = log(call);
    await wire.run(5000);
    expect(call.state).toBe('answered');
    incoming.stream!.close();
    await wire.clock.runUntil(() => call.state === 'ended', 30_000);
    expect(told).toEqual(['ended mediaTimeout network 200 102']);
    await wire.run(200);
    expect(incoming.end).toMatchObject({ reason: 'hangup', by: 'remote', cause: 102 });
  });

  test('RTCP counts as life, and a call on hold may be silent', async () => {
    const [alice, bob] = await two({ mediaTimeoutMs: 4000 });
    const [call, incoming] = await talking(alice, bob);
    await settled(incoming.hold());
    await wire.run(60_000);
    expect(call.state).toBe('held');
    await settled(incoming.resume());
    await wire.run(20_000);
    expect(call.state).toBe('answered');
    await settled(call.hangup());
  });

  test('before the answer, silence is ringing and no time-out', async () => {
    const [alice, bob] = await two({ mediaTimeoutMs: 2000 });
    bob.onCall = (call) => void call.progress().then(() => call.stream!.close());
    const call = alice.dial(bob);
    await wire.run(20_000);
    expect(call.state).toBe('early');
    await settled(call.hangup());
  });

  test('the longest a call may last', async () => {
    const [alice, bob] = await two({}, { maxCallMs: 30_000 });
    const [call, incoming] = await talking(alice, bob);
    await wire.clock.runUntil(() => call.state === 'ended', 40_000);
    expect(incoming.end).toMatchObject({ reason: 'maxDuration', by: 'local', status: 200 });
    expect(call.end).toMatchObject({ reason: 'hangup', by: 'remote' });
    await wire.run(100);
  });

  test('the 200 is never acknowledged: answer() rejects and the call is over', async () => {
    const [alice, bob] = await two();
    let failure: unknown;
    bob.onCall = (call) => {
      wire.network.isolate('10.0.0.1');
      void call.answer().catch((error: unknown) => {
        failure = error;
      });
    };
    const call = alice.dial(bob);
    await wire.clock.runUntil(() => failure !== undefined, 60_000);
    expect(bob.calls[0]!.end).toMatchObject({ reason: 'sessionTimeout', by: 'network' });
    await settled(call.hangup(), 60_000);
    wire.network.restore('10.0.0.1');
  });

  test('a listener that throws ends its call and no other', async () => {
    const [alice, bob] = await two();
    const [good] = await talking(alice, bob);
    const [bad, incoming] = await talking(alice, bob);
    incoming.on('message', () => {
      throw new Error('mine');
    });
    const answered = bad.message('x').catch(() => {});
    await settled(answered);
    await wire.run(200);
    expect([bad.state, incoming.state, good.state]).toEqual(['ended', 'ended', 'answered']);
    expect(incoming.end).toMatchObject({ reason: 'failed', by: 'local' });
    expect(wire.errors.splice(0)).toEqual([['a listener of a call failed', expect.any(Error)]]);
    await settled(good.hangup());
  });

  test('what cannot be done in this state is an error that says so', async () => {
    const [alice, bob] = await two();
    const call = alice.dial(bob);
    await wire.run(100);
    await expect(call.hold()).rejects.toMatchObject({ code: 'ERR_STATE' });
    await expect(call.answer()).rejects.toMatchObject({ code: 'ERR_STATE' });
    expect(() => call.reject()).toThrow(expect.objectContaining({ code: 'ERR_STATE' }));
    await settled(call.hangup());
    await expect(call.sendDtmf('1')).rejects.toMatchObject({ code: 'ERR_CALL_CANCELLED' });
    await call.hangup();
  });
});
