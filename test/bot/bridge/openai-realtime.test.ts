import { describe, expect, test } from 'vitest';
import { OpenAiRealtime, type OpenAiRealtimeOptions } from '../../../src/bot/bridge/openai-realtime.js';
import { digitsTool, hangupTool, type Tool, transferTool } from '../../../src/bot/bridge/phone-tools.js';
import { OptionError } from '../../../src/errors.js';
import { NOTHING_LEFT, tone } from '../support/world.js';
import type { FakeConnection } from '../wire/fake-service.js';
import { bridged, settledBuffers, toMulaw } from './bridged-call.js';

function realtime(options: Partial<OpenAiRealtimeOptions> = {}) {
  return bridged((service) => new OpenAiRealtime({ apiKey: 'sk-secret', connect: service.connect, ...options }));
}

/** One delta of sound of an item. */
function speak(connection: FakeConnection, ms: number, { item = 'item_1', response = 'resp_1', hz = 500 } = {}): void {
  const delta = toMulaw(tone(hz, ms, 8000)).toString('base64');
  connection.say({ type: 'response.output_audio.delta', response_id: response, item_id: item, content_index: 0, output_index: 0, delta });
}

const respond = (connection: FakeConnection, id = 'resp_1'): void => connection.say({ type: 'response.created', response: { id } });
const done = (connection: FakeConnection, id = 'resp_1'): void => connection.say({ type: 'response.done', response: { id } });

function useTool(connection: FakeConnection, name: string, input: string): void {
  connection.say({ type: 'response.output_item.done', item: { type: 'function_call', name, call_id: `call_${name}`, arguments: input } });
}

const sent = (connection: FakeConnection, ...types: string[]): Record<string, unknown>[] =>
  connection.texts.filter(({ type }) => types.includes(type as string));

