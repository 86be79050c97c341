/**
 * What the table keeps of a server transaction: no more than copies of the request still need. Thousands of these lie there for 64*T1 after
 * their final response, so request and user are let go with it.
 */
import { ArmedTimers } from './armed-timers.js';
import type { TimerName } from './effects.js';
import { InviteServer } from './invite-server.js';
import type { NonInviteServer } from './non-invite-server.js';
import type { ServerTransaction } from './server-transaction.js';
import type { Wire } from './wire.js';

export class ServerEntry<W extends Wire> {
  readonly kind = 'server';
  readonly key: string;
  readonly mergeKey: string | undefined;
  readonly toTag: string;
  readonly flow: W;
  readonly machine: InviteServer | NonInviteServer;
  readonly armed = new ArmedTimers();
  readonly fire = (timer: TimerName): void => this.#onTimer(this, timer);
  /** What was sent last, for the machine's `resend`. */
  sent: Uint8Array | undefined;
  /** §18.2.2: where responses go when not back along `flow`. */
  elsewhere: Promise<W> | undefined;
  /** The user's side; undefined once nothing is left to be told. */
  user: ServerTransaction<W> | undefined;
  readonly #onTimer: (entry: ServerEntry<W>, timer: TimerName) => void;

  constructor(
    key: string,
    mergeKey: string | undefined,
    toTag: string,
    flow: W,
    machine: InviteServer | NonInviteServer,
    onTimer: (entry: ServerEntry<W>, timer: TimerName) => void,
  ) {
    this.key = key;
    this.mergeKey = mergeKey;
    this.toTag = toTag;
    this.flow = flow;
    this.machine = machine;
    this.#onTimer = onTimer;
  }

  /** An INVITE that has had no final response: what a CANCEL can still end. */
  get isCancellable(): boolean {
    return this.machine instanceof InviteServer && this.machine.state === 'proceeding';
  }

  /** No final response has been given yet. */
  get isPending(): boolean {
    const { state } = this.machine;
    return state === 'proceeding' || state === 'trying';
  }

  /** Nothing will happen of which the user must hear: a refused INVITE still waits for its ACK (Timer H). */
  get isUnattended(): boolean {
    return !this.isPending && !(this.machine instanceof InviteServer && this.machine.state === 'completed');
  }
}
