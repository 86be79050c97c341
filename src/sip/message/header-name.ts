/** Header names: their written form, compact forms (RFC 3261 §7.3.3 and the IANA registry), and which of them are comma lists (§7.3.1). */
import { OptionError } from '../../errors.js';
import { is, TOKEN } from './chars.js';

export interface HeaderName {
  /** As we write it. */
  readonly name: string;
  readonly lower: string;
  readonly compact: string | undefined;
  readonly isList: boolean;
  readonly hash: number;
  /** Hash of the compact form; the full one's where there is none. */
  readonly compactHash: number;
  /** What stands before a value when we write it. */
  readonly prefix: string;
}

/** The same for any case. A collision costs a comparison, never a mistake. */
export const hashName = (name: string): number => {
  let hash = 0;
  for (let i = 0; i < name.length; i++) hash = ((hash << 5) - hash + (name.charCodeAt(i) | 32)) | 0;
  return hash;
};

const make = (name: string, compact: string | undefined, isList: boolean): HeaderName => {
  const hash = hashName(name);
  return {
    name,
    lower: name.toLowerCase(),
    compact,
    isList,
    hash,
    compactHash: compact === undefined ? hash : hashName(compact),
    prefix: `\r\n${name}: `,
  };
};

const lists = `Accept Accept-Encoding Accept-Language Alert-Info Allow Call-Info Content-Language Error-Info In-Reply-To
  Proxy-Require Record-Route Require Route Unsupported Via=v Warning Contact=m Content-Encoding=e Supported=k Allow-Events=u
  Accept-Contact=a Reject-Contact=j Request-Disposition=d Path Service-Route P-Asserted-Identity P-Preferred-Identity P-Associated-URI
  P-Visited-Network-ID P-Access-Network-Info P-Media-Authorization P-Early-Media Diversion History-Info Reason Security-Client
  Security-Server Security-Verify Geolocation Recv-Info Feature-Caps Resource-Priority Accept-Resource-Priority Permission-Missing
  Trigger-Consent Geolocation-Routing`;

// Authorization and its kin hold commas of their own; Privacy and Session-ID are lists of another kind.
const singles = `Call-ID=i Content-Length=l Content-Type=c CSeq Date Expires From=f Max-Forwards MIME-Version Min-Expires Organization
  Priority Reply-To Retry-After Server Subject=s Timestamp To=t User-Agent Authorization Proxy-Authorization WWW-Authenticate
  Proxy-Authenticate Authentication-Info Content-Disposition Event=o Refer-To=r Referred-By=b Session-Expires=x Min-SE RSeq RAck
  Subscription-State Replaces Join Target-Dialog Privacy SIP-ETag SIP-If-Match Flow-Timer Refer-Sub Identity=y Identity-Info=n
  Info-Package P-Called-Party-ID P-Charging-Vector P-Charging-Function-Addresses Session-ID Answer-Mode Priv-Answer-Mode
  Max-Breadth Content-ID Suppress-If-Match User-to-User Geolocation-Error Authentication-Info`;

const known = new Map<string, HeaderName>();

const learn = (words: string, isList: boolean): void => {
  for (const word of words.split(/\s+/)) {
    const [name = '', compact] = word.split('=');
    const entry = make(name, compact, isList);
    for (const key of [name, entry.lower, name.toUpperCase()]) known.set(key, entry);
    if (compact !== undefined) for (const key of [compact, compact.toUpperCase()]) known.set(key, entry);
  }
};

learn(lists, true);
learn(singles, false);

/** A name that is in the tables, written in one of its usual ways. */
export const knownHeader = (name: string): HeaderName | undefined => known.get(name);

/** What is known of a name in any case, compact or not; an unknown one is no list and has no compact form. */
export const headerName = (name: string): HeaderName => known.get(name) ?? known.get(name.toLowerCase()) ?? make(name, undefined, false);

/** Whether `written` is this header, in full or compact, in any case. */
export const isNamed = (written: string, header: HeaderName): boolean => {
  if (written === header.name) return true;
  const lower = written.toLowerCase();
  return lower === header.lower || lower === header.compact;
};

/** The same of a name that stands in a text, before its colon and blanks. */
export const isNamedAt = (text: string, from: number, header: HeaderName): boolean =>
  standsAt(text, from, header.lower) || (header.compact !== undefined && standsAt(text, from, header.compact));

const standsAt = (text: string, from: number, lower: string): boolean => {
  const end = from + lower.length;
  if (end >= text.length) return false;
  for (let i = 0; i < lower.length; i++) {
    const code = text.charCodeAt(from + i);
    const wanted = lower.charCodeAt(i);
    if (code !== wanted && (code | 32) !== wanted) return false;
  }
  const next = text.charCodeAt(end);
  return next === 58 || next === 32 || next === 9;
};

/** The door for names that an application gives. */
export const assertHeaderName = (name: string): void => {
  if (known.has(name)) return;
  for (let i = 0; i < name.length; i++)
    if (!is(name.charCodeAt(i), TOKEN)) throw new OptionError('header name', 'a token (RFC 3261 §25.1)');
  if (name === '') throw new OptionError('header name', 'may not be empty');
};
