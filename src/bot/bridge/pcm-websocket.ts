/**
 * A plain WebSocket for platforms of one's own: binary messages are 16-bit PCM, low byte first, at the agreed rates, in any split; text messages
 * are JSON. What is said in JSON is in docs/bridges.md; a platform with words of its own is met with `hello` and `understand`.
 */
import { OptionError } from '../../errors.js';
import type { Call, DtmfDigit } from '../call.js';
import type { AudioOptions } from '../options.js';
import { type Json, number, readJson, text } from '../wire/json.js';
import type { Message, WireOpener } from '../wire/message-wire.js';
import { checkSocketUrl, openWebSocket } from '../wire/web-socket.js';
import { BridgeBot } from './bridge-bot.js';
import type { BridgeEvents, BridgeOptions, Platform } from './bridge-line.js';

/** What a platform may ask of the call. */
export type Control =
  | { readonly type: 'mark'; readonly name: string }
  | { readonly type: 'clear' }
  | { readonly type: 'audio'; readonly sampleRate: number }
  | { readonly type: 'digits'; readonly digits: string }
  | { readonly type: 'transfer'; readonly to: string }
  | { readonly type: 'hangup' };

export interface PcmWebSocketOptions extends BridgeOptions {
  readonly url: string;
  /** Of the handshake: a token, for example. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocols?: readonly string[];
  /** Of what the caller says. @default 16000 */
  readonly sampleRate?: number;
  /** Of what the platform says. @default the same */
  readonly replySampleRate?: number;
  /** Of each binary message to it. @default 20 */
  readonly chunkMs?: number;
  /** What it is told of the call when it is connected, instead of our `start`; undefined: nothing. */
  readonly hello?: (call: Call) => object | undefined;
  /** What its text messages ask of the call, when its words are not ours; undefined: nothing. */
  readonly understand?: (message: Json) => Control | undefined;
  /** For tests, and for roads of your own. @default a WebSocket */
  readonly connect?: WireOpener;
}

export interface PcmWebSocketEvents extends BridgeEvents {
  /** Every text message of the platform that is a JSON object, whether understood or not. */
  message: [message: Json];
}

export class PcmWebSocket extends BridgeBot<PcmWebSocketEvents> {
  readonly audio: AudioOptions;
  readonly #options: PcmWebSocketOptions;
  readonly #sampleRate: number;
  #replyRate: number;

  constructor(options: PcmWebSocketOptions) {
    checkSocketUrl('url', options.url);
    super(options);
    this.#options = options;
    this.#sampleRate = checkRate('sampleRate', options.sampleRate ?? 16_000);
    this.#replyRate = checkRate('replySampleRate', options.replySampleRate ?? this.#sampleRate);
    this.audio = { sampleRate: this.#sampleRate === 8000 || this.#sampleRate === 24_000 ? this.#sampleRate : 16_000 };
  }

  /** Text of your own to the platform. False: it is away. */
  send(message: object): boolean {
    return this.isStarted && this.line.send(message);
  }

  onDtmf(digit: DtmfDigit): void {
    if (this.isStarted) this.line.keep(() => ({ type: 'dtmf', digit }));
  }

  override onEnd(): void {
    this.send({ type: 'stop' });
    super.onEnd();
  }

  protected platform(call: Call): Platform {
    const { url, headers = {}, protocols = [], chunkMs = 20, hello, connect = openWebSocket } = this.#options;
    const pcm = { encoding: 'pcm16' } as const;
    return {
      name: 'pcm-websocket',
      up: { ...pcm, sampleRate: this.#sampleRate },
      down: { ...pcm, sampleRate: this.#replyRate },
      chunkMs,
      open: (events) => connect({ url, headers, protocols }, events),
      onUp: (connects) => {
        const said = hello === undefined ? this.#start(call, connects) : hello(call);
        if (said !== undefined) this.line.send(said);
      },
      onMessage: (message) => this.#onMessage(message),
      onMark: (name, outcome) => this.send({ type: 'mark', name, outcome }),
      sound: (chunk) => chunk,
    };
  }

  #start(call: Call, connects: number): object {
    const { id, direction, from, to } = call;
    const audio = { encoding: 'pcm16', sampleRate: this.#sampleRate };
    return {
      type: 'start',
      call: { id, direction, from: from.uri, to: to.uri },
      audio,
      reply: { ...audio, sampleRate: this.#replyRate },
      connects,
    };
  }

  #onMessage(message: Message): void {
    if (typeof message !== 'string') {
      this.line.play(message, { encoding: 'pcm16', sampleRate: this.#replyRate });
      return;
    }
    const json = readJson(message);
    if (json === undefined) return;
    const control = (this.#options.understand ?? understandOurs)(json);
    if (control !== undefined) this.#obey(control);
    this.emit('message', json);
  }

  #obey(control: Control): void {
    const { call } = this.line;
    switch (control.type) {
      case 'mark':
        this.line.mark(control.name);
        break;
      case 'clear':
        this.send({ type: 'cleared', ...this.line.clear() });
        break;
      case 'audio':
        this.#replyRate = control.sampleRate;
        break;
      case 'digits':
        call.sendDtmf(control.digits).catch((error: unknown) => this.#refuse(control.type, error));
        break;
      case 'transfer':
        void this.#transfer(control.to);
        break;
      case 'hangup':
        void this.line.hangup();
        break;
    }
  }

  async #transfer(to: string): Promise<void> {
    try {
      this.send({ type: 'transferred', ...(await this.line.call.transfer(to)) });
    } catch (error) {
      this.#refuse('transfer', error);
    }
  }

  #refuse(control: string, error: unknown): void {
    this.send({ type: 'error', control, reason: (error as Error).message });
  }
}

function understandOurs(json: Json): Control | undefined {
  const word = (key: string): string | undefined => text(json, key);
  switch (word('type')) {
    case 'clear':
      return { type: 'clear' };
    case 'hangup':
      return { type: 'hangup' };
    case 'mark':
      return named('name', (name) => ({ type: 'mark', name }));
    case 'digits':
      return named('digits', (digits) => ({ type: 'digits', digits }));
    case 'transfer':
      return named('to', (to) => ({ type: 'transfer', to }));
    case 'audio': {
      const sampleRate = number(json, 'sampleRate');
      return sampleRate !== undefined && isRate(sampleRate) ? { type: 'audio', sampleRate } : undefined;
    }
    default:
      return undefined;
  }

  function named(key: string, control: (value: string) => Control): Control | undefined {
    const value = word(key);
    return value === undefined ? undefined : control(value);
  }
}

function isRate(rate: number): boolean {
  return Number.isInteger(rate) && rate >= 8000 && rate <= 48_000;
}

function checkRate(option: string, rate: number): number {
  if (isRate(rate)) return rate;
  throw new OptionError(option, 'must be a whole number of Hz from 8000 to 48000');
}
