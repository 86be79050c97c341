/** A server transaction as its user holds it: the request, and the way to answer it. The machine decides, the layer acts. */
import type { HeaderEntry } from '../message/headers.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { responseTo } from '../message/response-to.js';
import { ArmedTimers } from './armed-timers.js';
import type { TimerName } from './effects.js';
import { InviteServer } from './invite-server.js';
import { NonInviteServer } from './non-invite-server.js';
import type { Performer } from './performer.js';
import type { Timers } from './timers.js';
import type { Wire } from './wire.js';

export interface ReplyOptions {
  readonly reason?: string;
  readonly headers?: readonly HeaderEntry[];
  readonly body?: Uint8Array | string;
  readonly contentType?: string;
}

export class ServerTransaction<W extends Wire> {
  readonly kind = 'server';
  readonly key: string;
  readonly mergeKey: string | undefined;
  readonly request: SipRequest;
  /** Where the request came from. */
  readonly flow: W;
  /** The tag in the To of every response of this transaction, and of the response to its CANCEL (§8.2.6.2, §9.2). */
  readonly toTag: string;
  readonly machine: InviteServer | NonInviteServer;
  readonly armed = new ArmedTimers();
  readonly fire: (timer: TimerName) => void;
  /** What was sent last, for the machine's `resend`. */
  sent: Uint8Array | undefined;
  /** §18.2.2: where responses go when it is not back along `flow`. */
  elsewhere: Promise<W> | undefined;
  /** The CANCEL has been answered 200; the INVITE is for this to answer, 487. Without a handler the layer does. */
  onCancel: ((cancel: SipRequest) => void) | undefined;
  /** `timeout`: no ACK (Timer H), or no answer of ours in time (RFC 4320). `transport`: a response could not be sent anywhere. */
  onFailure: ((why: 'timeout' | 'transport') => void) | undefined;
  readonly #performer: Performer<W>;

  constructor(
    key: string,
    mergeKey: string | undefined,
    request: SipRequest,
    flow: W,
    toTag: string,
    timers: Timers,
    performer: Performer<W>,
  ) {
    const reliability = flow.reliable ? 'reliable' : 'unreliable';
    this.key = key;
    this.mergeKey = mergeKey;
    this.request = request;
    this.flow = flow;
    this.toTag = toTag;
    this.machine =
      request.method === 'INVITE' ? new InviteServer(request, reliability, timers) : new NonInviteServer(request, reliability, timers);
    this.#performer = performer;
    this.fire = (timer) => performer.perform(this, this.machine.onTimer(timer, performer.now()));
  }

  get state(): 'trying' | 'proceeding' | 'completed' | 'confirmed' | 'accepted' | 'terminated' {
    return this.machine.state;
  }

  /** No final response has been given yet. */
  get isPending(): boolean {
    return this.state === 'trying' || this.state === 'proceeding';
  }

  /** Provisionals, then one final; to an INVITE the 2xx again and again. What comes too late is ignored. */
  respond(response: SipResponse): void {
    this.#performer.perform(this, this.machine.respond(response, this.#performer.now()));
  }

  reply(status: number, options: ReplyOptions = {}): void {
    this.respond(responseTo(this.request, status, { ...options, toTag: this.toTag }));
  }
}
