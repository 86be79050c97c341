/** Our end of the way to a peer: the address we have there, and the one it sees (behind NAT another). What SDP says of media follows from it. */
import type { Uri } from '../sip/message/uri.js';
import type { Flow } from '../sip/transport/flow.js';
import { isIP, isWildcard, withoutBrackets } from '../sip/transport/ip.js';
import type { UserAgent } from '../sip/ua/user-agent.js';

export interface OwnEnd {
  readonly local: string;
  /** The same, unless a NAT is between us. */
  readonly seen: string;
}

export function ownEnd(agent: UserAgent, flow: Flow | undefined): OwnEnd | undefined {
  if (flow === undefined) return undefined;
  const local = flow.local.address;
  const seen = withoutBrackets(agent.transports.sentBy(flow).host);
  // A WebSocket client calls itself something that is no address (RFC 7118 §5.2.2).
  return { local, seen: isIP(seen) === 0 ? local : seen };
}

/** Asks for the way there as a request of ours would go; undefined when there is none now: the request itself will say why. */
export async function ownEndTowards(agent: UserAgent, uri: Uri): Promise<OwnEnd | undefined> {
  try {
    const [target] = await agent.resolver.resolve(uri);
    return target === undefined ? undefined : ownEnd(agent, await agent.transports.flowTo(target));
  } catch {
    return undefined;
  }
}

/** What the peer shall send media to. A socket bound to one address is reached there, unless a NAT stands before it. */
export function mediaAddressOf(bound: string, end: OwnEnd | undefined): string {
  if (end === undefined) return isWildcard(bound) ? '127.0.0.1' : bound;
  return isWildcard(bound) || end.seen !== end.local ? end.seen : bound;
}
