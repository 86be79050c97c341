/** The connection side of the layer: opened, accepted, reused (RFC 5923), limited, and put away when they fall silent (RFC 3261 §18, RFC 5626). */
import type { Clock, Timer } from '../../clock.js';
import { SipBotError } from '../../errors.js';
import type { StreamListener } from '../../network.js';
import type { ParseFailure } from '../message/parse-failure.js';
import type { Via } from '../message/via.js';
import type { Carriers } from './carriers.js';
import { type Channel, ConnectionFlow, type Flow, type FlowDriver } from './flow.js';
import { HalfOpen } from './half-open.js';
import { isIP, isSameAddress, isWildcard } from './ip.js';
import { isSecure, type ListenAddress, type ListenOptions, type Target, type TransportLimits } from './transport.js';

export interface ConnectionSink {
  onBytes(bytes: Uint8Array, flow: Flow): void;
  onSent(bytes: Uint8Array, flow: Flow): void;
  /** The last word of a connection that cannot be framed any more; an answer may still be sent. */
  onBroken(failure: ParseFailure, flow: Flow): void;
  onAlive(flow: Flow): void;
  onSendFailure(flow: Flow, error: Error): void;
  onClosed(flow: Flow, error: Error | undefined): void;
  onRefused(why: 'connections' | 'address' | 'half-open' | 'handshake'): void;
  /** Asked before a connection is looked at. */
  isShut(address: string): boolean;
}

interface ConnectionContext {
  readonly clock: Clock;
  readonly limits: TransportLimits;
  readonly carriers: Carriers;
  readonly sink: ConnectionSink;
}

interface Connection {
  readonly flow: ConnectionFlow;
  readonly channel: Channel;
  /** Under which it is found again. */
  readonly keys: Set<string>;
  readonly openedAt: number;
  activeAt: number;
  /** When the message that is not yet whole began. */
  unfinishedSince: number | undefined;
  hasSpoken: boolean;
  error: Error | undefined;
}

export class Connections implements FlowDriver {
  readonly #context: ConnectionContext;
  readonly #connections = new Map<Flow, Connection>();
  readonly #byKey = new Map<string, Connection>();
  readonly #connecting = new Map<string, Promise<Flow>>();
  readonly #perAddress = new Map<string, number>();
  readonly #listeners: { readonly address: ListenAddress; readonly listener: StreamListener }[] = [];
  #opened = 0;
  readonly #halfOpen: HalfOpen<Channel>;
  #inbound = 0;
  #sweep: Timer | undefined;
  #isClosed = false;

  constructor(context: ConnectionContext) {
    this.#context = context;
    this.#halfOpen = new HalfOpen(context.limits.maxHalfOpen, context.limits.maxHalfOpenPerAddress);
  }

  get addresses(): ListenAddress[] {
    return this.#listeners.map(({ address }) => address);
  }

  get open(): number {
    return this.#connections.size;
  }

  async listen(options: ListenOptions & { readonly host: string; readonly port: number }): Promise<ListenAddress> {
    const { carriers, sink } = this.#context;
    const listener = await carriers.listen(options, {
      accept: (channel) => this.#accept(channel),
      onRefused: () => sink.onRefused('handshake'),
      isShut: (address) => sink.isShut(address),
    });
    const address = { transport: options.transport, host: listener.local.address, port: listener.local.port };
    this.#listeners.push({ address, listener });
    return address;
  }

  /** An open connection to that target, else a new one; those who ask for the same at once share it. */
  flowTo(target: Target, localAddress: string | undefined): Promise<Flow> {
    const key = keyOf(target, localAddress);
    const open = this.#byKey.get(key);
    if (open?.flow.isOpen) return Promise.resolve(open.flow);
    let connecting = this.#connecting.get(key);
    if (connecting === undefined) {
      connecting = this.#connect(target, localAddress, key).finally(() => this.#connecting.delete(key));
      this.#connecting.set(key, connecting);
    }
    return connecting;
  }

