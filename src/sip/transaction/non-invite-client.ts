/** Non-INVITE client transaction: RFC 3261 §17.1.2. */
import type { SipRequest, SipResponse } from '../message/message.js';
import { type Effect, NOTHING, type Reliability, type TimerName } from './effects.js';
import type { Timers } from './timers.js';

export type NonInviteClientState = 'trying' | 'proceeding' | 'completed' | 'terminated';

export class NonInviteClient {
  readonly #request: SipRequest;
  readonly #timers: Timers;
  readonly #reliability: Reliability;
  #state: NonInviteClientState = 'trying';
  #interval: number;

  constructor(request: SipRequest, reliability: Reliability, timers: Timers) {
    this.#request = request;
    this.#reliability = reliability;
    this.#timers = timers;
    this.#interval = Math.min(timers.E, timers.T2);
  }

  get state(): NonInviteClientState {
    return this.#state;
  }

  start(now: number): readonly Effect[] {
    const effects: Effect[] = [{ type: 'send', message: this.#request }];
    if (this.#reliability === 'unreliable') effects.push({ type: 'arm', timer: 'E', at: now + this.#interval });
    effects.push({ type: 'arm', timer: 'F', at: now + this.#timers.F });
    return effects;
  }

  onResponse(response: SipResponse, now: number): readonly Effect[] {
    switch (this.#state) {
      case 'trying':
      case 'proceeding':
        if (response.status >= 200) return this.#complete(response, now);
        // §17.1.2.2: a 1xx slows Timer E down to T2 from its next firing; it does not stop it.
        this.#state = 'proceeding';
        return [{ type: 'deliver', response }];
      case 'completed': // absorbs resent finals until Timer K
      case 'terminated':
        return NOTHING;
    }
  }

  onTimer(timer: TimerName, now: number): readonly Effect[] {
    switch (this.#state) {
      case 'trying':
      case 'proceeding':
        if (timer === 'E') {
          this.#interval = this.#state === 'trying' ? Math.min(2 * this.#interval, this.#timers.T2) : this.#timers.T2;
          return [{ type: 'resend' }, { type: 'arm', timer: 'E', at: now + this.#interval }];
        }
        return timer === 'F' ? this.#end('timeout') : NOTHING;
      case 'completed':
        return timer === 'K' ? this.#end('done') : NOTHING;
      case 'terminated':
        return NOTHING;
    }
  }

  /** The request could not be sent, or the connection that would have brought the response is gone. */
  onTransportError(): readonly Effect[] {
    switch (this.#state) {
      case 'trying':
      case 'proceeding':
        return this.#end('transport');
      case 'completed':
      case 'terminated':
        return NOTHING;
    }
  }

  #complete(response: SipResponse, now: number): readonly Effect[] {
    const effects: Effect[] = this.#reliability === 'unreliable' ? [{ type: 'disarm', timer: 'E' }] : [];
    effects.push({ type: 'disarm', timer: 'F' });
    if (this.#reliability === 'reliable') {
      // Timer K is zero.
      this.#state = 'terminated';
      effects.push({ type: 'deliver', response }, { type: 'end', reason: 'done' });
      return effects;
    }
    this.#state = 'completed';
    effects.push({ type: 'arm', timer: 'K', at: now + this.#timers.K }, { type: 'deliver', response });
    return effects;
  }

  #end(reason: 'done' | 'timeout' | 'transport'): readonly Effect[] {
    this.#state = 'terminated';
    return [{ type: 'end', reason }];
  }
}
