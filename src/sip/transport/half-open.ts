/**
 * Connections that have not shown yet what they are for: bounded in all and for each address, before TLS and WebSocket handshakes as after them. Where
 * there are too many, the oldest makes room: who means to talk does so at once, and one who says nothing must not keep the others out.
 */
interface Closable {
  destroy(): unknown;
}

export class HalfOpen<C extends Closable> {
  readonly #limit: number;
  readonly #limitPerAddress: number;
  /** Oldest first. */
  readonly #waiting = new Map<C, string>();
  readonly #perAddress = new Map<string, number>();

  constructor(limit: number, limitPerAddress: number) {
    this.#limit = limit;
    this.#limitPerAddress = limitPerAddress;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** What had to make room; undefined: nothing. */
  add(connection: C, address: string): C | undefined {
    const count = (this.#perAddress.get(address) ?? 0) + 1;
    this.#waiting.set(connection, address);
    this.#perAddress.set(address, count);
    const oldest =
      count > this.#limitPerAddress
        ? this.#oldestOf(address)
        : this.#waiting.size > this.#limit
          ? this.#waiting.keys().next().value
          : undefined;
    if (oldest === undefined) return undefined;
    this.delete(oldest);
    oldest.destroy();
    return oldest;
  }

  /** It has spoken, or is gone. */
  delete(connection: C): void {
    const address = this.#waiting.get(connection);
    if (address === undefined) return;
    this.#waiting.delete(connection);
    const left = this.#perAddress.get(address)! - 1;
    if (left === 0) this.#perAddress.delete(address);
    else this.#perAddress.set(address, left);
  }

  #oldestOf(address: string): C | undefined {
    for (const [connection, from] of this.#waiting) if (from === address) return connection;
    return undefined;
  }
}
