/**
 * OpenAI's audio API, and every server that speaks like it (developers.openai.com/api/reference/resources/audio and …/realtime): recognition of whole
 * utterances by HTTP, or as they are spoken over the Realtime WebSocket; voices by HTTP.
 */
import { writeWav } from '../../codec/wav.js';
import { given } from '../../session/given.js';
import { postForJson } from '../wire/http.js';
import { type Json, part, readJson, text } from '../wire/json.js';
import type { Message } from '../wire/message-wire.js';
import { speakOverHttp, wholeText } from './http-voice.js';
import { addressOf, type Service, type ServiceOptions, serviceOf } from './service.js';
import type { Recognition, RecognitionOptions, SpeechToText, Transcript } from './speech-to-text.js';
import type { SpeakOptions, SpokenChunk, TextToSpeech } from './text-to-speech.js';
import { UtteranceRecognition } from './utterance-recognition.js';
import { type RecogniserDialect, type Understood, WireRecognition } from './wire-recognition.js';

const ADDRESS = 'https://api.openai.com/v1';
/** What `pcm` is, both ways. */
const PCM_RATE = 24_000;

export interface OpenAiSpeechToTextOptions extends ServiceOptions {
  /** @default 'gpt-4o-mini-transcribe' */
  readonly model?: string;
  /** BCP 47; its first part is told. @default what it hears */
  readonly language?: string;
  /** What the speech is about: spellings, names. */
  readonly prompt?: string;
  /** 'utterance': each as a file, when it is over; every server knows that. 'realtime': as it is spoken, with guesses on the way. @default 'utterance' */
  readonly mode?: 'utterance' | 'realtime';
}

export class OpenAiSpeechToText implements SpeechToText {
  readonly #service: Service;
  readonly #options: OpenAiSpeechToTextOptions;

  constructor(options: OpenAiSpeechToTextOptions) {
    this.#service = serviceOf('OpenAI transcription', options);
    this.#options = options;
  }

  recognise(options: RecognitionOptions): Recognition {
    if (this.#options.mode === 'realtime') return new WireRecognition(this.#service, this.#dialect(options), options);
    return new UtteranceRecognition((samples, signal) => this.#transcribe(samples, options, signal), options);
  }

  async #transcribe(samples: Int16Array, options: RecognitionOptions, signal: AbortSignal): Promise<Transcript | undefined> {
    const { apiKey, url = ADDRESS } = this.#options;
    const form = new FormData();
    const wav = writeWav(samples, { sampleRate: options.sampleRate, channels: 1 });
    form.set('file', new Blob([Uint8Array.from(wav)], { type: 'audio/wav' }), 'speech.wav');
    form.set('response_format', 'json');
    for (const [name, value] of Object.entries(this.#wishes(options))) form.set(name, value);
    const json = await postForJson(
      {
        service: this.#service.name,
        url: addressOf(url, 'http', '/audio/transcriptions'),
        headers: { Authorization: `Bearer ${apiKey}` },
        body: form,
        signal,
      },
      this.#service,
    );
    return json === undefined ? undefined : { text: (text(json, 'text') ?? '').trim(), isFinal: true };
  }

  #dialect(options: RecognitionOptions): RecogniserDialect {
    const { apiKey, url = ADDRESS } = this.#options;
    const input = { format: { type: 'audio/pcm', rate: PCM_RATE }, transcription: this.#wishes(options), turn_detection: null };
    const guesses = new Map<string, string>();
    return {
      target: {
        url: addressOf(url, 'ws', '/realtime', { intent: 'transcription' }),
        headers: { Authorization: `Bearer ${apiKey}` },
      },
      sampleRate: PCM_RATE,
      chunkMs: 40,
      hello: () => [JSON.stringify({ type: 'session.update', session: { type: 'transcription', audio: { input } } })],
      sound: (chunk) => JSON.stringify({ type: 'input_audio_buffer.append', audio: Buffer.from(chunk.buffer).toString('base64') }),
      endUtterance: () => ['{"type":"input_audio_buffer.commit"}'],
      read: (message) => understand(message, guesses),
    };
  }

  #wishes({ language = this.#options.language, phrases = [] }: RecognitionOptions): Record<string, string> {
    const { model = 'gpt-4o-mini-transcribe', prompt } = this.#options;
    const hints = [prompt, phrases.join(', ')].filter((hint) => hint !== undefined && hint !== '').join(' ');
    return { model, ...given({ language: language?.split('-', 1)[0], prompt: hints === '' ? undefined : hints }) };
  }
}

const MAX_GUESSES = 16;

function understand(message: Message, guesses: Map<string, string>): Understood {
  const json = typeof message === 'string' ? readJson(message) : undefined;
  const item = text(json, 'item_id') ?? '';
  switch (text(json, 'type')) {
    case 'conversation.item.input_audio_transcription.delta': {
      const guess = (guesses.get(item) ?? '') + (text(json, 'delta') ?? '');
      if (guesses.size >= MAX_GUESSES && !guesses.has(item)) guesses.clear();
      guesses.set(item, guess);
      return { transcripts: [{ text: guess, isFinal: false }] };
    }
    case 'conversation.item.input_audio_transcription.completed':
      guesses.delete(item);
      return { transcripts: [{ text: (text(json, 'transcript') ?? '').trim(), isFinal: true }], isAnswer: true };
    case 'conversation.item.input_audio_transcription.failed':
      return { isAnswer: true };
    case 'error':
      return refusal(part(json, 'error'));
    default:
      return {};
  }
}

function refusal(error: Json): Understood {
  const code = text(error, 'code') ?? text(error, 'type') ?? 'an error without a name';
  // Less than a tenth of a second was said: nothing is the answer.
  return code === 'input_audio_buffer_commit_empty' ? { isAnswer: true } : { error: code };
}

export interface OpenAiTextToSpeechOptions extends ServiceOptions {
  /** @default 'gpt-4o-mini-tts' */
  readonly model?: string;
  /** @default 'alloy' */
  readonly voice?: string;
  /** How it is to be said. */
  readonly instructions?: string;
  /** Of what a server like OpenAI's calls `pcm`. @default 24000 */
  readonly pcmSampleRate?: number;
}

export class OpenAiTextToSpeech implements TextToSpeech {
  readonly #service: Service;
  readonly #options: OpenAiTextToSpeechOptions;

  constructor(options: OpenAiTextToSpeechOptions) {
    this.#service = serviceOf('OpenAI speech', options);
    this.#options = options;
  }

  async *speak(said: string | AsyncIterable<string>, options: SpeakOptions): AsyncGenerator<SpokenChunk> {
    const { apiKey, url = ADDRESS, model = 'gpt-4o-mini-tts', voice = 'alloy', instructions, pcmSampleRate = PCM_RATE } = this.#options;
    const input = await wholeText(said);
    yield* speakOverHttp(
      this.#service,
      {
        url: addressOf(url, 'http', '/audio/speech'),
        headers: { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({ model, voice, input, response_format: 'pcm', ...(instructions !== undefined && { instructions }) }),
      },
      pcmSampleRate,
      options,
    );
  }
}
