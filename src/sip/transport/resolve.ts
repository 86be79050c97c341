/** Where to send a request (RFC 3263 §4): a URI to a list of targets, in the order to try; those known to be down come last. */
import { type Clock, systemClock } from '../../clock.js';
import { SipBotError } from '../../errors.js';
import { type Random, systemRandom } from '../../random.js';
import { parseUri, type Uri } from '../message/uri.js';
import { DnsCache } from './dns-cache.js';
import { isIP, withoutBrackets } from './ip.js';
import { type NaptrRecord, type Resolver, type SrvRecord, systemResolver } from './resolver.js';
import { defaultPort, isSecure, parseTransportName, type Target, TRANSPORT_NAMES, type TransportName } from './transport.js';

export interface TargetResolverOptions {
  /** @default node:dns */
  readonly resolver?: Resolver;
  readonly clock?: Clock;
  readonly random?: Random;
  /** What we can speak, dearest first: breaks ties where the domain has no opinion. @default udp, tcp, tls, ws, wss */
  readonly transports?: readonly TransportName[];
  /** @default IPv4, then IPv6 */
  readonly families?: readonly (4 | 6)[];
  /** How long a target that failed is tried last. @default 30000 */
  readonly downMs?: number;
}

/** Some name with many records must not make a request try for ever. */
const MAX_TARGETS = 32;
const MAX_DOWN = 4_096;

/** §4.1, RFC 7118 §8: `SIP+D2U` and its kin. */
const NAPTR_SERVICES: Readonly<Record<string, TransportName>> = {
  'SIP+D2U': 'udp',
  'SIP+D2T': 'tcp',
  'SIPS+D2T': 'tls',
  'SIP+D2W': 'ws',
  'SIPS+D2W': 'wss',
};

/** §4.1; WebSocket has no SRV names of its own besides these (RFC 7118 §8.2). */
const SRV_PREFIX: Readonly<Record<TransportName, string>> = {
  udp: '_sip._udp.',
  tcp: '_sip._tcp.',
  tls: '_sips._tcp.',
  ws: '_sip._ws.',
  wss: '_sips._ws.',
};

interface Destination {
  readonly transport: TransportName;
  readonly name: string;
  readonly port: number;
}

export class TargetResolver {
  readonly #dns: DnsCache;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #transports: readonly TransportName[];
  readonly #families: readonly (4 | 6)[];
  readonly #downMs: number;
  readonly #down = new Map<string, number>();
  readonly #wsPaths = new Map<string, string>();

  constructor(options: TargetResolverOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#dns = new DnsCache(options.resolver ?? systemResolver, this.#clock);
    this.#transports = options.transports ?? TRANSPORT_NAMES;
    this.#families = options.families ?? [4, 6];
    this.#downMs = options.downMs ?? 30_000;
  }

