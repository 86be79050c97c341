/** Our end of the way to a peer: the address we have there, and the one it sees (behind NAT another). What SDP says of media follows from it. */
import type { Uri } from '../sip/message/uri.js';
import type { Flow } from '../sip/transport/flow.js';
import { isIP, isWildcard, withoutBrackets } from '../sip/transport/ip.js';
import type { UserAgent } from '../sip/ua/user-agent.js';

/** As it is when it is asked: machines move to other networks. */
export class OwnEnd {
  readonly #agent: UserAgent;
  readonly #flow: Flow;

  constructor(agent: UserAgent, flow: Flow) {
    this.#agent = agent;
    this.#flow = flow;
  }

  get local(): string {
    return this.#flow.local.address;
  }

  /** The same, unless a NAT is between us. */
  get seen(): string {
    const seen = withoutBrackets(this.#agent.transports.sentBy(this.#flow).host);
    // A WebSocket client calls itself something that is no address (RFC 7118 §5.2.2).
    return isIP(seen) === 0 ? this.local : seen;
  }

  /** Asks again, where this machine has other addresses than before. */
  renew(present: ReadonlySet<string>): Promise<'same' | 'moved'> {
    return this.#agent.transports.renew(this.#flow, present);
  }
}

export function ownEnd(agent: UserAgent, flow: Flow | undefined): OwnEnd | undefined {
  return flow === undefined ? undefined : new OwnEnd(agent, flow);
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
