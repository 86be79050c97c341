/** The far end wants this call to go elsewhere (REFER, 3xx, or an INVITE that replaces it). Nothing happens unless the application accepts. */
import type { CallSession } from '../session/call-session.js';
import type { ReferredCall, TransferRequest as SessionRequest } from '../session/transfer-request.js';
import type { Uri } from '../sip/message/uri.js';
import type { Call } from './call.js';
import { Party } from './party.js';

export interface TransferHome {
  placeReferred(target: Uri, referredBy: string | undefined): CallSession;
  callOf(session: CallSession): Call;
}

export class TransferRequest {
  readonly kind: 'refer' | 'redirect' | 'replaces';
  /** Where to: one for a REFER, any number for a 3xx, none for a call that comes by itself. */
  readonly targets: readonly string[];
  /** RFC 3892: who says so. Not proven. */
  readonly referredBy: Party | undefined;
  /** The target of a REFER is to take over a call that exists. */
  readonly isAttended: boolean;
  readonly #request: SessionRequest;
  readonly #home: TransferHome;

  /** @internal */
  constructor(request: SessionRequest, home: TransferHome) {
    this.kind = request.kind;
    this.targets = request.targets.map(String);
    this.referredBy = request.referredBy === undefined ? undefined : new Party(request.referredBy);
    this.isAttended = request.isAttended;
    this.#request = request;
    this.#home = home;
  }

  /**
   * 'refer': a new call is placed by the bot's own ways, its progress reported, and it is what is returned. 'redirect': this call goes on to
   * the next target. 'replaces': the call that comes is answered, and this one ends. Undefined when it has been decided already.
   */
  accept(): Call | undefined {
    const place = ({ target, referredBy }: ReferredCall): CallSession => this.#home.placeReferred(target, referredBy);
    const session = this.#request.accept(place);
    return session === undefined ? undefined : this.#home.callOf(session);
  }

  reject(status = 603, reason?: string): void {
    this.#request.reject(status, reason);
  }
}
