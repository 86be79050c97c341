/** What is promised of all services, asked of each: lost and slow connections, overload, nonsense, and that nobody ever reads the key. */
import { describe, expect, test } from 'vitest';
import { AzureSpeechToText, AzureTextToSpeech } from '../../../src/bot/speech/azure-speech.js';
import { DeepgramSpeechToText, DeepgramTextToSpeech } from '../../../src/bot/speech/deepgram.js';
import { ElevenLabsSpeechToText, ElevenLabsTextToSpeech } from '../../../src/bot/speech/elevenlabs.js';
import { GoogleSpeechToText, GoogleTextToSpeech } from '../../../src/bot/speech/google-speech.js';
import { OpenAiSpeechToText, OpenAiTextToSpeech } from '../../../src/bot/speech/openai-speech.js';
import type { SpeechToText } from '../../../src/bot/speech/speech-to-text.js';
import type { TextToSpeech } from '../../../src/bot/speech/text-to-speech.js';
import { writeWav } from '../../../src/codec/wav.js';
import type { FakeConnection } from '../wire/fake-service.js';
import { heard, KEY, services, speech, spoken } from './support.js';

type Options = ReturnType<typeof services>['options'];
const JUNK = ['', '{', '[]', 'null', '"x"', '7', '{"type":7}', '{"message_type":[]}', 'Path:', '\r\n\r\n', new Uint8Array(0)];
const rest = (bytes: Buffer, from: number): Buffer => bytes.subarray(from);
const json = (connection: FakeConnection): Record<string, unknown>[] =>
  connection.received
    .filter((one) => typeof one === 'string' && one.startsWith('{'))
    .map((one) => JSON.parse(one as string) as Record<string, unknown>);

interface Ear {
  make(options: Options): SpeechToText;
  guess(connection: FakeConnection, text: string): void;
  final(connection: FakeConnection, text: string): void;
  /** What it got to hear, in bytes, and those of a second. */
  heard(connection: FakeConnection): number;
  readonly second: number;
}

const deepgram = (connection: FakeConnection, transcript: string, isFinal: boolean): void =>
  connection.say({ type: 'Results', channel: { alternatives: [{ transcript }] }, is_final: isFinal, from_finalize: isFinal });
const azure = (connection: FakeConnection, path: string, body: object): void =>
  connection.say(`X-RequestId:1\r\nPath:${path}\r\nContent-Type:application/json\r\n\r\n${JSON.stringify(body)}`);
const transcription = (connection: FakeConnection, event: string, more: object): void =>
  connection.say({ type: `conversation.item.input_audio_transcription.${event}`, item_id: 'i', ...more });

const ears: Readonly<Record<string, Ear>> = {
  Deepgram: {
    make: (options) => new DeepgramSpeechToText(options),
    guess: (connection, text) => deepgram(connection, text, false),
    final: (connection, text) => deepgram(connection, text, true),
    heard: ({ sound }) => sound.length,
    second: 32_000,
  },
  ElevenLabs: {
    make: (options) => new ElevenLabsSpeechToText(options),
    guess: (connection, text) => connection.say({ message_type: 'partial_transcript', text }),
    final: (connection, text) => connection.say({ message_type: 'committed_transcript', text }),
    heard: (connection) =>
      json(connection).reduce((sum, one) => sum + Buffer.byteLength((one['audio_base_64'] as string) ?? '', 'base64'), 0),
    second: 32_000,
  },
  Azure: {
    make: (options) => new AzureSpeechToText({ ...options, region: 'westeurope' }),
    guess: (connection, text) => azure(connection, 'speech.hypothesis', { Text: text }),
    final: (connection, text) => {
      azure(connection, 'speech.phrase', { RecognitionStatus: 'Success', DisplayText: text });
      azure(connection, 'turn.end', {});
    },
    // A header of 44 bytes is in the first, on each connection.
    heard: (connection) =>
      connection.received
        .filter((one) => typeof one !== 'string')
        .reduce((sum, one) => sum + rest(Buffer.from(one as Uint8Array), 2 + Buffer.from(one as Uint8Array).readUInt16BE(0)).length, 0) -
      44,
    second: 32_000,
  },
  'OpenAI, as it is spoken': {
    make: (options) => new OpenAiSpeechToText({ ...options, mode: 'realtime' }),
    guess: (connection, text) => transcription(connection, 'delta', { delta: text }),
    final: (connection, text) => transcription(connection, 'completed', { transcript: text }),
    heard: (connection) => json(connection).reduce((sum, one) => sum + Buffer.byteLength((one['audio'] as string) ?? '', 'base64'), 0),
    second: 48_000,
  },
};

