/**
 * The caller's side of an INVITE above its transaction (RFC 3261 §13.2.2): one request, perhaps many callees. Early dialogs are told apart by their
 * To tag; the first 2xx is the call; a repeated 2xx is acknowledged again; a 2xx from anyone else is acknowledged and released. It has no timer of its
 * own: no 2xx can come once the client transaction has ended with its Timer M, which is the 64*T1 of §13.2.2.4 (RFC 6026 §7.2).
 */
import type { SipResponse } from '../message/message.js';

export type ForkingState = 'calling' | 'accepted' | 'refused';

export type ForkingEffect =
  /** A 1xx of this callee; `isFirst` makes its early dialog. */
  | { readonly type: 'early'; readonly tag: string; readonly response: SipResponse; readonly isFirst: boolean }
  /** A 1xx without a To tag: news, but no dialog. */
  | { readonly type: 'progress'; readonly response: SipResponse }
  /** The 2xx that makes the call. */
  | { readonly type: 'accepted'; readonly tag: string; readonly response: SipResponse; readonly isFirst: boolean }
  /** The same 2xx again: its ACK was lost. */
  | { readonly type: 'acknowledge'; readonly tag: string }
  /** One callee too many, or one who answered after we gave up: ACK, then BYE. */
  | { readonly type: 'release'; readonly tag: string; readonly response: SipResponse }
  /** Its early dialog is over: somebody else answered, or nobody will. */
  | { readonly type: 'lost'; readonly tag: string }
  | { readonly type: 'refused'; readonly response: SipResponse };

/** Callees remembered for one INVITE: a hostile or mad network cannot make more dialogs than this. */
const MAX_FORKS = 32;

export class Forking {
  #state: ForkingState = 'calling';
  /** To tags with an early dialog. */
  #early: string[] = [];
  /** To tags whose 2xx has been acknowledged, the call's own among them. */
  readonly #answered: string[] = [];
  #winner: string | undefined;
  /** §9.1, §15: we gave up; a 2xx that crossed our CANCEL is released at once. */
  #abandoned = false;

  get state(): ForkingState {
    return this.#state;
  }

  /** The callee whose 2xx made the call. */
  get winner(): string | undefined {
    return this.#winner;
  }

  onResponse(response: SipResponse): ForkingEffect[] {
    if (response.status < 200) return this.#onProvisional(response);
    if (response.status < 300) return this.#onSuccess(response);
    return this.#onFailure(response);
  }

  /** The caller no longer wants the call: whoever answers now is released. */
  onAbandon(): void {
    this.#abandoned = true;
  }

  #onProvisional(response: SipResponse): ForkingEffect[] {
    // §13.2.2.4: after the first final response an early dialog has no future; its 2xx would be released.
    if (this.#state !== 'calling') return [];
    const tag = response.to?.tag;
    if (tag === undefined || response.status === 100) return [{ type: 'progress', response }];
    const isFirst = !this.#early.includes(tag);
    if (isFirst) {
      if (this.#early.length >= MAX_FORKS) return [];
      this.#early.push(tag);
    }
    return [{ type: 'early', tag, response, isFirst }];
  }

  #onSuccess(response: SipResponse): ForkingEffect[] {
    const tag = response.to?.tag ?? '';
    switch (this.#state) {
      case 'calling': {
        this.#state = 'accepted';
        const isFirst = !this.#early.includes(tag);
        this.#early = this.#early.filter((other) => other !== tag);
        const lost = this.#loseEarly();
        this.#answered.push(tag);
        if (this.#abandoned) return [{ type: 'release', tag, response }, ...lost];
        this.#winner = tag;
        return [{ type: 'accepted', tag, response, isFirst }, ...lost];
      }
      case 'accepted':
      // §16.7 step 5: a 2xx behind a refusal is met where proxies fork; whoever it is must be told that nobody is there.
      case 'refused':
        if (this.#answered.includes(tag)) return [{ type: 'acknowledge', tag }];
        if (this.#answered.length >= MAX_FORKS) return [];
        this.#answered.push(tag);
        return [{ type: 'release', tag, response }];
    }
  }

  #onFailure(response: SipResponse): ForkingEffect[] {
    switch (this.#state) {
      case 'calling':
        this.#state = 'refused';
        return [...this.#loseEarly(), { type: 'refused', response }];
      case 'accepted':
      case 'refused':
        return [];
    }
  }

  #loseEarly(): ForkingEffect[] {
    const lost = this.#early.map((tag) => ({ type: 'lost', tag }) as const);
    this.#early = [];
    return lost;
  }
}
