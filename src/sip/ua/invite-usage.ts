/**
 * A call as the session above sees it: what it may ask (`InviteUsage`), what it is told (`InviteHandler`). Bodies are opaque here; offer and answer
 * are the session's. Which message a body came in is said by the method that brings it.
 */
import type { CredentialSource } from '../auth/digest-client.js';
import type { ReferRequest } from '../dialog/refer.js';
import type { HeaderEntry } from '../message/headers.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import type { NameAddr } from '../message/name-addr.js';
import type { Params } from '../message/params.js';
import type { Reason } from '../message/reason.js';
import type { Uri } from '../message/uri.js';
import type { Flow } from '../transport/flow.js';
import type { Target, TransportName } from '../transport/transport.js';
import type { Body } from './invite-body.js';
import type { ReferProgress } from './refer-progress.js';
import type { ReferSubscription } from './refer-subscription.js';
import type { RequestReply } from './request-reply.js';

export type { Body, RequestReply };

/** 'early' until the 2xx is received, or sent by us. */
export type InviteState = 'early' | 'confirmed' | 'ended';

export interface RemoteAddress {
  readonly transport: TransportName;
  readonly address: string;
  readonly port: number;
}

export interface InviteUsage {
  readonly callId: string;
  readonly direction: 'in' | 'out';
  readonly state: InviteState;
  /** The INVITE: as it came, or as it was last sent. */
  readonly request: SipRequest;
  /** From and To as this side wrote them; tags included. */
  readonly local: NameAddr;
  readonly remote: NameAddr;
  readonly localTag: string;
  /** '' while no response has told it. */
  readonly remoteTag: string;
  readonly remoteTarget: Uri;
  /** RFC 3840: what the peer's Contact says of it: `isfocus`, `+sip.instance`, `methods`. */
  readonly remoteFeatures: Params | undefined;
  /** Where the last message of this call came from or went to; undefined before the first was sent. */
  readonly remoteAddress: RemoteAddress | undefined;
  readonly flow: Flow | undefined;
  /** The peer's Supported and Allow, of the last message that had them. */
  readonly supports: ReadonlySet<string>;
  readonly allows: ReadonlySet<string>;
  /** RFC 6086: the packages the peer wants to receive. */
  readonly infoPackages: ReadonlySet<string>;
  /** Set by whoever owns the call, at once. */
  handler: InviteHandler;
  /** Ends the call whatever its state: CANCEL, a refusal, or BYE. Resolves when the other side has answered, or no longer can. */
  bye(options?: EndOptions): Promise<void>;
  /** §14. Glare (491), overlap (500 with Retry-After) and 422 are handled inside. Without `body` the 2xx brings the offer, and `ack` must be called with the answer. */
  reinvite(options?: ModifyOptions): Promise<ReinviteOutcome>;
  /** RFC 3311, early or confirmed. */
  update(options?: ModifyOptions): Promise<SipResponse>;
  /** RFC 6086. */
  info(options: InfoOptions): Promise<SipResponse>;
  /** RFC 3515. */
  refer(options: ReferRequest & { readonly headers?: readonly HeaderEntry[] }): ReferProgress;
  /** Any other request within the dialog. */
  send(method: string, options?: InDialogOptions): Promise<SipResponse>;
  /** This dialog as a Replaces value of somebody else's INVITE (RFC 3891 §6.1). */
  readonly replacesValue: string;
}

export interface EndOptions {
  /** Reason header values (RFC 3326). */
  readonly reason?: string | readonly string[];
  readonly headers?: readonly HeaderEntry[];
}

export interface ModifyOptions {
  /** A function is asked when the request really leaves, and again for each further attempt: by then something else may have been agreed. */
  readonly body?: Body | (() => Body | undefined);
  readonly headers?: readonly HeaderEntry[];
}

export interface InfoOptions {
  readonly contentType?: string;
  readonly body?: Uint8Array | string;
  /** RFC 6086 §4.2.1; without it, the legacy usage. */
  readonly infoPackage?: string;
  readonly headers?: readonly HeaderEntry[];
}

export interface InDialogOptions {
  readonly headers?: readonly HeaderEntry[];
  readonly body?: Uint8Array | string;
  readonly contentType?: string;
}

export interface ReinviteOutcome {
  /** Final; a time-out or a lost transport is one too, made by us. */
  readonly response: SipResponse;
  readonly body: Body | undefined;
  /** Has been done when we offered. When we did not: to be called with the answer to the offer of the 2xx. Idempotent. */
  ack(answer?: Body): void;
}

