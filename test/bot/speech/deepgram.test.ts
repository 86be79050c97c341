import { describe, expect, test } from 'vitest';
import { DeepgramSpeechToText, DeepgramTextToSpeech } from '../../../src/bot/speech/deepgram.js';
import { OptionError, SipBotError } from '../../../src/errors.js';
import type { FakeService } from '../wire/fake-service.js';
import { heard, KEY, pieces, services, speech, spoken } from './support.js';

const results = (transcript: string, more: object = {}): object => ({
  type: 'Results',
  channel: { alternatives: [{ transcript, confidence: 0.98, words: [] }] },
  is_final: false,
  speech_final: false,
  ...more,
});

/** Listens as the documentation says: interim results, a final one on Finalize, and on CloseStream Metadata and a good-bye. */
function listens(service: FakeService): void {
  service.onConnection = (connection) => {
    let bytes = 0;
    connection.onMessage = (message) => {
      if (typeof message !== 'string') bytes += message.length;
      else if (message.includes('Finalize')) {
        queueMicrotask(() => connection.say(results(`${bytes} bytes`, { is_final: true, from_finalize: true })));
      } else if (message.includes('CloseStream')) {
        queueMicrotask(() => {
          connection.say({ type: 'Metadata', duration: 1 });
          connection.lose(1000);
        });
      }
    };
  };
}

