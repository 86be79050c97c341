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
import { parseUri, type Uri } from './uri.js';
import { parseValued, type Valued } from './valued.js';
import { parseVia, type Via } from './via.js';
import { parseWarning, type Warning } from './warning.js';

const emptyBody = new Uint8Array(0);

const name = headerName;
const VIA = name('Via');
/** The top one is remembered apart from the list of all. */
const TOP_VIA = { ...VIA };
const FROM = name('From');
const TO = name('To');
const CONTACT = name('Contact');
const CALL_ID = name('Call-ID');
const CSEQ = name('CSeq');

const parseSeconds = (text: string): number | undefined => parseDigits(text, 0xffffffff);
const parseHops = (text: string): number | undefined => parseDigits(text, 255);
const parseText = (text: string): string | undefined => (text === '' ? undefined : text);
const parseToken = (text: string): string | undefined => (isToken(text) ? text : undefined);
/** §25.1: word [ "@" word ]; only that it is one word is asked of a peer. */
const parseCallId = (text: string): string | undefined => (text === '' || /[ \t]/.test(text) ? undefined : text);

abstract class Message {
  /** The list itself; for `write` and for those who copy headers as they came. */
  readonly list: HeaderList;
  #body: Uint8Array;
  #isBodyTouched = false;
  #memo: Map<HeaderName, unknown> | undefined;

  constructor(list: HeaderList, body: Uint8Array | string | undefined) {
    this.list = list;
    this.#body = body === undefined ? emptyBody : typeof body === 'string' ? encodeText(body) : body;
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
    return this;
  }

  get body(): Uint8Array {
    return this.#body;
  }

