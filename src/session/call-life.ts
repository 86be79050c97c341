// The life of a call: how long it may ring and last, that it is answered, and that it ends. Whatever ends it, it ends once.
import type { Timer } from '../clock.js';
import { CallError } from '../errors.js';
import type { HeaderEntry } from '../sip/message/headers.js';
import type { InviteEnd } from '../sip/ua/invite-usage.js';
import { isLocal } from '../sip/ua/local-response.js';
import { type CallEnd, callEnd, errorCodeOf, type LocalEnd, reasonHeaderOf } from './call-end.js';
import type { CallInside, LeaveOptions } from './call-inside.js';
import type { IncomingLeg } from './incoming-leg.js';
import type { OutgoingLeg } from './outgoing-leg.js';

export interface HangupOptions {
  /** A Reason header value (RFC 3326). @default Q.850;cause=16 */
  readonly reason?: string;
  readonly headers?: readonly HeaderEntry[];
}

export interface CallWays {
  readonly incoming: IncomingLeg | undefined;
  readonly outgoing: OutgoingLeg | undefined;
  /** A REFER of ours was accepted: when they hang up now, the call has gone on elsewhere. */
  isReferred(): boolean;
}

export class CallLife {
  readonly #inside: CallInside;
  readonly #ways: CallWays;
  /** Made for the first who waits. */
  #answered: Deferred | undefined;
  readonly #timers = new Set<Timer>();
  #answeredAt: number | undefined;
  #end: CallEnd | undefined;

  constructor(inside: CallInside, ways: CallWays) {
    this.#inside = inside;
    this.#ways = ways;
  }

  /** Wall-clock milliseconds. */
  get answeredAt(): number | undefined {
    return this.#answeredAt;
  }

  get end(): CallEnd | undefined {
    return this.#end;
  }

  /** Never an unhandled rejection. */
  get answered(): Promise<void> {
    if (this.#answered === undefined) {
      this.#answered = deferred();
      if (this.#answeredAt !== undefined) this.#answered.resolve();
      else if (this.#end !== undefined) this.#answered.reject(this.error());
    }
    return this.#answered.promise;
  }

  ring(): void {
    const { ringTimeoutMs } = this.#inside.media.options;
    if (ringTimeoutMs > 0) this.#after(ringTimeoutMs, () => this.#onRingTimeout());
  }

  onAnswered(): void {
    const { apply, machine, media, context } = this.#inside;
    if (machine.state === 'ended' || this.#answeredAt !== undefined) return;
    this.#answeredAt = context.clock.wall();
    this.#cancelTimers();
    media.watch();
    const { maxCallMs } = media.options;
    if (maxCallMs > 0) this.#after(maxCallMs, () => void this.leave({ reason: 'maxDuration', status: 200 }));
    apply(machine.onAnswered());
    this.#answered?.resolve();
  }

  onMediaFailed(error: Error): void {
    const { call, context } = this.#inside;
    context.logger.error({ error, call: call.id }, 'the media of a call failed');
    const isAnswered = this.#answeredAt !== undefined;
    const meant = { reason: 'failed', by: 'network', status: isAnswered ? 200 : 503, cause: 47, text: error.message } as const;
    const { incoming } = this.#ways;
    if (incoming !== undefined && !isAnswered) incoming.leave(meant);
    else void this.leave(meant);
  }

  #onRingTimeout(): void {
    const { incoming, outgoing } = this.#ways;
    if (incoming?.isAnswering === true) return;
    if (incoming !== undefined) incoming.leave({ reason: 'noAnswer', status: 480, cause: 19 });
    else if (outgoing?.onSilence() === true) this.ring();
    else void this.leave({ reason: 'noAnswer', status: 408, cause: 19 });
  }

  async hangup(options: HangupOptions): Promise<void> {
    const { incoming } = this.#ways;
    if (this.#answeredAt !== undefined || incoming?.isAccepted === true) await this.leave({ reason: 'hangup', status: 200 }, options);
    else if (incoming === undefined) await this.leave({ reason: 'cancelled', status: 487 }, options);
    else await this.leave({ reason: 'rejected', status: 480 }, options);
  }

  /** By our own wish: it is over here and now; the other side is told. */
  async leave(meant: LocalEnd, { reason = reasonHeaderOf(meant), headers }: LeaveOptions = {}): Promise<void> {
    const { machine, usage } = this.#inside;
    if (machine.state === 'ended') return;
    this.finish(meant);
    await usage?.bye({ ...(headers && { headers }), reason });
  }

  finish(meant: LocalEnd): void {
    this.#finish({ by: 'local', reasons: [] }, meant);
  }

  onEnd(end: InviteEnd): void {
    this.#finish(end, undefined);
  }

  #finish(ended: InviteEnd, meant: LocalEnd | undefined): void {
    const { machine, media, apply } = this.#inside;
    if (machine.state === 'ended') return;
    const { incoming } = this.#ways;
    const direction = incoming === undefined ? 'out' : 'in';
    // An answer that was never acknowledged is an answer; one that the CANCEL overtook is none.
    const wasAnswered = this.#answeredAt !== undefined || (incoming?.isAccepted === true && ended.by !== 'cancel');
    const told = callEnd({ end: ended, wasAnswered, direction, isLocalResponse: isLocal }, meant);
    const end: CallEnd = told.by === 'remote' && this.#ways.isReferred() ? { ...told, reason: 'transferred' } : told;
    const news = machine.onEnded(end);
    this.#end = end;
    this.#cancelTimers();
    if (this.#inside.usage !== undefined) this.#inside.usage.handler = {};
    media.close();
    // Once it was answered that has been told; an error costs as much as a message sent.
    if (this.#answeredAt === undefined) this.#answered?.reject(this.error());
    apply(news);
  }

  /** Why nothing more can be done with a call that has ended. */
  error(): CallError {
    const { reason, status, text } = this.#end!;
    return new CallError(this.#answeredAt === undefined ? errorCodeOf(reason) : 'ERR_CALL_ENDED', status, text ?? reason);
  }

  #after(ms: number, task: () => void): void {
    const { clock } = this.#inside.context;
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
