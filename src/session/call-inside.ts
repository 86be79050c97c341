// What the parts of one call share: what they stand on, and the few things that any of them may bring about. Nobody outside sees it.
import type { CallError } from '../errors.js';
import type { InviteHandler, InviteUsage } from '../sip/ua/invite-usage.js';
import type { CallDescriptions } from './call-descriptions.js';
import type { LocalEnd } from './call-end.js';
import type { CallSessionEvents } from './call-events.js';
import type { CallMedia } from './call-media.js';
import type { CallContext } from './call-options.js';
import type { CallSession } from './call-session.js';
import type { CallMachine, CallNews } from './call-state.js';
import type { Direction } from './sdp.js';

export interface CallInside {
  readonly call: CallSession;
  readonly context: CallContext;
  readonly machine: CallMachine;
  readonly media: CallMedia;
  readonly descriptions: CallDescriptions;
  /** The INVITE that counts: a redirected call has one after the other. */
  usage: InviteUsage | undefined;
  /** What we want of the audio; a hold of ours wants less. */
  wanted: Direction;
  handlerFor(usage: () => InviteUsage | undefined): InviteHandler;
  apply(news: readonly CallNews[]): void;
  /** A listener that throws ends this call, and nothing else. */
  tell<E extends keyof CallSessionEvents>(event: E, ...args: CallSessionEvents[E]): void;
  /** Both sides know that it is answered. */
  answered(): void;
  /** Over, by our own wish; the other side is not told by this. */
  finish(meant: LocalEnd): void;
  /** Over, and the other side is told. */
  leave(meant: LocalEnd, options?: LeaveOptions): Promise<void>;
  mediaFailed(error: Error): void;
  /** Why nothing more can be done with this call. */
  error(): CallError;
  /** The signalling of an answered call; throws when it is not, or no longer. */
  established(what: string): InviteUsage;
}

export interface LeaveOptions {
  /** A Reason header value (RFC 3326). @default what the cause means */
  readonly reason?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
}
