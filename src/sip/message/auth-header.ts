/**
 * Challenges and credentials: WWW-Authenticate, Proxy-Authenticate, Authorization, Proxy-Authorization, Authentication-Info.
 * RFC 3261 §20.7, §25.1; RFC 7616 §3. One header holds one of them: commas stand between its parameters.
 */
import { isSpace, isToken } from './chars.js';
import { type ParamEntry, Params } from './params.js';
import { splitTop } from './split.js';

export class AuthHeader {
  /** As written: 'Digest', 'Bearer', …; '' for Authentication-Info. */
  readonly scheme: string;
  readonly params: Params;
  /** What a scheme of another grammar puts in the place of parameters (RFC 7235 token68). */
  readonly token: string | undefined;

  constructor(scheme: string, params: Params | readonly ParamEntry[], token?: string) {
    this.scheme = scheme;
    this.params = params instanceof Params ? params : new Params(params);
    this.token = token;
  }

  get isDigest(): boolean {
    return this.scheme.toLowerCase() === 'digest';
  }

  /** Unquoted. */
  get(name: string): string | undefined {
    return this.params.get(name);
  }

  toString(): string {
    const list = this.params.entries.map(([name, raw]) => (raw === undefined ? name : `${name}=${raw}`)).join(', ');
    return [this.scheme, this.token, list].filter((part) => part !== undefined && part !== '').join(' ');
  }
}

export const parseAuthHeader = (text: string): AuthHeader | undefined => {
  let at = 0;
  while (at < text.length && !isSpace(text.charCodeAt(at))) at++;
  const scheme = text.slice(0, at);
  const rest = text.slice(at).trim();
  if (!isToken(scheme) || rest === '') return undefined;
  const params = parseAuthParams(rest);
  if (params !== undefined) return new AuthHeader(scheme, params);
  return /^[A-Za-z0-9\-._~+/]+=*$/.test(rest) ? new AuthHeader(scheme, Params.none, rest) : undefined;
};

/** Authentication-Info, RFC 7615 §3: parameters alone. */
export const parseAuthenticationInfo = (text: string): AuthHeader | undefined => {
  const params = parseAuthParams(text);
  return params && new AuthHeader('', params);
};

const parseAuthParams = (text: string): Params | undefined => {
  const entries: ParamEntry[] = [];
  for (const part of splitTop(text, ',')) {
    const equals = part.indexOf('=');
    if (equals === -1) return undefined;
    const name = part.slice(0, equals).trim();
    const raw = part.slice(equals + 1).trim();
    if (!isToken(name) || !isAuthValue(raw)) return undefined;
    entries.push([name, raw]);
  }
  return new Params(entries);
};

/** token / quoted-string; kindly also what some phones leave unquoted (an opaque with `/` or `=` in it). */
const isAuthValue = (raw: string): boolean => {
  if (raw.charCodeAt(0) === 34) return raw.length > 1 && raw.charCodeAt(raw.length - 1) === 34;
  return raw !== '' && !/[\s",;<>]/.test(raw);
};