describe('Deepgram recognition', () => {
  test('the query, the key in the handshake, sound as it comes, interim and final words, the good-bye', async () => {
    const { clock, service, options } = services();
    listens(service);
    const recognition = new DeepgramSpeechToText(options).recognise({ sampleRate: 16_000, language: 'de', phrases: ['Bonn', 'Köln'] });
    const result = heard(recognition);
    recognition.write(speech(1000));
    await clock.run(10);
    const { last } = service;
    const url = new URL(last.target.url);
    expect(url.origin + url.pathname).toBe('wss://api.deepgram.com/v1/listen');
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      model: 'nova-3',
      encoding: 'linear16',
      sample_rate: '16000',
      channels: '1',
      interim_results: 'true',
      language: 'de',
    });
    expect(url.searchParams.getAll('keyterm')).toEqual(['Bonn', 'Köln']);
    expect(last.target.headers).toEqual({ Authorization: `Token ${KEY}` });
    expect(last.target.url).not.toContain(KEY);
    last.say(results('thirty'));
    await clock.run(10);
    // A guess that nobody has seen gives way to the next.
    last.say(results('thirty tree'));
    last.say(results('thirty two'));
    recognition.write(speech(15));
    recognition.endUtterance();
    recognition.end();
    await clock.run(300);
    // The end of an utterance that fills no chunk is sent all the same.
    expect((await result).transcripts).toEqual([
      { text: 'thirty', isFinal: false, isEndOfTurn: false, confidence: 0.98 },
      { text: 'thirty two', isFinal: false, isEndOfTurn: false, confidence: 0.98 },
      { text: `${32_000 + 480} bytes`, isFinal: true, isEndOfTurn: false, confidence: 0.98 },
    ]);
    expect(last.received.filter((one) => typeof one === 'string')).toEqual(['{"type":"Finalize"}', '{"type":"CloseStream"}']);
    expect(clock.pending).toBe(0);
  });

  test('8 kHz goes as 8 kHz; a rate that Deepgram does not know is changed', async () => {
    const { clock, service, options } = services();
    const stt = new DeepgramSpeechToText(options);
    for (const [rate, asked] of [
      [8000, '8000'],
      [11_025, '16000'],
    ] as const) {
      const recognition = stt.recognise({ sampleRate: rate });
      recognition.write(speech(1000, rate));
      await clock.run(10);
      expect(new URL(service.last.target.url).searchParams.get('sample_rate')).toBe(asked);
      expect(Math.abs(service.last.sound.length - 2 * Number(asked))).toBeLessThanOrEqual(640);
      recognition.close();
    }
    expect(clock.pending).toBe(0);
  });

  test('Deepgram’s own ear: speech_final ends the turn', async () => {
    const { clock, service, options } = services();
    const recognition = new DeepgramSpeechToText(options).recognise({ sampleRate: 16_000 });
    const result = heard(recognition);
    await clock.run(10);
    service.last.say(results('good morning', { is_final: true, speech_final: true }));
    service.last.say(results(''));
    recognition.close();
    expect(await result).toEqual({ transcripts: [{ text: 'good morning', isFinal: true, isEndOfTurn: true, confidence: 0.98 }] });
  });

  test('in silence it is kept alive', async () => {
    const { clock, service, options } = services();
    const recognition = new DeepgramSpeechToText(options).recognise({ sampleRate: 16_000 });
    await clock.run(20_000);
    const alive = service.last.texts.filter(({ type }) => type === 'KeepAlive').length;
    expect(alive).toBeGreaterThanOrEqual(4);
    expect(alive).toBeLessThanOrEqual(5);
    recognition.close();
  });

  test('lost in the middle: connected again, what was said meanwhile is not lost', async () => {
    const { clock, service, options } = services();
    listens(service);
    const recognition = new DeepgramSpeechToText(options).recognise({ sampleRate: 16_000 });
    const result = heard(recognition);
    recognition.write(speech(500));
    await clock.run(10);
    service.last.lose();
    recognition.write(speech(500));
    await clock.run(500);
    recognition.endUtterance();
    recognition.end();
    await clock.run(500);
    expect(service.connections).toHaveLength(2);
    expect((await result).transcripts).toMatchObject([{ text: '16000 bytes', isFinal: true }]);
  });

  test('a service that does not read: ten seconds are kept, and no more', async () => {
    const { clock, service, options } = services();
    const recognition = new DeepgramSpeechToText(options).recognise({ sampleRate: 16_000 });
    await clock.run(10);
    service.last.queuedBytes = 1_000_000;
    for (let second = 0; second < 60; second++) recognition.write(speech(1000));
    service.last.queuedBytes = 0;
    await clock.run(500);
    expect(service.last.sound.length).toBe(10 * 32_000);
    recognition.close();
  });

  test('a wrong key, an error, nobody there: the loop ends with it, and nothing of the key is told', async () => {
    const wrongKey = (service: FakeService): void => {
      service.refusals = 1;
      service.refusedWith = 401;
    };
    const complains = (service: FakeService): void => {
      service.onConnection = (one) => queueMicrotask(() => one.say({ type: 'Error', description: `bad model for ${KEY}` }));
    };
    const isAway = (service: FakeService): void => {
      service.refusals = 1000;
    };
    const repeatsIt = (service: FakeService): void => {
      service.onConnection = (one) => queueMicrotask(() => one.lose(1008, `no such key: ${KEY}`));
    };
    for (const [happens, code] of [
      [wrongKey, '401'],
      [complains, 'bad model'],
      [isAway, '1006'],
      [repeatsIt, '1008 no such key'],
    ] as const) {
      const { clock, service, options, logged } = services();
      happens(service);
      const recognition = new DeepgramSpeechToText(options).recognise({ sampleRate: 16_000 });
      const result = heard(recognition);
      recognition.write(speech(100));
      await clock.run(60_000);
      const { error } = await result;
      expect(error).toBeInstanceOf(SipBotError);
      expect(error).toMatchObject({ code: 'ERR_SERVICE' });
      expect(error!.message).toContain(code);
      expect(error!.message + logged.join()).not.toContain('secret');
      expect(clock.pending).toBe(0);
    }
  });

  test('closed and aborted: the loop ends, the wire too, and late words are nobody’s', async () => {
    const { clock, service, options } = services();
    const abort = new AbortController();
    const recognition = new DeepgramSpeechToText(options).recognise({ sampleRate: 16_000, signal: abort.signal });
    const result = heard(recognition);
    await clock.run(10);
    abort.abort();
    service.last.say(results('too late', { is_final: true }));
    expect(await result).toEqual({ transcripts: [] });
    expect(service.last.closedWith).toBe(1000);
    recognition.write(speech(10));
    recognition.endUtterance();
    recognition.end();
    recognition.close();
    expect(clock.pending).toBe(0);
  });

  test('a key is needed', () => {
    expect(() => new DeepgramSpeechToText({ apiKey: '' })).toThrow(OptionError);
  });
});

/** Speaks as the documentation says: sound for each Speak, `Flushed` behind the last. */
function speaks(service: FakeService): void {
  service.onConnection = (connection) => {
    connection.onMessage = (message) => {
      const { type, text } = JSON.parse(message as string) as { type: string; text?: string };
      if (type === 'Speak') queueMicrotask(() => connection.say(new Uint8Array(Buffer.from(`<${text}>`.padEnd(8)))));
      if (type === 'Flush') queueMicrotask(() => connection.say({ type: 'Flushed', sequence_id: 0 }));
    };
  };
}

