/** The session keys of SRTP and SRTCP, out of the master key and salt: RFC 3711 §4.3, RFC 6188 §3 (longer keys), RFC 7714 §11 (GCM). */
import { createCipheriv } from 'node:crypto';
import { OptionError } from '../../errors.js';
import { type CryptoKeys, type CryptoSuite, cryptoKeyLength } from './crypto-line.js';

export interface SuiteTraits {
  readonly mode: 'counter' | 'gcm';
  /** Of SRTP. That of SRTCP is never shortened (RFC 4568 §6.2.2): 10 bytes in counter mode. */
  readonly tagBytes: number;
}

const TRAITS: Readonly<Record<CryptoSuite, SuiteTraits>> = {
  AEAD_AES_256_GCM: { mode: 'gcm', tagBytes: 16 },
  AEAD_AES_128_GCM: { mode: 'gcm', tagBytes: 16 },
  AES_256_CM_HMAC_SHA1_80: { mode: 'counter', tagBytes: 10 },
  AES_256_CM_HMAC_SHA1_32: { mode: 'counter', tagBytes: 4 },
  AES_192_CM_HMAC_SHA1_80: { mode: 'counter', tagBytes: 10 },
  AES_192_CM_HMAC_SHA1_32: { mode: 'counter', tagBytes: 4 },
  AES_CM_128_HMAC_SHA1_80: { mode: 'counter', tagBytes: 10 },
  AES_CM_128_HMAC_SHA1_32: { mode: 'counter', tagBytes: 4 },
};

export function suiteTraits(suite: CryptoSuite): SuiteTraits {
  return TRAITS[suite];
}

export interface SessionKeys {
  readonly cipher: Buffer;
  readonly salt: Buffer;
  /** For HMAC-SHA1; GCM has no use for it. */
  readonly auth: Buffer;
}

/** §4.3.2: the labels of the three keys, for SRTP and for SRTCP. */
const LABELS = {
  rtp: { cipher: 0, auth: 1, salt: 2 },
  rtcp: { cipher: 3, auth: 4, salt: 5 },
} as const;
const AUTH_KEY_BYTES = 20;
const MAX_MKI_BYTES = 128;

/** Never derived anew (a key derivation rate of zero): a=crypto with another rate is refused. */
export function deriveKeys({ masterKey, masterSalt }: CryptoKeys, protocol: 'rtp' | 'rtcp'): SessionKeys {
  const labels = LABELS[protocol];
  const derive = (label: number, length: number) => deriveKey(masterKey, masterSalt, label, length);
  return {
    cipher: derive(labels.cipher, masterKey.length),
    salt: derive(labels.salt, masterSalt.length),
    auth: derive(labels.auth, AUTH_KEY_BYTES),
  };
}

/**
 * §4.3.3: the keystream of AES in counter mode under the master key, from the salt with the label added to its eighth byte.
 * GCM's salt is two bytes shorter, and the same place of the same block is meant: zeros follow it.
 */
export function deriveKey(masterKey: Uint8Array, masterSalt: Uint8Array, label: number, length: number): Buffer {
  const counter = Buffer.alloc(16);
  counter.set(masterSalt);
  counter[7]! ^= label;
  return createCipheriv(`aes-${masterKey.length * 8}-ctr`, masterKey, counter).update(Buffer.alloc(length));
}

/** Wrong lengths are the caller's mistake; what the wire gave has been through `parseCryptoLine`. */
export function checkKeys({ suite, masterKey, masterSalt, mki }: CryptoKeys): void {
  if (!Object.hasOwn(TRAITS, suite)) throw new OptionError('suite', Object.keys(TRAITS).join(', '));
  const saltBytes = TRAITS[suite].mode === 'gcm' ? 12 : 14;
  const keyBytes = cryptoKeyLength(suite) - saltBytes;
  if (masterKey.length !== keyBytes) throw new OptionError('masterKey', `${keyBytes} bytes for ${suite}, not ${masterKey.length}`);
  if (masterSalt.length !== saltBytes) throw new OptionError('masterSalt', `${saltBytes} bytes for ${suite}, not ${masterSalt.length}`);
  if (mki !== undefined && mki.length > MAX_MKI_BYTES) throw new OptionError('mki', `at most ${MAX_MKI_BYTES} bytes`);
}
