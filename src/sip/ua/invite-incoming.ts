/** A call to us (RFC 3261 §13.3): provisionals, reliable where wanted (RFC 3262), the answer until its ACK, CANCEL, and calls that replace others (RFC 3891). */
import { CallError, OptionError } from '../../errors.js';
import type { CredentialSource } from '../auth/digest-client.js';
import { Dialog } from '../dialog/dialog.js';
import { type ReliableEffect, ReliableProvisionals, type ReliableTimer } from '../dialog/prack.js';
import { LEAST_MIN_SE, tooBrief } from '../dialog/session-timer.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { responseTo } from '../message/response-to.js';
import type { Flow } from '../transport/flow.js';
import type { AgentCore, ServerExchange } from './agent-core.js';
import { Alarms } from './alarms.js';
import { InviteBase } from './invite-base.js';
import { type Body, bodyOf } from './invite-body.js';
import { endHeaders, InviteDialog } from './invite-dialog.js';
import type { AcceptOptions, EndOptions, InviteEnd, InviteUsage, ProgressOptions, RejectOptions } from './invite-usage.js';
import { replyOptions } from './request-reply.js';

export interface IncomingCall extends InviteUsage {
  /** The call whose place this one takes when it is accepted (RFC 3891). */
  readonly replaces: InviteUsage | undefined;
  progress(status: number, options?: ProgressOptions): Promise<void>;
  accept(options?: AcceptOptions): Promise<void>;
  reject(status: number, options?: RejectOptions): void;
}

export interface IncomingInviteOptions {
  /** RFC 4028, seconds; 0 asks for none but grants what is asked. @default 1800 */
  readonly sessionExpiresS?: number;
  /** @default 90 */
  readonly minSeS?: number;
  /** RFC 6086: packages we want to receive. @default none */
  readonly infoPackages?: readonly string[];
  /** For our requests within the dialog. */
  readonly credentials?: CredentialSource;
}

/** §13.3.1.1: proxies give up after three minutes of silence; a minute leaves room for two losses. RFC 3262 §3: reliable ones less often. */
const KEEP_RINGING_MS = 60_000;
const KEEP_RINGING_RELIABLY_MS = 150_000;

/** A new INVITE, after the checks that every request undergoes. Undefined: answered already. */
export function receiveInvite(core: AgentCore, exchange: ServerExchange, options: IncomingInviteOptions = {}): IncomingInvite | undefined {
  const { request } = exchange;
  const minimum = tooBrief(request, Math.max(options.minSeS ?? LEAST_MIN_SE, LEAST_MIN_SE));
  if (minimum !== undefined) {
    exchange.reply(422, { headers: [['Min-SE', String(minimum)]] });
    return undefined;
  }
  const replaced = matchReplaces(core, request);
  if (typeof replaced === 'number') {
    exchange.reply(replaced);
    return undefined;
  }
  const dialog = Dialog.ofRequest(request, exchange.toTag, 'early');
  if (dialog === undefined) {
    exchange.reply(400);
    return undefined;
  }
  return new IncomingInvite(core, exchange, dialog, replaced, options);
}

/** RFC 3891 §3: the call that is meant, or the status that refuses. */
function matchReplaces(core: AgentCore, request: SipRequest): InviteBase | number | undefined {
  const values = request.headers('Replaces');
  if (values.length === 0) return undefined;
  const { replaces } = request;
  if (values.length > 1 || replaces === undefined || request.has('Join')) return 400;
  const usage = core.dialogs.find(replaces)?.usage;
  if (!(usage instanceof InviteBase)) return 481;
  switch (usage.state) {
    case 'ended':
      return 603;
    case 'confirmed':
      return replaces.earlyOnly ? 486 : usage;
    case 'early':
      // Only the one who placed a call may have it replaced before it is answered: at the other end it would be picked up in passing.
      return usage.direction === 'out' ? usage : 481;
  }
}

