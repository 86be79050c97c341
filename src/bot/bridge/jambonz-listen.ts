/**
 * The WebSocket of jambonz' `listen` verb (docs.jambonz.org/verbs/verbs/listen), from jambonz' side: an application that serves it runs unchanged behind our bot.
 * A text message says who calls, binary messages are 16-bit PCM; back come binary PCM (streaming) or `playAudio` with a whole sound, `killAudio`,
 * `mark`, `clearMarks` and `disconnect`.
 */
import { monoSound, type Sound } from '../../codec/sound.js';
import { readWav } from '../../codec/wav.js';
import type { Call, DtmfDigit } from '../call.js';
import type { MarkOutcome } from '../mark-events.js';
import type { AudioOptions } from '../options.js';
import { bytes, type Json, number, part, readJson, text } from '../wire/json.js';
import type { Message, MessageWire, WireEvents, WireOpener } from '../wire/message-wire.js';
import { soundWriter } from '../wire/sound-format.js';
import { checkSocketUrl, openWebSocket } from '../wire/web-socket.js';
import { BridgeBot } from './bridge-bot.js';
import type { BridgeOptions, Platform } from './bridge-line.js';

export interface JambonzListenOptions extends BridgeOptions {
  readonly url: string;
  /** HTTP Basic, as `wsAuth` of the verb. */
  readonly auth?: { readonly username: string; readonly password: string };
  /** Of what the caller says. @default 8000 */
  readonly sampleRate?: 8000 | 16000 | 24000 | 48000;
  /** Of binary messages from the application: `bidirectionalAudio.sampleRate` of the verb. @default the same */
  readonly replySampleRate?: number;
  /** Added to the first message, as the verb's `metadata` is. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Keys are told: `passDtmf` of the verb. @default true */
  readonly passDtmf?: boolean;
  /** For tests, and for roads of your own. @default a WebSocket */
  readonly connect?: WireOpener;
}

const SUBPROTOCOL = 'audio.jambonz.org';
/** The beginning of the names of our own marks: the end of a `playAudio`, and its id. */
const PLAY_DONE = '\u0001playDone';
const PCM = { encoding: 'pcm16' } as const;

export class JambonzListen extends BridgeBot {
  readonly audio: AudioOptions;
  readonly #options: JambonzListenOptions;
  readonly #sampleRate: 8000 | 16000 | 24000 | 48000;

  constructor(options: JambonzListenOptions) {
    checkSocketUrl('url', options.url);
    super(options);
    this.#options = options;
    this.#sampleRate = options.sampleRate ?? 8000;
    this.audio = { sampleRate: this.#sampleRate };
  }

  onDtmf(dtmf: DtmfDigit): void {
    if (this.#options.passDtmf !== false && this.isStarted) this.line.keep(() => ({ event: 'dtmf', dtmf }));
  }

  protected platform(call: Call): Platform {
    return {
      name: 'jambonz-listen',
      up: { ...PCM, sampleRate: this.#sampleRate },
      down: { ...PCM, sampleRate: this.#options.replySampleRate ?? this.#sampleRate },
      chunkMs: 20,
      open: (events) => this.#open(events),
      onUp: () => void this.line.send(this.#start(call)),
      onMessage: (message) => this.#onMessage(message),
      onMark: (name, outcome) => this.#onMark(name, outcome),
      sound: (chunk) => chunk,
    };
  }

  #open(events: WireEvents): MessageWire {
    const { url, auth, connect = openWebSocket } = this.#options;
    const basic = auth && { Authorization: `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}` };
    return connect({ url, protocols: [SUBPROTOCOL], ...(basic && { headers: basic }) }, events);
  }

  #start(call: Call): object {
    return {
      callSid: call.id,
      callId: call.id,
      direction: call.direction === 'in' ? 'inbound' : 'outbound',
      from: call.from.user ?? call.from.uri,
      to: call.to.user ?? call.to.uri,
      callerName: call.from.displayName ?? '',
      callStatus: 'in-progress',
      sampleRate: this.#sampleRate,
      mixType: 'mono',
      ...this.#options.metadata,
    };
  }

  #onMark(name: string, outcome: MarkOutcome['outcome']): void {
    if (isPlayDone(name)) {
      const id = name.slice(PLAY_DONE.length);
      this.line.send({ type: 'playDone', ...(id !== '' && { data: { id } }) });
    } else this.line.send({ type: 'mark', data: { name, event: outcome === 'sent' ? 'playout' : 'cleared' } });
  }

  #onMessage(message: Message): void {
    if (typeof message !== 'string') {
      this.line.play(message);
      return;
    }
    const json = readJson(message);
    const data = part(json, 'data');
    switch (text(json, 'type')) {
      case 'playAudio':
        this.#play(data);
        break;
      case 'killAudio':
        this.line.clear();
        break;
      case 'mark': {
        const name = text(data, 'name');
        if (name !== undefined && !isPlayDone(name)) this.line.mark(name);
        break;
      }
      case 'clearMarks':
        this.line.forgetMarks((name) => !isPlayDone(name));
        break;
      case 'disconnect':
        void this.line.hangup();
        break;
    }
  }

  /** A whole sound, as it is or in a WAV file: behind the others, or with `queuePlay: false` instead of them. */
  #play(data: Json): void {
    const content = bytes(data, 'audioContent');
    if (content === undefined) return;
    const isWav = /^wave?$/.test(text(data, 'audioContentType') ?? '');
    const sound = isWav ? decoded(content) : undefined;
    if (data['queuePlay'] === false) this.line.clear();
    if (!isWav) this.line.play(content, { ...PCM, sampleRate: number(data, 'sampleRate') ?? this.#sampleRate });
    else if (sound !== undefined) {
      const samples = monoSound(sound);
      const format = { ...PCM, sampleRate: sound.sampleRate };
      this.line.play(soundWriter(format)(samples, samples.length), format);
    }
    this.line.mark(`${PLAY_DONE}${text(data, 'id') ?? ''}`);
  }
}

function isPlayDone(name: string): boolean {
  return name.startsWith(PLAY_DONE);
}

/** Undefined: no WAV file that we can read. */
function decoded(file: Uint8Array): Sound | undefined {
  try {
    return readWav(file);
  } catch {
    return undefined;
  }
}
