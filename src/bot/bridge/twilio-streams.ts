/**
 * Twilio Media Streams (twilio.com/docs/voice/media-streams/websocket-messages), from Twilio's side of the socket: an application written for
 * a bidirectional <Connect><Stream> runs unchanged behind our bot. µ-law at 8 kHz in base 64, both ways; mark and clear mean what was heard.
 */
import { createHash, createHmac } from 'node:crypto';
import type { Call, DtmfDigit } from '../call.js';
import type { MarkOutcome } from '../mark-events.js';
import type { AudioOptions } from '../options.js';
import { bytes, part, readJson, text } from '../wire/json.js';
import type { Message, MessageWire, WireEvents, WireOpener } from '../wire/message-wire.js';
import type { SoundFormat } from '../wire/sound-format.js';
import { checkSocketUrl, openWebSocket } from '../wire/web-socket.js';
import { BridgeBot } from './bridge-bot.js';
import type { BridgeOptions, Platform } from './bridge-line.js';

export interface TwilioStreamsOptions extends BridgeOptions {
  /** Where the application listens: ws:// or wss://. */
  readonly url: string;
  /** The application's <Parameter>s: `customParameters` of its `start`. */
  readonly parameters?: Readonly<Record<string, string>> | ((call: Call) => Readonly<Record<string, string>>);
  /** Who we say we are. @default AC and 32 zeros */
  readonly accountSid?: string;
  /** With it the handshake carries an X-Twilio-Signature, for applications that ask for one. */
  readonly authToken?: string;
  /** More headers of the handshake. */
  readonly headers?: Readonly<Record<string, string>>;
  /** For tests, and for roads of your own. @default a WebSocket */
  readonly connect?: WireOpener;
}

const FORMAT: SoundFormat = { encoding: 'pcmu', sampleRate: 8000 };

export class TwilioStreams extends BridgeBot {
  readonly audio: AudioOptions = { sampleRate: 8000 };
  readonly #options: TwilioStreamsOptions;
  #streamSid = '';
  #callSid = '';
  #sequence = 0;
  #chunk = 0;
  /** Media time at which this stream began. */
  #startedAt: number | undefined;

  constructor(options: TwilioStreamsOptions) {
    checkSocketUrl('url', options.url);
    super(options);
    this.#options = options;
  }

  onDtmf(digit: DtmfDigit): void {
    if (this.isStarted) this.line.keep(() => this.#message('dtmf', { dtmf: { track: 'inbound_track', digit } }));
  }

  override onEnd(): void {
    if (this.isStarted) this.#say('stop', { stop: { accountSid: this.#accountSid, callSid: this.#callSid } });
    super.onEnd();
  }

  protected platform(call: Call): Platform {
    this.#callSid = `CA${createHash('md5').update(call.id).digest('hex')}`;
    return {
      name: 'twilio-streams',
      up: FORMAT,
      down: FORMAT,
      chunkMs: 20,
      open: (events) => this.#open(events),
      onUp: () => this.#start(call),
      onMessage: (message) => this.#onMessage(message),
      onMark: (name, outcome) => this.#onMark(name, outcome),
      sound: (chunk, timeMs) => this.#media(chunk, timeMs),
    };
  }

  get #accountSid(): string {
    return this.#options.accountSid ?? `AC${'0'.repeat(32)}`;
  }

  #open(events: WireEvents): MessageWire {
    const { url, authToken, headers, connect = openWebSocket } = this.#options;
    const signature = authToken === undefined ? {} : { 'X-Twilio-Signature': createHmac('sha1', authToken).update(url).digest('base64') };
    return connect({ url, headers: { ...signature, ...headers } }, events);
  }

  /** After a reconnection too: to the application it is another stream of the same call. */
  #start(call: Call): void {
    const { parameters = {} } = this.#options;
    this.#streamSid = `MZ${Buffer.from(this.line.random.bytes(16)).toString('hex')}`;
    this.#sequence = 0;
    this.#chunk = 0;
    this.#startedAt = undefined;
    this.line.send({ event: 'connected', protocol: 'Call', version: '1.0.0' });
    this.#say('start', {
      start: {
        accountSid: this.#accountSid,
        streamSid: this.#streamSid,
        callSid: this.#callSid,
        tracks: ['inbound'],
        mediaFormat: { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 },
        customParameters: typeof parameters === 'function' ? parameters(call) : parameters,
      },
    });
  }

  #media(chunk: Uint8Array, timeMs: number): string {
    this.#startedAt ??= timeMs;
    const payload = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('base64');
    const timestamp = String(Math.round(timeMs - this.#startedAt));
    return this.#message('media', { media: { track: 'inbound', chunk: String(++this.#chunk), timestamp, payload } });
  }

  #onMark(name: string, _outcome: MarkOutcome['outcome']): void {
    // Twilio's mark says the same of both outcomes: what came before it will not be heard any more.
    this.#say('mark', { mark: { name } });
  }

  #say(event: string, what: object): void {
    if (this.isStarted) this.line.send(this.#message(event, what));
  }

  #message(event: string, what: object): string {
    return JSON.stringify({ event, sequenceNumber: String(++this.#sequence), ...what, streamSid: this.#streamSid });
  }

  #onMessage(message: Message): void {
    if (typeof message !== 'string') return;
    const json = readJson(message);
    // Another stream's: an application that missed the reconnection.
    if (json === undefined || (text(json, 'streamSid') ?? this.#streamSid) !== this.#streamSid) return;
    switch (text(json, 'event')) {
      case 'media': {
        const payload = bytes(part(json, 'media'), 'payload');
        if (payload !== undefined) this.line.play(payload);
        break;
      }
      case 'mark': {
        const name = text(part(json, 'mark'), 'name');
        if (name !== undefined) this.line.mark(name);
        break;
      }
      case 'clear':
        this.line.clear();
        break;
    }
  }
}