describe.each(Object.entries(ears))('%s listens', (_name, ear) => {
  test('lost in the middle of a sentence: its guess stands, the rest is heard by the next connection', async () => {
    const { clock, service, options } = services();
    const recognition = ear.make(options).recognise({ sampleRate: 16_000 });
    const result = heard(recognition);
    recognition.write(speech(1000));
    await clock.run(10);
    ear.guess(service.last, 'my heating');
    await clock.run(10);
    service.refusals = 2;
    service.last.lose(1011);
    recognition.write(speech(1000));
    await clock.run(2000);
    recognition.end();
    await clock.run(300);
    expect(service.connections).toHaveLength(4);
    expect(Math.abs(ear.heard(service.last) - ear.second)).toBeLessThanOrEqual(ear.second / 10);
    for (const junk of JUNK) service.last.say(junk);
    ear.final(service.last, 'is broken');
    await clock.run(10);
    service.last.lose(1000);
    const { transcripts, error } = await result;
    expect(error).toBeUndefined();
    expect(transcripts.filter(({ isFinal }) => isFinal).map(({ text }) => text)).toEqual(['my heating', 'is broken']);
    expect(clock.pending).toBe(0);
  });

  test('a service that does not read: ten seconds are kept for it, and no more', async () => {
    const { clock, service, options } = services();
    const recognition = ear.make(options).recognise({ sampleRate: 16_000 });
    await clock.run(10);
    service.last.queuedBytes = 1_000_000;
    for (let second = 0; second < 60; second++) recognition.write(speech(1000));
    expect(ear.heard(service.last)).toBeLessThanOrEqual(0);
    service.last.queuedBytes = 0;
    await clock.run(500);
    expect(Math.abs(ear.heard(service.last) - 10 * ear.second)).toBeLessThanOrEqual(ear.second / 10);
    recognition.close();
    expect(clock.pending).toBe(0);
  });

  test('a wrong key, and a service that repeats it: an error that does not', async () => {
    for (const code of [401, 1008]) {
      const { clock, service, options, logged } = services();
      service.onConnection = (connection) => queueMicrotask(() => connection.lose(code, `invalid key ${KEY}`));
      const recognition = ear.make(options).recognise({ sampleRate: 16_000 });
      const result = heard(recognition);
      recognition.write(speech(100));
      await clock.run(1000);
      const { error } = await result;
      expect(error).toMatchObject({ code: 'ERR_SERVICE' });
      expect(service.connections).toHaveLength(1);
      expect(service.last.target.url + error!.message + String(error!.cause) + logged.join()).not.toContain('secret');
    }
  });
});

interface Voice {
  make(options: Options): TextToSpeech;
  sound(connection: FakeConnection, byte: number): void;
  end(connection: FakeConnection): void;
}

const voices: Readonly<Record<string, Voice>> = {
  Deepgram: {
    make: (options) => new DeepgramTextToSpeech(options),
    sound: (connection, byte) => connection.say(Uint8Array.of(byte, 0)),
    end: (connection) => connection.say({ type: 'Flushed' }),
  },
  ElevenLabs: {
    make: (options) => new ElevenLabsTextToSpeech({ ...options, voice: 'v' }),
    sound: (connection, byte) => connection.say({ audio: Buffer.of(byte, 0).toString('base64') }),
    end: (connection) => connection.say({ audio: null, isFinal: true }),
  },
};

describe.each(Object.entries(voices))('%s speaks', (_name, voice) => {
  test('refused twice, then it is told the whole text; nonsense is passed over', async () => {
    const { clock, service, options } = services();
    service.refusals = 2;
    const result = spoken(voice.make(options).speak('Hello there.', { sampleRate: 16_000 }));
    await clock.run(2000);
    expect(service.connections).toHaveLength(3);
    expect(service.last.received.join('')).toContain('Hello there.');
    for (const junk of JUNK.filter((one) => typeof one === 'string')) service.last.say(junk);
    voice.sound(service.last, 5);
    voice.end(service.last);
    await clock.run(10);
    expect(await result).toMatchObject({ bytes: Buffer.of(5, 0) });
    expect(clock.pending).toBe(0);
  });

  test('a slow listener: the service is made to wait, and nothing is lost', async () => {
    const { clock, service, options } = services();
    const chunks = voice.make(options).speak('Hello', { sampleRate: 16_000 });
    const first = chunks[Symbol.asyncIterator]().next();
    await clock.run(10);
    for (let i = 0; i < 80; i++) voice.sound(service.last, i);
    expect(service.last.isPaused).toBe(true);
    voice.end(service.last);
    await clock.run(60_000);
    await first;
    const { bytes } = await spoken(chunks);
    expect([...bytes].filter((_, i) => i % 2 === 0)).toEqual(Array.from({ length: 79 }, (_, i) => i + 1));
  });

  test('a wrong key: an error without it', async () => {
    const { clock, service, options, logged } = services();
    service.refusals = 1;
    service.refusedWith = 401;
    const result = spoken(voice.make(options).speak('Hello', { sampleRate: 16_000 }));
    await clock.run(5000);
    const { error } = await result;
    expect(error).toMatchObject({ code: 'ERR_SERVICE' });
    expect(service.connections).toHaveLength(1);
    expect(service.last.target.url + error!.message + logged.join()).not.toContain('secret');
  });
});

