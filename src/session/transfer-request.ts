// Somebody wants a call to go elsewhere: a REFER (RFC 3515), a 3xx to a call of ours (RFC 3261 §8.1.3.4), or an INVITE that would take a call's place
// (RFC 3891). Nothing of it happens by itself; whoever listens decides.
import { CallError } from '../errors.js';
import type { NameAddr } from '../sip/message/name-addr.js';
import type { Uri } from '../sip/message/uri.js';
import type { CallSession } from './call-session.js';

export type TransferKind = 'refer' | 'redirect' | 'replaces';

/** How the new call is to be placed; the URI still holds what a Refer-To may add to it (Replaces, RFC 3891 §3). */
export interface ReferredCall {
  readonly target: Uri;
  readonly referredBy: string | undefined;
}

export interface TransferActions {
  /** Does it, and hands out the call that comes of it. */
  accept(place: ((referred: ReferredCall) => CallSession) | undefined): CallSession;
  reject(status: number, reason: string | undefined): void;
}

export class TransferRequest {
  readonly kind: TransferKind;
  /** Where to: one for a REFER, any number for a 3xx, none for a call that comes by itself. */
  readonly targets: readonly Uri[];
  /** RFC 3892: who says so. Not proven. */
  readonly referredBy: NameAddr | undefined;
  /** True when the target of a REFER is to take over a call that exists: an attended transfer. */
  readonly isAttended: boolean;
  readonly #actions: TransferActions;
  #decision: 'none' | 'accepted' | 'rejected' = 'none';

  constructor(
    kind: TransferKind,
    said: { readonly targets: readonly Uri[]; readonly referredBy?: NameAddr | undefined; readonly isAttended?: boolean },
    actions: TransferActions,
  ) {
    this.kind = kind;
    this.targets = said.targets;
    this.referredBy = said.referredBy;
    this.isAttended = said.isAttended ?? false;
    this.#actions = actions;
  }

  get decision(): 'none' | 'accepted' | 'rejected' {
    return this.#decision;
  }

  /**
   * 'refer': a new call is placed (by `place`, where the application has its own ways) and its progress reported. 'redirect': this call goes on to
   * the next target. 'replaces': the new call is answered and this one ends. Undefined when it has been decided already, and when there is no room for
   * another call: then the far end is told so.
   */
  accept(place?: (referred: ReferredCall) => CallSession): CallSession | undefined {
    if (this.#decision !== 'none') return undefined;
    this.#decision = 'accepted';
    try {
      return this.#actions.accept(place);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      this.#decision = 'rejected';
      // Without our reason: how full we are is nobody's business.
      this.#actions.reject(error.status, undefined);
      return undefined;
    }
  }

  reject(status = 603, reason?: string): void {
    if (this.#decision !== 'none') return;
    this.#decision = 'rejected';
    this.#actions.reject(status, reason);
  }
}
