/**
 * REFER (RFC 3515, with RFC 4488 norefersub and RFC 3892 Referred-By): what the one who refers learns of it, and what the one who is referred tells.
 * The subscription is implicit: the REFER makes it, the final status ends it.
 */
import type { HeaderEntry } from '../message/headers.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { arm, disarm, type TimerEffect } from './effects.js';
import { type Fragment, parseFragment } from './sipfrag.js';

export interface ReferRequest {
  /** A URI or name-addr; with `replaces` the dialog to be taken over (RFC 3891 §3), escaped into it. */
  readonly referTo: string;
  readonly replaces?: string;
  readonly referredBy?: string;
  /** RFC 4488: asks for no subscription; the peer may make one all the same. */
  readonly noSubscription?: boolean;
}

/** The headers of a REFER. */
export function referHeaders(request: ReferRequest): HeaderEntry[] {
  const headers: HeaderEntry[] = [['Refer-To', writeReferTo(request.referTo, request.replaces)]];
  if (request.referredBy !== undefined) headers.push(['Referred-By', request.referredBy]);
  // RFC 4488 §4: Supported says that we know what the answer may lack.
  if (request.noSubscription) headers.push(['Refer-Sub', 'false'], ['Supported', 'norefersub']);
  return headers;
}

function writeReferTo(target: string, replaces: string | undefined): string {
  const open = target.indexOf('<');
  const uri = open === -1 ? target : target.slice(open + 1, target.indexOf('>', open));
  const name = open === -1 ? '' : target.slice(0, open);
  if (replaces === undefined) return `${name}<${uri}>`;
  // §19.1.1: header values in a URI are escaped whole, semicolons and equal signs included.
  return `${name}<${uri}${uri.includes('?') ? '&' : '?'}Replaces=${encodeURIComponent(replaces)}>`;
}

export type ReferralOutcome =
  /** The final status of what was referred to. */
  | 'reported'
  /** REFER refused. */
  | 'refused'
  /** Accepted, and no more will be said: norefersub, or a subscription that ended before the final status. */
  | 'unreported'
  /** Accepted, then silence. */
  | 'timeout';

export type ReferralEffect =
  | { readonly type: 'accepted' }
  | { readonly type: 'progress'; readonly fragment: Fragment }
  /** Exactly once, and last. */
  | { readonly type: 'ended'; readonly outcome: ReferralOutcome; readonly status: number; readonly reason: string }
  | TimerEffect<'silence'>;

/** The referrer's side: REFER, its response, the NOTIFYs; a NOTIFY may come before the response (§2.4.4). */
export class Referral {
  readonly #t1: number;
  #state: 'sent' | 'accepted' | 'ended' = 'sent';
  #last: Fragment | undefined;

  constructor(t1: number) {
    this.#t1 = t1;
  }

  get state(): 'sent' | 'accepted' | 'ended' {
    return this.#state;
  }

