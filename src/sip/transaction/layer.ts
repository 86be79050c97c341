/**
 * The transaction layer, RFC 3261 §17: every transaction in two tables, and one switch that carries out what the machines ask for.
 * CANCEL (§9), merged requests (§8.2.2.2), response routing (§18.2.2), strays (RFC 6026 §8.9) and stateless answers (§8.2.7) are settled here.
 */
import type { Clock } from '../../clock.js';
import { type Logger, silentLogger } from '../../log.js';
import type { Random } from '../../random.js';
import type { HeaderEntry } from '../message/headers.js';
import type { SipMessage, SipRequest, SipResponse } from '../message/message.js';
import { responseTo } from '../message/response-to.js';
import { write } from '../message/write.js';
import { cancelFor } from './cancel.js';
import { ClientTransaction, type ClientUser, UNHEARD } from './client-transaction.js';
import type { Effect, TimerName } from './effects.js';
import { InviteClient } from './invite-client.js';
import { InviteServer } from './invite-server.js';
import { clientKey, isUniqueBranch, mergeKey, serverKey } from './key.js';
import { NonInviteClient } from './non-invite-client.js';
import { NonInviteServer } from './non-invite-server.js';
import { ServerEntry } from './server-entry.js';
import { ServerTransaction } from './server-transaction.js';
import { Shelf } from './shelf.js';
import { StatelessTags } from './stateless-tags.js';
import { Table } from './table.js';
import type { Timers } from './timers.js';
import type { Wire } from './wire.js';

export interface Refusal {
  readonly status: number;
  readonly reason?: string;
  readonly headers?: readonly HeaderEntry[];
}

export interface TransactionUser<W extends Wire> {
  /** Asked once for each new request, before anything is allocated for it. A refusal is sent statelessly, and again for every copy. */
  admit(request: SipRequest, flow: W): 'accept' | 'drop' | Refusal;
  /** A new request, neither ACK nor CANCEL. */
  onRequest(transaction: ServerTransaction<W>): void;
  /** An ACK that is not a transaction's: of a 2xx (§13.2.2.4), or of a stateless refusal. False: nobody's. */
  onAck(ack: SipRequest, flow: W): boolean;
  /** A response to nothing that is under way here. */
  onStray?(flow: W): void;
  /** §18.2.2: another flow for the responses to `request`, where the one it came on will not do. */
  responseFlow(request: SipRequest, flow: W): Promise<W> | undefined;
}

export interface TransactionLimits {
  /** Server transactions at a time; past them new requests get a stateless 503. @default 200000 */
  readonly serverTransactions: number;
}

export interface TransactionLayerOptions<W extends Wire> {
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  readonly user: TransactionUser<W>;
  readonly limits?: Partial<TransactionLimits>;
  readonly logger?: Logger;
}

export interface TransactionCounters {
  readonly clients: number;
  readonly servers: number;
  /** Sent again by a timer or in answer to a copy. */
  readonly retransmissions: number;
  readonly strayResponses: number;
  readonly strayAcks: number;
  readonly strayCancels: number;
  readonly merged: number;
  readonly stateless: number;
  readonly refusedForLoad: number;
  readonly dropped: number;
  readonly timeouts: number;
  readonly transportFailures: number;
}

type Transaction<W extends Wire> = ClientTransaction<W> | ServerEntry<W>;

/** Methods a CANCEL may name without effect (§9.2): looked up only when it names no INVITE. */
const NOT_CANCELLABLE = ['BYE', 'OPTIONS', 'REGISTER', 'MESSAGE', 'INFO', 'UPDATE', 'PRACK', 'REFER', 'SUBSCRIBE', 'NOTIFY', 'PUBLISH'];

/** After these the same request may rightly come again with a new branch and, from careless clients, the same CSeq. */
const TRY_AGAIN = new Set([401, 407, 503]);

