/** A subscription of ours (RFC 6665 §4.1): the machine over dialogs that come and go; the first NOTIFY makes each of them, and other forks are turned away. */
import { EventEmitter } from 'eventemitter3';
import { OptionError } from '../../errors.js';
import type { CredentialSource } from '../auth/digest-client.js';
import { Dialog } from '../dialog/dialog.js';
import { Subscriber, type SubscriberEffect, type SubscriberState, type SubscriberTimer } from '../dialog/subscriber.js';
import type { HeaderEntry } from '../message/headers.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { parseUri, type Uri } from '../message/uri.js';
import type { Flow } from '../transport/flow.js';
import type { Target } from '../transport/transport.js';
import type { AgentCore, ServerExchange } from './agent-core.js';
import { Alarms } from './alarms.js';
import { defaultReply } from './default-reply.js';
import type { DialogMember, HalfMember } from './dialog-table.js';
import { type Body, bodyOf } from './invite-body.js';
import { type OutgoingRequest, outgoingRequest, taggedFrom } from './outgoing-request.js';
import { pinnedFlow } from './pinned-flow.js';

export interface SubscriptionOptions {
  readonly uri: string | Uri;
  /** From without tag, as a name-addr. */
  readonly from: string;
  /** @default the URI in brackets */
  readonly to?: string;
  /** The event package: 'message-summary', 'presence', 'dialog', 'refer' never. */
  readonly event: string;
  readonly id?: string;
  /** Body types we read, for Accept. */
  readonly accept?: readonly string[];
  /** Seconds; 0 fetches the state once. @default 3600 */
  readonly expiresS?: number;
  /** Whether a subscription that was lost is made anew by itself, ever more slowly. @default true */
  readonly keep?: boolean;
  readonly headers?: readonly HeaderEntry[];
  readonly body?: Body;
  readonly route?: readonly string[];
  readonly target?: Target;
  readonly flow?: Flow;
  readonly credentials?: CredentialSource;
}

export interface SubscriptionEnd {
  /** The notifier's reason, or 'unsubscribed', 'refused', 'silent', 'expired', 'closed'. */
  readonly reason: string;
  readonly response: SipResponse | undefined;
}

export interface SubscriptionEvents {
  state: [state: SubscriberState];
  /** A NOTIFY, answered already. */
  notified: [notify: SipRequest, body: Body | undefined];
  /** Will be made anew in so many milliseconds. */
  lost: [end: SubscriptionEnd, retryInMs: number];
  /** Exactly once, and last. */
  ended: [end: SubscriptionEnd];
}

export class OutgoingSubscription extends EventEmitter<SubscriptionEvents> implements DialogMember, HalfMember {
  readonly #core: AgentCore;
  readonly #options: SubscriptionOptions;
  readonly #uri: Uri;
  readonly #machine: Subscriber;
  readonly #alarms: Alarms<SubscriberTimer>;
  #callId: string;
  #localTag: string;
  #sequence = 0;
  #subscribe: SipRequest | undefined;
  #dialog: Dialog | undefined;
  #flow: Flow | undefined;
  #exchange = 0;

  constructor(core: AgentCore, options: SubscriptionOptions) {
    super();
    const uri = typeof options.uri === 'string' ? parseUri(options.uri) : options.uri;
    if (uri === undefined) throw new OptionError('uri', 'a URI (RFC 3261 §19.1)');
    this.#core = core;
    this.#options = options;
    this.#uri = uri;
    this.#callId = core.random.token();
    this.#localTag = core.random.token();
    this.#machine = new Subscriber({ expiresS: options.expiresS ?? 3600, keep: options.keep ?? true, t1: core.timers.T1 });
    this.#alarms = new Alarms(core.clock, (timer, now) => this.#apply(this.#machine.onTimer(timer, now)));
    this.#apply(this.#machine.onStart(core.clock.now()));
  }

  get state(): SubscriberState {
    return this.#machine.state;
  }

  get flow(): Flow | undefined {
    return this.#flow;
  }

  get usage(): this {
    return this;
  }

  /** Ends it; `ended` follows the last NOTIFY, or half a minute without one. */
  unsubscribe(): void {
    this.#apply(this.#machine.onUnsubscribe(this.#core.clock.now()));
  }

  close(): void {
    this.#apply(this.#machine.onClose());
  }

