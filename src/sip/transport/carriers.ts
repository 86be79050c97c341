/** Who makes connections: Node's sockets for tcp, tls, ws and wss, or an injected network for tcp alone. */
import { OptionError } from '../../errors.js';
import type { Network, StreamListener } from '../../network.js';
import type { Channel } from './flow.js';
import { StreamChannel } from './stream-channel.js';
import { connectTls, listenTls } from './tls.js';
import type { ListenOptions, Target, TlsOptions, TransportLimits } from './transport.js';
import { connectWs, listenWs } from './ws.js';

export interface Carriers {
  connect(target: Target, options: { readonly localAddress?: string; readonly timeoutMs: number }): Promise<Channel>;
  listen(
    options: ListenOptions & { readonly host: string; readonly port: number },
    accept: (channel: Channel) => void,
    onRefused: (error: Error) => void,
  ): Promise<StreamListener>;
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
    if (transport === 'tcp') return new StreamChannel('tcp', await this.#network.connect({ host, port, ...options }), [], message);
    this.#demandSystem(transport);
    if (transport === 'ws' || transport === 'wss') return connectWs(target, this.#tls, { ...options, message });
    const { stream, identities } = await connectTls({ host, port, ...options, name: target.host }, this.#tls);
    return new StreamChannel('tls', stream, identities, message);
  }

  async listen(
    options: ListenOptions & { readonly host: string; readonly port: number },
    accept: (channel: Channel) => void,
    onRefused: (error: Error) => void,
  ): Promise<StreamListener> {
    const { message, halfOpenMs, maxHalfOpen } = this.#limits;
    const { transport, host, port } = options;
    if (transport === 'tcp') {
      return this.#network.listen({ host, port }, (stream) => accept(new StreamChannel('tcp', stream, [], message)));
    }
    this.#demandSystem(transport);
    if (transport !== 'ws' && (this.#tls.cert === undefined || this.#tls.key === undefined)) {
      throw new OptionError('tls', `cert and key are needed to listen on ${transport}`);
    }
    if (transport === 'tls') {
      return listenTls(
        { host, port, handshakeMs: halfOpenMs, maxHandshakes: maxHalfOpen },
        this.#tls,
        ({ stream, identities }) => accept(new StreamChannel('tls', stream, identities, message)),
        onRefused,
      );
    }
    return listenWs(options, this.#tls, this.#limits, accept, onRefused);
  }

  #demandSystem(transport: string): void {
    if (this.#kind === 'injected') throw new OptionError('network', `an injected network carries udp and tcp, not ${transport}`);
  }
}
