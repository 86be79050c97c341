/** The ACK of a refusal (RFC 3261 §17.1.1.3): part of the INVITE transaction, hop by hop, in the steps of the INVITE. The ACK of a 2xx is the dialog's. */
import type { HeaderEntry } from '../message/headers.js';
import { SipRequest, type SipResponse } from '../message/message.js';

export function ackFor(invite: SipRequest, response: SipResponse): SipRequest {
  return new SipRequest('ACK', invite.uri, [
    ['Via', invite.header('Via') ?? ''],
    ...routesOf(invite),
    ['Max-Forwards', '70'],
    ['From', invite.header('From') ?? ''],
    ['To', response.header('To') ?? ''],
    ['Call-ID', invite.header('Call-ID') ?? ''],
    ['CSeq', `${invite.cseq?.number ?? 0} ACK`],
    // §22.1: an ACK cannot be challenged, so it says again what the INVITE said.
    ...invite.entries.filter(([name]) => /^(proxy-)?authorization$/i.test(name)),
  ]);
}

export function routesOf(request: SipRequest): HeaderEntry[] {
  return request.headers('Route').map((route): HeaderEntry => ['Route', route]);
}