  get bodyText(): string {
    return decodeText(this.#body);
  }

  /** Whether the body is another than the one that came. */
  get isBodyTouched(): boolean {
    return this.#isBodyTouched;
  }

  /** Sets the body and its Content-Type; Content-Length is written for it. An undefined type takes the header away. */
  setBody(contentType: string | undefined, body: Uint8Array | string): this {
    if (contentType === undefined) this.list.remove('Content-Type');
    else this.list.set('Content-Type', [contentType]);
    this.#body = typeof body === 'string' ? encodeText(body) : body;
    this.#isBodyTouched = true;
    return this.#changed();
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
    return this.#one(TOP_VIA, parseVia);
  }

  get vias(): readonly Via[] {
    return this.#many(VIA, parseVia);
  }

  get from(): NameAddr | undefined {
    return this.#one(FROM, parseNameAddr);
  }

  get to(): NameAddr | undefined {
    return this.#one(TO, parseNameAddr);
  }

  get contacts(): Contacts {
    return this.#whole(CONTACT, parseContacts);
  }

  /** The first; undefined for `*`. */
  get contact(): NameAddr | undefined {
    const contacts = this.contacts;
    return contacts === '*' ? undefined : contacts[0];
  }

  get callId(): string | undefined {
    return this.#one(CALL_ID, parseCallId);
  }

  get cseq(): CSeq | undefined {
    return this.#one(CSEQ, parseCSeq);
  }

  get maxForwards(): number | undefined {
    return this.#one(name('Max-Forwards'), parseHops);
  }

  get routes(): readonly NameAddr[] {
    return this.#many(name('Route'), parseNameAddr);
  }

  get recordRoutes(): readonly NameAddr[] {
    return this.#many(name('Record-Route'), parseNameAddr);
  }

  /** RFC 3327. */
  get paths(): readonly NameAddr[] {
    return this.#many(name('Path'), parseNameAddr);
  }

  /** RFC 3608. */
  get serviceRoutes(): readonly NameAddr[] {
    return this.#many(name('Service-Route'), parseNameAddr);
  }

  get expires(): number | undefined {
    return this.#one(name('Expires'), parseSeconds);
  }

  get minExpires(): number | undefined {
    return this.#one(name('Min-Expires'), parseSeconds);
  }

  get contentType(): MediaType | undefined {
    return this.#one(name('Content-Type'), parseMediaType);
  }

  get contentLength(): number | undefined {
    return this.#one(name('Content-Length'), parseDigits);
  }

  /** `word` is the disposition: 'session', 'render', 'early-session', … */
  get contentDisposition(): Valued | undefined {
    return this.#one(name('Content-Disposition'), parseValued);
  }

  get contentEncoding(): readonly string[] {
    return this.#many(name('Content-Encoding'), parseToken);
  }

  get accept(): readonly MediaType[] {
    return this.#many(name('Accept'), parseMediaType);
  }

  get supported(): readonly string[] {
    return this.#many(name('Supported'), parseToken);
  }

  get unsupported(): readonly string[] {
    return this.#many(name('Unsupported'), parseToken);
  }

  get require(): readonly string[] {
    return this.#many(name('Require'), parseToken);
  }

  get proxyRequire(): readonly string[] {
    return this.#many(name('Proxy-Require'), parseToken);
  }

  get allow(): readonly string[] {
    return this.#many(name('Allow'), parseToken);
  }

  get allowEvents(): readonly string[] {
    return this.#many(name('Allow-Events'), parseToken);
  }

  /** RFC 6086. */
  get recvInfo(): readonly string[] {
    return this.#many(name('Recv-Info'), parseToken);
  }

  get infoPackage(): string | undefined {
    return this.#one(name('Info-Package'), parseValued)?.word;
  }

  /** RFC 3262. */
  get rseq(): number | undefined {
    return this.#one(name('RSeq'), parseRSeq);
  }

  get rack(): RAck | undefined {
    return this.#one(name('RAck'), parseRAck);
  }

  get sessionExpires(): SessionExpires | undefined {
    return this.#one(name('Session-Expires'), parseSessionExpires);
  }

  get minSe(): number | undefined {
    return this.#one(name('Min-SE'), parseMinSe);
  }

  /** RFC 3515. */
  get referTo(): NameAddr | undefined {
    return this.#one(name('Refer-To'), parseNameAddr);
  }

  /** RFC 3892. */
  get referredBy(): NameAddr | undefined {
    return this.#one(name('Referred-By'), parseNameAddr);
  }

  /** RFC 4488: 'false' asks for no subscription. */
  get referSub(): boolean | undefined {
    const word = this.#one(name('Refer-Sub'), parseValued)?.word.toLowerCase();
    return word === 'true' ? true : word === 'false' ? false : undefined;
  }

  get replaces(): Replaces | undefined {
    return this.#one(name('Replaces'), parseReplaces);
  }

  get join(): DialogReference | undefined {
    return this.#one(name('Join'), parseJoin);
  }

  get targetDialog(): DialogReference | undefined {
    return this.#one(name('Target-Dialog'), parseTargetDialog);
  }

  get event(): Event | undefined {
    return this.#one(name('Event'), parseEvent);
  }

  get subscriptionState(): SubscriptionState | undefined {
    return this.#one(name('Subscription-State'), parseSubscriptionState);
  }

  get reasons(): readonly Reason[] {
    return this.#many(name('Reason'), parseReason);
  }

  /** P-Asserted-Identity, RFC 3325. */
  get assertedIdentities(): readonly NameAddr[] {
    return this.#many(name('P-Asserted-Identity'), parseNameAddr);
  }

  /** P-Preferred-Identity, RFC 3325. */
  get preferredIdentities(): readonly NameAddr[] {
    return this.#many(name('P-Preferred-Identity'), parseNameAddr);
  }

  /** P-Associated-URI, RFC 7315. */
  get associatedUris(): readonly NameAddr[] {
    return this.#many(name('P-Associated-URI'), parseNameAddr);
  }

  /** P-Called-Party-ID, RFC 7315. */
  get calledPartyId(): NameAddr | undefined {
    return this.#one(name('P-Called-Party-ID'), parseNameAddr);
  }

  /** RFC 3323 §4.2: lower case; separated by semicolons, though commas are met. */
  get privacy(): readonly string[] {
    return this.#whole(name('Privacy'), (values) =>
      values.flatMap((value) => value.split(/[;,]/).map((word) => word.trim().toLowerCase())).filter(isToken),
    );
  }

  get diversions(): readonly Diversion[] {
    return this.#many(name('Diversion'), parseDiversion);
  }

  get historyInfo(): readonly HistoryEntry[] {
    return this.#many(name('History-Info'), parseHistoryEntry);
  }

  get authorization(): readonly AuthHeader[] {
    return this.#many(name('Authorization'), parseAuthHeader);
  }

  get proxyAuthorization(): readonly AuthHeader[] {
    return this.#many(name('Proxy-Authorization'), parseAuthHeader);
  }

  get wwwAuthenticate(): readonly AuthHeader[] {
    return this.#many(name('WWW-Authenticate'), parseAuthHeader);
  }

