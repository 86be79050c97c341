/** What a stream's sockets send and receive, seen at the wire: copies for whoever captures, one look at a field for a packet while nobody does. */
import type { Clock } from '../clock.js';
import type { DatagramListener, DatagramSocket, SocketAddress } from '../network.js';

/** A packet as it was on the wire, encrypted where it was. */
export interface CapturedPacket {
  readonly direction: 'in' | 'out';
  readonly bytes: Uint8Array;
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  /** Milliseconds since 1970. */
  readonly wall: number;
}

export class PacketCapture {
  readonly #clock: Clock;
  onPacket: ((packet: CapturedPacket) => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The same socket, seen by this capture. */
  around(socket: DatagramSocket): DatagramSocket {
    return new SeenSocket(socket, this);
  }

  tell(direction: 'in' | 'out', local: SocketAddress, remote: SocketAddress, bytes: Uint8Array): void {
    this.onPacket?.({ direction, local, remote, bytes: Uint8Array.from(bytes), wall: this.#clock.wall() });
  }
}

class SeenSocket implements DatagramSocket {
  readonly #socket: DatagramSocket;
  readonly #capture: PacketCapture;
  #onMessage: DatagramListener | undefined;

  constructor(socket: DatagramSocket, capture: PacketCapture) {
    this.#socket = socket;
    this.#capture = capture;
  }

  get local(): SocketAddress {
    return this.#socket.local;
  }

  get onMessage(): DatagramListener | undefined {
    return this.#onMessage;
  }

  set onMessage(listener: DatagramListener | undefined) {
    this.#onMessage = listener;
    this.#socket.onMessage = listener === undefined ? undefined : this.#onReceived;
  }

  get onError(): ((error: Error) => void) | undefined {
    return this.#socket.onError;
  }

  set onError(listener: ((error: Error) => void) | undefined) {
    this.#socket.onError = listener;
  }

  send(bytes: Uint8Array, offset: number, length: number, port: number, address: string): void {
    if (this.#capture.onPacket !== undefined)
      this.#capture.tell('out', this.local, { address, port }, bytes.subarray(offset, offset + length));
    this.#socket.send(bytes, offset, length, port, address);
  }

  close(): void {
    this.#onMessage = undefined;
    this.#socket.close();
  }

  /** Copied before the stream deciphers it in place. */
  readonly #onReceived = (bytes: Uint8Array, address: string, port: number): void => {
    if (this.#capture.onPacket !== undefined) this.#capture.tell('in', this.local, { address, port }, bytes);
    this.#onMessage?.(bytes, address, port);
  };
}
