/** What is remembered of addresses that anybody may make up: bounded, the longest untouched forgotten first. IPv6 counts by the /64 a host owns. */
export class Recent<V> {
  readonly #limit: number;
  readonly #entries = new Map<string, V>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** As it stands, without being touched. */
  peek(key: string): V | undefined {
    return this.#entries.get(key);
  }

  /** What is there, else what is made; the youngest from now on. */
  touch(key: string, make: () => V): V {
    const known = this.#entries.get(key);
    const value = known ?? make();
    if (known !== undefined) this.#entries.delete(key);
    this.#put(key, value);
    return value;
  }

  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#put(key, value);
  }

  delete(key: string): boolean {
    return this.#entries.delete(key);
  }

  entries(): IterableIterator<[string, V]> {
    return this.#entries.entries();
  }

  #put(key: string, value: V): void {
    this.#entries.set(key, value);
    if (this.#entries.size > this.#limit) this.#entries.delete(this.#entries.keys().next().value!);
  }
}

/** Whoever has one IPv6 address has the other 2^64 of its subnet too. */
export function sourceKey(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::', 2);
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const behind = tail === '' ? 0 : tail.split(':').length;
    while (groups.length + behind < 8) groups.push('0');
  }
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
