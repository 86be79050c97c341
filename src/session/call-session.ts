// A call: its signalling and its media joined. One state machine (call-state.ts) says where it stands; here what happens on the wire, in the media and
// by the application's wish meets it. Whatever ends a call, `ended` is emitted once, and last.
import { EventEmitter } from 'eventemitter3';
import type { Timer } from '../clock.js';
import { CallError, type ErrorCode, OptionError } from '../errors.js';
import type { DtmfDigit } from '../rtp/dtmf-receiver.js';
import type { MediaStream } from '../rtp/media-stream.js';
import type { StreamStats } from '../rtp/stream-stats.js';
import type { HeaderEntry } from '../sip/message/headers.js';
import type { SipRequest, SipResponse } from '../sip/message/message.js';
import type { NameAddr } from '../sip/message/name-addr.js';
import { parseNameAddr } from '../sip/message/name-addr.js';
import { parseUri, type Uri } from '../sip/message/uri.js';
import { bodyOf } from '../sip/ua/invite-body.js';
import type { IncomingCall } from '../sip/ua/invite-incoming.js';
import type { OutgoingCall } from '../sip/ua/invite-outgoing.js';
import type {
  Body,
  InviteEnd,
  InviteHandler,
  InviteUsage,
  OutgoingInviteBase,
  OutgoingInviteOptions,
  RemoteAddress,
  RequestReply,
} from '../sip/ua/invite-usage.js';
import { isLocal } from '../sip/ua/local-response.js';
import type { ReferSubscription } from '../sip/ua/refer-subscription.js';
import { CallDescriptions, type Described, refusalReply, unsupportedReply } from './call-descriptions.js';
import { type CallEnd, callEnd, type LocalEnd } from './call-end.js';
import { ACCEPTED_SUITES, CallMedia } from './call-media.js';
import { type CallContext, type CallOptions, type ResolvedCallOptions, resolveCallOptions } from './call-options.js';
import { CallMachine, type CallNews, type CallState, type Side } from './call-state.js';
import { sdpIn } from './description.js';
import { DtmfMerge, type DtmfWay, parseDtmfRelay, RELAY_TYPES, writeDtmfRelay } from './dtmf-relay.js';
import type { AgreedFormat } from './formats.js';
import { type AgreedMedia, type Agreement, examineOffer } from './offer-answer.js';
import { nameOfCause } from './q850.js';
import { RedirectTargets } from './redirect.js';
import { type Direction, isAddress, isUnspecified } from './sdp.js';
import { type TransferOptions, type TransferResult, transferCall } from './transfer.js';
import { replyToRefer, reportTo, TransferRequest } from './transfer-request.js';

export interface CallMessage {
  readonly contentType: string;
  readonly text: string;
  readonly body: Uint8Array;
}

export interface CallSessionEvents {
  /** Its media is open: where audio is heard and said. Before anything flows. */
  stream: [stream: MediaStream];
  /** What we send; again when it changes. */
  codec: [format: AgreedFormat];
  ringing: [];
  early: [];
  answered: [];
  held: [hold: { readonly by: Side }];
  resumed: [hold: { readonly by: Side }];
  dtmf: [digit: DtmfDigit, press: { readonly durationMs: number; readonly via: DtmfWay }];
  message: [message: CallMessage];
  transferRequest: [request: TransferRequest];
  transferProgress: [progress: { readonly status: number; readonly reason: string }];
  /** Exactly once, and always the last. */
  ended: [end: CallEnd];
}

/** Whom to call: an INVITE but for its description and handler. */
export type DialTarget = Omit<OutgoingInviteOptions, 'body' | 'handler' | 'after'> & {
  /** Asks the callee for the offer (RFC 3261 §13.2.1). @default 'offer' */
  readonly description?: 'offer' | 'none';
};

export interface ProgressOptions {
  /** @default 180 for `ring`, 183 for `progress` */
  readonly status?: number;
  readonly reason?: string;
  readonly headers?: readonly HeaderEntry[];
  /** RFC 3262. @default reliably where the caller can, when it carries a description */
  readonly reliable?: 'never' | 'ifSupported' | 'always';
}

export interface AnswerOptions {
  readonly headers?: readonly HeaderEntry[];
  /** What the application wants to hear and say; only before early media. */
  readonly audio?: CallOptions['audio'];
}

export interface HangupOptions {
  /** A Reason header value (RFC 3326). @default Q.850;cause=16 */
  readonly reason?: string;
  readonly headers?: readonly HeaderEntry[];
}

interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: CallError) => void;
}

