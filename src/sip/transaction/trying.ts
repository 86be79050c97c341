/** The 100 (Trying) a server transaction says by itself (RFC 3261 §17.2.1, §8.2.6.1; RFC 4320 §4.1): no To tag, the Timestamp given back. */
import type { SipRequest, SipResponse } from '../message/message.js';
import { responseTo } from '../message/response-to.js';

export function tryingFor(request: SipRequest): SipResponse {
  const trying = responseTo(request, 100);
  const timestamp = request.header('Timestamp');
  if (timestamp !== undefined) trying.set('Timestamp', timestamp);
  return trying;
}
