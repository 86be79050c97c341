import { describe, expect, test } from 'vitest';
import { TwilioStreams } from '../../../src/bot/bridge/twilio-streams.js';
import { decoder } from '../../../src/codec/registry.js';
import { NOTHING_LEFT, tone } from '../support/world.js';
import type { FakeConnection } from '../wire/fake-service.js';
import { type BridgedCall, bridged, codes, settledBuffers, toMulaw } from './bridged-call.js';

const url = 'wss://app.example.com/media';

function twilio(options: Partial<ConstructorParameters<typeof TwilioStreams>[0]> = {}): Promise<BridgedCall<TwilioStreams>> {
  return bridged((service) => new TwilioStreams({ url, connect: service.connect, ...options }));
}

function linear(mulaw: Uint8Array): Int16Array {
  const samples = new Int16Array(mulaw.length);
  decoder('pcmu').decode(mulaw, 0, mulaw.length, samples, 0);
  return samples;
}

function sidOf(connection: FakeConnection): string {
  return connection.texts.find(({ event }) => event === 'start')!['streamSid'] as string;
}

function say(connection: FakeConnection, what: object): void {
  connection.say({ streamSid: sidOf(connection), ...what });
}

function media(connection: FakeConnection, payload: Buffer): void {
  say(connection, { event: 'media', media: { payload: payload.toString('base64') } });
}

const mark = (name: string): object => ({ event: 'mark', mark: { name } });

function events(connection: FakeConnection, ...names: string[]): Record<string, unknown>[] {
  return connection.texts.filter(({ event }) => names.includes(event as string));
}

function payloads(connection: FakeConnection): Buffer {
  return Buffer.concat(events(connection, 'media').map(({ media }) => Buffer.from((media as { payload: string }).payload, 'base64')));
}

