/**
 * A SIP message, RFC 3261 §7: start line, headers, body. Headers are read as values when first asked for, and kept until the next change.
 * A header that is absent or malformed reads as undefined; a list gives its well-formed values. Nothing here throws on what a peer sent.
 */
import { OptionError } from '../../errors.js';
import { type AuthHeader, parseAuthenticationInfo, parseAuthHeader } from './auth-header.js';
import { isToken, parseDigits } from './chars.js';
import { type Contacts, parseContacts } from './contact.js';
import { type CSeq, parseCSeq, parseRAck, parseRSeq, type RAck } from './cseq.js';
import { parseDate } from './date.js';
import { type DialogReference, parseJoin, parseReplaces, parseTargetDialog, type Replaces } from './dialog-reference.js';
import { type Diversion, type HistoryEntry, parseDiversion, parseHistoryEntry } from './diversion.js';
import { type Event, parseEvent, parseSubscriptionState, type SubscriptionState } from './event.js';
import { type FeatureSet, parseFeatureSet } from './feature-set.js';
import { type HeaderName, headerName } from './header-name.js';
import { type HeaderEntry, HeaderList } from './headers.js';
import { type MediaType, parseMediaType } from './media-type.js';
import { type NameAddr, parseNameAddr } from './name-addr.js';
import { parseReason, type Reason } from './reason.js';
import { parseRetryAfter, type RetryAfter } from './retry-after.js';
import { parseMinSe, parseSessionExpires, type SessionExpires } from './session-expires.js';
import { reasonPhrase } from './status.js';
import { assertFieldText, decodeText, encodeText } from './text.js';
import { asUri, type Uri } from './uri.js';
import { parseValued, type Valued } from './valued.js';
import { parseVia, type Via } from './via.js';
import { parseWarning, type Warning } from './warning.js';

const emptyBody = new Uint8Array(0);

const name = headerName;
const VIA = name('Via');
const FROM = name('From');
const TO = name('To');
const CONTACT = name('Contact');
const CALL_ID = name('Call-ID');
const CSEQ = name('CSeq');
const MAX_FORWARDS = name('Max-Forwards');
const ROUTE = name('Route');
const RECORD_ROUTE = name('Record-Route');
const PATH = name('Path');
const SERVICE_ROUTE = name('Service-Route');
const EXPIRES = name('Expires');
const MIN_EXPIRES = name('Min-Expires');
const CONTENT_TYPE = name('Content-Type');
const CONTENT_LENGTH = name('Content-Length');
const CONTENT_DISPOSITION = name('Content-Disposition');
const CONTENT_ENCODING = name('Content-Encoding');
const ACCEPT = name('Accept');
const SUPPORTED = name('Supported');
const UNSUPPORTED = name('Unsupported');
const REQUIRE = name('Require');
const PROXY_REQUIRE = name('Proxy-Require');
const ALLOW = name('Allow');
const ALLOW_EVENTS = name('Allow-Events');
const RECV_INFO = name('Recv-Info');
const INFO_PACKAGE = name('Info-Package');
const RSEQ = name('RSeq');
const RACK = name('RAck');
const SESSION_EXPIRES = name('Session-Expires');
const MIN_SE = name('Min-SE');
const REFER_TO = name('Refer-To');
const REFERRED_BY = name('Referred-By');
const REFER_SUB = name('Refer-Sub');
const REPLACES = name('Replaces');
const JOIN = name('Join');
const TARGET_DIALOG = name('Target-Dialog');
const EVENT = name('Event');
const SUBSCRIPTION_STATE = name('Subscription-State');
const REASON = name('Reason');
const P_ASSERTED_IDENTITY = name('P-Asserted-Identity');
const P_PREFERRED_IDENTITY = name('P-Preferred-Identity');
const P_ASSOCIATED_URI = name('P-Associated-URI');
const P_CALLED_PARTY_ID = name('P-Called-Party-ID');
const PRIVACY = name('Privacy');
const DIVERSION = name('Diversion');
const HISTORY_INFO = name('History-Info');
const AUTHORIZATION = name('Authorization');
const PROXY_AUTHORIZATION = name('Proxy-Authorization');
const WWW_AUTHENTICATE = name('WWW-Authenticate');
const PROXY_AUTHENTICATE = name('Proxy-Authenticate');
const AUTHENTICATION_INFO = name('Authentication-Info');
const USER_AGENT = name('User-Agent');
const SERVER = name('Server');
const SUBJECT = name('Subject');
const DATE = name('Date');
const RETRY_AFTER = name('Retry-After');
const WARNING = name('Warning');
const CALL_INFO = name('Call-Info');
const ALERT_INFO = name('Alert-Info');
const ERROR_INFO = name('Error-Info');
const REPLY_TO = name('Reply-To');
const FLOW_TIMER = name('Flow-Timer');
const SIP_ETAG = name('SIP-ETag');
const SIP_IF_MATCH = name('SIP-If-Match');
const ACCEPT_CONTACT = name('Accept-Contact');
const REJECT_CONTACT = name('Reject-Contact');
const REQUEST_DISPOSITION = name('Request-Disposition');

