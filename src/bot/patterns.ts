/** Whom an application means by a list of numbers, users and addresses: `+1900*` begins so, `sip:eve@example.com` is one address, `*@example.com` a domain. */
import { parseUri, type Uri } from '../sip/message/uri.js';

/** Who calls without saying who: RFC 3323 §4.1.1.3, and what gateways write. */
const NAMELESS = new Set(['', 'anonymous', 'unavailable', 'restricted', 'private', 'unknown']);

export class Patterns {
  readonly #exact = new Set<string>();
  readonly #prefixes: readonly string[];
  readonly #domains = new Set<string>();

  constructor(texts: readonly string[]) {
    const prefixes: string[] = [];
    for (const text of texts) {
      const pattern = plain(text);
      if (pattern.startsWith('*@')) this.#domains.add(pattern.slice(2));
      else if (pattern.endsWith('*')) prefixes.push(pattern.slice(0, -1));
      else this.#exact.add(pattern);
    }
    this.#prefixes = prefixes;
  }

  get isEmpty(): boolean {
    return this.#exact.size === 0 && this.#prefixes.length === 0 && this.#domains.size === 0;
  }

  /** Whether one of them means this address, by its user or as a whole. */
  has(uri: Uri): boolean {
    if (this.isEmpty) return false;
    const host = uri.host.toLowerCase();
    if (this.#domains.has(host)) return true;
    const user = plain(uri.user ?? '');
    return this.#names(NAMELESS.has(user) ? 'anonymous' : user) || this.#names(`${user}@${host}`);
  }

  /** The same of a number or an address as people write it. */
  hasText(text: string): boolean {
    if (this.isEmpty) return false;
    const uri = parseUri(text.trim());
    return uri === undefined ? this.#names(plain(text)) : this.has(uri);
  }

  #names(name: string): boolean {
    return this.#exact.has(name) || this.#prefixes.some((prefix) => name.startsWith(prefix));
  }
}

/** As it is compared: without scheme, without what people write between digits, without case. */
function plain(text: string): string {
  const bare = text
    .trim()
    .toLowerCase()
    .replace(/^(sips?|tel):/, '')
    .split(';', 1)[0]!;
  return /^[+\d*#()./ -]+$/.test(bare) ? bare.replace(/[()./ -]/g, '') : bare;
}
