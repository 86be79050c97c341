/**
 * The 2xx of an INVITE at the server (RFC 3261 §13.3.1.4, §14.2): sent end to end until its ACK is in, whatever the transport, because
 * a proxy on the way may be on UDP. No ACK in 64*T1, and the session is given up.
 */
import { arm, disarm, type TimerEffect } from './effects.js';

export type AcceptanceState = 'idle' | 'unacknowledged' | 'acknowledged' | 'abandoned';

export type AcceptanceTimer = 'resend' | 'give-up';

export type AcceptanceEffect =
  | { readonly type: 'send' }
  | { readonly type: 'acknowledged' }
  /** No ACK came: BYE (§13.3.1.4). */
  | { readonly type: 'unacknowledged' }
  | TimerEffect<AcceptanceTimer>;

export class Acceptance {
  readonly #t1: number;
  readonly #t2: number;
  #state: AcceptanceState = 'idle';
  #interval: number;

  constructor(timers: { readonly T1: number; readonly T2: number }) {
    this.#t1 = timers.T1;
    this.#t2 = timers.T2;
    this.#interval = timers.T1;
  }

  get state(): AcceptanceState {
    return this.#state;
  }

  /** The 2xx is ready. */
  onAccept(now: number): AcceptanceEffect[] {
    switch (this.#state) {
      case 'idle':
        this.#state = 'unacknowledged';
        return [{ type: 'send' }, arm('resend', now + this.#interval), arm('give-up', now + 64 * this.#t1)];
      case 'unacknowledged':
      case 'acknowledged':
      case 'abandoned':
        return [];
    }
  }

  onTimer(timer: AcceptanceTimer, now: number): AcceptanceEffect[] {
    if (this.#state !== 'unacknowledged') return [];
    switch (timer) {
      case 'resend':
        this.#interval = Math.min(2 * this.#interval, this.#t2);
        return [{ type: 'send' }, arm('resend', now + this.#interval)];
      case 'give-up':
        this.#state = 'abandoned';
        return [disarm('resend'), { type: 'unacknowledged' }];
    }
  }

  onAck(): AcceptanceEffect[] {
    switch (this.#state) {
      case 'unacknowledged':
        this.#state = 'acknowledged';
        return [disarm('resend'), disarm('give-up'), { type: 'acknowledged' }];
      case 'idle':
      case 'acknowledged':
      case 'abandoned':
        return [];
    }
  }

  /** The dialog is over: nobody waits for the ACK any more. */
  onEnd(): AcceptanceEffect[] {
    const wasSending = this.#state === 'unacknowledged';
    this.#state = 'abandoned';
    return wasSending ? [disarm('resend'), disarm('give-up')] : [];
  }
}