const parseSeconds = (text: string): number | undefined => parseDigits(text, 0xffffffff);
const parseHops = (text: string): number | undefined => parseDigits(text, 255);
const parseText = (text: string): string | undefined => (text === '' ? undefined : text);
const parseToken = (text: string): string | undefined => (isToken(text) ? text : undefined);
/** §25.1: word [ "@" word ]; only that it is one word is asked of a peer. */
const parseCallId = (text: string): string | undefined =>
  text === '' || text.indexOf(' ') !== -1 || text.indexOf('\t') !== -1 ? undefined : text;

abstract class Message {
  /** The list itself; for `write` and for those who copy headers as they came. */
  readonly list: HeaderList;
  /** One of the two is there from the beginning, the other when it has been asked for. */
  #bodyBytes: Uint8Array | undefined;
  #bodyText: string | undefined;
  #isBodyTouched = false;
  #memo: Map<HeaderName, unknown> | undefined;
  // The values that every message is asked for; null for one that is absent or malformed.
  #via: Via | null | undefined;
  #from: NameAddr | null | undefined;
  #to: NameAddr | null | undefined;
  #cseq: CSeq | null | undefined;
  #callId: string | null | undefined;
  #contact: NameAddr | null | undefined;
  #contacts: Contacts | undefined;

  constructor(list: HeaderList, body: Uint8Array | string | undefined) {
    this.list = list;
    if (typeof body === 'string') this.#bodyText = body;
    else this.#bodyBytes = body ?? emptyBody;
  }

  /** Text of the first value; the name in any case, compact or not. */
  header(name: string): string | undefined {
    return this.list.first(headerName(name));
  }

  /** Text of every value, comma lists split where the grammar has lists. */
  headers(name: string): string[] {
    return this.list.all(headerName(name));
  }

  has(name: string): boolean {
    return this.list.has(headerName(name));
  }

  /** As written, in order; folds undone. */
  get entries(): readonly HeaderEntry[] {
    return this.list.entries();
  }

  /** Takes the place of all headers of that name; with no value, removes them. */
  set(name: string, ...values: string[]): this {
    this.list.set(name, values);
    return this.#changed();
  }

  add(name: string, value: string): this {
    this.list.add(name, value);
    return this.#changed();
  }

  /** Before the others of its name; before everything when there is none. */
  prepend(name: string, value: string): this {
    this.list.prepend(name, value);
    return this.#changed();
  }

  remove(name: string): this {
    this.list.remove(name);
    return this.#changed();
  }

  /** Takes away the first value, which may be one element of a list. */
  removeFirst(name: string): this {
    this.list.removeFirst(name);
    return this.#changed();
  }

  /** Another in place of the first value, the rest of its list untouched. */
  replaceFirst(name: string, value: string): this {
    this.list.replaceFirst(name, value);
    return this.#changed();
  }

