/**
 * OpenAI's Realtime API over WebSocket (developers.openai.com/api/reference/resources/realtime), and servers that speak like it: the caller talks with
 * a speech model. The model's ear decides when the caller interrupts; then what is queued stops at once and the model is told how much was heard.
 */
import { OptionError } from '../../errors.js';
import type { Call, DtmfDigit } from '../call.js';
import type { AudioOptions } from '../options.js';
import { bytes, type Json, number, part, readJson, text } from '../wire/json.js';
import type { Message, MessageWire, WireClosed, WireEvents, WireOpener } from '../wire/message-wire.js';
import { isFinal } from '../wire/message-wire.js';
import { bytesPerMs, type SoundEncoding, type SoundFormat } from '../wire/sound-format.js';
import { checkSocketUrl, openWebSocket } from '../wire/web-socket.js';
import { BridgeBot } from './bridge-bot.js';
import type { BridgeEvents, BridgeOptions, Platform } from './bridge-line.js';
import { KeysPressed } from './keys-pressed.js';
import { asText, readInput, runTool, type Tool } from './phone-tools.js';
import { type RealtimeDialect, realtimeSession } from './realtime-session.js';
import { SpokenItems } from './spoken-items.js';

export interface OpenAiRealtimeOptions extends BridgeOptions {
  readonly apiKey: string;
  /** @default 'gpt-realtime' */
  readonly model?: string;
  /** @default 'wss://api.openai.com/v1/realtime?model=…' */
  readonly url?: string;
  readonly instructions?: string;
  readonly voice?: string;
  /** What the model may do, beside talking; see `transferTool`, `hangupTool`, `digitsTool`. */
  readonly tools?: readonly Tool[];
  /** G.711 as telephones have it, or 24 kHz, better where the call is wideband. @default 'pcmu' */
  readonly encoding?: SoundEncoding;
  /** The model speaks first: true, or told what to say. @default false */
  readonly greet?: boolean | string;
  /** What is queued stops when the service hears the caller speak. @default true */
  readonly bargeIn?: boolean;
  /** More of the session, as the API spells it; what is here wins. */
  readonly session?: Readonly<Record<string, unknown>>;
  /** Field and event names: 'beta' for servers that speak the older ones. @default 'ga' */
  readonly dialect?: RealtimeDialect;
  readonly headers?: Readonly<Record<string, string>>;
  /** For tests, and for roads of your own. @default a WebSocket */
  readonly connect?: WireOpener;
}

export interface OpenAiRealtimeEvents extends BridgeEvents {
  /** What was said, when it is whole. The caller's only where the session transcribes input. */
  transcript: [said: { readonly who: 'caller' | 'model'; readonly text: string }];
  toolCall: [call: { readonly name: string; readonly input: Json | undefined }];
  toolResult: [result: { readonly name: string; readonly result: unknown }];
  /** The caller interrupted; so much of the item was heard. */
  interrupted: [cut: { readonly itemId: string; readonly heardMs: number }];
  /** The service did not like something. */
  refused: [error: { readonly code: string; readonly message: string }];
  /** Every event of the service but sound, as it came. */
  event: [event: Json];
}

/** What was said before a connection was lost is told to the model again, as far back as this. */
const MAX_HISTORY = 60;
const EXPIRED = 'session_expired';

export class OpenAiRealtime extends BridgeBot<OpenAiRealtimeEvents> {
  readonly audio: AudioOptions;
  readonly #options: OpenAiRealtimeOptions;
  readonly #format: SoundFormat;
  readonly #items = new SpokenItems();
  readonly #history: { readonly who: 'caller' | 'model'; readonly text: string }[] = [];
  #keys: KeysPressed | undefined;
  #responseId: string | undefined;
  #toolsRunning = 0;
  #owesResponse = false;
  #hasExpired = false;
  /** A session knows nothing of the tools that the one before has used. */
  #session = 0;

