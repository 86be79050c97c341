/** What a 2xx to REGISTER says (RFC 3261 §10.2.4): which binding is ours, how long it lives, and which are ours no longer. */
import { type Contacts, contactExpires } from '../message/contact.js';
import type { SipResponse } from '../message/message.js';
import type { NameAddr } from '../message/name-addr.js';
import type { Uri } from '../message/uri.js';

export interface OwnBindings {
  /** The one we asked for; undefined when the registrar does not show it. */
  readonly current: NameAddr | undefined;
  /** Seconds it lives; 0 when it is not there. */
  readonly expiresS: number;
  /** With our user part, which nobody can guess, but elsewhere: left by an earlier life of ours. */
  readonly stale: readonly Uri[];
  /** All with our user part that are not the one asked for. */
  readonly left: readonly Uri[];
}

export function ownBindings(response: SipResponse, contact: Uri, requestedS: number): OwnBindings {
  const { contacts } = response;
  const ours = listed(contacts).filter(({ uri }) => uri.user === contact.user);
  const current = ours.find(({ uri }) => isSamePlace(uri, contact));
  const left = ours.filter((binding) => binding !== current).map(({ uri }) => uri);
  if (current !== undefined) {
    return { current, stale: left, left, expiresS: contactExpires(current) ?? response.expires ?? requestedS };
  }
  // Some registrars write the address they saw in the place of ours, and some write no Contact at all: a 2xx is a 2xx.
  const [only] = ours;
  if (ours.length === 1 && only !== undefined) {
    return { current: only, stale: [], left, expiresS: contactExpires(only) ?? response.expires ?? requestedS };
  }
  return { current: undefined, stale: left, left, expiresS: response.expires ?? requestedS };
}

function listed(contacts: Contacts): readonly NameAddr[] {
  return contacts === '*' ? [] : contacts;
}

/** Host, port and transport: a registrar may add or drop other parameters. */
function isSamePlace(a: Uri, b: Uri): boolean {
  const transport = (uri: Uri): string => (uri.params.get('transport') ?? 'udp').toLowerCase();
  return a.host.toLowerCase() === b.host.toLowerCase() && (a.port ?? 5060) === (b.port ?? 5060) && transport(a) === transport(b);
}