export class CallSession extends EventEmitter<CallSessionEvents> {
  readonly direction: 'in' | 'out';
  /** Wall-clock milliseconds. */
  readonly startedAt: number;
  readonly context: CallContext;
  readonly #incoming: IncomingCall | undefined;
  readonly #target: DialTarget | undefined;
  readonly #machine = new CallMachine();
  readonly #media: CallMedia;
  readonly #descriptions: CallDescriptions;
  readonly #dtmf = new DtmfMerge();
  readonly #answered = deferred();
  readonly #timers = new Set<Timer>();
  readonly #redirects: RedirectTargets | undefined;
  #usage: InviteUsage | undefined;
  #answeredAt: number | undefined;
  #end: CallEnd | undefined;
  /** What we want of the audio; a hold of ours wants less. */
  #wanted: Direction = 'sendrecv';
  #isHeldByRemote = false;
  /** They let us send once: from then on, not letting us is a hold. */
  #hasTalked = false;
  /** How our description for an incoming INVITE has been delivered so far. */
  #described: 'no' | 'unreliably' | 'reliably' = 'no';
  #answering: Promise<void> | undefined;
  /** One change of ours after the other. */
  #changes: Promise<void> = Promise.resolve();
  /** A REFER of ours was accepted: when they hang up now, the call has gone on elsewhere. */
  #isReferred = false;

  /** A call to us. Undefined when it has been refused: nothing in it that we can answer, or it would replace a call and nobody wants that. */
  static receive(invite: IncomingCall, context: CallContext, options: CallOptions = {}): CallSession | undefined {
    const resolved = resolveCallOptions(options);
    const refusal = refusalOf(invite.request, resolved);
    if (refusal !== undefined) {
      invite.reject(refusal.status, refusal);
      return undefined;
    }
    if (invite.replaces === undefined) return new CallSession(context, resolved, invite, undefined);
    const replaced = (invite.replaces.handler as Partial<OwnedHandler>).session;
    if (replaced === undefined || replaced.listenerCount('transferRequest') === 0) {
      invite.reject(603);
      return undefined;
    }
    replaced.#onReplaces(new CallSession(context, resolved, invite, undefined));
    return undefined;
  }

  /** A call of ours. The media opens, then the INVITE goes; `answered` says what came of it. */
  static dial(target: DialTarget, context: CallContext, options: CallOptions = {}): CallSession {
    const uri = typeof target.uri === 'string' ? parseUri(target.uri) : target.uri;
    if (uri === undefined) throw new OptionError('uri', 'must be a URI');
    if (parseNameAddr(target.from) === undefined) throw new OptionError('from', 'must be a name-addr');
    return new CallSession(context, resolveCallOptions(options), undefined, { ...target, uri });
  }