  /**
   * Empty when the DNS says that there is nothing; rejects with ERR_TRANSPORT when it does not answer.
   * The `lr` parameter and headers of the URI are of no concern here: pass the topmost Route or the Request-URI (§8.1.2).
   */
  async resolve(uri: Uri): Promise<Target[]> {
    const secure = uri.scheme === 'sips';
    const name = withoutBrackets(uri.params.get('maddr') ?? uri.host).toLowerCase();
    const written = uri.params.get('transport');
    const asked = written === undefined ? undefined : secureTransport(parseTransportName(written), secure);
    if (name === '' || (written !== undefined && asked === undefined)) return [];
    // What the certificate must speak for is the name in the URI, not what the DNS, which anybody may forge, makes of it (RFC 5922 §4).
    const host = withoutBrackets(uri.host).toLowerCase();
    if (isIP(name) !== 0) {
      const transport = asked ?? (secure ? 'tls' : 'udp');
      return this.#upFirst([
        { transport, address: name, port: uri.port ?? defaultPort(transport), host, ...this.#pathTo(transport, host) },
      ]);
    }
    const trouble: unknown[] = [];
    const destinations = await this.#destinations(name, uri.port, asked, secure, trouble);
    const targets: Target[] = [];
    for (const { transport, name: at, port } of destinations) {
      for (const address of await this.#addresses(at, trouble)) {
        if (targets.length < MAX_TARGETS) targets.push({ transport, address, port, host, ...this.#pathTo(transport, host) });
      }
    }
    if (targets.length === 0 && trouble.length > 0) {
      throw new SipBotError('ERR_TRANSPORT', `the DNS does not answer for ${name}: ${(trouble[0] as Error).message}`, {
        cause: trouble[0],
      });
    }
    return this.#upFirst(targets);
  }

  /** §4.3: a target that did not answer, refused, or said 503 is tried last for a while (its Retry-After, where it gave one). */
  markDown(target: Target, forMs: number = this.#downMs): void {
    const key = keyOf(target);
    this.#down.delete(key);
    this.#down.set(key, this.#clock.now() + forMs);
    if (this.#down.size > MAX_DOWN) this.#down.delete(this.#down.keys().next().value!);
  }

  markUp(target: Target): void {
    if (this.#down.size > 0) this.#down.delete(keyOf(target));
  }

  isDown(target: Target): boolean {
    const until = this.#down.get(keyOf(target));
    if (until === undefined) return false;
    if (until > this.#clock.now()) return true;
    this.#down.delete(keyOf(target));
    return false;
  }

  /** On what path a host takes WebSockets, where it is not the usual one. */
  useWsPath(host: string, path: string): void {
    this.#wsPaths.set(host.toLowerCase(), path);
  }

  #upFirst(targets: Target[]): Target[] {
    if (this.#down.size === 0) return targets;
    const down = targets.filter((target) => this.isDown(target));
    return down.length === 0 ? targets : [...targets.filter((target) => !down.includes(target)), ...down];
  }

  #pathTo(transport: TransportName, host: string): { readonly path?: string } {
    const path = transport === 'ws' || transport === 'wss' ? this.#wsPaths.get(host) : undefined;
    return path === undefined ? {} : { path };
  }

  /** §4.1 and §4.2: names and ports; the addresses come after. */
  async #destinations(
    name: string,
    port: number | undefined,
    asked: TransportName | undefined,
    secure: boolean,
    trouble: unknown[],
  ): Promise<Destination[]> {
    if (port !== undefined) {
      const transport = asked ?? (secure ? 'tls' : 'udp');
      return [{ transport, name, port }];
    }
    const usable = this.#transports.filter((transport) => !secure || isSecure(transport));
    const services: { transport: TransportName; srv: string }[] = [];
    if (asked !== undefined) services.push({ transport: asked, srv: SRV_PREFIX[asked] + name });
    else {
      const records = await this.#quietly(this.#dns.naptr(name), trouble);
      services.push(...naptrServices(records, usable));
      if (services.length === 0) {
        // §4.1: no NAPTR: ask for each transport. A domain is looked for on WebSocket only when its URI says so.
        for (const transport of usable)
          if (transport !== 'ws' && transport !== 'wss') services.push({ transport, srv: SRV_PREFIX[transport] + name });
      }
    }
    const found = await Promise.all(services.map(({ srv }) => this.#quietly(this.#dns.srv(srv), trouble)));
    const destinations = services.flatMap(({ transport }, i) =>
      this.#weighed(found[i]!).map((record) => ({ transport, name: record.name.toLowerCase().replace(/\.$/, ''), port: record.port })),
    );
    if (found.some((records) => records.length > 0)) {
      // RFC 2782: a target of "." says that the service is decidedly not there.
      return destinations.filter(({ name: target }) => target !== '');
    }
    const transport = asked ?? (secure ? 'tls' : 'udp');
    return [{ transport, name, port: defaultPort(transport) }];
  }

  /** RFC 2782: by priority; within one, drawn by weight, a weight of 0 having a small chance. */
  #weighed(records: readonly SrvRecord[]): SrvRecord[] {
    const left = [...records].sort((a, b) => a.priority - b.priority || a.weight - b.weight);
    const ordered: SrvRecord[] = [];
    while (left.length > 0) {
      const same = left.filter(({ priority }) => priority === left[0]!.priority);
      const total = same.reduce((sum, { weight }) => sum + weight, 0);
      let draw = Math.floor(this.#random.fraction() * (total + 1));
      const chosen = same.find(({ weight }) => {
        draw -= weight;
        return draw <= 0;
      })!;
      ordered.push(chosen);
      left.splice(left.indexOf(chosen), 1);
    }
    return ordered;
  }

  async #addresses(name: string, trouble: unknown[]): Promise<string[]> {
    if (isIP(name) !== 0) return [name];
    // RFC 6761 §6.3: never asked of the DNS.
    if (name === 'localhost' || name.endsWith('.localhost')) return this.#families.map((family) => (family === 4 ? '127.0.0.1' : '::1'));
    const found = await Promise.all(
      this.#families.map((family) => this.#quietly(family === 4 ? this.#dns.a(name) : this.#dns.aaaa(name), trouble)),
    );
    return found.flat().map((record) => (typeof record === 'string' ? record : record.address));
  }

  /** One question that fails must not spoil the others: it counts when nothing else is found. */
  async #quietly<T>(answer: Promise<readonly T[]>, trouble: unknown[]): Promise<readonly T[]> {
    try {
      return await answer;
    } catch (error) {
      trouble.push(error);
      return [];
    }
  }
}

/** A server as people write it: a SIP URI, a bare `host:port`, or `wss://host:port/path`; undefined when it is none of these. */
export function parseServer(text: string): { readonly uri: Uri; readonly wsPath?: string } | undefined {
  const ws = /^(wss?):\/\/([^/?#@\s]+)(\/[^?#\s]*)?$/i.exec(text);
  if (ws !== null) {
    const [, scheme = '', authority = '', path] = ws;
    const uri = parseUri(`${scheme.toLowerCase() === 'wss' ? 'sips' : 'sip'}:${authority};transport=ws`);
    return uri && { uri, ...(path === undefined ? {} : { wsPath: path }) };
  }
  const uri = parseUri(/^sips?:/i.test(text) ? text : `sip:${text}`);
  return uri?.isSip && uri.host !== '' ? { uri } : undefined;
}

function naptrServices(records: readonly NaptrRecord[], usable: readonly TransportName[]): { transport: TransportName; srv: string }[] {
  return [...records]
    .sort((a, b) => a.order - b.order || a.preference - b.preference)
    .flatMap(({ service, flags, replacement }) => {
      const transport = NAPTR_SERVICES[service.toUpperCase()];
      const isUsable = transport !== undefined && flags.toLowerCase() === 's' && replacement !== '' && usable.includes(transport);
      return isUsable ? [{ transport, srv: replacement }] : [];
    });
}

/** §4.1, §26.2.2: sips goes over TLS whatever `transport` says; over datagrams it cannot go at all. */
function secureTransport(transport: TransportName | undefined, secure: boolean): TransportName | undefined {
  if (!secure) return transport;
  if (transport === 'tcp') return 'tls';
  if (transport === 'ws') return 'wss';
  return transport === 'udp' ? undefined : transport;
}

function keyOf({ transport, address, port }: Target): string {
  return `${transport} ${address} ${port}`;
}