  /**
   * RFC 5923 §8.2: a peer that sent `alias` may be reached at its sent-by over the connection it opened, when its certificate speaks for that sent-by.
   * Without one anybody behind the same address could draw another's calls to himself, so plain TCP is never aliased (§9.3).
   */
  alias(flow: Flow, via: Via): void {
    const connection = this.#connections.get(flow);
    if (connection === undefined || flow.direction !== 'in' || !flow.secure || connection.keys.size > 0) return;
    const host = connection.channel.identities.find((name) => name.toLowerCase() === via.host.toLowerCase());
    if (host === undefined) return;
    const target = { transport: flow.transport, address: flow.remote.address, port: via.port ?? 5061, host };
    for (const key of [keyOf(target, undefined), keyOf(target, flow.local.address)]) {
      if (this.#byKey.get(key)?.flow.isOpen) continue;
      connection.keys.add(key);
      this.#byKey.set(key, connection);
    }
  }

  ping(flow: Flow): void {
    this.#connections.get(flow)?.channel.ping();
  }

  send(flow: Flow, bytes: Uint8Array): void {
    const { sink, limits } = this.#context;
    const connection = this.#connections.get(flow);
    if (connection === undefined || !flow.isOpen) {
      queueMicrotask(() => sink.onSendFailure(flow, new SipBotError('ERR_TRANSPORT', `${describe(flow)} is closed`)));
      return;
    }
    sink.onSent(bytes, flow);
    connection.channel.send(bytes);
    connection.activeAt = this.#context.clock.now();
    if (connection.channel.queuedBytes > limits.maxQueuedBytes) this.destroy(flow, `${describe(flow)} does not read what it is sent`);
  }

  close(flow: Flow): void {
    this.#connections.get(flow)?.channel.end();
  }

  /** Ends a connection now, for a reason. */
  destroy(flow: Flow, why: string): void {
    const connection = this.#connections.get(flow);
    if (connection === undefined) return;
    connection.error ??= new SipBotError('ERR_TRANSPORT', why);
    connection.channel.destroy();
  }

  /** What others opened to us from there. */
  destroyFrom(address: string): void {
    for (const { flow, channel } of [...this.#connections.values()])
      if (flow.direction === 'in' && flow.remote.address === address) channel.destroy();
  }

  closeAll(): void {
    this.#isClosed = true;
    for (const { listener } of this.#listeners.splice(0)) listener.close();
    for (const connection of this.#connections.values()) connection.channel.end();
    this.#sweep?.cancel();
    this.#sweep = undefined;
  }

  /** What has not gone away by itself. */
  destroyAll(): void {
    for (const connection of [...this.#connections.values()]) connection.channel.destroy();
  }

  async #connect(target: Target, localAddress: string | undefined, key: string): Promise<Flow> {
    const { carriers, limits } = this.#context;
    const to = `${target.transport} ${target.address}:${target.port}`;
    let channel: Channel;
    try {
      channel = await carriers.connect(target, { ...(localAddress === undefined ? {} : { localAddress }), timeoutMs: limits.connectMs });
    } catch (error) {
      throw new SipBotError('ERR_TRANSPORT', `cannot connect to ${to}: ${(error as Error).message}`, { cause: error });
    }
    if (this.#isClosed) {
      channel.destroy();
      throw new SipBotError('ERR_STOPPED', `cannot connect to ${to}: stopped`);
    }
    const connection = this.#add(channel, 'out');
    connection.keys.add(key);
    this.#byKey.set(key, connection);
    return connection.flow;
  }

  #accept(channel: Channel): void {
    const { limits, sink } = this.#context;
    const { address } = channel.remote;
    if (sink.isShut(address)) {
      channel.destroy();
      return;
    }
    const why =
      this.#isClosed || this.#inbound >= limits.maxConnections
        ? 'connections'
        : (this.#perAddress.get(address) ?? 0) >= limits.maxConnectionsPerAddress
          ? 'address'
          : undefined;
    if (why !== undefined) {
      channel.destroy();
      sink.onRefused(why);
      return;
    }
    this.#inbound++;
    this.#perAddress.set(address, (this.#perAddress.get(address) ?? 0) + 1);
    this.#add(channel, 'in');
    if (this.#halfOpen.add(channel, address) !== undefined) sink.onRefused('half-open');
  }

  #add(channel: Channel, direction: 'in' | 'out'): Connection {
    const now = this.#context.clock.now();
    const id = `${channel.transport}${this.#opened++} ${channel.remote.address} ${channel.remote.port}`;
    const flow = new ConnectionFlow(id, direction, channel, this);
    const connection: Connection = {
      flow,
      channel,
      keys: new Set(),
      openedAt: now,
      activeAt: now,
      unfinishedSince: undefined,
      hasSpoken: false,
      error: undefined,
    };
    this.#connections.set(flow, connection);
    this.#armSweep();
    const { sink } = this.#context;
    channel.events = {
      onMessage: (bytes) => {
        if (!flow.isOpen) return;
        if (!connection.hasSpoken) {
          connection.hasSpoken = true;
          this.#halfOpen.delete(channel);
        }
        sink.onBytes(bytes, flow);
      },
      onPing: () => channel.pong(),
      onPong: () => sink.onAlive(flow),
      onActivity: (midMessage) => {
        const at = this.#context.clock.now();
        connection.activeAt = at;
        connection.unfinishedSince = midMessage ? (connection.unfinishedSince ?? at) : undefined;
        sink.onAlive(flow);
      },
      onBroken: (why, failure) => {
        connection.error ??= new SipBotError('ERR_TRANSPORT', `${describe(flow)} sent what cannot be framed: ${why}`);
        sink.onBroken(failure, flow);
        channel.end();
      },
      onClose: (error) => this.#remove(connection, error),
    };
    return connection;
  }

  #remove(connection: Connection, error: Error | undefined): void {
    const { flow } = connection;
    if (!this.#connections.delete(flow)) return;
    flow.isOpen = false;
    for (const key of connection.keys) if (this.#byKey.get(key) === connection) this.#byKey.delete(key);
    if (flow.direction === 'in') {
      this.#inbound--;
      this.#halfOpen.delete(connection.channel);
      const left = (this.#perAddress.get(flow.remote.address) ?? 1) - 1;
      if (left === 0) this.#perAddress.delete(flow.remote.address);
      else this.#perAddress.set(flow.remote.address, left);
    }
    this.#context.sink.onClosed(flow, connection.error ?? error);
  }

  /** One timer for all connections; none when there are none. */
  #armSweep(): void {
    if (this.#sweep !== undefined || this.#connections.size === 0 || this.#isClosed) return;
    const { clock, limits } = this.#context;
    const every = Math.max(250, Math.min(limits.halfOpenMs, limits.idleMs) / 4);
    this.#sweep = clock.at(clock.now() + every, () => {
      this.#sweep = undefined;
      this.#putAwaySilent();
      this.#armSweep();
    });
  }

  #putAwaySilent(): void {
    const { clock, limits } = this.#context;
    const now = clock.now();
    for (const connection of [...this.#connections.values()]) {
      const { flow, hasSpoken, openedAt, activeAt, unfinishedSince } = connection;
      if (flow.direction === 'in' && !hasSpoken && now - openedAt >= limits.halfOpenMs)
        this.destroy(flow, `${describe(flow)} said nothing`);
      else if (unfinishedSince !== undefined && now - unfinishedSince >= limits.halfOpenMs)
        this.destroy(flow, `${describe(flow)} did not finish its message`);
      else if (now - activeAt >= limits.idleMs) connection.channel.end();
    }
  }
}

/** RFC 5923 §8, RFC 3263: a TLS connection is for the name it was verified for, not for whoever shares the address. */
function keyOf(target: Target, localAddress: string | undefined): string {
  const name = isSecure(target.transport) ? target.host.toLowerCase() : '';
  return `${target.transport} ${target.address} ${target.port} ${name} ${target.path ?? ''} ${localAddress ?? ''}`;
}

function describe(flow: Flow): string {
  return `${flow.transport} ${flow.remote.address}:${flow.remote.port}`;
}

export function isListenerFor(address: ListenAddress, flow: Flow): boolean {
  if (address.transport !== flow.transport) return false;
  const sameFamily = isIP(address.host) === isIP(flow.local.address);
  return sameFamily && (isWildcard(address.host) || isSameAddress(address.host, flow.local.address));
}
