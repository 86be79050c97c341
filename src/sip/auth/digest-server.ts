/**
 * Asks who somebody is, and checks the answer (RFC 7616 §3.3, RFC 8760 §2.3, RFC 3261 §22). Nothing is remembered of those who only ask:
 * a nonce says itself when it was made, and is signed. Of those who answered rightly the nonce counts are kept, so that no answer is taken twice.
 */
import { createHmac } from 'node:crypto';
import type { Clock } from '../../clock.js';
import { OptionError } from '../../errors.js';
import type { Random } from '../../random.js';
import type { AuthHeader } from '../message/auth-header.js';
import type { HeaderEntry } from '../message/headers.js';
import type { SipRequest } from '../message/message.js';
import { quote } from '../message/quoted.js';
import { type DigestAlgorithm, digestResponse, type Ha1, ha1Of, isSameDigest, parseVariant, type Qop } from './digest.js';
import { NonceCounts } from './nonce-counts.js';

/** A password, H(user:realm:password) by algorithm, or undefined for a user nobody knows. */
export type UserSecret = string | Ha1 | undefined;
export type Users = Readonly<Record<string, string>> | ((user: string, realm: string) => UserSecret | Promise<UserSecret>);

export interface DigestServerOptions {
  readonly realm: string;
  readonly users: Users;
  readonly random: Random;
  readonly clock: Clock;
  /** Offered in this order, dearest first. @default SHA-256, MD5 */
  readonly algorithms?: readonly DigestAlgorithm[];
  /** @default auth */
  readonly qop?: readonly Qop[];
  /** How long a nonce is good for, in ms. @default 300000 */
  readonly nonceLifeMs?: number;
  /** Nonces whose counts are kept. @default 10000 */
  readonly maxNonces?: number;
  /** A proxy asks with 407 and Proxy-Authenticate. @default 'server' */
  readonly role?: 'server' | 'proxy';
}

export interface DigestChallenge {
  readonly status: 401 | 407;
  readonly headers: readonly HeaderEntry[];
}

export type DigestVerdict =
  /** `headers`: an Authentication-Info for the answer, where there is one to give. */
  | { readonly type: 'accepted'; readonly user: string; readonly headers: readonly HeaderEntry[] }
  | (DigestChallenge & {
      readonly type: 'challenge';
      /** `wrong` is the one to count against whoever sent it. */
      readonly why: 'missing' | 'stale' | 'wrong';
    })
  | { readonly type: 'refused'; readonly status: 400 };

const EMPTY = new Uint8Array(0);
const SIGNATURE_LENGTH = 22;

export class DigestServer {
  readonly realm: string;
  readonly #users: Users;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #algorithms: readonly DigestAlgorithm[];
  readonly #qop: readonly Qop[];
  readonly #lifeMs: number;
  readonly #role: 'server' | 'proxy';
  readonly #secret: Uint8Array;
  readonly #counts: NonceCounts;

  constructor(options: DigestServerOptions) {
    if (options.realm === '' || /[\r\n\0]/.test(options.realm)) throw new OptionError('realm', 'a text without line breaks');
    this.realm = options.realm;
    this.#users = options.users;
    this.#random = options.random;
    this.#clock = options.clock;
    this.#algorithms = options.algorithms ?? ['SHA-256', 'MD5'];
    this.#qop = options.qop ?? ['auth'];
    this.#lifeMs = options.nonceLifeMs ?? 300_000;
    this.#role = options.role ?? 'server';
    this.#secret = options.random.bytes(32);
    this.#counts = new NonceCounts(options.maxNonces ?? 10_000);
    if (this.#algorithms.length === 0) throw new OptionError('algorithms', 'at least one of MD5, SHA-256, SHA-512-256');
  }

  /**
   * One header an algorithm, in the order we would like them used (RFC 8760 §2.3); nothing is remembered. The nonce is good for `source` alone: whoever
   * answers it has heard us there, and a wrong password can be held against that source.
   */
  challenge(nonceWas: 'good' | 'stale' = 'good', source = ''): DigestChallenge {
    const nonce = this.#makeNonce(source);
    const stale = nonceWas === 'stale' ? ', stale=true' : '';
    const name = this.#role === 'proxy' ? 'Proxy-Authenticate' : 'WWW-Authenticate';
    const headers = this.#algorithms.map((algorithm): HeaderEntry => {
      return [name, `Digest realm=${quote(this.realm)}, nonce="${nonce}", algorithm=${algorithm}, qop="${this.#qop.join(',')}"${stale}`];
    });
    return { status: this.#role === 'proxy' ? 407 : 401, headers };
  }

  /** Whether there is anything in it that is worth a look: an answer to a nonce that `source` got from us, and not long ago. */
  examine(request: SipRequest, source = ''): 'answer' | 'stale' | 'missing' {
    const answer = this.#answerIn(request);
    if (answer === undefined) return 'missing';
    const madeAt = this.#readNonce(answer.get('nonce') ?? '', source);
    return madeAt === undefined || this.#clock.now() - madeAt > this.#lifeMs ? 'stale' : 'answer';
  }

