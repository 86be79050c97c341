/** The notifier's side of a subscription (RFC 6665 §4.2): grants a time, says the state at once and at every change, one NOTIFY at a time, and ends it aloud. */
import { arm, disarm, type TimerEffect } from './effects.js';

export type NotifierState = 'pending' | 'active' | 'terminated';

export type NotifierTimer = 'expire' | 'retry';

export type TerminationReason = 'deactivated' | 'probation' | 'rejected' | 'timeout' | 'giveup' | 'noresource' | 'invariant';

export type NotifierEffect =
  /** The usage puts the latest state of the resource into it. */
  | { readonly type: 'notify'; readonly subscriptionState: string }
  /** Exactly once, and last. `reason` is '' when the subscriber is simply gone. */
  | { readonly type: 'ended'; readonly reason: string }
  | TimerEffect<NotifierTimer>;

export class Notifier {
  #state: NotifierState;
  #expiresAt = 0;
  #busy = false;
  #dirty = false;
  /** Set when the last NOTIFY is to go out, or has. */
  #last: string | undefined;
  #reason = '';

  constructor(state: 'pending' | 'active') {
    this.#state = state;
  }

  get state(): NotifierState {
    return this.#state;
  }

  /** A SUBSCRIBE was answered 200 with this Expires, the first or a refresh; 0 fetches, or unsubscribes (§4.2.1.4). */
  onSubscribe(expiresS: number, now: number): NotifierEffect[] {
    if (this.#state === 'terminated' || this.#last !== undefined) return [];
    if (expiresS === 0) return this.onTerminate('timeout', now);
    this.#expiresAt = now + 1000 * expiresS;
    return [arm('expire', this.#expiresAt), ...this.#send(now)];
  }

  /** The resource changed, or the subscription was allowed. */
  onChange(now: number, state?: 'active'): NotifierEffect[] {
    if (this.#state === 'terminated' || this.#last !== undefined) return [];
    if (state !== undefined) this.#state = state;
    return this.#send(now);
  }

  /** The NOTIFY was answered; a local time-out is a 408. §4.2.2: a refusal ends the subscription, unless it says when to try again. */
  onNotified(status: number, now: number, retryAfterS?: number): NotifierEffect[] {
    if (this.#state === 'terminated') return [];
    this.#busy = false;
    if (this.#last !== undefined && !this.#dirty) return this.#end(this.#reason);
    if (status >= 300) {
      if (retryAfterS === undefined || status === 481) return this.#end('');
      this.#dirty = true;
      this.#busy = true;
      return [arm('retry', now + 1000 * Math.min(Math.max(retryAfterS, 1), 3600))];
    }
    return this.#dirty ? this.#send(now) : [];
  }

  onTimer(timer: NotifierTimer, now: number): NotifierEffect[] {
    switch (timer) {
      case 'expire':
        return this.onTerminate('timeout', now);
      case 'retry':
        if (this.#state === 'terminated') return [];
        this.#busy = false;
        return this.#send(now);
    }
  }

  /** §4.2.2: the subscription is over, and the subscriber is told why. */
  onTerminate(reason: TerminationReason, now: number, retryAfterS?: number): NotifierEffect[] {
    if (this.#state === 'terminated' || this.#last !== undefined) return [];
    this.#reason = reason;
    this.#last = `terminated;reason=${reason}${retryAfterS === undefined ? '' : `;retry-after=${retryAfterS}`}`;
    return [disarm('expire'), ...this.#send(now)];
  }

  /** Nothing is sent any more. */
  onClose(): NotifierEffect[] {
    return this.#state === 'terminated' ? [] : this.#end('');
  }

  #send(now: number): NotifierEffect[] {
    if (this.#busy) {
      this.#dirty = true;
      return [];
    }
    this.#busy = true;
    this.#dirty = false;
    const left = Math.max(0, Math.ceil((this.#expiresAt - now) / 1000));
    return [{ type: 'notify', subscriptionState: this.#last ?? `${this.#state};expires=${left}` }];
  }

  #end(reason: string): NotifierEffect[] {
    this.#state = 'terminated';
    return [disarm('expire'), disarm('retry'), { type: 'ended', reason }];
  }
}
