/** SIP and SIPS URIs, RFC 3261 §19.1; telephone numbers, RFC 3966; any other scheme is carried as it is. Immutable. */
import { OptionError } from '../../errors.js';
import { codeAt, DIGIT, HOST, is, isAll, parseDigitsIn, skipAll, USER } from './chars.js';
import { isHost, sameHost } from './host.js';
import { Params, parseUriParams } from './params.js';
import { escapeUri, isEscaped, unescapeUri } from './percent.js';
import { sameTel } from './tel.js';
import { assertFieldText } from './text.js';

export interface UriParts {
  /** Lower case. @default 'sip' */
  readonly scheme?: string;
  /** Plain, not escaped; for `tel:` the number. */
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** An IPv6 address with or without its brackets; '' for `tel:` and unknown schemes. */
  readonly host?: string;
  readonly port?: number | undefined;
  readonly params?: Params;
  readonly headers?: Params;
  /** Of an unknown scheme: all that follows the colon. */
  readonly opaque?: string | undefined;
}

export class Uri {
  /** Lower case. */
  readonly scheme: string;
  /** Unescaped; for `tel:` the number as written. */
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** An IPv6 address stands without its brackets. '' for `tel:` and unknown schemes. */
  readonly host: string;
  readonly port: number | undefined;
  readonly params: Params;
  /** What stands behind `?`. */
  readonly headers: Params;
  /** Of an unknown scheme: all that follows the colon. */
  readonly opaque: string | undefined;
  #text: string | undefined;

  constructor(parts: UriParts, text?: string) {
    this.scheme = parts.scheme ?? 'sip';
    this.user = parts.user;
    this.password = parts.password;
    this.host = parts.host ?? '';
    this.port = parts.port;
    this.params = parts.params ?? Params.noneUri;
    this.headers = parts.headers ?? Params.noneQuery;
    this.opaque = parts.opaque;
    this.#text = text;
    if (text === undefined) this.#check();
  }

