/** Who makes connections: Node's sockets for tcp, tls, ws and wss, or an injected network for tcp, and for what it stands for. */
import { OptionError } from '../../errors.js';
import type { Network, StreamListener } from '../../network.js';
import type { Channel } from './flow.js';
import { StreamChannel, type StreamTransport } from './stream-channel.js';
import { connectTls, listenTls } from './tls.js';
import type { ListenOptions, Target, TlsOptions, TransportLimits, TransportName } from './transport.js';
import { connectWs, listenWs } from './ws.js';

/** Who comes in. */
export interface Reception {
  accept(channel: Channel): void;
  onRefused(error: Error): void;
  /** Asked before a handshake is begun. */
  isShut(address: string): boolean;
}

export interface Carriers {
  connect(target: Target, options: { readonly localAddress?: string; readonly timeoutMs: number }): Promise<Channel>;
  listen(options: ListenOptions & { readonly host: string; readonly port: number }, reception: Reception): Promise<StreamListener>;
}

export class NetworkCarriers implements Carriers {
  readonly #network: Network;
  readonly #tls: TlsOptions;
  readonly #limits: TransportLimits;
  readonly #kind: 'system' | 'injected';

  constructor(network: Network, kind: 'system' | 'injected', tls: TlsOptions, limits: TransportLimits) {
    this.#network = network;
    this.#kind = kind;
    this.#tls = tls;
    this.#limits = limits;
  }

  async connect(target: Target, options: { readonly localAddress?: string; readonly timeoutMs: number }): Promise<Channel> {
    const { message } = this.#limits;
    const { transport, address: host, port } = target;
    const plain = this.#plain(transport);
    if (plain !== undefined) {
      const identities = plain === 'tls' || plain === 'wss' ? [target.host] : [];
      return new StreamChannel(plain, await this.#network.connect({ host, port, ...options }), identities, message);
    }
    this.#demandSystem(transport);
    if (transport === 'ws' || transport === 'wss') return connectWs(target, this.#tls, { ...options, message });
    const { stream, identities } = await connectTls({ host, port, ...options, name: target.host }, this.#tls);
    return new StreamChannel('tls', stream, identities, message);
  }

  async listen(options: ListenOptions & { readonly host: string; readonly port: number }, reception: Reception): Promise<StreamListener> {
    const { message } = this.#limits;
    const { transport, host, port } = options;
    const plain = this.#plain(transport);
    if (plain !== undefined)
      return this.#network.listen({ host, port }, (stream) => reception.accept(new StreamChannel(plain, stream, [], message)));
    this.#demandSystem(transport);
    if (transport !== 'ws' && (this.#tls.cert === undefined || this.#tls.key === undefined)) {
      throw new OptionError('tls', `cert and key are needed to listen on ${transport}`);
    }
    if (transport === 'tls') {
      return listenTls({ host, port, limits: this.#limits }, this.#tls, {
        accept: ({ stream, identities }) => reception.accept(new StreamChannel('tls', stream, identities, message)),
        onRefused: (error) => reception.onRefused(error),
        isShut: (address) => reception.isShut(address),
      });
    }
    return listenWs(options, this.#tls, this.#limits, reception);
  }

  /** What goes over a stream of the network's as it is. */
  #plain(transport: TransportName): StreamTransport | undefined {
    if (transport === 'tcp') return transport;
    return transport !== 'udp' && this.#network.standsFor?.includes(transport) === true ? transport : undefined;
  }

  #demandSystem(transport: string): void {
    if (this.#kind === 'injected') throw new OptionError('network', `an injected network carries udp and tcp, not ${transport}`);
  }
}
