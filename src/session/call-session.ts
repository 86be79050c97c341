// A call: its signalling and its media joined. One state machine (call-state.ts) says where it stands; its parts (incoming-leg, outgoing-leg,
// call-changes, call-transfers) meet the wire. Whatever ends a call, `ended` is emitted once, and last.
import { EventEmitter } from 'eventemitter3';
import { CallError, OptionError } from '../errors.js';
import type { MediaStream } from '../rtp/media-stream.js';
import type { StreamStats } from '../rtp/stream-stats.js';
import type { HeaderEntry } from '../sip/message/headers.js';
import type { SipRequest } from '../sip/message/message.js';
import { type NameAddr, parseNameAddr } from '../sip/message/name-addr.js';
import { parseUri, type Uri } from '../sip/message/uri.js';
import { bodyOf } from '../sip/ua/invite-body.js';
import type { IncomingCall } from '../sip/ua/invite-incoming.js';
import type { OutgoingCall } from '../sip/ua/invite-outgoing.js';
import type { InviteHandler, InviteUsage, RemoteAddress } from '../sip/ua/invite-usage.js';
import type { AgreedMedia } from './agreement.js';
import { CallChanges } from './call-changes.js';
import { CallDescriptions } from './call-descriptions.js';
import type { CallEnd } from './call-end.js';
import type { CallSessionEvents } from './call-events.js';
import type { CallInside } from './call-inside.js';
import { CallKeys, type SendDtmfOptions } from './call-keys.js';
import { CallLife, type HangupOptions } from './call-life.js';
import { CallMedia } from './call-media.js';
import { type CallContext, type CallOptions, type ResolvedCallOptions, resolveCallOptions } from './call-options.js';
import { CallMachine, type CallNews, type CallState, type Side } from './call-state.js';
import { CallTransfers } from './call-transfers.js';
import { descriptionIn } from './description.js';
import type { AgreedFormat } from './formats.js';
import { given } from './given.js';
import { type AnswerOptions, IncomingLeg, type Offered, type ProgressOptions, refusalOf } from './incoming-leg.js';
import { type DialTarget, dialledUri, OutgoingLeg } from './outgoing-leg.js';
import { isSameServer } from './redirect.js';
import { isAddress } from './sdp.js';
import type { TransferOptions, TransferResult } from './transfer.js';

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
  readonly #keys: CallKeys;
  readonly #life: CallLife;

  /** A call to us. Undefined when it has been refused: nothing in it that we can answer, or it would replace a call and nobody wants that. */
  static receive(invite: IncomingCall, context: CallContext, options: CallOptions = {}): CallSession | undefined {
    return CallSession.take(invite, context, resolveCallOptions(options));
  }

  /** @internal: the same, with options resolved once for all calls. */
  static take(invite: IncomingCall, context: CallContext, options: ResolvedCallOptions): CallSession | undefined {
    const offer = descriptionIn(bodyOf(invite.request));
    const refusal = refusalOf(offer, options);
    if (refusal !== undefined) {
      invite.reject(refusal.status, refusal);
      return undefined;
    }
    const incoming = { invite, offer };
    if (invite.replaces === undefined) return new CallSession(context, options, incoming, undefined);
    const replaced = (invite.replaces.handler as Partial<OwnedHandler>).session;
    if (replaced === undefined || replaced.listenerCount('transferRequest') === 0) {
      invite.reject(603);
      return undefined;
    }
    replaced.#transfers.onReplaces(new CallSession(context, options, incoming, undefined));
    return undefined;
  }

  /** A call of ours. The media opens, then the INVITE goes; `answered` says what came of it. */
  static dial(target: DialTarget, context: CallContext, options: CallOptions = {}): CallSession {
    const uri = dialledUri(target);
    if (parseNameAddr(target.from) === undefined) throw new OptionError('from', 'must be a name-addr');
    return new CallSession(context, resolveCallOptions(options), undefined, { ...target, uri });
  }

  private constructor(
    context: CallContext,
    options: ResolvedCallOptions,
    incoming: { readonly invite: IncomingCall; readonly offer: Offered } | undefined,
    target: (DialTarget & { readonly uri: Uri }) | undefined,
  ) {
    super();
    const invite = incoming?.invite;
    this.context = context;
    this.direction = invite === undefined ? 'out' : 'in';
    this.startedAt = context.clock.wall();
    this.#inside = this.#makeInside(options);
    this.#inside.usage = invite;
    this.#keys = new CallKeys(this.#inside);
    this.#changes = new CallChanges(this.#inside);
    this.#transfers = new CallTransfers(this.#inside, {
      dial: (uri, headers) => this.#dialLike(uri, headers),
      release: (call) => call.#life.leave({ reason: 'transferred', status: 200 }),
    });
    this.#incoming = incoming && new IncomingLeg(this.#inside, incoming.invite, incoming.offer);
    this.#outgoing = target && new OutgoingLeg(this.#inside, target);
    const transfers = this.#transfers;
    this.#life = new CallLife(this.#inside, {
      incoming: this.#incoming,
      outgoing: this.#outgoing,
      isReferred: () => transfers.isReferred,
    });
    this.#life.ring();
    if (invite !== undefined) invite.handler = this.#handlerFor(() => invite);
    void this.#outgoing?.start();
  }

  // ── what it is ──

  /** The Call-ID: the same for every attempt of a call of ours. */
  get id(): string {
    return this.#incoming?.callId ?? this.#outgoing!.callId;
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
    return this.#life.answeredAt;
  }

  get end(): CallEnd | undefined {
    return this.#life.end;
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
    return this.#life.answered;
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
    const { sampleRate, frameMs } = media.options.audio;
    if ((audio.sampleRate ?? sampleRate) === sampleRate && (audio.frameMs ?? frameMs) === frameMs) return;
    media.reconfigure(resolveCallOptions({ ...media.given, audio: { ...media.options.audio, ...audio } }));
  }

  /** Ends the call whatever its state; resolves when the other side knows, or can no longer be told. */
  hangup(options: HangupOptions = {}): Promise<void> {
    return this.#life.hangup(options);
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
  sendDtmf(digits: string, options: SendDtmfOptions = {}): Promise<void> {
    return this.#keys.send(digits, options);
  }

  /** A MESSAGE within the call (RFC 3428). */
  message(text: string, options: { readonly contentType?: string } = {}): Promise<void> {
    return this.#keys.message(text, options);
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
      onRequest: (request) => this.#keys.onRequest(request),
      onRefer: (_request, subscription) => this.#transfers.onRefer(subscription),
      onEnd: (end) => this.#life.onEnd(end),
    };
  }

  // ── inside ──

  #makeInside(options: ResolvedCallOptions): CallInside {
    const { context } = this;
    const media = new CallMedia(context, options, {
      onStream: (stream) => this.#tell('stream', stream),
      onCodec: (format) => this.#tell('codec', format),
      onDtmf: (digit, durationMs, way) => this.#keys.onPress(digit, durationMs, way),
      onSilent: () => this.#life.leave({ reason: 'mediaTimeout', by: 'network', cause: 102, text: 'no media' }),
      onFailed: (error) => this.#life.onMediaFailed(error),
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
        (purpose, offered) => media.capabilities(purpose, inside.wanted, this.#remoteHost, offered),
        (agreement, offeredBy) => this.#changes.onAgreed(agreement, offeredBy),
      ),
      usage: undefined,
      wanted: 'sendrecv',
      handlerFor: (usage) => this.#handlerFor(usage),
      apply: (news) => this.#apply(news),
      tell: (event, ...args) => this.#tell(event, ...args),
      answered: () => this.#life.onAnswered(),
      finish: (meant) => this.#life.finish(meant),
      leave: (meant, leaveOptions) => this.#life.leave(meant, leaveOptions),
      mediaFailed: (error) => this.#life.onMediaFailed(error),
      error: () => this.#life.error(),
      established: (what) => this.#established(what),
    };
    return inside;
  }

  /** A new call by the same ways, and with the same options, as this one. */
  #dialLike(uri: string | Uri, headers: readonly HeaderEntry[]): CallSession {
    const target = this.#outgoing?.target;
    const { from = String(this.#inside.usage!.local.withoutTag()), route, credentials } = target ?? {};
    const to = typeof uri === 'string' ? parseUri(uri) : uri;
    // What we answer challenges with is not for a host that somebody else named.
    const isOurs = (route?.length ?? 0) > 0 || (target !== undefined && to !== undefined && isSameServer(to, target.uri));
    const known = isOurs ? credentials : [];
    return CallSession.dial({ uri, from, headers, ...given({ route, credentials: known }) }, this.context, this.#inside.media.given);
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
    if (this.state === 'ended') throw this.#life.error();
    const { usage } = this.#inside;
    if (usage === undefined || this.answeredAt === undefined)
      throw new CallError('ERR_STATE', 0, `${what}: the call has not been answered`);
    return usage;
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
    if (this.end !== undefined && event !== 'ended') return;
    try {
      this.emit(event, ...(args as Parameters<(...args: CallSessionEvents[E]) => void> & never));
    } catch (error) {
      this.context.logger.error({ error, event, call: this.id }, 'a listener of a call failed');
      void this.#life.leave({ reason: 'failed', text: 'a listener failed', ...(this.answeredAt === undefined ? { status: 500 } : {}) });
    }
  }
}

/** Whose handler it is: how an INVITE that replaces a call finds that call. */
interface OwnedHandler extends InviteHandler {
  readonly session: CallSession;
}

function notToUs(what: string): CallError {
  return new CallError('ERR_STATE', 0, `${what}: this is a call of ours`);
}