  /** Only an application builds a URI from parts; what it may not hold is refused here, not on the wire. */
  #check(): void {
    if (!isAll(this.scheme, HOST)) throw new OptionError('uri.scheme', 'letters, digits, - and .');
    if (this.opaque === undefined && this.scheme !== 'tel' && !isHost(this.host))
      throw new OptionError('uri.host', 'a host name or an address');
    if (this.port !== undefined && !(Number.isInteger(this.port) && this.port >= 0 && this.port <= 65535)) {
      throw new OptionError('uri.port', 'a number from 0 to 65535');
    }
    if (this.scheme === 'tel' && !this.user) throw new OptionError('uri.user', 'the number');
    if (this.opaque !== undefined && !/^[^\s<>"\0]*$/.test(this.opaque))
      throw new OptionError('uri.opaque', 'no blanks, quotes or brackets');
  }

  get isSip(): boolean {
    return this.scheme === 'sip' || this.scheme === 'sips';
  }

  /** A copy that differs in what is given; `undefined` takes a part away. */
  with(change: UriParts): Uri {
    return new Uri({ ...this.#parts(), ...change });
  }

  #parts(): UriParts {
    const { scheme, user, password, host, port, params, headers, opaque } = this;
    return { scheme, user, password, host, port, params, headers, opaque };
  }

  /** As it came, or in the form of §19.1.1. */
  toString(): string {
    this.#text ??= this.#write();
    return this.#text;
  }

  toJSON(): string {
    return this.toString();
  }

  #write(): string {
    if (this.opaque !== undefined) return `${this.scheme}:${this.opaque}`;
    if (this.scheme === 'tel') return `tel:${escapeUri(this.user ?? '', USER)}${this.params}`;
    let text = `${this.scheme}:`;
    if (this.user !== undefined) {
      text += escapeUser(this.user);
      if (this.password !== undefined) text += `:${escapeUser(this.password)}`;
      text += '@';
    }
    text += this.host.includes(':') && !this.host.startsWith('[') ? `[${this.host}]` : this.host;
    if (this.port !== undefined) text += `:${this.port}`;
    return text + this.params.toString() + this.headers.toString();
  }

  /** Whether both mean the same, RFC 3261 §19.1.4 (for `tel:` RFC 3966 §4). */
  equals(other: Uri): boolean {
    if (this.scheme !== other.scheme) return false;
    if (this.opaque !== undefined || other.opaque !== undefined) return this.opaque === other.opaque;
    if (this.scheme === 'tel') return sameTel(this, other);
    return (
      this.user === other.user &&
      this.password === other.password &&
      this.port === other.port &&
      sameHost(this.host, other.host) &&
      sameParams(this.params, other.params) &&
      sameHeaders(this.headers, other.headers)
    );
  }
}

/** §19.1.4: these count even when only one side has them; any other must match only where both have it. */
const countAlone = ['user', 'ttl', 'method', 'maddr', 'transport'];

const sameParams = (a: Params, b: Params): boolean => {
  for (const name of countAlone) if (a.has(name) !== b.has(name)) return false;
  const values = new Map(b.entries.map(([name, raw]) => [unescapeUri(name).toLowerCase(), raw]));
  return a.entries.every(([name, raw]) => {
    const key = unescapeUri(name).toLowerCase();
    return !values.has(key) || unescapeUri(values.get(key) ?? '').toLowerCase() === unescapeUri(raw ?? '').toLowerCase();
  });
};

/** §19.1.4: header components are never ignored, and their order says nothing. */
const sameHeaders = (a: Params, b: Params): boolean => {
  if (a.size !== b.size) return false;
  const plain = (params: Params): string[] =>
    params.entries.map(([name, raw]) => `${unescapeUri(name).toLowerCase()}=${unescapeUri(raw ?? '')}`).sort();
  const others = plain(b);
  return plain(a).every((entry, i) => entry === others[i]);
};

/** The URI, or undefined when it is none. */
export const parseUri = (text: string): Uri | undefined => {
  const colon = text.indexOf(':');
  if (colon < 1) return undefined;
  const written = text.slice(0, colon);
  if (written === 'sip' || written === 'sips') return parseSip(written, text, colon + 1);
  if (!isScheme(written)) return undefined;
  const scheme = written.toLowerCase();
  if (scheme === 'sip' || scheme === 'sips') return parseSip(scheme, text, colon + 1);
  if (scheme === 'tel') return parseTel(text, colon + 1);
  const opaque = text.slice(colon + 1);
  return opaque !== '' && !/[\s<>"\0]/.test(opaque) ? new Uri({ scheme, opaque }, text) : undefined;
};

/** What an application gives for a URI; throws OptionError when it is none. */
export const asUri = (uri: Uri | string): Uri => {
  const parsed = typeof uri === 'string' ? parseUri(uri) : uri;
  if (parsed === undefined) throw new OptionError('uri', 'a URI (RFC 3261 §19.1)');
  if (typeof uri !== 'string') assertFieldText('uri', uri.toString());
  return parsed;
};

const plainSip = /^sips?:(?:[\w\-.!~*'()&=+$,;?/#]+@)?[\w\-.]+(?::[0-5]?\d{1,4})?(?:;[\w\-.!~*'()[\]/:&+$]+(?:=[\w\-.!~*'()[\]/:&+$]*)?)*$/;

/** The URI, or the text alone when it is of the plain sort that surely is one: most are, and half of them are never asked for more. */
export const readUri = (text: string): Uri | string | undefined => (plainSip.test(text) ? text : parseUri(text));

const isScheme = (text: string): boolean => {
  const first = text.charCodeAt(0) | 32;
  if (first < 97 || first > 122) return false;
  for (let i = 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (!(is(code, HOST) && code !== 95) && code !== 43) return false;
  }
  return true;
};

const parseSip = (scheme: string, text: string, from: number): Uri | undefined => {
  // `@` may stand nowhere but behind the user (§25.1): the last one is as good as the first.
  const at = text.indexOf('@', from);
  let user: string | undefined;
  let password: string | undefined;
  let hostFrom = from;
  if (at !== -1) {
    if (at === from || text.indexOf('@', at + 1) !== -1) return undefined;
    let colon = -1;
    let escaped = false;
    for (let i = from; i < at; i++) {
      const code = text.charCodeAt(i);
      if (code === 37) escaped = true;
      else if (code === 58 && colon === -1) colon = i;
      else if (!is(code, USER) && (code < 160 || code === 0xfeff)) return undefined;
    }
    user = text.slice(from, colon === -1 ? at : colon);
    if (user === '') return undefined;
    if (colon !== -1) password = text.slice(colon + 1, at);
    if (escaped) {
      if (!isEscaped(text.slice(from, at))) return undefined;
      user = unescapeUri(user);
      if (password !== undefined) password = unescapeUri(password);
    }
    hostFrom = at + 1;
  }
  let end = hostFrom;
  let host: string;
  if (codeAt(text, end) === 91) {
    end = text.indexOf(']', end) + 1;
    if (end === 0) return undefined;
    host = text.slice(hostFrom + 1, end - 1);
    if (!isHost(`[${host}]`)) return undefined;
  } else {
    end = skipAll(text, end, HOST);
    if (end === hostFrom) return undefined;
    host = text.slice(hostFrom, end);
  }
  let port: number | undefined;
  if (codeAt(text, end) === 58) {
    const portFrom = end + 1;
    end = skipAll(text, portFrom, DIGIT);
    port = parseDigitsIn(text, portFrom, end, 65535);
    if (port === undefined) return undefined;
  }
  if (end === text.length) return new Uri({ scheme, user, password, host, port }, text);
  const mark = text.indexOf('?', end);
  const paramsEnd = mark === -1 ? text.length : mark;
  if (text.charCodeAt(end) !== 59 && end !== mark) return undefined;
  const params = parseUriParams(text, 'uri', end, paramsEnd);
  const headers = parseUriParams(text, 'query', paramsEnd, text.length);
  return params && headers ? new Uri({ scheme, user, password, host, port, params, headers }, text) : undefined;
};

/** RFC 3966 §3: `tel:` number *(";" parameter). */
const parseTel = (text: string, from: number): Uri | undefined => {
  const semicolon = text.indexOf(';', from);
  const end = semicolon === -1 ? text.length : semicolon;
  const number = text.slice(from, end);
  if (!/^\+?[0-9a-f*#().-]+$/i.test(number) || !/[0-9a-f*#]/i.test(number)) return undefined;
  const params = parseUriParams(text, 'uri', end, text.length);
  return params && new Uri({ scheme: 'tel', user: number, params }, text);
};

/** A '#' is read as it stands, for many switches send it so, and written as §25.1 wants it. */
const escapeUser = (text: string): string => escapeUri(text, USER).replaceAll('#', '%23');