export interface OutgoingInviteOptions {
  readonly uri: string | Uri;
  /** From without tag, as a name-addr. */
  readonly from: string;
  /** @default the URI in brackets */
  readonly to?: string;
  /** One of its own kind (§8.1.1.4). @default made here */
  readonly callId?: string;
  readonly headers?: readonly HeaderEntry[];
  readonly body?: Body;
  /** Route headers to begin with (§8.1.2): an outbound proxy, a Service-Route. */
  readonly route?: readonly string[];
  readonly target?: Target;
  readonly flow?: Flow;
  readonly credentials?: CredentialSource;
  /** RFC 3262. @default 'supported' */
  readonly reliable?: 'off' | 'supported' | 'required';
  /** RFC 4028, seconds; 0 asks for no timer. @default 1800 */
  readonly sessionExpiresS?: number;
  /** @default 90 */
  readonly minSeS?: number;
  /** RFC 6086: packages we want to receive, said in Recv-Info. INFO of others is answered 469. @default none */
  readonly infoPackages?: readonly string[];
  /** RFC 3891: the dialog this call takes the place of. */
  readonly replaces?: string;
  /** §8.1.3.4: a redirected or repeated attempt keeps Call-ID and From tag of this one and counts on. */
  readonly after?: OutgoingInviteBase;
  readonly handler?: InviteHandler;
}

/** What a further attempt takes over. */
export interface OutgoingInviteBase {
  readonly callId: string;
  readonly localTag: string;
  readonly localSequence: number;
}

export interface ProgressOptions {
  readonly reason?: string;
  readonly headers?: readonly HeaderEntry[];
  readonly body?: Body;
  /** RFC 3262. @default 'ifSupported' with a body, else 'never'; a peer that requires 100rel gets it in any case */
  readonly reliable?: 'never' | 'ifSupported' | 'always';
}

export interface AcceptOptions {
  readonly headers?: readonly HeaderEntry[];
  readonly body?: Body;
}

export interface RejectOptions {
  readonly reason?: string;
  readonly headers?: readonly HeaderEntry[];
  readonly body?: Body;
}

export interface InviteEnd {
  readonly by: 'local' | 'remote' | 'timeout' | 'cancel' | 'replaced' | 'transport';
  /** The BYE or CANCEL that ended it, from the other side. */
  readonly request?: SipRequest;
  /** The final response that ended it. */
  readonly response?: SipResponse;
  readonly reasons: readonly Reason[];
}

/**
 * Called in the order of the wire. What throws or rejects ends this call alone. `dialogId` tells forks apart: one early dialog each.
 * After `onEnd` nothing is called any more.
 */
export interface InviteHandler {
  /** 1xx but 100. `reliable`: the body counts as offer or answer, and the returned one goes into the PRACK. */
  onProvisional?(response: SipResponse, dialogId: string, body: Body | undefined, reliable: 'reliable' | 'unreliable'): Body | undefined;
  /** The answer to an offer that was put into a PRACK. */
  onPrackSuccess?(response: SipResponse, dialogId: string, body: Body | undefined): void;
  /** The 2xx; other forks are over. The returned body goes into the ACK. */
  onSuccess?(response: SipResponse, dialogId: string, body: Body | undefined): Body | undefined | Promise<Body | undefined>;
  /** The final response from 300 on, ours included (408, 503, 487); `onEnd` follows. */
  onFailure?(response: SipResponse): void;
  /** The ACK of our 2xx, or the re-INVITE that shows that it was sent. */
  onAck?(request: SipRequest, body: Body | undefined): void;
  /** The PRACK of our reliable 1xx: its body answers ours, or offers; the returned one goes into the 200. */
  onPrack?(request: SipRequest, body: Body | undefined): Body | undefined;
  /** A re-INVITE or UPDATE, with or without a description. For an UPDATE answer at once. @default 200 without a body, 488 to an offer */
  onOffer?(request: SipRequest, body: Body | undefined): RequestReply | Promise<RequestReply>;
  /** The ACK of our 2xx to a re-INVITE. */
  onReinviteAck?(request: SipRequest, body: Body | undefined): void;
  /** The description to send in a re-INVITE that only refreshes (RFC 4028 §7.4). @default the last one we sent */
  onRefresh?(): Body | undefined;
  /** The answer to it. */
  onRefreshed?(response: SipResponse, body: Body | undefined): void;
  /** INFO, MESSAGE and whatever else has no method of its own here. Undefined: what §8.2.1 and RFC 6086 say of what nobody understands. */
  onRequest?(request: SipRequest): RequestReply | undefined | Promise<RequestReply | undefined>;
  /** REFER. Any 2xx makes the subscription (unless Refer-Sub: false is agreed). @default 603 */
  onRefer?(request: SipRequest, subscription: ReferSubscription): RequestReply | Promise<RequestReply>;
  /** Exactly once, and last. */
  onEnd?(end: InviteEnd): void;
}
