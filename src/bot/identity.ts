/** Who we say is calling: From, and where a trunk wants it P-Asserted-Identity or P-Preferred-Identity (RFC 3325), and Privacy (RFC 3323). */
import { OptionError } from '../errors.js';
import type { HeaderEntry } from '../sip/message/headers.js';
import { NameAddr } from '../sip/message/name-addr.js';
import { parseUri, Uri } from '../sip/message/uri.js';
import type { ResolvedAccount, ResolvedTrunk } from './resolve-options.js';

export interface CallerOptions {
  /** A number, a user, or a SIP URI. */
  readonly callerId?: string | undefined;
  readonly displayName?: string | undefined;
}

export interface Identity {
  /** From, without a tag. */
  readonly from: string;
  readonly headers: readonly HeaderEntry[];
}

const ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>';

export function identityOf(
  way: { readonly account: ResolvedAccount | undefined; readonly trunk: ResolvedTrunk | undefined },
  options: CallerOptions,
  ownHost: string,
): Identity {
  const { account, trunk } = way;
  const callerId = options.callerId ?? trunk?.callerId;
  const displayName = options.displayName ?? account?.displayName;
  const uri = uriOf(callerId, account, ownHost, trunk);
  const who = new NameAddr(uri, displayName).toString();
  if (trunk === undefined) return { from: who, headers: [] };
  const asserted: readonly HeaderEntry[] =
    trunk.identity === 'pai' ? [['P-Asserted-Identity', who]] : trunk.identity === 'ppi' ? [['P-Preferred-Identity', who]] : [];
  // RFC 3323 §4.2: who wants to stay unknown must not say it in From either.
  return trunk.privacy ? { from: ANONYMOUS, headers: [...asserted, ['Privacy', 'id']] } : { from: who, headers: asserted };
}

function uriOf(callerId: string | undefined, account: ResolvedAccount | undefined, ownHost: string, trunk: ResolvedTrunk | undefined): Uri {
  if (callerId !== undefined && /^(sips?|tel):/i.test(callerId)) {
    const uri = parseUri(callerId);
    if (uri === undefined) throw new OptionError('callerId', 'must be a number, a user or a SIP URI');
    return uri;
  }
  const base = account?.address;
  const host = base?.host ?? ownHost;
  const user = callerId ?? base?.user ?? (trunk === undefined ? 'sipbot' : 'anonymous');
  return new Uri({ scheme: 'sip', user, host, port: base?.port });
}
