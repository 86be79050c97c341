/** One of the two ends of a call, as a header names it: a display name, a URI, and the number or name in it. */
import type { NameAddr } from '../sip/message/name-addr.js';

export class Party {
  readonly displayName: string | undefined;
  /** As written, without parameters of the header. */
  readonly uri: string;
  /** The number, extension or name; undefined where the URI has none. */
  readonly user: string | undefined;
  readonly host: string;

  constructor(address: NameAddr) {
    this.displayName = address.displayName;
    this.uri = address.uri.toString();
    this.user = address.uri.user;
    this.host = address.uri.host;
  }

  toString(): string {
    return this.uri;
  }
}
