// a=crypto: which SRTP suite with which key, said in the SDP (RFC 4568, RFC 6188, RFC 7714 §14). Pure: text in, key material out, and back.

/** The suites that `SrtpContext` speaks, the order in which we offer them, and the lengths of their keys and salts. */
const SUITES = {
  AEAD_AES_256_GCM: { keyBytes: 32, saltBytes: 12 },
  AEAD_AES_128_GCM: { keyBytes: 16, saltBytes: 12 },
  AES_256_CM_HMAC_SHA1_80: { keyBytes: 32, saltBytes: 14 },
  AES_256_CM_HMAC_SHA1_32: { keyBytes: 32, saltBytes: 14 },
  AES_192_CM_HMAC_SHA1_80: { keyBytes: 24, saltBytes: 14 },
  AES_192_CM_HMAC_SHA1_32: { keyBytes: 24, saltBytes: 14 },
  AES_CM_128_HMAC_SHA1_80: { keyBytes: 16, saltBytes: 14 },
  AES_CM_128_HMAC_SHA1_32: { keyBytes: 16, saltBytes: 14 },
} as const;

export type CryptoSuite = keyof typeof SUITES;

/** What one direction of an SRTP session is keyed with. Never logged, never in an error. */
export interface CryptoKeys {
  readonly suite: CryptoSuite;
  readonly masterKey: Uint8Array;
  readonly masterSalt: Uint8Array;
  /** Present when every packet carries a master key identifier (RFC 3711 §3.1), that many bytes of it. */
  readonly mki?: Uint8Array;
}

export interface CryptoLine {
  /** 0 to 999999999; the answer repeats the tag of the line it took. */
  readonly tag: number;
  readonly keys: CryptoKeys;
}

/** Longer than any line this can accept: 46 bytes of key and salt in base64, a lifetime, an MKI, a few session parameters. */
const MAX_LENGTH = 512;
const MAX_MKI_BYTES = 128;

/** RFC 7714 §14.2's names, and those that drafts and devices used before and beside RFC 6188. */
const ALIASES: Readonly<Record<string, CryptoSuite>> = {
  AES_256_CM_128_HMAC_SHA1_80: 'AES_256_CM_HMAC_SHA1_80',
  AES_CM_256_HMAC_SHA1_80: 'AES_256_CM_HMAC_SHA1_80',
  AES_CM_256_HMAC_SHA1_32: 'AES_256_CM_HMAC_SHA1_32',
  AES_CM_192_HMAC_SHA1_80: 'AES_192_CM_HMAC_SHA1_80',
  AES_CM_192_HMAC_SHA1_32: 'AES_192_CM_HMAC_SHA1_32',
};

/** How many random bytes `newCryptoKeys` needs for a suite. */
export function cryptoKeyLength(suite: CryptoSuite): number {
  return SUITES[suite].keyBytes + SUITES[suite].saltBytes;
}

/** Fresh keys from random bytes, at least `cryptoKeyLength(suite)` of them. */
export function cryptoKeysFrom(suite: CryptoSuite, bytes: Uint8Array): CryptoKeys {
  const { keyBytes, saltBytes } = SUITES[suite];
  // Copies of their own: a Buffer's slice is a view of a pool, which must not travel to a media thread with the key.
  return {
    suite,
    masterKey: Uint8Array.from(bytes.subarray(0, keyBytes)),
    masterSalt: Uint8Array.from(bytes.subarray(keyBytes, keyBytes + saltBytes)),
  };
}

/**
 * The value of one `a=crypto:` attribute. Undefined for what is malformed and for what we do not do, alike: RFC 4568 §5.1.2 has the answerer
 * pass over both and look at the next line. We do one key a line, and no session parameter that changes the packets.
 */
export function parseCryptoLine(value: string): CryptoLine | undefined {
  if (value.length > MAX_LENGTH) return undefined;
  const [tagText, suiteText, parameters, ...session] = value.trim().split(/[ \t]+/);
  if (tagText === undefined || suiteText === undefined || parameters === undefined || !/^\d{1,9}$/.test(tagText)) return undefined;
  const suite = suiteNamed(suiteText);
  if (suite === undefined || !session.every(isHarmless)) return undefined;
  const keys = parseKeyParameters(suite, parameters);
  return keys && { tag: Number(tagText), keys };
}

