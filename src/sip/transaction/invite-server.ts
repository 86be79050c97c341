/** INVITE server transaction: RFC 3261 §17.2.1 with the Accepted state and Timer L of RFC 6026 §7.1. */
import type { SipRequest, SipResponse } from '../message/message.js';
import { type Effect, NOTHING, type Reliability, type TimerName } from './effects.js';
import type { Timers } from './timers.js';
import { tryingFor } from './trying.js';

export type InviteServerState = 'proceeding' | 'completed' | 'confirmed' | 'accepted' | 'terminated';

export class InviteServer {
  readonly #timers: Timers;
  readonly #reliability: Reliability;
  #state: InviteServerState = 'proceeding';
  /** Needed for the 100; let go with the first answer. */
  #request: SipRequest | undefined;
  #interval: number;

  constructor(request: SipRequest, reliability: Reliability, timers: Timers) {
    this.#request = request;
    this.#reliability = reliability;
    this.#timers = timers;
    this.#interval = Math.min(timers.G, timers.T2);
  }

  get state(): InviteServerState {
    return this.#state;
  }

  /** Owes a 100, unless something has been said by now. */
  start(now: number): readonly Effect[] {
    if (this.#request === undefined) return NOTHING;
    return this.#timers.trying === 0 ? this.#sendTrying() : [{ type: 'arm', timer: 'trying', at: now + this.#timers.trying }];
  }

  /** A response of the transaction user's. */
  respond(response: SipResponse, now: number): readonly Effect[] {
    switch (this.#state) {
      case 'proceeding': {
        const effects: Effect[] = this.#request === undefined || this.#timers.trying === 0 ? [] : [{ type: 'disarm', timer: 'trying' }];
        this.#request = undefined;
        effects.push({ type: 'send', message: response });
        if (response.status < 200) return effects;
        if (response.status < 300) {
          this.#state = 'accepted';
          effects.push({ type: 'arm', timer: 'L', at: now + this.#timers.L });
          return effects;
        }
        this.#state = 'completed';
        if (this.#reliability === 'unreliable') effects.push({ type: 'arm', timer: 'G', at: now + this.#interval });
        effects.push({ type: 'arm', timer: 'H', at: now + this.#timers.H });
        return effects;
      }
      case 'accepted': // RFC 6026 §7.1: a 2xx is resent by the transaction user, through here
        return response.status >= 200 && response.status < 300 ? [{ type: 'send', message: response }] : NOTHING;
      case 'completed':
      case 'confirmed':
      case 'terminated':
        return NOTHING;
    }
  }

  /** The INVITE once more, or an ACK that matches it. */
  onRequest(request: SipRequest, now: number): readonly Effect[] {
    return request.method === 'ACK' ? this.#onAck(request, now) : this.#onRetransmission();
  }

  onTimer(timer: TimerName, now: number): readonly Effect[] {
    switch (this.#state) {
      case 'proceeding':
        return timer === 'trying' && this.#request !== undefined ? this.#sendTrying() : NOTHING;
      case 'completed':
        if (timer === 'G') {
          this.#interval = Math.min(2 * this.#interval, this.#timers.T2);
          return [{ type: 'resend' }, { type: 'arm', timer: 'G', at: now + this.#interval }];
        }
        return timer === 'H' ? this.#end('timeout') : NOTHING;
      case 'confirmed':
        return timer === 'I' ? this.#end('done') : NOTHING;
      case 'accepted':
        return timer === 'L' ? this.#end('done') : NOTHING;
      case 'terminated':
        return NOTHING;
    }
  }

  /** RFC 6026 §8.8: the transaction user hears of it, the state stays, so that resent INVITEs do not pass for new ones. */
  onTransportError(): readonly Effect[] {
    switch (this.#state) {
      case 'proceeding':
      case 'completed':
      case 'accepted':
        return [{ type: 'failed' }];
      case 'confirmed':
      case 'terminated':
        return NOTHING;
    }
  }

  #onRetransmission(): readonly Effect[] {
    switch (this.#state) {
      case 'proceeding': {
        if (this.#request === undefined) return [{ type: 'resend' }];
        // Whoever resends has waited long enough for the 100.
        const effects: Effect[] = [{ type: 'disarm', timer: 'trying' }];
        effects.push(...this.#sendTrying());
        return effects;
      }
      case 'completed':
        return [{ type: 'resend' }];
      case 'accepted': // absorbed (RFC 6026 §8.7): the transaction user resends its 2xx by itself
      case 'confirmed':
      case 'terminated':
        return NOTHING;
    }
  }

  #onAck(request: SipRequest, now: number): readonly Effect[] {
    switch (this.#state) {
      case 'completed': {
        const effects: Effect[] = this.#reliability === 'unreliable' ? [{ type: 'disarm', timer: 'G' }] : [];
        effects.push({ type: 'disarm', timer: 'H' });
        if (this.#reliability === 'reliable') {
          // Timer I is zero.
          effects.push(...this.#end('done'));
          return effects;
        }
        this.#state = 'confirmed';
        effects.push({ type: 'arm', timer: 'I', at: now + this.#timers.I });
        return effects;
      }
      case 'accepted': // RFC 6026 §6: from an RFC 2543 client, whose ACK of a 2xx has no branch of its own
        return [{ type: 'ack', request }];
      case 'proceeding':
      case 'confirmed':
      case 'terminated':
        return NOTHING;
    }
  }

  #sendTrying(): readonly Effect[] {
    const request = this.#request!;
    this.#request = undefined;
    return [{ type: 'send', message: tryingFor(request) }];
  }

  #end(reason: 'done' | 'timeout'): readonly Effect[] {
    this.#state = 'terminated';
    return [{ type: 'end', reason }];
  }
}