  private constructor(
    context: CallContext,
    options: ResolvedCallOptions,
    incoming: IncomingCall | undefined,
    target: (DialTarget & { readonly uri: Uri }) | undefined,
  ) {
    super();
    this.context = context;
    this.direction = incoming === undefined ? 'out' : 'in';
    this.startedAt = context.clock.wall();
    this.#incoming = incoming;
    this.#target = target;
    this.#redirects = target && new RedirectTargets(target.uri, options.maxRedirects);
    this.#media = new CallMedia(context, options, {
      onStream: (stream) => this.#tell('stream', stream),
      onCodec: (format) => this.#tell('codec', format),
      onDtmf: (digit, durationMs, way) => this.#onDtmf(digit, durationMs, way),
      onSilent: () => this.#leave({ reason: 'mediaTimeout', by: 'network', cause: 102, text: 'no media' }),
      onFailed: (error) => this.#onMediaFailed(error),
    });
    // RFC 8866 §5.2 wants a session id that is one of a kind; below 2^53 every device can read it.
    const sessionId = String(context.random.uint32() * 0x10000 + (context.random.uint32() & 0xffff));
    this.#descriptions = new CallDescriptions(
      sessionId,
      (purpose) => this.#media.capabilities(purpose, this.#wanted, this.#remoteHost),
      (agreement) => this.#onAgreed(agreement),
    );
    if (options.ringTimeoutMs > 0) this.#after(options.ringTimeoutMs, () => this.#onRingTimeout());
    if (incoming !== undefined) {
      this.#usage = incoming;
      incoming.handler = this.#handlerFor(() => incoming);
    } else void this.#start();
  }

  // ── what it is ──

  /** The Call-ID; '' until an outgoing INVITE has one. */
  get id(): string {
    return this.#usage?.callId ?? '';
  }

  get state(): CallState {
    return this.#machine.state;
  }

  /** The caller, as the INVITE says. */
  get from(): NameAddr {
    return this.#usage?.request.from ?? parseNameAddr(this.#target!.from)!;
  }

  get to(): NameAddr {
    return this.#usage?.request.to ?? parseNameAddr(`<${String(this.requestUri)}>`)!;
  }

  get requestUri(): Uri {
    return this.#usage?.request.uri ?? (this.#target!.uri as Uri);
  }

  /** The INVITE: as it came, or as it was last sent. */
  get request(): SipRequest | undefined {
    return this.#usage?.request;
  }

  /** The signalling beneath, for what is not here: other requests, remote target, tags. */
  get usage(): InviteUsage | undefined {
    return this.#usage;
  }

  /** Where the other side's signalling comes from. */
  get remote(): RemoteAddress | undefined {
    return this.#usage?.remoteAddress;
  }

  get stream(): MediaStream | undefined {
    return this.#media.stream;
  }

  /** What both sides agreed about the audio last. */
  get media(): AgreedMedia | undefined {
    return this.#descriptions.agreement?.media;
  }

  /** What we send. */
  get codec(): AgreedFormat | undefined {
    return this.media?.codec;
  }

  get options(): ResolvedCallOptions {
    return this.#media.options;
  }

  /** Wall-clock milliseconds. */
  get answeredAt(): number | undefined {
    return this.#answeredAt;
  }

  get end(): CallEnd | undefined {
    return this.#end;
  }

  isHeldBy(side: Side): boolean {
    return this.#machine.isHeldBy(side);
  }

  /** Resolves when the call is answered; rejects when it ends without. Never an unhandled rejection. */
  get answered(): Promise<void> {
    return this.#answered.promise;
  }

  /** Tells that frames are ready in `stream.incoming`; any number may listen. The result stops it. */
  onFrames(listener: () => void): () => void {
    return this.#media.onFrames(listener);
  }

  stats(): StreamStats | undefined {
    return this.stream?.stats();
  }

  // ── a call to us ──

  /** 180. */
  async ring(options: ProgressOptions = {}): Promise<void> {
    const incoming = this.#unanswered('ring');
    const { status = 180, reason, headers, reliable } = options;
    this.#apply(this.#machine.onRinging());
    await incoming.progress(status, { ...given({ reason, headers, reliable }) });
  }

  /** 183 with a description: early media flows both ways. Without an offer to answer and without 100rel, a 183 alone. */
  async progress(options: ProgressOptions = {}): Promise<void> {
    const incoming = this.#unanswered('progress');
    const { status = 183, reason, headers, reliable = 'ifSupported' } = options;
    await this.#openMedia();
    this.#unanswered('progress');
    const isReliable = reliable !== 'never' && speaks100rel(incoming.request);
    const described = this.#describeFor(isReliable ? 'reliably' : 'unreliably');
    if (described.type === 'refused') throw this.#refuse(incoming, described.reply);
    if (this.#descriptions.agreement !== undefined) this.#apply(this.#machine.onEarlyMedia());
    await incoming.progress(status, {
      ...given({ reason, headers }),
      reliable: isReliable ? reliable : 'never',
      ...bodyOption(described.body),
    });
  }

  /** What the application wants to hear and say; before there is media. */
  useAudio(audio: NonNullable<CallOptions['audio']>): void {
    const { options } = this.#media;
    this.#media.reconfigure({ ...options, audio: { ...options.audio, ...audio } });
  }

  /** 200. Resolves when the ACK is in; rejects when the caller cancelled, when no ACK came, or when there is no media. */
  answer(options: AnswerOptions = {}): Promise<void> {
    this.#answering ??= this.#answer(options).catch((error: unknown) => {
      this.#answering = undefined;
      throw error;
    });
    // A call that was cancelled a moment before is no reason for an unhandled rejection: `ended` tells as well.
    this.#answering.catch(() => {});
    return this.#answering;
  }

  async #answer({ headers, audio }: AnswerOptions): Promise<void> {
    const incoming = this.#unanswered('answer');
    if (audio !== undefined) this.useAudio(audio);
    await this.#openMedia();
    this.#unanswered('answer');
    const described = this.#describeFor('reliably');
    this.#unanswered('answer');
    if (described.type === 'refused') throw this.#refuse(incoming, described.reply);
    await incoming.accept({ ...given({ headers }), ...bodyOption(described.body) });
    this.#onAnswered();
    if (this.state === 'ended') throw this.#error();
  }

  reject(status = 486, reason?: string, options: { readonly headers?: readonly HeaderEntry[] } = {}): void {
    const incoming = this.#unanswered('reject');
    if (!(Number.isInteger(status) && status >= 400 && status <= 699)) throw new OptionError('status', 'must be 400 to 699');
    this.#finish({ reason: 'rejected', status, ...(reason === undefined ? {} : { text: reason }) });
    incoming.reject(status, given({ reason, headers: options.headers }));
  }

  /** 3xx: the caller may try there (RFC 3261 §21.3). */
  redirect(
    targets: string | readonly string[],
    options: { readonly status?: number; readonly headers?: readonly HeaderEntry[] } = {},
  ): void {
    const incoming = this.#unanswered('redirect');
    const { status = 302, headers = [] } = options;
    if (![300, 301, 302, 305, 380].includes(status)) throw new OptionError('status', 'must be 300, 301, 302, 305 or 380');
    const contacts = (typeof targets === 'string' ? [targets] : targets).map((target) => {
      const contact = parseNameAddr(target.includes('<') ? target : `<${target}>`);
      if (contact === undefined) throw new OptionError('targets', 'must be SIP or tel URIs');
      return ['Contact', String(contact)] as const;
    });
    this.#finish({ reason: 'redirected', status });
    incoming.reject(status, { headers: [...contacts, ...headers] });
  }

  // ── any call ──

  /** Ends the call whatever its state; resolves when the other side knows, or can no longer be told. */
  async hangup(options: HangupOptions = {}): Promise<void> {
    const { reason = `Q.850;cause=16;text="${nameOfCause(16)}"`, headers } = options;
    if (this.#answeredAt !== undefined || this.#answering !== undefined)
      await this.#leave({ reason: 'hangup', status: 200 }, { reason, ...given({ headers }) });
    else if (this.direction === 'out') await this.#leave({ reason: 'cancelled', status: 487 }, given({ reason: options.reason, headers }));
    else await this.#leave({ reason: 'rejected', status: 480 }, given({ headers }));
  }

  /** The other side is told to wait (RFC 3264 §8.4); nothing is sent or heard until `resume`. */
  async hold(): Promise<void> {
    this.#established('hold');
    if (this.#wanted === 'sendrecv') await this.#change({ direction: this.#media.options.holdStyle });
  }

  async resume(): Promise<void> {
    this.#established('resume');
    if (this.#wanted !== 'sendrecv') await this.#change({ direction: 'sendrecv' });
  }

  /** A re-INVITE: with other codecs, or to tell a changed address. The audio goes on. */
  async renegotiate(changes: Pick<CallOptions, 'codecs' | 'ptimeMs'> = {}): Promise<void> {
    this.#established('renegotiate');
    await this.#change({ options: resolveCallOptions({ ...this.#callOptions(), ...changes }) });
  }

  /** Resolves when the last tone is out. By INFO, one after the other, where that is asked for. */
  async sendDtmf(
    digits: string,
    options: { readonly via?: 'auto' | 'info'; readonly durationMs?: number; readonly gapMs?: number } = {},
  ): Promise<void> {
    const { via = 'auto', durationMs, gapMs } = options;
    if (this.state === 'ended') throw this.#error();
    if (via === 'info') {
      for (const digit of digits.toUpperCase()) await this.#sendInfo(digit as DtmfDigit, durationMs ?? 160);
      return;
    }
    const { stream } = this;
    if (stream === undefined || this.media === undefined) throw new CallError('ERR_STATE', 0, 'sendDtmf: no media has been agreed');
    await stream.sendDtmf(digits, given({ durationMs, gapMs }));
  }

  /** A MESSAGE within the call (RFC 3428). */
  async message(text: string, options: { readonly contentType?: string } = {}): Promise<void> {
    const usage = this.#established('message');
    const response = await usage.send('MESSAGE', { contentType: options.contentType ?? 'text/plain;charset=UTF-8', body: text });
    if (response.status >= 300) throw new CallError('ERR_REQUEST', response.status, response.reason);
  }

  /** To a URI (blind), or to the other side of another call (attended): RFC 3515, RFC 3891, RFC 5589. */
  async transfer(target: string | CallSession, options: TransferOptions = {}): Promise<TransferResult> {
    const usage = this.#established('transfer');
    return transferCall(
      {
        call: this,
        usage,
        onAccepted: () => {
          this.#isReferred = true;
        },
        onFailed: () => {
          this.#isReferred = false;
        },
        onProgress: (status, reason) => this.#tell('transferProgress', { status, reason }),
        place: (uri) => this.#place(uri, undefined),
        release: (call) => call.#leave({ reason: 'transferred', status: 200 }),
      },
      target,
      options,
    );
  }

  // ── outgoing ──

  async #start(): Promise<void> {
    try {
      await this.#media.open();
    } catch (error) {
      this.#onMediaFailed(error as Error);
      return;
    }
    if (this.state !== 'ended') this.#invite(this.#target!.uri as Uri, undefined);
  }

  #invite(uri: Uri, after: OutgoingInviteBase | undefined): void {
    const { description = 'offer', ...target } = this.#target!;
    let usage: OutgoingCall | undefined;
    const handler = this.#handlerFor(() => usage);
    try {
      const body = description === 'offer' ? this.#descriptions.offer() : undefined;
      usage = this.context.invite({ ...target, uri, handler, ...bodyOption(body), ...(after && { after }) });
      this.#usage = usage;
    } catch (error) {
      this.#onMediaFailed(error as Error);
    }
  }

  #onProvisional(response: SipResponse, dialogId: string, body: Body | undefined, delivery: 'reliable' | 'unreliable'): Body | undefined {
    if (response.status === 180) this.#apply(this.#machine.onRinging());
    // RFC 6228: a 199 only says that this fork is over.
    if (response.status === 199) return undefined;
    const described = this.#descriptions.provisional(dialogId, body, delivery);
    if (described.type === 'refused') {
      if (delivery === 'reliable') void this.#leave({ reason: 'failed', status: 488, text: 'the early media cannot be used' });
      return undefined;
    }
    if (this.#descriptions.agreement !== undefined && this.state !== 'ended') this.#apply(this.#machine.onEarlyMedia());
    return described.body;
  }

  #onSuccess(dialogId: string, body: Body | undefined): Body | undefined {
    const described = this.#descriptions.success(dialogId, body);
    if (described.type === 'refused') {
      void this.#leave(
        { reason: 'failed', status: 488, text: 'the answer cannot be used' },
        { reason: 'SIP;cause=488;text="Not Acceptable Here"' },
      );
      return undefined;
    }
    this.#onAnswered();
    return described.body;
  }

  /** §8.1.3.4: a 3xx names other places, and so do those that were named before, as long as what refuses is no global failure. */
  #onFailure(response: SipResponse, usage: OutgoingCall): void {
    const redirects = this.#redirects!;
    const isRedirect = response.status < 400 && response.status !== 304;
    const targets = isRedirect ? redirects.add(response.contacts) : [];
    if (isRedirect && this.#media.options.redirects === 'surface') {
      this.#surfaceRedirect(response, targets, usage);
      return;
    }
    if (response.status < 600 && !isLocal(response)) this.#followOn(usage);
  }

  #surfaceRedirect(response: SipResponse, targets: readonly Uri[], usage: OutgoingCall): void {
    if (targets.length === 0 || this.listenerCount('transferRequest') === 0) return;
    // The INVITE is over, the call is not: it waits for the decision, as long as a call may ring.
    usage.handler = {};
    this.#usage = usage;
    const request = new TransferRequest(
      'redirect',
      { targets },
      {
        accept: () => {
          if (this.state !== 'ended') this.#followOn(usage);
          return this;
        },
        reject: () => this.#finish({ reason: 'redirected', status: response.status, text: response.reason }),
      },
    );
    this.#tell('transferRequest', request);
  }

  #followOn(usage: OutgoingCall): void {
    const next = this.#redirects!.next();
    if (next === undefined) return;
    usage.handler = {};
    this.#descriptions.restart();
    this.#invite(next, usage);
  }

  // ── incoming ──

  /** The description for a 1xx or 2xx: the answer to their offer, its repetition, or, to an INVITE without one, our offer. */
  #describeFor(delivery: 'reliably' | 'unreliably'): Described {
    const isOffered = this.#incoming!.request.body.length > 0;
    if (this.#described === 'reliably') return { type: 'ok', body: undefined };
    if (this.#described === 'unreliably') {
      this.#described = delivery;
      return { type: 'ok', body: this.#descriptions.repeat() };
    }
    // RFC 3262 §5: an offer of ours waits for a message that cannot be lost.
    if (!isOffered && delivery === 'unreliably') return { type: 'ok', body: undefined };
    const described: Described = isOffered
      ? this.#descriptions.offered(bodyOf(this.#incoming!.request))
      : { type: 'ok', body: this.#descriptions.offer() };
    if (described.type === 'ok') this.#described = delivery;
    return described;
  }

  #refuse(incoming: IncomingCall, reply: RequestReply): CallError {
    this.#finish({ reason: 'failed', status: reply.status });
    incoming.reject(reply.status, reply);
    return this.#error();
  }

  #onAck(body: Body | undefined): void {
    if (!this.#descriptions.isOffering) return;
    const described = this.#descriptions.answered(body);
    if (described.type === 'refused') void this.#leave({ reason: 'failed', status: 488, text: 'the ACK has no answer that can be used' });
  }

  /** The answer to the offer in our reliable 1xx, or an offer of its own. */
  #onPrack(body: Body | undefined): Body | undefined {
    if (this.#descriptions.isOffering) {
      if (this.#descriptions.answered(body).type === 'ok') this.#apply(this.#machine.onEarlyMedia());
      else void this.#leave({ reason: 'failed', status: 488, text: 'the PRACK has no answer that can be used' });
      return undefined;
    }
    const described = this.#descriptions.offered(body);
    return described.type === 'ok' ? described.body : undefined;
  }

  // ── in the middle of a call ──

  /** A re-INVITE or UPDATE: answered by what we want now. Refused, it leaves all as it was (§14.2). */
  #onOffer(request: SipRequest, body: Body | undefined): RequestReply {
    if (body === undefined) return request.method === 'UPDATE' ? { status: 200 } : { status: 200, body: this.#descriptions.offer() };
    const described = this.#descriptions.offered(body);
    return described.type === 'refused' ? described.reply : { status: 200, ...bodyOption(described.body) };
  }

  async #change(change: { readonly direction?: Direction; readonly options?: ResolvedCallOptions }): Promise<void> {
    const turn = this.#changes.then(() => this.#changeNow(change));
    this.#changes = turn.catch(() => {});
    await turn;
  }

  async #changeNow({ direction, options }: { readonly direction?: Direction; readonly options?: ResolvedCallOptions }): Promise<void> {
    const usage = this.#established('change');
    const before = { wanted: this.#wanted, options: this.#media.options };
    if (direction !== undefined) this.#wanted = direction;
    if (options !== undefined) this.#media.reconfigure(options);
    const { response, body } = await usage.reinvite({ body: () => this.#descriptions.offer() });
    const described: Described =
      response.status < 300
        ? this.#descriptions.answered(body)
        : { type: 'refused', reply: { status: response.status, reason: response.reason } };
    if (described.type === 'ok') return;
    this.#descriptions.withdraw();
    this.#wanted = before.wanted;
    this.#media.reconfigure(before.options);
    throw new CallError('ERR_CALL_FAILED', described.reply.status, described.reply.reason ?? response.reason);
  }

  /** What was agreed, whichever way: the media follows, and holds show. */
  #onAgreed(agreement: Agreement): void {
    const theirs = agreement.remote.media[agreement.media.lineIndex];
    const theyHear =
      theirs !== undefined &&
      theirs.port !== 0 &&
      (theirs.direction === 'sendrecv' || theirs.direction === 'recvonly') &&
      !(theirs.address !== undefined && isUnspecified(theirs.address));
    // An inactive offer of ours can only be answered inactive: it tells nothing about them.
    if (this.#wanted !== 'inactive') this.#isHeldByRemote = this.#hasTalked && !theyHear;
    if (theyHear) this.#hasTalked = true;
    const isHeldByUs = this.#wanted !== 'sendrecv';
    this.#media.apply(agreement, isHeldByUs || this.#isHeldByRemote ? 'held' : 'live');
    this.#applyHolds();
  }

  #applyHolds(): void {
    this.#apply(this.#wanted === 'sendrecv' ? this.#machine.onResumed('local') : this.#machine.onHeld('local'));
    this.#apply(this.#isHeldByRemote ? this.#machine.onHeld('remote') : this.#machine.onResumed('remote'));
  }

  #onRequest(request: SipRequest): RequestReply {
    const contentType = request.header('Content-Type') ?? 'text/plain';
    switch (request.method) {
      case 'INFO': {
        const press = parseDtmfRelay(contentType, request.bodyText);
        if (press === undefined) return refusedInfo(request);
        this.#onDtmf(press.digit, press.durationMs, 'info');
        return { status: 200 };
      }
      case 'MESSAGE':
        this.#tell('message', { contentType, text: request.bodyText, body: request.body });
        return { status: 200 };
      case 'NOTIFY':
        // RFC 6665 §4.1.3: none of our subscriptions.
        return { status: 481 };
      default:
        return { status: 405 };
    }
  }

  #onRefer(subscription: ReferSubscription): RequestReply {
    if (this.listenerCount('transferRequest') === 0) return { status: 603 };
    let refusal: RequestReply | undefined;
    let isAnswered = false;
    const { referTo, referredBy } = subscription;
    const said = { targets: [referTo.uri], referredBy, isAttended: referTo.uri.headers.has('Replaces') };
    const request = new TransferRequest('refer', said, {
      accept: (place) => {
        const by = referredBy === undefined ? undefined : String(referredBy);
        const call = place?.({ target: referTo.uri, referredBy: by }) ?? this.#place(referTo.uri, by);
        reportTo(subscription, call);
        return call;
      },
      reject: (status, reason) => {
        refusal = { status, ...given({ reason }) };
        if (isAnswered) subscription.notify(status, reason);
      },
    });
    this.#tell('transferRequest', request);
    isAnswered = true;
    return replyToRefer(request, refusal);
  }

  /** A new call by the same ways, and with the same options, as this one. */
  #place(uri: string | Uri, referredBy: string | undefined): CallSession {
    const { from = String(this.#usage!.local.withoutTag()), route, credentials } = this.#target ?? {};
    const headers: HeaderEntry[] | undefined = referredBy === undefined ? undefined : [['Referred-By', referredBy]];
    return CallSession.dial({ uri, from, ...given({ route, credentials, headers }) }, this.context, this.#callOptions());
  }

  #onReplaces(successor: CallSession): void {
    const request = new TransferRequest(
      'replaces',
      { targets: [], referredBy: successor.request?.referredBy, isAttended: true },
      {
        accept: () => {
          // The old call ends when the new one is accepted (RFC 3891 §3): the dialog sees to it.
          successor
            .answer()
            .catch((error: unknown) => this.context.logger.warn({ error }, 'a call that replaces another was not answered'));
          return successor;
        },
        reject: (status, reason) => {
          if (successor.state !== 'ended') successor.reject(status, reason);
        },
      },
    );
    this.#tell('transferRequest', request);
  }

  #onDtmf(digit: DtmfDigit, durationMs: number, via: DtmfWay): void {
    if (this.state === 'ended' || !this.#dtmf.isNew(digit, via, this.context.clock.now())) return;
    this.#tell('dtmf', digit, { durationMs, via });
  }

  async #sendInfo(digit: DtmfDigit, durationMs: number): Promise<void> {
    const usage = this.#established('sendDtmf');
    const response = await usage.info(writeDtmfRelay(digit, durationMs));
    if (response.status >= 300) throw new CallError('ERR_REQUEST', response.status, response.reason);
  }

  // ── beginning and end ──

  #onAnswered(): void {
    if (this.state === 'ended' || this.#answeredAt !== undefined) return;
    this.#answeredAt = this.context.clock.wall();
    this.#cancelTimers();
    const { maxCallMs } = this.#media.options;
    if (maxCallMs > 0) this.#after(maxCallMs, () => void this.#leave({ reason: 'maxDuration', status: 200 }));
    this.#apply(this.#machine.onAnswered());
    this.#answered.resolve();
  }

  #onRingTimeout(): void {
    if (this.direction === 'out') void this.#leave({ reason: 'noAnswer', status: 408, cause: 19 });
    else if (this.#answering === undefined) this.#leaveRinging({ reason: 'noAnswer', status: 480, cause: 19 });
  }

  #onMediaFailed(error: Error): void {
    this.context.logger.error({ error, call: this.id }, 'the media of a call failed');
    const meant: LocalEnd = { reason: 'failed', by: 'network', cause: 47, text: error.message };
    if (this.direction === 'in' && this.#answeredAt === undefined) this.#leaveRinging({ ...meant, status: 503 });
    else void this.#leave({ ...meant, status: this.#answeredAt === undefined ? 503 : 200 });
  }

  #leaveRinging(meant: LocalEnd & { readonly status: number }): void {
    if (this.state === 'ended') return;
    const incoming = this.#incoming!;
    this.#finish(meant);
    if (incoming.state === 'early') incoming.reject(meant.status);
    else void incoming.bye();
  }

  /** By our own wish: it is over here and now; the other side is told. */
  async #leave(meant: LocalEnd, options: HangupOptions = {}): Promise<void> {
    if (this.state === 'ended') return;
    const usage = this.#usage;
    this.#finish(meant);
    await usage?.bye({ ...given({ headers: options.headers }), reason: options.reason ?? reasonOf(meant) });
  }

  #onEnd(end: InviteEnd): void {
    // An answer that was never acknowledged is an answer; one that the CANCEL overtook is none.
    const wasAnswered = this.#answeredAt !== undefined || (this.#answering !== undefined && end.by !== 'cancel');
    const told = callEnd({ end, wasAnswered, direction: this.direction, isLocalResponse: isLocal }, undefined);
    this.#finishWith(this.#isReferred && told.by === 'remote' ? { ...told, reason: 'transferred' } : told);
  }

  #finish(meant: LocalEnd): void {
    const wasAnswered = this.#answeredAt !== undefined;
    this.#finishWith(
      callEnd({ end: { by: 'local', reasons: [] }, wasAnswered, direction: this.direction, isLocalResponse: isLocal }, meant),
    );
  }

  #finishWith(end: CallEnd): void {
    if (this.state === 'ended') return;
    const news = this.#machine.onEnded(end);
    this.#end = end;
    this.#cancelTimers();
    if (this.#usage !== undefined) this.#usage.handler = {};
    this.#media.close();
    this.#answered.reject(this.#error());
    this.#apply(news);
  }

  /** Why nothing more can be done with this call. */
  #error(): CallError {
    const end = this.#end!;
    const code: ErrorCode =
      this.#answeredAt !== undefined
        ? 'ERR_CALL_ENDED'
        : end.reason === 'cancelled'
          ? 'ERR_CALL_CANCELLED'
          : end.reason === 'noAnswer'
            ? 'ERR_CALL_TIMEOUT'
            : end.reason === 'rejected' || end.reason === 'redirected'
              ? 'ERR_CALL_REJECTED'
              : 'ERR_CALL_FAILED';
    return new CallError(code, end.status, end.text ?? end.reason);
  }

  // ── inside ──

  #handlerFor(usage: () => InviteUsage | undefined): OwnedHandler {
    return {
      session: this,
      onProvisional: (response, dialogId, body, delivery) => this.#onProvisional(response, dialogId, body, delivery),
      onSuccess: (_response, dialogId, body) => this.#onSuccess(dialogId, body),
      onFailure: (response) => {
        if (this.direction === 'out') this.#onFailure(response, usage() as OutgoingCall);
      },
      onAck: (_request, body) => this.#onAck(body),
      onPrack: (_request, body) => this.#onPrack(body),
      onOffer: (request, body) => this.#onOffer(request, body),
      onReinviteAck: (_request, body) => {
        if (this.#descriptions.isOffering) this.#descriptions.answered(body);
      },
      onRefresh: () => this.#descriptions.offer(),
      onRefreshed: (_response, body) => void this.#descriptions.answered(body),
      onRequest: (request) => this.#onRequest(request),
      onRefer: (_request, subscription) => this.#onRefer(subscription),
      onEnd: (end) => this.#onEnd(end),
    };
  }

  async #openMedia(): Promise<void> {
    try {
      await this.#media.open();
    } catch (error) {
      this.#onMediaFailed(error as Error);
      throw error;
    }
  }

  /** The peer's signalling address, or what the URI says before there is one. */
  get #remoteHost(): string | undefined {
    const host = this.#usage?.remoteAddress?.address ?? this.#target?.target?.address ?? (this.#target?.uri as Uri | undefined)?.host;
    return host !== undefined && isAddress(host) ? host : undefined;
  }

  #unanswered(what: string): IncomingCall {
    if (this.#incoming === undefined) throw new CallError('ERR_STATE', 0, `${what}: this is a call of ours`);
    if (this.state === 'ended') throw this.#error();
    if (this.#answeredAt !== undefined) throw new CallError('ERR_STATE', 0, `${what}: the call has been answered`);
    return this.#incoming;
  }

  #established(what: string): InviteUsage {
    if (this.state === 'ended') throw this.#error();
    if (this.#usage === undefined || this.#answeredAt === undefined)
      throw new CallError('ERR_STATE', 0, `${what}: the call has not been answered`);
    return this.#usage;
  }

  #callOptions(): CallOptions {
    const { rtpHost, ...options } = this.#media.options;
    return { ...options, ...given({ rtpHost }) };
  }

  #after(ms: number, task: () => void): void {
    const { clock } = this.context;
    const timer = clock.at(clock.now() + ms, () => {
      this.#timers.delete(timer);
      task();
    });
    this.#timers.add(timer);
  }

  #cancelTimers(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  #apply(news: readonly CallNews[]): void {
    for (const one of news) {
      switch (one.type) {
        case 'held':
        case 'resumed':
          this.#tell(one.type, { by: one.by });
          break;
        case 'ended':
          this.#tell('ended', one.end);
          break;
        default:
          this.#tell(one.type);
      }
    }
  }

  /** A listener that throws ends this call, and nothing else. */
  #tell<E extends keyof CallSessionEvents>(event: E, ...args: CallSessionEvents[E]): void {
    try {
      this.emit(event, ...(args as Parameters<(...args: CallSessionEvents[E]) => void> & never));
    } catch (error) {
      this.context.logger.error({ error, event, call: this.id }, 'a listener of a call failed');
      void this.#leave({ reason: 'failed', text: 'a listener failed', ...(this.#answeredAt === undefined ? { status: 500 } : {}) });
    }
  }
}

