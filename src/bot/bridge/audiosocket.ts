/**
 * AudioSocket, in Asterisk's place: connects to an AudioSocket server, names the call by a UUID and carries its sound. An application written for
 * Asterisk's AudioSocket() runs unchanged behind our bot. It has neither marks nor clear: the server sends no faster than people listen.
 */
import { OptionError } from '../../errors.js';
import type { ByteStream, Network } from '../../network.js';
import { systemNetwork } from '../../sip/transport/system-network.js';
import type { Call, DtmfDigit } from '../call.js';
import type { AudioOptions } from '../options.js';
import { lostCode, type Message, type MessageWire, type WireEvents } from '../wire/message-wire.js';
import {
  type AudioSocketFrame,
  audioKindOf,
  dtmfKind,
  errorKind,
  FrameSplitter,
  hangupKind,
  rateOfKind,
  uuidBytes,
  uuidKind,
  uuidText,
  writeFrame,
} from './audiosocket-frames.js';
import { BridgeBot } from './bridge-bot.js';
import type { BridgeOptions, Platform } from './bridge-line.js';

export interface AudioSocketOptions extends BridgeOptions {
  readonly host: string;
  /** @default 9092 */
  readonly port?: number;
  /** What the server knows the call by. @default drawn by lot; see `uuid` */
  readonly uuid?: string;
  /** Of what the caller says; servers of before 2025 know 8000 alone. @default 8000 */
  readonly sampleRate?: 8000 | 16000 | 24000 | 48000;
  readonly network?: Network;
}

const TIMEOUT_MS = 5000;

/** Frames as messages: the first byte is the kind, the rest the payload. */
class StreamWire implements MessageWire {
  readonly #events: WireEvents;
  #stream: ByteStream | undefined;
  #isOver = false;

  constructor(opening: Promise<ByteStream>, events: WireEvents) {
    this.#events = events;
    opening.then(
      (stream) => this.#begin(stream),
      (error: Error) => this.#end(lostCode, error.message),
    );
  }

  get queuedBytes(): number {
    return this.#stream?.queuedBytes ?? 0;
  }

  send(message: Message): void {
    this.#stream?.write(message as Uint8Array);
  }

  ping(): void {}

  pause(): void {}

  resume(): void {}

  close(): void {
    this.#isOver = true;
    this.#stream?.write(writeFrame(hangupKind));
    this.#stream?.end();
  }

  destroy(): void {
    this.#isOver = true;
    this.#stream?.destroy();
  }

  #begin(stream: ByteStream): void {
    if (this.#isOver) {
      stream.destroy();
      return;
    }
    this.#stream = stream;
    const frames = new FrameSplitter((frame) => this.#onFrame(frame));
    stream.onClose = (error) => this.#end(lostCode, error?.message ?? 'the connection was closed');
    this.#events.onOpen();
    stream.onBytes = (bytes) => frames.take(bytes);
  }

  #onFrame({ kind, payload }: AudioSocketFrame): void {
    if (this.#isOver) return;
    if (kind === hangupKind) this.#end(1000, 'it hung up');
    else if (kind === errorKind) this.#end(lostCode, `it says error ${payload[0] ?? ''}`);
    else {
      const message = new Uint8Array(1 + payload.length);
      message[0] = kind;
      message.set(payload, 1);
      this.#events.onMessage(message);
    }
  }

  #end(code: number, reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stream?.end();
    this.#events.onClose({ code, reason });
  }
}

export class AudioSocket extends BridgeBot {
  readonly audio: AudioOptions;
  readonly #options: AudioSocketOptions;
  readonly #sampleRate: 8000 | 16000 | 24000 | 48000;
  #uuid: Uint8Array;

  constructor(options: AudioSocketOptions) {
    super({ live: true, ...options });
    this.#options = options;
    this.#sampleRate = options.sampleRate ?? 8000;
    if (audioKindOf(this.#sampleRate) === undefined) throw new OptionError('sampleRate', 'must be a rate that AudioSocket has a kind for');
    const uuid = options.uuid === undefined ? undefined : uuidBytes(options.uuid);
    if (options.uuid !== undefined && uuid === undefined)
      throw new OptionError('uuid', 'must be a UUID, 32 hexadecimal digits with or without dashes');
    this.#uuid = uuid ?? new Uint8Array(0);
    this.audio = { sampleRate: this.#sampleRate };
  }

  /** What the server knows the call by; when it was not given, from the start of the call on. */
  get uuid(): string {
    return uuidText(this.#uuid);
  }

  onDtmf(digit: DtmfDigit): void {
    if (this.isStarted) this.line.keep(() => writeFrame(dtmfKind, Buffer.from(digit)));
  }

  protected platform(_call: Call): Platform {
    const { host, port = 9092, network = systemNetwork } = this.#options;
    const kind = audioKindOf(this.#sampleRate)!;
    const format = { encoding: 'pcm16', sampleRate: this.#sampleRate } as const;
    return {
      name: 'audiosocket',
      up: format,
      down: format,
      chunkMs: 20,
      pings: false,
      open: (events) => new StreamWire(network.connect({ host, port, timeoutMs: TIMEOUT_MS }), events),
      onUp: () => {
        if (this.#uuid.length === 0) this.#uuid = randomUuid(this.line.random.bytes(16));
        this.line.send(writeFrame(uuidKind, this.#uuid));
      },
      onMessage: (message) => this.#onMessage(message as Uint8Array),
      sound: (chunk) => writeFrame(kind, chunk),
    };
  }

  #onMessage(message: Uint8Array): void {
    const sampleRate = rateOfKind(message[0]!);
    if (sampleRate !== undefined) this.line.play(message.subarray(1), { encoding: 'pcm16', sampleRate });
  }
}

/** Version 4 (RFC 9562 §5.4). */
function randomUuid(bytes: Uint8Array): Uint8Array {
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes;
}
