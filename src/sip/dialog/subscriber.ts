/**
 * The subscriber's side of a subscription (RFC 6665 §4.1): SUBSCRIBE, the first NOTIFY that may overtake its 200, refresh before the end, and what
 * each way of ending says about trying again.
 */
import type { SipRequest, SipResponse } from '../message/message.js';
import { arm, disarm, type TimerEffect } from './effects.js';

export type SubscriberState = 'idle' | 'waiting' | 'pending' | 'active' | 'resting' | 'terminated';

export type SubscriberTimer = 'notify' | 'refresh' | 'expire' | 'retry';

export type SubscriberEffect =
  /** `isNew`: outside any dialog, a new subscription; else a refresh in the dialog. `expiresS` 0 unsubscribes. */
  | { readonly type: 'subscribe'; readonly expiresS: number; readonly isNew: boolean }
  | { readonly type: 'state'; readonly state: SubscriberState }
  /** Goes up to the application. */
  | { readonly type: 'notified'; readonly notify: SipRequest }
  /** The dialog is of no more use; another may follow (`retryInMs`) or not. */
  | { readonly type: 'lost'; readonly reason: string; readonly retryInMs: number; readonly response?: SipResponse }
  /** Exactly once, and last. */
  | { readonly type: 'ended'; readonly reason: string; readonly response?: SipResponse }
  | TimerEffect<SubscriberTimer>;

export interface SubscriberOptions {
  readonly expiresS: number;
  /** Whether a subscription that was lost is made again by itself. */
  readonly keep: boolean;
  readonly t1: number;
}

const MAX_RETRY_MS = 300_000;

export class Subscriber {
  readonly #options: SubscriberOptions;
  #state: SubscriberState = 'idle';
  #expiresS: number;
  /** Unsubscribed, or a fetch (§4.4.3): one last NOTIFY is waited for. */
  #ending: boolean;
  #failures = 0;
  #startedAt = 0;

  constructor(options: SubscriberOptions) {
    this.#options = options;
    this.#expiresS = options.expiresS;
    this.#ending = options.expiresS === 0;
  }

  get state(): SubscriberState {
    return this.#state;
  }

