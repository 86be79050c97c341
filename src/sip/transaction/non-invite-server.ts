/** Non-INVITE server transaction: RFC 3261 §17.2.2 under RFC 4320 (no provisional but a late 100, no 408, no late final). */
import type { SipRequest, SipResponse } from '../message/message.js';
import { type Effect, NOTHING, type Reliability, type TimerName } from './effects.js';
import { nonInviteTrying, type Timers } from './timers.js';
import { tryingFor } from './trying.js';

export type NonInviteServerState = 'trying' | 'proceeding' | 'completed' | 'terminated';

export class NonInviteServer {
  readonly #timers: Timers;
  readonly #reliability: Reliability;
  #state: NonInviteServerState = 'trying';
  /** Needed for the 100; let go with the first answer. */
  #request: SipRequest | undefined;
  /** RFC 4320 §4.2: completed by a 408, which is never sent; nor is anything resent. */
  #silent = false;

  constructor(request: SipRequest, reliability: Reliability, timers: Timers) {
    this.#request = request;
    this.#reliability = reliability;
    this.#timers = timers;
  }

  get state(): NonInviteServerState {
    return this.#state;
  }

  start(now: number): readonly Effect[] {
    return [
      { type: 'arm', timer: 'trying', at: now + nonInviteTrying(this.#timers) },
      { type: 'arm', timer: 'expired', at: now + this.#timers.F },
    ];
  }

  /** A response of the transaction user's. RFC 4320 §4.1: the one provisional a non-INVITE may get is the late 100, and that is ours. */
  respond(response: SipResponse, now: number): readonly Effect[] {
    switch (this.#state) {
      case 'trying':
      case 'proceeding':
        return response.status < 200 ? NOTHING : this.#complete(response, now);
      case 'completed':
      case 'terminated':
        return NOTHING;
    }
  }

  /** The request once more. */
  onRequest(_request: SipRequest, _now: number): readonly Effect[] {
    switch (this.#state) {
      case 'trying':
      case 'terminated':
        return NOTHING;
      case 'proceeding':
        return [{ type: 'resend' }];
      case 'completed':
        return this.#silent ? NOTHING : [{ type: 'resend' }];
    }
  }

  onTimer(timer: TimerName, _now: number): readonly Effect[] {
    switch (this.#state) {
      case 'trying':
        if (timer === 'trying') {
          this.#state = 'proceeding';
          const request = this.#request!;
          this.#request = undefined;
          return [{ type: 'send', message: tryingFor(request) }];
        }
        return timer === 'expired' ? this.#end('timeout') : NOTHING;
      case 'proceeding':
        return timer === 'expired' ? this.#end('timeout') : NOTHING;
      case 'completed':
        return timer === 'J' ? this.#end('done') : NOTHING;
      case 'terminated':
        return NOTHING;
    }
  }

  /** RFC 6026 §8.8: the transaction user hears of it, the state stays. */
  onTransportError(): readonly Effect[] {
    switch (this.#state) {
      case 'proceeding':
      case 'completed':
        return [{ type: 'failed' }];
      case 'trying':
      case 'terminated':
        return NOTHING;
    }
  }

  #complete(response: SipResponse, now: number): readonly Effect[] {
    const effects: Effect[] = this.#state === 'trying' ? [{ type: 'disarm', timer: 'trying' }] : [];
    effects.push({ type: 'disarm', timer: 'expired' });
    this.#request = undefined;
    this.#silent = response.status === 408;
    if (!this.#silent) effects.push({ type: 'send', message: response });
    if (this.#reliability === 'reliable') {
      // Timer J is zero.
      effects.push(...this.#end('done'));
      return effects;
    }
    this.#state = 'completed';
    effects.push({ type: 'arm', timer: 'J', at: now + this.#timers.J });
    return effects;
  }

  #end(reason: 'done' | 'timeout'): readonly Effect[] {
    this.#state = 'terminated';
    this.#request = undefined;
    return [{ type: 'end', reason }];
  }
}