  get proxyAuthenticate(): readonly AuthHeader[] {
    return this.#many(name('Proxy-Authenticate'), parseAuthHeader);
  }

  get authenticationInfo(): AuthHeader | undefined {
    return this.#one(name('Authentication-Info'), parseAuthenticationInfo);
  }

  get userAgent(): string | undefined {
    return this.#one(name('User-Agent'), parseText);
  }

  get server(): string | undefined {
    return this.#one(name('Server'), parseText);
  }

  get subject(): string | undefined {
    return this.#one(name('Subject'), parseText);
  }

  get date(): Date | undefined {
    return this.#one(name('Date'), parseDate);
  }

  get retryAfter(): RetryAfter | undefined {
    return this.#one(name('Retry-After'), parseRetryAfter);
  }

  get warnings(): readonly Warning[] {
    return this.#many(name('Warning'), parseWarning);
  }

  /** `<uri>;purpose=…`: a NameAddr without a name. */
  get callInfo(): readonly NameAddr[] {
    return this.#many(name('Call-Info'), parseNameAddr);
  }

  get alertInfo(): readonly NameAddr[] {
    return this.#many(name('Alert-Info'), parseNameAddr);
  }

  get errorInfo(): readonly NameAddr[] {
    return this.#many(name('Error-Info'), parseNameAddr);
  }

  get replyTo(): NameAddr | undefined {
    return this.#one(name('Reply-To'), parseNameAddr);
  }

  /** RFC 5626 §4.4, seconds. */
  get flowTimer(): number | undefined {
    return this.#one(name('Flow-Timer'), parseSeconds);
  }

  /** RFC 3903. */
  get sipEtag(): string | undefined {
    return this.#one(name('SIP-ETag'), parseToken);
  }

  get sipIfMatch(): string | undefined {
    return this.#one(name('SIP-If-Match'), parseToken);
  }

  /** RFC 3841. */
  get acceptContact(): readonly FeatureSet[] {
    return this.#many(name('Accept-Contact'), parseFeatureSet);
  }

  get rejectContact(): readonly FeatureSet[] {
    return this.#many(name('Reject-Contact'), parseFeatureSet);
  }

  get requestDisposition(): readonly string[] {
    return this.#many(name('Request-Disposition'), parseToken);
  }
}

export class SipRequest extends Message {
  readonly kind = 'request';
  readonly method: string;
  readonly uri: Uri;

  /** Throws OptionError for what may not stand in a message. A HeaderList is taken as it is. */
  constructor(method: string, uri: Uri | string, headers: readonly HeaderEntry[] | HeaderList = [], body?: Uint8Array | string) {
    super(headers instanceof HeaderList ? headers : HeaderList.of(headers), body);
    if (!(headers instanceof HeaderList) && !isToken(method)) throw new OptionError('method', 'a token (RFC 3261 §25.1)');
    this.method = method;
    this.uri = typeof uri === 'string' ? asUri(uri) : uri;
  }

  get startLine(): string {
    return `${this.method} ${this.uri} SIP/2.0`;
  }

  /** A copy of its own with another Request-URI. */
  withUri(uri: Uri | string): SipRequest {
    const list = this.list.clone();
    list.touch();
    return new SipRequest(this.method, typeof uri === 'string' ? asUri(uri) : uri, list, this.body);
  }

  clone(): SipRequest {
    return new SipRequest(this.method, this.uri, this.list.clone(), this.body);
  }
}

export class SipResponse extends Message {
  readonly kind = 'response';
  readonly status: number;
  readonly reason: string;

  constructor(
    status: number,
    reason: string = reasonPhrase(status),
    headers: readonly HeaderEntry[] | HeaderList = [],
    body?: Uint8Array | string,
  ) {
    super(headers instanceof HeaderList ? headers : HeaderList.of(headers), body);
    if (!(Number.isInteger(status) && status >= 100 && status <= 699)) throw new OptionError('status', 'a number from 100 to 699');
    assertFieldText('reason', reason);
    this.status = status;
    this.reason = reason;
  }

  get startLine(): string {
    return `SIP/2.0 ${this.status} ${this.reason}`;
  }

  clone(): SipResponse {
    return new SipResponse(this.status, this.reason, this.list.clone(), this.body);
  }
}

export type SipMessage = SipRequest | SipResponse;

const asUri = (text: string): Uri => {
  const uri = parseUri(text);
  if (uri === undefined) throw new OptionError('uri', 'a URI (RFC 3261 §19.1)');
  return uri;
};
