import { describe, expect, test } from 'vitest';
import { PcmWebSocket, type PcmWebSocketOptions } from '../../../src/bot/bridge/pcm-websocket.js';
import { OptionError } from '../../../src/errors.js';
import { Heard } from '../../../src/testing/heard.js';
import { NOTHING_LEFT, tone } from '../support/world.js';
import { bridged, settledBuffers } from './bridged-call.js';

function pcm(options: Partial<PcmWebSocketOptions> = {}, callerRate: 8000 | 16000 = 16000) {
  return bridged((service) => new PcmWebSocket({ url: 'ws://platform.example/voice', connect: service.connect, ...options }), {
    callerRate,
    bot: { codecs: ['g722', 'pcmu'] },
  });
}

const bytesOf = (samples: Int16Array): Buffer => Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
const samplesOf = (bytes: Buffer): Int16Array => Int16Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readInt16LE(2 * i));

describe('a plain PCM16 WebSocket', () => {
  test('says who calls and at which rates, then sends what the caller says, 20 ms a message', async () => {
    const { world, service, caller } = await pcm({ replySampleRate: 22_050, headers: { Authorization: 'Bearer t' } });
    caller.audio.write(tone(500, 1000));
    await world.run(1500);
    const { last } = service;
    expect(last.target).toMatchObject({ url: 'ws://platform.example/voice', headers: { Authorization: 'Bearer t' } });
    expect(last.texts[0]).toEqual({
      type: 'start',
      call: { id: caller.id, direction: 'in', from: expect.stringContaining('sip:'), to: 'sip:bot@10.0.0.2' },
      audio: { encoding: 'pcm16', sampleRate: 16_000 },
      reply: { encoding: 'pcm16', sampleRate: 22_050 },
      connects: 1,
    });
    expect(last.received.slice(1).every((message) => message.length === 640)).toBe(true);
    const heard = new Heard(samplesOf(last.sound), 16_000);
    expect(heard.part(heard.onsetMs! + 100, 600).shareOf(500)).toBeGreaterThan(0.95);
  });

  test('at 8 kHz over µ-law the platform’s bytes are the call’s samples', async () => {
    const { world, service, caller, call } = await bridged(
      (fake) => new PcmWebSocket({ url: 'ws://p', sampleRate: 8000, connect: fake.connect }),
    );
    expect(call.sampleRate).toBe(8000);
    const frames: Int16Array[] = [];
    call.audio.on('frame', ({ samples }) => void frames.push(samples));
    const before = service.last.sound.length;
    caller.audio.write(tone(700, 500, 8000));
    await world.run(800);
    const heard = Buffer.concat(frames.map(bytesOf));
    expect(service.last.sound.subarray(before, before + heard.length).equals(heard)).toBe(true);
  });

  test('22.05 kHz in chunks cut through samples: one unbroken tone of the right pitch and length', async () => {
    const { world, service, caller, call, ear, bridge } = await pcm({ replySampleRate: 22_050 });
    await settledBuffers(world, caller, call);
    const said = bytesOf(tone(1000, 3000, 22_050));
    for (let at = 0, i = 0; at < said.length; i++) {
      const size = [1, 333, 1024, 7, 2049][i % 5]!;
      service.last.say(new Uint8Array(said.subarray(at, at + size)));
      at += size;
    }
    service.last.say({ type: 'mark', name: 'end' });
    const from = ear.heard.samples.length / 16;
    await world.run(3500);
    const heard = ear.heard.part(from, 3500);
    const spoken = heard.part(heard.onsetMs!, 3000);
    expect(spoken.part(50, 2900).shareOf(1000)).toBeGreaterThan(0.97);
    expect(spoken.gaps(5)).toEqual([]);
    expect(heard.part(heard.onsetMs! + 3030, 400).isSilent).toBe(true);
    expect(service.last.texts.at(-1)).toEqual({ type: 'mark', name: 'end', outcome: 'sent' });
    expect(bridge.stats()!.down).toMatchObject({ receivedMs: 3000, gaps: 0 });
  });

  test('clear in the middle of a sample: what comes next is whole samples again', async () => {
    const { world, service, ear } = await pcm({ replySampleRate: 22_050 });
    service.last.say(new Uint8Array(bytesOf(tone(500, 2000, 22_050)).subarray(0, 40_001)));
    service.last.say({ type: 'mark', name: 'never' });
    await world.run(500);
    service.last.say({ type: 'clear' });
    await world.run(200);
    expect(service.last.texts.slice(-2)).toEqual([
      { type: 'mark', name: 'never', outcome: 'cleared' },
      { type: 'cleared', playedMs: expect.closeTo(500, -2), droppedMs: expect.closeTo(407, -2) },
    ]);
    const from = ear.heard.samples.length / 16;
    service.last.say(new Uint8Array(bytesOf(tone(900, 500, 22_050))));
    await world.run(800);
    const heard = ear.heard.part(from, 800);
    expect(heard.part(heard.onsetMs! + 60, 350).shareOf(900)).toBeGreaterThan(0.97);
  });

  test('a platform that is late within a sentence is counted; one that pauses is not', async () => {
    const { world, service, bridge } = await pcm();
    const piece = (ms: number): Uint8Array => new Uint8Array(bytesOf(tone(500, ms)));
    service.last.say(piece(200));
    await world.run(500);
    service.last.say(piece(200));
    expect(bridge.stats()!.down).toMatchObject({ gaps: 1, gapMs: 300 });
    await world.run(3000);
    service.last.say(piece(200));
    service.last.say({ type: 'mark', name: 'said' });
    await world.run(500);
    service.last.say(piece(200));
    expect(bridge.stats()!.down.gaps).toBe(1);
  });

  test('the caller’s wait is measured: from the end of speech to the first sound', async () => {
    const { world, service, bridge, call } = await pcm();
    const endings: number[] = [];
    call.on('speechEnd', () => {
      const at = world.clock.now();
      endings.push(at);
      world.clock.at(at + 420, () => service.last.say(new Uint8Array(bytesOf(tone(500, 100)))));
    });
    (call as unknown as { emit(event: string, ...args: unknown[]): void }).emit('speechEnd', { timeMs: 0, durationMs: 500 });
    await world.run(1000);
    expect(endings).toHaveLength(1);
    expect(bridge.stats()!.response).toEqual({ count: 1, lastMs: 420, p50Ms: 420, p95Ms: 420, maxMs: 420 });
  });

  test('how the platform did is logged when the call ends, once, and says nothing of what was said', async () => {
    const logged: unknown[] = [];
    const quiet = (): void => {};
    const info = (fields: object, message: string): void => void (message.startsWith('a bridge ends') && logged.push(fields));
    const { world, service, caller, call } = await bridged(
      (fake) => new PcmWebSocket({ url: 'ws://p?key=secret', connect: fake.connect }),
      {
        bot: { logger: { debug: quiet, info, warn: quiet, error: quiet } },
      },
    );
    service.last.say(new Uint8Array(bytesOf(tone(500, 200))));
    service.last.lose();
    await world.run(3000);
    void caller.hangup();
    await world.run(500);
    expect(logged).toMatchObject([
      {
        call: call.id,
        bridge: 'pcm-websocket',
        connects: 2,
        roundTripMs: { last: 0 },
        down: { receivedMs: 200, gaps: 0 },
        up: { lostMs: 0 },
      },
    ]);
    expect(JSON.stringify(logged)).not.toContain('secret');
  });

  test('keys, digits, transfer and hang-up', async () => {
    const { world, service, caller, bridge } = await pcm();
    const digits: string[] = [];
    caller.on('dtmf', (digit) => digits.push(digit));
    await world.until(caller.sendDtmf('7'));
    service.last.say({ type: 'digits', digits: '42' });
    await world.run(1000);
    expect(digits).toEqual(['4', '2']);
    service.last.say({ type: 'transfer', to: 'sip:a@b\r\nEvil: yes' });
    await world.run(100);
    expect(bridge.send({ type: 'note' })).toBe(true);
    service.last.say(new Uint8Array(bytesOf(tone(500, 400))));
    service.last.say({ type: 'hangup' });
    await world.run(300);
    expect(caller.state).toBe('answered');
    await world.run(500);
    expect(caller.state).toBe('ended');
    expect(service.last.texts.slice(1)).toEqual([
      { type: 'dtmf', digit: '7' },
      { type: 'error', control: 'transfer', reason: expect.any(String) },
      { type: 'note' },
      { type: 'stop' },
    ]);
    expect(service.last.closedWith).toBe(1000);
    expect(await world.close()).toEqual(NOTHING_LEFT);
  });

  test('a hang-up waits for what was said, and not for a platform that never stops speaking', async () => {
    const { world, service, caller, ear } = await pcm();
    const { last } = service;
    last.say(new Uint8Array(bytesOf(tone(500, 300))));
    last.say({ type: 'hangup' });
    const speak = (): void => {
      last.say(new Uint8Array(bytesOf(tone(900, 40))));
      world.clock.at(world.clock.now() + 20, speak);
    };
    speak();
    await world.run(700);
    expect(caller.state).toBe('ended');
    const { heard } = ear;
    expect(heard.part(heard.onsetMs! + 30, 200).shareOf(500)).toBeGreaterThan(0.95);
  });

  test('a key pressed long before the platform is back is as stale as a word', async () => {
    const { world, service, caller } = await pcm();
    service.refusals = 5;
    service.last.lose();
    await world.until(caller.sendDtmf('7'));
    await world.run(8000);
    await world.until(caller.sendDtmf('8'));
    await world.run(100);
    expect(service.last.texts.filter(({ type }) => type === 'dtmf')).toEqual([{ type: 'dtmf', digit: '8' }]);
  });

  test('a platform with words of its own; one whose translation throws ends that call, and no socket', async () => {
    const { world, service, bridge, caller } = await pcm({
      hello: (call) => ({ op: 'begin', id: call.id }),
      understand: (message) => {
        if (message['op'] === 'bad') throw new Error('not my word');
        return message['op'] === 'flush' ? { type: 'clear' } : undefined;
      },
    });
    const messages: unknown[] = [];
    bridge.on('message', (message) => messages.push(message));
    expect(service.last.texts[0]).toEqual({ op: 'begin', id: caller.id });
    service.last.say({ op: 'flush' });
    expect(service.last.texts[1]).toMatchObject({ type: 'cleared' });
    service.last.say({ op: 'hello' });
    expect(messages).toEqual([{ op: 'flush' }, { op: 'hello' }]);
    service.last.say({ op: 'bad' });
    await world.run(500);
    expect(caller.state).toBe('ended');
  });

  test('another rate in the middle, nonsense rates passed over', async () => {
    const { world, service, ear } = await pcm();
    for (const sampleRate of [0, -1, 1e9, 22_050.5, 'x', null]) service.last.say({ type: 'audio', sampleRate });
    service.last.say({ type: 'audio', sampleRate: 24_000 });
    service.last.say(new Uint8Array(bytesOf(tone(800, 500, 24_000))));
    await world.run(900);
    const { heard } = ear;
    expect(heard.part(heard.onsetMs! + 60, 350).shareOf(800)).toBeGreaterThan(0.97);
  });

  test('the caller’s mistakes are told at the door', () => {
    for (const options of [
      { url: 'http://x' },
      { url: 'nowhere' },
      { url: 'ws://x', sampleRate: 7999 },
      { url: 'ws://x', replySampleRate: 1.5 },
    ]) {
      expect(() => new PcmWebSocket(options)).toThrow(OptionError);
    }
  });
});
