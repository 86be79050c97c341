// Changes of an answered call, from either side (RFC 3261 §14, RFC 3311, RFC 4028): hold, resume, codecs, addresses, refreshes. What is refused
// leaves everything as it was.
import { CallError } from '../errors.js';
import type { SipRequest } from '../sip/message/message.js';
import type { Body, RequestReply } from '../sip/ua/invite-usage.js';
import type { Agreement } from './agreement.js';
import type { Described } from './call-descriptions.js';
import type { CallInside } from './call-inside.js';
import { type CallOptions, type ResolvedCallOptions, resolveCallOptions } from './call-options.js';
import type { Side } from './call-state.js';
import { given } from './given.js';
import { type Direction, isUnspecified } from './sdp.js';

interface Change {
  readonly direction?: Direction;
  readonly options?: ResolvedCallOptions;
}

export class CallChanges {
  readonly #inside: CallInside;
  /** One change of ours after the other. */
  #queue: Promise<void> = Promise.resolve();
  #isHeldByRemote = false;
  /** They let us send once: from then on, not letting us is a hold. */
  #hasTalked = false;

  constructor(inside: CallInside) {
    this.#inside = inside;
  }

  async hold(): Promise<void> {
    await this.#change(() => {
      const { wanted, media } = this.#inside;
      return wanted === 'sendrecv' ? { direction: media.options.holdStyle } : undefined;
    });
  }

  async resume(): Promise<void> {
    await this.#change(() => (this.#inside.wanted === 'sendrecv' ? undefined : { direction: 'sendrecv' }));
  }

  async renegotiate(changes: Pick<CallOptions, 'codecs' | 'ptimeMs'>): Promise<void> {
    const { media } = this.#inside;
    await this.#change(() => ({ options: resolveCallOptions({ ...media.given, ...changes }) }));
  }

  /** `wish` is asked when its turn has come: by then the one before may have done it. */
  async #change(wish: () => Change | undefined): Promise<void> {
    const turn = this.#queue.then(async () => {
      const change = wish();
      if (change !== undefined) await this.#changeNow(change);
    });
    this.#queue = turn.catch(() => {});
    await turn;
  }

  async #changeNow({ direction, options }: Change): Promise<void> {
    const { media, descriptions, error } = this.#inside;
    if (this.#isOver) throw error();
    const before = { wanted: this.#inside.wanted, options: media.options };
    if (direction !== undefined) this.#inside.wanted = direction;
    if (options !== undefined) media.reconfigure(options);
    const { response, body } = await this.#inside.usage!.reinvite({ body: () => descriptions.offer() });
    if (this.#isOver) throw error();
    const described: Described | undefined = response.status < 300 ? descriptions.answered(body) : undefined;
    if (described?.type === 'ok') return;
    descriptions.withdraw();
    this.#inside.wanted = before.wanted;
    media.reconfigure(before.options);
    const { status, reason = response.reason } = described?.reply ?? response;
    throw new CallError('ERR_CALL_FAILED', status, reason);
  }

  get #isOver(): boolean {
    return this.#inside.call.state === 'ended';
  }

  /** A re-INVITE or UPDATE: answered by what we want now; without a description, a re-INVITE asks for our offer (§14.2). */
  onOffer(request: SipRequest, body: Body | undefined): RequestReply {
    const { descriptions } = this.#inside;
    if (body === undefined) return request.method === 'UPDATE' ? { status: 200 } : { status: 200, body: descriptions.offer() };
    const described = descriptions.offered(body);
    return described.type === 'refused' ? described.reply : { status: 200, ...given({ body: described.body }) };
  }

  /** The answer to our offer in a 2xx, or to a refresh. Without one that can be used, what was agreed before holds. */
  onAnswer(body: Body | undefined): void {
    const { descriptions } = this.#inside;
    if (descriptions.isOffering) descriptions.answered(body);
  }

  /** What was agreed, whichever way: the media follows, and holds show. */
  onAgreed(agreement: Agreement, offeredBy: Side): void {
    const { wanted, media, machine, apply } = this.#inside;
    const theyHear = canHear(agreement);
    // An inactive offer of ours can only be answered inactive: it tells nothing about them.
    if (wanted !== 'inactive' || offeredBy === 'remote') this.#isHeldByRemote = this.#hasTalked && !theyHear;
    if (theyHear) this.#hasTalked = true;
    media.apply(agreement, wanted !== 'sendrecv' || this.#isHeldByRemote ? 'held' : 'live');
    apply(wanted === 'sendrecv' ? machine.onResumed('local') : machine.onHeld('local'));
    apply(this.#isHeldByRemote ? machine.onHeld('remote') : machine.onResumed('remote'));
  }
}

/** That they want to hear us: not in a hold of either style (RFC 3264 §8.4), nor with the stream switched off. */
function canHear({ remote, media }: Agreement): boolean {
  const line = remote.media[media.lineIndex];
  if (line === undefined || line.port === 0 || (line.address !== undefined && isUnspecified(line.address))) return false;
  return line.direction === 'sendrecv' || line.direction === 'recvonly';
}
