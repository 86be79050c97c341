/** A registrar on this machine, for demonstrations and tests: users register, and whoever calls one of them is told where that user is (302). */
import { type Clock, systemClock } from '../clock.js';
import type { Network } from '../network.js';
import { type Random, systemRandom } from '../random.js';
import type { Users } from '../sip/auth/digest-server.js';
import { Registrar } from '../sip/ua/registrar.js';
import { UserAgent } from '../sip/ua/user-agent.js';

export interface LocalRegistrarOptions {
  /** @default '127.0.0.1' */
  readonly host?: string;
  /** @default any free one */
  readonly port?: number;
  /** Users and their passwords. @default anybody is let in */
  readonly users?: Users;
  readonly clock?: Clock;
  readonly network?: Network;
  readonly random?: Random;
}

export class LocalRegistrar {
  readonly registrar: Registrar;
  readonly #agent: UserAgent;

  constructor(options: LocalRegistrarOptions = {}) {
    const { host = '127.0.0.1', port = 0, users, clock = systemClock, random = systemRandom, network } = options;
    this.#agent = new UserAgent({
      listen: [{ transport: 'udp', host, port }],
      product: 'sipbot local registrar',
      clock,
      random,
      ...(network === undefined ? {} : { network }),
    });
    this.registrar = new Registrar({ clock, random, domains: [host], ...(users === undefined ? {} : { users }) }).attach(this.#agent);
    this.#agent.handle('INVITE', (incoming) => {
      const [found] = this.registrar.lookup(incoming.request.uri);
      if (found === undefined) incoming.reply(404);
      else incoming.reply(302, { headers: [['Contact', `<${found.uri}>`]] });
    });
  }

  /** Rejects with ListenError when the port is taken. */
  start(): Promise<void> {
    return this.#agent.start();
  }

  /** host:port, for URIs. */
  get address(): string {
    const { host, port } = this.#agent.addresses[0]!;
    return `${host.includes(':') ? `[${host}]` : host}:${port}`;
  }

  async close(): Promise<void> {
    this.registrar.close();
    await this.#agent.close();
  }
}
