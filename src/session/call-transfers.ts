// A call that goes elsewhere, or that another call would replace: what we ask for (transfer.ts) and what others ask of us (transfer-request.ts).
import type { HeaderEntry } from '../sip/message/headers.js';
import type { Uri } from '../sip/message/uri.js';
import type { InviteUsage, RequestReply } from '../sip/ua/invite-usage.js';
import type { ReferSubscription } from '../sip/ua/refer-subscription.js';
import type { CallEnd } from './call-end.js';
import type { CallInside } from './call-inside.js';
import type { CallSession } from './call-session.js';
import { given } from './given.js';
import { type TransferOptions, type TransferResult, transferCall } from './transfer.js';
import { TransferRequest } from './transfer-request.js';

export interface CallPlaces {
  /** A new call by the same ways, and with the same options, as this one. */
  dial(uri: string | Uri, headers: readonly HeaderEntry[]): CallSession;
  /** Ends a call that has gone on elsewhere. */
  release(call: CallSession): Promise<void>;
}

export class CallTransfers {
  readonly #inside: CallInside;
  readonly #places: CallPlaces;
  /** A REFER of ours was accepted: when they hang up now, the call has gone on elsewhere. */
  #isReferred = false;

  constructor(inside: CallInside, places: CallPlaces) {
    this.#inside = inside;
    this.#places = places;
  }

  get isReferred(): boolean {
    return this.#isReferred;
  }

  transfer(usage: InviteUsage, target: string | CallSession, options: TransferOptions): Promise<TransferResult> {
    const { call, tell } = this.#inside;
    const subject = {
      call,
      usage,
      onAccepted: () => {
        this.#isReferred = true;
      },
      onFailed: () => {
        this.#isReferred = false;
      },
      onProgress: (status: number, reason: string) => tell('transferProgress', { status, reason }),
      place: (uri: string) => this.#places.dial(uri, []),
      release: (released: CallSession) => this.#places.release(released),
    };
    return transferCall(subject, target, options);
  }

  /** The other side refers us (RFC 3515). Whoever decides while being told is answered by; who takes time gets 202, and the decision by NOTIFY. */
  onRefer(subscription: ReferSubscription): RequestReply {
    const { call, tell, media } = this.#inside;
    const target = subscription.referTo.uri;
    // RFC 3515 §2.4.2: what is no call we can place, and what would be another request than an INVITE (§19.1.1).
    if (!/^(sips?|tel)$/.test(target.scheme)) return { status: 416 };
    if ((target.params.get('method') ?? 'INVITE').toUpperCase() !== 'INVITE') return { status: 501 };
    if (call.listenerCount('transferRequest') === 0 || !media.options.permits(target)) return { status: 603 };
    let refusal: RequestReply | undefined;
    let isTold = false;
    const { referTo, referredBy } = subscription;
    const said = { targets: [referTo.uri], referredBy, isAttended: referTo.uri.headers.has('Replaces') };
    const request = new TransferRequest('refer', said, {
      accept: (place) => {
        const by = referredBy === undefined ? undefined : String(referredBy);
        const headers: HeaderEntry[] = by === undefined ? [] : [['Referred-By', by]];
        const next = place?.({ target: referTo.uri, referredBy: by }) ?? this.#places.dial(referTo.uri, headers);
        report(next, subscription);
        return next;
      },
      reject: (status, reason) => {
        refusal = { status, ...given({ reason }) };
        if (isTold) subscription.notify(status, reason);
      },
    });
    tell('transferRequest', request);
    isTold = true;
    // Who hangs up has said no; when it is they who do, the wish stands (phones hang up as soon as they hear 202).
    const decline = ({ by }: CallEnd): void => (by === 'local' ? request.reject(603) : undefined);
    if (request.decision === 'none' && call.end === undefined) call.once('ended', decline);
    else if (call.end !== undefined) decline(call.end);
    return refusal ?? { status: 202 };
  }

  /** A call came that would take our place (RFC 3891). */
  onReplaces(successor: CallSession): void {
    const { context, tell } = this.#inside;
    const said = { targets: [], referredBy: successor.request?.referredBy, isAttended: true };
    const request = new TransferRequest('replaces', said, {
      accept: () => {
        // Ours ends when the new one is accepted (§3): the dialog sees to it.
        successor.answer().catch((error: unknown) => context.logger.warn({ error }, 'a call that replaces another was not answered'));
        return successor;
      },
      reject: (status, reason) => {
        if (successor.state !== 'ended') successor.reject(status, reason);
      },
    });
    tell('transferRequest', request);
  }
}

/** Tells the one who referred how the new call fares (RFC 3515 §2.4.4). */
function report(call: CallSession, subscription: ReferSubscription): void {
  call.on('ringing', () => subscription.notify(180));
  call.on('early', () => subscription.notify(183));
  call.on('answered', () => subscription.notify(200));
  call.on('ended', (end) => {
    if (call.answeredAt === undefined) subscription.notify(end.status >= 300 ? end.status : 503, end.text);
  });
}
