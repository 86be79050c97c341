/**
 * Who a registered Contact says we are: a user part that nobody can guess, and an instance (RFC 5626 §4.1), both the same after a restart,
 * so that what we left behind is recognised as ours and replaced. Derived from the account and its password; neither can be read back.
 */
import { createHmac } from 'node:crypto';
import { tokenFrom } from '../../random.js';

export interface ContactIdentity {
  /** 26 characters, 128 bits. */
  readonly user: string;
  /** `urn:uuid:…` */
  readonly instanceId: string;
}

/** `instanceId` tells apart several of us that share one account. */
export function contactIdentity(account: string, secret: string, instanceId: string | undefined): ContactIdentity {
  const instance = instanceId ?? uuidFrom(derive(secret, 'instance', account));
  return { user: tokenFrom(derive(secret, 'contact', `${account}\0${instance}`), 0), instanceId: asUrn(instance) };
}

function derive(secret: string, purpose: string, text: string): Uint8Array {
  return createHmac('sha256', secret).update(`sipbot ${purpose}\0${text}`).digest();
}

/** RFC 9562 §5.8: a UUID of our own making. */
function uuidFrom(bytes: Uint8Array): string {
  const raw = Uint8Array.from(bytes.subarray(0, 16));
  raw[6] = (raw[6]! & 0x0f) | 0x80;
  raw[8] = (raw[8]! & 0x3f) | 0x80;
  const hex = Buffer.from(raw).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function asUrn(instance: string): string {
  return instance.startsWith('urn:') ? instance : `urn:uuid:${instance}`;
}