describe('Deepgram voices', () => {
  test('a text in pieces, sound as it is made, at the call’s rate', async () => {
    const { clock, service, options } = services();
    speaks(service);
    const result = spoken(new DeepgramTextToSpeech(options).speak(pieces('Hello ', 'there.'), { sampleRate: 8000 }));
    await clock.run(100);
    expect(await result).toMatchObject({ sampleRate: 8000, bytes: Buffer.from('<Hello ><there.>') });
    const url = new URL(service.last.target.url);
    expect(url.pathname).toBe('/v1/speak');
    expect(Object.fromEntries(url.searchParams)).toEqual({ model: 'aura-2-thalia-en', encoding: 'linear16', sample_rate: '8000' });
    expect(service.last.closedWith).toBe(1000);
    expect(clock.pending).toBe(0);
  });

  test('nothing is asked before the first sound is wanted', async () => {
    const { clock, service, options } = services();
    new DeepgramTextToSpeech(options).speak('Hello', { sampleRate: 8000 });
    await clock.run(100);
    expect(service.connections).toHaveLength(0);
  });

  test('a slow listener: the service waits, and not a byte is lost', async () => {
    const { clock, service, options } = services();
    const chunks = new DeepgramTextToSpeech(options).speak('Hello', { sampleRate: 8000 });
    const first = chunks.next();
    await clock.run(10);
    const { last } = service;
    for (let i = 0; i < 63; i++) last.say(new Uint8Array([i, 0]));
    expect(last.isPaused).toBe(false);
    await first;
    last.say(new Uint8Array([63, 0]));
    last.say(new Uint8Array([64, 0]));
    expect(last.isPaused).toBe(true);
    await clock.run(60_000);
    const rest: number[] = [];
    last.say({ type: 'Flushed' });
    for await (const chunk of chunks) rest.push((chunk.samples as Uint8Array)[0]!);
    expect(rest).toEqual(Array.from({ length: 64 }, (_, i) => i + 1));
    expect(last.isPaused).toBe(false);
  });

  test('a connection that fails before the first sound is made again, with the whole text', async () => {
    const { clock, service, options } = services();
    speaks(service);
    service.refusals = 2;
    const result = spoken(new DeepgramTextToSpeech(options).speak('Hello', { sampleRate: 8000 }));
    await clock.run(2000);
    expect((await result).bytes.toString()).toContain('<Hello>');
    expect(service.connections).toHaveLength(3);
  });

  test('one that fails after it fails the text; one that never answers too', async () => {
    const { clock, service, options } = services();
    const result = spoken(new DeepgramTextToSpeech(options).speak('Hello', { sampleRate: 8000 }));
    await clock.run(10);
    service.last.say(new Uint8Array([1, 0]));
    await clock.run(10);
    service.last.lose(1011, 'broken');
    expect(await result).toMatchObject({ bytes: Buffer.from([1, 0]), error: { code: 'ERR_SERVICE' } });
    const silent = spoken(new DeepgramTextToSpeech(options).speak('Hello', { sampleRate: 8000 }));
    await clock.run(60_000);
    expect((await silent).error).toMatchObject({ code: 'ERR_SERVICE' });
    expect(clock.pending).toBe(0);
  });

  test('interrupted: the loop ends, the wire too, and whoever writes the text is told to stop', async () => {
    const { clock, service, options } = services();
    const abort = new AbortController();
    let isStopped = false;
    async function* endless(): AsyncGenerator<string> {
      try {
        for (;;) {
          await new Promise<void>((resolve) => void clock.at(clock.now() + 100, resolve));
          yield 'word ';
        }
      } finally {
        isStopped = true;
      }
    }
    const result = spoken(new DeepgramTextToSpeech(options).speak(endless(), { sampleRate: 8000, signal: abort.signal }));
    await clock.run(1000);
    service.last.say(new Uint8Array([1, 0]));
    await clock.run(10);
    abort.abort();
    await clock.run(500);
    expect(await result).toMatchObject({ bytes: Buffer.from([1, 0]) });
    expect((await result).error).toBeUndefined();
    expect(service.last.closedWith).toBe(1000);
    expect(isStopped).toBe(true);
  });

  test('a text whose writer fails fails the speech', async () => {
    const { clock, service, options } = services();
    speaks(service);
    async function* broken(): AsyncGenerator<string> {
      yield 'Hello ';
      throw new Error('the model is gone');
    }
    const result = spoken(new DeepgramTextToSpeech(options).speak(broken(), { sampleRate: 8000 }));
    await clock.run(1000);
    expect((await result).error).toMatchObject({ message: 'the model is gone' });
  });
});
