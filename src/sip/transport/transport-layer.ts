/** The transport layer (RFC 3261 §18): sends and receives SIP messages on flows, over every transport, and says what to write about the way back. */
import { type Clock, systemClock } from '../../clock.js';
import { ListenError, OptionError, SipBotError } from '../../errors.js';
import { type Logger, silentLogger } from '../../log.js';
import type { Network, SocketAddress } from '../../network.js';
import { type Random, systemRandom } from '../../random.js';
import type { ParseLimits } from '../message/limits.js';
import type { SipMessage, SipRequest, SipResponse } from '../message/message.js';
import { parse } from '../message/parse.js';
import { isParseFailure, type ParseFailure } from '../message/parse-failure.js';
import { BindingRequests } from './binding-requests.js';
import { NetworkCarriers } from './carriers.js';
import { Connections, isListenerFor } from './connections.js';
import { Datagrams } from './datagrams.js';
import { DatagramFlow, type Flow } from './flow.js';
import { Hearts, type KeepAliveOptions } from './hearts.js';
import { canReach, isIP, isWildcard, PRIVATE_NETWORKS, Subnets } from './ip.js';
import { LocalAddresses } from './local-addresses.js';
import { OwnAddress, type SentBy } from './own-address.js';
import { stampReceived } from './sent-by.js';
import { systemNetwork } from './system-network.js';
import {
  DEFAULT_TRANSPORT_LIMITS,
  type ListenAddress,
  type ListenOptions,
  type Target,
  type TlsOptions,
  type TransportLimits,
} from './transport.js';
import { addressTowards } from './udp.js';

export interface TransportLayerOptions {
  readonly clock?: Clock;
  readonly random?: Random;
  /** An injected one carries udp, tcp, and what it `standsFor`. @default Node's sockets */
  readonly network?: Network;
  readonly tls?: TlsOptions;
  readonly limits?: Partial<TransportLimits>;
  readonly logger?: Logger;
  /** What remotes outside `localNetworks` are told; `auto`: what responses and STUN say of us. @default our own address */
  readonly publicAddress?: string | 'auto';
  /** CIDRs. @default the private ranges */
  readonly localNetworks?: readonly string[];
  /** Asked for every datagram and connection, by address, before it is looked at. True: as if nobody listened. */
  readonly isShut?: (address: string) => boolean;
}

export interface TransportCounters {
  received: number;
  sent: number;
  malformed: number;
  /** Responses whose top Via we never wrote (§18.1.2). */
  notOurs: number;
  sendFailures: number;
  refusedConnections: number;
  refusedHandshakes: number;
  /** Datagrams that were not sent: larger, or more often, than what had come from there warrants. */
  withheld: number;
  handlerErrors: number;
}

/** A CRLF pair that opens a NAT and means nothing to SIP (§7.5). */
const CRLF_CRLF = Uint8Array.of(13, 10, 13, 10);
/** How long what was written before `close` may take to leave. */
const CLOSE_WITHIN_MS = 500;

export class TransportLayer {
  onMessage: (message: SipMessage, flow: Flow) => void = () => {};
  onParseFailure: (failure: ParseFailure, flow: Flow) => void = () => {};
  onSendFailure: (flow: Flow, error: Error) => void = () => {};
  onFlowClosed: (flow: Flow, error: Error | undefined) => void = () => {};
  /** Something of ours is to go to that address. */
  onWanted: (address: string) => void = () => {};
  /** A response to what we never sent. */
  onStray: (flow: Flow) => void = () => {};
  onTrace: ((direction: 'in' | 'out', bytes: Uint8Array, flow: Flow) => void) | undefined;

  readonly counters: TransportCounters = {
    received: 0,
    sent: 0,
    malformed: 0,
    notOurs: 0,
    sendFailures: 0,
    refusedConnections: 0,
    refusedHandshakes: 0,
    withheld: 0,
    handlerErrors: 0,
  };

  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #messageLimits: ParseLimits;
  readonly #bindings: BindingRequests;
  readonly #locals: LocalAddresses;
  readonly #datagrams: Datagrams;
  readonly #connections: Connections;
  readonly #hearts: Hearts;
  readonly #own: OwnAddress;
  readonly #watchers = new Map<Flow, Set<(error: Error | undefined) => void>>();
  #isClosed = false;
  #onDrained: (() => void) | undefined;