/** Without lifetime: ours is the suite's maximum, which a call never reaches (2^48 packets). */
export function writeCryptoLine(line: CryptoLine): string {
  const { suite, masterKey, masterSalt, mki } = line.keys;
  const inline = Buffer.concat([masterKey, masterSalt]).toString('base64');
  // RFC 4568 §6.1: an MKI is written as a decimal number and its length in bytes.
  const identifier = mki && mki.length > 0 ? `|${BigInt(`0x${Buffer.from(mki).toString('hex')}`)}:${mki.length}` : '';
  return `${line.tag} ${suite} inline:${inline}${identifier}`;
}

/** The answerer's choice (RFC 4568 §5.1.2): the first of the offered lines, in the offerer's order, whose suite is among ours. */
export function chooseCryptoLine(offered: readonly string[], ours: readonly CryptoSuite[]): CryptoLine | undefined {
  for (const value of offered) {
    const line = parseCryptoLine(value);
    if (line !== undefined && ours.includes(line.keys.suite)) return line;
  }
  return undefined;
}

/**
 * The offerer's reading of an answer (RFC 4568 §5.1.3): which of our lines was taken, and with which key the far end sends.
 * Deviation: a tag that is not ours passes when the suite names one line of ours; a few phones always answer with tag 1.
 */
export function matchCryptoAnswer(
  offered: readonly CryptoLine[],
  answered: readonly string[],
): { readonly ours: CryptoLine; readonly theirs: CryptoLine } | undefined {
  for (const value of answered) {
    const theirs = parseCryptoLine(value);
    if (theirs === undefined) continue;
    const sameSuite = offered.filter((line) => line.keys.suite === theirs.keys.suite);
    const ours = sameSuite.find((line) => line.tag === theirs.tag) ?? (sameSuite.length === 1 ? sameSuite[0] : undefined);
    if (ours !== undefined) return { ours, theirs };
  }
  return undefined;
}

function suiteNamed(text: string): CryptoSuite | undefined {
  const name = text.toUpperCase();
  return Object.hasOwn(SUITES, name) ? (name as CryptoSuite) : Object.hasOwn(ALIASES, name) ? ALIASES[name] : undefined;
}

/** §6.3: KDR, UNENCRYPTED_*, UNAUTHENTICATED_SRTP and FEC_* change what is on the wire and are refused; WSH and what is marked optional ('-') may be passed over. */
function isHarmless(parameter: string): boolean {
  return parameter.startsWith('-') || /^WSH=\d+$/i.test(parameter) || /^KDR=0$/i.test(parameter);
}

/** §6.1: `inline:` base64 of key and salt, then `|` lifetime and `|` MKI, either of them absent. */
function parseKeyParameters(suite: CryptoSuite, parameters: string): CryptoKeys | undefined {
  if (!/^inline:/i.test(parameters) || parameters.includes(';')) return undefined;
  const [base64 = '', ...rest] = parameters.slice('inline:'.length).split('|');
  const { keyBytes, saltBytes } = SUITES[suite];
  // Padding is often left out; anything else that is not base64 is refused rather than guessed at.
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length !== keyBytes + saltBytes || rest.length > 2) return undefined;
  const keys = cryptoKeysFrom(suite, bytes);
  const identifier = rest.find((part) => part.includes(':'));
  if (rest.some((part) => part !== identifier && !/^(2\^)?\d{1,15}$/.test(part))) return undefined;
  if (identifier === undefined) return keys;
  const mki = parseMki(identifier);
  return mki && { ...keys, mki };
}

function parseMki(text: string): Uint8Array | undefined {
  const match = /^(\d{1,310}):(\d{1,3})$/.exec(text);
  const length = Number(match?.[2]);
  if (match === null || length < 1 || length > MAX_MKI_BYTES) return undefined;
  const hex = BigInt(match[1]!).toString(16);
  if (hex.length > 2 * length) return undefined;
  return Uint8Array.from(Buffer.from(hex.padStart(2 * length, '0'), 'hex'));
}
