/**
 * Who may call: the registrars, proxies and flows we registered through; whoever asks for a Contact that we registered; trunks; what `allow`
 * names; who can authenticate; loopback when nothing else is configured. A stranger gets one rate-limited 403 and one log line. Pure: time comes in.
 */
import type { Logger } from '../log.js';
import type { Subnets } from '../sip/transport/ip.js';
import { isLoopback } from '../sip/transport/ip.js';
import type { ResolvedOptions } from './resolve-options.js';

export interface Visitor {
  readonly address: string;
  readonly method: string;
  /** The user part of the Request-URI. */
  readonly requestedUser: string | undefined;
}

export type Verdict = 'accept' | 'drop' | 'challenge' | 'refuse';

/** A stranger's source is refused this often, and all strangers together; the rest is dropped without a word. */
const REFUSALS_PER_SOURCE_MS = 1000;
const REFUSALS_PER_SECOND = 20;
const MAX_SOURCES = 4096;

export class Doorkeeper {
  readonly #options: Pick<ResolvedOptions, 'allow' | 'deny' | 'isOpenToLoopback' | 'users'>;
  readonly #trunkNetworks: readonly Subnets[];
  readonly #logger: Logger;
  /** Addresses of registrars and proxies we are registered through, with how many registrations stand behind each. */
  readonly #trusted = new Map<string, number>();
  /** The unguessable users of our Contacts. */
  readonly #contacts = new Set<string>();
  /** Strangers' sources: when each was refused last. The oldest is forgotten first. */
  readonly #strangers = new Map<string, number>();
  #windowStart = Number.NEGATIVE_INFINITY;
  #windowRefusals = 0;
  #refused = 0;
  #dropped = 0;

  constructor(options: Pick<ResolvedOptions, 'allow' | 'deny' | 'isOpenToLoopback' | 'users' | 'trunks'>, logger: Logger) {
    this.#options = options;
    this.#trunkNetworks = options.trunks.map((trunk) => trunk.sourceNetworks);
    this.#logger = logger;
  }

  /** Requests turned away: told so, or not. */
  get counts(): { readonly refused: number; readonly dropped: number } {
    return { refused: this.#refused, dropped: this.#dropped };
  }

  trust(address: string): void {
    this.#trusted.set(address, (this.#trusted.get(address) ?? 0) + 1);
  }

  distrust(address: string): void {
    const count = this.#trusted.get(address) ?? 0;
    if (count <= 1) this.#trusted.delete(address);
    else this.#trusted.set(address, count - 1);
  }

  addContact(user: string): void {
    this.#contacts.add(user);
  }

  removeContact(user: string): void {
    this.#contacts.delete(user);
  }

  /** Which trunk calls from there; undefined: none. */
  trunkAt(address: string): number | undefined {
    const at = this.#trunkNetworks.findIndex((networks) => networks.has(address));
    return at < 0 ? undefined : at;
  }

  isDenied(address: string): boolean {
    return this.#options.deny.has(address);
  }

  /** Whom nothing more is asked of: neither who they are, nor how often they come. */
  isKnown(address: string, requestedUser?: string): boolean {
    const { allow, isOpenToLoopback } = this.#options;
    if (this.#trusted.has(address) || this.trunkAt(address) !== undefined || allow.has(address)) return true;
    if (requestedUser !== undefined && this.#contacts.has(requestedUser)) return true;
    return isOpenToLoopback && isLoopback(address);
  }

  ask(visitor: Visitor, now: number): Verdict {
    const { users } = this.#options;
    const { address, requestedUser } = visitor;
    if (this.isDenied(address)) return this.#drop();
    if (this.isKnown(address, requestedUser)) return 'accept';
    if (users !== undefined) return 'challenge';
    return this.#turnAway(visitor, now);
  }

  #turnAway({ address, method }: Visitor, now: number): Verdict {
    const last = this.#strangers.get(address);
    if (last === undefined) {
      this.#logger.warn(
        { address, method },
        `${method} from ${address} refused: nobody known. To let it in, add '${address}' to \`allow\` or to a trunk's \`sources\`.`,
      );
    }
    if (last !== undefined && now - last < REFUSALS_PER_SOURCE_MS) return this.#drop();
    if (now - this.#windowStart >= 1000) {
      this.#windowStart = now;
      this.#windowRefusals = 0;
    }
    if (this.#windowRefusals >= REFUSALS_PER_SECOND) return this.#drop();
    this.#windowRefusals++;
    this.#strangers.delete(address);
    this.#strangers.set(address, now);
    if (this.#strangers.size > MAX_SOURCES) this.#strangers.delete(this.#strangers.keys().next().value!);
    this.#refused++;
    return 'refuse';
  }

  #drop(): Verdict {
    this.#dropped++;
    return 'drop';
  }
}
