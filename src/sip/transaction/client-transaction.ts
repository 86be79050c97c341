/** A client transaction as its user holds it: what was sent, on which flow, and the one thing that can still be done about it. The machine decides, the layer acts. */
import type { HeaderEntry } from '../message/headers.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { ArmedTimers } from './armed-timers.js';
import type { EndReason, TimerName } from './effects.js';
import type { InviteClient } from './invite-client.js';
import type { NonInviteClient } from './non-invite-client.js';
import type { Wire } from './wire.js';

export interface ClientUser {
  /** Every 1xx, the final, and to an INVITE every further 2xx (RFC 6026 §7.2). */
  onResponse(response: SipResponse): void;
  /** Without a final response: why there is none. After a 2xx to an INVITE: no further one can come. After any other final it is not called. */
  onEnd(reason: EndReason): void;
}

/** Nobody waits for the answer. */
export const UNHEARD: ClientUser = { onResponse: () => {}, onEnd: () => {} };

export class ClientTransaction<W extends Wire> {
  readonly kind = 'client';
  readonly key: string;
  readonly flow: W;
  /** Let go with the final response, but for an INVITE that was accepted. */
  user: ClientUser;
  readonly machine: InviteClient | NonInviteClient;
  readonly armed = new ArmedTimers();
  readonly fire = (timer: TimerName): void => this.#onTimer(this, timer);
  /** What was sent last, for the machine's `resend`. */
  sent: Uint8Array | undefined;
  /** Let go with the final response: after it there is nothing to cancel. */
  request: SipRequest | undefined;
  cancelHeaders: readonly HeaderEntry[] | undefined;
  readonly #onTimer: (transaction: ClientTransaction<W>, timer: TimerName) => void;
  readonly #cancel: (transaction: ClientTransaction<W>) => void;

  constructor(
    key: string,
    request: SipRequest,
    flow: W,
    user: ClientUser,
    machine: InviteClient | NonInviteClient,
    onTimer: (transaction: ClientTransaction<W>, timer: TimerName) => void,
    cancel: (transaction: ClientTransaction<W>) => void,
  ) {
    this.key = key;
    this.request = request;
    this.flow = flow;
    this.user = user;
    this.machine = machine;
    this.#onTimer = onTimer;
    this.#cancel = cancel;
  }

  /** §9.1, INVITE only: at once after a 1xx, else when one comes; nothing after a final response. */
  cancel(headers?: readonly HeaderEntry[]): void {
    this.cancelHeaders ??= headers;
    this.#cancel(this);
  }
}