  #changed(): this {
    this.#memo = undefined;
    this.#via = undefined;
    this.#from = undefined;
    this.#to = undefined;
    this.#cseq = undefined;
    this.#callId = undefined;
    this.#contact = undefined;
    this.#contacts = undefined;
    return this;
  }

  get body(): Uint8Array {
    this.#bodyBytes ??= encodeText(this.#bodyText ?? '');
    return this.#bodyBytes;
  }

  get bodyText(): string {
    this.#bodyText ??= decodeText(this.body);
    return this.#bodyText;
  }

  /** Without making bytes of a body that is text, or text of one that is bytes. */
  get bodySource(): Uint8Array | string {
    return this.#bodyText ?? this.#bodyBytes ?? emptyBody;
  }

  /** Whether the body is another than the one that came. */
  get isBodyTouched(): boolean {
    return this.#isBodyTouched;
  }

  /** Sets the body and its Content-Type; Content-Length is written for it. An undefined type takes the header away. */
  setBody(contentType: string | undefined, body: Uint8Array | string): this {
    if (contentType === undefined) this.list.remove('Content-Type');
    else this.list.set('Content-Type', [contentType]);
    this.#bodyText = typeof body === 'string' ? body : undefined;
    this.#bodyBytes = typeof body === 'string' ? undefined : body;
    this.#isBodyTouched = true;
    return this.#changed();
  }

  #read<T>(header: HeaderName, parse: (text: string) => T | undefined): T | null {
    const text = this.list.first(header);
    return text === undefined ? null : (parse(text) ?? null);
  }

  #one<T>(header: HeaderName, parse: (text: string) => T | undefined): T | undefined {
    this.#memo ??= new Map();
    const memo = this.#memo;
    const known = memo.get(header);
    if (known !== undefined) return known === null ? undefined : (known as T);
    const text = this.list.first(header);
    const value = text === undefined ? undefined : parse(text);
    memo.set(header, value ?? null);
    return value;
  }

  #many<T>(header: HeaderName, parse: (text: string) => T | undefined): readonly T[] {
    return this.#whole(header, (values) => values.map(parse).filter((value) => value !== undefined));
  }

  #whole<T>(header: HeaderName, parse: (values: string[]) => T): T {
    this.#memo ??= new Map();
    const memo = this.#memo;
    const known = memo.get(header);
    if (known !== undefined) return known as T;
    const value = parse(this.list.all(header));
    memo.set(header, value);
    return value;
  }

  /** The topmost. */
  get via(): Via | undefined {
    if (this.#via === undefined) this.#via = this.#read(VIA, parseVia);
    return this.#via ?? undefined;
  }

  get vias(): readonly Via[] {
    return this.#many(VIA, parseVia);
  }

  get from(): NameAddr | undefined {
    if (this.#from === undefined) this.#from = this.#read(FROM, parseNameAddr);
    return this.#from ?? undefined;
  }

  get to(): NameAddr | undefined {
    if (this.#to === undefined) this.#to = this.#read(TO, parseNameAddr);
    return this.#to ?? undefined;
  }

  get contacts(): Contacts {
    this.#contacts ??= parseContacts(this.list.all(CONTACT));
    return this.#contacts;
  }

  /** The first; undefined for `*`. */
  get contact(): NameAddr | undefined {
    if (this.#contact === undefined) this.#contact = this.#read(CONTACT, parseNameAddr);
    return this.#contact ?? undefined;
  }

  get callId(): string | undefined {
    if (this.#callId === undefined) this.#callId = this.#read(CALL_ID, parseCallId);
    return this.#callId ?? undefined;
  }

  get cseq(): CSeq | undefined {
    if (this.#cseq === undefined) this.#cseq = this.#read(CSEQ, parseCSeq);
    return this.#cseq ?? undefined;
  }

  get maxForwards(): number | undefined {
    return this.#one(MAX_FORWARDS, parseHops);
  }

  get routes(): readonly NameAddr[] {
    return this.#many(ROUTE, parseNameAddr);
  }

  get recordRoutes(): readonly NameAddr[] {
    return this.#many(RECORD_ROUTE, parseNameAddr);
  }

  /** RFC 3327. */
  get paths(): readonly NameAddr[] {
    return this.#many(PATH, parseNameAddr);
  }

  /** RFC 3608. */
  get serviceRoutes(): readonly NameAddr[] {
    return this.#many(SERVICE_ROUTE, parseNameAddr);
  }

  get expires(): number | undefined {
    return this.#one(EXPIRES, parseSeconds);
  }

  get minExpires(): number | undefined {
    return this.#one(MIN_EXPIRES, parseSeconds);
  }

  get contentType(): MediaType | undefined {
    return this.#one(CONTENT_TYPE, parseMediaType);
  }

  get contentLength(): number | undefined {
    return this.#one(CONTENT_LENGTH, parseDigits);
  }

  /** `word` is the disposition: 'session', 'render', 'early-session', … */
  get contentDisposition(): Valued | undefined {
    return this.#one(CONTENT_DISPOSITION, parseValued);
  }

  get contentEncoding(): readonly string[] {
    return this.#many(CONTENT_ENCODING, parseToken);
  }

  get accept(): readonly MediaType[] {
    return this.#many(ACCEPT, parseMediaType);
  }

  get supported(): readonly string[] {
    return this.#many(SUPPORTED, parseToken);
  }

  get unsupported(): readonly string[] {
    return this.#many(UNSUPPORTED, parseToken);
  }

  get require(): readonly string[] {
    return this.#many(REQUIRE, parseToken);
  }

  get proxyRequire(): readonly string[] {
    return this.#many(PROXY_REQUIRE, parseToken);
  }

  get allow(): readonly string[] {
    return this.#many(ALLOW, parseToken);
  }

  get allowEvents(): readonly string[] {
    return this.#many(ALLOW_EVENTS, parseToken);
  }

  /** RFC 6086. */
  get recvInfo(): readonly string[] {
    return this.#many(RECV_INFO, parseToken);
  }

  get infoPackage(): string | undefined {
    return this.#one(INFO_PACKAGE, parseValued)?.word;
  }

  /** RFC 3262. */
  get rseq(): number | undefined {
    return this.#one(RSEQ, parseRSeq);
  }

  get rack(): RAck | undefined {
    return this.#one(RACK, parseRAck);
  }

  get sessionExpires(): SessionExpires | undefined {
    return this.#one(SESSION_EXPIRES, parseSessionExpires);
  }

  get minSe(): number | undefined {
    return this.#one(MIN_SE, parseMinSe);
  }

  /** RFC 3515. */
  get referTo(): NameAddr | undefined {
    return this.#one(REFER_TO, parseNameAddr);
  }

  /** RFC 3892. */
  get referredBy(): NameAddr | undefined {
    return this.#one(REFERRED_BY, parseNameAddr);
  }

  /** RFC 4488: 'false' asks for no subscription. */
  get referSub(): boolean | undefined {
    const word = this.#one(REFER_SUB, parseValued)?.word.toLowerCase();
    return word === 'true' ? true : word === 'false' ? false : undefined;
  }

  get replaces(): Replaces | undefined {
    return this.#one(REPLACES, parseReplaces);
  }

  get join(): DialogReference | undefined {
    return this.#one(JOIN, parseJoin);
  }

  get targetDialog(): DialogReference | undefined {
    return this.#one(TARGET_DIALOG, parseTargetDialog);
  }

  get event(): Event | undefined {
    return this.#one(EVENT, parseEvent);
  }

  get subscriptionState(): SubscriptionState | undefined {
    return this.#one(SUBSCRIPTION_STATE, parseSubscriptionState);
  }

  get reasons(): readonly Reason[] {
    return this.#many(REASON, parseReason);
  }

  /** P-Asserted-Identity, RFC 3325. */
  get assertedIdentities(): readonly NameAddr[] {
    return this.#many(P_ASSERTED_IDENTITY, parseNameAddr);
  }

  /** P-Preferred-Identity, RFC 3325. */
  get preferredIdentities(): readonly NameAddr[] {
    return this.#many(P_PREFERRED_IDENTITY, parseNameAddr);
  }

  /** P-Associated-URI, RFC 7315. */
  get associatedUris(): readonly NameAddr[] {
    return this.#many(P_ASSOCIATED_URI, parseNameAddr);
  }

  /** P-Called-Party-ID, RFC 7315. */
  get calledPartyId(): NameAddr | undefined {
    return this.#one(P_CALLED_PARTY_ID, parseNameAddr);
  }

  /** RFC 3323 §4.2: lower case; separated by semicolons, though commas are met. */
  get privacy(): readonly string[] {
    return this.#whole(PRIVACY, (values) => values.flatMap((value) => value.toLowerCase().match(/[^;,\s]+/g) ?? []).filter(isToken));
  }

  get diversions(): readonly Diversion[] {
    return this.#many(DIVERSION, parseDiversion);
  }

  get historyInfo(): readonly HistoryEntry[] {
    return this.#many(HISTORY_INFO, parseHistoryEntry);
  }

  get authorization(): readonly AuthHeader[] {
    return this.#many(AUTHORIZATION, parseAuthHeader);
  }

  get proxyAuthorization(): readonly AuthHeader[] {
    return this.#many(PROXY_AUTHORIZATION, parseAuthHeader);
  }

  get wwwAuthenticate(): readonly AuthHeader[] {
    return this.#many(WWW_AUTHENTICATE, parseAuthHeader);
  }

  get proxyAuthenticate(): readonly AuthHeader[] {
    return this.#many(PROXY_AUTHENTICATE, parseAuthHeader);
  }

  get authenticationInfo(): AuthHeader | undefined {
    return this.#one(AUTHENTICATION_INFO, parseAuthenticationInfo);
  }

  get userAgent(): string | undefined {
    return this.#one(USER_AGENT, parseText);
  }

  get server(): string | undefined {
    return this.#one(SERVER, parseText);
  }

  get subject(): string | undefined {
    return this.#one(SUBJECT, parseText);
  }

  get date(): Date | undefined {
    return this.#one(DATE, parseDate);
  }

  get retryAfter(): RetryAfter | undefined {
    return this.#one(RETRY_AFTER, parseRetryAfter);
  }

  get warnings(): readonly Warning[] {
    return this.#many(WARNING, parseWarning);
  }

  /** `<uri>;purpose=…`: a NameAddr without a name. */
  get callInfo(): readonly NameAddr[] {
    return this.#many(CALL_INFO, parseNameAddr);
  }

  get alertInfo(): readonly NameAddr[] {
    return this.#many(ALERT_INFO, parseNameAddr);
  }

  get errorInfo(): readonly NameAddr[] {
    return this.#many(ERROR_INFO, parseNameAddr);
  }

  get replyTo(): NameAddr | undefined {
    return this.#one(REPLY_TO, parseNameAddr);
  }

  /** RFC 5626 §4.4, seconds. */
  get flowTimer(): number | undefined {
    return this.#one(FLOW_TIMER, parseSeconds);
  }

  /** RFC 3903. */
  get sipEtag(): string | undefined {
    return this.#one(SIP_ETAG, parseToken);
  }

  get sipIfMatch(): string | undefined {
    return this.#one(SIP_IF_MATCH, parseToken);
  }

  /** RFC 3841. */
  get acceptContact(): readonly FeatureSet[] {
    return this.#many(ACCEPT_CONTACT, parseFeatureSet);
  }

  get rejectContact(): readonly FeatureSet[] {
    return this.#many(REJECT_CONTACT, parseFeatureSet);
  }

  get requestDisposition(): readonly string[] {
    return this.#many(REQUEST_DISPOSITION, parseToken);
  }
}

export class SipRequest extends Message {
  readonly kind = 'request';
  readonly method: string;
  /** Text of a URI that is known to be one, until it is asked for. */
  #uri: Uri | string;

  /** Throws OptionError for what may not stand in a message. With a HeaderList, which only the parser has, all is taken as it is. */
  constructor(method: string, uri: Uri | string, headers: readonly HeaderEntry[] | HeaderList = [], body?: Uint8Array | string) {
    super(headers instanceof HeaderList ? headers : HeaderList.of(headers), body);
    if (!(headers instanceof HeaderList) && !isToken(method)) throw new OptionError('method', 'a token (RFC 3261 §25.1)');
    this.method = method;
    this.#uri = headers instanceof HeaderList ? uri : asUri(uri);
  }

  get uri(): Uri {
    if (typeof this.#uri === 'string') this.#uri = asUri(this.#uri);
    return this.#uri;
  }

  get startLine(): string {
    return `${this.method} ${this.#uri} SIP/2.0`;
  }

  /** A copy of its own with another Request-URI. */
  withUri(uri: Uri | string): SipRequest {
    const list = this.list.clone();
    list.touch();
    return new SipRequest(this.method, asUri(uri), list, this.bodySource);
  }

  clone(): SipRequest {
    return new SipRequest(this.method, this.#uri, this.list.clone(), this.bodySource);
  }
}

export class SipResponse extends Message {
  readonly kind = 'response';
  readonly status: number;
  readonly reason: string;

  /** Throws OptionError for what may not stand in a message. With a HeaderList, which only this room has, all is taken as it is. */
  constructor(status: number, reason?: string, headers: readonly HeaderEntry[] | HeaderList = [], body?: Uint8Array | string) {
    super(headers instanceof HeaderList ? headers : HeaderList.of(headers), body);
    if (!(Number.isInteger(status) && status >= 100 && status <= 699)) throw new OptionError('status', 'a number from 100 to 699');
    if (reason !== undefined && !(headers instanceof HeaderList)) assertFieldText('reason', reason);
    this.status = status;
    this.reason = reason ?? reasonPhrase(status);
  }

  get startLine(): string {
    return `SIP/2.0 ${this.status} ${this.reason}`;
  }

  clone(): SipResponse {
    return new SipResponse(this.status, this.reason, this.list.clone(), this.bodySource);
  }
}

export type SipMessage = SipRequest | SipResponse;
