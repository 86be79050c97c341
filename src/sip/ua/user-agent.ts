/**
 * A SIP user agent (RFC 3261 §8): transports, resolver, transactions, digest and dialogs, wired. Sends any request and awaits its final response,
 * handles any method. What a message must pass on its way in is decided here, in the order of §8.2; what it means is decided elsewhere.
 */
import { EventEmitter } from 'eventemitter3';
import { systemClock } from '../../clock.js';
import { SipBotError } from '../../errors.js';
import { type Logger, silentLogger } from '../../log.js';
import { type Random, systemRandom } from '../../random.js';
import { DigestClient } from '../auth/digest-client.js';
import { check } from '../message/check.js';
import type { SipMessage, SipRequest, SipResponse } from '../message/message.js';
import type { ParseFailure } from '../message/parse-failure.js';
import { responseToFailure } from '../message/response-to.js';
import { write } from '../message/write.js';
import { type Refusal, TransactionLayer } from '../transaction/layer.js';
import type { ServerTransaction } from '../transaction/server-transaction.js';
import { TimerHeap } from '../transaction/timer-heap.js';
import { resolveTimers, type Timers } from '../transaction/timers.js';
import type { Flow } from '../transport/flow.js';
import { TargetResolver } from '../transport/resolve.js';
import type { ListenAddress } from '../transport/transport.js';
import { TransportLayer } from '../transport/transport-layer.js';
import type { Admission, Authenticator, Proof } from './admission.js';
import type { AgentCore, ClientExchange, SendOptions, Way } from './agent-core.js';
import { DialogTable } from './dialog-table.js';
import { Identification } from './identification.js';
import { IncomingRequest } from './incoming-request.js';
import { type Abilities, inspect } from './inspection.js';
import { receiveInvite } from './invite-incoming.js';
import { OutgoingInvite } from './invite-outgoing.js';
import type { OutgoingInviteOptions } from './invite-usage.js';
import { outgoingRequest, type RequestOptions } from './outgoing-request.js';
import { responseFlow } from './response-flow.js';
import { Sender } from './sender.js';
import { type IncomingSubscriptionOptions, receiveSubscribe } from './subscription-incoming.js';
import { OutgoingSubscription, type SubscriptionOptions } from './subscription-outgoing.js';
import type { HandlerOptions, RequestHandler, UserAgentEvents, UserAgentOptions, UserAgentStats } from './user-agent-options.js';

interface Handling {
  readonly handler: RequestHandler;
  readonly accept: readonly string[] | undefined;
  readonly authenticate: Authenticator | undefined;
}

const OWN_METHODS = ['INVITE', 'ACK', 'CANCEL', 'BYE', 'OPTIONS', 'PRACK', 'UPDATE', 'INFO', 'REFER', 'NOTIFY'];
/** Of those, the ones that mean something only within a dialog. */
const ONLY_IN_DIALOG = new Set(['BYE', 'PRACK', 'UPDATE', 'INFO', 'NOTIFY']);
const SUPPORTED = ['100rel', 'timer', 'replaces', 'norefersub'];
/** Understood in Require, though not worth mentioning in Supported: RFC 5626, 5627, 3327, 4538. */
const UNDERSTOOD = [...SUPPORTED, 'outbound', 'gruu', 'path', 'tdialog'];
/** §13.2.1: what an INVITE brings, besides multiparts that hold one. */
const SESSION_BODIES = ['application/sdp'];
const ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>';
const POLL_MS = 20;
/** Says nothing about the way: a datagram too large is told to its own request, and where the system is short of room the next copy may find some. */
const LIKE_A_LOSS = new Set(['EMSGSIZE', 'ENOBUFS', 'EAGAIN', 'ENOMEM']);

export class UserAgent extends EventEmitter<UserAgentEvents> implements AgentCore {
  readonly clock: TimerHeap;
  readonly random: Random;
  readonly logger: Logger;
  readonly timers: Timers;
  readonly product: string;
  readonly supported: readonly string[];
  readonly dialogs = new DialogTable();
  readonly transports: TransportLayer;
  readonly transactions: TransactionLayer<Flow>;
  readonly resolver: TargetResolver;
  readonly #options: UserAgentOptions;
  readonly #sender: Sender;
  readonly #identification: Identification;
  readonly #handlers = new Map<string, Handling>();
  readonly #abilities: { allow: readonly string[] } & Abilities;
  #state: 'new' | 'running' | 'closing' | 'closed' = 'new';
  #closed: Promise<void> | undefined;
  #malformed = 0;

