/** One account at one registrar, kept registered (RFC 3261 §10.2, RFC 5626, RFC 3327, RFC 3608, RFC 5627): the cycle, wired to an agent. */
import { EventEmitter } from 'eventemitter3';
import type { Timer } from '../../clock.js';
import { OptionError, RegistrationError } from '../../errors.js';
import { SipRequest, type SipResponse } from '../message/message.js';
import { NameAddr } from '../message/name-addr.js';
import { Uri } from '../message/uri.js';
import type { Flow } from '../transport/flow.js';
import { parseServer } from '../transport/resolve.js';
import { ownBindings } from './bindings.js';
import { type ContactIdentity, contactIdentity } from './contact-identity.js';
import { isLocal } from './local-response.js';
import { adviceFor, isRefusal } from './registration-advice.js';
import { type BindingState, RegistrationContact } from './registration-contact.js';
import { type CycleEffect, type CycleTimer, RegistrationCycle, type RegistrationState } from './registration-cycle.js';
import {
  asLoose,
  passwordIn,
  type Registered,
  type RegistrationEvents,
  type RegistrationFailure,
  type RegistrationHost,
  type RegistrationOptions,
  registrarOf,
  sipUri,
} from './registration-options.js';

const DEFAULT_EXPIRES_S = 300;
const MAX_EXPIRES_S = 604_800;
const STOP_WITHIN_MS = 4_000;
/** REGISTERs sent one after the other before an attempt counts as failed: a longer expiry, another address, a stale binding, another server. */
const MAX_ROUNDS = 6;

/** What has been tried in one attempt, so that nothing is tried twice. */
interface Attempt {
  readonly signal: AbortSignal;
  readonly removed: Set<string>;
  hasLookedForStale: boolean;
  hasMoved: boolean;
  isPinned: boolean;
}

export class Registration extends EventEmitter<RegistrationEvents> {
  readonly uri: Uri;
  readonly #host: RegistrationHost;
  readonly #options: RegistrationOptions;
  readonly #registrar: Uri;
  readonly #identity: ContactIdentity;
  readonly #cycle: RegistrationCycle;
  readonly #callId: string;
  readonly #timers = new Map<CycleTimer, Timer>();
  #cseq = 0;
  #expiresS: number;
  #outbound: 'auto' | 'off';
  readonly #contact: RegistrationContact;
  #registered: Registered | undefined;
  #failure: RegistrationFailure | undefined;
  #rejection = { status: 0, reason: '', advice: '' };
  #underway: AbortController | undefined;
  #keeping: { stop(): void } | undefined;
  #unwatch: (() => void) | undefined;
  #starting: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;
  #stopping: Promise<void> | undefined;
  #onStopped: (() => void) | undefined;

