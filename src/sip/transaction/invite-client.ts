/** INVITE client transaction: RFC 3261 §17.1.1 with the Accepted state and Timer M of RFC 6026 §7.2, and the client side of CANCEL (§9.1). */
import type { SipRequest, SipResponse } from '../message/message.js';
import { ackFor } from './ack.js';
import { type Effect, NOTHING, type Reliability, type TimerName } from './effects.js';
import type { Timers } from './timers.js';

export type InviteClientState = 'calling' | 'proceeding' | 'completed' | 'accepted' | 'terminated';

export class InviteClient {
  readonly #timers: Timers;
  readonly #reliability: Reliability;
  #state: InviteClientState = 'calling';
  /** Needed for the ACK of a refusal (§17.1.1.3); let go as soon as none can be due. */
  #request: SipRequest | undefined;
  #interval: number;
  #cancel: 'no' | 'wanted' | 'sent' = 'no';

  constructor(request: SipRequest, reliability: Reliability, timers: Timers) {
    this.#request = request;
    this.#reliability = reliability;
    this.#timers = timers;
    this.#interval = timers.A;
  }

  get state(): InviteClientState {
    return this.#state;
  }

  start(now: number): readonly Effect[] {
    const effects: Effect[] = [{ type: 'send', message: this.#request! }];
    if (this.#reliability === 'unreliable') effects.push({ type: 'arm', timer: 'A', at: now + this.#interval });
    effects.push({ type: 'arm', timer: 'B', at: now + this.#timers.B });
    return effects;
  }

  onResponse(response: SipResponse, now: number): readonly Effect[] {
    switch (this.#state) {
      case 'calling':
      case 'proceeding':
        if (response.status < 200) return this.#onProvisional(response, now);
        return response.status < 300 ? this.#accept(response, now) : this.#complete(response, now);
      case 'accepted':
        // RFC 6026 §7.2: resent 2xx and those of other branches; nothing else means anything any more.
        return response.status >= 200 && response.status < 300 ? [{ type: 'deliver', response }] : NOTHING;
      case 'completed':
        return response.status >= 300 ? [{ type: 'resend' }] : NOTHING; // the ACK
      case 'terminated':
        return NOTHING;
    }
  }

  /** §9.1: at once after a 1xx; before one it waits for it; after a final it is pointless. */
  cancel(now: number): readonly Effect[] {
    switch (this.#state) {
      case 'calling':
        this.#cancel = 'wanted';
        return NOTHING;
      case 'proceeding':
        return this.#cancel === 'sent' ? NOTHING : [{ type: 'disarm', timer: 'C' }, ...this.#sendCancel(now)];
      case 'accepted':
      case 'completed':
      case 'terminated':
        return NOTHING;
    }
  }

  onTimer(timer: TimerName, now: number): readonly Effect[] {
    switch (this.#state) {
      case 'calling':
        if (timer === 'A') {
          this.#interval *= 2;
          return [{ type: 'resend' }, { type: 'arm', timer: 'A', at: now + this.#interval }];
        }
        return timer === 'B' ? this.#end('timeout') : NOTHING;
      case 'proceeding':
        if (timer === 'C') return this.#cancel === 'sent' ? NOTHING : this.#sendCancel(now);
        return timer === 'cancelled' && this.#cancel === 'sent' ? this.#end('cancelled') : NOTHING;
      case 'accepted':
        return timer === 'M' ? this.#end('done') : NOTHING;
      case 'completed':
        return timer === 'D' ? this.#end('done') : NOTHING;
      case 'terminated':
        return NOTHING;
    }
  }

  /** The request, or the ACK, could not be sent, or the connection that would have brought the response is gone. */
  onTransportError(): readonly Effect[] {
    switch (this.#state) {
      case 'calling':
      case 'proceeding':
      case 'completed':
        return this.#end('transport');
      case 'accepted': // the 2xx is in; its ACK is the transaction user's
      case 'terminated':
        return NOTHING;
    }
  }

  #onProvisional(response: SipResponse, now: number): readonly Effect[] {
    const effects: Effect[] = [];
    if (this.#state === 'calling') {
      this.#state = 'proceeding';
      if (this.#reliability === 'unreliable') effects.push({ type: 'disarm', timer: 'A' });
      effects.push({ type: 'disarm', timer: 'B' }, { type: 'arm', timer: 'C', at: now + this.#timers.C });
    } else if (response.status > 100 && this.#cancel !== 'sent') effects.push({ type: 'arm', timer: 'C', at: now + this.#timers.C }); // §16.7 step 2
    effects.push({ type: 'deliver', response });
    if (this.#cancel === 'wanted') effects.push({ type: 'disarm', timer: 'C' }, ...this.#sendCancel(now));
    return effects;
  }

  #sendCancel(now: number): readonly Effect[] {
    this.#cancel = 'sent';
    return [{ type: 'cancel' }, { type: 'arm', timer: 'cancelled', at: now + 64 * this.#timers.T1 }];
  }

  #accept(response: SipResponse, now: number): readonly Effect[] {
    const effects = this.#disarm();
    this.#state = 'accepted';
    this.#request = undefined;
    effects.push({ type: 'arm', timer: 'M', at: now + this.#timers.M }, { type: 'deliver', response });
    return effects;
  }

  #complete(response: SipResponse, now: number): readonly Effect[] {
    const effects = this.#disarm();
    const ack = ackFor(this.#request!, response);
    this.#request = undefined;
    effects.push({ type: 'send', message: ack });
    if (this.#reliability === 'reliable') {
      // Timer D is zero: nothing is ever resent.
      this.#state = 'terminated';
      effects.push({ type: 'deliver', response }, { type: 'end', reason: 'done' });
      return effects;
    }
    this.#state = 'completed';
    effects.push({ type: 'arm', timer: 'D', at: now + this.#timers.D }, { type: 'deliver', response });
    return effects;
  }

  /** What is armed in the states before a final. */
  #disarm(): Effect[] {
    if (this.#state === 'proceeding') return [{ type: 'disarm', timer: this.#cancel === 'sent' ? 'cancelled' : 'C' }];
    const effects: Effect[] = this.#reliability === 'unreliable' ? [{ type: 'disarm', timer: 'A' }] : [];
    effects.push({ type: 'disarm', timer: 'B' });
    return effects;
  }

  #end(reason: 'done' | 'timeout' | 'transport' | 'cancelled'): readonly Effect[] {
    this.#state = 'terminated';
    this.#request = undefined;
    return [{ type: 'end', reason }];
  }
}
