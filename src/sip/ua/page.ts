/** Pages: MESSAGE outside any dialog (RFC 3428). Text out and in; each is a transaction of its own and remembers nothing. */
import { CallError, type ErrorCode, OptionError } from '../../errors.js';
import type { CredentialSource } from '../auth/digest-client.js';
import type { HeaderEntry } from '../message/headers.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import type { NameAddr } from '../message/name-addr.js';
import type { Uri } from '../message/uri.js';
import type { Flow } from '../transport/flow.js';
import type { Target } from '../transport/transport.js';
import type { IncomingRequest } from './incoming-request.js';
import { isLocal } from './local-response.js';
import type { RequestOptions } from './outgoing-request.js';

export interface PageOptions {
  /** @default 'text/plain;charset=UTF-8' */
  readonly contentType?: string;
  readonly from?: string;
  readonly to?: string;
  readonly headers?: readonly HeaderEntry[];
  readonly route?: readonly string[];
  readonly flow?: Flow;
  readonly target?: Target;
  readonly credentials?: CredentialSource;
  readonly signal?: AbortSignal;
}

export interface Page {
  readonly text: string;
  /** Without parameters, lower case: 'text/plain'. */
  readonly contentType: string;
  readonly from: NameAddr;
  readonly to: NameAddr;
  readonly request: SipRequest;
  readonly flow: Flow;
  /** The user who answered our challenge; undefined where none was asked. */
  readonly user: string | undefined;
}

/** The part of an agent that sends pages. */
interface Sends {
  request(options: RequestOptions): Promise<SipResponse>;
}

/** The part of an agent that takes them. */
interface Handles {
  handle(
    method: 'MESSAGE',
    handler: (incoming: IncomingRequest) => void | Promise<void>,
    options: { readonly accept: readonly string[] },
  ): void;
}

/**
 * Resolves when the other side, or who stores for it (202), has taken the page; rejects with CallError and its status otherwise.
 * §8: more than 1300 bytes go over a transport with congestion control; that is the agent's rule for every request.
 */
export async function sendPage(agent: Sends, uri: string | Uri, text: string, options: PageOptions = {}): Promise<void> {
  const { contentType = 'text/plain;charset=UTF-8', ...rest } = options;
  if (rest.headers?.some(([name]) => /^(contact|m)$/i.test(name)))
    throw new OptionError('headers', 'no Contact in a MESSAGE (RFC 3428 §4)');
  const response = await agent.request({ ...rest, method: 'MESSAGE', uri, body: text, contentType });
  if (response.status >= 300) throw new CallError(codeOf(response), response.status, response.reason);
}

/** Each page is answered 200 when `onPage` returns or resolves, 500 when it throws or rejects; other bodies than `accept` get 415. */
export function receivePages(
  agent: Handles,
  onPage: (page: Page) => void | Promise<void>,
  accept: readonly string[] = ['text/plain'],
): void {
  const handler = async (incoming: IncomingRequest): Promise<void> => {
    const { request, flow, user } = incoming;
    await onPage({
      text: request.bodyText,
      contentType: request.contentType?.essence ?? 'text/plain',
      from: request.from!,
      to: request.to!,
      request,
      flow,
      user,
    });
    // §7: no body and no Contact.
    incoming.reply(200);
  };
  agent.handle('MESSAGE', handler, { accept });
}

function codeOf(response: SipResponse): ErrorCode {
  if (!isLocal(response)) return 'ERR_REQUEST';
  return response.status === 408 ? 'ERR_TIMEOUT' : 'ERR_TRANSPORT';
}