export class TransactionLayer<W extends Wire> {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #timers: Timers;
  readonly #user: TransactionUser<W>;
  readonly #limits: TransactionLimits;
  readonly #logger: Logger;
  readonly #tags: StatelessTags;
  readonly #shelf = new Shelf();
  readonly #clients = new Table<ClientTransaction<W>>();
  readonly #servers = new Table<ServerEntry<W>>();
  /** Of the requests outside dialogs, by what a fork leaves equal. */
  readonly #merged = new Table<ServerEntry<W>>();
  /** The clients of a flow, for when it fails. */
  readonly #byFlow = new Map<W, Set<ClientTransaction<W>>>();
  readonly #count = {
    retransmissions: 0,
    strayResponses: 0,
    strayAcks: 0,
    strayCancels: 0,
    merged: 0,
    stateless: 0,
    refusedForLoad: 0,
    dropped: 0,
    timeouts: 0,
    transportFailures: 0,
  };

  constructor(options: TransactionLayerOptions<W>) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#timers = options.timers;
    this.#user = options.user;
    this.#limits = { serverTransactions: options.limits?.serverTransactions ?? 200_000 };
    this.#logger = options.logger ?? silentLogger;
    this.#tags = new StatelessTags(options.random);
  }

  get counters(): TransactionCounters {
    return { clients: this.#clients.size, servers: this.#servers.size, ...this.#count };
  }

  /** Live transactions of both kinds. */
  get size(): number {
    return this.#clients.size + this.#servers.size;
  }

  /** Sends a request that is complete, its own Via with a branch of its own on top. Not for ACK. */
  request(request: SipRequest, flow: W, user: ClientUser): ClientTransaction<W> {
    const key = clientKey(request);
    if (key === undefined || this.#clients.has(key)) throw new Error(`a ${request.method} needs a branch of its own in its Via`);
    const reliability = flow.reliable ? 'reliable' : 'unreliable';
    const machine =
      request.method === 'INVITE'
        ? new InviteClient(request, reliability, this.#timers)
        : new NonInviteClient(request, reliability, this.#timers);
    const transaction = new ClientTransaction(key, request, flow, user, machine, this.#onTimer, this.#onCancelWanted);
    this.#clients.set(key, transaction);
    const beside = this.#byFlow.get(flow);
    if (beside === undefined) this.#byFlow.set(flow, new Set([transaction]));
    else beside.add(transaction);
    this.#perform(transaction, transaction.machine.start(this.#clock.now()));
    return transaction;
  }

  /** A message whose mandatory headers have been checked, its top Via stamped with received and rport. */
  receive(message: SipMessage, flow: W): void {
    if (message.kind === 'response') this.#onResponse(message, flow);
    else this.#onRequest(message, flow);
  }

  /** A flow is gone, or could not carry what was sent on it: its client transactions end here (§17.1.4). */
  onFlowFailed(flow: W): void {
    for (const transaction of [...(this.#byFlow.get(flow) ?? [])]) this.#perform(transaction, transaction.machine.onTransportError());
  }

  /** §8.2.7: an answer of which nothing is remembered; every copy of the request gets the same. Nothing for an ACK. */
  refuse(request: SipRequest, flow: W, refusal: Refusal): void {
    if (request.method === 'ACK') return;
    this.#count.stateless++;
    const toTag = request.to?.tag ?? this.#tags.tagFor(serverKey(request));
    const response = responseTo(request, refusal.status, {
      toTag,
      ...(refusal.reason === undefined ? {} : { reason: refusal.reason }),
      ...(refusal.headers === undefined ? {} : { headers: refusal.headers }),
    });
    const bytes = write(response);
    const elsewhere = this.#user.responseFlow(request, flow);
    if (elsewhere === undefined) flow.send(bytes);
    else
      elsewhere.then(
        (other) => other.send(bytes),
        () => this.#count.transportFailures++,
      );
  }

  /** Ends every transaction; their users hear `stopped`. Nothing is sent. */
  close(): void {
    for (const transaction of [...this.#clients.values(), ...this.#servers.values()])
      this.#perform(transaction, [{ type: 'end', reason: 'stopped' }]);
  }

  #perform(transaction: Transaction<W>, effects: readonly Effect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'send': {
          const bytes = write(effect.message);
          transaction.sent = this.#kept(transaction, bytes);
          if (transaction.kind === 'server' && effect.message.kind === 'response' && TRY_AGAIN.has(effect.message.status))
            this.#unmerge(transaction);
          this.#transmit(transaction, bytes);
          break;
        }
        case 'resend':
          if (transaction.sent === undefined) break;
          this.#count.retransmissions++;
          this.#transmit(transaction, transaction.sent);
          break;
        case 'arm':
          transaction.armed.arm(effect.timer, effect.at, this.#clock, transaction.fire);
          break;
        case 'disarm':
          transaction.armed.disarm(effect.timer);
          break;
        case 'deliver':
          this.#deliver(transaction, effect.response);
          break;
        case 'cancel':
          this.#sendCancel(transaction);
          break;
        case 'ack':
          this.#passAck(effect.request, transaction.flow);
          break;
        case 'failed':
          this.#count.transportFailures++;
          if (transaction.kind === 'server') this.#tellFailure(transaction.user, 'transport');
          break;
        case 'end':
          this.#end(transaction, effect.reason);
          break;
        default:
          effect satisfies never;
      }
    }
  }

  /** What the machine may ask to have resent: nothing after a 2xx to an INVITE; a final of ours for 64*T1. */
  #kept(transaction: Transaction<W>, bytes: Uint8Array): Uint8Array | undefined {
    switch (transaction.machine.state) {
      case 'accepted':
      case 'terminated':
        return undefined;
      case 'completed':
        return this.#shelf.keep(bytes);
      default:
        return bytes;
    }
  }

  #onResponse(response: SipResponse, flow: W): void {
    // §8.1.3.3: more than one Via means it was another's request.
    const key = response.vias.length === 1 ? clientKey(response) : undefined;
    const transaction = key === undefined ? undefined : this.#clients.get(key);
    if (transaction === undefined) {
      this.#count.strayResponses++;
      this.#user.onStray?.(flow);
    } else this.#perform(transaction, transaction.machine.onResponse(response, this.#clock.now()));
  }

  #onRequest(request: SipRequest, flow: W): void {
    const key = serverKey(request);
    const known = this.#servers.get(key);
    if (known !== undefined && (request.method !== 'ACK' || isAckOf(request, known))) {
      this.#perform(known, known.machine.onRequest(request, this.#clock.now()));
      if (known.isUnattended) known.user = undefined;
      return;
    }
    if (request.method === 'ACK') {
      this.#passAck(request, flow);
      return;
    }
    // A CANCEL of something we know needs no leave: what it cancels was admitted. It cannot be challenged either (§22.1).
    const cancelled = request.method === 'CANCEL' ? this.#findCancelled(request) : undefined;
    if (cancelled !== undefined) {
      this.#onCancel(request, key, flow, cancelled);
      return;
    }
    const admission = this.#user.admit(request, flow);
    if (admission === 'drop') this.#count.dropped++;
    else if (admission !== 'accept') this.refuse(request, flow, admission);
    else if (request.method === 'CANCEL') {
      this.#count.strayCancels++;
      this.refuse(request, flow, { status: 481 });
    } else this.#accept(request, key, flow);
  }

  #accept(request: SipRequest, key: string, flow: W): void {
    const copy = mergeKey(request);
    if (copy !== undefined && this.#merged.has(copy)) {
      this.#count.merged++;
      this.refuse(request, flow, { status: 482 });
      return;
    }
    if (this.#servers.size >= this.#limits.serverTransactions) {
      this.#count.refusedForLoad++;
      this.refuse(request, flow, { status: 503 });
      return;
    }
    const entry = this.#open(request, key, flow, request.to?.tag ?? this.#random.token(), copy);
    // Whoever answers at once needs no timer for the case that nobody does; a 100 that is wanted at once goes first.
    if (this.#timers.trying === 0) this.#start(entry);
    const transaction = entry.user!;
    try {
      this.#user.onRequest(transaction);
    } catch (error) {
      this.#logger.error({ error, method: request.method }, 'the handler of a request failed');
      transaction.reply(500);
    }
    if (this.#timers.trying !== 0 && entry.isPending) this.#start(entry);
  }

  #start(entry: ServerEntry<W>): void {
    this.#perform(entry, entry.machine.start(this.#clock.now()));
  }

  #open(request: SipRequest, key: string, flow: W, toTag: string, copy?: string): ServerEntry<W> {
    const reliability = flow.reliable ? 'reliable' : 'unreliable';
    const machine =
      request.method === 'INVITE'
        ? new InviteServer(request, reliability, this.#timers)
        : new NonInviteServer(request, reliability, this.#timers);
    const entry = new ServerEntry(key, copy, toTag, flow, machine, this.#onTimer);
    entry.user = new ServerTransaction(request, entry, this.#respond);
    this.#servers.set(key, entry);
    if (copy !== undefined) this.#merged.set(copy, entry);
    entry.elsewhere = this.#user.responseFlow(request, flow);
    // Whether it failed matters, and is looked at, when there is a response to send.
    entry.elsewhere?.catch(() => {});
    return entry;
  }

  readonly #onTimer = (transaction: Transaction<W>, timer: TimerName): void => {
    this.#perform(transaction, transaction.machine.onTimer(timer, this.#clock.now()));
  };

  readonly #onCancelWanted = (transaction: ClientTransaction<W>): void => {
    if (transaction.machine instanceof InviteClient) this.#perform(transaction, transaction.machine.cancel(this.#clock.now()));
  };

  /** A response of the user's: while it is sent the user is attended to, whatever the entry has let go of. */
  readonly #respond = (transaction: ServerTransaction<W>, entry: ServerEntry<W>, response: SipResponse): void => {
    entry.user = transaction;
    this.#perform(entry, entry.machine.respond(response, this.#clock.now()));
    if (entry.isUnattended) entry.user = undefined;
  };

  #findCancelled(cancel: SipRequest): ServerEntry<W> | undefined {
    const invite = this.#servers.get(serverKey(cancel, 'INVITE'));
    if (invite !== undefined) return invite;
    if (!isUniqueBranch(cancel.via?.branch)) return undefined;
    for (const method of NOT_CANCELLABLE) {
      const other = this.#servers.get(serverKey(cancel, method));
      if (other !== undefined) return other;
    }
    return undefined;
  }

  /** §9.2: the CANCEL is always answered 200; it has effect on an INVITE that has had no final response. */
  #onCancel(cancel: SipRequest, key: string, flow: W, cancelled: ServerEntry<W>): void {
    this.#open(cancel, key, flow, cancelled.toTag).user!.reply(200);
    const invite = cancelled.isCancellable ? cancelled.user : undefined;
    if (invite === undefined) return;
    if (invite.onCancel === undefined) {
      invite.reply(487);
      return;
    }
    try {
      invite.onCancel(cancel);
    } catch (error) {
      this.#logger.error({ error }, 'the handler of a CANCEL failed');
      invite.reply(487);
    }
  }

  #passAck(ack: SipRequest, flow: W): void {
    try {
      if (!this.#user.onAck(ack, flow)) this.#count.strayAcks++;
    } catch (error) {
      this.#logger.error({ error }, 'the handler of an ACK failed');
    }
  }

  #deliver(transaction: Transaction<W>, response: SipResponse): void {
    if (transaction.kind === 'server') return;
    if (response.status >= 200) {
      transaction.request = undefined;
      if (transaction.machine.state !== 'completed') transaction.sent = undefined;
    }
    const { user, machine } = transaction;
    if (response.status >= 200 && machine.state !== 'accepted') transaction.user = UNHEARD;
    try {
      user.onResponse(response);
    } catch (error) {
      this.#logger.error({ error, status: response.status }, 'the handler of a response failed');
    }
  }

  #sendCancel(transaction: Transaction<W>): void {
    if (transaction.kind === 'server' || transaction.request === undefined) return;
    this.request(cancelFor(transaction.request, transaction.cancelHeaders), transaction.flow, UNHEARD);
  }

  #transmit(transaction: Transaction<W>, bytes: Uint8Array): void {
    const { flow } = transaction;
    if (transaction.kind === 'client') {
      flow.send(bytes);
      return;
    }
    const { user } = transaction;
    if (!flow.isOpen && user !== undefined) transaction.elsewhere ??= this.#user.responseFlow(user.request, flow);
    if (transaction.elsewhere === undefined) {
      if (flow.isOpen) flow.send(bytes);
      else this.#perform(transaction, transaction.machine.onTransportError());
      return;
    }
    transaction.elsewhere.then(
      (other) => other.send(bytes),
      () => {
        this.#count.transportFailures++;
        if (transaction.machine.onTransportError().length > 0) this.#tellFailure(user, 'transport');
      },
    );
  }

  #tellFailure(user: ServerTransaction<W> | undefined, why: 'timeout' | 'transport'): void {
    try {
      user?.onFailure?.(why);
    } catch (error) {
      this.#logger.error({ error, why }, 'the handler of a failed transaction failed');
    }
  }

  #end(transaction: Transaction<W>, reason: Extract<Effect, { type: 'end' }>['reason']): void {
    transaction.armed.disarmAll();
    if (transaction.kind === 'server') {
      this.#servers.delete(transaction.key);
      this.#unmerge(transaction);
      if (reason === 'timeout') {
        this.#count.timeouts++;
        this.#tellFailure(transaction.user, reason);
      }
      return;
    }
    this.#clients.delete(transaction.key);
    const beside = this.#byFlow.get(transaction.flow);
    beside?.delete(transaction);
    if (beside?.size === 0) this.#byFlow.delete(transaction.flow);
    if (reason === 'timeout') this.#count.timeouts++;
    else if (reason === 'transport') this.#count.transportFailures++;
    try {
      transaction.user.onEnd(reason);
    } catch (error) {
      this.#logger.error({ error, reason }, 'the handler of the end of a transaction failed');
    }
  }

  #unmerge(transaction: ServerEntry<W>): void {
    const { mergeKey: copy } = transaction;
    if (copy !== undefined && this.#merged.get(copy) === transaction) this.#merged.delete(copy);
  }
}

/** §17.2.3: without a unique branch the To tag tells the ACK of a refusal from that of a 2xx given elsewhere. */
function isAckOf<W extends Wire>(ack: SipRequest, invite: ServerEntry<W>): boolean {
  return isUniqueBranch(ack.via?.branch) || ack.to?.tag === invite.toTag;
}
