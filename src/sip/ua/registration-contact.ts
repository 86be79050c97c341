/** The Contact of one registration: which address it names over which flow, and what of an earlier life of ours goes with it. */
import type { SocketAddress } from '../../network.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { NameAddr } from '../message/name-addr.js';
import { Params } from '../message/params.js';
import { Uri } from '../message/uri.js';
import type { Flow } from '../transport/flow.js';
import { withoutBrackets } from '../transport/ip.js';
import type { TransportLayer } from '../transport/transport-layer.js';
import type { ContactIdentity } from './contact-identity.js';
import type { RegistrationOptions } from './registration-options.js';

const MAX_STALE = 8;

export interface BindingState {
  /** Something of ours is registered now. */
  readonly isBound: boolean;
  readonly outbound: 'auto' | 'off';
}

export class RegistrationContact {
  readonly #transports: TransportLayer;
  readonly #scheme: Uri['scheme'];
  readonly #identity: ContactIdentity;
  readonly #options: Pick<RegistrationOptions, 'regId' | 'rewriteContact'>;
  #uri: Uri | undefined;
  #flow: Flow | undefined;
  /** Where the registrar's side of that flow sees us. */
  #seen: { readonly flow: Flow; readonly address: SocketAddress } | undefined;
  /** Bindings of ours that must go with the next REGISTER. */
  #stale: Uri[] = [];

  constructor(
    transports: TransportLayer,
    scheme: Uri['scheme'],
    identity: ContactIdentity,
    options: Pick<RegistrationOptions, 'regId' | 'rewriteContact'>,
  ) {
    this.#transports = transports;
    this.#scheme = scheme;
    this.#identity = identity;
    this.#options = options;
  }

  /** What was registered last ... */
  get uri(): Uri | undefined {
    return this.#uri;
  }

  /** ... and over which flow. */
  get flow(): Flow | undefined {
    return this.#flow;
  }

  /** Whether there is a NAT between this flow's two ends. */
  isSeenElsewhere(flow: Flow): boolean {
    return this.#seen?.flow === flow;
  }

  forgetSeen(): void {
    this.#seen = undefined;
  }

  /** Nothing is left to be taken back. */
  settle(): void {
    this.#stale = [];
  }

  /** Bindings to take back with the next REGISTER; false when there is none that was not `removed` already. */
  takeBack(stale: readonly Uri[], removed: Set<string>): boolean {
    this.#stale = stale.filter((uri) => !removed.has(uri.toString())).slice(0, MAX_STALE);
    for (const uri of this.#stale) removed.add(uri.toString());
    return this.#stale.length > 0;
  }

  /** Into a REGISTER that is about to leave over `flow`. */
  put(request: SipRequest, flow: Flow, expiresS: number, { isBound, outbound }: BindingState): void {
    const contact = this.#over(flow);
    const before = this.#uri;
    // What was registered elsewhere, by us, in this life: it goes as the new one comes.
    const hasChanged = before !== undefined && before.toString() !== contact.toString();
    if (hasChanged && isBound && this.#stale.length < MAX_STALE) this.#stale.push(before);
    this.#uri = contact;
    this.#flow = flow;
    let params = Params.of({ expires: String(expiresS) });
    if (outbound === 'auto') {
      params = params.with('reg-id', String(this.#options.regId ?? 1)).with('+sip.instance', `<${this.#identity.instanceId}>`);
    }
    const stale = new Set(this.#stale.map(String));
    stale.delete(contact.toString());
    request.set('Contact', new NameAddr(contact, undefined, params).toString(), ...[...stale].map((uri) => `<${uri}>;expires=0`));
  }

  /** RFC 3581 §4: the response says where we came from. When that is not what we registered, we register that. */
  hasMoved(response: SipResponse): boolean {
    const via = response.via;
    const flow = this.#flow!;
    const contact = this.#uri!;
    if ((this.#options.rewriteContact ?? 'auto') === 'off' || this.#transports.hasFixedAddress) return false;
    if (via?.received === undefined || typeof via.rport !== 'number' || contact.host.endsWith('.invalid')) return false;
    const before = this.#seen;
    this.#seen = { flow, address: { address: via.received, port: via.rport } };
    const moved = this.#over(flow);
    if (withoutBrackets(moved.host) === withoutBrackets(contact.host) && moved.port === contact.port) {
      this.#seen = before;
      return false;
    }
    return true;
  }

  #over(flow: Flow): Uri {
    const own = this.#transports.sentBy(flow);
    const isSeen = this.#seen?.flow === flow;
    const host = isSeen ? this.#seen!.address.address : own.host;
    // A listener of ours keeps its port: what a NAT makes of one connection leads nowhere but into it.
    const port = isSeen && (!flow.reliable || this.#transports.listenerOf(flow) === undefined) ? this.#seen!.address.port : own.port;
    const transport = flow.transport === 'wss' ? 'ws' : flow.transport;
    const params = flow.transport === 'udp' ? Params.noneUri : Params.noneUri.with('transport', transport);
    return new Uri({ scheme: this.#scheme, user: this.#identity.user, host, port, params });
  }
}
