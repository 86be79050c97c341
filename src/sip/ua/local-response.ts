/** A final response nobody sent (RFC 3261 §8.1.3.1): no answer is a 408, no way there a 503, and a cancelled request a 487. */
import type { HeaderEntry } from '../message/headers.js';
import { type SipRequest, SipResponse } from '../message/message.js';

export class LocalResponse extends SipResponse {
  /** What happened, for people. */
  readonly why: string;

  constructor(request: SipRequest, status: 404 | 408 | 487 | 503, why: string) {
    super(status, undefined, copied(request));
    this.why = why;
  }
}

/** Whether a response was made by us and not by a peer. */
export function isLocal(response: SipResponse): response is LocalResponse {
  return response instanceof LocalResponse;
}

function copied(request: SipRequest): HeaderEntry[] {
  return ['From', 'To', 'Call-ID', 'CSeq'].flatMap((name): HeaderEntry[] => {
    const value = request.header(name);
    return value === undefined ? [] : [[name, value]];
  });
}
