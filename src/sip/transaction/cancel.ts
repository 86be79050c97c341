/** The CANCEL of an INVITE (RFC 3261 §9.1): hop by hop, with the Via of what it cancels, so that the same server transaction is found. */
import type { HeaderEntry } from '../message/headers.js';
import { SipRequest } from '../message/message.js';
import { routesOf } from './ack.js';

/** `headers`: what the caller adds, such as Reason (RFC 3326). Require and Proxy-Require are never among them (§9.1). */
export function cancelFor(invite: SipRequest, headers: readonly HeaderEntry[] = []): SipRequest {
  return new SipRequest('CANCEL', invite.uri, [
    ['Via', invite.header('Via') ?? ''],
    ...routesOf(invite),
    ['Max-Forwards', '70'],
    ['From', invite.header('From') ?? ''],
    ['To', invite.header('To') ?? ''],
    ['Call-ID', invite.header('Call-ID') ?? ''],
    ['CSeq', `${invite.cseq?.number ?? 0} CANCEL`],
    ...headers.filter(([name]) => !/^(proxy-)?require$/i.test(name)),
  ]);
}
