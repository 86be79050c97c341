/** Event and Subscription-State, RFC 6665 §8.2.1, §8.2.3. */
import { isToken, parseDigits } from './chars.js';
import type { Params } from './params.js';
import { parseValued } from './valued.js';

export interface Event {
  /** Package with its templates: 'refer', 'presence.winfo'. */
  readonly type: string;
  readonly id: string | undefined;
  readonly params: Params;
}

export interface SubscriptionState {
  /** Lower case: 'active', 'pending', 'terminated' or an extension's. */
  readonly state: string;
  readonly reason: string | undefined;
  readonly expires: number | undefined;
  readonly retryAfter: number | undefined;
  readonly params: Params;
}

export const parseEvent = (text: string): Event | undefined => {
  const valued = parseValued(text);
  if (!valued || !isToken(valued.word)) return undefined;
  return { type: valued.word, id: valued.params.get('id'), params: valued.params };
};

export const parseSubscriptionState = (text: string): SubscriptionState | undefined => {
  const valued = parseValued(text);
  if (!valued || !isToken(valued.word)) return undefined;
  const { params } = valued;
  const seconds = (name: string): number | undefined => parseDigits(params.raw(name) ?? '', 0xffffffff);
  return {
    state: valued.word.toLowerCase(),
    reason: params.get('reason')?.toLowerCase(),
    expires: seconds('expires'),
    retryAfter: seconds('retry-after'),
    params,
  };
};
