// A call to us until it is answered (RFC 3261 §13.3): ringing, early media, the answer until its ACK, a refusal, another place to try.
import { CallError, OptionError } from '../errors.js';
import type { HeaderEntry } from '../sip/message/headers.js';
import { parseNameAddr } from '../sip/message/name-addr.js';
import { bodyOf } from '../sip/ua/invite-body.js';
import type { IncomingCall } from '../sip/ua/invite-incoming.js';
import type { Body, RequestReply } from '../sip/ua/invite-usage.js';
import { type Described, refusalReply, unsupportedReply } from './call-descriptions.js';
import type { LocalEnd } from './call-end.js';
import type { CallInside } from './call-inside.js';
import { ACCEPTED_SUITES } from './call-media.js';
import type { CallOptions, ResolvedCallOptions } from './call-options.js';
import type { descriptionIn } from './description.js';
import { given } from './given.js';
import { examineOffer } from './line-choice.js';

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

/** The description in an INVITE. */
export type Offered = ReturnType<typeof descriptionIn>;

export class IncomingLeg {
  readonly #inside: CallInside;
  readonly #invite: IncomingCall;
  /** How our description has been delivered so far. */
  #described: 'no' | 'unreliably' | 'reliably' = 'no';
  #answering: Promise<void> | undefined;
  #isAccepted = false;
  /** Until it is answered. */
  #offer: Offered;

  constructor(inside: CallInside, invite: IncomingCall, offer: Offered) {
    this.#inside = inside;
    this.#invite = invite;
    this.#offer = offer;
  }

  get callId(): string {
    return this.#invite.callId;
  }

  /** `answer` has been called. */
  get isAnswering(): boolean {
    return this.#answering !== undefined;
  }

  /** The 2xx has been given to the dialog. */
  get isAccepted(): boolean {
    return this.#isAccepted;
  }

  async ring({ status = 180, reason, headers, reliable }: ProgressOptions): Promise<void> {
    this.#ringing('ring');
    const { apply, machine } = this.#inside;
    apply(machine.onRinging());
    await this.#invite.progress(status, given({ reason, headers, reliable }));
  }

  async progress({ status = 183, reason, headers, reliable = 'ifSupported' }: ProgressOptions): Promise<void> {
    const { apply, machine, descriptions } = this.#inside;
    this.#ringing('progress');
    await this.#openMedia();
    this.#ringing('progress');
    const { request } = this.#invite;
    const canRely = request.supported.includes('100rel');
    // RFC 3262 §3: a caller that requires it gets it, one that does not know it cannot.
    const isReliable = request.require.includes('100rel') || (reliable !== 'never' && canRely);
    if (reliable === 'always' && !isReliable) throw new CallError('ERR_STATE', 0, 'progress: the caller does not support 100rel');
    const described = this.#describeFor(isReliable ? 'reliably' : 'unreliably');
    this.#ringing('progress');
    if (described.type === 'refused') throw this.#refuse(described.reply);
    if (descriptions.agreement !== undefined) apply(machine.onEarlyMedia());
    const { body } = described;
    await this.#invite.progress(status, { reliable: isReliable ? 'always' : 'never', ...given({ reason, headers, body }) });
  }