  constructor(options: OpenAiRealtimeOptions) {
    if (!options.apiKey) throw new OptionError('apiKey', 'must be the key of the service');
    if (options.url !== undefined) checkSocketUrl('url', options.url);
    super(options);
    this.#options = options;
    const { encoding = 'pcmu' } = options;
    this.#format = { encoding, sampleRate: encoding === 'pcm16' ? 24_000 : 8000 };
    this.audio = { sampleRate: encoding === 'pcm16' ? 24_000 : 8000 };
  }

  /** An event of your own to the service. False: it is away. */
  send(event: object): boolean {
    return this.isStarted && this.line.send(event);
  }

  /** Stops what the model is saying, as if the caller had interrupted. */
  interrupt(): void {
    if (!this.isStarted) return;
    if (this.#responseId !== undefined) this.send({ type: 'response.cancel' });
    this.#cutOff();
  }

  /** The model is to say something now: by these instructions, or on what it knows. */
  respond(instructions?: string): void {
    const isAsked =
      this.#responseId === undefined &&
      this.send({ type: 'response.create', ...(instructions !== undefined && { response: { instructions } }) });
    if (!isAsked) this.#owesResponse = true;
  }

  onDtmf(digit: DtmfDigit): void {
    this.#keys?.press(digit);
  }

  override onEnd(): void {
    this.#keys?.stop();
    super.onEnd();
  }

  protected platform(call: Call): Platform {
    this.#keys = new KeysPressed(call.home.clock, (digits) => this.#tellKeys(digits));
    return {
      name: 'openai-realtime',
      up: this.#format,
      down: this.#format,
      chunkMs: 20,
      open: (events) => this.#open(events),
      onUp: () => this.#onUp(),
      onDown: () => this.#onDown(),
      onMessage: (message) => this.#onMessage(message),
      sound: (chunk) => JSON.stringify({ type: 'input_audio_buffer.append', audio: Buffer.from(chunk.buffer).toString('base64') }),
      isFinal: (closed) => this.#isFinal(closed),
    };
  }

  #open(events: WireEvents): MessageWire {
    const { apiKey, model = 'gpt-realtime', url, dialect, headers, connect = openWebSocket } = this.#options;
    const beta = dialect === 'beta' ? { 'OpenAI-Beta': 'realtime=v1' } : {};
    return connect(
      {
        url: url ?? `wss://api.openai.com/v1/realtime?model=${encodeURIComponent(model)}`,
        headers: { Authorization: `Bearer ${apiKey}`, ...beta, ...headers },
      },
      events,
    );
  }

