/** A call of ours (RFC 3261 §13.2): the INVITE, its forks, reliable provisionals, the ACK; what comes too late is acknowledged and released. */
import { OptionError } from '../../errors.js';
import { Dialog } from '../dialog/dialog.js';
import { Forking, type ForkingEffect } from '../dialog/forking.js';
import { ReliableOrder, writeRack } from '../dialog/prack.js';
import { SessionTimer } from '../dialog/session-timer.js';
import type { HeaderEntry } from '../message/headers.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { parseUri, type Uri } from '../message/uri.js';
import type { Flow } from '../transport/flow.js';
import type { AgentCore, ClientExchange, ResponseContext, Way } from './agent-core.js';
import type { HalfMember } from './dialog-table.js';
import { InviteBase } from './invite-base.js';
import { bodyOf } from './invite-body.js';
import { endHeaders, InviteDialog } from './invite-dialog.js';
import type { Body, EndOptions, InviteEnd, InviteUsage, OutgoingInviteBase, OutgoingInviteOptions } from './invite-usage.js';
import { type OutgoingRequest, outgoingRequest, taggedFrom } from './outgoing-request.js';
import { settle } from './settle.js';

export interface OutgoingCall extends InviteUsage, OutgoingInviteBase {
  cancel(options?: EndOptions): void;
}

/** One callee that has answered with a To tag. */
interface Fork {
  readonly tag: string;
  /** Undefined for one whose first word was a 2xx that came too late. */
  readonly dialog: InviteDialog | undefined;
  readonly order: ReliableOrder | undefined;
  /** Its 2xx may come again. */
  ack: SipRequest | undefined;
  way: Way | undefined;
}

export class OutgoingInvite extends InviteBase implements OutgoingCall, HalfMember {
  readonly direction = 'out';
  readonly callId: string;
  readonly localTag: string;
  readonly #options: Omit<OutgoingInviteOptions, 'handler' | 'after'>;
  readonly #uri: Uri;
  readonly #machine = new Forking();
  /** Only its negotiation: the time runs in the dialog. */
  readonly #timer: SessionTimer;
  /** One, nearly always: a list is smaller than a map, and the machine bounds it. */
  #forks: Fork[] = [];
  #sequence: number;
  #request: SipRequest;
  #nextHop: Uri;
  #exchange: ClientExchange | undefined;
  #flow: Flow | undefined;
  #current: InviteDialog | undefined;
  /** Why we gave up before the call was answered. */
  #leaving: EndOptions | undefined;

