/** What a stream's sockets send and receive, seen at the wire: copies for whoever captures, next to nothing while nobody does. */
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
  readonly #sockets: SeenSocket[] = [];
  #onPacket: ((packet: CapturedPacket) => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get onPacket(): ((packet: CapturedPacket) => void) | undefined {
    return this.#onPacket;
  }

  set onPacket(listener: ((packet: CapturedPacket) => void) | undefined) {
    this.#onPacket = listener;
    for (const socket of this.#sockets) socket.capture = listener === undefined ? undefined : this;
  }

  /** The same socket, seen by this capture. */
  around(socket: DatagramSocket): DatagramSocket {
    const seen = new SeenSocket(socket);
    if (this.#onPacket !== undefined) seen.capture = this;
    this.#sockets.push(seen);
    return seen;
  }

  tell(direction: 'in' | 'out', local: SocketAddress, remote: SocketAddress, bytes: Uint8Array): void {
    this.#onPacket?.({ direction, local, remote, bytes: Uint8Array.from(bytes), wall: this.#clock.wall() });
  }
}

class SeenSocket implements DatagramSocket {
  readonly #socket: DatagramSocket;
  #capture: PacketCapture | undefined;
  #onMessage: DatagramListener | undefined;

  constructor(socket: DatagramSocket) {
    this.#socket = socket;
  }

  get local(): SocketAddress {
    return this.#socket.local;
  }

  get onMessage(): DatagramListener | undefined {
    return this.#onMessage;
  }

  set onMessage(listener: DatagramListener | undefined) {
    this.#onMessage = listener;
    this.#listen();
  }

  get onError(): ((error: Error) => void) | undefined {
    return this.#socket.onError;
  }

  set onError(listener: ((error: Error) => void) | undefined) {
    this.#socket.onError = listener;
  }

  set capture(capture: PacketCapture | undefined) {
    this.#capture = capture;
    this.#listen();
  }

  send(bytes: Uint8Array, offset: number, length: number, port: number, address: string): void {
    this.#capture?.tell('out', this.local, { address, port }, bytes.subarray(offset, offset + length));
    this.#socket.send(bytes, offset, length, port, address);
  }

  close(): void {
    this.onMessage = undefined;
    this.#socket.close();
  }

  /** What comes passes through here only while it is captured. */
  #listen(): void {
    const listener = this.#onMessage;
    this.#socket.onMessage = listener === undefined || this.#capture === undefined ? listener : this.#onCaptured;
  }

  readonly #onCaptured = (bytes: Uint8Array, address: string, port: number): void => {
    // Copied before the stream deciphers it in place.
    this.#capture?.tell('in', this.local, { address, port }, bytes);
    this.#onMessage?.(bytes, address, port);
  };
}
