/**
 * AudioSocket, in the application's place: listens, and Asterisk's AudioSocket() application or channel connects. Each connection names its call
 * first, by the UUID of the dialplan, and has sound and keys from then on.
 */
import { type Clock, systemClock } from '../../clock.js';
import { ListenError, OptionError } from '../../errors.js';
import { type Logger, silentLogger } from '../../log.js';
import type { ByteStream, Network, SocketAddress, StreamListener } from '../../network.js';
import { systemNetwork } from '../../sip/transport/system-network.js';
import { SafeEmitter } from '../safe-emitter.js';
import { AudioSocketCall } from './audiosocket-call.js';
import { audioKindOf, FrameSplitter, uuidKind, uuidText } from './audiosocket-frames.js';

export interface AudioSocketServerOptions {
  /** @default '127.0.0.1': the protocol knows no password */
  readonly host?: string;
  /** @default 9092 */
  readonly port?: number;
  /** Of the calls' audio, and of what is sent: Asterisk before 20.17, 22.7 and 23.1 takes 8000 alone. @default 8000 */
  readonly sampleRate?: 8000 | 16000 | 24000 | 48000;
  /** Which UUIDs are expected. @default all */
  readonly accepts?: (uuid: string) => boolean;
  /** @default 1000 */
  readonly maxCalls?: number;
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly network?: Network;
}

export interface AudioSocketServerEvents {
  call: [call: AudioSocketCall];
}

/** So long a connection may take to say its UUID. */
const NAMELESS_MS = 5000;

export class AudioSocketServer extends SafeEmitter<AudioSocketServerEvents> {
  readonly #options: AudioSocketServerOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #calls = new Set<AudioSocketCall>();
  readonly #nameless = new Set<ByteStream>();
  #listener: StreamListener | undefined;

  constructor(options: AudioSocketServerOptions = {}) {
    super();
    if (audioKindOf(options.sampleRate ?? 8000) === undefined)
      throw new OptionError('sampleRate', 'must be a rate that AudioSocket has a kind for');
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#logger = options.logger ?? silentLogger;
  }

  get calls(): ReadonlySet<AudioSocketCall> {
    return this.#calls;
  }

  async start(): Promise<SocketAddress> {
    const { host = '127.0.0.1', port = 9092, network = systemNetwork } = this.#options;
    try {
      this.#listener = await network.listen({ host, port }, (stream) => this.#welcome(stream));
    } catch (error) {
      throw new ListenError('audiosocket', host, port, (error as Error).message, { cause: error });
    }
    return this.#listener.local;
  }

  /** Hangs up, and listens no more. */
  stop(): void {
    this.#listener?.close();
    for (const call of [...this.#calls]) call.hangup();
    for (const stream of this.#nameless) stream.destroy();
  }

  protected override onListenerFailed(_event: 'call', error: unknown, [call]: readonly unknown[]): void {
    this.#logger.error({ error: String(error) }, 'a listener failed: its call is ended');
    (call as AudioSocketCall).hangup();
  }

  #welcome(stream: ByteStream): void {
    if (this.#calls.size + this.#nameless.size >= (this.#options.maxCalls ?? 1000)) {
      stream.destroy();
      return;
    }
    this.#nameless.add(stream);
    const late = this.#clock.at(this.#clock.now() + NAMELESS_MS, () => stream.destroy());
    let call: AudioSocketCall | undefined;
    const frames = new FrameSplitter((frame) => {
      if (call !== undefined) {
        call.take(frame);
        return;
      }
      // What follows a first frame that was refused is nobody's.
      if (!this.#nameless.delete(stream)) return;
      late.cancel();
      if (frame.kind === uuidKind && frame.payload.length === 16) call = this.#begin(stream, uuidText(frame.payload));
      if (call === undefined) stream.destroy();
    });
    stream.onClose = (error) => {
      late.cancel();
      this.#nameless.delete(stream);
      call?.gone(error?.message ?? 'the connection was closed');
    };
    stream.onBytes = (bytes) => frames.take(bytes);
  }

  #begin(stream: ByteStream, id: string): AudioSocketCall | undefined {
    if (!this.#isExpected(id)) {
      this.#logger.warn({ uuid: id, from: stream.remote.address }, 'an AudioSocket call that nobody expects');
      return undefined;
    }
    const { sampleRate = 8000 } = this.#options;
    const call = new AudioSocketCall({ id, stream, sampleRate, clock: this.#clock, logger: this.#logger });
    this.#calls.add(call);
    call.on('ended', () => this.#calls.delete(call));
    this.emit('call', call);
    return call;
  }

  #isExpected(id: string): boolean {
    try {
      return this.#options.accepts?.(id) ?? true;
    } catch (error) {
      this.#logger.error({ error: String(error) }, '`accepts` failed: the call is refused');
      return false;
    }
  }
}
