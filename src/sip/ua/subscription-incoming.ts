/** A subscription to something of ours (RFC 6665 §4.2): accepted with a state, told of every change, refreshed and ended by either side. */
import { EventEmitter } from 'eventemitter3';
import { CallError } from '../../errors.js';
import type { CredentialSource } from '../auth/digest-client.js';
import { Dialog } from '../dialog/dialog.js';
import { Notifier, type NotifierEffect, type NotifierState, type NotifierTimer, type TerminationReason } from '../dialog/notifier.js';
import type { Event } from '../message/event.js';
import type { HeaderEntry } from '../message/headers.js';
import type { SipRequest } from '../message/message.js';
import type { Flow } from '../transport/flow.js';
import type { AgentCore, ReplyOptions, ServerExchange } from './agent-core.js';
import { Alarms } from './alarms.js';
import { defaultReply } from './default-reply.js';
import type { DialogMember } from './dialog-table.js';
import type { Body } from './invite-body.js';
import { pinnedFlow } from './pinned-flow.js';

export interface IncomingSubscriptionOptions {
  /** Packages we know; others get 489. */
  readonly events: readonly string[];
  /** Seconds below which we answer 423. @default 60 */
  readonly minExpiresS?: number;
  /** The longest we grant. @default 3600 */
  readonly maxExpiresS?: number;
  /** For the NOTIFYs. */
  readonly credentials?: CredentialSource;
}

export interface IncomingSubscriptionEvents {
  /** Exactly once, and last; '' when the subscriber is simply gone. */
  ended: [reason: string];
}

/** A new SUBSCRIBE, after the checks that every request undergoes. Undefined: answered already. */
export function receiveSubscribe(
  core: AgentCore,
  exchange: ServerExchange,
  options: IncomingSubscriptionOptions,
): IncomingSubscription | undefined {
  const { request } = exchange;
  const { event } = request;
  if (event === undefined || !options.events.includes(event.type)) {
    exchange.reply(489, { headers: [['Allow-Events', options.events.join(', ')]] });
    return undefined;
  }
  const asked = request.expires;
  const minimum = options.minExpiresS ?? 60;
  // §4.2.1.1: a fetch (0) and an hour or more are never too brief.
  if (asked !== undefined && asked > 0 && asked < minimum && asked < 3600) {
    exchange.reply(423, { headers: [['Min-Expires', String(minimum)]] });
    return undefined;
  }
  const dialog = Dialog.ofRequest(request, exchange.toTag, 'confirmed');
  if (dialog === undefined) {
    exchange.reply(400);
    return undefined;
  }
  return new IncomingSubscription(core, exchange, dialog, event, options);
}

export class IncomingSubscription extends EventEmitter<IncomingSubscriptionEvents> implements DialogMember {
  readonly request: SipRequest;
  readonly event: Event;
  readonly #core: AgentCore;
  readonly #exchange: ServerExchange;
  readonly #dialog: Dialog;
  readonly #options: IncomingSubscriptionOptions;
  readonly #alarms: Alarms<NotifierTimer>;
  #machine: Notifier | undefined;
  #content: () => Body | undefined = () => undefined;
  #flow: Flow;
  #isAnswered = false;

  constructor(core: AgentCore, exchange: ServerExchange, dialog: Dialog, event: Event, options: IncomingSubscriptionOptions) {
    super();
    this.#core = core;
    this.#exchange = exchange;
    this.#dialog = dialog;
    this.#options = options;
    this.#flow = exchange.flow;
    this.request = exchange.request;
    this.event = event;
    this.#alarms = new Alarms(core.clock, (timer, now) => this.#apply(this.#machine?.onTimer(timer, now) ?? []));
  }

  get state(): NotifierState | 'waiting' {
    return this.#machine?.state ?? (this.#isAnswered ? 'terminated' : 'waiting');
  }

  get flow(): Flow | undefined {
    return this.#flow;
  }

  get usage(): this {
    return this;
  }

