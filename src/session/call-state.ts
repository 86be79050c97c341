// The states of a call, as an application sees them. Pure: a fact goes in, what there is to tell comes out; what does not fit the state is ignored.
import type { CallEnd } from './call-end.js';

/** 'ringing' from the first INVITE on; 'early' once audio flows before the answer; 'held' while either side holds. */
export type CallState = 'ringing' | 'early' | 'answered' | 'held' | 'ended';

export type Side = 'local' | 'remote';

export type CallNews =
  | { readonly type: 'ringing' }
  | { readonly type: 'early' }
  | { readonly type: 'answered' }
  | { readonly type: 'held'; readonly by: Side }
  | { readonly type: 'resumed'; readonly by: Side }
  /** Exactly once, and always the last. */
  | { readonly type: 'ended'; readonly end: CallEnd };

export class CallMachine {
  #state: CallState = 'ringing';
  #hasRung = false;
  readonly #holders = new Set<Side>();

  get state(): CallState {
    return this.#state;
  }

  isHeldBy(side: Side): boolean {
    return this.#holders.has(side);
  }

  /** 180, in or out. Once, also when early media came before it. */
  onRinging(): CallNews[] {
    if (this.#hasRung || (this.#state !== 'ringing' && this.#state !== 'early')) return [];
    this.#hasRung = true;
    return [{ type: 'ringing' }];
  }

  /** A description agreed in a 1xx. */
  onEarlyMedia(): CallNews[] {
    if (this.#state !== 'ringing') return [];
    this.#state = 'early';
    return [{ type: 'early' }];
  }

  onAnswered(): CallNews[] {
    if (this.#state !== 'ringing' && this.#state !== 'early') return [];
    this.#state = 'answered';
    return [{ type: 'answered' }];
  }

  onHeld(by: Side): CallNews[] {
    if ((this.#state !== 'answered' && this.#state !== 'held') || this.#holders.has(by)) return [];
    this.#holders.add(by);
    this.#state = 'held';
    return [{ type: 'held', by }];
  }

  /** When both hold, each has to let go; the call stays 'held' until the second does. */
  onResumed(by: Side): CallNews[] {
    if (this.#state !== 'held' || !this.#holders.delete(by)) return [];
    if (this.#holders.size === 0) this.#state = 'answered';
    return [{ type: 'resumed', by }];
  }

  onEnded(end: CallEnd): CallNews[] {
    if (this.#state === 'ended') return [];
    this.#state = 'ended';
    return [{ type: 'ended', end }];
  }
}
