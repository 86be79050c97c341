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
  /** Whoever is there hears us, or is known: answers need not be counted any more. */
  vouch(): void;
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

/**
 * What may be said to the source of datagrams while nobody vouches for it: so many times what it said itself, as in RFC 9000 §8.1. Its address may be
 * forged, and whoever is really there must not be flooded by us, answers and their repetitions together.
 */
export class Credit {
  #bytes = 0;
  /** It has shown that it hears us, or we know it anyhow. */
  isProven = false;

  onHeard(bytes: number, factor: number): void {
    if (!this.isProven) this.#bytes += bytes * factor;
  }

  /** Whether so much may still be said; then it has been. */
  spend(bytes: number): boolean {
    if (this.isProven) return true;
    if (bytes > this.#bytes) return false;
    this.#bytes -= bytes;
    return true;
  }
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
  /** Shared with other flows that lead to the same source. */
  credit = new Credit();
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

  vouch(): void {
    this.credit.isProven = true;
  }
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

  /** The handshake of the connection did. */
  vouch(): void {}
}
