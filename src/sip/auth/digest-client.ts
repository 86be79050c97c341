/** Answers challenges (RFC 7616 §3.4, RFC 8760 §2.4, RFC 3261 §22): which of them, with whose credentials, and what is remembered for next time. */
import type { Random } from '../../random.js';
import type { AuthHeader } from '../message/auth-header.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { quote } from '../message/quoted.js';
import {
  DIGEST_ALGORITHMS,
  type DigestAlgorithm,
  type DigestVariant,
  digestResponse,
  type Ha1,
  ha1Of,
  parseVariant,
  type Qop,
} from './digest.js';

export interface Credentials {
  readonly user: string;
  readonly password?: string;
  /** In the place of a password: H(user:realm:password), of MD5 when it is a text. */
  readonly ha1?: string | Ha1;
  /** Only for this realm. @default whichever asks first at the place that the request goes to; another one later is not answered, but to a REGISTER */
  readonly realm?: string;
}

export type CredentialSource = Credentials | readonly Credentials[] | ((realm: string) => Credentials | undefined);

/** One user and password: for the realms that are named, else for the first that asks. */
export function credentialsOf(user: string, password: string | undefined, realms?: readonly string[]): CredentialSource | undefined {
  if (password === undefined) return undefined;
  return realms === undefined ? { user, password } : realms.map((realm) => ({ user, password, realm }));
}

export type Unanswered = 'no-challenge' | 'unsupported' | 'no-credentials' | 'other-realm' | 'refused';

export interface DigestClientOptions {
  readonly random: Random;
  /** Of several challenges for one realm: the topmost that we know (RFC 8760 §2.4), or the strongest. @default 'topmost' */
  readonly prefer?: 'topmost' | 'strongest';
}

interface Kind {
  readonly challenge: 'wwwAuthenticate' | 'proxyAuthenticate';
  readonly answer: 'authorization' | 'proxyAuthorization';
  readonly header: 'Authorization' | 'Proxy-Authorization';
}

/** A forking proxy gathers the challenges of all branches into one response, so both kinds are looked for in either (RFC 3261 §16.7). */
const KINDS: readonly Kind[] = [
  { challenge: 'wwwAuthenticate', answer: 'authorization', header: 'Authorization' },
  { challenge: 'proxyAuthenticate', answer: 'proxyAuthorization', header: 'Proxy-Authorization' },
];

interface Challenge {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | undefined;
  /** As it was written, to be echoed; undefined when nothing was said. */
  readonly algorithm: string | undefined;
  readonly variant: DigestVariant;
  readonly qop: Qop | undefined;
  readonly isStale: boolean;
}

/** One nonce, and how often it has been used. */
interface Session {
  readonly kind: Kind;
  readonly challenge: Challenge;
  readonly cnonce: string;
  count: number;
  /** An answer of ours for this realm, to this nonce or an earlier one, was taken: the password is right. */
  isProven: boolean;
}

const MAX_SESSIONS = 256;
const MAX_CHALLENGES = 16;

export class DigestClient {
  readonly #random: Random;
  readonly #prefer: 'topmost' | 'strongest';
  /** By place, kind and realm; the longest unused first. */
  readonly #sessions = new Map<string, Session>();
  /** The realms that a place took an answer of ours in, by place and user. Somebody behind it who asks in another name is not answered. */
  readonly #realms = new Map<string, ReadonlySet<string>>();

  constructor(options: DigestClientOptions) {
    this.#random = options.random;
    this.#prefer = options.prefer ?? 'topmost';
  }