export class IncomingInvite extends InviteBase implements IncomingCall {
  readonly direction = 'in';
  readonly request: SipRequest;
  readonly callId: string;
  readonly localTag: string;
  readonly #replaces: InviteBase | undefined;
  readonly #exchange: ServerExchange;
  readonly #dialog: InviteDialog;
  readonly #reliable: ReliableProvisionals;
  readonly #alarms: Alarms<ReliableTimer | 'ringing' | 'expires'>;
  /** Promises of `progress`, by the reliable response that is to be acknowledged. */
  #sending: { readonly response: SipResponse; resolve: () => void; reject: (error: CallError) => void }[] = [];
  #answer: { resolve: () => void; reject: (error: CallError) => void } | undefined;
  /** The 2xx that waits until no PRACK is missing. */
  #unpracked: AcceptOptions | undefined;
  #isFinal = false;

  constructor(core: AgentCore, exchange: ServerExchange, dialog: Dialog, replaces: InviteBase | undefined, options: IncomingInviteOptions) {
    super(core, options);
    this.#exchange = exchange;
    this.request = exchange.request;
    this.callId = dialog.callId;
    this.localTag = dialog.localTag;
    this.#replaces = replaces;
    this.#dialog = new InviteDialog(this, dialog, exchange.flow);
    this.#dialog.peer.learn(this.request);
    this.#dialog.modifier.machine.onRequest('INVITE', this.request.body.length > 0, 0);
    this.#reliable = new ReliableProvisionals(core.timers.T1, 1 + (core.random.uint32() >>> 2), this.request.cseq!.number);
    this.#alarms = new Alarms(core.clock, (timer, now) => this.#onTimer(timer, now));
    exchange.onCancel = this.#onCancel;
    exchange.onFailure = this.#onFailure;
    const { expires } = this.request;
    if (expires !== undefined) this.#alarms.arm('expires', core.clock.now() + 1000 * Math.min(expires, 86_400));
  }

  get replaces(): InviteUsage | undefined {
    return this.#replaces;
  }

  get flow(): Flow | undefined {
    return this.#dialog.flow;
  }

  protected get current(): InviteDialog {
    return this.#dialog;
  }

  // ---- what the application does ----

  /** Resolves when it is out, or, when reliable, acknowledged. */
  async progress(status: number, options: ProgressOptions = {}): Promise<void> {
    if (!(status > 100 && status < 200)) throw new OptionError('status', '101 to 199');
    this.#assertOpen('progress');
    const response = this.#provisional(status, options);
    if (!this.#isReliable(options)) {
      this.#exchange.respond(response);
      this.#keepRinging(response, KEEP_RINGING_MS);
      return;
    }
    const { modifier } = this.#dialog;
    if (options.body !== undefined) {
      if (modifier.machine.offer === 'remote') modifier.apply(modifier.machine.onAnswer('local'));
      else modifier.machine.onOffer('local');
      this.#dialog.lastSent = options.body;
    }
    await new Promise<void>((resolve, reject) => {
      this.#sending.push({ response, resolve, reject });
      this.#apply(this.#reliable.onProvisional(response, this.core.clock.now()));
    });
  }

