/**
 * Media over Node's UDP sockets. A `lookup` that answers at once: without one, dgram resolves even an IP literal in a later turn of the
 * event loop, and the slot the packet was written into may have been used again by then (measured).
 */
import { createSocket, type Socket } from 'node:dgram';
import type { DatagramListener, DatagramOptions, DatagramSocket, SocketAddress } from '../network.js';

/** One packet in so many is sent with a callback: a wire that refuses is noticed within a second or two, and the others cost nothing. */
const ASK_EVERY = 64;

type LookupCallback = (error: Error | null, address: string, family: number) => void;

/** dgram calls it as (host, callback) or (host, options, callback); every address here is a literal already. */
function literal(host: string, options: unknown, callback?: LookupCallback): void {
  const answer = (callback ?? options) as LookupCallback;
  answer(null, host, host.includes(':') ? 6 : 4);
}

type DgramListener = (bytes: Uint8Array, remote: SocketAddress) => void;

class UdpSocket implements DatagramSocket {
  onError: ((error: Error) => void) | undefined;
  readonly local: SocketAddress;
  readonly #socket: Socket;
  #onMessage: DatagramListener | undefined;
  #heard: DgramListener | undefined;
  #sent = 0;
  #closed = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    const { address, port } = socket.address();
    this.local = { address, port };
    socket.on('error', (error) => this.onError?.(error));
  }

  get onMessage(): DatagramListener | undefined {
    return this.#onMessage;
  }

  /** Bound to the socket itself: nothing of ours is looked at on a packet's way to its listener. */
  set onMessage(listener: DatagramListener | undefined) {
    if (this.#heard !== undefined) this.#socket.off('message', this.#heard);
    this.#onMessage = listener;
    this.#heard = listener && ((bytes, remote) => listener(bytes, remote.address, remote.port));
    if (this.#heard !== undefined) this.#socket.on('message', this.#heard);
  }

  send(bytes: Uint8Array, offset: number, length: number, port: number, address: string): void {
    if (this.#closed) return;
    try {
      const ask = this.#sent++ % ASK_EVERY === 0 ? this.#onSent : undefined;
      // A whole Buffer goes as it is; anything else costs dgram a view of it.
      if (offset === 0 && length === bytes.length) this.#socket.send(bytes, port, address, ask);
      else this.#socket.send(bytes, offset, length, port, address, ask);
    } catch (error) {
      this.onError?.(error as Error);
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.onMessage = undefined;
    this.#socket.close();
  }

  readonly #onSent = (error: Error | null): void => {
    if (error !== null && !this.#closed) this.onError?.(error);
  };
}

/** The system gives what its limit allows; some refuse instead of giving less, and the call is well without. */
function enlarge(socket: Socket, bytes: number): void {
  try {
    socket.setRecvBufferSize(bytes);
  } catch {
    // As large as it was.
  }
}

/** `Network.datagram` for media. Rejects with what bind said. */
export function systemDatagram(options: DatagramOptions): Promise<DatagramSocket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({
      type: options.host.includes(':') ? 'udp6' : 'udp4',
      lookup: literal as never,
    });
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ port: options.port, address: options.host, exclusive: true }, () => {
      socket.removeAllListeners('error');
      if (options.receiveBufferBytes !== undefined) enlarge(socket, options.receiveBufferBytes);
      resolve(new UdpSocket(socket));
    });
  });
}
