/** A dialog: with whom, by which way, under which numbers (RFC 3261 §12). It knows no time: it ends when its last usage does. */
import type { HeaderEntry } from '../message/headers.js';
import { SipRequest, type SipResponse } from '../message/message.js';
import { parseNameAddr } from '../message/name-addr.js';
import { Params } from '../message/params.js';
import type { Uri } from '../message/uri.js';

export type DialogState = 'early' | 'confirmed' | 'terminated';

export interface DialogParts {
  readonly callId: string;
  readonly localTag: string;
  /** '' when the peer is of RFC 2543 and sent none (§12.1.1). */
  readonly remoteTag: string;
  /** From or To as we write them, tag included. */
  readonly local: string;
  readonly remote: string;
  readonly remoteTarget: Uri;
  readonly routeSet: readonly string[];
  readonly localSequence: number;
  readonly remoteSequence: number | undefined;
  readonly state: DialogState;
  /** Whether we made the Call-ID: decides the range of the glare timer (§14.1). */
  readonly owner: 'local' | 'remote';
  readonly secure: boolean;
}

export const dialogKey = (callId: string, localTag: string, remoteTag: string): string => `${callId}\n${localTag}\n${remoteTag}`;

export class Dialog {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  readonly owner: 'local' | 'remote';
  readonly secure: boolean;
  readonly local: string;
  readonly remote: string;
  #state: DialogState;
  #remoteTarget: Uri;
  #remoteFeatures: Params | undefined;
  #routeSet: readonly string[];
  /** The first route, parsed: it decides the way of every request. */
  #firstRoute: Uri | undefined;
  #localSequence: number;
  #remoteSequence: number | undefined;

  constructor(parts: DialogParts) {
    this.callId = parts.callId;
    this.localTag = parts.localTag;
    this.remoteTag = parts.remoteTag;
    this.local = parts.local;
    this.remote = parts.remote;
    this.owner = parts.owner;
    this.secure = parts.secure;
    this.#state = parts.state;
    this.#remoteTarget = parts.remoteTarget;
    this.#routeSet = parts.routeSet;
    this.#firstRoute = firstUri(parts.routeSet);
    this.#localSequence = parts.localSequence;
    this.#remoteSequence = parts.remoteSequence;
  }

  /** §12.1.2: the dialog that a response makes at the client. `request` as it was sent. Undefined when one of them lacks what a dialog is known by. */
  static ofResponse(request: SipRequest, response: SipResponse): Dialog | undefined {
    const remoteTag = response.to?.tag ?? '';
    const localTag = request.from?.tag;
    const callId = request.callId;
    const sequence = request.cseq?.number;
    if (response.to === undefined || localTag === undefined || callId === undefined || sequence === undefined) return undefined;
    const dialog = new Dialog({
      callId,
      localTag,
      remoteTag,
      local: request.header('From')!,
      remote: response.header('To')!,
      // A 1xx without Contact is met in the field; the 2xx or the next 1xx will bring one.
      remoteTarget: request.uri,
      routeSet: response.headers('Record-Route').reverse(),
      localSequence: sequence,
      remoteSequence: undefined,
      state: response.status < 200 ? 'early' : 'confirmed',
      owner: 'local',
      secure: request.uri.scheme === 'sips',
    });
    dialog.refreshTarget(response);
    return dialog;
  }

  /** §12.1.1: the dialog that a request makes at the server, under the To tag of our responses. */
  static ofRequest(request: SipRequest, localTag: string, state: DialogState): Dialog | undefined {
    const from = request.from;
    const to = request.header('To');
    const sequence = request.cseq?.number;
    if (from === undefined || to === undefined || sequence === undefined || request.callId === undefined) return undefined;
    const dialog = new Dialog({
      callId: request.callId,
      localTag,
      remoteTag: from.tag ?? '',
      local: request.to?.tag === undefined ? `${to};tag=${localTag}` : to,
      remote: request.header('From')!,
      // Of an INVITE without Contact nobody gets this far; of a Contact that cannot be read the From URI is the best there is.
      remoteTarget: from.uri,
      routeSet: request.headers('Record-Route'),
      localSequence: 0,
      remoteSequence: sequence,
      state,
      owner: 'remote',
      secure: request.uri.scheme === 'sips',
    });
    dialog.refreshTarget(request);
    return dialog;
  }

  /** RFC 6665 §4.4.1: the dialog that a NOTIFY makes at the subscriber, before or beside the 2xx of its SUBSCRIBE. */
  static ofNotify(subscribe: SipRequest, notify: SipRequest): Dialog | undefined {
    const remoteTag = notify.from?.tag;
    const localTag = subscribe.from?.tag;
    const sequence = notify.cseq?.number;
    const own = subscribe.cseq?.number;
    if (remoteTag === undefined || localTag === undefined || sequence === undefined || own === undefined) return undefined;
    const dialog = new Dialog({
      callId: subscribe.callId!,
      localTag,
      remoteTag,
      local: subscribe.header('From')!,
      remote: notify.header('From')!,
      remoteTarget: subscribe.uri,
      routeSet: notify.headers('Record-Route'),
      localSequence: own,
      remoteSequence: sequence,
      state: 'confirmed',
      owner: 'local',
      secure: subscribe.uri.scheme === 'sips',
    });
    dialog.refreshTarget(notify);
    return dialog;
  }

