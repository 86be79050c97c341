/**
 * Who may change the session now (RFC 3261 §14, RFC 3311 §5, RFC 6337 §3): one offer at a time in both directions, glare answered with 491 and
 * tried again after a time that differs between the two sides, overlap answered with 500.
 */
import { arm, disarm, type TimerEffect } from './effects.js';

export type Modifier = 'INVITE' | 'UPDATE';

/** What to do with a re-INVITE or UPDATE that came. `retryAfter` in seconds. */
export type Verdict =
  | { readonly type: 'take' }
  | { readonly type: 'refuse'; readonly status: 491 }
  | { readonly type: 'refuse'; readonly status: 500; readonly retryAfter: number };

export type ModificationEffect =
  /** The line is free for the one that waits longest. */
  { readonly type: 'turn' } | TimerEffect<'glare'>;

type Offer = 'none' | 'local' | 'remote';

export class Modification {
  readonly #owner: 'local' | 'remote';
  /** INVITE transactions in progress, the first one included (§14.1: never two at once). */
  #localInvite = false;
  /** 'answered' until the ACK of our 2xx is in: overlap is over, but our own turn has not come (§14.1). */
  #remoteInvite: 'none' | 'pending' | 'answered' = 'none';
  #localUpdate = false;
  #remoteUpdate = false;
  /** The offer that has no answer yet, whichever message carried it. */
  #offer: Offer = 'none';
  #glare = false;
  #waiting = 0;

  constructor(owner: 'local' | 'remote') {
    this.#owner = owner;
  }

  /** The offer without an answer. */
  get offer(): Offer {
    return this.#offer;
  }

  /** A re-INVITE needs a free line; an UPDATE without offer needs only that no other UPDATE of ours is out (RFC 3311 §5.1). */
  mayStart(method: Modifier, hasOffer: boolean): boolean {
    if (this.#glare) return false;
    if (this.#localUpdate) return false;
    if (method === 'INVITE') return !this.#localInvite && this.#remoteInvite === 'none' && !this.#remoteUpdate && this.#offer === 'none';
    return !hasOffer || this.#offer === 'none';
  }

  /** Somebody waits for the line: 'turn' will say when. */
  onWait(): void {
    this.#waiting++;
  }

  onStart(method: Modifier, hasOffer: boolean): void {
    if (method === 'INVITE') this.#localInvite = true;
    else this.#localUpdate = true;
    if (hasOffer) this.#offer = 'local';
  }

  /** The final response to what we started. After a 491 the line stays closed for as long as §14.1 says; `fraction` in [0, 1). */
  onFinal(method: Modifier, status: number, now: number, fraction: number): ModificationEffect[] {
    if (method === 'INVITE') this.#localInvite = false;
    else this.#localUpdate = false;
    if (status >= 300 && this.#offer === 'local') this.#offer = 'none';
    if (status !== 491) return this.#turn();
    this.#glare = true;
    // §14.1: 2.1–4 s for the owner of the Call-ID, 0–2 s for the other, in units of 10 ms.
    const delay = this.#owner === 'local' ? 2100 + 10 * Math.floor(fraction * 191) : 10 * Math.floor(fraction * 201);
    return [arm('glare', now + delay)];
  }

  onTimer(_timer: 'glare'): ModificationEffect[] {
    this.#glare = false;
    return this.#turn();
  }

  /** §14.2, RFC 3311 §5.2. `fraction` in [0, 1) chooses the Retry-After of 0–10 s. */
  onRequest(method: Modifier, hasOffer: boolean, fraction: number): Verdict {
    const overlap = { type: 'refuse', status: 500, retryAfter: Math.floor(fraction * 11) } as const;
    if (method === 'INVITE') {
      if (this.#remoteInvite === 'pending') return overlap;
      if (this.#localInvite || this.#offer === 'local') return { type: 'refuse', status: 491 };
      if (this.#remoteUpdate || this.#offer === 'remote') return overlap;
      this.#remoteInvite = 'pending';
    } else {
      if (this.#remoteUpdate) return overlap;
      if (hasOffer && this.#offer === 'local') return { type: 'refuse', status: 491 };
      if (hasOffer && this.#offer === 'remote') return overlap;
      this.#remoteUpdate = true;
    }
    if (hasOffer) this.#offer = 'remote';
    return { type: 'take' };
  }

  /** Our final response to what came. */
  onReply(method: Modifier, status: number): ModificationEffect[] {
    if (method === 'INVITE') this.#remoteInvite = status < 300 ? 'answered' : 'none';
    else this.#remoteUpdate = false;
    if (status >= 300 && this.#offer === 'remote') this.#offer = 'none';
    return this.#turn();
  }

  /** The ACK of our 2xx: an offer of ours that it leaves without answer is void (§13.3.1.4). */
  onAcknowledged(): ModificationEffect[] {
    this.#remoteInvite = 'none';
    if (this.#offer === 'local') this.#offer = 'none';
    return this.#turn();
  }

  /** An offer left or came in a message that is no modification: INVITE, 1xx, 2xx, PRACK. */
  onOffer(from: 'local' | 'remote'): void {
    this.#offer = from;
  }

  /** A description of `from` answers the other side's offer; without one it repeats an answer already given (§13.2.1: the 1xx and then the 2xx). */
  onAnswer(from: 'local' | 'remote'): ModificationEffect[] {
    if (this.#offer === 'none' || this.#offer === from) return [];
    this.#offer = 'none';
    return this.#turn();
  }

  onEnd(): ModificationEffect[] {
    this.#waiting = 0;
    return this.#glare ? [disarm('glare')] : [];
  }

  #turn(): ModificationEffect[] {
    if (this.#waiting === 0 || this.#glare) return [];
    this.#waiting--;
    return [{ type: 'turn' }];
  }
}
