/**
 * One dialog of a call (RFC 3261 §12–§15): carries requests both ways, keeps its session alive, ends it once. The machines decide; here their effects
 * meet the agent. A call has one; an outgoing call has one for each fork until somebody answers.
 */
import type { CredentialSource } from '../auth/digest-client.js';
import { Acceptance, type AcceptanceEffect, type AcceptanceTimer } from '../dialog/acceptance.js';
import type { Dialog } from '../dialog/dialog.js';
import { SessionTimer, type SessionTimerEffect, type SessionTimerName, type SessionTimerOptions } from '../dialog/session-timer.js';
import type { HeaderEntry } from '../message/headers.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { responseTo } from '../message/response-to.js';
import type { Flow } from '../transport/flow.js';
import type { AgentCore, ClientExchange, ResponseContext, ServerExchange, Way } from './agent-core.js';
import { Alarms } from './alarms.js';
import { defaultReply } from './default-reply.js';
import { DialogReferrals } from './dialog-referrals.js';
import type { DialogMember } from './dialog-table.js';
import { bodyOf } from './invite-body.js';
import type { Body, EndOptions, InDialogOptions, InviteEnd, InviteHandler, InviteUsage, RequestReply } from './invite-usage.js';
import { PeerCapabilities } from './peer-capabilities.js';
import { pinnedFlow } from './pinned-flow.js';
import { replyOptions } from './request-reply.js';
import { SessionModifier } from './session-modifier.js';
import { settle } from './settle.js';

/** The call the dialog belongs to. */
export interface InviteDialogOwner {
  readonly core: AgentCore;
  readonly credentials: CredentialSource | undefined;
  readonly sessionTimer: SessionTimerOptions;
  readonly wanted: readonly string[];
  readonly handler: InviteHandler;
  readonly usage: InviteUsage;
  /** PRACK of a 1xx of ours; no 1xx of ours is out when left undefined. */
  onPrack?(exchange: ServerExchange): void;
  /** The agent closes. */
  close(why: 'local' | 'transport'): void;
  /** Exactly once. */
  onDialogEnd(dialog: InviteDialog, end: InviteEnd): void;
}

interface UnacknowledgedSuccess {
  readonly machine: Acceptance;
  readonly exchange: ServerExchange;
  readonly response: SipResponse;
  readonly isInitial: boolean;
  readonly onAck: (ack: SipRequest, body: Body | undefined) => void;
}

/** §12.2.1.2 and RFC 5057 §5.1: refusals after which the dialog can carry nothing more. */
const BREAKS_DIALOG = new Set([404, 408, 410, 416, 481, 482, 483, 484, 485, 502, 604]);

export class InviteDialog implements DialogMember {
  readonly core: AgentCore;
  readonly owner: InviteDialogOwner;
  readonly dialog: Dialog;
  readonly peer = new PeerCapabilities();
  readonly modifier: SessionModifier;
  readonly sessionTimer: SessionTimer;
  /** The last description that left: what a mere refresh repeats (RFC 4028 §7.4). */
  lastSent: Body | undefined;
  /** The ACK of a 2xx that waits for its answer: it must leave before a BYE does. */
  unsentAck: (() => void) | undefined;
  #flow: Flow | undefined;
  /** Most calls never transfer anybody. */
  #referrals: DialogReferrals | undefined;
  readonly #alarms: Alarms<AcceptanceTimer | SessionTimerName>;
  #unacknowledged: UnacknowledgedSuccess | undefined;
  #state: 'alive' | 'leaving' | 'gone' = 'alive';
  /** BYE waits for the ACK of our 2xx (§15). */
  #farewell: (() => void) | undefined;
  #left: Promise<void> = Promise.resolve();

  constructor(owner: InviteDialogOwner, dialog: Dialog, flow: Flow | undefined) {
    this.owner = owner;
    this.core = owner.core;
    this.dialog = dialog;
    this.#flow = flow;
    this.sessionTimer = new SessionTimer(owner.sessionTimer);
    this.modifier = new SessionModifier(this);
    this.#alarms = new Alarms(this.core.clock, (timer, now) => this.#onTimer(timer, now));
    this.core.dialogs.add(dialog.key, this);
  }

