/**
 * Azure AI Speech: recognition over the Speech service's WebSocket (learn.microsoft.com, "Speech Service WebSocket protocol": messages with headers of
 * their own), voices by HTTP (…/rest-text-to-speech).
 */
import { wavHeader } from '../../codec/wav.js';
import { given } from '../../session/given.js';
import { number, parts, readJson, text } from '../wire/json.js';
import type { Message } from '../wire/message-wire.js';
import { speakOverHttp, wholeText } from './http-voice.js';
import { addressOf, type Service, type ServiceOptions, serviceOf } from './service.js';
import type { Recognition, RecognitionOptions, SpeechToText } from './speech-to-text.js';
import type { SpeakOptions, SpokenChunk, TextToSpeech } from './text-to-speech.js';
import { type RecogniserDialect, type Understood, WireRecognition } from './wire-recognition.js';

const STT_PATH = '/speech/recognition/conversation/cognitiveservices/v1';
const SAMPLE_RATE = 16_000;

export interface AzureSpeechOptions extends ServiceOptions {
  /** 'westeurope', 'eastus', … @default that of `url` */
  readonly region: string;
  /** BCP 47. @default 'en-US' */
  readonly language?: string;
}

export class AzureSpeechToText implements SpeechToText {
  readonly #service: Service;
  readonly #options: AzureSpeechOptions;

  constructor(options: AzureSpeechOptions) {
    this.#service = serviceOf('Azure Speech', options);
    this.#options = options;
  }

  recognise(options: RecognitionOptions): Recognition {
    return new WireRecognition(this.#service, this.#dialect(options), options);
  }

  #dialect({ language, phrases = [] }: RecognitionOptions): RecogniserDialect {
    const { apiKey, region, url = `wss://${region}.stt.speech.microsoft.com` } = this.#options;
    const id = (): string => Buffer.from(this.#service.random.bytes(16)).toString('hex');
    const turn = new AzureTurn(id, () => new Date(this.#service.clock.wall()).toISOString());
    const query = { language: language ?? this.#options.language ?? 'en-US', format: 'detailed' };
    const context = phrases.length === 0 ? undefined : { dgi: { Groups: [{ Type: 'Generic', Items: phrases.map((Text) => ({ Text })) }] } };
    return {
      target: {
        url: addressOf(url, 'ws', STT_PATH, query),
        headers: { 'Ocp-Apim-Subscription-Key': apiKey, 'X-ConnectionId': id() },
      },
      sampleRate: SAMPLE_RATE,
      chunkMs: 100,
      hello: () => turn.hello(context),
      sound: (chunk) => turn.sound(chunk),
      endUtterance: () => turn.end(),
      read: understand,
    };
  }
}

/** One request within a connection: from the first sound to `turn.end`. */
class AzureTurn {
  readonly #newId: () => string;
  readonly #now: () => string;
  #id = '';
  #hasBegun = false;

  constructor(newId: () => string, now: () => string) {
    this.#newId = newId;
    this.#now = now;
  }

  hello(context: object | undefined): readonly Message[] {
    this.#next();
    const system = { name: 'sipbot', version: '1', build: 'node' };
    const config = JSON.stringify({ context: { system, os: { platform: 'node', name: 'node', version: '20' } } });
    const said = [`${this.#headers('speech.config', 'application/json')}${config}`];
    return context === undefined ? said : [...said, `${this.#headers('speech.context', 'application/json')}${JSON.stringify(context)}`];
  }

  sound(chunk: Uint8Array): Uint8Array {
    if (this.#hasBegun) return this.#audio(chunk);
    this.#hasBegun = true;
    // The length is not known: a header of zero bytes says "as it comes".
    return this.#audio(Buffer.concat([wavHeader({ sampleRate: SAMPLE_RATE, channels: 1 }, 0), chunk]));
  }

  /** No more sound of this turn. */
  end(): readonly Message[] {
    const last = this.#audio(new Uint8Array(0));
    this.#next();
    return [last];
  }

  #next(): void {
    this.#id = this.#newId();
    this.#hasBegun = false;
  }

  #headers(path: string, type: string): string {
    return `Path: ${path}\r\nX-RequestId: ${this.#id}\r\nX-Timestamp: ${this.#now()}\r\nContent-Type: ${type}\r\n\r\n`;
  }

  /** Two bytes say how long the headers are. */
  #audio(sound: Uint8Array): Uint8Array {
    const headers = Buffer.from(this.#headers('audio', 'audio/x-wav').slice(0, -2), 'latin1');
    const length = Buffer.from([headers.length >> 8, headers.length & 0xff]);
    return Buffer.concat([length, headers, sound]);
  }
}

function understand(message: Message): Understood {
  if (typeof message !== 'string') return {};
  const bodyAt = message.indexOf('\r\n\r\n');
  const path = /^path:[ \t]*(\S+)/im.exec(message.slice(0, Math.min(bodyAt, 2000)))?.[1]?.toLowerCase();
  const json = readJson(message.slice(bodyAt + 4));
  switch (path) {
    case 'speech.hypothesis':
    case 'speech.fragment':
      return { transcripts: [{ text: text(json, 'Text') ?? '', isFinal: false }] };
    case 'speech.phrase': {
      const [best] = parts(json, 'NBest');
      const said = text(best, 'Display') ?? text(json, 'DisplayText') ?? '';
      if (text(json, 'RecognitionStatus') !== 'Success' || said === '') return {};
      return { transcripts: [{ text: said, isFinal: true, ...given({ confidence: number(best, 'Confidence') }) }] };
    }
    case 'turn.end':
      return { isAnswer: true };
    default:
      return {};
  }
}

export interface AzureTextToSpeechOptions extends AzureSpeechOptions {
  /** @default 'en-US-AvaMultilingualNeural' */
  readonly voice?: string;
}

const RATES = [8000, 16_000, 22_050, 24_000, 44_100, 48_000];

export class AzureTextToSpeech implements TextToSpeech {
  readonly #service: Service;
  readonly #options: AzureTextToSpeechOptions;

  constructor(options: AzureTextToSpeechOptions) {
    this.#service = serviceOf('Azure Speech', options);
    this.#options = options;
  }

  async *speak(said: string | AsyncIterable<string>, options: SpeakOptions): AsyncGenerator<SpokenChunk> {
    const { apiKey, region, url = `https://${region}.tts.speech.microsoft.com`, voice = 'en-US-AvaMultilingualNeural' } = this.#options;
    const sampleRate = RATES.includes(options.sampleRate) ? options.sampleRate : 16_000;
    const language = options.language ?? this.#options.language ?? 'en-US';
    const spoken = inXml(await wholeText(said));
    yield* speakOverHttp(
      this.#service,
      {
        url: addressOf(url, 'http', '/cognitiveservices/v1'),
        headers: {
          'Ocp-Apim-Subscription-Key': apiKey,
          'Content-Type': 'application/ssml+xml',
          'X-Microsoft-OutputFormat': outputFormat(sampleRate),
          'User-Agent': 'sipbot',
        },
        body: `<speak version='1.0' xml:lang='${inXml(language)}'><voice name='${inXml(voice)}'>${spoken}</voice></speak>`,
      },
      sampleRate,
      options,
    );
  }
}

/** `raw-16khz-16bit-mono-pcm` and its like; the odd rates are written in hertz. */
function outputFormat(sampleRate: number): string {
  return `raw-${sampleRate % 1000 === 0 ? `${sampleRate / 1000}khz` : `${sampleRate}hz`}-16bit-mono-pcm`;
}

function inXml(value: string): string {
  return value.replace(/[<>&'"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
