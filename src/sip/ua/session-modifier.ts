/** Changes of a running session, both ways (RFC 3261 §14, RFC 3311): each waits for its turn, survives glare, and leaves the dialog as it was when it fails. */
import { CallError } from '../../errors.js';
import { Modification, type ModificationEffect, type Modifier } from '../dialog/reinvite.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import type { AgentCore, ServerExchange } from './agent-core.js';
import { Alarms } from './alarms.js';
import { bodyOf } from './invite-body.js';
import type { InviteDialog } from './invite-dialog.js';
import type { Body, InviteHandler, ModifyOptions, ReinviteOutcome, RequestReply } from './invite-usage.js';
import { settle } from './settle.js';

/** 491, 500 with Retry-After and 422 are tried again so often. */
const MAX_ATTEMPTS = 5;

const none: ServerExchange[] = [];

export class SessionModifier {
  readonly machine: Modification;
  readonly #dialog: InviteDialog;
  readonly #core: AgentCore;
  readonly #alarms: Alarms<'glare'>;
  #waiting: (() => void)[] | undefined;
  #resting: Set<() => void> | undefined;
  /** The re-INVITE or UPDATE that is being answered. */
  #asked: ServerExchange[] = none;
  #isOver = false;
  #isRefreshing = false;

  constructor(dialog: InviteDialog) {
    this.#dialog = dialog;
    this.#core = dialog.core;
    this.machine = new Modification(dialog.dialog.owner);
    this.#alarms = new Alarms(this.#core.clock, (timer) => this.apply(this.machine.onTimer(timer)));
  }

  // ---- out ----