  constructor(core: AgentCore, options: OutgoingInviteOptions) {
    super(core, options);
    const uri = typeof options.uri === 'string' ? parseUri(options.uri) : options.uri;
    if (uri === undefined) throw new OptionError('uri', 'a URI: sip:alice@example.com');
    this.#uri = uri;
    // The transaction keeps us for 32 s; the call and its media are not to be kept with us, nor an attempt before this one.
    const { handler: _, after, ...own } = options;
    this.#options = own;
    this.callId = after?.callId ?? options.callId ?? core.random.token();
    this.localTag = after?.localTag ?? core.random.token();
    this.#sequence = after?.localSequence ?? 0;
    this.#timer = new SessionTimer(this.sessionTimer);
    ({ request: this.#request, nextHop: this.#nextHop } = this.#write());
    core.dialogs.addHalf(this.callId, this.localTag, this);
    this.#send();
  }

  get request(): SipRequest {
    return this.#request;
  }

  get localSequence(): number {
    return this.#sequence;
  }

  get flow(): Flow | undefined {
    return this.#current?.flow ?? this.#flow;
  }

  protected get current(): InviteDialog | undefined {
    return this.#current;
  }

  /** §9.1. A 2xx that crosses the CANCEL is acknowledged and released; the call ends either way. */
  cancel(options: EndOptions = {}): void {
    if (this.state !== 'early' || this.#leaving !== undefined) return;
    this.#leaving = options;
    this.#machine.onAbandon();
    this.#exchange?.cancel(endHeaders(options));
  }

  protected leaveEarly(options: EndOptions): void {
    this.cancel(options);
  }

  /** A request of a dialog that no response has made: not ours to answer (§12.2.2). */
  onRequest(): boolean {
    return false;
  }

  protected override abort(): void {
    for (const fork of this.#forks) fork.dialog?.finish({ by: 'transport', reasons: [] });
    this.end({ by: 'transport', reasons: [] });
  }

  protected override end(end: InviteEnd): void {
    this.core.dialogs.removeHalf(this.callId, this.localTag, this);
    super.end(end);
  }

  onDialogEnd(dialog: InviteDialog, end: InviteEnd): void {
    // An early dialog that ends (the callee said BYE in it, which only a proxy's fork could mean) leaves the others, and the INVITE, as they are.
    if (this.state === 'confirmed' && dialog === this.#current) this.end(end);
  }

  #write(): OutgoingRequest {
    const { from, to, route, body, reliable, replaces, headers } = this.#options;
    const supported = reliable === 'off' ? this.core.supported.filter((tag) => tag !== '100rel') : this.core.supported;
    const { request, nextHop } = outgoingRequest(
      {
        method: 'INVITE',
        uri: this.#uri,
        from: taggedFrom(from, this.localTag),
        ...(to !== undefined && { to }),
        ...(route && { route }),
        callId: this.callId,
        cseq: ++this.#sequence,
        headers: [
          ['Max-Forwards', '70'],
          ['Allow', this.core.allow.join(', ')],
          ['Supported', supported.join(', ')],
          ...(this.wanted.length === 0 ? [] : [['Recv-Info', this.wanted.join(', ')] as const]),
          ...this.#timer.requestHeaders(),
          ...(reliable === 'required' ? [['Require', '100rel'] as const] : []),
          ...(replaces === undefined ? [] : [['Replaces', replaces] as const, ['Require', 'replaces'] as const]),
          ...fromUri(this.#uri),
          ...(headers ?? []),
        ],
      },
      from,
      this.core.random,
    );
    if (body !== undefined) request.setBody(body.contentType, body.bytes);
    return { request, nextHop };
  }

  #send(): void {
    const { target, flow, credentials } = this.#options;
    this.#exchange = this.core.send({
      request: this.#request,
      nextHop: this.#nextHop,
      contact: true,
      ...(target && { target }),
      ...(flow && { flow }),
      ...(credentials && { credentials }),
      nextCSeq: () => ++this.#sequence,
      onSent: (request, flow) => {
        this.#request = request;
        this.#flow = flow;
      },
      onResponse: (response, context) => this.#onResponse(response, context),
    });
  }

  #onResponse(response: SipResponse, context: ResponseContext): void {
    if (context.flow !== undefined) this.#flow = context.flow;
    // RFC 4028 §7.3: once more, with an interval that everybody on the way can bear.
    if (response.status === 422 && this.#machine.state === 'calling' && this.#leaving === undefined && this.#timer.onTooSmall(response)) {
      for (const fork of this.#forks) fork.dialog?.finish({ by: 'remote', reasons: [] });
      this.#forks = [];
      ({ request: this.#request, nextHop: this.#nextHop } = this.#write());
      this.#send();
      return;
    }
    this.#apply(this.#machine.onResponse(response), context);
  }

  #apply(effects: ForkingEffect[], context: ResponseContext): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'progress':
          if (effect.response.status > 100) this.#tellProvisional(effect.response, '', 'unreliable');
          break;
        case 'early':
          this.#onEarly(effect.tag, effect.response, context);
          break;
        case 'accepted':
          this.#onAccepted(effect.tag, effect.response, context);
          break;
        case 'acknowledge':
          this.#acknowledgeAgain(effect.tag);
          break;
        case 'release':
          this.#release(effect.tag, effect.response, context);
          break;
        case 'lost':
          this.#forkOf(effect.tag)?.dialog?.finish({ by: 'remote', reasons: [] });
          break;
        case 'refused':
          this.#onRefused(effect.response, context);
          break;
      }
    }
  }

  #onEarly(tag: string, response: SipResponse, context: ResponseContext): void {
    const { dialog, order } = this.#fork(tag, response, context) ?? {};
    if (dialog === undefined || order === undefined || !dialog.isAlive) return;
    this.#current = dialog;
    dialog.peer.learn(response);
    switch (order.onProvisional(response)) {
      case 'unreliable':
        this.#tellProvisional(response, tag, 'unreliable');
        break;
      case 'new':
        dialog.dialog.refreshTarget(response);
        this.#onReliable(dialog, response, context);
        break;
      // RFC 3262 §4: neither acknowledged nor looked at.
      case 'repeated':
      case 'out-of-order':
        break;
    }
  }

