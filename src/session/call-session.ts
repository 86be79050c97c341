// A call: its signalling and its media joined. One state machine (call-state.ts) says where it stands; its parts (incoming-leg, outgoing-leg,
// call-changes, call-transfers) meet the wire. Whatever ends a call, `ended` is emitted once, and last.
import { EventEmitter } from 'eventemitter3';
import type { Timer } from '../clock.js';
import type { DtmfDigit } from '../codec/dtmf-keypad.js';
import { CallError, type ErrorCode, OptionError } from '../errors.js';
import type { MediaStream } from '../rtp/media-stream.js';
import type { StreamStats } from '../rtp/stream-stats.js';
import type { HeaderEntry } from '../sip/message/headers.js';
import type { SipRequest } from '../sip/message/message.js';
import { type NameAddr, parseNameAddr } from '../sip/message/name-addr.js';
import { writeReason } from '../sip/message/reason.js';
import { parseUri, type Uri } from '../sip/message/uri.js';
import { bodyOf } from '../sip/ua/invite-body.js';
import type { IncomingCall } from '../sip/ua/invite-incoming.js';
import type { OutgoingCall } from '../sip/ua/invite-outgoing.js';
import type { InviteEnd, InviteHandler, InviteUsage, RemoteAddress, RequestReply } from '../sip/ua/invite-usage.js';
import { isLocal } from '../sip/ua/local-response.js';
import type { AgreedMedia } from './agreement.js';
import { CallChanges } from './call-changes.js';
import { CallDescriptions, refusalReply, unsupportedReply } from './call-descriptions.js';
import { type CallEnd, callEnd, type LocalEnd } from './call-end.js';
import type { CallInside, LeaveOptions } from './call-inside.js';
import { ACCEPTED_SUITES, CallMedia } from './call-media.js';
import { type CallContext, type CallOptions, type ResolvedCallOptions, resolveCallOptions } from './call-options.js';
import { CallMachine, type CallNews, type CallState, type Side } from './call-state.js';
import { CallTransfers } from './call-transfers.js';
import { sdpIn } from './description.js';
import { DtmfMerge, type DtmfWay, parseDtmfRelay, RELAY_TYPES, writeDtmfRelay } from './dtmf-relay.js';
import type { AgreedFormat } from './formats.js';
import { given } from './given.js';
import { type AnswerOptions, IncomingLeg, type ProgressOptions } from './incoming-leg.js';
import { examineOffer } from './line-choice.js';
import { type DialTarget, OutgoingLeg } from './outgoing-leg.js';
import { causeOfStatus, nameOfCause } from './q850.js';
import { isAddress } from './sdp.js';
import type { TransferOptions, TransferResult } from './transfer.js';
import type { TransferRequest } from './transfer-request.js';

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

export interface HangupOptions {
  /** A Reason header value (RFC 3326). @default Q.850;cause=16 */
  readonly reason?: string;
  readonly headers?: readonly HeaderEntry[];
}

export interface SendDtmfOptions {
  /** 'auto': RFC 4733, or tones in the audio where that was not agreed. @default 'auto' */
  readonly via?: 'auto' | 'info';
  readonly durationMs?: number;
  readonly gapMs?: number;
}

