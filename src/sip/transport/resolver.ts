/** The DNS as RFC 3263 needs it, and node:dns as one of them. A name that does not exist is an empty list; a DNS that does not work rejects. */
import { lookup, Resolver as NodeResolver } from 'node:dns/promises';

export interface NaptrRecord {
  readonly order: number;
  readonly preference: number;
  readonly flags: string;
  readonly service: string;
  readonly regexp?: string;
  readonly replacement: string;
}

export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

/** An address, with the seconds it may be remembered where they are known. */
export type AddressRecord = string | { readonly address: string; readonly ttlS: number };

export interface Resolver {
  naptr(name: string): Promise<readonly NaptrRecord[]>;
  srv(name: string): Promise<readonly SrvRecord[]>;
  a(name: string): Promise<readonly AddressRecord[]>;
  aaaa(name: string): Promise<readonly AddressRecord[]>;
}

/** Answers that mean "no such thing", as against "no answer". */
const NOT_THERE: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA', 'EBADNAME', 'EBADRESP', 'EFORMERR', 'ENOTIMP']);

export interface SystemResolverOptions {
  /** `192.0.2.53`, `[2001:db8::53]:5353`. @default those of the system */
  readonly servers?: readonly string[];
  /** Of one question to one server, in ms. @default 2000 */
  readonly timeoutMs?: number;
  /** Questions to each server. @default 2 */
  readonly tries?: number;
}

async function orNothing<T>(answer: Promise<T[]>): Promise<T[]> {
  try {
    return await answer;
  } catch (error) {
    if (NOT_THERE.has((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

/** node:dns. */
export class SystemResolver implements Resolver {
  readonly #options: SystemResolverOptions;
  #dns: NodeResolver | undefined;

  constructor(options: SystemResolverOptions = {}) {
    this.#options = options;
  }

  /** Made when first asked: one that never asks holds no channel open. */
  get #node(): NodeResolver {
    if (this.#dns === undefined) {
      const { servers, timeoutMs = 2_000, tries = 2 } = this.#options;
      this.#dns = new NodeResolver({ timeout: timeoutMs, tries });
      if (servers !== undefined) this.#dns.setServers(servers);
    }
    return this.#dns;
  }

  naptr(name: string): Promise<readonly NaptrRecord[]> {
    return orNothing(this.#node.resolveNaptr(name));
  }

  srv(name: string): Promise<readonly SrvRecord[]> {
    return orNothing(this.#node.resolveSrv(name));
  }

  a(name: string): Promise<readonly AddressRecord[]> {
    return this.#addresses(name, 4);
  }

  aaaa(name: string): Promise<readonly AddressRecord[]> {
    return this.#addresses(name, 6);
  }

  /** The DNS first, for its TTL; then what else the system knows (hosts file, mDNS), also when the DNS does not work. */
  async #addresses(name: string, family: 4 | 6): Promise<readonly AddressRecord[]> {
    let failure: unknown;
    try {
      const records = await orNothing(family === 4 ? this.#node.resolve4(name, { ttl: true }) : this.#node.resolve6(name, { ttl: true }));
      if (records.length > 0) return records.map(({ address, ttl }) => ({ address, ttlS: ttl }));
    } catch (error) {
      failure = error;
    }
    try {
      return (await lookup(name, { family, all: true })).map(({ address }) => address);
    } catch {
      if (failure !== undefined) throw failure;
      return [];
    }
  }
}

export const systemResolver: Resolver = new SystemResolver();
