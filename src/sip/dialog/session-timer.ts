/**
 * Session timers (RFC 4028), both roles: how long a session lives without a sign of life, and who gives it. Headers are negotiated here; what is
 * asked of the usage is to refresh, and to hang up when nobody did.
 */
import type { HeaderEntry } from '../message/headers.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { arm, disarm, type TimerEffect } from './effects.js';

/** §4: no minimum below this one is allowed, and it is what Min-SE means when it is absent. */
export const LEAST_MIN_SE = 90;

/** Seconds: what we do at the behest of a 2xx, less often than §4 allows anybody to ask. */
const LEAST_INTERVAL = 32;

/** §9: a request that asks for less than `minimum`, from one who understands a 422: the Min-SE to answer with. */
export function tooBrief(request: SipRequest, minimum: number): number | undefined {
  const asked = request.sessionExpires?.seconds;
  return asked !== undefined && asked < minimum && request.supported.includes('timer') ? minimum : undefined;
}

export interface SessionTimerOptions {
  /** Seconds we ask for; 0 asks for none, but grants what the peer asks. @default 1800 */
  readonly intervalS: number;
  /** Seconds below which we answer 422. @default 90 */
  readonly minS: number;
}

export type SessionTimerName = 'refresh' | 'expire';

export type SessionTimerEffect =
  | { readonly type: 'refresh' }
  /** Nobody refreshed in time: BYE (§10). */
  | { readonly type: 'expire' }
  | TimerEffect<SessionTimerName>;

/** §9: what the answer to an INVITE or UPDATE says of the timer. */
interface Grant {
  readonly intervalS: number;
  readonly refresher: 'uac' | 'uas';
  readonly isRequired: boolean;
}

export class SessionTimer {
  readonly #options: SessionTimerOptions;
  /** Largest Min-SE of a 422 or a request; 0 until one came (§7.4). */
  #minS = 0;
  #intervalS = 0;
  #refresher: 'local' | 'remote' | undefined;

  constructor(options: SessionTimerOptions) {
    this.#options = options;
  }

  /** Seconds agreed; 0 while no timer runs. */
  get intervalS(): number {
    return this.#intervalS;
  }

  get refresher(): 'local' | 'remote' | undefined {
    return this.#refresher;
  }

  /** §9: the Min-SE of our 422 to a request that asks for too little. */
  refuses(request: SipRequest): number | undefined {
    return tooBrief(request, Math.max(this.#options.minS, LEAST_MIN_SE));
  }

  /** §7.1, §7.4: what our INVITE or UPDATE says. */
  requestHeaders(): HeaderEntry[] {
    const wanted = this.#refresher === undefined ? this.#options.intervalS : this.#intervalS;
    if (wanted === 0) return this.#minS > 0 ? [['Min-SE', String(this.#minS)]] : [];
    const interval = Math.max(wanted, this.#minS, LEAST_MIN_SE);
    // §7.4: the roles stay what they are; the first request leaves the choice to the server.
    const role = this.#refresher === undefined ? '' : `;refresher=${this.#refresher === 'local' ? 'uac' : 'uas'}`;
    const headers: HeaderEntry[] = [['Session-Expires', `${interval}${role}`]];
    if (this.#minS > 0) headers.push(['Min-SE', String(this.#minS)]);
    return headers;
  }

  /** §7.3: whether a 422 is worth another try; the next `requestHeaders` obey it. */
  onTooSmall(response: SipResponse): boolean {
    const minimum = response.minSe;
    if (minimum === undefined || minimum <= this.#minS || minimum > 86_400 * 7) return false;
    this.#minS = minimum;
    return true;
  }

  /** A 2xx to an INVITE or UPDATE of ours. */
  onSuccess(response: SipResponse, now: number): SessionTimerEffect[] {
    const answer = response.sessionExpires;
    // §7.2: a 2xx without the header means no expiration. The peer knows no timers, and our own refreshes would detect what RTCP and BYE do.
    if (answer === undefined || answer.seconds === 0) return this.#stop();
    // §11: whoever asks for less only wants to see us busy.
    return this.#run(Math.max(answer.seconds, LEAST_INTERVAL), answer.refresher === 'uas' ? 'remote' : 'local', now);
  }

  /** §9: the headers of our 2xx to `request`; from its sending on the timer runs as it says. */
  onAccept(request: SipRequest, now: number): { readonly headers: HeaderEntry[]; readonly effects: SessionTimerEffect[] } {
    const grant = this.#grant(request);
    if (grant === undefined) return { headers: [], effects: this.#stop() };
    const headers: HeaderEntry[] = [['Session-Expires', `${grant.intervalS};refresher=${grant.refresher}`]];
    if (grant.isRequired) headers.push(['Require', 'timer']);
    return { headers, effects: this.#run(grant.intervalS, grant.refresher === 'uas' ? 'local' : 'remote', now) };
  }

  onTimer(timer: SessionTimerName, now: number): SessionTimerEffect[] {
    if (this.#refresher === undefined) return [];
    switch (timer) {
      case 'refresh':
        // Should this one fail for a passing reason, there is time for others before the end.
        return [{ type: 'refresh' }, arm('refresh', now + Math.max(1, this.#intervalS / 8) * 1000)];
      case 'expire':
        return [...this.#stop(), { type: 'expire' }];
    }
  }

  onEnd(): SessionTimerEffect[] {
    return this.#stop();
  }

  /** §9, table 2. */
  #grant(request: SipRequest): Grant | undefined {
    const asked = request.sessionExpires;
    const knows = request.supported.includes('timer');
    const floor = Math.max(request.minSe ?? 0, LEAST_MIN_SE);
    this.#minS = Math.max(this.#minS, request.minSe ?? 0);
    if (asked === undefined) {
      // Only a peer that understands the timer is given one it did not ask for: another would only see re-INVITEs it may not like.
      if (!knows || this.#options.intervalS === 0) return undefined;
      return { intervalS: Math.max(this.#options.intervalS, floor), refresher: 'uas', isRequired: true };
    }
    // §9 forbids an answer below 90, and one above what was asked; who asks for less and would not understand a 422 gets no timer.
    if (asked.seconds < LEAST_MIN_SE) return undefined;
    // §9: we may reduce, never below Min-SE or 90, and never increase.
    const wish = this.#options.intervalS === 0 ? asked.seconds : Math.max(this.#options.intervalS, floor);
    const intervalS = Math.min(asked.seconds, wish);
    if (!knows) return { intervalS, refresher: 'uas', isRequired: false };
    // Row four of table 2, the choice is ours: who refreshes himself need not trust the other to do so.
    return { intervalS, refresher: asked.refresher ?? 'uas', isRequired: true };
  }

  #run(intervalS: number, refresher: 'local' | 'remote', now: number): SessionTimerEffect[] {
    this.#intervalS = intervalS;
    this.#refresher = refresher;
    // §10: the end comes slightly before the expiration: a third of the interval, 32 s at most.
    const expire = arm<SessionTimerName>('expire', now + 1000 * (intervalS - Math.min(32, intervalS / 3)));
    return refresher === 'local' ? [arm('refresh', now + 500 * intervalS), expire] : [disarm('refresh'), expire];
  }

  #stop(): SessionTimerEffect[] {
    const wasRunning = this.#refresher !== undefined;
    this.#intervalS = 0;
    this.#refresher = undefined;
    return wasRunning ? [disarm('refresh'), disarm('expire')] : [];
  }
}
