/** All calls of one SipBot: how they come in, how they are placed, who is told, and when the last one is gone. */
import type { CodecName } from '../codec/codec.js';
import { CallError } from '../errors.js';
import type { Logger } from '../log.js';
import type { MediaEngine } from '../rtp/engine.js';
import { type CallContext, type CallOptions, type ResolvedCallOptions, resolveCallOptions } from '../session/call-options.js';
import { CallSession } from '../session/call-session.js';
import type { DialTarget } from '../session/outgoing-leg.js';
import type { SipRequest } from '../sip/message/message.js';
import type { Uri } from '../sip/message/uri.js';
import { isSecure } from '../sip/transport/transport.js';
import type { IncomingCall } from '../sip/ua/invite-incoming.js';
import type { UserAgent } from '../sip/ua/user-agent.js';
import type { Bot } from './bot.js';
import { Call, type CallHome } from './call.js';
import { CallLimits } from './call-limits.js';
import { mediaAddressOf, type OwnEnd, ownEnd } from './own-end.js';
import type { ResolvedOptions } from './resolve-options.js';

export interface DeskListener {
  /** Whether somebody listens for calls. */
  readonly isListening: boolean;
  /** The option `bot`. */
  readonly bot: ((call: Call) => Bot | undefined | Promise<Bot | undefined>) | undefined;
  onCall(call: Call): void;
  onFailed(error: unknown, call: Call): void;
  /** Places a call that somebody else asked us to place, by our own ways out. */
  placeReferred(target: Uri, referredBy: string | undefined, subject: CallSession): CallSession;
}

export interface Placement {
  readonly call: Call;
  readonly session: CallSession;
}

export class CallDesk {
  /** By `call.id`. */
  readonly calls = new Map<string, Call>();
  readonly #agent: UserAgent;
  readonly #engine: MediaEngine;
  readonly #options: ResolvedOptions;
  readonly #logger: Logger;
  readonly #listener: DeskListener;
  readonly #sessions = new Map<CallSession, Call>();
  readonly #limits: CallLimits<CallSession>;
  readonly #ends = new WeakMap<CallSession, () => OwnEnd | undefined>();
  readonly #onIdle = new Set<() => void>();
  #serial = 1;
  #hasMinded = false;
  /** The options of every call that comes in: made with the first. */
  #whenCalled: ResolvedCallOptions | undefined;
  readonly turnedAway = { blocked: 0, full: 0 };
  codecs: readonly CodecName[] = [];
  isClosed = false;