  /**
   * Puts answers to a 401 or 407 into `retry`: a copy of the request as it was sent, its old answers still in it.
   * undefined when it may be sent again; else why it may not.
   */
  answer(retry: SipRequest, response: SipResponse, credentials: CredentialSource): undefined | Unanswered {
    let outcome: Unanswered = 'no-challenge';
    let answered = 0;
    for (const kind of KINDS) {
      for (const [realm, offered] of byRealm(response[kind.challenge])) {
        const usable = offered.filter(({ variant }) => credentialsFor(realm, variant.algorithm, credentials) !== undefined);
        const challenge = this.#choose(usable);
        if (challenge === undefined) {
          if (outcome !== 'no-credentials') outcome = offered.length === 0 ? 'unsupported' : 'no-credentials';
          continue;
        }
        const known = credentialsFor(realm, challenge.variant.algorithm, credentials)!;
        if (this.#isOtherRealm(retry, realm, known)) {
          outcome = 'other-realm';
          continue;
        }
        // A password that was refused is refused: asking again would only lock the account.
        if (this.#wasRefused(retry, kind, challenge)) return 'refused';
        const place = placeOf(retry);
        const isProven = this.#sessions.get(keyOf(place, kind, realm))?.isProven ?? false;
        const session: Session = { kind, challenge, cnonce: this.#random.token(), count: 0, isProven };
        this.#remember(place, session);
        this.#write(retry, session, known);
        answered++;
      }
    }
    return answered > 0 ? undefined : outcome;
  }

  /** Answers beforehand what was asked at this place before (RFC 3261 §22.3), with the next nonce count. */
  prime(request: SipRequest, credentials: CredentialSource): void {
    if (this.#sessions.size === 0) return;
    const place = placeOf(request);
    for (const [key, session] of this.#sessions) {
      if (!key.startsWith(`${place} `)) continue;
      const { realm, variant } = session.challenge;
      const known = credentialsFor(realm, variant.algorithm, credentials);
      if (known !== undefined) this.#write(request, session, known);
    }
  }

  /** A success proves what was answered: these realms are the ones. It may also name the nonce to use next (RFC 7616 §3.5). */
  learn(request: SipRequest, response: SipResponse): void {
    this.#learnRealms(request);
    const place = placeOf(request);
    const next = response.authenticationInfo?.get('nextnonce');
    for (const kind of KINDS) {
      for (const used of request[kind.answer]) {
        const session = this.#sessions.get(keyOf(place, kind, used.get('realm') ?? ''));
        if (session === undefined) continue;
        session.isProven = true;
        if (!next || kind !== KINDS[0] || session.challenge.nonce !== used.get('nonce')) continue;
        this.#remember(place, { ...session, challenge: { ...session.challenge, nonce: next }, count: 0 });
      }
    }
  }

  #learnRealms(request: SipRequest): void {
    const answers = [...request.authorization, ...request.proxyAuthorization];
    const user = answers[0]?.get('username');
    if (user === undefined) return;
    const key = `${placeOf(request)} ${user}`;
    const realms = answers.map((answer) => answer.get('realm') ?? '');
    // A registrar that calls itself otherwise from now on may: nobody stands behind it.
    const known = request.method === 'REGISTER' ? [] : (this.#realms.get(key) ?? []);
    this.#realms.delete(key);
    this.#realms.set(key, new Set([...known, ...realms]));
    if (this.#realms.size > MAX_SESSIONS) this.#realms.delete(this.#realms.keys().next().value!);
  }

  #isOtherRealm(request: SipRequest, realm: string, credentials: Credentials): boolean {
    if (request.method === 'REGISTER' || credentials.realm === realm) return false;
    const known = this.#realms.get(`${placeOf(request)} ${credentials.user}`) ?? this.#realmsInDialog(request, credentials.user);
    return known !== undefined && !known.has(realm);
  }

  /** Within a dialog the place is what the other side named as its Contact: there only a realm counts that is known from a place of our own choice. */
  #realmsInDialog(request: SipRequest, user: string): ReadonlySet<string> | undefined {
    if (request.to?.tag === undefined) return undefined;
    const known = [...this.#realms].filter(([key]) => key.endsWith(` ${user}`)).flatMap(([, realms]) => [...realms]);
    return known.length === 0 ? undefined : new Set(known);
  }

  #choose(offered: readonly Challenge[]): Challenge | undefined {
    if (this.#prefer === 'topmost') return offered[0];
    const strength = ({ variant }: Challenge): number => DIGEST_ALGORITHMS.indexOf(variant.algorithm) * 2 + (variant.isSession ? 1 : 0);
    return [...offered].sort((a, b) => strength(b) - strength(a))[0];
  }

  /**
   * Whether this realm has had its answer. Not where the nonce was old, which a server may not call stale; nor where requests of a right
   * password share one, and one of them has overtaken another: nonce counts must rise (RFC 7616 §3.4), and nothing on the way keeps order.
   */
  #wasRefused(sent: SipRequest, kind: Kind, challenge: Challenge): boolean {
    const before = sent[kind.answer].find((header) => header.get('realm') === challenge.realm);
    if (before === undefined) return false;
    const nonce = before.get('nonce');
    if (challenge.isStale || nonce === challenge.nonce) return nonce === challenge.nonce;
    if (Number.parseInt(before.get('nc') ?? '1', 16) > 1) return false;
    const session = this.#sessions.get(keyOf(placeOf(sent), kind, challenge.realm));
    return session?.challenge.nonce === nonce ? session?.count === 1 : session?.isProven !== true;
  }

  #remember(place: string, session: Session): void {
    const key = keyOf(place, session.kind, session.challenge.realm);
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
    if (this.#sessions.size > MAX_SESSIONS) this.#sessions.delete(this.#sessions.keys().next().value!);
  }

  /** In the place of the answer that this realm had before; those of other realms stay. */
  #write(request: SipRequest, session: Session, credentials: Credentials): void {
    const { kind, challenge } = session;
    const others = request.headers(kind.header).filter((_text, i) => request[kind.answer][i]?.get('realm') !== challenge.realm);
    request.set(kind.header, ...others, this.#compose(request, session, credentials));
  }

  #compose(request: SipRequest, session: Session, credentials: Credentials): string {
    const { challenge, cnonce } = session;
    const { realm, nonce, opaque, algorithm, variant, qop } = challenge;
    const uri = request.uri.toString();
    const nc = (++session.count).toString(16).padStart(8, '0');
    const ha1 = ha1From(credentials, realm, variant.algorithm)!;
    const response = digestResponse({ variant, ha1, nonce, method: request.method, uri, qop, nc, cnonce, body: request.body });
    const fields = [
      `username=${quote(credentials.user)}`,
      `realm=${quote(realm)}`,
      `nonce=${quote(nonce)}`,
      `uri=${quote(uri)}`,
      `response="${response}"`,
    ];
    if (algorithm !== undefined) fields.push(`algorithm=${algorithm}`);
    if (opaque !== undefined) fields.push(`opaque=${quote(opaque)}`);
    if (qop !== undefined) fields.push(`qop=${qop}`, `nc=${nc}`);
    if (qop !== undefined || variant.isSession) fields.push(`cnonce="${cnonce}"`);
    return `Digest ${fields.join(', ')}`;
  }
}

/** RFC 8760 §2.4: what we do not understand is passed over. Order within a realm is the server's preference. */
function byRealm(headers: readonly AuthHeader[]): Map<string, Challenge[]> {
  const realms = new Map<string, Challenge[]>();
  for (const header of headers.slice(0, MAX_CHALLENGES)) {
    const realm = header.get('realm');
    const nonce = header.get('nonce');
    if (!header.isDigest || realm === undefined || nonce === undefined) continue;
    let offered = realms.get(realm);
    if (offered === undefined) {
      offered = [];
      realms.set(realm, offered);
    }
    const algorithm = header.get('algorithm');
    const variant = parseVariant(algorithm);
    const qop = chooseQop(header.get('qop'));
    if (variant === undefined || qop === 'unknown') continue;
    const isStale = header.get('stale')?.toLowerCase() === 'true';
    offered.push({ realm, nonce, opaque: header.get('opaque'), algorithm, variant, qop: qop ?? undefined, isStale });
  }
  return realms;
}

/** `auth` where it is offered: bodies are changed on the way by many a session border controller. null: none is offered. */
function chooseQop(offered: string | undefined): Qop | 'unknown' | null {
  if (offered === undefined) return null;
  const values = offered.split(',').map((value) => value.trim().toLowerCase());
  if (values.includes('auth')) return 'auth';
  return values.includes('auth-int') ? 'auth-int' : 'unknown';
}

/** A realm's password is never shown to another realm (RFC 3261 §22.1). */
function credentialsFor(realm: string, algorithm: DigestAlgorithm, source: CredentialSource): Credentials | undefined {
  if (typeof source === 'function') return usable(source(realm), realm, algorithm);
  const list: readonly Credentials[] = Array.isArray(source) ? source : [source as Credentials];
  const named = list.find((credentials) => credentials.realm === realm);
  return usable(named ?? list.find((credentials) => credentials.realm === undefined), realm, algorithm);
}

function usable(credentials: Credentials | undefined, realm: string, algorithm: DigestAlgorithm): Credentials | undefined {
  return credentials !== undefined && ha1From(credentials, realm, algorithm) !== undefined ? credentials : undefined;
}

function ha1From(credentials: Credentials, realm: string, algorithm: DigestAlgorithm): string | undefined {
  const { user, password, ha1 } = credentials;
  if (ha1 !== undefined) {
    const known = typeof ha1 === 'string' ? (algorithm === 'MD5' ? ha1 : undefined) : ha1[algorithm];
    if (known !== undefined) return known;
  }
  return password === undefined ? undefined : ha1Of(algorithm, user, realm, password);
}

/** Where a request goes first: what one server asked, another must not be told. */
function placeOf(request: SipRequest): string {
  const { scheme, host, port } = request.routes[0]?.uri ?? request.uri;
  return `${scheme}:${host.toLowerCase()}:${port ?? ''}`;
}

function keyOf(place: string, kind: Kind, realm: string): string {
  return `${place} ${kind.header} ${realm}`;
}