describe('Twilio Media Streams, from Twilio’s side', () => {
  test('connected, start, media, dtmf, stop: in Twilio’s words and order, numbered', async () => {
    const { world, service, caller } = await twilio({ parameters: { tenant: 'blue' }, authToken: 'secret', accountSid: 'ACx' });
    await world.until(caller.sendDtmf('5'));
    await world.run(100);
    void caller.hangup();
    await world.run(500);
    const { last } = service;
    expect(last.texts[0]).toEqual({ event: 'connected', protocol: 'Call', version: '1.0.0' });
    const streamSid = sidOf(last);
    expect(streamSid).toMatch(/^MZ[0-9a-f]{32}$/);
    const callSid = expect.stringMatching(/^CA[0-9a-f]{32}$/);
    expect(last.texts[1]).toEqual({
      event: 'start',
      sequenceNumber: '1',
      streamSid,
      start: {
        accountSid: 'ACx',
        streamSid,
        callSid,
        tracks: ['inbound'],
        mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 },
        customParameters: { tenant: 'blue' },
      },
    });
    expect(last.texts[2]).toMatchObject({
      event: 'media',
      sequenceNumber: '2',
      streamSid,
      media: { track: 'inbound', chunk: '1', timestamp: '0' },
    });
    expect(last.texts[3]).toMatchObject({ event: 'media', sequenceNumber: '3', media: { chunk: '2', timestamp: '20' } });
    expect(events(last, 'dtmf')).toMatchObject([{ streamSid, dtmf: { track: 'inbound_track', digit: '5' } }]);
    expect(last.texts.at(-1)).toMatchObject({ event: 'stop', streamSid, stop: { accountSid: 'ACx', callSid } });
    expect(last.texts.slice(1).map(({ sequenceNumber }) => sequenceNumber)).toEqual(last.texts.slice(1).map((_, i) => String(i + 1)));
    expect(last.closedWith).toBe(1000);
    // HMAC-SHA1 of the URL, as https://www.twilio.com/docs/usage/security says.
    expect(last.target.headers).toEqual({ 'X-Twilio-Signature': 'f7LY9hp+m8RSBjYb7+Y3+M+illQ=' });
    expect(await world.close()).toEqual(NOTHING_LEFT);
  });

  test('the caller’s µ-law reaches the application bit by bit, 160 bytes every 20 ms', async () => {
    const { world, service, caller, call } = await twilio();
    const said = codes(8000);
    await settledBuffers(world, caller, call);
    caller.audio.write(linear(said));
    await world.run(1500);
    expect(payloads(service.last).indexOf(said)).toBeGreaterThan(0);
    expect(
      events(service.last, 'media').every(({ media }) => Buffer.from((media as { payload: string }).payload, 'base64').length === 160),
    ).toBe(true);
  });

  test('the application’s µ-law reaches the caller bit by bit, in chunks of any size, marks after what they follow', async () => {
    const { world, service, ear, caller, call } = await twilio();
    const said = codes(8000, 7);
    await settledBuffers(world, caller, call);
    for (const [from, to] of [
      [0, 1],
      [1, 340],
      [340, 4000],
    ] as const)
      media(service.last, said.subarray(from, to));
    say(service.last, mark('half'));
    media(service.last, said.subarray(4000));
    say(service.last, mark('all'));
    await world.run(400);
    expect(events(service.last, 'mark')).toEqual([]);
    await world.run(140);
    expect(events(service.last, 'mark').map(({ mark }) => mark)).toEqual([{ name: 'half' }]);
    await world.run(600);
    expect(events(service.last, 'mark').map(({ mark }) => mark)).toEqual([{ name: 'half' }, { name: 'all' }]);
    expect(toMulaw(ear.heard.samples).indexOf(said)).toBeGreaterThan(0);
  });

  test('clear in the middle: silence at once, every mark comes back in order, and what follows is played', async () => {
    const { world, service, ear, bridge } = await twilio();
    media(service.last, toMulaw(tone(500, 4000, 8000)));
    say(service.last, mark('a'));
    media(service.last, toMulaw(tone(500, 4000, 8000)));
    say(service.last, mark('b'));
    await world.run(1000);
    say(service.last, { event: 'clear' });
    say(service.last, mark('c'));
    await world.run(20);
    expect(events(service.last, 'mark').map(({ mark }) => (mark as { name: string }).name)).toEqual(['a', 'b', 'c']);
    await world.run(480);
    media(service.last, toMulaw(tone(800, 300, 8000)));
    await world.run(1000);
    const { heard } = ear;
    expect(heard.part(heard.onsetMs! + 100, 800).shareOf(500)).toBeGreaterThan(0.95);
    const stopped = heard.part(heard.onsetMs! + 1100, 300);
    expect(stopped.isSilent).toBe(true);
    const after = heard.part(heard.onsetMs! + 1400, 2000);
    expect(after.part(after.onsetMs! + 50, 200).shareOf(800)).toBeGreaterThan(0.95);
    expect(bridge.stats()!.down).toMatchObject({ receivedMs: 8300, clears: 1, queuedMs: 0 });
  });

  test('a mark after clear, and one before anything was said, come back at once', async () => {
    const { world, service } = await twilio();
    say(service.last, mark('first'));
    say(service.last, { event: 'clear' });
    say(service.last, mark('second'));
    await world.run(20);
    expect(events(service.last, 'mark').map(({ mark }) => (mark as { name: string }).name)).toEqual(['first', 'second']);
  });

  test('ten minutes said in a moment are played to the end, and no more than was allowed is kept', async () => {
    const { world, service, bridge } = await twilio({ maxQueueMs: 200_000 });
    const minute = Buffer.alloc(8000 * 60, 0x55);
    for (let i = 0; i < 4; i++) media(service.last, minute);
    say(service.last, mark('end'));
    expect(bridge.stats()!.down).toMatchObject({ receivedMs: 180_000, refusedMs: 60_000 });
    await world.run(179_900);
    expect(events(service.last, 'mark')).toEqual([]);
    await world.run(200);
    expect(events(service.last, 'mark')).toHaveLength(1);
  });

  test('the application is lost: the call is held up, the caller hears signs of life, then the next stream of the same call', async () => {
    const { world, service, caller, ear, bridge } = await twilio();
    const told: string[] = [];
    bridge.on('down', ({ code }) => told.push(`down ${code}`)).on('up', ({ connects }) => told.push(`up ${connects}`));
    const first = service.last;
    media(first, toMulaw(tone(500, 200, 8000)));
    say(first, mark('old'));
    await world.run(40);
    service.refusals = 4;
    first.lose();
    const said = codes(80 * 100, 3);
    caller.audio.write(linear(said));
    await world.run(5000);
    expect(told).toEqual(['down 1006', 'up 2']);
    const second = service.last;
    expect(second.texts.slice(0, 2).map(({ event }) => event)).toEqual(['connected', 'start']);
    expect(sidOf(second)).not.toBe(sidOf(first));
    expect((second.texts[1]!['start'] as { callSid: string }).callSid).toBe((first.texts[1]!['start'] as { callSid: string }).callSid);
    // Its mark belonged to a stream that is no more.
    expect(events(second, 'mark')).toEqual([]);
    expect(events(second, 'media')[0]).toMatchObject({ media: { chunk: '1', timestamp: '0' } });
    expect(bridge.stats()).toMatchObject({ connects: 2, state: 'up' });
    const { heard } = ear;
    const comfort = heard.part(heard.onsetMs! + 300, 3000);
    expect(comfort.samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0)).toBeGreaterThan(300);
    expect(comfort.samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0)).toBeLessThan(2000);
    media(second, toMulaw(tone(800, 500, 8000)));
    const from = heard.samples.length;
    await world.run(800);
    const spoken = ear.heard.part((from * 1000) / 8000, 800);
    expect(spoken.part(spoken.onsetMs! + 50, 400).shareOf(800)).toBeGreaterThan(0.95);
    expect(caller.state).toBe('answered');
  });

  test('what is said while it is away is kept for a second, the rest is lost and counted', async () => {
    const { world, service, bridge } = await twilio({ holdMs: 500 });
    service.refusals = 5;
    service.last.lose();
    await world.run(10_000);
    expect(service.last.texts.length).toBeGreaterThan(20);
    const { up } = bridge.stats()!;
    expect(up.lostMs).toBeGreaterThan(1000);
    expect(up.sentMs + up.lostMs + up.heldMs).toBeGreaterThan(9900);
    const gap = service.last.texts.findIndex(({ event }) => event === 'media');
    expect(service.last.texts[gap]).toMatchObject({ media: { timestamp: '0' } });
  });

  test('a slow reader: what the wire cannot take is held, then lost, and the stream goes on with the present', async () => {
    const { world, service, bridge } = await twilio({ holdMs: 500 });
    await world.run(1000);
    const before = events(service.last, 'media').length;
    service.last.queuedBytes = 200_000;
    await world.run(3000);
    expect(events(service.last, 'media').length).toBe(before);
    expect(bridge.stats()!.up).toMatchObject({ heldMs: 500, lostMs: 2500 });
    service.last.queuedBytes = 0;
    await world.run(1000);
    const times = events(service.last, 'media').map(({ media }) => Number((media as { timestamp: string }).timestamp));
    expect(times.length).toBe(before + 25 + 50);
    expect(times.at(-1)! - times[0]!).toBe(20 * (before + 125 + 25 + 50 - 1));
  });

  test('the application closes: what it said is heard, then the call is hung up', async () => {
    const { world, service, caller, bridge } = await twilio();
    const gone: number[] = [];
    bridge.on('gone', ({ code }) => gone.push(code));
    media(service.last, toMulaw(tone(500, 500, 8000)));
    service.last.lose(1000);
    await world.run(300);
    expect(caller.state).toBe('answered');
    await world.run(500);
    expect(caller.state).toBe('ended');
    expect(gone).toEqual([1000]);
    expect(await world.close()).toEqual(NOTHING_LEFT);
  });

  test('whenGone stay: the call is the listener’s', async () => {
    const { world, service, caller, call, bridge } = await twilio({ whenGone: 'stay' });
    bridge.on('gone', () => void call.audio.write(tone(600, 100, 8000)));
    service.last.lose(404);
    await world.run(1000);
    expect(caller.state).toBe('answered');
  });

  test('what is no message of ours is passed over: other streams, no JSON, no payload, bytes', async () => {
    const { world, service, caller, ear, bridge } = await twilio();
    for (const nonsense of [
      '',
      '{',
      '[]',
      'null',
      '{"event":"media"}',
      '{"event":"mark"}',
      '{"event":"media","media":{"payload":7}}',
      Buffer.from([1]),
    ]) {
      service.last.say(nonsense);
    }
    service.last.say({ event: 'media', streamSid: 'MZother', media: { payload: codes(8000).toString('base64') } });
    await world.run(500);
    expect(ear.heard.isSilent).toBe(true);
    expect(bridge.stats()!.down.receivedMs).toBe(0);
    expect(caller.state).toBe('answered');
  });

  test('ten minutes: not one byte more or less either way, and nothing piles up', async () => {
    const { world, service, caller, bridge, ear } = await twilio();
    ear.close();
    await world.run(200);
    const { last } = service;
    const counted = { media: 0, heard: 0 };
    caller.audio.on('frame', () => void counted.heard++, { borrow: true });
    last.onMessage = () => {
      counted.media++;
      last.received.length = 2;
    };
    // The application speaks all the time, 20 ms every 20 ms.
    const message = JSON.stringify({ event: 'media', streamSid: sidOf(last), media: { payload: codes(160).toString('base64') } });
    const begin = world.clock.now();
    const speak = (i: number): void => {
      last.say(message);
      if (i < 29_999) world.clock.at(begin + 20 * (i + 1), () => speak(i + 1));
    };
    speak(0);
    for (let second = 0; second < 600; second++) await world.run(1000);
    expect(counted).toEqual({ media: 30_000, heard: 30_000 });
    const { down, up } = bridge.stats()!;
    expect(down).toMatchObject({ receivedMs: 600_000, refusedMs: 0, gaps: 0 });
    expect(down.queuedMs).toBeLessThanOrEqual(40);
    expect(up).toMatchObject({ lostMs: 0, heldMs: 0 });
  }, 120_000);
});
