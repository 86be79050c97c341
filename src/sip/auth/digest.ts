/** The sums of digest authentication (RFC 7616 §3.4, RFC 8760): hashes of texts, nothing else. */
import { createHash, timingSafeEqual } from 'node:crypto';

/** SHA-512-256 is FIPS 180-4's SHA-512/256; RFC 7616 §3.9.2 prints values of a SHA-512 cut short, a known erratum. */
export type DigestAlgorithm = 'MD5' | 'SHA-256' | 'SHA-512-256';

/** Weakest first. */
export const DIGEST_ALGORITHMS: readonly DigestAlgorithm[] = ['MD5', 'SHA-256', 'SHA-512-256'];

/** H(user:realm:password) by algorithm: what a server may keep in the place of a password. */
export type Ha1 = Readonly<Partial<Record<DigestAlgorithm, string>>>;

export interface DigestVariant {
  readonly algorithm: DigestAlgorithm;
  /** `-sess`: the nonce and the cnonce go into the key. */
  readonly isSession: boolean;
}

export type Qop = 'auth' | 'auth-int';

export interface DigestInput {
  readonly variant: DigestVariant;
  readonly ha1: string;
  readonly nonce: string;
  /** '' for the `rspauth` of a response (RFC 7616 §3.5). */
  readonly method: string;
  readonly uri: string;
  /** undefined: the form of RFC 2069, for servers that offer no qop. */
  readonly qop: Qop | undefined;
  /** Eight hexadecimal digits. */
  readonly nc: string;
  readonly cnonce: string;
  readonly body: Uint8Array;
}

const HASH_NAMES: Readonly<Record<DigestAlgorithm, string>> = { MD5: 'md5', 'SHA-256': 'sha256', 'SHA-512-256': 'sha512-256' };

export function digestHash(algorithm: DigestAlgorithm, text: string | Uint8Array): string {
  return createHash(HASH_NAMES[algorithm]).update(text).digest('hex');
}

/** `MD5`, `sha-256-sess`, …; MD5 where nothing is said (RFC 7616 §3.3). undefined for what we do not know. */
export function parseVariant(text: string | undefined): DigestVariant | undefined {
  const name = (text ?? 'MD5').toUpperCase();
  const isSession = name.endsWith('-SESS');
  const bare = isSession ? name.slice(0, -5) : name;
  const algorithm = DIGEST_ALGORITHMS.find((known) => known === bare);
  return algorithm && { algorithm, isSession };
}

export function writeVariant({ algorithm, isSession }: DigestVariant): string {
  return isSession ? `${algorithm}-sess` : algorithm;
}

export function ha1Of(algorithm: DigestAlgorithm, user: string, realm: string, password: string): string {
  return digestHash(algorithm, `${user}:${realm}:${password}`);
}

/** RFC 7616 §3.4.1 to §3.4.3. */
export function digestResponse(input: DigestInput): string {
  const { variant, ha1, nonce, method, uri, qop, nc, cnonce, body } = input;
  const hash = (text: string | Uint8Array): string => digestHash(variant.algorithm, text);
  const key = variant.isSession ? hash(`${ha1}:${nonce}:${cnonce}`) : ha1;
  const a2 = hash(qop === 'auth-int' ? `${method}:${uri}:${hash(body)}` : `${method}:${uri}`);
  return hash(qop === undefined ? `${key}:${nonce}:${a2}` : `${key}:${nonce}:${nc}:${cnonce}:${qop}:${a2}`);
}

/** In a time that says nothing about how much of it was right. */
export function isSameDigest(a: string, b: string): boolean {
  const left = Buffer.from(a.toLowerCase(), 'latin1');
  const right = Buffer.from(b.toLowerCase(), 'latin1');
  return left.length === right.length && timingSafeEqual(left, right);
}
