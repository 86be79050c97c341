/** What is said to a request within a dialog that nobody above wants to answer. */
import type { SipRequest } from '../message/message.js';
import type { RequestReply } from './invite-usage.js';

export function defaultReply(request: SipRequest, allow: readonly string[]): RequestReply {
  switch (request.method) {
    case 'INFO':
      // The legacy usage of RFC 2976: a body nobody reads is 415, without one it is a sign of life.
      return request.body.length > 0 ? { status: 415, headers: [['Accept', 'application/sdp']] } : { status: 200 };
    case 'NOTIFY':
      // RFC 6665 §4.1.3: no subscription that it could belong to.
      return { status: 481 };
    case 'SUBSCRIBE':
      // RFC 3515 §2.4.4: only a REFER subscribes to `refer`.
      return request.event?.type === 'refer' ? { status: 403 } : { status: 489 };
    case 'REFER':
      return { status: 603 };
    default:
      return { status: 405, headers: [['Allow', allow.join(', ')]] };
  }
}
