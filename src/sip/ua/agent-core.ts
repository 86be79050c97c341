/** What the usages (calls, subscriptions) and the agent under them say to each other. `UserAgent` implements `AgentCore`; usages know nothing else of it. */
import type { Clock } from '../../clock.js';
import type { Logger } from '../../log.js';
import type { Random } from '../../random.js';
import type { CredentialSource } from '../auth/digest-client.js';
import type { HeaderEntry } from '../message/headers.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import type { Uri } from '../message/uri.js';
import type { Timers } from '../transaction/timers.js';
import type { Flow } from '../transport/flow.js';
import type { Target } from '../transport/transport.js';
import type { DialogTable } from './dialog-table.js';

export interface AgentCore {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly timers: Timers;
  readonly dialogs: DialogTable;
  /** Option tags for Supported. */
  readonly supported: readonly string[];
  /** Methods for Allow. */
  readonly allow: readonly string[];
  /** User-Agent on requests, Server on responses. */
  readonly product: string;
  /** One request as one exchange, however many attempts it takes: RFC 3263 targets and fail-over, Via and branch, 401/407, User-Agent. */
  send(options: SendOptions): ClientExchange;
  /** The ACK of a 2xx makes no transaction (§13.2.2.4): on `flow` while it is open, else where `nextHop` resolves to. The same object again for a repeated 2xx. Never throws. */
  sendAck(ack: SipRequest, way: Way): void;
  /** Our Contact over that flow, as a header value. */
  contactFor(flow: Flow): string;
}

/** Which way a request of a dialog goes. */
export interface Way {
  /** Given when the dialog's own flow is to be preferred to what `nextHop` resolves to. */
  readonly flow?: Flow;
  readonly nextHop: Uri;
}

export interface SendOptions {
  /** Complete but for Via, and for Contact when `contact`; never changed: every attempt is a copy. */
  readonly request: SipRequest;
  /** @default the top Route, else the Request-URI */
  readonly nextHop?: Uri;
  readonly flow?: Flow;
  readonly target?: Target;
  /** Sets Contact to `contactFor` of the flow of the attempt. */
  readonly contact?: boolean;
  readonly credentials?: CredentialSource;
  /** The CSeq of a retry after 401 or 407; a fail-over keeps it. @default one more */
  readonly nextCSeq?: () => number;
  /** Each attempt, its flow known, before digest and write. */
  readonly prepare?: (request: SipRequest, flow: Flow) => void;
  readonly signal?: AbortSignal;
  /** Each attempt as it went out. */
  readonly onSent?: (request: SipRequest, flow: Flow) => void;
  /** Every 1xx but 100, and the final; to an INVITE also what other branches answer until Timer M. */
  readonly onResponse: (response: SipResponse, context: ResponseContext) => void;
}

export interface ResponseContext {
  /** Undefined only when `local`. */
  readonly flow: Flow | undefined;
  /** Made by us: 408 no answer, 503 no transport, 487 cancelled before anything was sent or answered. */
  readonly local: boolean;
  /** The attempt it answers. */
  readonly request: SipRequest;
}

export interface ClientExchange {
  /** INVITE: all of §9.1. The CANCEL waits for a 1xx, is not sent after a final; nothing sent yet, or no final in time, is a local 487. Idempotent. */
  cancel(headers?: readonly HeaderEntry[]): void;
  /** No more callbacks. */
  abandon(): void;
}

/** One server transaction and the request that made it. */
export interface ServerExchange {
  readonly request: SipRequest;
  readonly flow: Flow;
  /** One tag for every response to this request, and for the 200 to its CANCEL. */
  readonly toTag: string;
  /** A 1xx, a final; a 2xx to INVITE as often as we like (RFC 6026). */
  respond(response: SipResponse): void;
  reply(status: number, options?: ReplyOptions): void;
  /** The CANCEL has been answered; what remains is our 487. */
  onCancel?: ((cancel: SipRequest) => void) | undefined;
  /** Timer H, or nowhere to send the response. */
  onFailure?: ((why: 'timeout' | 'transport') => void) | undefined;
}

export interface ReplyOptions {
  readonly reason?: string;
  readonly headers?: readonly HeaderEntry[];
  readonly body?: Uint8Array | string;
  readonly contentType?: string;
}
