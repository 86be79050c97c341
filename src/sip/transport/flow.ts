/**
 * A flow (RFC 5626 §1.2): one datagram socket and a remote address, or one connection. Messages are sent and arrive on flows;
 * what carries the bytes is a `Channel`, made by udp, tcp, tls or ws.
 */
import type { SocketAddress } from '../../network.js';
import type { ParseFailure } from '../message/parse-failure.js';
import { isReliable, isSecure, type TransportName } from './transport.js';

export interface Flow {
  readonly id: string;
  readonly transport: TransportName;
  readonly reliable: boolean;
  readonly secure: boolean;
  /** Who opened it: `in` when the other side did. */
  readonly direction: 'in' | 'out';
  /** Our address as this remote is reached from: never a wildcard, and not what a NAT makes of it. */
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly isOpen: boolean;
  /** Never throws and never fails at once: failure reaches `onSendFailure` of the layer, later. */
  send(bytes: Uint8Array): void;
  /** Sends what waits, then ends the connection. Nothing happens to a datagram flow. */
  close(): void;
}

/** A connection that carries whole SIP messages, whatever frames them: a byte stream with Content-Length, or WebSocket messages. */
export interface Channel {
  readonly transport: Exclude<TransportName, 'udp'>;
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly queuedBytes: number;
  /** Identities the peer proved with its certificate (RFC 5922 §7.1); empty without one. */
  readonly identities: readonly string[];
  send(bytes: Uint8Array): void;
  /** Asks the peer for a sign of life. */
  ping(): void;
  /** The answer to the peer's. */
  pong(): void;
  end(): void;
  destroy(): void;
  events: ChannelEvents | undefined;
}

export interface ChannelEvents {
  onMessage(bytes: Uint8Array): void;
  onPing(): void;
  onPong(): void;
  /** Any bytes at all: the peer lives. `midMessage`: they end inside a message. */
  onActivity(midMessage: boolean): void;
  /** What came cannot be framed: nothing on this connection can be trusted any more. */
  onBroken(why: string, failure: ParseFailure): void;
  /** Exactly once. */
  onClose(error: Error | undefined): void;
}

/** What a flow does when it is asked to send; the layer stands behind it. */
export interface FlowDriver {
  send(flow: Flow, bytes: Uint8Array): void;
  close(flow: Flow): void;
}

export class DatagramFlow implements Flow {
  readonly id: string;
  readonly transport = 'udp';
  readonly reliable = false;
  readonly secure = false;
  readonly direction: 'in' | 'out';
  readonly remote: SocketAddress;
  local: SocketAddress;
  isOpen = true;
  readonly #driver: FlowDriver;

  constructor(id: string, direction: 'in' | 'out', local: SocketAddress, remote: SocketAddress, driver: FlowDriver) {
    this.id = id;
    this.direction = direction;
    this.local = local;
    this.remote = remote;
    this.#driver = driver;
  }

  send(bytes: Uint8Array): void {
    this.#driver.send(this, bytes);
  }

  close(): void {}
}

export class ConnectionFlow implements Flow {
  readonly id: string;
  readonly transport: Channel['transport'];
  readonly reliable: boolean;
  readonly secure: boolean;
  readonly direction: 'in' | 'out';
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  isOpen = true;
  readonly #driver: FlowDriver;

  constructor(id: string, direction: 'in' | 'out', channel: Channel, driver: FlowDriver) {
    this.id = id;
    this.transport = channel.transport;
    this.reliable = isReliable(channel.transport);
    this.secure = isSecure(channel.transport);
    this.direction = direction;
    this.local = channel.local;
    this.remote = channel.remote;
    this.#driver = driver;
  }

  send(bytes: Uint8Array): void {
    this.#driver.send(this, bytes);
  }

  close(): void {
    this.#driver.close(this);
  }
}
