import { describe, expect, test } from 'vitest';
import { GoogleSpeechToText, GoogleTextToSpeech } from '../../../src/bot/speech/google-speech.js';
import { writeWav } from '../../../src/codec/wav.js';
import { heard, KEY, services, speech, spoken } from './support.js';

describe('Google recognition', () => {
  test('an utterance with its words to expect; the best of each result', async () => {
    const { clock, asked, options, answerWith } = services();
    answerWith(() =>
      Response.json({
        results: [
          { alternatives: [{ transcript: 'My heating', confidence: 0.9 }, { transcript: 'No' }] },
          { alternatives: [{ transcript: ' is broken.' }] },
        ],
      }),
    );
    const recognition = new GoogleSpeechToText(options).recognise({ sampleRate: 8000, phrases: ['heating'] });
    const result = heard(recognition);
    recognition.write(speech(500, 8000));
    recognition.end();
    await clock.run(10);
    expect(await result).toEqual({ transcripts: [{ text: 'My heating is broken.', isFinal: true, confidence: 0.9 }] });
    const { url, headers, body } = asked[0]!;
    expect(url).toBe('https://speech.googleapis.com/v1/speech:recognize');
    expect(headers).toEqual({ 'X-Goog-Api-Key': KEY, 'Content-Type': 'application/json' });
    const { config, audio } = JSON.parse(body as string) as { config: object; audio: { content: string } };
    expect(config).toEqual({
      encoding: 'LINEAR16',
      sampleRateHertz: 8000,
      languageCode: 'en-US',
      model: 'phone_call',
      enableAutomaticPunctuation: true,
      speechContexts: [{ phrases: ['heating'] }],
    });
    expect(Buffer.from(audio.content, 'base64')).toHaveLength(8000);
  });

  test('nothing understood is an empty text; more than a minute is cut to its end', async () => {
    const { clock, asked, options, answerWith } = services();
    answerWith(() => Response.json({}));
    const recognition = new GoogleSpeechToText(options).recognise({ sampleRate: 16_000 });
    const result = heard(recognition);
    for (let second = 0; second < 100; second++) recognition.write(speech(1000));
    recognition.end();
    await clock.run(10);
    expect(await result).toEqual({ transcripts: [{ text: '', isFinal: true }] });
    const { audio } = JSON.parse(asked[0]!.body as string) as { audio: { content: string } };
    expect(Buffer.from(audio.content, 'base64')).toHaveLength(59 * 32_000);
  });
});

describe('Google voices', () => {
  test('a WAV in base 64, at the call’s rate', async () => {
    const { clock, asked, options, answerWith } = services();
    const samples = speech(200, 8000);
    answerWith(() => Response.json({ audioContent: Buffer.from(writeWav(samples, { sampleRate: 8000, channels: 1 })).toString('base64') }));
    const result = spoken(new GoogleTextToSpeech({ ...options, voice: 'en-US-Neural2-C' }).speak('Hello', { sampleRate: 8000 }));
    await clock.run(10);
    expect(await result).toMatchObject({ sampleRate: 8000, bytes: Buffer.from(samples.buffer) });
    expect(asked[0]!.url).toBe('https://texttospeech.googleapis.com/v1/text:synthesize');
    expect(JSON.parse(asked[0]!.body as string)).toEqual({
      input: { text: 'Hello' },
      voice: { languageCode: 'en-US', name: 'en-US-Neural2-C' },
      audioConfig: { audioEncoding: 'LINEAR16', sampleRateHertz: 8000 },
    });
  });

  test('an answer without sound is an error', async () => {
    const { clock, options, answerWith } = services();
    for (const body of [{}, { audioContent: 'AAAA' }]) {
      answerWith(() => Response.json(body));
      const result = spoken(new GoogleTextToSpeech(options).speak('Hello', { sampleRate: 8000 }));
      await clock.run(10);
      expect((await result).error).toMatchObject({ code: 'ERR_SERVICE' });
    }
  });
});