  constructor(agent: UserAgent, engine: MediaEngine, options: ResolvedOptions, logger: Logger, listener: DeskListener) {
    this.#agent = agent;
    this.#engine = engine;
    this.#options = options;
    this.#logger = logger;
    this.#listener = listener;
    this.#limits = new CallLimits(options);
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Throws when no further call may be placed for that account. */
  checkRoom(account: string | undefined): void {
    const full = this.#limits.whyNot({ account });
    if (full !== undefined) throw new CallError('ERR_CALL_FAILED', 503, `${full} calls are up already`);
  }

  /** What every call gets unless it is told otherwise. */
  callOptions(): CallOptions {
    const { codecOrder, srtp, audio, ringTimeoutMs, maxCallMs, mediaTimeoutMs } = this.#options;
    return { codecs: this.codecs, codecOrder, srtp, audio, ringTimeoutMs, maxCallMs, mediaTimeoutMs, permits: this.#permits };
  }

  /** `account`: whose call it is, where that is known. */
  receive(incoming: IncomingCall, account: string | undefined): void {
    if (this.isClosed) {
      incoming.reject(503);
      return;
    }
    if (this.#isBlocked(incoming.request)) {
      this.turnedAway.blocked++;
      incoming.reject(603);
      return;
    }
    const whose = { account, source: incoming.flow?.remote.address };
    if (this.#limits.whyNot(whose) !== undefined) {
      this.turnedAway.full++;
      const { status, retryAfter } = this.#options.overload;
      incoming.reject(status, retryAfter === undefined ? {} : { headers: [['Retry-After', String(retryAfter)]] });
      return;
    }
    const end = ownEnd(this.#agent, incoming.flow);
    this.#whenCalled ??= resolveCallOptions(this.callOptions());
    const session = CallSession.take(
      incoming,
      this.#context(() => end),
      this.#whenCalled,
    );
    if (session === undefined) return;
    this.#limits.begin(session, whose);
    this.#ends.set(session, () => end);
    const call = this.adopt(session);
    void this.#offer(call);
  }

  /** Sends an INVITE. `end`: ours of the way to the host that is being tried. */
  place(target: DialTarget, options: CallOptions, end: () => OwnEnd | undefined, account: string | undefined): Placement {
    const session = CallSession.dial(target, this.#context(end), options);
    this.#limits.begin(session, { account });
    this.#ends.set(session, end);
    return { session, call: this.adopt(session) };
  }

  /** Makes a call known, until it ends. */
  adopt(session: CallSession): Call {
    const known = this.#sessions.get(session);
    if (known !== undefined) return known;
    const home: CallHome = {
      clock: this.#agent.clock,
      logger: this.#logger,
      audio: session.options.audio,
      speech: this.#options.speech,
      onFailed: (call, error) => this.#listener.onFailed(error, call),
      placeReferred: (uri, referredBy) => this.#listener.placeReferred(uri, referredBy, session),
      callOf: (other) => this.adopt(other),
    };
    const call = new Call(session, this.#idFor(session), home);
    this.#sessions.set(session, call);
    this.calls.set(call.id, call);
    this.#limits.begin(session, {});
    session.on('codec', () => this.#minds(session));
    session.on('ended', () => this.#forget(session, call));
    return call;
  }

  /** RFC 4568 §7: keys that everybody on the way could read keep nothing secret. Said once. */
  #minds({ media, remote }: CallSession): void {
    if (this.#hasMinded || media?.srtp === undefined || remote === undefined || isSecure(remote.transport)) return;
    this.#hasMinded = true;
    this.#logger.warn(
      { remote },
      `the SRTP keys of a call went over ${remote.transport} in the clear: whoever sees the signalling can decrypt the call. Use TLS or wss.`,
    );
  }

  /** The Call-ID, unless another call has it: one that comes back to us through a proxy does, and a stranger may choose any. */
  #idFor({ id }: CallSession): string {
    let unique = id;
    while (this.calls.has(unique)) unique = `${id}#${++this.#serial}`;
    return unique;
  }

  /** Calls back once, when there are no calls. */
  whenIdle(tell: () => void): void {
    if (this.#sessions.size === 0) tell();
    else this.#onIdle.add(tell);
  }

  /** This machine has other addresses than before: where the far end sees us at another now, it is told by a re-INVITE. */
  async onNetworkChanged(present: ReadonlySet<string>): Promise<void> {
    for (const [session, call] of [...this.#sessions]) {
      if (call.state !== 'answered' && call.state !== 'held') continue;
      if ((await this.#ends.get(session)?.()?.renew(present)) !== 'moved') continue;
      session
        .renegotiate()
        .catch((error: unknown) => this.#logger.warn({ error, call: call.id }, 'the far end could not be told of our new address'));
    }
  }

  /** Every call that is still up, hung up. */
  async hangupAll(): Promise<void> {
    await Promise.allSettled([...this.#sessions.keys()].map((session) => session.hangup()));
  }

  #forget(session: CallSession, call: Call): void {
    this.#sessions.delete(session);
    this.calls.delete(call.id);
    this.#limits.end(session);
    if (this.#sessions.size > 0) return;
    const waiting = [...this.#onIdle];
    this.#onIdle.clear();
    for (const tell of waiting) tell();
  }

  #isBlocked(request: SipRequest): boolean {
    const { blockCallers } = this.#options;
    if (blockCallers.isEmpty) return false;
    return [request.from, ...request.assertedIdentities].some((party) => party !== undefined && blockCallers.has(party.uri));
  }

  readonly #permits = (target: Uri): boolean => {
    const { blockNumbers, transferTargets } = this.#options;
    return !blockNumbers.has(target) && (transferTargets?.has(target) ?? true);
  };

  /** To the bot that the option names, else to whoever listens, else to nobody: 480. */
  async #offer(call: Call): Promise<void> {
    try {
      const bot = await this.#listener.bot?.(call);
      if (call.state === 'ended') return;
      if (bot !== undefined) {
        await call.answer({ bot });
      } else if (this.#listener.isListening) {
        this.#listener.onCall(call);
      } else {
        this.#logger.warn(
          { from: call.from.uri, to: call.requestUri },
          "a call that nobody takes: on('call') has no listener, and there is no bot",
        );
        call.reject(480);
      }
    } catch (error) {
      // A caller who gives up while we answer is no failure of the application's.
      if (call.state !== 'ended') call.fail(error);
    }
  }

  #context(end: () => OwnEnd | undefined): CallContext {
    return {
      clock: this.#agent.clock,
      random: this.#agent.random,
      logger: this.#logger,
      engine: this.#engine,
      mediaAddress: (stream) => mediaAddressOf(stream.local.address, end()),
      invite: (options) => this.#agent.invite(options),
    };
  }
}
