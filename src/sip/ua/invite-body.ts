/** A body as the session above a call sees it: bytes and what they are (RFC 3261 §7.4). */
import type { SipRequest, SipResponse } from '../message/message.js';

export interface Body {
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

/** The body of a message, with its type; undefined when there is none. */
export function bodyOf(message: SipRequest | SipResponse): Body | undefined {
  if (message.body.length === 0) return undefined;
  return { contentType: message.header('Content-Type') ?? 'application/octet-stream', bytes: message.body };
}