  /** `content` is asked whenever a NOTIFY leaves, and gives the state as it is then. */
  accept(content: () => Body | undefined, state: 'active' | 'pending' = 'active'): void {
    this.#assertOpen();
    this.#content = content;
    this.#machine = new Notifier(state);
    this.#core.dialogs.add(this.#dialog.key, this);
    this.#grant(this.#exchange);
  }

  reject(status: number, options: ReplyOptions = {}): void {
    this.#assertOpen();
    this.#exchange.reply(status, options);
  }

  /** The state has changed; `active` also lifts it out of pending. */
  notify(state?: 'active'): void {
    this.#apply(this.#machine?.onChange(this.#core.clock.now(), state) ?? []);
  }

  terminate(reason: TerminationReason, retryAfterS?: number): void {
    this.#apply(this.#machine?.onTerminate(reason, this.#core.clock.now(), retryAfterS) ?? []);
  }

  onRequest(exchange: ServerExchange): void {
    const { request } = exchange;
    this.#flow = exchange.flow;
    if (this.#dialog.takes(request) === 'out-of-order') exchange.reply(500);
    else if (request.method !== 'SUBSCRIBE') {
      const { status, headers } = defaultReply(request, this.#core.allow);
      exchange.reply(status, headers && { headers });
    } else if (request.event?.type !== this.event.type || request.event.id !== this.event.id) exchange.reply(489);
    else if (this.state === 'terminated') exchange.reply(481);
    else {
      this.#dialog.refreshTarget(request);
      this.#grant(exchange);
    }
  }

  onAck(): void {}

  close(): void {
    this.#apply(this.#machine?.onClose() ?? []);
  }

  #assertOpen(): void {
    if (this.#isAnswered) throw new CallError('ERR_STATE', 0, 'the subscription has been answered');
    this.#isAnswered = true;
  }

  /** §4.2.1.1: we may shorten what is asked, never lengthen it. */
  #grant(exchange: ServerExchange): void {
    const seconds = Math.min(exchange.request.expires ?? 3600, this.#options.maxExpiresS ?? 3600);
    exchange.reply(200, {
      headers: [
        ['Expires', String(seconds)],
        ['Contact', this.#core.contactFor(exchange.flow)],
      ],
    });
    this.#apply(this.#machine!.onSubscribe(seconds, this.#core.clock.now()));
  }

  #apply(effects: NotifierEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'arm':
        case 'disarm':
          this.#alarms.apply(effect);
          break;
        case 'notify':
          this.#send(effect.subscriptionState);
          break;
        case 'ended':
          this.#alarms.clear();
          this.#core.dialogs.remove(this.#dialog.key, this);
          this.#tell(() => this.emit('ended', effect.reason));
          break;
      }
    }
  }

  #send(subscriptionState: string): void {
    const { credentials } = this.#options;
    const { id, type } = this.event;
    const headers: HeaderEntry[] = [
      ['Event', id === undefined ? type : `${type};id=${id}`],
      ['Subscription-State', subscriptionState],
    ];
    const request = this.#dialog.request('NOTIFY', headers);
    const body = this.#tell(() => this.#content());
    if (body !== undefined) request.setBody(body.contentType, body.bytes);
    const { nextHop } = this.#dialog;
    const flow = pinnedFlow(this.#flow, nextHop);
    this.#core.send({
      request,
      contact: true,
      nextHop,
      ...(flow && { flow }),
      ...(credentials && { credentials }),
      nextCSeq: () => this.#dialog.nextSequence(),
      onResponse: (response, context) => {
        if (context.flow !== undefined) this.#flow = context.flow;
        if (response.status < 200) return;
        if (response.status < 300) this.#dialog.refreshTarget(response);
        this.#apply(this.#machine!.onNotified(response.status, this.#core.clock.now(), response.retryAfter?.seconds));
      },
    });
  }

  #tell<T>(call: () => T): T | undefined {
    try {
      return call();
    } catch (error) {
      this.#core.logger.error({ error, event: this.event.type }, 'the owner of a subscription failed');
      return undefined;
    }
  }
}
