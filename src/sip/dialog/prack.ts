/** Reliable provisional responses (RFC 3262): the server sends each until its PRACK is in, one at a time; the client takes them in order only. */
import type { SipRequest, SipResponse } from '../message/message.js';
import { arm, disarm, type TimerEffect } from './effects.js';

export type ReliableTimer = 'resend' | 'give-up';

export type ReliableEffect =
  | { readonly type: 'send'; readonly response: SipResponse }
  | { readonly type: 'acknowledged'; readonly response: SipResponse }
  /** No PRACK in 64*T1: the INVITE is to be refused with a 5xx (§3). */
  | { readonly type: 'unacknowledged' }
  | TimerEffect<ReliableTimer>;

/** §3, the server. Responses wait in line: none goes out before the PRACK of the one before it, so that order is certain and offers cannot cross. */
export class ReliableProvisionals {
  readonly #t1: number;
  readonly #sequence: number;
  #next: number;
  #interval: number;
  #current: SipResponse | undefined;
  readonly #waiting: SipResponse[] = [];
  #state: 'open' | 'closed' = 'open';
  /** RSeq of those left behind by a final response: their PRACKs are still taken (§3). */
  #left: number | undefined;

  /** `firstSequence` uniform in 1 … 2^31 - 1 (§3); `inviteSequence` the CSeq number that RAck names. */
  constructor(t1: number, firstSequence: number, inviteSequence: number) {
    this.#t1 = t1;
    this.#next = firstSequence;
    this.#interval = t1;
    this.#sequence = inviteSequence;
  }

  /** Whether a reliable 1xx with a body waits for its PRACK: no 2xx may pass it (§3, §5). */
  get holdsBody(): boolean {
    return (this.#current?.body.length ?? 0) > 0 || this.#waiting.some((response) => response.body.length > 0);
  }

  get isIdle(): boolean {
    return this.#current === undefined && this.#waiting.length === 0;
  }

  /** A 1xx to be sent reliably: gets its Require and, when its turn comes, its RSeq. */
  onProvisional(response: SipResponse, now: number): ReliableEffect[] {
    if (this.#state === 'closed') return [];
    response.add('Require', '100rel');
    this.#waiting.push(response);
    return this.#sendNext(now);
  }

  /** 'unmatched' deserves a 481. */
  onPrack(prack: SipRequest, now: number): ReliableEffect[] | 'unmatched' {
    const rack = prack.rack;
    if (rack === undefined || rack.method !== 'INVITE' || rack.cseq !== this.#sequence) return 'unmatched';
    if (this.#state === 'closed') {
      if (rack.rseq !== this.#left) return 'unmatched';
      this.#left = undefined;
      return [];
    }
    const response = this.#current;
    if (response === undefined || rack.rseq !== this.#next - 1) return 'unmatched';
    this.#current = undefined;
    return [disarm('resend'), disarm('give-up'), { type: 'acknowledged', response }, ...this.#sendNext(now)];
  }

  onTimer(timer: ReliableTimer, now: number): ReliableEffect[] {
    if (this.#current === undefined || this.#state === 'closed') return [];
    switch (timer) {
      case 'resend':
        // §3: doubles without the cap of T2, for a PRACK does not depend on our repeating.
        this.#interval *= 2;
        return [{ type: 'send', response: this.#current }, arm('resend', now + this.#interval)];
      case 'give-up':
        this.#state = 'closed';
        this.#current = undefined;
        this.#waiting.length = 0;
        return [disarm('resend'), { type: 'unacknowledged' }];
    }
  }

  /** §3: a final response stops the repeating; the PRACK of what is out is still answered. */
  onFinal(): ReliableEffect[] {
    if (this.#state === 'closed') return [];
    this.#state = 'closed';
    this.#waiting.length = 0;
    if (this.#current === undefined) return [];
    this.#left = this.#next - 1;
    this.#current = undefined;
    return [disarm('resend'), disarm('give-up')];
  }

  #sendNext(now: number): ReliableEffect[] {
    if (this.#current !== undefined) return [];
    const response = this.#waiting.shift();
    if (response === undefined) return [];
    response.set('RSeq', String(this.#next++));
    this.#current = response;
    this.#interval = this.#t1;
    return [{ type: 'send', response }, arm('resend', now + this.#interval), arm('give-up', now + 64 * this.#t1)];
  }
}

/** §4, the client: what to do with a reliable 1xx. Numbers count per dialog, for each fork has its own. */
export class ReliableOrder {
  #last: number | undefined;

  /** 'new' is to be acknowledged; 'repeated' and 'out-of-order' are dropped, and the sender sends again what we miss. */
  onProvisional(response: SipResponse): 'unreliable' | 'new' | 'repeated' | 'out-of-order' {
    if (response.status === 100 || response.rseq === undefined || !response.require.includes('100rel')) return 'unreliable';
    const rseq = response.rseq;
    if (this.#last === undefined || rseq === this.#last + 1) {
      this.#last = rseq;
      return 'new';
    }
    return rseq <= this.#last ? 'repeated' : 'out-of-order';
  }
}

/** §7.2: RSeq and CSeq of the response that is acknowledged. */
export function writeRack(response: SipResponse): string {
  return `${response.rseq} ${response.cseq!.number} ${response.cseq!.method}`;
}
