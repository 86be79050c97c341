/** The adapters of speech services over real sockets, in real time, against local servers that behave as the services' public documentation says. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import {
  AzureSpeechToText,
  AzureTextToSpeech,
  DeepgramSpeechToText,
  DeepgramTextToSpeech,
  ElevenLabsSpeechToText,
  ElevenLabsTextToSpeech,
  GoogleSpeechToText,
  GoogleTextToSpeech,
  OpenAiSpeechToText,
  OpenAiTextToSpeech,
  type SpeechToText,
  type TextToSpeech,
} from '../../src/index.js';
import { HERE, test } from './line.js';
import { sleep } from './peers/process.js';
import { KEY, MS_PER_LETTER, type SpeechServices, speechServices } from './peers/speech-services.js';

interface Options {
  readonly apiKey: string;
  readonly url: string;
}

const ears: Readonly<Record<string, (options: Options) => SpeechToText>> = {
  Deepgram: (options) => new DeepgramSpeechToText(options),
  ElevenLabs: (options) => new ElevenLabsSpeechToText(options),
  Azure: (options) => new AzureSpeechToText({ ...options, region: 'x' }),
  'OpenAI, as it is spoken': (options) => new OpenAiSpeechToText({ ...options, mode: 'realtime' }),
  'OpenAI, whole utterances': (options) => new OpenAiSpeechToText(options),
  Google: (options) => new GoogleSpeechToText(options),
};
const BY_HTTP = ['OpenAI, whole utterances', 'Google'];

const voices: Readonly<Record<string, (options: Options) => TextToSpeech>> = {
  Deepgram: (options) => new DeepgramTextToSpeech(options),
  ElevenLabs: (options) => new ElevenLabsTextToSpeech({ ...options, voice: 'v' }),
  Azure: (options) => new AzureTextToSpeech({ ...options, region: 'x' }),
  OpenAI: (options) => new OpenAiTextToSpeech(options),
  Google: (options) => new GoogleTextToSpeech(options),
};

const TENTH = new Int16Array(1600).fill(1000);

/** So many tenths of a second, as they come in a call, and what was understood. */
async function understood(ear: SpeechToText, tenths: number): Promise<string[]> {
  const recognition = ear.recognise({ sampleRate: 16_000 });
  const texts: string[] = [];
  const all = (async () => {
    for await (const { text, isFinal } of recognition) if (isFinal) texts.push(text);
  })();
  // It may fail while we still speak: that is looked at below.
  all.catch(() => {});
  for (let i = 0; i < tenths; i++) {
    recognition.write(TENTH);
    await sleep(20);
  }
  recognition.end();
  await all;
  return texts;
}

async function spokenMs(voice: TextToSpeech, text: string): Promise<number> {
  let ms = 0;
  for await (const { samples, sampleRate } of voice.speak(text, { sampleRate: 16_000 })) {
    const count = samples instanceof Int16Array ? samples.length : samples.byteLength / 2;
    ms += count / (sampleRate / 1000);
  }
  return ms;
}

describe('Speech services of our own', () => {
  let services: SpeechServices;
  beforeAll(async () => {
    services = await speechServices(HERE);
  });
  afterAll(() => services.close());
  const options = (apiKey = KEY): Options => ({ apiKey, url: services.url });

  for (const [name, make] of Object.entries(ears)) {
    test(`${name}: hears a second, and all of it`, async () => {
      expect(await understood(make(options()), 10)).toEqual(['10 tenths']);
    });

    test(`${name}: a wrong key is an error that does not say it`, async () => {
      const failure: Error = await understood(make(options('sk-9876543210-other')), 3).then(
        () => new Error('none'),
        (error: Error) => error,
      );
      expect(failure).toMatchObject({ code: 'ERR_SERVICE' });
      expect(failure.message).toMatch(/401/);
      expect(failure.message).not.toMatch(/other|secret/);
    });

    if (!BY_HTTP.includes(name)) {
      test(`${name}: a connection that breaks is made again`, async () => {
        services.cutNext();
        const [text = ''] = await understood(make(options()), 30);
        // What the lost connection had heard is lost with it.
        expect(Number.parseInt(text, 10)).toBeGreaterThan(15);
        expect(Number.parseInt(text, 10)).toBeLessThan(31);
      });
    }
  }

  const text = 'Good morning, this is a sentence.';
  for (const [name, make] of Object.entries(voices)) {
    test(`${name}: speaks a sentence, to its last sample`, async () => {
      const ms = await spokenMs(make(options()), text);
      expect(Math.abs(ms - text.length * MS_PER_LETTER)).toBeLessThanOrEqual(MS_PER_LETTER);
    });

    test(`${name}: refuses to speak with a wrong key, and does not say it`, async () => {
      const failure = await spokenMs(make(options('sk-9876543210-other')), text).catch((error: Error) => error);
      expect(failure).toMatchObject({ code: 'ERR_SERVICE' });
      expect((failure as Error).message).toMatch(/401/);
      expect((failure as Error).message).not.toMatch(/other|secret/);
    });
  }
});