  get id(): string {
    return this.dialog.remoteTag;
  }

  get usage(): InviteUsage {
    return this.owner.usage;
  }

  get referrals(): DialogReferrals {
    this.#referrals ??= new DialogReferrals(this);
    return this.#referrals;
  }

  get referHandler(): InviteHandler {
    return this.owner.handler;
  }

  get isAlive(): boolean {
    return this.#state === 'alive';
  }

  get flow(): Flow | undefined {
    return this.#flow;
  }

  /** The way of the next request: the flow that works, or the route set. */
  get way(): Way {
    const { nextHop } = this.dialog;
    const flow = pinnedFlow(this.#flow, nextHop);
    return flow === undefined ? { nextHop } : { nextHop, flow };
  }

  // ---- out ----

  /** Any request that is no INVITE. A time-out is a response too. */
  send(method: string, options: InDialogOptions & { readonly contact?: boolean } = {}): Promise<SipResponse> {
    const request = this.dialog.request(method, options.headers);
    if (options.body !== undefined) request.setBody(options.contentType, options.body);
    return new Promise((resolve) => {
      this.start(request, options.contact ?? false, (response) => {
        if (response.status >= 200) resolve(response);
      });
    });
  }

  /** The exchange of one request of this dialog. */
  start(request: SipRequest, contact: boolean, onResponse: (response: SipResponse, context: ResponseContext) => void): ClientExchange {
    return this.core.send({
      request,
      ...this.way,
      contact,
      ...(this.owner.credentials && { credentials: this.owner.credentials }),
      nextCSeq: () => this.dialog.nextSequence(),
      onResponse: (response, context) => {
        if (context.flow !== undefined) this.#flow = context.flow;
        if (!context.local) this.peer.learn(response);
        onResponse(response, context);
        if (response.status >= 300) this.#judge(request.method, response, context.local);
      },
    });
  }

  sendAck(ack: SipRequest): void {
    this.core.sendAck(ack, this.way);
  }

  /** §15.1.1: the session is over as the BYE leaves; resolves when it is answered, or never will be. */
  async bye(options: EndOptions = {}): Promise<void> {
    this.finish({ by: 'local', reasons: [] }, options);
    await this.#left;
  }

  /** Ends the session, exactly once. With `farewell` the peer is told; without, it knows, or cannot be told. */
  finish(end: InviteEnd, farewell?: EndOptions): void {
    if (this.#state !== 'alive') return;
    this.unsentAck?.();
    this.#state = 'leaving';
    this.dialog.terminate();
    this.applySessionTimer(this.sessionTimer.onEnd());
    this.modifier.end();
    const waitsForAck = farewell !== undefined && this.#unacknowledged?.isInitial === true;
    if (!waitsForAck) this.#stopResending();
    if (farewell !== undefined) {
      this.#left = new Promise((resolve) => {
        const leave = (): void => void this.#sendBye(farewell).then(resolve);
        if (waitsForAck) this.#farewell = leave;
        else leave();
      });
      void this.#left.then(() => this.#gone());
    }
    this.owner.onDialogEnd(this, end);
    if (farewell === undefined) this.#gone();
  }

  /** Out of the table when nothing in it can come any more: BYE answered, REFERs reported. */
  leaveTable(): void {
    if (this.#state === 'gone' && this.#referrals?.isBusy !== true) this.core.dialogs.remove(this.dialog.key, this);
  }

  #gone(): void {
    this.#state = 'gone';
    this.leaveTable();
  }

  /** The agent closes: first politely, then whatever is left. */
  close(why: 'local' | 'transport'): void {
    this.owner.close(why);
    if (why === 'local') return;
    this.finish({ by: 'transport', reasons: [] });
    this.#referrals?.end();
    this.#alarms.clear();
    this.core.dialogs.remove(this.dialog.key, this);
  }