  constructor(options: TransportLayerOptions = {}) {
    const { clock = systemClock, random = systemRandom, network = systemNetwork, tls = {} } = options;
    const limits: TransportLimits = { ...DEFAULT_TRANSPORT_LIMITS, ...options.limits };
    this.#clock = clock;
    this.#messageLimits = limits.message;
    this.#logger = options.logger ?? silentLogger;
    this.#own = new OwnAddress({
      publicAddress: publicAddressOption(options.publicAddress),
      localNetworks: localNetworksOption(options.localNetworks ?? PRIVATE_NETWORKS),
      invalidHost: `${random.token()}.invalid`,
      hasClientCert: tls.clientCert !== undefined,
    });
    this.#bindings = new BindingRequests(clock, random);
    // An injected network has no routes to ask about: bound to everything, it is the loopback host.
    const probe = network === systemNetwork ? addressTowards : async (to: string) => (isIP(to) === 6 ? '::1' : '127.0.0.1');
    const shared = {
      onBytes: (bytes: Uint8Array, flow: Flow) => this.#onBytes(bytes, flow),
      onBroken: (failure: ParseFailure, flow: Flow) => this.#onBroken(failure, flow),
      onSent: (bytes: Uint8Array, flow: Flow) => this.#onSent(bytes, flow),
      onAlive: (flow: Flow) => this.#onAlive(flow),
      onSendFailure: (flow: Flow, error: Error) => this.#onSendFailure(flow, error),
      onClosed: (flow: Flow, error: Error | undefined) => this.#onClosed(flow, error),
      onRefused: (why: string) => this.#onRefused(why),
      onWithheld: () => {
        this.counters.withheld++;
      },
      isShut: options.isShut ?? (() => false),
    };
    this.#locals = new LocalAddresses(clock, probe);
    this.#datagrams = new Datagrams({ network, limits, locals: this.#locals, bindings: this.#bindings, sink: shared });
    const carriers = new NetworkCarriers(network, network === systemNetwork ? 'system' : 'injected', tls, limits);
    this.#connections = new Connections({ clock, limits, carriers, sink: shared });
    this.#hearts = new Hearts({
      clock,
      random,
      ping: (flow) => (flow.reliable ? this.#connections.ping(flow) : flow.send(CRLF_CRLF)),
      ask: (flow) => this.#ask(flow),
      onDead: (flow, why) => this.#onDead(flow, why),
    });
  }

  get addresses(): readonly ListenAddress[] {
    return [...this.#datagrams.addresses, ...this.#connections.addresses];
  }

  /** Connections open now, both directions. */
  get connections(): number {
    return this.#connections.open;
  }

  /** Rejects with ListenError when the address cannot be had, with OptionError when the options make no sense. */
  async listen(options: ListenOptions): Promise<ListenAddress> {
    const { transport, host = '0.0.0.0', port = 0 } = options;
    if (isIP(host) === 0) throw new OptionError('listen.host', 'a numeric IPv4 or IPv6 address');
    try {
      return transport === 'udp' ? await this.#datagrams.listen(host, port) : await this.#connections.listen({ ...options, host, port });
    } catch (error) {
      if (error instanceof OptionError) throw error;
      throw new ListenError(transport, host, port, (error as Error).message, { cause: error });
    }
  }

  /** The flow to send on: an open one to that target where there is one. Rejects with SipBotError ERR_TRANSPORT. */
  async flowTo(target: Target, from?: ListenAddress): Promise<Flow> {
    if (this.#isClosed) throw new SipBotError('ERR_STOPPED', 'the transport layer is closed');
    this.onWanted(target.address);
    if (target.transport === 'udp') return this.#datagrams.flowTo(target, from);
    // Who listens on one address alone means to be that address, also where it is we who connect.
    const host = (from ?? this.addresses.find((address) => !isWildcard(address.host) && canReach(address.host, target.address)))?.host;
    return this.#connections.flowTo(target, host === undefined || isWildcard(host) ? undefined : host);
  }

  /** §18.2.2: where the response to a request goes that came on `flow`, to the same source at another port. */
  async responseFlowTo(target: Target, flow: Flow): Promise<Flow> {
    const other = await this.#datagrams.flowTo(target, this.listenerOf(flow), 'response');
    if (flow instanceof DatagramFlow) other.credit = flow.credit;
    return other;
  }

  /** Ends what is open from an address that nobody listens to any more. */
  destroyFrom(address: string): void {
    this.#connections.destroyFrom(address);
  }

  /** What to write as Via sent-by and as Contact host and port in what goes out on this flow. */
  sentBy(flow: Flow): SentBy {
    return this.#own.sentBy(flow, this.listenerOf(flow));
  }

  /** Our listener that the flow's peer could reach us at, of the same transport and family. */
  listenerOf(flow: Flow): ListenAddress | undefined {
    const addresses = flow.reliable ? this.#connections.addresses : this.#datagrams.addresses;
    return addresses.find((address) => isListenerFor(address, flow));
  }

  /** What a response's `received` and `rport`, or STUN, said about us on this flow. */
  learnPublicAddress(flow: Flow, address: SocketAddress): void {
    this.#own.learn(flow, address);
  }

  /** Asks a STUN server (RFC 8489) what our datagram socket looks like from there; undefined when it does not say. */
  async discoverPublicAddress(server: SocketAddress, giveUpMs = 3_000): Promise<SocketAddress | undefined> {
    const flow = await this.flowTo({ transport: 'udp', ...server, host: server.address });
    const mapped = flow instanceof DatagramFlow ? await this.#datagrams.ask(flow, giveUpMs) : undefined;
    if (mapped !== undefined) this.#own.learn(flow, mapped);
    return mapped;
  }

  /** Tells when this flow is gone, once; calling what it returns tells nothing any more. */
  watch(flow: Flow, onClosed: (error: Error | undefined) => void): () => void {
    let watchers = this.#watchers.get(flow);
    if (watchers === undefined) {
      watchers = new Set();
      this.#watchers.set(flow, watchers);
    }
    watchers.add(onClosed);
    return () => {
      watchers.delete(onClosed);
      if (watchers.size === 0 && this.#watchers.get(flow) === watchers) this.#watchers.delete(flow);
    };
  }

  /** Whether `publicAddress` was set by hand: then nothing a response says of us changes it. */
  get hasFixedAddress(): boolean {
    return this.#own.isFixed;
  }

  /** This machine has other addresses than before: those known are asked again, and a connection from one that is gone is at its end. */
  async renew(flow: Flow, present: ReadonlySet<string>): Promise<'same' | 'moved'> {
    const before = flow.local.address;
    if (flow instanceof DatagramFlow) {
      this.#locals.forget();
      await this.#datagrams.renew(flow);
    } else if (!present.has(before)) {
      this.#connections.destroy(flow, 'our address is gone');
      return 'moved';
    }
    return flow.local.address === before ? 'same' : 'moved';
  }

  /** RFC 5626 §4.4. A flow that gives no sign of life when one is expected is closed, and said so by `onFlowClosed`. */
  keepAlive(flow: Flow, options: KeepAliveOptions): { stop(): void } {
    return this.#hearts.start(flow, options);
  }

  /** Ends every connection, lets what was written go out, and closes every socket. Idempotent. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#hearts.stopAll();
    this.#bindings.close();
    this.#datagrams.close();
    this.#connections.closeAll();
    if (this.#connections.open === 0) return;
    await new Promise<void>((resolve) => {
      const late = this.#clock.at(this.#clock.now() + CLOSE_WITHIN_MS, () => this.#connections.destroyAll());
      this.#onDrained = () => {
        late.cancel();
        resolve();
      };
    });
  }

  #onBytes(bytes: Uint8Array, flow: Flow): void {
    this.counters.received++;
    if (this.#hearts.size > 0) this.#hearts.onAlive(flow);
    try {
      this.onTrace?.('in', bytes, flow);
      const message = parse(bytes, this.#messageLimits);
      if (isParseFailure(message)) {
        this.counters.malformed++;
        this.onParseFailure(message, flow);
      } else if (message.kind === 'request') this.#onRequest(message, flow);
      else this.#onResponse(message, flow);
    } catch (error) {
      this.#onHandlerError(error, flow);
    }
  }

  #onBroken(failure: ParseFailure, flow: Flow): void {
    this.counters.malformed++;
    try {
      this.onParseFailure(failure, flow);
    } catch (error) {
      this.#onHandlerError(error, flow);
    }
  }

  /** A bug, ours or a handler's, ends with this message and not with the process. */
  #onHandlerError(error: unknown, flow: Flow): void {
    this.counters.handlerErrors++;
    this.#logger.error({ error, flow: flow.id }, 'a message could not be handled');
  }

  #onRequest(request: SipRequest, flow: Flow): void {
    stampReceived(request, flow.remote);
    const via = request.via;
    if (flow.secure && via?.params.has('alias')) this.#connections.alias(flow, via);
    this.onMessage(request, flow);
  }

  /** §18.1.2: a response to what we never sent is not ours to act on. */
  #onResponse(response: SipResponse, flow: Flow): void {
    const via = response.via;
    if (via === undefined || this.#own.isOurs(via)) {
      this.onMessage(response, flow);
      return;
    }
    this.counters.notOurs++;
    this.onStray(flow);
  }

  #onSent(bytes: Uint8Array, flow: Flow): void {
    this.counters.sent++;
    this.onTrace?.('out', bytes, flow);
  }

  #onAlive(flow: Flow): void {
    if (this.#hearts.size > 0) this.#hearts.onAlive(flow);
  }

  #onSendFailure(flow: Flow, error: Error): void {
    this.counters.sendFailures++;
    this.onSendFailure(flow, error);
  }

  #onClosed(flow: Flow, error: Error | undefined): void {
    this.#hearts.stop(flow);
    this.#tellClosed(flow, error);
    if (this.#connections.open === 0) this.#onDrained?.();
  }

  #tellClosed(flow: Flow, error: Error | undefined): void {
    const watchers = this.#watchers.get(flow);
    this.#watchers.delete(flow);
    this.onFlowClosed(flow, error);
    for (const onClosed of watchers ?? []) onClosed(error);
  }

  #onRefused(why: string): void {
    if (why === 'handshake') this.counters.refusedHandshakes++;
    else this.counters.refusedConnections++;
  }

  async #ask(flow: Flow): Promise<SocketAddress | undefined> {
    const mapped = flow instanceof DatagramFlow ? await this.#datagrams.ask(flow) : undefined;
    if (mapped !== undefined) this.#own.learn(flow, mapped);
    return mapped;
  }

  #onDead(flow: Flow, why: string): void {
    if (flow.reliable) this.#connections.destroy(flow, why);
    if (!(flow instanceof DatagramFlow) || !flow.isOpen) return;
    this.#datagrams.forget(flow);
    this.#tellClosed(flow, new SipBotError('ERR_TRANSPORT', `udp ${flow.remote.address}:${flow.remote.port}: ${why}`));
  }
}

function publicAddressOption(value: string | undefined): string | undefined {
  if (value !== undefined && value !== 'auto' && isIP(value) === 0) throw new OptionError('publicAddress', "a numeric address or 'auto'");
  return value;
}

function localNetworksOption(cidrs: readonly string[]): Subnets {
  try {
    return new Subnets(cidrs);
  } catch (error) {
    throw new OptionError('localNetworks', `a list of CIDR blocks; ${(error as Error).message}`);
  }
}
