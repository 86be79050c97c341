/**
 * Google Cloud Speech by API key: recognition of whole utterances (cloud.google.com/speech-to-text/docs/reference/rest/v1/speech/recognize; as they are spoken
 * Google takes gRPC only) and voices (cloud.google.com/text-to-speech/docs/reference/rest/v1/text/synthesize).
 */
import { isWav, readWav } from '../../codec/wav.js';
import { given } from '../../session/given.js';
import { postForJson } from '../wire/http.js';
import { bytes, number, parts, text } from '../wire/json.js';
import { soundWriter } from '../wire/sound-format.js';
import { wholeText } from './http-voice.js';
import { addressOf, type Service, type ServiceOptions, serviceError, serviceOf } from './service.js';
import type { Recognition, RecognitionOptions, SpeechToText, Transcript } from './speech-to-text.js';
import type { SpeakOptions, SpokenChunk, TextToSpeech } from './text-to-speech.js';
import { UtteranceRecognition } from './utterance-recognition.js';

export interface GoogleSpeechToTextOptions extends ServiceOptions {
  /** BCP 47. @default 'en-US' */
  readonly language?: string;
  /** @default 'phone_call' at 8 kHz, else 'latest_short' */
  readonly model?: string;
}

export class GoogleSpeechToText implements SpeechToText {
  readonly #service: Service;
  readonly #options: GoogleSpeechToTextOptions;

  constructor(options: GoogleSpeechToTextOptions) {
    this.#service = serviceOf('Google Speech-to-Text', options);
    this.#options = options;
  }

  recognise(options: RecognitionOptions): Recognition {
    return new UtteranceRecognition((samples, signal) => this.#transcribe(samples, options, signal), options);
  }

  async #transcribe(samples: Int16Array, options: RecognitionOptions, signal: AbortSignal): Promise<Transcript | undefined> {
    const { apiKey, url = 'https://speech.googleapis.com', model } = this.#options;
    const { sampleRate, language = this.#options.language ?? 'en-US', phrases = [] } = options;
    const content = Buffer.from(soundWriter({ encoding: 'pcm16', sampleRate })(samples, samples.length)).toString('base64');
    const config = {
      encoding: 'LINEAR16',
      sampleRateHertz: sampleRate,
      languageCode: language,
      model: model ?? (sampleRate === 8000 ? 'phone_call' : 'latest_short'),
      enableAutomaticPunctuation: true,
      ...(phrases.length > 0 && { speechContexts: [{ phrases }] }),
    };
    const json = await postForJson(
      {
        service: this.#service.name,
        url: addressOf(url, 'http', '/v1/speech:recognize'),
        headers: { 'X-Goog-Api-Key': apiKey, 'Content-Type': 'application/json' },
        body: JSON.stringify({ config, audio: { content } }),
        signal,
      },
      this.#service,
    );
    if (json === undefined) return undefined;
    const best = parts(json, 'results').flatMap((result) => parts(result, 'alternatives').slice(0, 1));
    const said = best.map((one) => text(one, 'transcript')?.trim() ?? '').join(' ');
    return { text: said, isFinal: true, ...given({ confidence: number(best[0], 'confidence') }) };
  }
}

export interface GoogleTextToSpeechOptions extends ServiceOptions {
  /** BCP 47. @default 'en-US' */
  readonly language?: string;
  /** Its name, 'en-US-Neural2-C' for example. @default one of the language */
  readonly voice?: string;
}

export class GoogleTextToSpeech implements TextToSpeech {
  readonly #service: Service;
  readonly #options: GoogleTextToSpeechOptions;

  constructor(options: GoogleTextToSpeechOptions) {
    this.#service = serviceOf('Google Text-to-Speech', options);
    this.#options = options;
  }

  /** Google makes the whole of it before it answers: sentences, not chapters. */
  async *speak(said: string | AsyncIterable<string>, { sampleRate, language, signal }: SpeakOptions): AsyncGenerator<SpokenChunk> {
    const { apiKey, url = 'https://texttospeech.googleapis.com', voice } = this.#options;
    const languageCode = language ?? this.#options.language ?? 'en-US';
    const input = { text: await wholeText(said) };
    const json = await postForJson(
      {
        service: this.#service.name,
        url: addressOf(url, 'http', '/v1/text:synthesize'),
        headers: { 'X-Goog-Api-Key': apiKey, 'Content-Type': 'application/json' },
        body: JSON.stringify({
          input,
          voice: { languageCode, ...(voice !== undefined && { name: voice }) },
          audioConfig: { audioEncoding: 'LINEAR16', sampleRateHertz: sampleRate },
        }),
        ...(signal && { signal }),
      },
      this.#service,
    );
    if (json === undefined) return;
    const sound = bytes(json, 'audioContent');
    if (sound === undefined || !isWav(sound)) throw serviceError(this.#service, 'its answer holds no sound');
    const { samples, sampleRate: rate } = readWav(sound);
    yield { samples, sampleRate: rate };
  }
}
