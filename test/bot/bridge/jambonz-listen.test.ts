import { describe, expect, test } from 'vitest';
import { JambonzListen, type JambonzListenOptions } from '../../../src/bot/bridge/jambonz-listen.js';
import { writeWav } from '../../../src/codec/wav.js';
import { NOTHING_LEFT, tone } from '../support/world.js';
import { bridged, settledBuffers } from './bridged-call.js';

function jambonz(options: Partial<JambonzListenOptions> = {}) {
  return bridged((service) => new JambonzListen({ url: 'wss://app.example/listen', connect: service.connect, ...options }));
}

const bytesOf = (samples: Int16Array): Uint8Array => new Uint8Array(samples.buffer.slice(0));

function playAudio(sound: Uint8Array, more: object): object {
  return { type: 'playAudio', data: { audioContent: Buffer.from(sound).toString('base64'), ...more } };
}

describe('jambonz listen, from jambonz’ side', () => {
  test('subprotocol, who calls, then binary PCM; keys and basic authentication', async () => {
    const { world, service, caller } = await jambonz({ auth: { username: 'u', password: 'p' }, metadata: { tenant: 'blue' } });
    await world.until(caller.sendDtmf('3'));
    await world.run(200);
    const { last } = service;
    expect(last.target.protocols).toEqual(['audio.jambonz.org']);
    expect(last.target.headers).toEqual({ Authorization: 'Basic dTpw' });
    expect(last.texts).toEqual([
      {
        callSid: caller.id,
        callId: caller.id,
        direction: 'inbound',
        from: expect.any(String),
        to: 'bot',
        callerName: '',
        callStatus: 'in-progress',
        sampleRate: 8000,
        mixType: 'mono',
        tenant: 'blue',
      },
      { event: 'dtmf', dtmf: '3' },
    ]);
    expect(last.received.filter((one) => typeof one !== 'string').every((one) => one.length === 320)).toBe(true);
  });

  test('streaming PCM, marks played out, killAudio, marks cleared', async () => {
    const { world, service, ear } = await jambonz({ replySampleRate: 16_000 });
    const { last } = service;
    last.say(bytesOf(tone(600, 400)));
    last.say({ type: 'mark', data: { name: 'one' } });
    last.say(bytesOf(tone(600, 4000)));
    last.say({ type: 'mark', data: { name: 'two' } });
    last.say({ type: 'mark', data: { name: 'three' } });
    await world.run(1000);
    last.say({ type: 'clearMarks' });
    expect(last.texts.slice(1)).toEqual([
      { type: 'mark', data: { name: 'one', event: 'playout' } },
      { type: 'mark', data: { name: 'two', event: 'cleared' } },
      { type: 'mark', data: { name: 'three', event: 'cleared' } },
    ]);
    last.say({ type: 'mark', data: { name: 'four' } });
    last.say({ type: 'killAudio' });
    await world.run(500);
    expect(last.texts.slice(4)).toEqual([{ type: 'mark', data: { name: 'four', event: 'cleared' } }]);
    const { heard } = ear;
    expect(heard.part(heard.onsetMs! + 100, 800).shareOf(600)).toBeGreaterThan(0.95);
    expect(heard.part(heard.onsetMs! + 1100, 300).isSilent).toBe(true);
  });

  test('playAudio, raw at its own rate and as a WAV file; playDone when it was heard', async () => {
    const { world, service, caller, call, ear } = await jambonz();
    await settledBuffers(world, caller, call);
    const from = ear.heard.samples.length / 8;
    const { last } = service;
    last.say(playAudio(bytesOf(tone(700, 500, 24_000)), { audioContentType: 'raw', sampleRate: '24000' }));
    last.say(playAudio(writeWav(tone(700, 500, 22_050), { sampleRate: 22_050, channels: 1 }), { audioContentType: 'wav' }));
    await world.run(600);
    expect(last.texts.slice(1)).toEqual([{ type: 'playDone' }]);
    await world.run(600);
    expect(last.texts.slice(1)).toEqual([{ type: 'playDone' }, { type: 'playDone' }]);
    const heard = ear.heard.part(from);
    for (const sound of [50, 550]) expect(heard.part(heard.onsetMs! + sound, 400).shareOf(700)).toBeGreaterThan(0.99);
    expect(heard.gaps(5)).toEqual([]);
    expect(heard.part(heard.onsetMs! + 1050, 200).isSilent).toBe(true);
  });

  test('playAudio with an id; queuePlay: false takes the place of what plays; clearMarks is of marks alone', async () => {
    const { world, service, ear } = await jambonz();
    const { last } = service;
    const sound = (id: string, hz: number, more: object = {}): object =>
      playAudio(bytesOf(tone(hz, 600, 8000)), { audioContentType: 'raw', sampleRate: '8000', id, ...more });
    last.say(sound('a', 700));
    last.say(sound('b', 700, { queuePlay: true }));
    last.say({ type: 'mark', data: { name: 'm' } });
    await world.run(300);
    last.say({ type: 'clearMarks' });
    expect(last.texts.slice(1)).toEqual([{ type: 'mark', data: { name: 'm', event: 'cleared' } }]);
    await world.run(500);
    expect(last.texts.slice(2)).toEqual([{ type: 'playDone', data: { id: 'a' } }]);
    last.say(sound('c', 1100, { queuePlay: false }));
    expect(last.texts.slice(3)).toEqual([{ type: 'playDone', data: { id: 'b' } }]);
    await world.run(700);
    expect(last.texts.slice(4)).toEqual([{ type: 'playDone', data: { id: 'c' } }]);
    const { heard } = ear;
    expect(heard.part(heard.onsetMs! + 900, 400).shareOf(1100)).toBeGreaterThan(0.95);
  });

  test('what cannot be played is passed over: no content, no WAV file, a rate of nothing', async () => {
    const { world, service, ear, caller } = await jambonz();
    for (const nonsense of [
      { type: 'playAudio' },
      playAudio(new Uint8Array(100).fill(77), { audioContentType: 'wav' }),
      playAudio(new Uint8Array(1000).fill(77), { audioContentType: 'raw', sampleRate: 3 }),
      { type: 'mark' },
      { type: 'unheard-of' },
    ])
      service.last.say(nonsense);
    await world.run(300);
    expect(ear.heard.isSilent).toBe(true);
    expect(caller.state).toBe('answered');
  });

  test('disconnect ends the call', async () => {
    const { world, service, caller } = await jambonz();
    service.last.say({ type: 'disconnect' });
    await world.run(200);
    expect(caller.state).toBe('ended');
    expect(await world.close()).toEqual(NOTHING_LEFT);
  });
});