  /** Resolves with the ACK; rejects when the caller gave up first, or never acknowledged. */
  async accept(options: AcceptOptions = {}): Promise<void> {
    this.#assertOpen('accept');
    if (this.#answer !== undefined) throw new CallError('ERR_STATE', 0, 'accept: the call is being answered');
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject };
      // RFC 3262 §3: no 2xx while a description sent in a 1xx is not acknowledged.
      if (this.#reliable.holdsBody) this.#unpracked = options;
      else this.#accept(options);
    });
  }

  reject(status: number, options: RejectOptions = {}): void {
    if (!(status >= 300 && status <= 699)) throw new OptionError('status', '300 to 699');
    this.#assertOpen('reject');
    this.#refuse(status, options);
    this.#dialog.finish({ by: 'local', reasons: [] });
  }

  protected leaveEarly(options: EndOptions): void {
    this.#refuse(480, { headers: endHeaders(options) });
    this.#dialog.finish({ by: 'local', reasons: [] });
  }

  protected abort(): void {
    this.#isFinal = true;
    this.#apply(this.#reliable.onFinal());
    this.#dialog.finish({ by: 'transport', reasons: [] });
  }

  // ---- what the other side does ----

  override onPrack(exchange: ServerExchange): void {
    const effects = this.#reliable.onPrack(exchange.request, this.core.clock.now());
    if (effects === 'unmatched') {
      exchange.reply(481);
      return;
    }
    const { modifier } = this.#dialog;
    const body = bodyOf(exchange.request);
    const isOffer = body !== undefined && modifier.machine.offer === 'none';
    if (isOffer) modifier.machine.onOffer('remote');
    else if (body !== undefined) modifier.apply(modifier.machine.onAnswer('remote'));
    const answer = this.tell(
      () => this.handler.onPrack?.(exchange.request, body),
      () => this.#dialog.fail(undefined, undefined),
    );
    exchange.reply(200, answer && { body: answer.bytes, contentType: answer.contentType });
    if (answer !== undefined) this.#dialog.lastSent = answer;
    if (isOffer) modifier.apply(modifier.machine.onAnswer('local'));
    this.#apply(effects);
  }

  readonly #onCancel = (cancel: SipRequest): void => {
    if (this.#isFinal) return;
    this.#refuse(487);
    this.#dialog.finish({ by: 'cancel', request: cancel, reasons: cancel.reasons });
  };

  /** Nowhere to send what we answer: a 2xx is repeated until it can, all else is lost. */
  readonly #onFailure = (why: 'timeout' | 'transport'): void => {
    if (this.state !== 'early' || this.#isFinal) return;
    this.#isFinal = true;
    this.#dialog.finish({ by: why, reasons: [] });
  };

  onDialogEnd(_dialog: InviteDialog, end: InviteEnd): void {
    // §15.1.2: a BYE in the early dialog is the end of the INVITE too.
    if (!this.#isFinal) this.#refuse(end.by === 'remote' ? 487 : 500);
    this.#alarms.clear();
    if (this.#sending.length > 0 || this.#answer !== undefined) this.#rejectAll(this.#whyOver(end));
    this.#unpracked = undefined;
    this.end(end);
  }

  // ---- inside ----

  #rejectAll(why: CallError): void {
    for (const { reject } of this.#sending.splice(0)) reject(why);
    this.#answer?.reject(why);
    this.#answer = undefined;
  }

  #accept(options: AcceptOptions): void {
    this.#unpracked = undefined;
    const dialog = this.#dialog;
    const { machine } = dialog.modifier;
    this.#isFinal = true;
    this.#apply(this.#reliable.onFinal());
    this.#alarms.clear();
    this.#settleSending();
    const response = dialog.success(this.#exchange, { status: 200, ...options });
    dialog.dialog.confirm();
    this.confirm();
    if (options.body !== undefined) {
      if (machine.offer === 'remote') dialog.modifier.apply(machine.onAnswer('local'));
      else if (machine.offer === 'none' && this.request.body.length === 0) machine.onOffer('local');
    }
    dialog.modifier.apply(machine.onReply('INVITE', 200));
    dialog.accept(this.#exchange, response, 'initial', (ack, body) => this.#onAck(ack, body));
    void this.#replaces?.replaced();
  }

  #onAck(ack: SipRequest, body: Body | undefined): void {
    const { modifier } = this.#dialog;
    modifier.apply(modifier.machine.onAcknowledged());
    const answer = this.#answer;
    this.#answer = undefined;
    this.tell(
      () => this.handler.onAck?.(ack, body),
      () => this.#dialog.fail(undefined, undefined),
    );
    answer?.resolve();
    // From here on it is what the application may still look at.
    this.request.forget();
  }

  #refuse(status: number, options: RejectOptions = {}): void {
    this.#isFinal = true;
    this.#apply(this.#reliable.onFinal());
    this.#alarms.clear();
    this.#exchange.reply(status, replyOptions(options));
  }

  #provisional(status: number, options: ProgressOptions): SipResponse {
    return responseTo(this.request, status, {
      toTag: this.#exchange.toTag,
      ...replyOptions(options),
      headers: [['Contact', this.core.contactFor(this.#exchange.flow)], ...this.#dialog.capabilities(), ...(options.headers ?? [])],
    });
  }

  #isReliable(options: ProgressOptions): boolean {
    // RFC 3262 §3: who requires it gets every one of them so; who does not know it gets none.
    if (this.request.require.includes('100rel')) return true;
    if (!this.request.supported.includes('100rel')) {
      if (options.reliable === 'always') throw new CallError('ERR_STATE', 0, 'progress: the caller does not support 100rel');
      return false;
    }
    return options.reliable === 'always' || (options.reliable ?? (options.body ? 'ifSupported' : 'never')) === 'ifSupported';
  }

  #keepRinging(response: SipResponse, after: number): void {
    this.#ringing = { response, after };
    this.#alarms.arm('ringing', this.core.clock.now() + after);
  }

  #ringing: { readonly response: SipResponse; readonly after: number } | undefined;

  #ringOn(): void {
    const ringing = this.#ringing!;
    if (ringing.after === KEEP_RINGING_MS) {
      this.#exchange.respond(ringing.response);
      this.#keepRinging(ringing.response, ringing.after);
      return;
    }
    // RFC 3262 §3: a number of its own, and no description: that one has been delivered.
    if (!this.#reliable.isIdle) return;
    const again = this.#provisional(ringing.response.status, {});
    this.#apply(this.#reliable.onProvisional(again, this.core.clock.now()));
  }

  #onTimer(timer: ReliableTimer | 'ringing' | 'expires', now: number): void {
    switch (timer) {
      case 'resend':
      case 'give-up':
        this.#apply(this.#reliable.onTimer(timer, now));
        break;
      case 'ringing':
        this.#ringOn();
        break;
      case 'expires':
        // §13.3.1: the caller said how long it would wait.
        this.#refuse(487);
        this.#dialog.finish({ by: 'timeout', reasons: [] });
        break;
    }
  }

  #apply(effects: ReliableEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'arm':
        case 'disarm':
          this.#alarms.apply(effect);
          break;
        case 'send':
          this.#exchange.respond(effect.response);
          break;
        case 'acknowledged':
          for (const { response, resolve } of this.#sending) if (response === effect.response) resolve();
          this.#sending = this.#sending.filter(({ response }) => response !== effect.response);
          if (this.state === 'early' && !this.#isFinal) this.#keepRinging(effect.response, KEEP_RINGING_RELIABLY_MS);
          if (!this.#reliable.holdsBody && this.#unpracked !== undefined) this.#accept(this.#unpracked);
          break;
        case 'unacknowledged':
          // §3: a caller that does not acknowledge cannot be answered either.
          this.#refuse(504, { reason: 'No PRACK' });
          this.#dialog.finish({ by: 'timeout', reasons: [] });
          break;
      }
    }
  }

  /** What the final response overtook needs no PRACK any more. */
  #settleSending(): void {
    for (const { resolve } of this.#sending.splice(0)) resolve();
  }

  #assertOpen(what: string): void {
    if (this.state === 'ended') throw this.#whyOver(undefined, what);
    if (this.#isFinal) throw new CallError('ERR_STATE', 0, `${what}: the call has been answered`);
  }

  #whyOver(end: InviteEnd | undefined, what = 'the call'): CallError {
    switch (end?.by) {
      case 'cancel':
      case 'remote':
        return new CallError('ERR_CALL_CANCELLED', 487, 'the caller has given up');
      case 'timeout':
        return new CallError('ERR_CALL_TIMEOUT', 408, 'the caller did not acknowledge');
      default:
        return new CallError('ERR_CALL_ENDED', 0, `${what}: the call has ended`);
    }
  }
}
