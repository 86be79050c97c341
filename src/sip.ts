/** `sipbot/sip`: public names only. */

export { type DigestAlgorithm, type Ha1, ha1Of } from './sip/auth/digest.js';
export { type CredentialSource, type Credentials, DigestClient } from './sip/auth/digest-client.js';
export { DigestServer, type DigestServerOptions, type DigestVerdict, type UserSecret, type Users } from './sip/auth/digest-server.js';
export { check } from './sip/message/check.js';
export { type Frame, Framer } from './sip/message/framer.js';
export type { HeaderEntry } from './sip/message/headers.js';
export type { ParseLimits } from './sip/message/limits.js';
export { type SipMessage, SipRequest, SipResponse } from './sip/message/message.js';
export { findBody, parseMultipart } from './sip/message/multipart.js';
export { NameAddr, parseNameAddr } from './sip/message/name-addr.js';
export { Params } from './sip/message/params.js';
export { parse } from './sip/message/parse.js';
export { isParseFailure, type ParseFailure } from './sip/message/parse-failure.js';
export { type ResponseOptions, responseTo, responseToFailure } from './sip/message/response-to.js';
export { parseUri, Uri, type UriParts } from './sip/message/uri.js';
export { parseVia, Via } from './sip/message/via.js';
export { write } from './sip/message/write.js';
export type { EndReason, TimerName } from './sip/transaction/effects.js';
export type { Refusal, TransactionCounters, TransactionLimits } from './sip/transaction/layer.js';
export type { ReplyOptions } from './sip/transaction/server-transaction.js';
export type { TimerOptions, Timers } from './sip/transaction/timers.js';
export type { Flow } from './sip/transport/flow.js';
export type { KeepAliveOptions } from './sip/transport/hearts.js';
export { Subnets } from './sip/transport/ip.js';
export type { SentBy } from './sip/transport/own-address.js';
export { parseServer, TargetResolver, type TargetResolverOptions } from './sip/transport/resolve.js';
export {
  type AddressRecord,
  type NaptrRecord,
  type Resolver,
  type SrvRecord,
  SystemResolver,
  type SystemResolverOptions,
  systemResolver,
} from './sip/transport/resolver.js';
export { systemNetwork } from './sip/transport/system-network.js';
export type {
  ListenAddress,
  ListenOptions,
  Target,
  TlsOptions,
  TransportLimits,
  TransportName,
} from './sip/transport/transport.js';
export { TransportLayer, type TransportLayerOptions } from './sip/transport/transport-layer.js';
export type { Admission, Admit, Authenticator, Verdict } from './sip/ua/admission.js';
export type { ClientExchange, ResponseContext, SendOptions } from './sip/ua/agent-core.js';
export type { DialogMember, DialogTable } from './sip/ua/dialog-table.js';
export { Guard, type GuardCounters, type GuardOptions, type GuardPosition } from './sip/ua/guard/guard.js';
export { IncomingRequest } from './sip/ua/incoming-request.js';
export type { IncomingInvite } from './sip/ua/invite-incoming.js';
export type { OutgoingInvite } from './sip/ua/invite-outgoing.js';
export type * from './sip/ua/invite-usage.js';
export { isLocal, LocalResponse } from './sip/ua/local-response.js';
export type { RequestOptions } from './sip/ua/outgoing-request.js';
export { type Page, type PageOptions, receivePages, sendPage } from './sip/ua/page.js';
export { Publication, type PublicationEvents, type PublicationOptions, type PublicationState } from './sip/ua/publication.js';
export {
  type OutgoingReferOptions,
  type OutsideReferral,
  receiveRefer,
  referOutside,
  targetDialogOf,
} from './sip/ua/refer-dialog.js';
export type { ReferProgress, ReferProgressEvents, ReferResult } from './sip/ua/refer-progress.js';
export type { ReferSubscription } from './sip/ua/refer-subscription.js';
export { type Location, Registrar, type RegistrarEvents, type RegistrarOptions } from './sip/ua/registrar.js';
export { Registration } from './sip/ua/registration.js';
export type { RegistrationState } from './sip/ua/registration-cycle.js';
export type { Registered, RegistrationEvents, RegistrationFailure, RegistrationOptions } from './sip/ua/registration-options.js';
export {
  type IncomingSubscription,
  type IncomingSubscriptionEvents,
  type IncomingSubscriptionOptions,
  receiveSubscribe,
} from './sip/ua/subscription-incoming.js';
export {
  OutgoingSubscription,
  type SubscriptionEnd,
  type SubscriptionEvents,
  type SubscriptionOptions,
} from './sip/ua/subscription-outgoing.js';
export { UserAgent } from './sip/ua/user-agent.js';
export type {
  HandlerOptions,
  RequestHandler,
  TraceEntry,
  UserAgentEvents,
  UserAgentOptions,
  UserAgentStats,
} from './sip/ua/user-agent-options.js';
export type { LargeRequestOptions } from './sip/ua/way-out.js';
