/** Byte streams of Node's TCP, and what TLS shares with them. */
import { createServer, connect as netConnect, type Socket } from 'node:net';
import { systemClock } from '../../clock.js';
import type { ByteStream, SocketAddress, StreamListener } from '../../network.js';
import { plainAddress } from './ip.js';

/** The system's own probe: finds peers that vanished without a word, which `expected` keep-alives would find sooner. */
const PROBE_MS = 45_000;

/** A connected socket, plain or TLS, as a ByteStream. */
export class SocketStream implements ByteStream {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  onClose: ((error: Error | undefined) => void) | undefined;
  readonly #socket: Socket;
  #onBytes: ((bytes: Uint8Array) => void) | undefined;
  #error: Error | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.local = { address: plainAddress(socket.localAddress ?? ''), port: socket.localPort ?? 0 };
    this.remote = { address: plainAddress(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 };
    socket.setNoDelay(true);
    socket.setKeepAlive(true, PROBE_MS);
    socket.pause();
    socket.on('data', (bytes: Uint8Array) => this.#onBytes?.(bytes));
    socket.on('error', (error) => {
      this.#error = error;
    });
    // The peer said all it had to say: SIP has no half-closed connections.
    socket.on('end', () => socket.end());
    socket.on('close', () => this.onClose?.(this.#error));
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  get onBytes(): ((bytes: Uint8Array) => void) | undefined {
    return this.#onBytes;
  }

  /** Nothing is read before somebody listens. */
  set onBytes(listener: ((bytes: Uint8Array) => void) | undefined) {
    this.#onBytes = listener;
    if (listener === undefined) this.#socket.pause();
    else this.#socket.resume();
  }

  write(bytes: Uint8Array): boolean {
    return this.#socket.writable ? this.#socket.write(bytes) : false;
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

export interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  readonly localAddress?: string;
  readonly timeoutMs?: number;
}

export function connectTcp(options: ConnectOptions): Promise<ByteStream> {
  const { host, port, localAddress, timeoutMs } = options;
  const socket = netConnect({ host, port, ...(localAddress === undefined ? {} : { localAddress }) });
  return whenReady(socket, 'connect', `${host}:${port}`, timeoutMs).then(() => new SocketStream(socket));
}

/** Resolves on the event, rejects on error, close or time-out, and leaves no listener and no socket behind. */
export function whenReady(socket: Socket, event: 'connect' | 'secureConnect', to: string, timeoutMs = 30_000): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      late.cancel();
      socket.off(event, ready).off('close', closed).destroy();
      reject(error);
    };
    const closed = (): void => fail(new Error(`connection to ${to} was closed before it was ready`));
    const late = systemClock.at(systemClock.now() + timeoutMs, () => {
      fail(Object.assign(new Error(`connect ETIMEDOUT ${to}`), { code: 'ETIMEDOUT' }));
    });
    const ready = (): void => {
      late.cancel();
      socket.off('close', closed);
      resolve();
    };
    // `fail` stays on: an error between here and the stream's own listener must not be nobody's; rejecting twice is nothing.
    socket.on('error', fail).once(event, ready).once('close', closed);
  });
}

export function listenTcp(
  options: { readonly host: string; readonly port: number },
  accept: (stream: ByteStream) => void,
): Promise<StreamListener> {
  return new Promise((resolve, reject) => {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => accept(new SocketStream(socket)));
    server.once('error', reject);
    server.listen({ host: options.host, port: options.port, exclusive: true, ipv6Only: true }, () => {
      server.off('error', reject);
      // Out of descriptors and the like: the listener stays.
      server.on('error', () => {});
      const { address, port } = server.address() as { address: string; port: number };
      resolve({ local: { address, port }, close: () => server.close() });
    });
  });
}