  constructor(host: RegistrationHost, options: RegistrationOptions) {
    super();
    this.#host = host;
    this.#options = options;
    this.uri = sipUri(options.uri, 'uri');
    for (const server of [options.registrar, options.outboundProxy]) this.#usePathOf(server);
    if (this.uri.user === undefined) throw new OptionError('uri', 'an address of record with a user: sip:6001@pbx.example.com');
    this.#registrar = registrarOf(options, this.uri);
    if (options.outboundProxy !== undefined) sipUri(options.outboundProxy, 'outboundProxy');
    this.#expiresS = options.expiresS ?? DEFAULT_EXPIRES_S;
    if (!(this.#expiresS >= 1 && this.#expiresS <= MAX_EXPIRES_S)) throw new OptionError('expiresS', `seconds from 1 to ${MAX_EXPIRES_S}`);
    this.#outbound = options.outbound ?? 'auto';
    // What may not stand in a header is refused here, not in the middle of the night.
    new SipRequest('REGISTER', this.#registrar, options.headers);
    const account = `${this.addressOfRecord} ${options.regId ?? 1}`;
    this.#identity = contactIdentity(account, options.secret ?? passwordIn(options.credentials) ?? host.random.token(), options.instanceId);
    this.#contact = new RegistrationContact(host.transports, this.uri.scheme, this.#identity, options);
    this.#cycle = new RegistrationCycle({ ...options, fraction: () => host.random.fraction() });
    this.#callId = host.random.token();
  }

  get state(): RegistrationState {
    return this.#cycle.state;
  }

  /** The user part of our Contact, unguessable: a request for it comes from somebody our registrar told. */
  get contactUser(): string {
    return this.#identity.user;
  }

  get instanceId(): string {
    return this.#identity.instanceId;
  }

  /** What the registrar gave us; undefined while there is no binding. */
  get registered(): Registered | undefined {
    return this.#cycle.boundUntil === undefined ? undefined : this.#registered;
  }

  /** Why we are not registered, where that is so. */
  get failure(): RegistrationFailure | undefined {
    return this.#failure;
  }

  /** §10.3: without port and parameters. */
  get addressOfRecord(): string {
    const { scheme, user, host } = this.uri;
    return new Uri({ scheme, user, host }).toString();
  }

  /** Registers, and stays so. Resolves on success, and also when nobody answered and it will be tried again; rejects with RegistrationError on a refusal. */
  start(): Promise<void> {
    if (this.#stopping !== undefined) return this.#stopping.then(() => this.start());
    if (this.#cycle.state !== 'unregistered' && this.#cycle.state !== 'refused') return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#starting = { resolve, reject };
      this.#do(this.#cycle.start());
    });
  }

  /** Takes the binding back (§10.2.2). Resolves when that is answered, or after `stopWithinMs`; never rejects. */
  stop(): Promise<void> {
    this.#stopping ??= new Promise<void>((resolve) => {
      this.#onStopped = resolve;
      this.#settleStart();
      const effects = this.#cycle.stop(this.#underway === undefined ? 'none' : 'underway');
      this.#underway?.abort();
      this.#do(effects);
      if (this.#cycle.state !== 'unregistering') this.#finishStop();
    });
    return this.#stopping;
  }

  /** This machine has other addresses than before: where the registrar sees us at another now, it is told at once. */
  async onNetworkChanged(present: ReadonlySet<string>): Promise<void> {
    const { flow } = this.#contact;
    if (flow?.isOpen !== true || (await this.#host.transports.renew(flow, present)) === 'same') return;
    this.#contact.forgetSeen();
    this.#do(this.#cycle.onMoved());
  }

  /** `wss://edge.example.com/sip`: the path stands in no SIP URI, so the resolver is told of it. */
  #usePathOf(server: string | undefined): void {
    const parsed = server === undefined ? undefined : parseServer(server);
    if (parsed?.wsPath !== undefined) this.#host.resolver.useWsPath(parsed.uri.host, parsed.wsPath);
  }

  #do(effects: readonly CycleEffect[]): void {
    const { clock } = this.#host;
    for (const effect of effects) {
      switch (effect.type) {
        case 'register':
          void this.#register();
          break;
        case 'unregister':
          void this.#unregister();
          break;
        case 'arm':
          this.#timers.get(effect.timer)?.cancel();
          this.#timers.set(
            effect.timer,
            clock.at(effect.at, () => this.#do(this.#cycle.onTimer(effect.timer))),
          );
          break;
        case 'disarm':
          this.#timers.get(effect.timer)?.cancel();
          this.#timers.delete(effect.timer);
          break;
        case 'registered':
          this.#failure = undefined;
          this.#settleStart();
          this.#tell(() => this.emit('registered', this.#registered!));
          break;
        case 'unregistered':
          this.#tell(() => this.emit('unregistered', effect.reason));
          break;
        case 'failed':
          this.#onFailed(effect.retryAt);
          break;
      }
    }
  }

  /** A listener that throws is the application's affair, and ends nothing here. */
  #tell(emit: () => void): void {
    try {
      emit();
    } catch (error) {
      this.#host.logger.error({ error, account: this.addressOfRecord }, 'a registration listener failed');
    }
  }

  #settleStart(error?: Error): void {
    const starting = this.#starting;
    this.#starting = undefined;
    if (error === undefined) starting?.resolve();
    else starting?.reject(error);
  }