/** Whose handler it is: how an INVITE that replaces a call finds that call. */
interface OwnedHandler extends InviteHandler {
  readonly session: CallSession;
}

/** What can be said before anyone is bothered: a body that is no description (415), or one with nothing in it that we can do (488). */
function refusalOf(request: SipRequest, options: ResolvedCallOptions): RequestReply | undefined {
  const sdp = sdpIn(bodyOf(request));
  if (sdp === undefined) return undefined;
  if (sdp === 'unsupported') return unsupportedReply();
  const { codecs, srtp } = options;
  const refusal = examineOffer(sdp, { codecs, srtp }, ACCEPTED_SUITES);
  return refusal && refusalReply(refusal);
}

/** RFC 6086 §4.2.2, and §21.4.13 for bodies nobody reads; without one, an INFO is a sign of life. */
function refusedInfo(request: SipRequest): RequestReply {
  if (request.infoPackage !== undefined) return { status: 469, headers: [['Recv-Info', '']] };
  return request.body.length === 0 ? { status: 200 } : { status: 415, headers: [['Accept', RELAY_TYPES.join(', ')]] };
}

function speaks100rel(request: SipRequest): boolean {
  return request.supported.includes('100rel') || request.require.includes('100rel');
}

/** RFC 3326: what goes into the BYE or CANCEL. */
function reasonOf({ cause, text }: LocalEnd): string {
  const code = cause ?? 16;
  const words = text ?? nameOfCause(code);
  return `Q.850;cause=${code}${words === undefined ? '' : `;text="${words.replaceAll(/["\\\r\n]/g, ' ')}"`}`;
}

function bodyOption(body: Body | undefined): { readonly body?: Body } {
  return body === undefined ? {} : { body };
}

/** Only what was given: an option left out is not the same as one that is undefined. */
function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

function deferred(): Deferred {
  let resolve!: () => void;
  let reject!: (error: CallError) => void;
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  // Nobody has to wait for an answer.
  promise.catch(() => {});
  return { promise, resolve, reject };
}