  async #sendBye(options: EndOptions): Promise<void> {
    await this.send('BYE', { headers: endHeaders(options) });
  }

  #judge(method: string, response: SipResponse, local: boolean): void {
    const breaks =
      method === 'INVITE' || method === 'UPDATE' || method === 'PRACK'
        ? BREAKS_DIALOG.has(response.status)
        : // RFC 5057 §5.1: the rest may fail alone; only 481 to a request of this very usage says that the peer has lost it.
          method === 'INFO' && response.status === 481;
    if (!breaks || this.dialog.state !== 'confirmed') return;
    this.finish({ by: local ? 'timeout' : 'remote', response, reasons: response.reasons }, {});
  }

  // ---- in ----

  onRequest(exchange: ServerExchange): void {
    const { request } = exchange;
    this.#flow = exchange.flow;
    if (this.dialog.takes(request) === 'out-of-order') {
      exchange.reply(500);
      return;
    }
    if (this.#state !== 'alive') {
      this.#onLateRequest(exchange);
      return;
    }
    this.peer.learn(request);
    switch (request.method) {
      case 'BYE':
        this.#onBye(exchange);
        break;
      case 'INVITE':
      case 'UPDATE':
        this.modifier.onRequest(exchange);
        break;
      case 'PRACK':
        if (this.owner.onPrack) this.owner.onPrack(exchange);
        else exchange.reply(481);
        break;
      case 'OPTIONS':
        // §11.2: as outside the dialog.
        exchange.reply(200, { headers: [...this.capabilities(), ['Accept', 'application/sdp']] });
        break;
      case 'REFER':
        this.referrals.onRefer(exchange);
        break;
      case 'NOTIFY':
      case 'SUBSCRIBE':
        if (!this.referrals.takes(exchange)) this.#onOther(exchange);
        break;
      default:
        this.#onOther(exchange);
    }
  }

  onAck(ack: SipRequest, flow: Flow): void {
    this.#flow = flow;
    const pending = this.#unacknowledged;
    if (pending === undefined || ack.cseq?.number !== pending.exchange.request.cseq?.number) return;
    this.#applyAcceptance(pending, pending.machine.onAck(), ack);
  }

  /** §15.1.2. */
  #onBye(exchange: ServerExchange): void {
    exchange.reply(200);
    this.finish({ by: 'remote', request: exchange.request, reasons: exchange.request.reasons });
  }

  /** BYEs that cross are both answered (RFC 5407 §3.1.4); REFER may still report; for the rest the call does not exist. */
  #onLateRequest(exchange: ServerExchange): void {
    if (exchange.request.method === 'BYE') exchange.reply(200);
    else if (!this.referrals.takes(exchange)) exchange.reply(481);
  }

  #onOther(exchange: ServerExchange): void {
    const { request } = exchange;
    const { wanted } = this.owner;
    // RFC 6086 §4.2.2: a package that was not asked for never reaches anybody.
    if (request.infoPackage !== undefined && !wanted.includes(request.infoPackage)) {
      exchange.reply(469, { headers: [['Recv-Info', wanted.join(', ')]] });
      return;
    }
    settle(
      () => this.owner.handler.onRequest?.(request),
      (reply) => this.reply(exchange, reply ?? defaultReply(request, this.core.allow)),
      (error) => this.fail(exchange, error),
    );
  }

  // ---- answering ----

  reply(exchange: ServerExchange, reply: RequestReply): void {
    exchange.reply(reply.status, replyOptions(reply));
  }

  /** What is above failed while it was asked: this call ends, nothing else does. */
  fail(exchange: ServerExchange | undefined, error: unknown): void {
    this.core.logger.error({ error, callId: this.dialog.callId }, 'the handler of a call failed');
    exchange?.reply(500);
    this.finish({ by: 'local', reasons: [] }, this.dialog.state === 'early' ? undefined : {});
  }

  /** Allow, Supported and Recv-Info: on every message that makes or changes a session (§13.2.1, §13.3.1.4). */
  capabilities(): HeaderEntry[] {
    return [
      ['Allow', this.core.allow.join(', ')],
      ['Supported', this.core.supported.join(', ')],
      ...(this.owner.wanted.length === 0 ? [] : [['Recv-Info', this.owner.wanted.join(', ')] as const]),
    ];
  }

  /** A 2xx to an INVITE, sent until its ACK is in. */
  accept(exchange: ServerExchange, response: SipResponse, isInitial: 'initial' | 're-INVITE', onAck: UnacknowledgedSuccess['onAck']): void {
    // §14.1: a newer INVITE means that the peer has seen the 2xx to the older one; its ACK was lost, or is late.
    const older = this.#unacknowledged;
    this.#stopResending();
    older?.onAck(exchange.request, undefined);
    const pending = { machine: new Acceptance(this.core.timers), exchange, response, isInitial: isInitial === 'initial', onAck };
    this.#unacknowledged = pending;
    this.#applyAcceptance(pending, pending.machine.onAccept(this.core.clock.now()));
  }

  /** The 2xx to an INVITE or UPDATE: Contact, what we can, the session timer as asked. */
  success(exchange: ServerExchange, reply: RequestReply): SipResponse {
    // RFC 4028 §7.2: before the INVITE is answered there is no session whose time could run.
    const isEarly = exchange.request.method !== 'INVITE' && this.dialog.state === 'early';
    const timer = isEarly ? { headers: [], effects: [] } : this.sessionTimer.onAccept(exchange.request, this.core.clock.now());
    this.applySessionTimer(timer.effects);
    if (reply.body !== undefined) this.lastSent = reply.body;
    return responseTo(exchange.request, reply.status, {
      toTag: exchange.toTag,
      ...replyOptions({
        headers: [['Contact', this.core.contactFor(exchange.flow)], ...this.capabilities(), ...timer.headers, ...(reply.headers ?? [])],
        ...(reply.reason !== undefined && { reason: reply.reason }),
        ...(reply.body && { body: reply.body }),
      }),
    });
  }

  applySessionTimer(effects: SessionTimerEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'arm':
        case 'disarm':
          // The 2xx of a change that the end overtook keeps nothing alive.
          if (this.isAlive || effect.type === 'disarm') this.#alarms.apply(effect);
          break;
        case 'refresh':
          void this.modifier.refresh();
          break;
        case 'expire':
          this.finish({ by: 'timeout', reasons: [] }, { reason: 'SIP;cause=408;text="Session expired"' });
          break;
      }
    }
  }

  #applyAcceptance(pending: UnacknowledgedSuccess, effects: AcceptanceEffect[], ack?: SipRequest): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'arm':
        case 'disarm':
          this.#alarms.apply(effect);
          break;
        case 'send':
          pending.exchange.respond(pending.response);
          break;
        case 'acknowledged':
          this.#unacknowledged = undefined;
          if (this.#state === 'alive') pending.onAck(ack!, bodyOf(ack!));
          this.#sayFarewell();
          break;
        case 'unacknowledged':
          this.#unacknowledged = undefined;
          this.finish({ by: 'timeout', reasons: [] }, { reason: 'SIP;cause=408;text="No ACK"' });
          this.#sayFarewell();
          break;
      }
    }
  }

  #sayFarewell(): void {
    const leave = this.#farewell;
    this.#farewell = undefined;
    leave?.();
  }

  #stopResending(): void {
    const pending = this.#unacknowledged;
    this.#unacknowledged = undefined;
    if (pending !== undefined) this.#applyAcceptance(pending, pending.machine.onEnd());
  }

  #onTimer(timer: AcceptanceTimer | SessionTimerName, now: number): void {
    switch (timer) {
      case 'resend':
      case 'give-up':
        if (this.#unacknowledged) this.#applyAcceptance(this.#unacknowledged, this.#unacknowledged.machine.onTimer(timer, now));
        break;
      case 'refresh':
      case 'expire':
        this.applySessionTimer(this.sessionTimer.onTimer(timer, now));
        break;
    }
  }
}

export function endHeaders(options: EndOptions): HeaderEntry[] {
  const reasons = options.reason === undefined ? [] : typeof options.reason === 'string' ? [options.reason] : options.reason;
  return [...reasons.map((reason): HeaderEntry => ['Reason', reason]), ...(options.headers ?? [])];
}