  /** RFC 3262 §4, §5: the PRACK carries the answer to an offer of the 1xx, or an offer of its own. */
  #onReliable(dialog: InviteDialog, response: SipResponse, context: ResponseContext): void {
    const { machine } = dialog.modifier;
    const body = bodyOf(response);
    if (body !== undefined) {
      if (machine.offer === 'local') dialog.modifier.apply(machine.onAnswer('remote'));
      else machine.onOffer('remote');
    }
    const answer = this.#tellProvisional(response, dialog.id, 'reliable');
    const prack = dialog.dialog.request('PRACK', [['RAck', writeRack(response)]]);
    let isOffer = false;
    if (answer !== undefined) {
      prack.setBody(answer.contentType, answer.bytes);
      dialog.lastSent = answer;
      isOffer = machine.offer !== 'remote';
      if (isOffer) machine.onOffer('local');
      else dialog.modifier.apply(machine.onAnswer('local'));
    }
    dialog.start(prack, false, (reply) => {
      if (reply.status < 200 || !isOffer) return;
      if (reply.status < 300) {
        dialog.modifier.apply(machine.onAnswer('remote'));
        if (dialog.isAlive) this.tell(() => this.handler.onPrackSuccess?.(reply, dialog.id, bodyOf(reply)));
      } else dialog.modifier.apply(machine.onAnswer('remote'));
    });
    if (context.flow !== undefined) this.#flow = context.flow;
  }

  #tellProvisional(response: SipResponse, dialogId: string, reliable: 'reliable' | 'unreliable'): Body | undefined {
    if (this.#leaving !== undefined || this.state === 'ended') return undefined;
    return this.tell(
      () => this.handler.onProvisional?.(response, dialogId, bodyOf(response), reliable),
      () => this.cancel(),
    );
  }

  #onAccepted(tag: string, response: SipResponse, context: ResponseContext): void {
    const fork = this.#fork(tag, response, context);
    const dialog = fork?.dialog;
    if (fork === undefined || dialog === undefined || !dialog.isAlive) {
      // It said BYE in its early dialog, and answers all the same; or its To cannot be read, and nothing can be said to it.
      this.#release(tag, response, context);
      this.end({ by: 'remote', response, reasons: response.reasons });
      return;
    }
    this.#current = dialog;
    dialog.dialog.confirm(response);
    dialog.peer.learn(response);
    this.core.dialogs.removeHalf(this.callId, this.localTag, this);
    this.confirm();
    dialog.applySessionTimer(dialog.sessionTimer.onSuccess(response, this.core.clock.now()));
    const { machine } = dialog.modifier;
    const body = bodyOf(response);
    if (machine.offer === 'local') dialog.modifier.apply(machine.onAnswer('remote'));
    else if (body !== undefined && this.#options.body === undefined && machine.offer === 'none' && dialog.lastSent === undefined)
      machine.onOffer('remote');
    dialog.unsentAck = this.#lateAck(fork, dialog, context.request);
    settle(
      () => this.handler.onSuccess?.(response, dialog.id, body),
      (answer) => this.#acknowledge(fork, dialog, context.request, answer),
      (error) => dialog.fail(undefined, error),
    );
  }

  #lateAck(fork: Fork, dialog: InviteDialog, invite: SipRequest): () => void {
    return () => this.#acknowledge(fork, dialog, invite, undefined);
  }

  #acknowledge(fork: Fork, dialog: InviteDialog, invite: SipRequest, answer: Body | undefined): void {
    if (dialog.unsentAck === undefined) return;
    dialog.unsentAck = undefined;
    const ack = dialog.dialog.ack(invite);
    if (answer !== undefined) {
      ack.setBody(answer.contentType, answer.bytes);
      dialog.lastSent = answer;
    }
    fork.ack = ack;
    dialog.sendAck(ack);
    const { machine } = dialog.modifier;
    dialog.modifier.apply(machine.onAnswer('local'));
    dialog.modifier.apply(machine.onFinal('INVITE', 200, this.core.clock.now(), 0));
  }

  /** The same ACK, by the way of the dialog as it is now. */
  #acknowledgeAgain(tag: string): void {
    const fork = this.#forkOf(tag);
    const way = fork?.way ?? fork?.dialog?.way;
    if (fork?.ack !== undefined && way !== undefined) this.core.sendAck(fork.ack, way);
  }

  /** §13.2.2.4: a callee too many, or one who answered a call that nobody wants any more. */
  #release(tag: string, response: SipResponse, context: ResponseContext): void {
    // Its early dialog is over, but its numbers go on: PRACK and UPDATE have used some (§12.2.1.1).
    const known = this.#forkOf(tag);
    known?.dialog?.finish({ by: 'local', reasons: [] });
    const dialog = known?.dialog?.dialog ?? Dialog.ofResponse(context.request, response);
    if (dialog === undefined) return;
    dialog.confirm(response);
    // Deviation: §13.2.2.4 wants an answer in this ACK when the 2xx brought the offer; the BYE behind it makes any answer pointless.
    const ack = dialog.ack(context.request);
    const way = { nextHop: dialog.nextHop, ...(context.flow && { flow: context.flow }) };
    if (known === undefined) this.#forks.push({ tag, dialog: undefined, order: undefined, ack, way });
    else {
      known.ack = ack;
      known.way = way;
    }
    this.core.sendAck(ack, way);
    const { credentials } = this;
    const bye = dialog.request('BYE', endHeaders(this.#leaving ?? {}));
    this.core.send({
      request: bye,
      ...way,
      ...(credentials && { credentials }),
      nextCSeq: () => dialog.nextSequence(),
      onResponse: () => {},
    });
    if (this.#leaving !== undefined && this.state === 'early') this.end({ by: 'local', response, reasons: [] });
  }

  #onRefused(response: SipResponse, context: ResponseContext): void {
    this.tell(() => this.handler.onFailure?.(response));
    const by = this.#leaving !== undefined ? 'local' : !context.local ? 'remote' : response.status === 503 ? 'transport' : 'timeout';
    this.end({ by, response, reasons: response.reasons });
  }

  #fork(tag: string, response: SipResponse, context: ResponseContext): Fork | undefined {
    const known = this.#forkOf(tag);
    if (known !== undefined) return known;
    const made = Dialog.ofResponse(context.request, response);
    if (made === undefined) return undefined;
    const dialog = new InviteDialog(this, made, context.flow);
    dialog.modifier.machine.onStart('INVITE', this.#options.body !== undefined);
    dialog.lastSent = this.#options.body;
    const fork = { tag, dialog, order: new ReliableOrder(), ack: undefined, way: undefined };
    this.#forks.push(fork);
    return fork;
  }

  #forkOf(tag: string): Fork | undefined {
    return this.#forks.find((fork) => fork.tag === tag);
  }
}

/** §19.1.5: of the headers that a URI brings, those that an honest one needs and a dishonest one cannot abuse. What X-… means only its own network knows. */
const FROM_URI = new Set([
  'replaces',
  'referred-by',
  'subject',
  'priority',
  'user-to-user',
  'in-reply-to',
  'accept-contact',
  'reject-contact',
]);

function fromUri(uri: Uri): HeaderEntry[] {
  const headers: HeaderEntry[] = [];
  for (const [name] of uri.headers.entries) {
    const value = uri.headers.get(name) ?? '';
    if (!FROM_URI.has(name.toLowerCase()) || /[\r\n\0]/.test(value)) continue;
    headers.push([name, value]);
    if (name.toLowerCase() === 'replaces') headers.push(['Require', 'replaces']);
  }
  return headers;
}