  #onFailed(retryAt: number | undefined): void {
    const { status, reason, advice } = this.#rejection;
    const error = new RegistrationError(this.#registrar.host, status, reason, advice);
    const willRetry = retryAt !== undefined;
    const failure = { error, status, reason, advice, willRetry, retryInMs: willRetry ? retryAt - this.#host.clock.now() : undefined };
    this.#failure = failure;
    this.#settleStart(willRetry ? undefined : error);
    this.#tell(() => this.emit('failed', failure));
  }

  /** One attempt: as many REGISTERs as it takes to know where we stand, one at a time (§10.2). */
  async #register(): Promise<void> {
    if (this.#underway !== undefined) return;
    const underway = new AbortController();
    this.#underway = underway;
    const { signal } = underway;
    const attempt: Attempt = {
      signal,
      removed: new Set(),
      hasLookedForStale: false,
      hasMoved: false,
      isPinned: this.#contact.flow?.isOpen === true,
    };
    let response = await this.#ask(attempt, this.#expiresS);
    for (let round = 1; round < MAX_ROUNDS && !signal.aborted && (await this.#isWorthAnother(attempt, response)); round++) {
      response = await this.#ask(attempt, this.#expiresS);
    }
    if (signal.aborted) return;
    this.#underway = undefined;
    if (response.status < 300) this.#onAccepted(response);
    else this.#onRejected(response);
  }

  /** Whether the answer tells us how to ask better. */
  async #isWorthAnother(attempt: Attempt, response: SipResponse): Promise<boolean> {
    const { status } = response;
    if (status < 300) {
      const moved = !attempt.hasMoved && this.#contact.hasMoved(response);
      attempt.hasMoved ||= moved;
      const registered = this.#contact.uri!;
      const { stale } = ownBindings(response, registered, this.#expiresS);
      return this.#contact.takeBack(moved ? [registered, ...stale] : stale, attempt.removed) || moved;
    }
    if (attempt.isPinned && (isLocal(response) || status === 503)) {
      // The server that had us is gone: whichever else the name leads to.
      attempt.isPinned = false;
      const { transport, remote } = this.#contact.flow!;
      this.#host.resolver.markDown({ transport, ...remote, host: this.#registrar.host });
      return true;
    }
    if (status === 423) return this.#lengthen(response.minExpires);
    if (status === 439 && this.#outbound === 'auto') {
      // RFC 5626 §11.6: somebody on the way does not speak outbound; without it, it is nobody's business.
      this.#outbound = 'off';
      return true;
    }
    if (status === 403 && !attempt.hasLookedForStale) {
      // A PBX that takes one contact, and holds one of an earlier life of ours, refuses a second.
      attempt.hasLookedForStale = true;
      const listed = await this.#ask(attempt, 'query');
      return listed.status < 300 && this.#contact.takeBack(ownBindings(listed, this.#contact.uri!, 0).left, attempt.removed);
    }
    return false;
  }

  /** §10.3 step 7: what the registrar wants, within reason. */
  #lengthen(minExpires: number | undefined): boolean {
    if (minExpires === undefined || minExpires <= this.#expiresS || minExpires > MAX_EXPIRES_S) return false;
    this.#expiresS = minExpires;
    return true;
  }

  #onAccepted(response: SipResponse): void {
    const { current, expiresS } = ownBindings(response, this.#contact.uri!, this.#expiresS);
    const flow = this.#contact.flow!;
    this.#contact.settle();
    if (expiresS <= 0) {
      this.#reject(response.status, 'accepted, but our binding is not there', false);
      return;
    }
    const isOutbound = response.require.includes('outbound') || response.flowTimer !== undefined;
    this.#registered = {
      contact: this.#contact.uri!.toString(),
      expiresS,
      serviceRoute: response.serviceRoutes.map(String),
      publicGruu: current?.params.get('pub-gruu'),
      temporaryGruu: current?.params.get('temp-gruu'),
      associatedUris: response.associatedUris.map(({ uri }) => uri.toString()),
      isOutbound,
      flow,
    };
    this.#keep(flow, isOutbound, response.flowTimer);
    this.#do(this.#cycle.onAccepted(expiresS * 1000, this.#host.clock.now()));
  }

  #onRejected(response: SipResponse): void {
    if (isLocal(response)) this.#reject(0, response.why, false);
    else this.#reject(response.status, response.reason, isRefusal(response.status), response.retryAfter?.seconds);
  }

