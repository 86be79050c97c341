/** What a registration is asked for, what it borrows, and what it tells; and the addresses that its options spell out. */
import type { Clock } from '../../clock.js';
import { OptionError, type RegistrationError } from '../../errors.js';
import type { Logger } from '../../log.js';
import type { Random } from '../../random.js';
import type { CredentialSource } from '../auth/digest-client.js';
import type { HeaderEntry } from '../message/headers.js';
import type { SipResponse } from '../message/message.js';
import { Params } from '../message/params.js';
import { Uri } from '../message/uri.js';
import type { Flow } from '../transport/flow.js';
import { parseServer, type TargetResolver } from '../transport/resolve.js';
import type { TransportLayer } from '../transport/transport-layer.js';
import type { RequestOptions } from './outgoing-request.js';
import type { CycleOptions } from './registration-cycle.js';

export interface RegistrationOptions extends Omit<CycleOptions, 'fraction'> {
  /** The address of record: `sip:6001@pbx.example.com`. */
  readonly uri: string;
  readonly credentials?: CredentialSource;
  readonly displayName?: string;
  /** `sip:pbx.example.com:5080;transport=tcp`, or `wss://pbx.example.com/ws`. @default the host of `uri` */
  readonly registrar?: string;
  /** Where everything is sent first, spelled likewise: becomes a Route. */
  readonly outboundProxy?: string;
  /** Asked for; what the registrar grants counts. @default 300 */
  readonly expiresS?: number;
  /** A UUID or a URN that tells this agent from others of the same account. @default derived from the account */
  readonly instanceId?: string;
  /** Which of several flows of one account this is (RFC 5626 §4.2). @default 1 */
  readonly regId?: number;
  /** `off` sends neither reg-id nor instance, for registrars that stumble over them. @default 'auto' */
  readonly outbound?: 'auto' | 'off';
  /** Register the address that responses say we come from. @default 'auto': unless the agent has a fixed public address */
  readonly rewriteContact?: 'auto' | 'off';
  /** What the Contact's user is derived from. @default the password; without one, drawn anew each time */
  readonly secret?: string;
  readonly headers?: readonly HeaderEntry[];
  /** How long `stop` waits for its answer, in ms. @default 4000 */
  readonly stopWithinMs?: number;
}

/** What an agent lends to its registrations. */
export interface RegistrationHost {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly transports: TransportLayer;
  readonly resolver: Pick<TargetResolver, 'markDown' | 'useWsPath'>;
  /** As `UserAgent.request`. */
  request(options: RequestOptions): Promise<SipResponse>;
}

/** What the registrar gave us. */
export interface Registered {
  readonly contact: string;
  readonly expiresS: number;
  /** Routes for requests of this account (RFC 3608). */
  readonly serviceRoute: readonly string[];
  /** URIs that reach this very agent from anywhere (RFC 5627). */
  readonly publicGruu: string | undefined;
  readonly temporaryGruu: string | undefined;
  /** Other addresses of record that are ours (RFC 7315). */
  readonly associatedUris: readonly string[];
  /** Whether the registrar keeps to RFC 5626. */
  readonly isOutbound: boolean;
  readonly flow: Flow;
}

export interface RegistrationFailure {
  readonly error: RegistrationError;
  readonly status: number;
  readonly reason: string;
  readonly advice: string;
  /** false: refused, and not tried again. */
  readonly willRetry: boolean;
  /** Milliseconds until then. */
  readonly retryInMs: number | undefined;
}

export interface RegistrationEvents {
  /** Once; a refresh is not told. */
  registered: [registered: Registered];
  unregistered: [reason: 'stopped' | 'expired'];
  /** Once for an outage, however long, and once more if it ends in a refusal. */
  failed: [failure: RegistrationFailure];
}

export function sipUri(text: string, option: string): Uri {
  const uri = parseServer(text)?.uri;
  if (uri === undefined) throw new OptionError(option, 'a SIP URI: sip:pbx.example.com');
  return uri;
}

/** §10.2: the Request-URI names the domain, and no user. */
export function registrarOf(options: RegistrationOptions, { scheme, host, port, params }: Uri): Uri {
  if (options.registrar !== undefined) return sipUri(options.registrar, 'registrar').with({ user: undefined, password: undefined });
  const transport = params.get('transport');
  return new Uri({ scheme, host, port, params: transport === undefined ? Params.noneUri : Params.noneUri.with('transport', transport) });
}

export function asLoose(proxy: string): Uri {
  const uri = sipUri(proxy, 'outboundProxy');
  return uri.params.has('lr') ? uri : uri.with({ params: uri.params.with('lr', true) });
}

export function passwordIn(credentials: CredentialSource | undefined): string | undefined {
  if (credentials === undefined || typeof credentials === 'function') return undefined;
  const first = Array.isArray(credentials) ? credentials[0] : credentials;
  return first?.password ?? (typeof first?.ha1 === 'string' ? first.ha1 : Object.values(first?.ha1 ?? {})[0]);
}
