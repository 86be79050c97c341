/**
 * The wires, as the transports and the media sockets see them: datagrams and byte streams, nothing of SIP or RTP.
 * `systemNetwork` (sip/transport, rtp/socket) is Node's; `MemoryNetwork` (sipbot/testing) is made of arrays and a seed.
 */

export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

export type DatagramListener = (bytes: Uint8Array, address: string, port: number) => void;

export interface DatagramSocket {
  readonly local: SocketAddress;
  /** `bytes` belongs to the caller again when this returns. Never throws; what cannot be sent goes to `onError`. */
  send(bytes: Uint8Array, offset: number, length: number, port: number, address: string): void;
  /** `bytes` lives only until the listener returns. */
  onMessage: DatagramListener | undefined;
  onError: ((error: Error) => void) | undefined;
  close(): void;
}

export interface DatagramOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly receiveBufferBytes?: number;
}

/** A connected byte stream: TCP, or TLS once its handshake is done. */
export interface ByteStream {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  /** False when the peer reads slower than we write; the bytes are taken all the same. */
  write(bytes: Uint8Array): boolean;
  /** Bytes taken but not yet handed to the wire. */
  readonly queuedBytes: number;
  onBytes: ((bytes: Uint8Array) => void) | undefined;
  /** Exactly once, when the stream is gone for whatever reason. */
  onClose: ((error: Error | undefined) => void) | undefined;
  /** Sends what is queued, then closes. */
  end(): void;
  /** Closes now. */
  destroy(): void;
}

export interface StreamListener {
  readonly local: SocketAddress;
  close(): void;
}

export interface Network {
  datagram(options: DatagramOptions): Promise<DatagramSocket>;
  connect(options: {
    readonly host: string;
    readonly port: number;
    readonly localAddress?: string;
    readonly timeoutMs?: number;
  }): Promise<ByteStream>;
  listen(options: { readonly host: string; readonly port: number }, accept: (stream: ByteStream) => void): Promise<StreamListener>;
  /** Transports that its plain streams stand for. They protect nothing: only a network that never leaves the process may say so. @default none */
  readonly standsFor?: readonly ('tls' | 'ws' | 'wss')[];
}
