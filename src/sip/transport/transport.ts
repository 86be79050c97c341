/** The words the transports share: their names, ports, targets, options and limits (RFC 3261 §18, RFC 7118). */
import type { ParseLimits } from '../message/limits.js';

export type TransportName = 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';

export const TRANSPORT_NAMES: readonly TransportName[] = ['udp', 'tcp', 'tls', 'ws', 'wss'];

/** Where a message is to be sent: what RFC 3263 arrives at. */
export interface Target {
  readonly transport: TransportName;
  /** Numeric. */
  readonly address: string;
  readonly port: number;
  /** The name that was asked for: TLS server name and RFC 5922 identity; an address when there was no name. */
  readonly host: string;
  /** WebSocket only. @default '/ws' */
  readonly path?: string;
}

export interface ListenOptions {
  readonly transport: TransportName;
  /** @default '0.0.0.0' */
  readonly host?: string;
  /** 0: any free one. @default 0 */
  readonly port?: number;
  /** WebSocket only: the path that upgrades are taken on; any when left out. */
  readonly path?: string;
  /** WebSocket only: Origin headers that are let in; any when left out. */
  readonly origins?: readonly string[];
}

export interface ListenAddress {
  readonly transport: TransportName;
  readonly host: string;
  readonly port: number;
}

export type Pem = string | Uint8Array;

export interface TlsOptions {
  /** Our certificate chain and its key: what our listeners show. */
  readonly cert?: Pem | readonly Pem[];
  readonly key?: Pem;
  readonly passphrase?: string;
  /** The only authorities to trust, instead of the system's. */
  readonly ca?: Pem | readonly Pem[];
  /** What we show when a server asks who we are. */
  readonly clientCert?: { readonly cert: Pem | readonly Pem[]; readonly key: Pem; readonly passphrase?: string };
  /** Let `*.example.com` stand for one label; RFC 5922 §7.2 forbids it, many operators need it. @default false */
  readonly allowWildcard?: boolean;
  /** false takes any certificate: for a lab. @default true */
  readonly rejectUnauthorized?: boolean;
  /** Whether our listeners ask clients for a certificate. @default 'never' */
  readonly requestClientCert?: 'never' | 'ask' | 'require';
}

export interface TransportLimits {
  /** Connections that others opened to us. @default 4096 */
  readonly maxConnections: number;
  /** Of those, from one address. @default 512 */
  readonly maxConnectionsPerAddress: number;
  /** Connections on which no whole message has come yet; past it the oldest is closed for the newest. @default 512 */
  readonly maxHalfOpen: number;
  /** Of those, from one address. @default 64 */
  readonly maxHalfOpenPerAddress: number;
  /** How long such a connection, or an unfinished message on any, may last, in ms. @default 20000 */
  readonly halfOpenMs: number;
  /** A connection on which nothing moves for so long is closed, in ms. @default 1800000 */
  readonly idleMs: number;
  /** TCP, TLS and WebSocket handshakes together, in ms. @default 6000 */
  readonly connectMs: number;
  /** Bytes waiting for a peer that does not read; past it the connection is closed. @default 1048576 */
  readonly maxQueuedBytes: number;
  /** How large a message may be. @default 64 KiB of head and 1 MiB of body */
  readonly message: ParseLimits;
  /** Receive buffer asked of the system for a SIP datagram socket. @default 4194304 */
  readonly receiveBufferBytes: number;
  /** Remote addresses remembered per datagram socket. @default 16384 */
  readonly maxDatagramFlows: number;
  /** Bytes that may be sent to a datagram source that nobody vouches for, for each byte that came from it. @default 3 */
  readonly answerFactor: number;
}

export const DEFAULT_TRANSPORT_LIMITS = {
  maxConnections: 4096,
  maxConnectionsPerAddress: 512,
  maxHalfOpen: 512,
  maxHalfOpenPerAddress: 64,
  halfOpenMs: 20_000,
  idleMs: 1_800_000,
  connectMs: 6_000,
  maxQueuedBytes: 1_048_576,
  message: {},
  receiveBufferBytes: 4_194_304,
  maxDatagramFlows: 16_384,
  answerFactor: 3,
} as const satisfies TransportLimits;

/** §19.1.2; RFC 7118 §5.3 leaves WebSocket to the ports of HTTP. */
export function defaultPort(transport: TransportName): number {
  switch (transport) {
    case 'udp':
    case 'tcp':
      return 5060;
    case 'tls':
      return 5061;
    case 'ws':
      return 80;
    case 'wss':
      return 443;
  }
}

export function isSecure(transport: TransportName): boolean {
  return transport === 'tls' || transport === 'wss';
}

export function isReliable(transport: TransportName): boolean {
  return transport !== 'udp';
}

/** The transport a Via or a URI parameter names; undefined when it is none of ours. */
export function parseTransportName(text: string): TransportName | undefined {
  const name = text.toLowerCase() as TransportName;
  return TRANSPORT_NAMES.includes(name) ? name : undefined;
}