export class CallSession extends EventEmitter<CallSessionEvents> {
  readonly direction: 'in' | 'out';
  /** Wall-clock milliseconds. */
  readonly startedAt: number;
  readonly context: CallContext;
  readonly #inside: CallInside;
  readonly #incoming: IncomingLeg | undefined;
  readonly #outgoing: OutgoingLeg | undefined;
  readonly #changes: CallChanges;
  readonly #transfers: CallTransfers;
  readonly #dtmf = new DtmfMerge();
  readonly #answered = deferred();
  readonly #timers = new Set<Timer>();
  #answeredAt: number | undefined;
  #end: CallEnd | undefined;

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
    replaced.#transfers.onReplaces(new CallSession(context, resolved, invite, undefined));
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
    invite: IncomingCall | undefined,
    target: (DialTarget & { readonly uri: Uri }) | undefined,
  ) {
    super();
    this.context = context;
    this.direction = invite === undefined ? 'out' : 'in';
    this.startedAt = context.clock.wall();
    this.#inside = this.#makeInside(options);
    this.#inside.usage = invite;
    this.#changes = new CallChanges(this.#inside);
    this.#transfers = new CallTransfers(this.#inside, {
      dial: (uri, headers) => this.#dialLike(uri, headers),
      release: (call) => call.#leave({ reason: 'transferred', status: 200 }),
    });
    this.#incoming = invite && new IncomingLeg(this.#inside, invite);
    this.#outgoing = target && new OutgoingLeg(this.#inside, target, options.maxRedirects);
    if (options.ringTimeoutMs > 0) this.#after(options.ringTimeoutMs, () => this.#onRingTimeout());
    if (invite !== undefined) invite.handler = this.#handlerFor(() => invite);
    void this.#outgoing?.start();
  }

  // ── what it is ──

  /** The Call-ID; '' until an outgoing INVITE has one. */
  get id(): string {
    return this.#inside.usage?.callId ?? '';
  }

  get state(): CallState {
    return this.#inside.machine.state;
  }

  /** The caller, as the INVITE says. */
  get from(): NameAddr {
    return this.#inside.usage?.request.from ?? parseNameAddr(this.#outgoing!.target.from)!;
  }

  get to(): NameAddr {
    return this.#inside.usage?.request.to ?? parseNameAddr(`<${String(this.requestUri)}>`)!;
  }

  get requestUri(): Uri {
    return this.#inside.usage?.request.uri ?? this.#outgoing!.target.uri;
  }

  /** The INVITE: as it came, or as it was last sent. */
  get request(): SipRequest | undefined {
    return this.#inside.usage?.request;
  }

  /** The signalling beneath, for what is not here: other requests, remote target, tags. */
  get usage(): InviteUsage | undefined {
    return this.#inside.usage;
  }

  /** Where the other side's signalling comes from. */
  get remote(): RemoteAddress | undefined {
    return this.#inside.usage?.remoteAddress;
  }

  get stream(): MediaStream | undefined {
    return this.#inside.media.stream;
  }

  /** What both sides agreed about the audio last. */
  get media(): AgreedMedia | undefined {
    return this.#inside.descriptions.agreement?.media;
  }

  /** What we send. */
  get codec(): AgreedFormat | undefined {
    return this.media?.codec;
  }

  get options(): ResolvedCallOptions {
    return this.#inside.media.options;
  }

  /** Wall-clock milliseconds. */
  get answeredAt(): number | undefined {
    return this.#answeredAt;
  }

  get end(): CallEnd | undefined {
    return this.#end;
  }

  /** A call to us whose answer is on its way: it can be hung up, not refused any more. */
  get isAnswering(): boolean {
    return this.#incoming?.isAnswering === true;
  }

  isHeldBy(side: Side): boolean {
    return this.#inside.machine.isHeldBy(side);
  }

  /** Resolves when the call is answered; rejects when it ends without. Never an unhandled rejection. */
  get answered(): Promise<void> {
    return this.#answered.promise;
  }

  /** Tells that frames are ready in `stream.incoming`; any number may listen. The result stops it. */
  onFrames(listener: () => void): () => void {
    return this.#inside.media.onFrames(listener);
  }

  stats(): StreamStats | undefined {
    return this.stream?.stats();
  }

  // ── a call to us ──

  /** 180. */
  async ring(options: ProgressOptions = {}): Promise<void> {
    await this.#toUs('ring').ring(options);
  }

  /** 183 with a description: early media flows both ways. Without an offer to answer and without 100rel, a 183 alone. */
  async progress(options: ProgressOptions = {}): Promise<void> {
    await this.#toUs('progress').progress(options);
  }

  /** 200. Resolves when the ACK is in; rejects when the caller cancelled, when no ACK came, or when there is no media. */
  answer(options: AnswerOptions = {}): Promise<void> {
    return this.#incoming?.answer(options) ?? Promise.reject(notToUs('answer'));
  }

  reject(status = 486, reason?: string, options: { readonly headers?: readonly HeaderEntry[] } = {}): void {
    this.#toUs('reject').reject(status, reason, options.headers);
  }

  /** 3xx: the caller may try there (RFC 3261 §21.3). */
  redirect(
    targets: string | readonly string[],
    options: { readonly status?: number; readonly headers?: readonly HeaderEntry[] } = {},
  ): void {
    const { status = 302, headers = [] } = options;
    this.#toUs('redirect').redirect(typeof targets === 'string' ? [targets] : targets, status, headers);
  }

  // ── any call ──

  /** What the application wants to hear and say; before there is media. */
  useAudio(audio: NonNullable<CallOptions['audio']>): void {
    const { media } = this.#inside;
    media.reconfigure(resolveCallOptions({ ...media.given, audio: { ...media.options.audio, ...audio } }));
  }

  /** Ends the call whatever its state; resolves when the other side knows, or can no longer be told. */
  async hangup(options: HangupOptions = {}): Promise<void> {
    const isAnswered = this.#answeredAt !== undefined || this.#incoming?.isAccepted === true;
    if (isAnswered) await this.#leave({ reason: 'hangup', status: 200 }, options);
    else if (this.direction === 'out') await this.#leave({ reason: 'cancelled', status: 487 }, options);
    else await this.#leave({ reason: 'rejected', status: 480 }, options);
  }

  /** The other side is told to wait (RFC 3264 §8.4); nothing is sent or heard until `resume`. */
  async hold(): Promise<void> {
    this.#established('hold');
    await this.#changes.hold();
  }

  async resume(): Promise<void> {
    this.#established('resume');
    await this.#changes.resume();
  }

  /** A re-INVITE: with other codecs, or to tell a changed address. The audio goes on. */
  async renegotiate(changes: Pick<CallOptions, 'codecs' | 'ptimeMs'> = {}): Promise<void> {
    this.#established('renegotiate');
    await this.#changes.renegotiate(changes);
  }

  /** Resolves when the last tone is out. By INFO, one key after the other, where that is asked for. */
  async sendDtmf(digits: string, options: SendDtmfOptions = {}): Promise<void> {
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

  async #sendInfo(digit: DtmfDigit, durationMs: number): Promise<void> {
    if (!/^[0-9*#A-D]$/.test(digit)) throw new OptionError('digits', 'must be 0 to 9, *, # or A to D');
    const response = await this.#established('sendDtmf').info(writeDtmfRelay(digit, durationMs));
    if (response.status >= 300) throw new CallError('ERR_REQUEST', response.status, response.reason);
  }

  /** A MESSAGE within the call (RFC 3428). */
  async message(text: string, options: { readonly contentType?: string } = {}): Promise<void> {
    const { contentType = 'text/plain;charset=UTF-8' } = options;
    const response = await this.#established('message').send('MESSAGE', { contentType, body: text });
    if (response.status >= 300) throw new CallError('ERR_REQUEST', response.status, response.reason);
  }

  /** To a URI (blind), or to the other side of another call (attended): RFC 3515, RFC 3891, RFC 5589. */
  async transfer(target: string | CallSession, options: TransferOptions = {}): Promise<TransferResult> {
    return this.#transfers.transfer(this.#established('transfer'), target, options);
  }

  // ── what happens ──

  #handlerFor(usage: () => InviteUsage | undefined): OwnedHandler {
    const changes = this.#changes;
    return {
      session: this,
      onProvisional: (response, dialogId, body, delivery) => this.#outgoing?.onProvisional(response, dialogId, body, delivery),
      onSuccess: (_response, dialogId, body) => this.#outgoing?.onSuccess(dialogId, body),
      onFailure: (response) => this.#outgoing?.onFailure(response, usage() as OutgoingCall),
      onAck: (_request, body) => this.#incoming?.onAck(body),
      onPrack: (_request, body) => this.#incoming?.onPrack(body),
      onOffer: (request, body) => changes.onOffer(request, body),
      onReinviteAck: (_request, body) => changes.onAnswer(body),
      onRefresh: () => this.#inside.descriptions.offer(),
      onRefreshed: (_response, body) => changes.onAnswer(body),
      onRequest: (request) => this.#onRequest(request),
      onRefer: (_request, subscription) => this.#transfers.onRefer(subscription),
      onEnd: (end) => this.#onEnd(end),
    };
  }

  /** Undefined: what anybody would answer to such a request. */
  #onRequest(request: SipRequest): RequestReply | undefined {
    const contentType = request.header('Content-Type') ?? 'text/plain';
    if (request.method === 'MESSAGE') {
      this.#tell('message', { contentType, text: request.bodyText, body: request.body });
      return { status: 200 };
    }
    if (request.method !== 'INFO' || request.infoPackage !== undefined || request.body.length === 0) return undefined;
    const press = parseDtmfRelay(contentType, request.bodyText);
    if (press === undefined) return { status: 415, headers: [['Accept', RELAY_TYPES.join(', ')]] };
    this.#onDtmf(press.digit, press.durationMs, 'info');
    return { status: 200 };
  }

  #onDtmf(digit: DtmfDigit, durationMs: number, via: DtmfWay): void {
    if (this.state === 'ended' || !this.#dtmf.isNew(digit, via, this.context.clock.now())) return;
    this.#tell('dtmf', digit, { durationMs, via });
  }

  #onAnswered(): void {
    if (this.state === 'ended' || this.#answeredAt !== undefined) return;
    this.#answeredAt = this.context.clock.wall();
    this.#cancelTimers();
    this.#inside.media.watch();
    const { maxCallMs } = this.options;
    if (maxCallMs > 0) this.#after(maxCallMs, () => void this.#leave({ reason: 'maxDuration', status: 200 }));
    this.#apply(this.#inside.machine.onAnswered());
    this.#answered.resolve();
  }

  #onRingTimeout(): void {
    if (this.#incoming === undefined) void this.#leave({ reason: 'noAnswer', status: 408, cause: 19 });
    else if (!this.#incoming.isAnswering) this.#incoming.leave({ reason: 'noAnswer', status: 480, cause: 19 });
  }

  #onMediaFailed(error: Error): void {
    this.context.logger.error({ error, call: this.id }, 'the media of a call failed');
    const isAnswered = this.#answeredAt !== undefined;
    const meant = { reason: 'failed', by: 'network', status: isAnswered ? 200 : 503, cause: 47, text: error.message } as const;
    if (this.#incoming !== undefined && !isAnswered) this.#incoming.leave(meant);
    else void this.#leave(meant);
  }

  // ── the end ──

  /** By our own wish: it is over here and now; the other side is told. */
  async #leave(meant: LocalEnd, { reason = reasonOf(meant), headers }: LeaveOptions = {}): Promise<void> {
    if (this.state === 'ended') return;
    const { usage } = this.#inside;
    this.#finish(meant);
    await usage?.bye({ ...given({ headers }), reason });
  }

  #finish(meant: LocalEnd): void {
    this.#finishWith({ by: 'local', reasons: [] }, meant);
  }

  #onEnd(end: InviteEnd): void {
    this.#finishWith(end, undefined);
  }

  #finishWith(ended: InviteEnd, meant: LocalEnd | undefined): void {
    if (this.state === 'ended') return;
    // An answer that was never acknowledged is an answer; one that the CANCEL overtook is none.
    const wasAnswered = this.#answeredAt !== undefined || (this.#incoming?.isAccepted === true && ended.by !== 'cancel');
    const told = callEnd({ end: ended, wasAnswered, direction: this.direction, isLocalResponse: isLocal }, meant);
    const end: CallEnd = this.#transfers.isReferred && told.by === 'remote' ? { ...told, reason: 'transferred' } : told;
    const news = this.#inside.machine.onEnded(end);
    this.#end = end;
    this.#cancelTimers();
    if (this.#inside.usage !== undefined) this.#inside.usage.handler = {};
    this.#inside.media.close();
    this.#answered.reject(this.#error());
    this.#apply(news);
  }

  #error(): CallError {
    const { reason, status, text } = this.#end!;
    return new CallError(this.#answeredAt === undefined ? codeOf(reason) : 'ERR_CALL_ENDED', status, text ?? reason);
  }

  // ── inside ──

  #makeInside(options: ResolvedCallOptions): CallInside {
    const { context } = this;
    const media = new CallMedia(context, options, {
      onStream: (stream) => this.#tell('stream', stream),
      onCodec: (format) => this.#tell('codec', format),
      onDtmf: (digit, durationMs, way) => this.#onDtmf(digit, durationMs, way),
      onSilent: () => this.#leave({ reason: 'mediaTimeout', by: 'network', cause: 102, text: 'no media' }),
      onFailed: (error) => this.#onMediaFailed(error),
    });
    // RFC 8866 §5.2 wants a session id that is one of a kind; below 2^53 every device can read it.
    const sessionId = String(context.random.uint32() * 0x10000 + (context.random.uint32() & 0xffff));
    const inside: CallInside = {
      call: this,
      context,
      machine: new CallMachine(),
      media,
      descriptions: new CallDescriptions(
        sessionId,
        (purpose) => media.capabilities(purpose, inside.wanted, this.#remoteHost),
        (agreement, offeredBy) => this.#changes.onAgreed(agreement, offeredBy),
      ),
      usage: undefined,
      wanted: 'sendrecv',
      handlerFor: (usage) => this.#handlerFor(usage),
      apply: (news) => this.#apply(news),
      tell: (event, ...args) => this.#tell(event, ...args),
      answered: () => this.#onAnswered(),
      finish: (meant) => this.#finish(meant),
      leave: (meant, leaveOptions) => this.#leave(meant, leaveOptions),
      mediaFailed: (error) => this.#onMediaFailed(error),
      error: () => this.#error(),
    };
    return inside;
  }

  /** A new call by the same ways, and with the same options, as this one. */
  #dialLike(uri: string | Uri, headers: readonly HeaderEntry[]): CallSession {
    const { from = String(this.#inside.usage!.local.withoutTag()), route, credentials } = this.#outgoing?.target ?? {};
    return CallSession.dial({ uri, from, headers, ...given({ route, credentials }) }, this.context, this.#inside.media.given);
  }

  /** The peer's signalling address, or what the target says before there is one. */
  get #remoteHost(): string | undefined {
    const target = this.#outgoing?.target;
    const host = this.#inside.usage?.remoteAddress?.address ?? target?.target?.address ?? target?.uri.host;
    return host !== undefined && isAddress(host) ? host : undefined;
  }

  #toUs(what: string): IncomingLeg {
    if (this.#incoming === undefined) throw notToUs(what);
    return this.#incoming;
  }

  #established(what: string): InviteUsage {
    if (this.state === 'ended') throw this.#error();
    const { usage } = this.#inside;
    if (usage === undefined || this.#answeredAt === undefined)
      throw new CallError('ERR_STATE', 0, `${what}: the call has not been answered`);
    return usage;
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

  /** A listener that throws ends this call, and nothing else. After `ended` nothing is told any more. */
  #tell<E extends keyof CallSessionEvents>(event: E, ...args: CallSessionEvents[E]): void {
    if (this.#end !== undefined && event !== 'ended') return;
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
function refusalOf(request: SipRequest, { codecs, srtp }: ResolvedCallOptions): RequestReply | undefined {
  const sdp = sdpIn(bodyOf(request));
  if (sdp === undefined) return undefined;
  if (sdp === 'unsupported') return unsupportedReply();
  const refusal = examineOffer(sdp, { codecs, srtp }, ACCEPTED_SUITES);
  return refusal && refusalReply(refusal);
}

/** RFC 3326: what goes into the BYE or CANCEL. */
function reasonOf(meant: LocalEnd): string {
  const cause = meant.cause ?? causeOfStatus(meant.status ?? 200) ?? 16;
  // Only what everybody knows: our own words may tell too much.
  return writeReason({ protocol: 'Q.850', cause, text: nameOfCause(cause) });
}

function notToUs(what: string): CallError {
  return new CallError('ERR_STATE', 0, `${what}: this is a call of ours`);
}

function codeOf(reason: CallEnd['reason']): ErrorCode {
  switch (reason) {
    case 'cancelled':
      return 'ERR_CALL_CANCELLED';
    case 'noAnswer':
      return 'ERR_CALL_TIMEOUT';
    case 'rejected':
    case 'redirected':
      return 'ERR_CALL_REJECTED';
    default:
      return 'ERR_CALL_FAILED';
  }
}

interface Deferred {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: CallError) => void;
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