  answer(options: AnswerOptions): Promise<void> {
    this.#answering ??= this.#answer(options).catch((error: unknown) => {
      this.#answering = undefined;
      throw error;
    });
    // A call that was cancelled a moment before is no reason for an unhandled rejection: `ended` tells as well.
    this.#answering.catch(() => {});
    return this.#answering;
  }

  async #answer({ headers, audio }: AnswerOptions): Promise<void> {
    const { call, answered, error } = this.#inside;
    this.#unanswered('answer');
    if (audio !== undefined) call.useAudio(audio);
    await this.#openMedia();
    this.#unanswered('answer');
    const described = this.#describeFor('reliably');
    this.#unanswered('answer');
    if (described.type === 'refused') throw this.#refuse(described.reply);
    this.#isAccepted = true;
    await this.#invite.accept(given({ headers, body: described.body }));
    answered();
    if (call.state === 'ended') throw error();
  }

  reject(status: number, reason: string | undefined, headers: readonly HeaderEntry[] | undefined): void {
    this.#ringing('reject');
    if (!(Number.isInteger(status) && status >= 400 && status <= 699)) throw new OptionError('status', 'must be 400 to 699');
    this.#inside.finish({ reason: 'rejected', status, ...given({ text: reason }) });
    this.#invite.reject(status, given({ reason, headers }));
  }

  redirect(targets: readonly string[], status: number, headers: readonly HeaderEntry[]): void {
    this.#ringing('redirect');
    if (![300, 301, 302, 305, 380].includes(status)) throw new OptionError('status', 'must be 300, 301, 302, 305 or 380');
    const contacts = targets.map((target) => {
      const contact = parseNameAddr(target.includes('<') ? target : `<${target}>`);
      if (contact === undefined) throw new OptionError('targets', 'must be SIP or tel URIs');
      return ['Contact', String(contact)] as const;
    });
    this.#inside.finish({ reason: 'redirected', status });
    this.#invite.reject(status, { headers: [...contacts, ...headers] });
  }

  /** Gives an unanswered call up. */
  leave(meant: LocalEnd & { readonly status: number }): void {
    if (this.#inside.call.state === 'ended') return;
    this.#inside.finish(meant);
    // The 2xx may be out, or wait for a PRACK: then there is nothing left to refuse.
    if (this.#invite.state === 'early' && !this.#isAccepted) this.#invite.reject(meant.status);
    else void this.#invite.bye();
  }

  onAck(body: Body | undefined): void {
    const { descriptions, leave } = this.#inside;
    if (!descriptions.isOffering) return;
    if (descriptions.answered(body).type === 'refused')
      void leave({ reason: 'failed', status: 488, text: 'the ACK has no answer that can be used' });
  }

  /** The answer to the offer in our reliable 1xx, or an offer of its own. */
  onPrack(body: Body | undefined): Body | undefined {
    const { descriptions, machine, apply } = this.#inside;
    if (descriptions.isOffering) {
      if (descriptions.answered(body).type === 'ok') apply(machine.onEarlyMedia());
      // A caller that is about to cancel has no answer any more; any other gets the offer once more, in the 2xx.
      else this.#described = 'no';
      return undefined;
    }
    const described = descriptions.offered(body);
    return described.type === 'ok' ? described.body : undefined;
  }

  /** The description for a 1xx or 2xx: the answer to their offer, its repetition, or, to an INVITE without one, our offer. */
  #describeFor(delivery: 'reliably' | 'unreliably'): Described {
    const { descriptions } = this.#inside;
    const { request } = this.#invite;
    if (this.#described === 'reliably') return { type: 'ok', body: undefined };
    if (this.#described === 'unreliably') {
      this.#described = delivery;
      return { type: 'ok', body: descriptions.repeat() };
    }
    // RFC 3262 §5: an offer of ours waits for a message that cannot be lost.
    if (request.body.length === 0 && delivery === 'unreliably') return { type: 'ok', body: undefined };
    const described: Described =
      request.body.length > 0 ? descriptions.offered(bodyOf(request), this.#offer) : { type: 'ok', body: descriptions.offer() };
    this.#offer = undefined;
    if (described.type === 'ok') this.#described = delivery;
    return described;
  }

  #refuse(reply: RequestReply): CallError {
    this.#inside.finish({ reason: 'failed', status: reply.status });
    this.#invite.reject(reply.status, reply);
    return this.#inside.error();
  }

  async #openMedia(): Promise<void> {
    try {
      await this.#inside.media.open();
    } catch (error) {
      this.#inside.mediaFailed(error as Error);
      throw error;
    }
  }

  #unanswered(what: string): void {
    const { call, error } = this.#inside;
    if (call.state === 'ended') throw error();
    if (call.answeredAt !== undefined) throw new CallError('ERR_STATE', 0, `${what}: the call has been answered`);
  }

  /** Once an answer is on its way there is nothing else to say. */
  #ringing(what: string): void {
    this.#unanswered(what);
    if (this.isAnswering) throw new CallError('ERR_STATE', 0, `${what}: the call is being answered`);
  }
}

/** What can be said before anyone is bothered: a body that is no description (415), or one with nothing in it that we can do (488). */
export function refusalOf(offer: Offered, { codecs, srtp }: ResolvedCallOptions): RequestReply | undefined {
  if (offer === undefined) return undefined;
  if (offer === 'unsupported') return unsupportedReply();
  const refusal = examineOffer(offer, { codecs, srtp }, ACCEPTED_SUITES);
  return refusal && refusalReply(refusal);
}
