/** What a user agent is made with, what it tells, and what it counts. */
import type { Clock } from '../../clock.js';
import type { Logger } from '../../log.js';
import type { Network } from '../../network.js';
import type { Random } from '../../random.js';
import type { CredentialSource } from '../auth/digest-client.js';
import type { TransactionCounters, TransactionLimits } from '../transaction/layer.js';
import type { TimerOptions } from '../transaction/timers.js';
import type { Flow } from '../transport/flow.js';
import type { Resolver } from '../transport/resolver.js';
import type { ListenOptions, TlsOptions, TransportLimits } from '../transport/transport.js';
import type { TransportCounters } from '../transport/transport-layer.js';
import type { Admit, Authenticator } from './admission.js';
import type { Guard, GuardCounters } from './guard/guard.js';
import type { IncomingRequest } from './incoming-request.js';
import type { IncomingInvite } from './invite-incoming.js';
import type { IncomingSubscription } from './subscription-incoming.js';
import type { LargeRequestOptions } from './way-out.js';

export interface UserAgentOptions {
  /** @default UDP on every address, an ephemeral port */
  readonly listen?: readonly ListenOptions[];
  readonly tls?: TlsOptions;
  readonly timers?: TimerOptions;
  readonly limits?: Partial<TransactionLimits>;
  readonly transportLimits?: Partial<TransportLimits>;
  readonly largeRequests?: LargeRequestOptions;
  /** What remotes outside `localNetworks` are told; `auto`: what responses say of us. @default our own address */
  readonly publicAddress?: string | 'auto';
  /** CIDRs. @default the private ranges */
  readonly localNetworks?: readonly string[];
  /** User-Agent and Server. '' says nothing. @default 'sipbot' */
  readonly product?: string;
  /** From of requests that say no other. @default anonymous (RFC 3323 §4.1.1.3) */
  readonly from?: string;
  /** User part of our Contact. @default a random token */
  readonly contactUser?: string;
  /** Parameters of our Contact, as written: `;+sip.instance="<urn:uuid:…>"`. */
  readonly contactParams?: string;
  /** Packages that may be subscribed to; others get 489, and without any SUBSCRIBE is not allowed. @default none */
  readonly eventPackages?: readonly string[];
  /** Session timer of calls to us (RFC 4028), seconds; 0 asks for none but grants what is asked. @default 1800 */
  readonly sessionExpiresS?: number;
  /** @default 90 */
  readonly minSeS?: number;
  /** Option tags understood besides our own. */
  readonly supported?: readonly string[];
  /** For 401 and 407 where the request brings none. */
  readonly credentials?: CredentialSource;
  /** Asks strangers who they are, when `admit` says `challenge`. */
  readonly authenticate?: Authenticator;
  /** @default everybody is let in */
  readonly admit?: Admit;
  /** Stands before `admit`: rates, bans, scanners. One agent's own. @default nobody */
  readonly guard?: Guard;
  readonly resolver?: Resolver;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly network?: Network;
  readonly logger?: Logger;
}

export interface TraceEntry {
  readonly direction: 'in' | 'out';
  /** The message as it was on the wire; the listener's to keep. */
  readonly bytes: Uint8Array;
  readonly transport: Flow['transport'];
  readonly local: Flow['local'];
  readonly remote: Flow['remote'];
  /** Milliseconds since 1970. */
  readonly wall: number;
}

export interface UserAgentEvents {
  /** A call, to be answered or refused; and who proved to be calling, where that was asked. */
  invite: [incoming: IncomingInvite, user: string | undefined];
  /** Somebody wants to be told of something: one of `eventPackages` (RFC 6665). */
  subscribe: [incoming: IncomingSubscription, user: string | undefined];
  /** `close` has been called; requests can still be sent, for as long as its grace lasts. */
  closing: [];
  /** Every message, in and out. Costs nothing while nobody listens. */
  trace: [entry: TraceEntry];
}

export interface UserAgentStats {
  readonly transactions: TransactionCounters;
  readonly transport: Readonly<TransportCounters>;
  readonly dialogs: number;
  /** Requests of ours without a final response, and accepted INVITEs until Timer M. */
  readonly requests: number;
  readonly timers: number;
  /** Messages that could be read but lacked what every message must have. */
  readonly malformed: number;
  readonly guard: GuardCounters | undefined;
}

export type RequestHandler = (incoming: IncomingRequest) => void | Promise<void>;

export interface HandlerOptions {
  /** Body types it takes; others get 415 (§8.2.3). @default any */
  readonly accept?: readonly string[];
  /** Asks whoever sends one who he is, whomever `admit` lets in: the handler hears of those alone who can answer. */
  readonly authenticate?: Authenticator;
}
