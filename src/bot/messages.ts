/** Text without a call: SIP MESSAGE in and out (RFC 3428), which is also how carriers hand over SMS. */
import { CallError } from '../errors.js';
import type { CredentialSource } from '../sip/auth/digest-client.js';
import type { HeaderEntry } from '../sip/message/headers.js';
import type { Uri } from '../sip/message/uri.js';
import type { IncomingRequest } from '../sip/ua/incoming-request.js';
import { isLocal } from '../sip/ua/local-response.js';
import type { UserAgent } from '../sip/ua/user-agent.js';
import { Party } from './party.js';

export interface IncomingMessage {
  readonly from: Party;
  readonly to: Party;
  readonly contentType: string;
  readonly text: string;
  readonly body: Uint8Array;
  header(name: string): string | undefined;
}

export interface OutgoingMessage {
  readonly uri: Uri;
  readonly from: string;
  readonly text: string;
  readonly contentType: string;
  readonly headers: readonly HeaderEntry[];
  readonly route: readonly string[];
  readonly credentials: CredentialSource | undefined;
}

/** Answers it, and says what it was; undefined when it is none that can be read. */
export function receiveMessage(incoming: IncomingRequest): IncomingMessage | undefined {
  const { request } = incoming;
  if (request.from === undefined || request.to === undefined) {
    incoming.reply(400);
    return undefined;
  }
  incoming.reply(200);
  return {
    from: new Party(request.from),
    to: new Party(request.to),
    contentType: request.header('Content-Type') ?? 'text/plain',
    text: request.bodyText,
    body: request.body,
    header: (name) => request.header(name),
  };
}

/** Resolves when the far end has taken it; rejects with its refusal. */
export async function sendMessage(agent: UserAgent, message: OutgoingMessage): Promise<void> {
  const { uri, from, text, contentType, headers, route, credentials } = message;
  const response = await agent.request({
    method: 'MESSAGE',
    uri,
    from,
    headers,
    route,
    body: text,
    contentType,
    ...(credentials === undefined ? {} : { credentials }),
  });
  if (response.status < 300) return;
  const code = isLocal(response) && response.status === 408 ? 'ERR_TIMEOUT' : 'ERR_REQUEST';
  throw new CallError(code, response.status, response.reason, `the message was not taken: ${response.status} ${response.reason}`);
}