  async reinvite(options: ModifyOptions): Promise<ReinviteOutcome> {
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#inviteOnce(options);
      if (!(await this.#isWorthAnother(outcome.response, attempt))) return outcome;
    }
  }

  async update(options: ModifyOptions): Promise<SipResponse> {
    for (let attempt = 1; ; attempt++) {
      const response = await this.#updateOnce(options);
      if (!(await this.#isWorthAnother(response, attempt))) return response;
    }
  }

  /** RFC 4028 §7.4, §10: UPDATE without offer where the peer allows it, else a re-INVITE that offers what stands. Another change under way refreshes as well. */
  async refresh(): Promise<void> {
    if (this.#isRefreshing || this.#isOver) return;
    this.#isRefreshing = true;
    try {
      if (this.#dialog.peer.allows.has('UPDATE')) {
        const { status } = await this.update({});
        if (status !== 405 && status !== 501) return;
        this.#dialog.peer.disallow('UPDATE');
      }
      const { handler } = this.#dialog.owner;
      const body = handler.onRefresh?.() ?? this.#dialog.lastSent;
      // Without a description of ours there is nothing to offer that would leave the session as it is.
      if (body === undefined) return;
      const outcome = await this.reinvite({ body });
      if (outcome.response.status < 300 && !this.#isOver) handler.onRefreshed?.(outcome.response, outcome.body);
    } catch (error) {
      if (!this.#isOver) this.#dialog.fail(undefined, error);
    } finally {
      this.#isRefreshing = false;
    }
  }

  async #inviteOnce(options: ModifyOptions): Promise<ReinviteOutcome> {
    while (!this.#mayStart('INVITE', options.body !== undefined)) await this.#turn();
    const { dialog } = this.#dialog;
    const { request, offer } = this.#request('INVITE', options);
    return new Promise((resolve) => {
      let ack: SipRequest | undefined;
      let isFinal = false;
      this.#dialog.start(request, true, (response, context) => {
        if (response.status < 200) return;
        if (isFinal) {
          // The 2xx again: its ACK was lost, or is not ready.
          if (response.status < 300 && ack !== undefined) this.#dialog.sendAck(ack);
          return;
        }
        isFinal = true;
        const body = bodyOf(response);
        if (response.status >= 300) {
          this.apply(this.machine.onFinal('INVITE', response.status, this.#core.clock.now(), this.#core.random.fraction()));
          resolve({ response, body, ack: () => {} });
          return;
        }
        dialog.refreshTarget(response);
        this.#dialog.applySessionTimer(this.#dialog.sessionTimer.onSuccess(response, this.#core.clock.now()));
        if (offer !== undefined) this.apply(this.machine.onAnswer('remote'));
        else if (body !== undefined) this.machine.onOffer('remote');
        const acknowledge = (answer?: Body): void => {
          if (ack !== undefined) return;
          this.#dialog.unsentAck = undefined;
          ack = dialog.ack(context.request);
          if (answer !== undefined) {
            ack.setBody(answer.contentType, answer.bytes);
            this.#dialog.lastSent = answer;
          }
          this.#dialog.sendAck(ack);
          this.apply(this.machine.onAnswer('local'));
          this.apply(this.machine.onFinal('INVITE', response.status, this.#core.clock.now(), 0));
        };
        // §14.1: our offer is answered, nothing keeps the ACK back. A dialog that ended meanwhile acknowledges, and that is all (§15).
        if (offer !== undefined || body === undefined || this.#isOver) acknowledge();
        else this.#dialog.unsentAck = acknowledge;
        resolve({ response, body, ack: acknowledge });
      });
    });
  }

  async #updateOnce(options: ModifyOptions): Promise<SipResponse> {
    while (!this.#mayStart('UPDATE', options.body !== undefined)) await this.#turn();
    const { request, offer } = this.#request('UPDATE', options);
    return new Promise((resolve) => {
      this.#dialog.start(request, true, (response) => {
        if (response.status < 200) return;
        const now = this.#core.clock.now();
        if (response.status < 300) {
          this.#dialog.dialog.refreshTarget(response);
          this.#dialog.applySessionTimer(this.#dialog.sessionTimer.onSuccess(response, now));
          if (offer !== undefined) this.apply(this.machine.onAnswer('remote'));
        }
        this.apply(this.machine.onFinal('UPDATE', response.status, now, this.#core.random.fraction()));
        resolve(response);
      });
    });
  }

  #request(method: Modifier, options: ModifyOptions): { request: SipRequest; offer: Body | undefined } {
    const dialog = this.#dialog;
    const isEarly = dialog.dialog.state === 'early';
    const request = dialog.dialog.request(method, [
      ...dialog.capabilities(),
      // RFC 4028 §7.1: the timer is the INVITE's to set until there is a session.
      ...(isEarly ? [] : dialog.sessionTimer.requestHeaders()),
      ...(options.headers ?? []),
    ]);
    const offer = typeof options.body === 'function' ? options.body() : options.body;
    if (offer !== undefined) {
      request.setBody(offer.contentType, offer.bytes);
      dialog.lastSent = offer;
    }
    this.machine.onStart(method, offer !== undefined);
    return { request, offer };
  }

  /** Asked in the same turn of the event loop in which the request leaves: two that wait must not both find the line free. */
  #mayStart(method: Modifier, hasOffer: boolean): boolean {
    if (this.#isOver) throw new CallError('ERR_CALL_ENDED', 0, 'the call has ended');
    return this.machine.mayStart(method, hasOffer);
  }

  #turn(): Promise<void> {
    this.machine.onWait();
    return new Promise((resolve) => {
      this.#waiting = [...(this.#waiting ?? []), resolve];
    });
  }

  async #isWorthAnother(response: SipResponse, attempt: number): Promise<boolean> {
    if (attempt >= MAX_ATTEMPTS || this.#isOver) return false;
    switch (response.status) {
      case 491:
        // §14.1: the machine keeps the line closed as long as it must.
        return true;
      case 422:
        return this.#dialog.sessionTimer.onTooSmall(response);
      case 500: {
        // §14.2: the peer is still answering an earlier one, and says for how long.
        const seconds = response.retryAfter?.seconds;
        if (seconds === undefined || seconds > 10) return false;
        await this.#rest(1000 * seconds);
        return !this.#isOver;
      }
      default:
        return false;
    }
  }

  /** A pause that the end of the call cuts short. */
  #rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#core.clock.at(this.#core.clock.now() + ms, () => {
        this.#resting?.delete(wake);
        resolve();
      });
      const wake = (): void => {
        timer.cancel();
        resolve();
      };
      this.#resting ??= new Set();
      this.#resting.add(wake);
    });
  }

  // ---- in ----

  onRequest(exchange: ServerExchange): void {
    const { request } = exchange;
    const method = request.method as Modifier;
    const body = bodyOf(request);
    const minimum = this.#dialog.sessionTimer.refuses(request);
    if (minimum !== undefined) {
      exchange.reply(422, { headers: [['Min-SE', String(minimum)]] });
      return;
    }
    const verdict = this.machine.onRequest(method, body !== undefined, this.#core.random.fraction());
    if (verdict.type === 'refuse') {
      exchange.reply(verdict.status, verdict.status === 500 ? { headers: [['Retry-After', String(verdict.retryAfter)]] } : {});
      return;
    }
    this.#asked = [...this.#asked, exchange];
    if (method === 'INVITE') exchange.onCancel = this.#cancelling(exchange);
    settle(
      () => ask(this.#dialog.owner.handler, request, body),
      (reply) => this.#answer(exchange, reply, body),
      (error) => {
        this.#isAnswering(exchange);
        this.#dialog.fail(exchange, error);
      },
    );
  }

  /** §9.2: only this request is cancelled; the session goes on as it was. */
  #cancelling(exchange: ServerExchange): () => void {
    return () => {
      if (this.#isAnswering(exchange)) this.#refuse(exchange, 487);
    };
  }

  #answer(exchange: ServerExchange, reply: RequestReply, asked: Body | undefined): void {
    // Cancelled, or the call ended while the session above was thinking: it has been answered.
    if (!this.#isAnswering(exchange)) return;
    const method = exchange.request.method as Modifier;
    if (reply.status >= 300) {
      this.#dialog.reply(exchange, reply);
      this.apply(this.machine.onReply(method, reply.status));
      return;
    }
    this.#dialog.dialog.refreshTarget(exchange.request);
    const response = this.#dialog.success(exchange, reply);
    if (method === 'UPDATE') {
      exchange.respond(response);
      this.apply(this.machine.onAnswer('local'));
      this.apply(this.machine.onReply(method, reply.status));
      return;
    }
    if (asked !== undefined) this.apply(this.machine.onAnswer('local'));
    else if (reply.body !== undefined) this.machine.onOffer('local');
    this.#dialog.accept(exchange, response, 're-INVITE', (ack, body) => {
      this.apply(this.machine.onAcknowledged());
      this.#dialog.owner.handler.onReinviteAck?.(ack, body);
    });
    this.apply(this.machine.onReply(method, reply.status));
  }

  /** Whether it still waits for its answer; from now on it does not. */
  #isAnswering(exchange: ServerExchange): boolean {
    const isAsked = this.#asked.includes(exchange);
    if (isAsked) this.#asked = this.#asked.filter((other) => other !== exchange);
    return isAsked;
  }

  #refuse(exchange: ServerExchange, status: number): void {
    exchange.reply(status);
    this.apply(this.machine.onReply(exchange.request.method as Modifier, status));
  }

  // ---- both ----

  apply(effects: ModificationEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'arm':
        case 'disarm':
          this.#alarms.apply(effect);
          break;
        case 'turn':
          this.#waiting?.shift()?.();
          break;
      }
    }
  }

  /** §15.1.2: what is still being answered gets its 487; who waits for a turn is let go. */
  end(): void {
    this.#isOver = true;
    this.apply(this.machine.onEnd());
    this.#alarms.clear();
    for (const exchange of this.#asked) exchange.reply(487);
    this.#asked = none;
    for (const resolve of this.#waiting ?? []) resolve();
    this.#waiting = undefined;
    for (const wake of this.#resting ?? []) wake();
    this.#resting = undefined;
  }
}

/** A handler that says nothing takes what changes nothing, and refuses offers. */
function ask(handler: InviteHandler, request: SipRequest, body: Body | undefined): RequestReply | Promise<RequestReply> {
  if (handler.onOffer !== undefined) return handler.onOffer(request, body);
  return { status: request.method === 'UPDATE' && body === undefined ? 200 : 488 };
}
