/**
 * The headers of RFC 3261 §20 as values, read when first asked for. One that is absent or malformed reads as undefined; a list gives its
 * well-formed values. Nothing here throws on what a peer sent.
 */
import { type AuthHeader, parseAuthenticationInfo, parseAuthHeader } from './auth-header.js';
import { parseDigits, parseSeconds, parseToken } from './chars.js';
import { type Contacts, parseContacts } from './contact.js';
import { type CSeq, parseCSeq } from './cseq.js';
import { parseDate } from './date.js';
import { headerName } from './header-name.js';
import { type MediaType, parseMediaType } from './media-type.js';
import { MessageParts } from './message-parts.js';
import { type NameAddr, parseNameAddr } from './name-addr.js';
import { parseRetryAfter, type RetryAfter } from './retry-after.js';
import { parseValued, type Valued } from './valued.js';
import { parseVia, type Via } from './via.js';
import { parseWarning, type Warning } from './warning.js';

const VIA = headerName('Via');
const FROM = headerName('From');
const TO = headerName('To');
const CONTACT = headerName('Contact');
const CALL_ID = headerName('Call-ID');
const CSEQ = headerName('CSeq');

const parseHops = (text: string): number | undefined => parseDigits(text, 255);
const parseText = (text: string): string | undefined => (text === '' ? undefined : text);
/** §25.1: word [ "@" word ]; only that it is one word is asked of a peer. */
const parseCallId = (text: string): string | undefined =>
  text === '' || text.indexOf(' ') !== -1 || text.indexOf('\t') !== -1 ? undefined : text;

export abstract class BasicValues extends MessageParts {
  // The values that every message is asked for; null for one that is absent or malformed.
  #via: Via | null | undefined;
  #from: NameAddr | null | undefined;
  #to: NameAddr | null | undefined;
  #cseq: CSeq | null | undefined;
  #callId: string | null | undefined;
  #contact: NameAddr | null | undefined;
  #contacts: Contacts | undefined;

  protected override changed(): this {
    this.#via = undefined;
    this.#from = undefined;
    this.#to = undefined;
    this.#cseq = undefined;
    this.#callId = undefined;
    this.#contact = undefined;
    this.#contacts = undefined;
    return super.changed();
  }

  /** The topmost. */
  get via(): Via | undefined {
    if (this.#via === undefined) this.#via = this.read(VIA, parseVia);
    return this.#via ?? undefined;
  }

  get from(): NameAddr | undefined {
    if (this.#from === undefined) this.#from = this.read(FROM, parseNameAddr);
    return this.#from ?? undefined;
  }

  get to(): NameAddr | undefined {
    if (this.#to === undefined) this.#to = this.read(TO, parseNameAddr);
    return this.#to ?? undefined;
  }

  get contacts(): Contacts {
    this.#contacts ??= parseContacts(this.list.all(CONTACT));
    return this.#contacts;
  }

  /** The first; undefined for `*`. */
  get contact(): NameAddr | undefined {
    if (this.#contact === undefined) this.#contact = this.read(CONTACT, parseNameAddr);
    return this.#contact ?? undefined;
  }

  get callId(): string | undefined {
    if (this.#callId === undefined) this.#callId = this.read(CALL_ID, parseCallId);
    return this.#callId ?? undefined;
  }

  get cseq(): CSeq | undefined {
    if (this.#cseq === undefined) this.#cseq = this.read(CSEQ, parseCSeq);
    return this.#cseq ?? undefined;
  }

  get vias(): readonly Via[] {
    return this.many('Via', parseVia);
  }

  get maxForwards(): number | undefined {
    return this.one('Max-Forwards', parseHops);
  }

  get routes(): readonly NameAddr[] {
    return this.many('Route', parseNameAddr);
  }

  get recordRoutes(): readonly NameAddr[] {
    return this.many('Record-Route', parseNameAddr);
  }

  get expires(): number | undefined {
    return this.one('Expires', parseSeconds);
  }

  get minExpires(): number | undefined {
    return this.one('Min-Expires', parseSeconds);
  }

  get contentType(): MediaType | undefined {
    return this.one('Content-Type', parseMediaType);
  }

  get contentLength(): number | undefined {
    return this.one('Content-Length', parseDigits);
  }

  /** `word` is the disposition: 'session', 'render', 'early-session', … */
  get contentDisposition(): Valued | undefined {
    return this.one('Content-Disposition', parseValued);
  }

  get contentEncoding(): readonly string[] {
    return this.many('Content-Encoding', parseToken);
  }

  get accept(): readonly MediaType[] {
    return this.many('Accept', parseMediaType);
  }

  get supported(): readonly string[] {
    return this.many('Supported', parseToken);
  }

  get unsupported(): readonly string[] {
    return this.many('Unsupported', parseToken);
  }

  get require(): readonly string[] {
    return this.many('Require', parseToken);
  }

  get proxyRequire(): readonly string[] {
    return this.many('Proxy-Require', parseToken);
  }

  get allow(): readonly string[] {
    return this.many('Allow', parseToken);
  }

  get authorization(): readonly AuthHeader[] {
    return this.many('Authorization', parseAuthHeader);
  }

  get proxyAuthorization(): readonly AuthHeader[] {
    return this.many('Proxy-Authorization', parseAuthHeader);
  }

  get wwwAuthenticate(): readonly AuthHeader[] {
    return this.many('WWW-Authenticate', parseAuthHeader);
  }

  get proxyAuthenticate(): readonly AuthHeader[] {
    return this.many('Proxy-Authenticate', parseAuthHeader);
  }

  get authenticationInfo(): AuthHeader | undefined {
    return this.one('Authentication-Info', parseAuthenticationInfo);
  }

  get userAgent(): string | undefined {
    return this.one('User-Agent', parseText);
  }

  get server(): string | undefined {
    return this.one('Server', parseText);
  }

  get subject(): string | undefined {
    return this.one('Subject', parseText);
  }

  get date(): Date | undefined {
    return this.one('Date', parseDate);
  }

  get retryAfter(): RetryAfter | undefined {
    return this.one('Retry-After', parseRetryAfter);
  }

  get warnings(): readonly Warning[] {
    return this.many('Warning', parseWarning);
  }

  /** `<uri>;purpose=…`: a NameAddr without a name. */
  get callInfo(): readonly NameAddr[] {
    return this.many('Call-Info', parseNameAddr);
  }

  get alertInfo(): readonly NameAddr[] {
    return this.many('Alert-Info', parseNameAddr);
  }

  get errorInfo(): readonly NameAddr[] {
    return this.many('Error-Info', parseNameAddr);
  }

  get replyTo(): NameAddr | undefined {
    return this.one('Reply-To', parseNameAddr);
  }
}