  onResponse(response: SipResponse, now: number): ReferralEffect[] {
    if (this.#state === 'ended' || response.status < 200) return [];
    if (response.status >= 300) return this.#end('refused', { status: response.status, reason: response.reason });
    const news: ReferralEffect[] = this.#state === 'sent' ? [{ type: 'accepted' }] : [];
    this.#state = 'accepted';
    if (response.referSub === false) return [...news, ...this.#end('unreported', { status: response.status, reason: response.reason })];
    // RFC 6665 §4.1.2.4, Timer N: the first NOTIFY is due at once; without one there is no subscription.
    return this.#last === undefined ? [...news, arm('silence', now + 64 * this.#t1)] : news;
  }

  onNotify(notify: SipRequest, now: number): ReferralEffect[] {
    if (this.#state === 'ended') return [];
    const news: ReferralEffect[] = this.#state === 'sent' ? [{ type: 'accepted' }] : [];
    this.#state = 'accepted';
    const fragment = parseFragment(notify.bodyText);
    const subscription = notify.subscriptionState;
    if (fragment !== undefined) this.#last = fragment;
    // §2.4.7: a final status ends it, even where `terminated` was forgotten.
    if (fragment !== undefined && fragment.status >= 200)
      return [...news, { type: 'progress', fragment }, ...this.#end('reported', fragment)];
    if (fragment !== undefined) news.push({ type: 'progress', fragment });
    if (subscription?.state === 'terminated') return [...news, ...this.#end('unreported', this.#last ?? { status: 0, reason: '' })];
    const seconds = Math.min(Math.max(subscription?.expires ?? 180, 1), 86_400);
    return [...news, arm('silence', now + 1000 * seconds)];
  }

  onTimer(_timer: 'silence'): ReferralEffect[] {
    return this.#state === 'ended' ? [] : this.#end('timeout', this.#last ?? { status: 0, reason: '' });
  }

  /** The dialog is gone, and the subscription with it. */
  onEnd(): ReferralEffect[] {
    return this.#state === 'ended' ? [] : this.#end('unreported', this.#last ?? { status: 0, reason: '' });
  }

  #end(outcome: ReferralOutcome, { status, reason }: Fragment): ReferralEffect[] {
    this.#state = 'ended';
    return [disarm('silence'), { type: 'ended', outcome, status, reason }];
  }
}

/** §3.10: not more than one NOTIFY a second, the final one excepted: a transfer that is done should be seen to be done. */
const PACE = 1000;

export type ReferredTimer = 'pace' | 'expire';

export type ReferredEffect =
  | { readonly type: 'notify'; readonly fragment: Fragment; readonly subscriptionState: string }
  | { readonly type: 'ended' }
  | TimerEffect<ReferredTimer>;

/** The side that is referred: one NOTIFY at a time, the latest status wins, the last one always goes out. */
export class Referred {
  #expiresAt: number;
  #state: 'active' | 'ended' = 'active';
  #busy = false;
  #pending: Fragment | undefined;
  #last: Fragment = { status: 100, reason: 'Trying' };
  #nextAt = 0;

  constructor(now: number, lifetimeS = 180) {
    this.#expiresAt = now + 1000 * lifetimeS;
  }

  get state(): 'active' | 'ended' {
    return this.#state;
  }

  /** The 202 is out: the subscription exists, and says so at once. */
  onAccepted(now: number): ReferredEffect[] {
    if (this.#state === 'ended' || this.#busy) return [];
    if (this.#pending === undefined) this.#pending = this.#last;
    return [arm('expire', this.#expiresAt), ...this.#send(now)];
  }

  /** News of what was referred to. A final status ends the subscription. */
  onStatus(fragment: Fragment, now: number): ReferredEffect[] {
    if (this.#state === 'ended' || this.#last.status >= 200) return [];
    this.#last = fragment;
    this.#pending = fragment;
    return this.#send(now);
  }

  /** §2.4.4: the referrer prolongs its subscription, or ends it with 0; either way it is told where things stand. */
  onSubscribe(expiresS: number, now: number): ReferredEffect[] {
    if (this.#state === 'ended') return [];
    if (expiresS === 0) return [...this.onTimer('expire', now), disarm('expire')];
    this.#expiresAt = now + 1000 * expiresS;
    this.#pending = this.#last;
    return [arm('expire', this.#expiresAt), ...this.#send(now)];
  }

  /** The NOTIFY was answered; `status` of a local time-out is 408. RFC 6665 §4.2.2: a refusal ends the subscription, unless it says when to try again. */
  onNotified(status: number, now: number, retryAfterS?: number): ReferredEffect[] {
    if (this.#state === 'ended') return [];
    this.#busy = false;
    if (status >= 300 && retryAfterS === undefined) return this.onEnd();
    if (this.#pending === undefined && this.#last.status >= 200) return this.onEnd();
    return this.#send(now);
  }

  onTimer(timer: ReferredTimer, now: number): ReferredEffect[] {
    if (this.#state === 'ended') return [];
    switch (timer) {
      case 'pace':
        return this.#send(now);
      case 'expire':
        this.#state = 'ended';
        return [
          disarm('pace'),
          { type: 'notify', fragment: this.#last, subscriptionState: 'terminated;reason=timeout' },
          { type: 'ended' },
        ];
    }
  }

  onEnd(): ReferredEffect[] {
    if (this.#state === 'ended') return [];
    this.#state = 'ended';
    return [disarm('pace'), disarm('expire'), { type: 'ended' }];
  }

  #send(now: number): ReferredEffect[] {
    const fragment = this.#pending;
    if (fragment === undefined || this.#busy) return [];
    const isFinal = fragment.status >= 200;
    if (!isFinal && now < this.#nextAt) return [arm('pace', this.#nextAt)];
    this.#pending = undefined;
    this.#busy = true;
    this.#nextAt = now + PACE;
    const left = Math.max(0, Math.ceil((this.#expiresAt - now) / 1000));
    // §2.4.7: the last one says that there is nothing left to watch.
    const subscriptionState = isFinal ? 'terminated;reason=noresource' : `active;expires=${left}`;
    return [disarm('pace'), { type: 'notify', fragment, subscriptionState }];
  }
}
