/** ElevenLabs: recognition (elevenlabs.io/docs/api-reference/speech-to-text/v-1-speech-to-text-realtime) and voices (…/text-to-speech/v-1-text-to-speech-voice-id-stream-input), both over WebSocket. */
import { bytes, type Json, part, readJson, text } from '../wire/json.js';
import type { Message } from '../wire/message-wire.js';
import { addressOf, type Service, type ServiceOptions, serviceOf } from './service.js';
import type { Recognition, RecognitionOptions, SpeechToText } from './speech-to-text.js';
import type { SpeakOptions, SpokenChunk, TextToSpeech, WordMark } from './text-to-speech.js';
import { type RecogniserDialect, type Understood, WireRecognition } from './wire-recognition.js';
import { type Spoken, speakOverWire, type VoiceDialect } from './wire-voice.js';

const ADDRESS = 'wss://api.elevenlabs.io';
const RATES = [8000, 16_000, 22_050, 24_000, 44_100, 48_000];

function rateNear(wanted: number): number {
  return RATES.includes(wanted) ? wanted : 16_000;
}

export interface ElevenLabsSpeechToTextOptions extends ServiceOptions {
  /** @default 'scribe_v2_realtime' */
  readonly model?: string;
  /** BCP 47. @default what it hears */
  readonly language?: string;
}

export class ElevenLabsSpeechToText implements SpeechToText {
  readonly #service: Service;
  readonly #options: ElevenLabsSpeechToTextOptions;

  constructor(options: ElevenLabsSpeechToTextOptions) {
    this.#service = serviceOf('ElevenLabs', options);
    this.#options = options;
  }

  recognise(options: RecognitionOptions): Recognition {
    return new WireRecognition(this.#service, this.#dialect(options), options);
  }

  #dialect(options: RecognitionOptions): RecogniserDialect {
    const { apiKey, url = ADDRESS, model = 'scribe_v2_realtime' } = this.#options;
    const sampleRate = rateNear(options.sampleRate);
    const language = (options.language ?? this.#options.language)?.split('-', 1)[0];
    const query = { model_id: model, audio_format: `pcm_${sampleRate}`, commit_strategy: 'manual', language_code: language };
    const chunk = (sound: Uint8Array, commit: boolean): string =>
      JSON.stringify({
        message_type: 'input_audio_chunk',
        audio_base_64: Buffer.from(sound.buffer, sound.byteOffset, sound.length).toString('base64'),
        commit,
        sample_rate: sampleRate,
      });
    return {
      target: { url: addressOf(url, 'ws', '/v1/speech-to-text/realtime', query), headers: { 'xi-api-key': apiKey } },
      sampleRate,
      chunkMs: 100,
      hello: () => [],
      sound: (sound) => chunk(sound, false),
      endUtterance: () => [chunk(new Uint8Array(0), true)],
      read: understandRealtime,
    };
  }
}

function understandRealtime(message: Message): Understood {
  const json = typeof message === 'string' ? readJson(message) : undefined;
  const type = text(json, 'message_type') ?? '';
  const said = text(json, 'text') ?? '';
  switch (type) {
    case 'partial_transcript':
      return said === '' ? {} : { transcripts: [{ text: said, isFinal: false }] };
    case 'committed_transcript':
      return { transcripts: said === '' ? [] : [{ text: said, isFinal: true }], isAnswer: true };
    case 'commit_throttled':
    case 'insufficient_audio_activity':
      // There was too little to say anything about it: that is an answer.
      return { isAnswer: true };
    default:
      return text(json, 'error') === undefined ? {} : { error: type };
  }
}

export interface ElevenLabsTextToSpeechOptions extends ServiceOptions {
  /** Its id. */
  readonly voice: string;
  /** @default 'eleven_flash_v2_5' */
  readonly model?: string;
  /** `stability`, `similarity_boost` and their like, as ElevenLabs spells them. */
  readonly voiceSettings?: Readonly<Record<string, unknown>>;
}

export class ElevenLabsTextToSpeech implements TextToSpeech {
  readonly #service: Service;
  readonly #options: ElevenLabsTextToSpeechOptions;

  constructor(options: ElevenLabsTextToSpeechOptions) {
    this.#service = serviceOf('ElevenLabs', options);
    this.#options = options;
  }

  speak(said: string | AsyncIterable<string>, options: SpeakOptions): AsyncGenerator<SpokenChunk> {
    return speakOverWire(this.#service, () => this.#dialect(options), said, options);
  }

  #dialect(options: SpeakOptions): VoiceDialect {
    const { apiKey, url = ADDRESS, voice, model = 'eleven_flash_v2_5', voiceSettings } = this.#options;
    const sampleRate = rateNear(options.sampleRate);
    const query = { model_id: model, output_format: `pcm_${sampleRate}`, language_code: options.language?.split('-', 1)[0] };
    const path = `/v1/text-to-speech/${encodeURIComponent(voice)}/stream-input`;
    const words = new WordClock();
    return {
      target: { url: addressOf(url, 'ws', path, query), headers: { 'xi-api-key': apiKey } },
      sampleRate,
      hello: () => [JSON.stringify({ text: ' ', ...(voiceSettings && { voice_settings: voiceSettings }) })],
      // A piece ends with a space, or it is taken for half a word.
      text: (piece) => [JSON.stringify({ text: piece.endsWith(' ') ? piece : `${piece} ` })],
      end: () => ['{"text":""}'],
      read: (message) => understandSpeech(message, words, sampleRate),
    };
  }
}

function understandSpeech(message: Message, words: WordClock, sampleRate: number): Spoken {
  const json = typeof message === 'string' ? readJson(message) : undefined;
  const error = text(json, 'error');
  if (error !== undefined) return { error };
  const sound = bytes(json, 'audio');
  const isLast = json?.['isFinal'] === true;
  const marks = words.read(part(json, 'alignment'), isLast);
  if (sound !== undefined) words.advance(sound.length / 2, sampleRate);
  return { sound: sound ?? new Uint8Array(0), ...(marks.length > 0 && { words: marks }), isLast };
}

/** Letters and their times, counted from the beginning of each piece of sound, to words, counted from the beginning of the speech. */
class WordClock {
  #beforeMs = 0;
  /** Not whole yet: a piece of sound may end in its middle. */
  #word: WordMark | undefined;

  /** The words that are whole. */
  read(alignment: Json, isLast: boolean): readonly WordMark[] {
    const letters = alignment['chars'];
    const starts = alignment['charStartTimesMs'];
    const marks: WordMark[] = [];
    const finish = (): void => {
      if (this.#word !== undefined) marks.push(this.#word);
      this.#word = undefined;
    };
    if (Array.isArray(letters) && Array.isArray(starts)) {
      letters.forEach((letter: unknown, i) => {
        if (typeof letter !== 'string' || letter.trim() === '') finish();
        else {
          const { text: before, atMs } = this.#word ?? { text: '', atMs: this.#beforeMs + (Number(starts[i]) || 0) };
          this.#word = { text: before + letter, atMs };
        }
      });
    }
    if (isLast) finish();
    return marks;
  }

  advance(samples: number, sampleRate: number): void {
    this.#beforeMs += (samples * 1000) / sampleRate;
  }
}
