/** Deepgram: recognition (developers.deepgram.com/reference/speech-to-text/listen-streaming) and voices (…/text-to-speech/speak-streaming), both over WebSocket. */
import { given } from '../../session/given.js';
import { type Json, number, part, parts, readJson, text } from '../wire/json.js';
import type { Message } from '../wire/message-wire.js';
import { addressOf, type Service, type ServiceOptions, serviceOf } from './service.js';
import type { Recognition, RecognitionOptions, SpeechToText, Transcript } from './speech-to-text.js';
import type { SpeakOptions, SpokenChunk, TextToSpeech } from './text-to-speech.js';
import { type RecogniserDialect, type Understood, WireRecognition } from './wire-recognition.js';
import { type Spoken, speakOverWire, type VoiceDialect } from './wire-voice.js';

const ADDRESS = 'wss://api.deepgram.com';
const RATES = [8000, 16_000, 24_000, 48_000];

export interface DeepgramSpeechToTextOptions extends ServiceOptions {
  /** @default 'nova-3' */
  readonly model?: string;
  /** BCP 47. @default 'en' */
  readonly language?: string;
  /** Silence after which Deepgram takes the turn for over. @default 300 */
  readonly endpointingMs?: number;
  /** More of the query, as Deepgram spells it. */
  readonly query?: Readonly<Record<string, string>>;
}

export class DeepgramSpeechToText implements SpeechToText {
  readonly #service: Service;
  readonly #options: DeepgramSpeechToTextOptions;

  constructor(options: DeepgramSpeechToTextOptions) {
    this.#service = serviceOf('Deepgram', options);
    this.#options = options;
  }

  recognise(options: RecognitionOptions): Recognition {
    return new WireRecognition(this.#service, this.#dialect(options), options);
  }

  #dialect({ sampleRate, language, phrases = [] }: RecognitionOptions): RecogniserDialect {
    const { apiKey, url = ADDRESS, model = 'nova-3', endpointingMs = 300, query } = this.#options;
    const rate = RATES.includes(sampleRate) ? sampleRate : 16_000;
    const address = new URL(
      addressOf(url, 'ws', '/v1/listen', {
        model,
        encoding: 'linear16',
        sample_rate: String(rate),
        channels: '1',
        interim_results: 'true',
        smart_format: 'true',
        endpointing: String(endpointingMs),
        language: language ?? this.#options.language ?? 'en',
        ...query,
      }),
    );
    for (const phrase of phrases) address.searchParams.append(model.startsWith('nova-3') ? 'keyterm' : 'keywords', phrase);
    return {
      target: { url: address.href, headers: { Authorization: `Token ${apiKey}` } },
      sampleRate: rate,
      chunkMs: 20,
      hello: () => [],
      sound: (chunk) => chunk,
      endUtterance: () => ['{"type":"Finalize"}'],
      goodbye: () => ['{"type":"CloseStream"}'],
      // Without sound or this for ten seconds Deepgram closes.
      keepAlive: { everyMs: 4000, message: '{"type":"KeepAlive"}' },
      read: understandListen,
    };
  }
}

function understandListen(message: Message): Understood {
  const json = typeof message === 'string' ? readJson(message) : undefined;
  switch (text(json, 'type')) {
    case 'Results':
      return { transcripts: transcriptsOf(json!), isAnswer: json!['from_finalize'] === true };
    case 'Error':
      return { error: text(json, 'description') ?? text(json, 'message') ?? 'an error without a name' };
    default:
      return {};
  }
}

function transcriptsOf(json: Json): readonly Transcript[] {
  const [best] = parts(part(json, 'channel'), 'alternatives');
  const said = text(best, 'transcript') ?? '';
  const isEndOfTurn = json['speech_final'] === true;
  if (said === '' && !isEndOfTurn) return [];
  return [{ text: said, isFinal: json['is_final'] === true, isEndOfTurn, ...given({ confidence: number(best, 'confidence') }) }];
}

export interface DeepgramTextToSpeechOptions extends ServiceOptions {
  /** The voice: a model of Aura's. @default 'aura-2-thalia-en' */
  readonly voice?: string;
}

export class DeepgramTextToSpeech implements TextToSpeech {
  readonly #service: Service;
  readonly #options: DeepgramTextToSpeechOptions;

  constructor(options: DeepgramTextToSpeechOptions) {
    this.#service = serviceOf('Deepgram', options);
    this.#options = options;
  }

  speak(said: string | AsyncIterable<string>, options: SpeakOptions): AsyncGenerator<SpokenChunk> {
    return speakOverWire(this.#service, () => this.#dialect(options.sampleRate), said, options);
  }

  #dialect(wanted: number): VoiceDialect {
    const { apiKey, url = ADDRESS, voice = 'aura-2-thalia-en' } = this.#options;
    const sampleRate = RATES.includes(wanted) ? wanted : 16_000;
    const query = { model: voice, encoding: 'linear16', sample_rate: String(sampleRate) };
    return {
      target: { url: addressOf(url, 'ws', '/v1/speak', query), headers: { Authorization: `Token ${apiKey}` } },
      sampleRate,
      hello: () => [],
      text: (piece) => [JSON.stringify({ type: 'Speak', text: piece })],
      end: () => ['{"type":"Flush"}'],
      read: understandSpeak,
    };
  }
}

function understandSpeak(message: Message): Spoken {
  if (typeof message !== 'string') return { sound: message };
  const json = readJson(message);
  switch (text(json, 'type')) {
    case 'Flushed':
      return { isLast: true };
    case 'Error':
      return { error: text(json, 'description') ?? 'an error without a name' };
    default:
      return {};
  }
}