const wav = Buffer.from(writeWav(speech(100, 8000), { sampleRate: 8000, channels: 1 })).toString('base64');
const byHttp: Readonly<Record<string, { make(options: Options): SpeechToText | TextToSpeech; answer(): Response }>> = {
  'OpenAI transcription': { make: (options) => new OpenAiSpeechToText(options), answer: () => Response.json({ text: 'yes' }) },
  'Google recognition': {
    make: (options) => new GoogleSpeechToText(options),
    answer: () => Response.json({ results: [{ alternatives: [{ transcript: 'yes' }] }] }),
  },
  'OpenAI voices': { make: (options) => new OpenAiTextToSpeech(options), answer: () => new Response(Uint8Array.of(1, 0)) },
  'Azure voices': {
    make: (options) => new AzureTextToSpeech({ ...options, region: 'westeurope' }),
    answer: () => new Response(Uint8Array.of(1, 0)),
  },
  'Google voices': { make: (options) => new GoogleTextToSpeech(options), answer: () => Response.json({ audioContent: wav }) },
};

/** Asks for a word either way; true when it came. */
async function ask(service: SpeechToText | TextToSpeech): Promise<{ readonly came: boolean; readonly error?: Error }> {
  if ('speak' in service) {
    const { bytes, error } = await spoken(service.speak('Hello', { sampleRate: 8000 }));
    return { came: bytes.length > 0, ...(error && { error }) };
  }
  const recognition = service.recognise({ sampleRate: 8000 });
  const result = heard(recognition);
  recognition.write(speech(500, 8000));
  recognition.end();
  const { transcripts, error } = await result;
  return { came: transcripts[0]?.text === 'yes', ...(error && { error }) };
}

describe.each(Object.entries(byHttp))('%s by HTTP', (_name, { make, answer }) => {
  test('overloaded, then away, then there', async () => {
    const { clock, asked, options, answerWith } = services();
    answerWith(() => {
      if (asked.length === 1) return new Response('', { status: 429 });
      if (asked.length === 2) throw new TypeError('fetch failed');
      return answer();
    });
    const result = ask(make(options));
    await clock.run(5000);
    expect(await result).toEqual({ came: true });
    expect(asked).toHaveLength(3);
    expect(clock.pending).toBe(0);
  });

  test('a wrong key, which the answer repeats: an error without it, and no second try', async () => {
    const { clock, asked, options, answerWith, logged } = services();
    answerWith(() => new Response(`no such key: ${KEY}`, { status: 403 }));
    const result = ask(make(options));
    await clock.run(5000);
    const { error } = await result;
    expect(error).toMatchObject({ code: 'ERR_SERVICE' });
    expect(asked).toHaveLength(1);
    expect(asked[0]!.url + error!.message + logged.join()).not.toContain('secret');
  });
});

test.each([
  ['OpenAI', (options: Options) => new OpenAiTextToSpeech(options)],
  ['Azure', (options: Options) => new AzureTextToSpeech({ ...options, region: 'westeurope' })],
])('%s: a voice that is faster than its listener is made to wait by HTTP too', async (_name, make) => {
  const { clock, options, answerWith } = services();
  let made = 0;
  answerWith(() => new Response(new ReadableStream({ pull: (out) => out.enqueue(new Uint8Array(1000).fill(++made)) })));
  const chunks = make(options).speak('Hello', { sampleRate: 8000 })[Symbol.asyncIterator]();
  for (let i = 1; i <= 3; i++) expect(((await chunks.next()).value!.samples as Uint8Array)[0]).toBe(i);
  await clock.run(60_000);
  expect(made).toBeLessThanOrEqual(6);
  await chunks.return?.(undefined);
  expect(clock.pending).toBe(0);
});