  /** Both as a half, known by our tag alone, and as a dialog. */
  onRequest(exchange: ServerExchange): boolean {
    const { request } = exchange;
    if (request.method !== 'NOTIFY') {
      if (this.#dialog === undefined) return false;
      const { status, headers } = defaultReply(request, this.#core.allow);
      exchange.reply(status, headers && { headers });
      return true;
    }
    const { event } = request;
    if (event?.type !== this.#options.event || event.id !== this.#options.id) {
      exchange.reply(489);
      return true;
    }
    if (this.#dialog === undefined && !this.#adopt(request)) return false;
    const dialog = this.#dialog!;
    if (dialog.takes(request) === 'out-of-order') {
      exchange.reply(500);
      return true;
    }
    this.#flow = exchange.flow;
    dialog.refreshTarget(request);
    exchange.reply(200, { headers: [['Contact', this.#core.contactFor(exchange.flow)]] });
    this.#apply(this.#machine.onNotify(request, this.#core.clock.now()));
    return true;
  }

  onAck(): void {}

  /** §4.4.1: the NOTIFY makes the dialog, whether the 200 has come or not; NOTIFYs of other forks find nobody. */
  #adopt(notify: SipRequest): boolean {
    const dialog = this.#subscribe && Dialog.ofNotify(this.#subscribe, notify);
    if (dialog === undefined) return false;
    this.#dialog = dialog;
    this.#core.dialogs.removeHalf(this.#callId, this.#localTag, this);
    this.#core.dialogs.add(dialog.key, this);
    return true;
  }

  #apply(effects: SubscriberEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'arm':
        case 'disarm':
          this.#alarms.apply(effect);
          break;
        case 'subscribe':
          this.#send(effect.expiresS, effect.isNew);
          break;
        case 'state':
          this.#tell(() => this.emit('state', effect.state));
          break;
        case 'notified':
          this.#tell(() => this.emit('notified', effect.notify, bodyOf(effect.notify)));
          break;
        case 'lost':
          this.#forget();
          this.#callId = this.#core.random.token();
          this.#localTag = this.#core.random.token();
          this.#sequence = 0;
          // In the table while it rests, so that closing the agent finds it.
          this.#core.dialogs.addHalf(this.#callId, this.#localTag, this);
          this.#tell(() => this.emit('lost', { reason: effect.reason, response: effect.response }, effect.retryInMs));
          break;
        case 'ended':
          this.#forget();
          this.#alarms.clear();
          this.#tell(() => this.emit('ended', { reason: effect.reason, response: effect.response }));
          break;
      }
    }
  }

  #send(expiresS: number, isNew: boolean): void {
    const { credentials, target, flow, body } = this.#options;
    const headers = this.#headers(expiresS);
    const dialog = isNew ? undefined : this.#dialog;
    const { request, nextHop } =
      dialog === undefined ? this.#first(headers) : { request: dialog.request('SUBSCRIBE', headers), nextHop: dialog.nextHop };
    if (dialog === undefined) this.#subscribe = request;
    if (body !== undefined) request.setBody(body.contentType, body.bytes);
    const exchange = ++this.#exchange;
    if (dialog === undefined) this.#core.dialogs.addHalf(this.#callId, this.#localTag, this);
    const pinned = dialog === undefined ? flow : pinnedFlow(this.#flow, nextHop);
    this.#core.send({
      request,
      contact: true,
      nextHop,
      ...(dialog === undefined && target && { target }),
      ...(pinned && { flow: pinned }),
      ...(credentials && { credentials }),
      nextCSeq: () => (dialog === undefined ? ++this.#sequence : dialog.nextSequence()),
      onSent: (sent) => {
        if (dialog === undefined) this.#subscribe = sent;
      },
      onResponse: (response, context) => {
        if (context.flow !== undefined) this.#flow = context.flow;
        // Of an earlier SUBSCRIBE, or of a dialog that is gone: says nothing about this one.
        if (exchange !== this.#exchange) return;
        if (dialog !== undefined && response.status < 300) dialog.refreshTarget(response);
        this.#apply(this.#machine.onResponse(response, this.#core.clock.now()));
      },
    });
  }

  #headers(expiresS: number): HeaderEntry[] {
    const { event, id, accept, headers } = this.#options;
    return [
      ['Event', id === undefined ? event : `${event};id=${id}`],
      ['Expires', String(expiresS)],
      ['Supported', this.#core.supported.join(', ')],
      ['Allow', this.#core.allow.join(', ')],
      ...(accept ? [['Accept', accept.join(', ')] as const] : []),
      ...(headers ?? []),
    ];
  }

  #first(headers: readonly HeaderEntry[]): OutgoingRequest {
    const { from, to, route } = this.#options;
    return outgoingRequest(
      {
        method: 'SUBSCRIBE',
        uri: this.#uri,
        from: taggedFrom(from, this.#localTag),
        ...(to !== undefined && { to }),
        ...(route && { route }),
        callId: this.#callId,
        cseq: ++this.#sequence,
        headers: [['Max-Forwards', '70'], ...headers],
      },
      from,
      this.#core.random,
    );
  }

  #forget(): void {
    this.#subscribe = undefined;
    this.#core.dialogs.removeHalf(this.#callId, this.#localTag, this);
    if (this.#dialog !== undefined) this.#core.dialogs.remove(this.#dialog.key, this);
    this.#dialog = undefined;
    this.#flow = undefined;
    this.#exchange++;
  }

  #tell(emit: () => void): void {
    try {
      emit();
    } catch (error) {
      this.#core.logger.error({ error, event: this.#options.event }, 'a listener of a subscription failed');
    }
  }
}
