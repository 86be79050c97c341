/** Which of our addresses a remote sees when the socket is bound to all of them: asked of the system's routes, remembered for a minute. */
import type { Clock } from '../../clock.js';
import { isIP, isLoopback, isWildcard } from './ip.js';

export type AddressProbe = (remote: string) => Promise<string | undefined>;

const REMEMBER_MS = 60_000;
const MAX_REMEMBERED = 4096;
/** RFC 5737, RFC 3849: addresses of nobody; the way there is the default route. */
const NOBODY = { 4: '192.0.2.1', 6: '2001:db8::1' } as const;

export class LocalAddresses {
  readonly #clock: Clock;
  readonly #probe: AddressProbe;
  readonly #known = new Map<string, { readonly local: string; readonly until: number }>();

  constructor(clock: Clock, probe: AddressProbe) {
    this.#clock = clock;
    this.#probe = probe;
  }

  /** The best that can be said at once. */
  towards(bound: string, remote: string): string {
    if (!isWildcard(bound)) return bound;
    if (isLoopback(remote)) return isIP(remote) === 6 ? '::1' : '127.0.0.1';
    const nobody = NOBODY[isIP(remote) === 6 ? 6 : 4];
    return (this.#known.get(remote) ?? this.#known.get(nobody))?.local ?? bound;
  }

  isFresh(bound: string, remote: string): boolean {
    if (!isWildcard(bound) || isLoopback(remote)) return true;
    const entry = this.#known.get(remote);
    return entry !== undefined && entry.until > this.#clock.now();
  }

  async learn(bound: string, remote: string): Promise<string> {
    if (!this.isFresh(bound, remote)) {
      const local = await this.#probe(remote);
      if (local !== undefined) this.#remember(remote, local);
    }
    return this.towards(bound, remote);
  }

  /** The machine may have moved to another network: what was known is asked again. */
  forget(): void {
    this.#known.clear();
  }

  /** Learns the default route for the family of a bound address, so that `towards` has something to say about strangers. */
  async prime(bound: string): Promise<void> {
    if (isWildcard(bound)) await this.learn(bound, NOBODY[isIP(bound) === 6 ? 6 : 4]);
  }

  #remember(remote: string, local: string): void {
    this.#known.delete(remote);
    this.#known.set(remote, { local, until: this.#clock.now() + REMEMBER_MS });
    if (this.#known.size > MAX_REMEMBERED) this.#known.delete(this.#known.keys().next().value!);
  }
}