  onStart(now: number): SubscriberEffect[] {
    switch (this.#state) {
      case 'idle':
      case 'resting':
        this.#startedAt = now;
        return [
          ...this.#enter('waiting'),
          { type: 'subscribe', expiresS: this.#expiresS, isNew: true },
          arm('notify', now + 64 * this.#options.t1),
        ];
      case 'waiting':
      case 'pending':
      case 'active':
      case 'terminated':
        return [];
    }
  }

  /** The final response to a SUBSCRIBE; a local time-out is a 408. */
  onResponse(response: SipResponse, now: number): SubscriberEffect[] {
    if (this.#state === 'terminated' || this.#state === 'resting' || this.#state === 'idle') return [];
    if (response.status < 200) return [];
    if (response.status < 300) return this.#onAccepted(response, now);
    if (response.status === 423 && !this.#ending) {
      const minimum = response.minExpires;
      if (minimum !== undefined && minimum > this.#expiresS && minimum <= 86_400 * 7) {
        this.#expiresS = minimum;
        return [{ type: 'subscribe', expiresS: minimum, isNew: this.#state === 'waiting' }];
      }
    }
    if (this.#ending) return this.#end('unsubscribed', response);
    const isRefresh = this.#state !== 'waiting';
    // §4.1.2.2: any failure of a refresh but these leaves the subscription standing until it expires.
    const isGone = [404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604].includes(response.status);
    if (isRefresh && !isGone) return [arm('refresh', now + this.#retryDelay(response))];
    if (isRefresh) return this.#lose('refused', now, response.status === 481 ? 0 : this.#retryDelay(response), response);
    // A first SUBSCRIBE that is refused for a passing reason is tried again; for any other, the application is told, and that is all.
    const isPassing = [408, 480, 500, 502, 503, 504].includes(response.status);
    return this.#lose('refused', now, isPassing ? this.#retryDelay(response) : undefined, response);
  }

  /** A NOTIFY of this dialog. The answer to it is 200, whatever it says. */
  onNotify(notify: SipRequest, now: number): SubscriberEffect[] {
    if (this.#state === 'terminated' || this.#state === 'resting' || this.#state === 'idle') return [];
    const subscription = notify.subscriptionState;
    const news: SubscriberEffect[] = [disarm('notify'), { type: 'notified', notify }];
    if (subscription?.state === 'terminated') {
      const reason = subscription.reason ?? '';
      if (this.#ending) return [...news, ...this.#end(reason || 'unsubscribed')];
      return [...news, ...this.#lose(reason, now, this.#afterTermination(reason, subscription.retryAfter))];
    }
    const entered = this.#enter(subscription?.state === 'pending' ? 'pending' : 'active');
    if (this.#ending) return [...news, ...entered];
    // §4.1.2.2: the notifier's count is the one that holds; without one, ours does.
    const expiresS = subscription?.expires ?? this.#expiresS;
    return [...news, ...entered, ...this.#schedule(expiresS, now)];
  }

  onTimer(timer: SubscriberTimer, now: number): SubscriberEffect[] {
    if (this.#state === 'terminated') return [];
    switch (timer) {
      case 'notify':
        // §4.1.2.4, Timer N: a subscription that says nothing does not exist.
        return this.#ending ? this.#end('unsubscribed') : this.#lose('silent', now, this.#retryDelay());
      case 'refresh':
        return this.#state === 'resting' ? [] : [{ type: 'subscribe', expiresS: this.#expiresS, isNew: false }];
      case 'expire':
        return this.#lose('expired', now, this.#retryDelay());
      case 'retry':
        return this.#state === 'resting' ? this.onStart(now) : [];
    }
  }

  /** §4.1.2.3: Expires: 0, and a last NOTIFY that is waited for no longer than Timer N. */
  onUnsubscribe(now: number): SubscriberEffect[] {
    if (this.#ending) return [];
    switch (this.#state) {
      case 'idle':
      case 'resting':
      case 'waiting':
        // Without a NOTIFY there is no dialog to unsubscribe in; the one that may still come is answered 481, and that ends it (§4.2.2).
        return this.#end('unsubscribed');
      case 'terminated':
        return [];
      case 'pending':
      case 'active':
        this.#ending = true;
        return [
          disarm('refresh'),
          disarm('expire'),
          { type: 'subscribe', expiresS: 0, isNew: false },
          arm('notify', now + 64 * this.#options.t1),
        ];
    }
  }

  /** The agent closes: nothing is sent any more. */
  onClose(): SubscriberEffect[] {
    return this.#state === 'terminated' ? [] : this.#end('closed');
  }

  #onAccepted(response: SipResponse, now: number): SubscriberEffect[] {
    if (this.#ending) return [];
    const granted = response.expires;
    // §4.1.2.1: the notifier may shorten, never lengthen.
    return this.#schedule(granted === undefined ? this.#expiresS : Math.min(granted, this.#expiresS), now);
  }

  #schedule(expiresS: number, now: number): SubscriberEffect[] {
    const life = 1000 * Math.min(Math.max(expiresS, 1), 86_400 * 7);
    if (now - this.#startedAt > 60_000) this.#failures = 0;
    // Half of a short life, or half a minute before the end of a long one: time for the transaction to fail once.
    return [arm('refresh', now + Math.max(life / 2, life - 40_000)), arm('expire', now + life)];
  }

  /** §4.1.3: what the reason says about trying again, in milliseconds; undefined: not at all. */
  #afterTermination(reason: string, retryAfterS: number | undefined): number | undefined {
    switch (reason) {
      case 'rejected':
      case 'noresource':
      case 'invariant':
        return undefined;
      case 'deactivated':
      case 'timeout':
        // At once, says the section; a notifier that keeps saying so is asked ever more slowly.
        return this.#failures === 0 ? 0 : this.#retryDelay();
      default:
        return retryAfterS === undefined ? this.#retryDelay() : Math.min(1000 * retryAfterS, 86_400_000);
    }
  }

  #retryDelay(response?: SipResponse): number {
    const asked = response?.retryAfter?.seconds;
    const own = Math.min(2000 * 2 ** Math.min(this.#failures, 10), MAX_RETRY_MS);
    return asked === undefined ? own : Math.max(own, Math.min(1000 * asked, 86_400_000));
  }

  #lose(reason: string, now: number, retryInMs: number | undefined, response?: SipResponse): SubscriberEffect[] {
    if (!this.#options.keep || retryInMs === undefined) return this.#end(reason, response);
    this.#failures++;
    return [
      disarm('notify'),
      disarm('refresh'),
      disarm('expire'),
      { type: 'lost', reason, retryInMs, ...(response && { response }) },
      ...this.#enter('resting'),
      arm('retry', now + retryInMs),
    ];
  }

  #end(reason: string, response?: SipResponse): SubscriberEffect[] {
    return [
      disarm('notify'),
      disarm('refresh'),
      disarm('expire'),
      disarm('retry'),
      ...this.#enter('terminated'),
      { type: 'ended', reason, ...(response && { response }) },
    ];
  }

  #enter(state: SubscriberState): SubscriberEffect[] {
    if (this.#state === state) return [];
    this.#state = state;
    return [{ type: 'state', state }];
  }
}
