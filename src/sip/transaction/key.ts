/** Which transaction a message belongs to: RFC 3261 §17.1.3 for responses, §17.2.3 for requests, with the rules for branchless RFC 2543 peers, and §8.2.2.2 for copies that came another way. */
import type { SipRequest, SipResponse } from '../message/message.js';

const COOKIE = 'z9hG4bK';

/** A branch made by RFC 3261's rules, unique for its client. */
export function isUniqueBranch(branch: string | undefined): branch is string {
  return branch?.startsWith(COOKIE) === true && branch.length > COOKIE.length;
}

export function newBranch(token: string): string {
  return COOKIE + token;
}

/** §17.1.3: the branch, and the method because CANCEL shares the branch of its INVITE. Undefined: no transaction of ours. */
export function clientKey(message: SipRequest | SipResponse): string | undefined {
  const branch = message.via?.branch;
  const method = message.cseq?.method;
  return isUniqueBranch(branch) && method !== undefined ? `${method} ${branch}` : undefined;
}

/** §17.2.3: branch, sent-by and method; an ACK goes to its INVITE. `method` other than the request's: to find what a CANCEL means. */
export function serverKey(request: SipRequest, method: string = request.method): string {
  const { via } = request;
  const of = method === 'ACK' ? 'INVITE' : method;
  const branch = via?.branch;
  if (via !== undefined && isUniqueBranch(branch)) return `${of} ${branch} ${via.host.toLowerCase()}:${via.port ?? ''}`;
  // An RFC 2543 client: no transaction identifier, so everything that stays the same. An ACK or CANCEL may carry a To tag the INVITE
  // had not, so the tag is left to the one who finds an INVITE by this key to compare (§17.2.3).
  const toTag = of === 'INVITE' ? '' : (request.to?.tag ?? '');
  return `${of} ${request.uri} ${request.from?.tag ?? ''} ${toTag} ${request.callId} ${request.cseq?.number ?? ''} ${via ?? ''}`;
}

/** §8.2.2.2: the same for every copy of one request that a fork upstream made, whatever its way. Undefined inside a dialog. */
export function mergeKey(request: SipRequest): string | undefined {
  if (request.to?.tag !== undefined) return undefined;
  return `${request.cseq?.number} ${request.method} ${request.from?.tag ?? ''} ${request.callId}`;
}
