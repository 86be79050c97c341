/** What the DNS said, for as long as it holds, and a while longer when the DNS no longer answers. */
import type { Clock } from '../../clock.js';
import type { AddressRecord, NaptrRecord, Resolver, SrvRecord } from './resolver.js';

/** node:dns gives no TTL for SRV and NAPTR. */
const DEFAULT_TTL_MS = 60_000;
const MIN_TTL_MS = 1_000;
const MAX_TTL_MS = 3_600_000;
/** RFC 2308: that there is nothing is worth remembering too, but not for long. */
const NOTHING_TTL_MS = 30_000;
/** RFC 8767: an old answer is better than none. */
const STALE_MS = 86_400_000;
const MAX_ENTRIES = 2_048;

interface Entry<T> {
  readonly records: readonly T[];
  readonly freshUntil: number;
  readonly usableUntil: number;
}

export class DnsCache implements Resolver {
  readonly #resolver: Resolver;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry<unknown>>();
  readonly #asking = new Map<string, Promise<readonly unknown[]>>();

  constructor(resolver: Resolver, clock: Clock) {
    this.#resolver = resolver;
    this.#clock = clock;
  }

  naptr(name: string): Promise<readonly NaptrRecord[]> {
    return this.#ask('naptr', name, () => this.#resolver.naptr(name));
  }

  srv(name: string): Promise<readonly SrvRecord[]> {
    return this.#ask('srv', name, () => this.#resolver.srv(name));
  }

  a(name: string): Promise<readonly AddressRecord[]> {
    return this.#ask('a', name, () => this.#resolver.a(name));
  }

  aaaa(name: string): Promise<readonly AddressRecord[]> {
    return this.#ask('aaaa', name, () => this.#resolver.aaaa(name));
  }

  clear(): void {
    this.#entries.clear();
  }

  #ask<T>(type: string, name: string, ask: () => Promise<readonly T[]>): Promise<readonly T[]> {
    const key = `${type} ${name.toLowerCase()}`;
    const known = this.#entries.get(key) as Entry<T> | undefined;
    if (known !== undefined && known.freshUntil > this.#clock.now()) return Promise.resolve(known.records);
    let asking = this.#asking.get(key) as Promise<readonly T[]> | undefined;
    if (asking === undefined) {
      asking = this.#fetch(key, known, ask).finally(() => this.#asking.delete(key));
      this.#asking.set(key, asking);
    }
    return asking;
  }

  async #fetch<T>(key: string, known: Entry<T> | undefined, ask: () => Promise<readonly T[]>): Promise<readonly T[]> {
    let records: readonly T[];
    try {
      records = await ask();
    } catch (error) {
      if (known !== undefined && known.records.length > 0 && known.usableUntil > this.#clock.now()) return known.records;
      throw error;
    }
    const now = this.#clock.now();
    const freshUntil = now + ttlOf(records);
    this.#entries.delete(key);
    this.#entries.set(key, { records, freshUntil, usableUntil: freshUntil + STALE_MS });
    if (this.#entries.size > MAX_ENTRIES) this.#entries.delete(this.#entries.keys().next().value!);
    return records;
  }
}

function ttlOf(records: readonly unknown[]): number {
  if (records.length === 0) return NOTHING_TTL_MS;
  let ttl = MAX_TTL_MS;
  for (const record of records) {
    const ttlS = typeof record === 'object' && record !== null && 'ttlS' in record ? Number(record.ttlS) : Number.NaN;
    ttl = Math.min(ttl, Number.isNaN(ttlS) ? DEFAULT_TTL_MS : ttlS * 1000);
  }
  return Math.max(ttl, MIN_TTL_MS);
}
