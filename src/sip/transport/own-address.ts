/** What we write about ourselves: Via sent-by and Contact host and port, towards each flow (RFC 3261 §18.1.1, RFC 3581, RFC 7118 §5.2.2). */
import type { SocketAddress } from '../../network.js';
import type { Via } from '../message/via.js';
import type { Flow } from './flow.js';
import { hostTextOf, isIP, type Subnets } from './ip.js';
import type { ListenAddress } from './transport.js';

export interface SentBy {
  /** As it stands in a Via or a URI: IPv6 in brackets. */
  readonly host: string;
  readonly port: number | undefined;
  /** Whether the peer may reuse this connection for requests of its own: `;alias` (RFC 5923 §8.1). */
  readonly alias: boolean;
}

interface OwnAddressOptions {
  readonly publicAddress: string | 'auto' | undefined;
  readonly localNetworks: Subnets;
  /** What a client without a listener calls itself on WebSocket: ends in `.invalid`. */
  readonly invalidHost: string;
  /** Whether our TLS clients show a certificate: without one the server has no reason to trust an alias. */
  readonly hasClientCert: boolean;
}

const MAX_GIVEN = 65_536;

export class OwnAddress {
  readonly #options: OwnAddressOptions;
  /** By family, from whichever flow said so last. */
  readonly #learned = new Map<4 | 6, string>();
  /** Address and port of flows behind a NAT that told us. */
  readonly #mapped = new WeakMap<Flow, SocketAddress>();
  /** Every sent-by that we have handed out, oldest first. */
  readonly #given = new Set<string>();

  constructor(options: OwnAddressOptions) {
    this.#options = options;
  }

  get isFixed(): boolean {
    const { publicAddress } = this.#options;
    return publicAddress !== undefined && publicAddress !== 'auto';
  }

  /** `listener`: ours, of the same transport, that the peer could connect to. */
  sentBy(flow: Flow, listener: ListenAddress | undefined): SentBy {
    const sentBy = this.#choose(flow, listener);
    const key = `${sentBy.host}:${sentBy.port ?? ''}`.toLowerCase();
    if (!this.#given.has(key)) {
      this.#given.add(key);
      if (this.#given.size > MAX_GIVEN) this.#given.delete(this.#given.keys().next().value!);
    }
    return sentBy;
  }

  /** §18.1.2: whether the top Via of a response is one of ours. */
  isOurs(via: Via): boolean {
    return this.#given.has(`${hostTextOf(via.host)}:${via.port ?? ''}`.toLowerCase());
  }

  learn(flow: Flow, address: SocketAddress): void {
    if (isIP(address.address) === 0 || this.#options.localNetworks.has(address.address)) return;
    this.#mapped.set(flow, address);
    this.#learned.set(familyOf(address.address), address.address);
  }

  #choose(flow: Flow, listener: ListenAddress | undefined): SentBy {
    const { publicAddress, localNetworks, invalidHost, hasClientCert } = this.#options;
    // A browser cannot be reached at its address; neither can we, on WebSocket and without a listener.
    if (listener === undefined && (flow.transport === 'ws' || flow.transport === 'wss')) {
      return { host: invalidHost, port: undefined, alias: false };
    }
    const alias = listener !== undefined && flow.transport === 'tls' && flow.direction === 'out' && hasClientCert;
    const port = listener?.port ?? flow.local.port;
    if (publicAddress === undefined || localNetworks.has(flow.remote.address)) return { host: hostTextOf(flow.local.address), port, alias };
    if (publicAddress !== 'auto') return { host: hostTextOf(publicAddress), port, alias };
    const mapped = this.#mapped.get(flow);
    // A connection's mapped port leads nowhere but into that connection; a listener keeps its own.
    if (mapped !== undefined) return { host: hostTextOf(mapped.address), port: flow.reliable ? port : mapped.port, alias };
    return { host: hostTextOf(this.#learned.get(familyOf(flow.remote.address)) ?? flow.local.address), port, alias };
  }
}

function familyOf(address: string): 4 | 6 {
  return isIP(address) === 6 ? 6 : 4;
}