describe('OpenAI Realtime', () => {
  test('the session: formats, instructions, voice, tools; what is given as `session` wins; the key in the handshake alone', async () => {
    const { service, world } = await realtime({
      instructions: 'Be brief.',
      voice: 'marin',
      tools: [hangupTool()],
      greet: 'Say hello.',
      session: { audio: { input: { turn_detection: { type: 'semantic_vad' } } } },
    });
    await world.run(20);
    const { last } = service;
    expect(last.target).toMatchObject({
      url: 'wss://api.openai.com/v1/realtime?model=gpt-realtime',
      headers: { Authorization: 'Bearer sk-secret' },
    });
    expect(last.texts[0]).toEqual({
      type: 'session.update',
      session: {
        type: 'realtime',
        output_modalities: ['audio'],
        audio: {
          input: { format: { type: 'audio/pcmu' }, turn_detection: { type: 'semantic_vad' } },
          output: { format: { type: 'audio/pcmu' }, voice: 'marin' },
        },
        instructions: 'Be brief.',
        tools: [{ type: 'function', name: 'hang_up', description: expect.any(String), parameters: { type: 'object', properties: {} } }],
      },
    });
    expect(last.texts[1]).toEqual({ type: 'response.create', response: { instructions: 'Say hello.' } });
    expect(JSON.stringify(last.received)).not.toContain('sk-secret');
  });

  test('the beta’s words for servers that speak them, A-law and PCM at 24 kHz', async () => {
    const beta = await realtime({ dialect: 'beta', encoding: 'pcma', url: 'ws://local/realtime' });
    expect(beta.service.last.texts[0]).toMatchObject({
      session: { modalities: ['text', 'audio'], input_audio_format: 'g711_alaw', output_audio_format: 'g711_alaw' },
    });
    expect(beta.service.last.target.headers).toMatchObject({ 'OpenAI-Beta': 'realtime=v1' });
    const pcm = await realtime({ encoding: 'pcm16' });
    expect(pcm.call.sampleRate).toBe(24_000);
    expect(pcm.service.last.texts[0]).toMatchObject({ session: { audio: { input: { format: { type: 'audio/pcm', rate: 24_000 } } } } });
    await pcm.world.run(100);
    const [append] = sent(pcm.service.last, 'input_audio_buffer.append');
    expect(Buffer.from(append!['audio'] as string, 'base64')).toHaveLength(960);
  });

  test('the model is heard; interrupted, it is told to the millisecond what was heard, item by item', async () => {
    const { world, service, caller, call, ear, bridge } = await realtime();
    const cuts: unknown[] = [];
    bridge.on('interrupted', (cut) => cuts.push(cut));
    await settledBuffers(world, caller, call);
    const from = ear.heard.samples.length / 8;
    const { last } = service;
    respond(last);
    speak(last, 1000);
    speak(last, 3000, { item: 'item_2', hz: 700 });
    speak(last, 500, { item: 'item_3' });
    await world.run(1600);
    const before = call.audio.playedMs;
    last.say({ type: 'input_audio_buffer.speech_started', audio_start_ms: 100, item_id: 'user_1' });
    const heardMs = call.audio.playedMs - 2000 - 1000;
    expect(call.audio.playedMs).toBe(before);
    expect(sent(last, 'conversation.item.truncate')).toEqual([
      { type: 'conversation.item.truncate', item_id: 'item_2', content_index: 0, audio_end_ms: heardMs },
      { type: 'conversation.item.truncate', item_id: 'item_3', content_index: 0, audio_end_ms: 0 },
    ]);
    expect(heardMs).toBeGreaterThan(570);
    expect(heardMs).toBeLessThanOrEqual(600);
    expect(cuts).toEqual([
      { itemId: 'item_2', heardMs },
      { itemId: 'item_3', heardMs: 0 },
    ]);
    // What was on its way of the answer that was interrupted.
    speak(last, 2000, { item: 'item_3' });
    speak(last, 2000, { item: 'item_4' });
    done(last);
    await world.run(1000);
    const { heard } = ear;
    const stopped = heard.part(heard.samples.length / 8 - 900, 900);
    expect(stopped.isSilent).toBe(true);
    // What the caller's ear got is what the model was told, within a packet.
    const spoken = heard.part(from, 2400);
    const end = spoken.samples.findLastIndex((sample) => Math.abs(sample) > 500) / 8;
    expect(Math.abs(end - spoken.onsetMs! - (1000 + heardMs))).toBeLessThanOrEqual(20);
    respond(last, 'resp_2');
    speak(last, 500, { item: 'item_5', response: 'resp_2', hz: 900 });
    await world.run(700);
    const again = ear.heard.part(ear.heard.samples.length / 8 - 650, 650);
    expect(again.part(again.onsetMs! + 60, 300).shareOf(900)).toBeGreaterThan(0.95);
  });

  test('an answer that was heard to its end is not truncated', async () => {
    const { world, service } = await realtime();
    respond(service.last);
    speak(service.last, 300);
    done(service.last);
    await world.run(500);
    service.last.say({ type: 'input_audio_buffer.speech_started' });
    expect(sent(service.last, 'conversation.item.truncate')).toEqual([]);
  });

  test('interrupt() and bargeIn: false', async () => {
    const { world, service, bridge } = await realtime({ bargeIn: false });
    respond(service.last);
    speak(service.last, 3000);
    await world.run(500);
    service.last.say({ type: 'input_audio_buffer.speech_started' });
    expect(sent(service.last, 'conversation.item.truncate')).toEqual([]);
    bridge.interrupt();
    expect(sent(service.last, 'response.cancel', 'conversation.item.truncate').map(({ type }) => type)).toEqual([
      'response.cancel',
      'conversation.item.truncate',
    ]);
  });

  test('tools: called when whole, answered, and the model is asked to go on once its answer has ended', async () => {
    const seen: unknown[] = [];
    const weather: Tool = { name: 'weather', description: 'x', run: ({ input }) => ({ town: input['town'], degrees: 21 }) };
    const { world, service, bridge } = await realtime({ tools: [weather] });
    bridge.on('toolCall', ({ name, input }) => seen.push([name, input]));
    bridge.on('toolResult', ({ name, result }) => seen.push([name, result]));
    const { last } = service;
    respond(last);
    useTool(last, 'weather', '{"town":"Bonn"}');
    await world.run(10);
    const [answer] = sent(last, 'conversation.item.create');
    expect(answer).toEqual({
      type: 'conversation.item.create',
      item: { type: 'function_call_output', call_id: 'call_weather', output: '{"town":"Bonn","degrees":21}' },
    });
    expect(sent(last, 'response.create')).toEqual([]);
    done(last);
    expect(sent(last, 'response.create')).toHaveLength(1);
    expect(seen).toEqual([
      ['weather', { town: 'Bonn' }],
      ['weather', { town: 'Bonn', degrees: 21 }],
    ]);
  });

  test('tools that fail, are unknown, get nonsense or return what JSON cannot say: the model is told, the call goes on', async () => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    const bad: Tool = {
      name: 'bad',
      description: 'x',
      run: () => {
        throw new Error('no such town');
      },
    };
    const { world, service, caller } = await realtime({ tools: [bad, { name: 'circle', description: 'x', run: () => circle }] });
    for (const [name, input] of [
      ['bad', '{}'],
      ['unknown', '{}'],
      ['bad', '{"x'],
      ['bad', '[1]'],
      ['circle', ''],
    ] as const)
      useTool(service.last, name, input);
    await world.run(10);
    const outputs = sent(service.last, 'conversation.item.create').map(
      ({ item }) => JSON.parse((item as { output: string }).output) as { error: string },
    );
    expect(outputs.map(({ error }) => error).sort()).toEqual([
      'no such town',
      'the arguments are no JSON object',
      'the arguments are no JSON object',
      'the result cannot be written as JSON',
      'there is no tool unknown',
    ]);
    expect(caller.state).toBe('answered');
  });

  test('hang_up: the good-bye is heard first', async () => {
    const { world, service, caller } = await realtime({ tools: [hangupTool()] });
    respond(service.last);
    speak(service.last, 800);
    useTool(service.last, 'hang_up', '{}');
    done(service.last);
    await world.run(600);
    expect(caller.state).toBe('answered');
    await world.run(500);
    expect(caller.state).toBe('ended');
    expect(await world.close()).toEqual(NOTHING_LEFT);
  });

  test('send_digits presses keys; transfer_call knows the places it was given, and no other', async () => {
    const { world, service, caller } = await realtime({ tools: [digitsTool(), transferTool({ sales: 'sip:sales@10.0.0.9' })] });
    const digits: string[] = [];
    caller.on('dtmf', (digit) => digits.push(digit));
    const requests: string[] = [];
    caller.on('transferRequest', (request) => {
      requests.push(...request.targets.map(String));
      request.reject();
    });
    useTool(service.last, 'send_digits', '{"digits":"12#"}');
    useTool(service.last, 'send_digits', '{"digits":"12;rm"}');
    useTool(service.last, 'transfer_call', '{"to":"+1900"}');
    useTool(service.last, 'transfer_call', '{"to":"__proto__"}');
    useTool(service.last, 'transfer_call', '{"to":"sales"}');
    await world.run(2000);
    expect(digits).toEqual(['1', '2', '#']);
    expect(requests).toEqual(['sip:sales@10.0.0.9']);
    const outputs = sent(service.last, 'conversation.item.create').map(({ item }) => (item as { output: string }).output);
    expect(outputs.filter((output) => output.includes('error'))).toHaveLength(3);
    expect(outputs.filter((output) => output.includes('"outcome":"failed"'))).toHaveLength(1);
  });

  test('keys the caller presses are told together, and answered', async () => {
    const { world, service, caller } = await realtime();
    await world.until(caller.sendDtmf('42'));
    await world.run(2000);
    expect(sent(service.last, 'conversation.item.create', 'response.create')).toEqual([
      {
        type: 'conversation.item.create',
        item: { type: 'message', role: 'user', content: [{ type: 'input_text', text: '[The caller pressed 42 on the keypad]' }] },
      },
      { type: 'response.create' },
    ]);
  });

  test('after a lost connection, or an hour, the next session is told what was said', async () => {
    const { world, service, bridge, caller } = await realtime({ greet: true });
    const first = service.last;
    const said: unknown[] = [];
    bridge.on('transcript', ({ who, text }) => said.push(`${who}: ${text}`));
    first.say({ type: 'response.output_audio_transcript.done', transcript: 'Hello, how can I help?' });
    first.say({ type: 'conversation.item.input_audio_transcription.completed', transcript: 'My heating is broken.' });
    first.say({
      type: 'error',
      error: { type: 'invalid_request_error', code: 'session_expired', message: 'Your session hit the maximum duration' },
    });
    first.lose(1000);
    await world.run(1000);
    expect(caller.state).toBe('answered');
    const second = service.last;
    expect(second).not.toBe(first);
    expect(sent(second, 'session.update', 'conversation.item.create', 'response.create').map(({ item, type }) => item ?? type)).toEqual([
      'session.update',
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hello, how can I help?' }] },
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'My heating is broken.' }] },
    ]);
    expect(said).toEqual(['model: Hello, how can I help?', 'caller: My heating is broken.']);
    second.lose(1000);
    await world.run(500);
    expect(caller.state).toBe('ended');
  });

  const dialogue = (connection: FakeConnection): unknown[] =>
    sent(connection, 'conversation.item.create', 'response.create').map(({ item, type }) => item ?? type);
  const user = (text: string): object => ({ type: 'message', role: 'user', content: [{ type: 'input_text', text }] });

  test('lost while it answered: the next session is told all, and asked for the answer; one that was whole is not asked for again', async () => {
    const { world, service } = await realtime({ greet: 'Say hello.' });
    respond(service.last);
    speak(service.last, 100);
    service.last.lose();
    await world.run(500);
    // Not a word of the greeting was told: it is asked for once more.
    expect(dialogue(service.last)).toEqual(['response.create']);
    service.last.say({ type: 'conversation.item.input_audio_transcription.completed', transcript: 'Sales, please.' });
    respond(service.last, 'resp_2');
    service.last.lose();
    await world.run(500);
    expect(dialogue(service.last)).toEqual([user('Sales, please.'), 'response.create']);
    respond(service.last, 'resp_3');
    service.last.say({ type: 'response.output_audio_transcript.done', transcript: 'One moment.' });
    service.last.lose();
    await world.run(500);
    expect(dialogue(service.last)).toHaveLength(2);
    expect(sent(service.last, 'response.create')).toEqual([]);
    expect(service.connections).toHaveLength(4);
  });

  test('a tool that ends in another session is told there in words, and keys pressed in between as well', async () => {
    let find: (town: unknown) => void = () => {};
    const search: Tool = { name: 'search', description: 'x', run: () => new Promise((resolve) => (find = resolve)) };
    const { world, service, caller } = await realtime({ tools: [search] });
    useTool(service.last, 'search', '{}');
    service.refusals = 4;
    service.last.lose();
    await world.until(caller.sendDtmf('4#'));
    await world.run(300);
    expect(service.last.closedWith).toBeUndefined();
    find('Bonn');
    await world.run(4000);
    expect(dialogue(service.last)).toEqual([user('[The caller pressed 4# on the keypad]'), user('[search: "Bonn"]'), 'response.create']);
    useTool(service.last, 'search', '{}');
    service.last.lose();
    await world.run(5000);
    find('Cologne');
    await world.run(10);
    expect(dialogue(service.last).slice(-2)).toEqual([user('[search: "Cologne"]'), 'response.create']);
  });

  test('what the service refuses is told, without its words in the log', async () => {
    const { service, bridge } = await realtime();
    const refused: unknown[] = [];
    bridge.on('refused', (error) => refused.push(error));
    service.last.say({ type: 'error', error: { type: 'invalid_request_error', code: 'invalid_value', message: 'No such voice' } });
    for (const nonsense of [
      '{',
      '[]',
      '{"type":7}',
      '{"type":"response.output_audio.delta"}',
      '{"type":"response.output_item.done"}',
      '{"type":"error"}',
    ]) {
      service.last.say(nonsense);
    }
    expect(refused).toEqual([
      { code: 'invalid_value', message: 'No such voice' },
      { code: 'error', message: '' },
    ]);
  });

  test('no key is a mistake of the caller’s', () => {
    expect(() => new OpenAiRealtime({ apiKey: '' })).toThrow(OptionError);
  });
});
