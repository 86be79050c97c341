/** A request outside any dialog, made from what an application says of it (RFC 3261 §8.1.1). Via, Contact and the rest that depends on the way come later. */
import { OptionError } from '../../errors.js';
import type { Random } from '../../random.js';
import type { CredentialSource } from '../auth/digest-client.js';
import type { HeaderEntry } from '../message/headers.js';
import { SipRequest } from '../message/message.js';
import { parseNameAddr } from '../message/name-addr.js';
import { Params } from '../message/params.js';
import { parseUri, type Uri } from '../message/uri.js';
import type { Flow } from '../transport/flow.js';
import type { Target } from '../transport/transport.js';

export interface RequestOptions {
  readonly method: string;
  readonly uri: string | Uri;
  /** A URI or name-addr; a tag is added. @default the agent's `from` */
  readonly from?: string;
  /** A URI or name-addr. @default the Request-URI */
  readonly to?: string;
  /** @default a new one */
  readonly callId?: string;
  /** @default 1 */
  readonly cseq?: number;
  readonly headers?: readonly HeaderEntry[];
  readonly body?: Uint8Array | string;
  readonly contentType?: string;
  /** Preloaded route set, as Route values. */
  readonly route?: readonly string[];
  /** Send on this very flow: no resolving, no fail-over. */
  readonly flow?: Flow;
  /** Send there: no resolving. */
  readonly target?: Target;
  /** Whether to put our Contact in. @default false */
  readonly contact?: boolean;
  /** @default the agent's */
  readonly credentials?: CredentialSource;
  /** Called for each attempt, its flow known, before it is written. */
  readonly prepare?: (request: SipRequest, flow: Flow) => void;
  /** Called for each attempt as it goes out. */
  readonly onSent?: (request: SipRequest, flow: Flow) => void;
  /** Aborted: the promise resolves with a 487 of ours. */
  readonly signal?: AbortSignal;
}

export interface OutgoingRequest {
  readonly request: SipRequest;
  /** §8.1.2: the first Route, else the Request-URI. */
  readonly nextHop: Uri;
}

export function outgoingRequest(options: RequestOptions, from: string, random: Random): OutgoingRequest {
  const { method, cseq = 1, callId = random.token(), headers = [], route = [] } = options;
  const uri = requestUri(options.uri);
  const sender = bracketed(options.from ?? from, 'from');
  const first = route[0] === undefined ? undefined : parseNameAddr(route[0]);
  if (route.length > 0 && first === undefined) throw new OptionError('route', 'Route values: <sip:proxy.example.com;lr>');
  // §8.1.2, §12.2.1.1: a strict router wants to find itself in the Request-URI, and the destination at the end of the routes.
  const isStrict = first !== undefined && !first.uri.params.has('lr');
  const target = isStrict ? first.uri : uri;
  const routes = isStrict ? [...route.slice(1), `<${uri}>`] : route;
  const request = new SipRequest(method, target, [
    ...routes.map((value): HeaderEntry => ['Route', value]),
    ['From', /;\s*tag\s*=/i.test(sender.slice(sender.lastIndexOf('>'))) ? sender : `${sender};tag=${random.token()}`],
    ['To', options.to === undefined ? `<${uri}>` : bracketed(options.to, 'to')],
    ['Call-ID', callId],
    ['CSeq', `${cseq} ${method}`],
    ...headers,
  ]);
  if (options.body !== undefined) request.setBody(options.contentType ?? 'text/plain', options.body);
  return { request, nextHop: first?.uri ?? uri };
}

/** §19.1.1 table 1: a Request-URI has no headers. */
function requestUri(given: string | Uri): Uri {
  const uri = typeof given === 'string' ? parseUri(given) : given;
  if (uri === undefined) throw new OptionError('uri', 'a URI: sip:alice@example.com');
  return uri.headers.size === 0 ? uri : uri.with({ headers: Params.noneQuery });
}

/** §19.3: From with our tag of a dialog that is to be. The tag is the header's, not the URI's. */
export function taggedFrom(from: string, tag: string): string {
  return `${bracketed(from, 'from')};tag=${tag}`;
}

/** §20.10: in brackets, so that no parameter changes its owner. */
function bracketed(text: string, option: string): string {
  const value = text.includes('<') ? text : `<${text}>`;
  if (parseNameAddr(value) === undefined) throw new OptionError(option, 'a URI or a name-addr: "Alice" <sip:alice@example.com>');
  return value;
}
