/** Datagrams of Node, with the address lookup that dgram insists on answered at once: what is handed to `send` is on its way when it returns. */
import { createSocket, type Socket, type SocketOptions } from 'node:dgram';
import type { DatagramListener, DatagramOptions, DatagramSocket, SocketAddress } from '../../network.js';
import { isIP } from './ip.js';

/** Only numeric addresses come here: without this, dgram defers every send by a turn of dns.lookup, and a reused buffer is sent too late. */
const numericLookup: NonNullable<SocketOptions['lookup']> = (hostname, _options, callback) => callback(null, hostname, isIP(hostname));

class SystemDatagramSocket implements DatagramSocket {
  readonly local: SocketAddress;
  onMessage: DatagramListener | undefined;
  onError: ((error: Error) => void) | undefined;
  readonly #socket: Socket;
  #isOpen = true;

  constructor(socket: Socket) {
    const { address, port } = socket.address();
    this.local = { address, port };
    this.#socket = socket;
    socket.on('message', (bytes, from) => this.onMessage?.(bytes, from.address, from.port));
    socket.on('error', (error) => this.onError?.(error));
  }

  send(bytes: Uint8Array, offset: number, length: number, port: number, address: string): void {
    if (!this.#isOpen) return;
    try {
      this.#socket.send(bytes, offset, length, port, address, this.#onSent);
    } catch (error) {
      // A port of 0 or a family the socket is not of: dgram throws where it should say.
      queueMicrotask(() => this.onError?.(Object.assign(error as Error, { address, port })));
    }
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.onMessage = undefined;
    this.onError = undefined;
    this.#socket.close();
  }

  /** One function for all sends: the error itself says where the datagram was to go. */
  readonly #onSent = (error: Error | null): void => {
    if (error !== null) this.onError?.(error);
  };
}

export function openDatagram(options: DatagramOptions): Promise<DatagramSocket> {
  return new Promise((resolve, reject) => {
    const type = isIP(options.host) === 6 ? 'udp6' : 'udp4';
    const socket = createSocket({ type, lookup: numericLookup, ipv6Only: type === 'udp6' });
    const refuse = (error: Error): void => {
      socket.close();
      reject(error);
    };
    socket.once('error', refuse);
    socket.bind({ address: options.host, port: options.port, exclusive: true }, () => {
      socket.off('error', refuse);
      if (options.receiveBufferBytes !== undefined) enlarge(socket, options.receiveBufferBytes);
      resolve(new SystemDatagramSocket(socket));
    });
  });
}

/** The system gives what its limit allows; some refuse instead of giving less. */
function enlarge(socket: Socket, bytes: number): void {
  try {
    socket.setRecvBufferSize(bytes);
  } catch {
    // As large as it was: correct, only less patient with bursts.
  }
}

/** Which of our addresses the system would use towards `remote`; no packet is sent. undefined when there is no way there. */
export function addressTowards(remote: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket({ type: isIP(remote) === 6 ? 'udp6' : 'udp4', lookup: numericLookup });
    const answer = (address: string | undefined): void => {
      socket.close();
      resolve(address);
    };
    socket.once('error', () => answer(undefined));
    try {
      socket.connect(9, remote, () => {
        const { address } = socket.address();
        answer(address === '0.0.0.0' || address === '::' ? undefined : address);
      });
    } catch {
      answer(undefined);
    }
  });
}