  get key(): string {
    return dialogKey(this.callId, this.localTag, this.remoteTag);
  }

  get state(): DialogState {
    return this.#state;
  }

  get remoteTarget(): Uri {
    return this.#remoteTarget;
  }

  /** RFC 3840: what the peer's Contact says of it (`isfocus`, `+sip.instance`, methods). */
  get remoteFeatures(): Params | undefined {
    return this.#remoteFeatures;
  }

  get routeSet(): readonly string[] {
    return this.#routeSet;
  }

  get localSequence(): number {
    return this.#localSequence;
  }

  get remoteSequence(): number | undefined {
    return this.#remoteSequence;
  }

  /** §8.1.2, §12.2.1.1: a strict router stands in the Request-URI, a loose one in the top Route; without routes it is the peer itself. */
  get nextHop(): Uri {
    return this.#firstRoute ?? this.#remoteTarget;
  }

  /** §13.2.2.4: the 2xx decides; the route set of the early dialog is computed again from it. For the server it is the moment the 2xx leaves. */
  confirm(response?: SipResponse): void {
    if (this.#state === 'confirmed') return;
    // One that was given up keeps its state, but its BYE must find the way (§13.2.2.4).
    if (this.#state === 'early') this.#state = 'confirmed';
    if (response === undefined) return;
    this.#routeSet = response.headers('Record-Route').reverse();
    this.#firstRoute = firstUri(this.#routeSet);
    this.refreshTarget(response);
  }

  terminate(): void {
    this.#state = 'terminated';
  }

  /** §12.2.1.2, §12.2.2: the Contact of a target refresh request (INVITE, UPDATE, SUBSCRIBE, NOTIFY, REFER) or of its 2xx is where the peer is from now on. */
  refreshTarget(message: SipRequest | SipResponse): void {
    const contact = message.contact;
    if (contact === undefined) return;
    this.#remoteTarget = contact.uri;
    this.#remoteFeatures = contact.params;
  }

  /** The next number of ours, for a request of this dialog or its retry. */
  nextSequence(): number {
    return ++this.#localSequence;
  }

  /** §12.2.1.1. Without `sequence` the request takes the next one. */
  request(method: string, headers: readonly HeaderEntry[] = [], sequence = this.nextSequence()): SipRequest {
    const { uri, routes } = this.#way();
    const entries: HeaderEntry[] = routes.map((route) => ['Route', route] as const);
    entries.push(
      ['Max-Forwards', '70'],
      ['From', this.local],
      ['To', this.remote],
      ['Call-ID', this.callId],
      ['CSeq', `${sequence} ${method}`],
      ...headers,
    );
    return new SipRequest(method, uri, entries);
  }

  /** §13.2.2.4: the ACK of a 2xx: the number and the credentials of the INVITE it answers, the way of the dialog. */
  ack(invite: SipRequest): SipRequest {
    const headers: HeaderEntry[] = [];
    for (const name of ['Authorization', 'Proxy-Authorization']) for (const value of invite.headers(name)) headers.push([name, value]);
    return this.request('ACK', headers, invite.cseq!.number);
  }

  /** §12.2.2: a number lower than the last is out of order and deserves a 500. ACK and CANCEL bear the number of their INVITE and are never asked. */
  takes(request: SipRequest): 'in-order' | 'out-of-order' {
    const sequence = request.cseq!.number;
    if (this.#remoteSequence !== undefined && sequence < this.#remoteSequence) return 'out-of-order';
    this.#remoteSequence = sequence;
    return 'in-order';
  }

  /** §12.2.1.1: loose routing leaves the target in the Request-URI; a strict first router takes its place and the target goes last. */
  #way(): { uri: Uri; routes: readonly string[] } {
    const target = bare(this.#remoteTarget);
    const first = this.#firstRoute;
    if (first === undefined) return { uri: target, routes: [] };
    if (first.params.has('lr')) return { uri: target, routes: this.#routeSet };
    return { uri: bare(first), routes: [...this.#routeSet.slice(1), `<${this.#remoteTarget}>`] };
  }
}

function firstUri(routeSet: readonly string[]): Uri | undefined {
  return routeSet[0] === undefined ? undefined : parseNameAddr(routeSet[0])?.uri;
}

/** §19.1.1, table 1: `method` and headers may not stand in a Request-URI. */
function bare(uri: Uri): Uri {
  if (uri.headers.size === 0 && !uri.params.has('method')) return uri;
  return uri.with({ params: uri.params.without('method'), headers: Params.noneQuery });
}