  #reject(status: number, reason: string, refused: boolean, retryAfterS?: number): void {
    this.#rejection = { status, reason, advice: adviceFor(status, this.addressOfRecord) };
    this.#letGo();
    const retryAfterMs = retryAfterS === undefined ? undefined : retryAfterS * 1000;
    const rejection = { status, isRefusal: refused, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
    this.#do(this.#cycle.onRejected(rejection, this.#host.clock.now()));
  }

  async #unregister(): Promise<void> {
    const { clock } = this.#host;
    const late = new AbortController();
    const timer = clock.at(clock.now() + (this.#options.stopWithinMs ?? STOP_WITHIN_MS), () => late.abort());
    const attempt: Attempt = {
      signal: late.signal,
      removed: new Set(),
      hasLookedForStale: true,
      hasMoved: true,
      isPinned: this.#contact.flow?.isOpen === true,
    };
    await this.#ask(attempt, 0);
    timer.cancel();
    this.#do(this.#cycle.onUnregistered());
    this.#finishStop();
  }

  #finishStop(): void {
    this.#letGo();
    this.#underway = undefined;
    this.#registered = undefined;
    this.#failure = undefined;
    this.#stopping = undefined;
    this.#onStopped?.();
  }

  #ask(attempt: Attempt, expires: number | 'query'): Promise<SipResponse> {
    const { credentials, displayName, outboundProxy, headers = [] } = this.#options;
    const aor = new NameAddr(sipUri(this.addressOfRecord, 'uri'), displayName).toString();
    const supported = this.#outbound === 'auto' ? 'path, outbound, gruu' : 'path';
    const flow = attempt.isPinned && this.#contact.flow?.isOpen ? this.#contact.flow : undefined;
    const { signal } = attempt;
    return this.#host.request({
      method: 'REGISTER',
      uri: this.#registrar,
      from: aor,
      to: aor,
      callId: this.#callId,
      cseq: this.#cseq + 1,
      headers: [['Supported', supported], ...(expires === 'query' ? [] : [['Expires', String(expires)] as const]), ...headers],
      ...(outboundProxy === undefined ? {} : { route: [`<${asLoose(outboundProxy)}>`] }),
      ...(credentials === undefined ? {} : { credentials }),
      ...(flow === undefined ? {} : { flow }),
      ...(expires === 'query'
        ? {}
        : { prepare: (request: SipRequest, on: Flow) => this.#contact.put(request, on, expires, this.#binding) }),
      onSent: (request) => {
        this.#cseq = Math.max(this.#cseq, request.cseq?.number ?? 0);
      },
      signal,
    });
  }

  get #binding(): BindingState {
    return { isBound: this.#cycle.boundUntil !== undefined, outbound: this.#outbound };
  }

  /** RFC 5626 §4.4: where it was agreed an answer is expected; else only the NAT is kept open, where there is one. */
  #keep(flow: Flow, isOutbound: boolean, flowTimerS: number | undefined): void {
    const { transports } = this.#host;
    const isBehindNat = this.#contact.isSeenElsewhere(flow);
    this.#keeping?.stop();
    this.#keeping = undefined;
    if (isOutbound || flow.reliable || isBehindNat) {
      const interval = flowTimerS === undefined || flowTimerS === 0 ? {} : { intervalMs: flowTimerS * 1000 };
      this.#keeping = transports.keepAlive(flow, { ...interval, answer: isOutbound ? 'expected' : 'none' });
    }
    this.#unwatch?.();
    this.#unwatch = transports.watch(flow, () => {
      if (this.#contact.flow === flow) this.#do(this.#cycle.onFlowLost(this.#host.clock.now()));
    });
  }

  #letGo(): void {
    this.#keeping?.stop();
    this.#keeping = undefined;
    this.#unwatch?.();
    this.#unwatch = undefined;
  }
}
