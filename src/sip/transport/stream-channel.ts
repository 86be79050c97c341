/** A byte stream as a channel of whole messages: framed by Content-Length (RFC 3261 §18.3), kept alive by CRLF (RFC 5626 §4.4.1). */
import type { ByteStream, SocketAddress } from '../../network.js';
import { Framer } from '../message/framer.js';
import type { ParseLimits } from '../message/limits.js';
import type { Channel, ChannelEvents } from './flow.js';

/** Over WebSocket a message is framed by its frame; it is by its length where a network of memory stands for one. */
export type StreamTransport = 'tcp' | 'tls' | 'ws' | 'wss';

const PING = Uint8Array.of(13, 10, 13, 10);
const PONG = Uint8Array.of(13, 10);

export class StreamChannel implements Channel {
  readonly transport: StreamTransport;
  readonly identities: readonly string[];
  readonly #stream: ByteStream;
  readonly #framer: Framer;
  #events: ChannelEvents | undefined;

  constructor(transport: StreamTransport, stream: ByteStream, identities: readonly string[], limits: ParseLimits) {
    this.transport = transport;
    this.identities = identities;
    this.#stream = stream;
    this.#framer = new Framer(limits);
  }

  get local(): SocketAddress {
    return this.#stream.local;
  }

  get remote(): SocketAddress {
    return this.#stream.remote;
  }

  get queuedBytes(): number {
    return this.#stream.queuedBytes;
  }

  get events(): ChannelEvents | undefined {
    return this.#events;
  }

  set events(events: ChannelEvents | undefined) {
    this.#events = events;
    this.#stream.onClose = this.#onClose;
    this.#stream.onBytes = events === undefined ? undefined : this.#onBytes;
  }

  send(bytes: Uint8Array): void {
    this.#stream.write(bytes);
  }

  ping(): void {
    this.#stream.write(PING);
  }

  pong(): void {
    this.#stream.write(PONG);
  }

  end(): void {
    this.#stream.end();
  }

  destroy(): void {
    this.#stream.destroy();
  }

  readonly #onClose: ByteStream['onClose'] = (error) => this.#events?.onClose(error);

  readonly #onBytes = (bytes: Uint8Array): void => {
    for (const frame of this.#framer.push(bytes)) {
      switch (frame.type) {
        case 'message':
          this.#events?.onMessage(frame.bytes);
          break;
        case 'ping':
          this.#events?.onPing();
          break;
        case 'pong':
          this.#events?.onPong();
          break;
        case 'broken':
          this.#events?.onBroken(frame.why, frame.failure);
          return;
      }
    }
    this.#events?.onActivity(this.#framer.pendingBytes > 0);
  };
}
