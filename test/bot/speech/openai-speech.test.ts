import { describe, expect, test } from 'vitest';
import { OpenAiSpeechToText, OpenAiTextToSpeech } from '../../../src/bot/speech/openai-speech.js';
import { readWav } from '../../../src/codec/wav.js';
import { heard, KEY, pieces, services, speech, spoken } from './support.js';

describe('OpenAI transcription of whole utterances, and of any server like it', () => {
  test('each utterance is a WAV file, told in the order in which they were said', async () => {
    const { clock, asked, options, answerWith } = services();
    const lengths: number[] = [];
    let waiting: (() => void) | undefined;
    answerWith(({ body }) => {
      const form = body as FormData;
      const turn = lengths.push(0);
      expect([form.get('model'), form.get('language'), form.get('prompt'), form.get('response_format')]).toEqual([
        'whisper-1',
        'de',
        'Bonn',
        'json',
      ]);
      const text = JSON.stringify({ text: ` utterance ${turn} ` });
      if (turn > 1) return new Response(text);
      // The first answer comes last.
      return new Response(
        new ReadableStream({
          start(controller) {
            waiting = () => {
              controller.enqueue(Buffer.from(text));
              controller.close();
            };
          },
        }),
      );
    });
    const stt = new OpenAiSpeechToText({ ...options, url: 'http://localhost:8000/v1', model: 'whisper-1' });
    const recognition = stt.recognise({ sampleRate: 8000, language: 'de-DE', phrases: ['Bonn'] });
    const result = heard(recognition);
    recognition.write(speech(700, 8000));
    recognition.endUtterance();
    recognition.endUtterance();
    recognition.write(speech(300, 8000));
    recognition.end();
    await clock.run(10);
    waiting!();
    expect(await result).toEqual({
      transcripts: [
        { text: 'utterance 1', isFinal: true },
        { text: 'utterance 2', isFinal: true },
      ],
    });
    expect(asked.map(({ url }) => url)).toEqual(Array(2).fill('http://localhost:8000/v1/audio/transcriptions'));
    expect(asked[0]!.headers).toEqual({ Authorization: `Bearer ${KEY}` });
    const file = (asked[0]!.body as FormData).get('file') as File;
    const wav = readWav(new Uint8Array(await file.arrayBuffer()));
    expect([wav.sampleRate, wav.samples.length, file.name]).toEqual([8000, 5600, 'speech.wav']);
    expect(clock.pending).toBe(0);
  });

  test('an overloaded service is asked again; what it refuses ends the loop, without its words or the key', async () => {
    const { clock, asked, options, answerWith } = services();
    const statuses = [503, 429, 200];
    answerWith(() => new Response('{"text":"at last"}', { status: statuses[asked.length - 1] ?? 200 }));
    const stt = new OpenAiSpeechToText(options);
    const first = stt.recognise({ sampleRate: 16_000 });
    const result = heard(first);
    first.write(speech(100));
    first.end();
    await clock.run(5000);
    expect((await result).transcripts).toEqual([{ text: 'at last', isFinal: true }]);
    answerWith(() => new Response(`{"error":{"message":"Incorrect API key provided: ${KEY}"}}`, { status: 401 }));
    const second = stt.recognise({ sampleRate: 16_000 });
    const refused = heard(second);
    second.write(speech(100));
    second.end();
    await clock.run(5000);
    const { error } = await refused;
    expect(error).toMatchObject({ code: 'ERR_SERVICE', message: 'OpenAI transcription at api.openai.com failed: it answered 401' });
    expect(clock.pending).toBe(0);
  });

  test('no answer, nonsense for an answer: an error in time; closed: no error and no wait', async () => {
    const { clock, options, answerWith } = services();
    const stt = new OpenAiSpeechToText(options);
    answerWith(() => new Response(new ReadableStream({})));
    const silent = stt.recognise({ sampleRate: 16_000 });
    const first = heard(silent);
    silent.write(speech(100));
    silent.endUtterance();
    await clock.run(20_000);
    expect((await first).error!.message).toContain('nothing came for 15000 ms');
    answerWith(() => new Response('<html>'));
    const nonsense = stt.recognise({ sampleRate: 16_000 });
    const second = heard(nonsense);
    nonsense.write(speech(100));
    nonsense.end();
    await clock.run(10);
    expect((await second).error!.message).toContain('no JSON');
    answerWith(() => new Response(new ReadableStream({})));
    const closed = stt.recognise({ sampleRate: 16_000 });
    const third = heard(closed);
    closed.write(speech(100));
    closed.endUtterance();
    await clock.run(10);
    closed.close();
    expect(await third).toEqual({ transcripts: [] });
    await clock.run(10);
    expect(clock.pending).toBe(0);
  });
});