  /** A session lasts an hour at most; a call may last longer. */
  #isFinal(closed: WireClosed): boolean {
    const hasExpired = this.#hasExpired;
    this.#hasExpired = false;
    return !hasExpired && isFinal(closed);
  }

  #onUp(): void {
    const { greet = false } = this.#options;
    this.#session++;
    this.send({ type: 'session.update', session: realtimeSession(this.#options, this.#format) });
    for (const { who, text: said } of this.#history) this.#tell(who === 'caller' ? 'user' : 'assistant', said);
    if (this.#history.length > 0 || greet === false) this.#settle();
    else {
      this.#owesResponse = false;
      this.respond(greet === true ? undefined : greet);
    }
  }

  /** An answer that was on its way is owed by the next session, unless its words had come. */
  #onDown(): void {
    this.#items.forget();
    if (this.#responseId !== undefined && this.#history.at(-1)?.who !== 'model') this.#owesResponse = true;
    this.#responseId = undefined;
  }

  #onMessage(message: Message): void {
    const event = typeof message === 'string' ? readJson(message) : undefined;
    const type = text(event, 'type');
    if (event === undefined || type === undefined) return;
    switch (type) {
      case 'response.output_audio.delta':
      case 'response.audio.delta':
        this.#play(event);
        return;
      case 'input_audio_buffer.speech_started':
        if (this.#options.bargeIn !== false) this.#cutOff();
        break;
      case 'response.created':
        this.#responseId = text(part(event, 'response'), 'id') ?? '';
        break;
      case 'response.done':
        this.#responseId = undefined;
        this.#settle();
        break;
      case 'response.output_item.done':
        this.#useTool(part(event, 'item'));
        break;
      case 'response.output_audio_transcript.done':
      case 'response.audio_transcript.done':
        this.#remember('model', text(event, 'transcript'));
        break;
      case 'conversation.item.input_audio_transcription.completed':
        this.#remember('caller', text(event, 'transcript'));
        break;
      case 'error':
        this.#onError(part(event, 'error'));
        break;
    }
    this.emit('event', event);
  }

  #play(event: Json): void {
    const sound = bytes(event, 'delta');
    if (sound === undefined) return;
    const said = {
      id: text(event, 'item_id') ?? '',
      responseId: text(event, 'response_id') ?? '',
      contentIndex: number(event, 'content_index') ?? 0,
      ms: sound.length / bytesPerMs(this.#format),
    };
    const { line } = this;
    if (this.#items.add(said, line.call.audio.playedMs, line.queuedMs)) line.play(sound);
  }

  /** The caller speaks: what was not heard is taken back, and the model's memory with it. */
  #cutOff(): void {
    if (this.#responseId !== undefined) this.#items.silence(this.#responseId);
    this.line.clear();
    for (const { id, contentIndex, heardMs } of this.#items.cut(this.line.call.audio.playedMs)) {
      this.send({ type: 'conversation.item.truncate', item_id: id, content_index: contentIndex, audio_end_ms: heardMs });
      this.emit('interrupted', { itemId: id, heardMs });
    }
  }

  #useTool(item: Json): void {
    if (text(item, 'type') !== 'function_call') return;
    const name = text(item, 'name') ?? '';
    const callId = text(item, 'call_id');
    const input = readInput(text(item, 'arguments') ?? '');
    this.emit('toolCall', { name, input });
    const tool = this.#options.tools?.find((one) => one.name === name);
    const result =
      tool === undefined
        ? { error: `there is no tool ${name}` }
        : input === undefined
          ? { error: 'the arguments are no JSON object' }
          : runTool(tool, { call: this.line.call, input, spoken: () => this.line.drained() });
    this.#toolsRunning++;
    const session = this.#session;
    void Promise.resolve(result).then((output) => {
      this.#toolsRunning--;
      this.emit('toolResult', { name, result: output });
      const item = { type: 'function_call_output', call_id: callId, output: asText(output) };
      if (session !== this.#session || !this.send({ type: 'conversation.item.create', item })) this.#inform(`[${name}: ${asText(output)}]`);
      if (tool?.replies !== false) this.#owesResponse = true;
      this.#settle();
    });
  }

  /** One response at a time: the next is asked for when the last has ended and every tool has answered. */
  #settle(): void {
    if (!this.#owesResponse || this.#responseId !== undefined || this.#toolsRunning > 0) return;
    this.#owesResponse = !this.send({ type: 'response.create' });
  }

  #tellKeys(digits: string): void {
    this.#inform(`[The caller pressed ${digits} on the keypad]`);
    this.respond();
  }

  /** Now, and whichever session comes next. */
  #inform(what: string): void {
    this.#tell('user', what);
    this.#note('caller', what);
  }

  #tell(role: 'user' | 'assistant', said: string): void {
    const type = role === 'user' ? 'input_text' : this.#options.dialect === 'beta' ? 'text' : 'output_text';
    this.send({ type: 'conversation.item.create', item: { type: 'message', role, content: [{ type, text: said }] } });
  }

  #remember(who: 'caller' | 'model', said: string | undefined): void {
    if (said === undefined || said.trim() === '') return;
    this.#note(who, said);
    this.emit('transcript', { who, text: said });
  }

  #note(who: 'caller' | 'model', said: string): void {
    this.#history.push({ who, text: said });
    if (this.#history.length > MAX_HISTORY) this.#history.shift();
  }

  #onError(error: Json): void {
    const code = text(error, 'code') ?? text(error, 'type') ?? 'error';
    if (code === EXPIRED) this.#hasExpired = true;
    const { call } = this.line;
    call.home.logger.warn({ call: call.id, code }, 'the Realtime service refused something');
    this.emit('refused', { code, message: text(error, 'message') ?? '' });
  }
}