  constructor(options: UserAgentOptions = {}) {
    super();
    const { clock = systemClock, random = systemRandom, logger = silentLogger, product = 'sipbot', supported = [] } = options;
    this.#options = options;
    this.clock = new TimerHeap(clock);
    this.random = random;
    this.logger = logger;
    this.product = product;
    this.timers = resolveTimers(options.timers);
    this.supported = [...new Set([...SUPPORTED, ...supported])];
    this.#abilities = {
      allow: this.#ownMethods(),
      extensions: new Set([...UNDERSTOOD, ...supported.map((tag) => tag.toLowerCase())]),
      accepts: (method) => this.#handlers.get(method)?.accept ?? (method === 'INVITE' ? SESSION_BODIES : undefined),
    };
    this.transports = new TransportLayer({
      clock: this.clock,
      random,
      logger,
      isShut: (address) => options.guard?.isShut(address, this.clock.now()) === true,
      ...(options.network === undefined ? {} : { network: options.network }),
      ...(options.tls === undefined ? {} : { tls: options.tls }),
      ...(options.transportLimits === undefined ? {} : { limits: options.transportLimits }),
      ...(options.publicAddress === undefined ? {} : { publicAddress: options.publicAddress }),
      ...(options.localNetworks === undefined ? {} : { localNetworks: options.localNetworks }),
    });
    this.#identification = new Identification(this.clock, logger, options.guard);
    this.resolver = new TargetResolver({
      clock: this.clock,
      random,
      ...(options.resolver === undefined ? {} : { resolver: options.resolver }),
    });
    this.transactions = new TransactionLayer<Flow>({
      clock: this.clock,
      random,
      logger,
      timers: this.timers,
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      user: {
        admit: (request, flow) => this.#admit(request, flow),
        onRequest: (transaction) => this.#identification.pass(transaction, (proof) => this.#dispatch(transaction, proof)),
        onAck: (ack, flow) => this.#onAck(ack, flow),
        onStray: this.#onStray,
        responseFlow: (request, flow) => responseFlow(this.transports, request, flow),
      },
    });
    this.#sender = new Sender({
      clock: this.clock,
      random,
      logger,
      product,
      transports: this.transports,
      transactions: this.transactions,
      resolver: this.resolver,
      digest: new DigestClient({ random }),
      credentials: options.credentials,
      largeRequests: options.largeRequests ?? {},
      contactUser: options.contactUser ?? random.token(),
      contactParams: options.contactParams ?? '',
      learnsAddress: options.publicAddress === 'auto',
    });
    this.transports.onMessage = (message, flow) => this.#onMessage(message, flow);
    this.transports.onParseFailure = (failure, flow) => this.#onParseFailure(failure, flow);
    this.transports.onSendFailure = (flow, error) => {
      if (!LIKE_A_LOSS.has((error as NodeJS.ErrnoException).code ?? '')) this.transactions.onFlowFailed(flow);
    };
    this.transports.onStray = this.#onStray;
    const { guard } = options;
    if (guard !== undefined) {
      guard.isEngaged = (address) => this.dialogs.hasPeer(address);
      guard.onBan = (address) => this.transports.destroyFrom(address);
      this.transports.onWanted = (address) => guard.spare(address, 'asked', this.clock.now());
    }
    this.transports.onFlowClosed = (flow) => this.transactions.onFlowFailed(flow);
    this.handle('OPTIONS', (incoming) => this.#onOptions(incoming));
  }

  get allow(): readonly string[] {
    return this.#abilities.allow;
  }

  get addresses(): readonly ListenAddress[] {
    return this.transports.addresses;
  }

  /** Listens. Rejects with ListenError when an address cannot be had, and has then let go of the others. */
  async start(): Promise<void> {
    if (this.#state !== 'new') throw new SipBotError('ERR_STATE', 'a user agent is started once');
    this.#state = 'running';
    try {
      for (const listen of this.#options.listen ?? [{ transport: 'udp' }]) await this.transports.listen(listen);
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /**
   * Ends everything: dialogs say goodbye and get `graceMs` to hear the answer, then all that is left is dropped. Afterwards every table is
   * empty, no timer is armed and no socket is open. Idempotent.
   */
  close(graceMs = 1000): Promise<void> {
    this.#closed ??= this.#close(graceMs);
    return this.#closed;
  }

  /** Any request outside a dialog. Resolves with the final response: a peer's, or ours (`isLocal`) when there was none. */
  request(options: RequestOptions): Promise<SipResponse> {
    return new Promise((resolve) => {
      const { request, nextHop } = outgoingRequest(options, this.#options.from ?? ANONYMOUS, this.random);
      const { flow, target, contact, credentials, prepare, onSent, signal } = options;
      this.send({
        request,
        onResponse: (response) => {
          if (response.status >= 200) resolve(response);
        },
        ...(flow === undefined ? { nextHop } : { flow }),
        ...(target === undefined ? {} : { target }),
        ...(contact === undefined ? {} : { contact }),
        ...(credentials === undefined ? {} : { credentials }),
        ...(prepare === undefined ? {} : { prepare }),
        ...(onSent === undefined ? {} : { onSent }),
        ...(signal === undefined ? {} : { signal }),
      });
    });
  }

  /** A call. What comes of it is told to its handler. */
  invite(options: OutgoingInviteOptions): OutgoingInvite {
    return new OutgoingInvite(this, options);
  }

  /** To be told of somebody else's state (RFC 6665). */
  subscribe(options: SubscriptionOptions): OutgoingSubscription {
    return new OutgoingSubscription(this, options);
  }

  /** What answers requests of a method outside dialogs; the latest one counts. What it throws is logged and answered 500. */
  handle(method: string, handler: RequestHandler, options: HandlerOptions = {}): void {
    const accept = options.accept?.map((type) => type.toLowerCase());
    this.#handlers.set(method, { handler, accept, authenticate: options.authenticate });
    this.#abilities.allow = [...new Set([...this.#ownMethods(), ...this.#handlers.keys()])];
  }

  send(options: SendOptions): ClientExchange {
    return this.#sender.send(options);
  }

  sendAck(ack: SipRequest, way: Way): void {
    this.#sender.sendAck(ack, way);
  }

  contactFor(flow: Flow): string {
    return this.#sender.contactFor(flow);
  }

  stats(): UserAgentStats {
    return {
      transactions: this.transactions.counters,
      transport: { ...this.transports.counters },
      dialogs: this.dialogs.size,
      requests: this.#sender.runners.size,
      timers: this.clock.pending,
      malformed: this.#malformed,
      guard: this.#options.guard?.counters(this.clock.now()),
    };
  }

  override on<E extends keyof UserAgentEvents>(event: E, listener: (...args: UserAgentEvents[E]) => void, context?: unknown): this {
    super.on(event, listener as never, context);
    this.#updateTracer();
    return this;
  }

  override once<E extends keyof UserAgentEvents>(event: E, listener: (...args: UserAgentEvents[E]) => void, context?: unknown): this {
    super.once(event, listener as never, context);
    this.#updateTracer();
    return this;
  }

  /** The transports are asked for messages only while somebody listens. */
  #updateTracer(): void {
    this.transports.onTrace = this.listenerCount('trace') === 0 ? undefined : this.#onTrace;
  }

  readonly #onTrace = (direction: 'in' | 'out', bytes: Uint8Array, { transport, local, remote }: Flow): void => {
    if (this.listenerCount('trace') === 0) this.#updateTracer();
    else this.emit('trace', { direction, bytes: Uint8Array.from(bytes), transport, local, remote, wall: this.clock.wall() });
  };

  async #close(graceMs: number): Promise<void> {
    this.#state = 'closing';
    this.emit('closing');
    this.dialogs.terminateAll('local');
    const until = this.clock.now() + graceMs;
    while (this.#isBusy() && this.clock.now() < until)
      await new Promise<void>((resolve) => this.clock.at(Math.min(until, this.clock.now() + POLL_MS), resolve));
    this.dialogs.terminateAll('transport');
    this.#sender.stop();
    this.transactions.close();
    await this.transports.close();
    this.#state = 'closed';
  }

  #isBusy(): boolean {
    if (this.dialogs.size > 0) return true;
    for (const runner of this.#sender.runners) if (!runner.isSettled) return true;
    return false;
  }

  #onMessage(message: SipMessage, flow: Flow): void {
    const failure = check(message);
    if (failure === undefined) this.transactions.receive(message, flow);
    else this.#onParseFailure(failure, flow);
  }

  /** §8.2.6, §18.3: a request that cannot be read gets its 400 where it says enough to be answered; a response is dropped. */
  #onParseFailure(failure: ParseFailure, flow: Flow): void {
    this.#malformed++;
    if (this.#options.guard?.isForgiven(flow.remote.address, this.clock.now()) === false) return;
    const response = responseToFailure(failure, this.random.token());
    if (response === undefined || this.#state !== 'running') return;
    if (this.#options.admit?.(failure, flow) === 'drop') return;
    flow.send(write(response));
  }

  #admit(request: SipRequest, flow: Flow): 'accept' | 'drop' | Refusal {
    // Whoever is in a dialog with us was let in when it began.
    if (request.to?.tag !== undefined && this.dialogs.knows(request)) return this.#welcome(flow);
    if (this.#state !== 'running') return { status: 503 };
    const { admit, guard } = this.#options;
    const { address } = flow.remote;
    if (guard?.isTolerated(request, address, this.clock.now()) === false) return 'drop';
    const admission: Admission = admit?.(request, flow) ?? 'accept';
    const asks = this.#handlers.get(request.method)?.authenticate;
    if (admission === 'challenge') return this.#identification.ask(request, address, asks ?? this.#options.authenticate);
    if (admission !== 'accept') return admission;
    if (asks !== undefined) return this.#identification.ask(request, address, asks);
    if (admit !== undefined) return this.#welcome(flow);
    flow.vouch();
    return 'accept';
  }

  /** It is known, or has said what only who hears us can say. */
  #welcome(flow: Flow): 'accept' {
    flow.vouch();
    this.#options.guard?.spare(flow.remote.address, 'proven', this.clock.now());
    return 'accept';
  }

  #onAck(ack: SipRequest, flow: Flow): boolean {
    if (this.dialogs.onAck(ack, flow)) {
      flow.vouch();
      return true;
    }
    this.#options.guard?.isTolerated(ack, flow.remote.address, this.clock.now());
    return false;
  }

  readonly #onStray = (flow: Flow): void => this.#options.guard?.onStray(flow.remote.address, this.clock.now());

  #dispatch(transaction: ServerTransaction<Flow>, proof: Proof | undefined): void {
    const { request } = transaction;
    const refusal = inspect(request, this.#abilities);
    if (refusal !== undefined) {
      transaction.reply(refusal.status, refusal.headers === undefined ? {} : { headers: refusal.headers });
      return;
    }
    const { method } = request;
    if (request.to?.tag !== undefined && method !== 'REGISTER') {
      if (!this.dialogs.onRequest(transaction)) transaction.reply(481);
      return;
    }
    const handling = this.#handlers.get(method);
    if (handling !== undefined) this.#run(handling.handler, new IncomingRequest(transaction, proof));
    else if (method === 'INVITE') this.#onInvite(transaction, proof?.user);
    else if (method === 'SUBSCRIBE') this.#onSubscribe(transaction, proof?.user);
    else if (ONLY_IN_DIALOG.has(method)) transaction.reply(481);
    else transaction.reply(405, { headers: [['Allow', this.allow.join(', ')]] });
  }

  #ownMethods(): readonly string[] {
    return this.#options.eventPackages === undefined ? OWN_METHODS : [...OWN_METHODS, 'SUBSCRIBE'];
  }

  #onInvite(transaction: ServerTransaction<Flow>, user: string | undefined): void {
    if (this.listenerCount('invite') === 0) {
      transaction.reply(480);
      return;
    }
    const { credentials, sessionExpiresS, minSeS } = this.#options;
    const incoming = receiveInvite(this, transaction, {
      ...(sessionExpiresS === undefined ? {} : { sessionExpiresS }),
      ...(minSeS === undefined ? {} : { minSeS }),
      ...(credentials === undefined ? {} : { credentials }),
    });
    if (incoming === undefined) return;
    try {
      this.emit('invite', incoming, user);
    } catch (error) {
      this.logger.error({ error }, 'the listener of an INVITE failed');
      void incoming.bye();
    }
  }

  #onSubscribe(transaction: ServerTransaction<Flow>, user: string | undefined): void {
    const { credentials, eventPackages = [] } = this.#options;
    const options: IncomingSubscriptionOptions = { events: eventPackages, ...(credentials === undefined ? {} : { credentials }) };
    const incoming = receiveSubscribe(this, transaction, options);
    if (incoming === undefined) return;
    try {
      if (!this.emit('subscribe', incoming, user)) incoming.reject(480);
    } catch (error) {
      this.logger.error({ error }, 'the listener of a SUBSCRIBE failed');
      transaction.reply(500);
    }
  }

  #run(handler: RequestHandler, incoming: IncomingRequest): void {
    const fail = (error: unknown): void => {
      this.logger.error({ error, method: incoming.request.method }, 'the handler of a request failed');
      incoming.reply(500);
    };
    try {
      handler(incoming)?.catch(fail);
    } catch (error) {
      fail(error);
    }
  }

  /** §11.2: what an INVITE would find here. */
  #onOptions(incoming: IncomingRequest): void {
    const { eventPackages } = this.#options;
    incoming.reply(200, {
      headers: [
        ['Allow', this.allow.join(', ')],
        ['Accept', 'application/sdp'],
        ['Accept-Encoding', 'identity'],
        ['Accept-Language', 'en'],
        ['Supported', this.supported.join(', ')],
        ...(eventPackages === undefined ? [] : [['Allow-Events', eventPackages.join(', ')] as const]),
      ],
    });
  }
}