describe('OpenAI transcription as it is spoken', () => {
  test('a transcription session at 24 kHz, guesses that grow, a final one for each commit', async () => {
    const { clock, service, options } = services();
    service.onConnection = (connection) => {
      let bytes = 0;
      connection.onMessage = (message) => {
        const event = JSON.parse(message as string) as { type: string; audio?: string };
        if (event.type === 'input_audio_buffer.append') bytes += Buffer.from(event.audio!, 'base64').length;
        if (event.type !== 'input_audio_buffer.commit') return;
        queueMicrotask(() => {
          connection.say({ type: 'input_audio_buffer.committed', item_id: 'i1' });
          connection.say({ type: 'conversation.item.input_audio_transcription.completed', item_id: 'i1', transcript: `${bytes} bytes` });
        });
      };
    };
    const recognition = new OpenAiSpeechToText({ ...options, mode: 'realtime', model: 'gpt-4o-transcribe' }).recognise({
      sampleRate: 16_000,
      language: 'en',
    });
    const result = heard(recognition);
    recognition.write(speech(1000));
    await clock.run(10);
    const { last } = service;
    expect(last.target).toMatchObject({
      url: 'wss://api.openai.com/v1/realtime?intent=transcription',
      headers: { Authorization: `Bearer ${KEY}` },
    });
    expect(last.texts[0]).toEqual({
      type: 'session.update',
      session: {
        type: 'transcription',
        audio: {
          input: {
            format: { type: 'audio/pcm', rate: 24_000 },
            transcription: { model: 'gpt-4o-transcribe', language: 'en' },
            turn_detection: null,
          },
        },
      },
    });
    for (const delta of ['Forty', ' eight']) {
      last.say({ type: 'conversation.item.input_audio_transcription.delta', item_id: 'i1', delta });
      await clock.run(10);
    }
    recognition.end();
    await clock.run(300);
    expect(await result).toEqual({
      transcripts: [
        { text: 'Forty', isFinal: false },
        { text: 'Forty eight', isFinal: false },
        { text: '48000 bytes', isFinal: true },
      ],
    });
  });

  test('nothing to transcribe is no error; another refusal is', async () => {
    const { clock, service, options } = services();
    const stt = new OpenAiSpeechToText({ ...options, mode: 'realtime' });
    const recognition = stt.recognise({ sampleRate: 16_000 });
    const result = heard(recognition);
    recognition.write(speech(20));
    recognition.end();
    await clock.run(300);
    service.last.say({ type: 'error', error: { type: 'invalid_request_error', code: 'input_audio_buffer_commit_empty' } });
    expect(await result).toEqual({ transcripts: [] });
    const refused = heard(stt.recognise({ sampleRate: 16_000 }));
    await clock.run(10);
    service.last.say({ type: 'error', error: { type: 'invalid_request_error', code: 'invalid_model', message: KEY } });
    expect((await refused).error!.message).toBe('OpenAI transcription failed: invalid_model');
  });
});

describe('OpenAI voices, and those of any server like it', () => {
  test('PCM as it is made', async () => {
    const { clock, asked, options, answerWith } = services();
    answerWith(
      () =>
        new Response(
          new ReadableStream({
            start: (out) => void [1, 2, 3].map((i) => out.enqueue(new Uint8Array([i, 0, i]))),
            pull: (out) => out.close(),
          }),
        ),
    );
    const voice = new OpenAiTextToSpeech({ ...options, url: 'http://localhost:8880/v1/', voice: 'nova', instructions: 'Whisper.' });
    const result = spoken(voice.speak(pieces('Hello ', 'there.'), { sampleRate: 8000 }));
    await clock.run(10);
    expect(await result).toMatchObject({ sampleRate: 24_000, bytes: Buffer.from([1, 0, 1, 2, 0, 2, 3, 0, 3]) });
    expect(asked[0]!.url).toBe('http://localhost:8880/v1/audio/speech');
    expect(JSON.parse(asked[0]!.body as string)).toEqual({
      model: 'gpt-4o-mini-tts',
      voice: 'nova',
      input: 'Hello there.',
      response_format: 'pcm',
      instructions: 'Whisper.',
    });
    expect(clock.pending).toBe(0);
  });

  test('interrupted: the request is given up, and no error', async () => {
    const { clock, options, answerWith } = services();
    let isCancelled = false;
    answerWith(
      () =>
        new Response(
          new ReadableStream({
            start: (out) => out.enqueue(new Uint8Array([1, 0])),
            cancel: () => {
              isCancelled = true;
            },
          }),
        ),
    );
    const abort = new AbortController();
    const chunks = new OpenAiTextToSpeech(options).speak('x', { sampleRate: 8000, signal: abort.signal });
    await chunks.next();
    await chunks.return(undefined);
    await clock.run(10);
    expect(isCancelled).toBe(true);
    expect(clock.pending).toBe(0);
  });
});
