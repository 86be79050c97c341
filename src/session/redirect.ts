// Where a 3xx sends a call (RFC 3261 §8.1.3.4, §21.3): targets by preference, none of them twice, and not for ever.
import { type Contacts, contactQ } from '../sip/message/contact.js';
import type { Uri } from '../sip/message/uri.js';

/** Whether both name one server: what the one may be told, the other may. */
export function isSameServer(a: Uri, b: Uri): boolean {
  return a.scheme === b.scheme && a.host.toLowerCase() === b.host.toLowerCase() && a.port === b.port;
}

export class RedirectTargets {
  readonly #tried: Uri[];
  readonly #waiting: Uri[] = [];
  readonly #isSecure: boolean;
  #left: number;

  /** `limit`: how many targets are tried after the first, in all. */
  constructor(first: Uri, limit: number) {
    this.#tried = [first];
    this.#isSecure = first.scheme === 'sips';
    this.#left = limit;
  }

  /** The Contacts of a 3xx, best first, before those that an earlier one left over (§8.1.3.4). Returns the ones that are worth trying. */
  add(contacts: Contacts, permits: (target: Uri) => boolean = () => true): readonly Uri[] {
    if (contacts === '*') return [];
    const sorted = contacts
      .filter((contact) => this.#isPossible(contact.uri) && permits(contact.uri))
      .slice(0, 32)
      .sort((a, b) => contactQ(b) - contactQ(a))
      .map((contact) => contact.uri);
    const fresh = sorted.filter((uri, at) => !this.#isKnown(uri) && sorted.findIndex((other) => other.equals(uri)) === at);
    this.#waiting.unshift(...fresh);
    return fresh;
  }

  /** Undefined when there is none left, or the limit is reached. */
  next(): Uri | undefined {
    if (this.#left <= 0) return undefined;
    const uri = this.#waiting.shift();
    if (uri === undefined) return undefined;
    this.#left--;
    this.#tried.push(uri);
    return uri;
  }

  /** §8.1.3.4: a sips: call is not redirected to anything less; other schemes (mailto:, http:) are not calls at all. */
  #isPossible(uri: Uri): boolean {
    return uri.scheme === 'sips' || (!this.#isSecure && (uri.scheme === 'sip' || uri.scheme === 'tel'));
  }

  #isKnown(uri: Uri): boolean {
    return [...this.#tried, ...this.#waiting].some((other) => other.equals(uri));
  }
}
