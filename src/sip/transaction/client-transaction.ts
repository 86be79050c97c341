/** A client transaction as its user holds it: what was sent, on which flow, and the one thing that can still be done about it. The machine decides, the layer acts. */
import type { HeaderEntry } from '../message/headers.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { ArmedTimers } from './armed-timers.js';
import type { EndReason, TimerName } from './effects.js';
import { InviteClient } from './invite-client.js';
import { NonInviteClient } from './non-invite-client.js';
import type { Performer } from './performer.js';
import type { Timers } from './timers.js';
import type { Wire } from './wire.js';

export interface ClientUser {
  /** Every 1xx, the final, and to an INVITE every further 2xx (RFC 6026 §7.2). */
  onResponse(response: SipResponse): void;
  /** Exactly once, last. Before a final response it says why there is none. */
  onEnd(reason: EndReason): void;
}

export class ClientTransaction<W extends Wire> {
  readonly kind = 'client';
  readonly key: string;
  readonly flow: W;
  readonly user: ClientUser;
  readonly machine: InviteClient | NonInviteClient;
  readonly armed = new ArmedTimers();
  readonly fire: (timer: TimerName) => void;
  /** What was sent last, for the machine's `resend`. */
  sent: Uint8Array | undefined;
  /** Let go with the final response: after it there is nothing to cancel. */
  request: SipRequest | undefined;
  cancelHeaders: readonly HeaderEntry[] | undefined;
  readonly #performer: Performer<W>;

  constructor(key: string, request: SipRequest, flow: W, user: ClientUser, timers: Timers, performer: Performer<W>) {
    const reliability = flow.reliable ? 'reliable' : 'unreliable';
    this.key = key;
    this.request = request;
    this.flow = flow;
    this.user = user;
    this.machine =
      request.method === 'INVITE' ? new InviteClient(request, reliability, timers) : new NonInviteClient(request, reliability, timers);
    this.#performer = performer;
    this.fire = (timer) => performer.perform(this, this.machine.onTimer(timer, performer.now()));
  }

  /** §9.1, INVITE only: at once after a 1xx, else when one comes; nothing after a final response. */
  cancel(headers?: readonly HeaderEntry[]): void {
    if (!(this.machine instanceof InviteClient)) return;
    this.cancelHeaders ??= headers;
    this.#performer.perform(this, this.machine.cancel(this.#performer.now()));
  }
}
