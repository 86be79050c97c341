/** The answer to a request within a dialog, as a handler says it; and as the response is made of it. */
import type { HeaderEntry } from '../message/headers.js';
import type { ReplyOptions } from './agent-core.js';
import type { Body } from './invite-body.js';

export interface RequestReply {
  readonly status: number;
  readonly reason?: string;
  readonly headers?: readonly HeaderEntry[];
  readonly body?: Body;
}

export function replyOptions({ reason, headers, body }: Omit<RequestReply, 'status'>): ReplyOptions {
  return {
    ...(reason !== undefined && { reason }),
    ...(headers && { headers }),
    ...(body && { body: body.bytes, contentType: body.contentType }),
  };
}