  async check(request: SipRequest, source = ''): Promise<DigestVerdict> {
    const answer = this.#answerIn(request);
    if (answer === undefined) return this.#ask('missing', source);
    const user = answer.get('username');
    const nonce = answer.get('nonce');
    const uri = answer.get('uri');
    const given = answer.get('response');
    const variant = parseVariant(answer.get('algorithm'));
    if (user === undefined || nonce === undefined || uri === undefined || given === undefined) return { type: 'refused', status: 400 };
    if (variant === undefined || !this.#algorithms.includes(variant.algorithm)) return this.#ask('wrong', source);
    const qop = answer.get('qop')?.toLowerCase();
    const nc = answer.get('nc') ?? '';
    const cnonce = answer.get('cnonce') ?? '';
    if (qop !== undefined && (!this.#qop.includes(qop as Qop) || !/^[0-9a-f]{8}$/i.test(nc) || cnonce === ''))
      return { type: 'refused', status: 400 };
    // RFC 3261 §22.4: a proxy may have forwarded it elsewhere, so that `uri` and the Request-URI need not name the same.
    const madeAt = this.#readNonce(nonce, source);
    if (madeAt === undefined) return this.#ask('stale', source);
    const secret = await this.#secretOf(user);
    // A user nobody knows takes as long as one whose password is wrong.
    const ha1 = ha1From(secret, variant.algorithm, user, this.realm) ?? ha1Of(variant.algorithm, user, this.realm, 'nobody');
    const input = { variant, ha1, nonce, uri, qop: qop as Qop | undefined, nc, cnonce };
    const expected = digestResponse({ ...input, method: request.method, body: request.body });
    const isRight = isSameDigest(expected, given) && ha1From(secret, variant.algorithm, user, this.realm) !== undefined;
    if (!isRight) return this.#ask('wrong', source);
    // Only now: whoever does not know a password must not be able to age another's nonce.
    const now = this.#clock.now();
    if (now - madeAt > this.#lifeMs || !this.#counts.take(nonce, madeAt, qop === undefined ? undefined : Number.parseInt(nc, 16)))
      return this.#ask('stale', source);
    return { type: 'accepted', user, headers: qop === 'auth' ? [authenticationInfo({ ...input, qop })] : [] };
  }

  #ask(why: 'missing' | 'stale' | 'wrong', source: string): DigestVerdict {
    return { type: 'challenge', why, ...this.challenge(why === 'stale' ? 'stale' : 'good', source) };
  }

  #answerIn(request: SipRequest): AuthHeader | undefined {
    const headers = this.#role === 'proxy' ? request.proxyAuthorization : request.authorization;
    return headers.find((header) => header.isDigest && header.get('realm') === this.realm);
  }

  async #secretOf(user: string): Promise<UserSecret> {
    if (typeof this.#users === 'function') return this.#users(user, this.realm);
    return Object.hasOwn(this.#users, user) ? this.#users[user] : undefined;
  }

  /** When it was made, what nobody can guess, and a signature of both and of whom it is for: 48 + 96 + 128 bits. */
  #makeNonce(source: string): string {
    const bytes = Buffer.alloc(18);
    bytes.writeUIntBE(Math.floor(this.#clock.now()), 0, 6);
    bytes.set(this.#random.bytes(12), 6);
    const body = bytes.toString('base64url');
    return body + this.#sign(body, source);
  }

  #readNonce(nonce: string, source: string): number | undefined {
    const body = nonce.slice(0, -SIGNATURE_LENGTH);
    if (body.length !== 24 || !isSameBytes(this.#sign(body, source), nonce.slice(-SIGNATURE_LENGTH))) return undefined;
    return Buffer.from(body, 'base64url').readUIntBE(0, 6);
  }

  #sign(body: string, source: string): string {
    return createHmac('sha256', this.#secret).update(body).update(source).digest().subarray(0, 16).toString('base64url');
  }
}

/** RFC 7616 §3.5: proof that we know the secret too. */
function authenticationInfo(input: Omit<Parameters<typeof digestResponse>[0], 'method' | 'body'> & { readonly qop: 'auth' }): HeaderEntry {
  const rspauth = digestResponse({ ...input, method: '', body: EMPTY });
  return ['Authentication-Info', `qop=auth, rspauth="${rspauth}", cnonce=${quote(input.cnonce)}, nc=${input.nc}`];
}

function ha1From(secret: UserSecret, algorithm: DigestAlgorithm, user: string, realm: string): string | undefined {
  if (secret === undefined) return undefined;
  return typeof secret === 'string' ? ha1Of(algorithm, user, realm, secret) : secret[algorithm];
}

/** Unlike digests, base64 minds its case. */
function isSameBytes(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
