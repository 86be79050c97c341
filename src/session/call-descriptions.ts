// Which description goes into which message of a call, and what becomes of those that arrive: bodies on one side, agreements on the other
// (RFC 3261 §13.2.1, RFC 3262 §5, RFC 6337 §2.1). Every fork of an outgoing call negotiates for itself; the one that answers stays.
import { writeWarning } from '../sip/message/warning.js';
import type { Body, RequestReply } from '../sip/ua/invite-usage.js';
import type { Agreement, Refusal } from './agreement.js';
import type { Side } from './call-state.js';
import type { Capabilities } from './capabilities.js';
import { descriptionIn, SDP_TYPE, sdpBody, sdpIn } from './description.js';
import { type Delivery, Negotiation, type Received } from './negotiation.js';
import type { SdpFailure, SessionDescription } from './sdp.js';

/** What is to be answered, or why nothing can be. */
export type Described =
  /** `body` is to be sent, when there is one. */
  { readonly type: 'ok'; readonly body: Body | undefined } | { readonly type: 'refused'; readonly reply: RequestReply };

/** `offered`: what is to be answered, where it has been read. */
type CapabilitiesFor = (purpose: 'offer' | 'answer', offered?: SessionDescription | SdpFailure) => Capabilities;

const NOTHING: Described = { type: 'ok', body: undefined };

export class CallDescriptions {
  readonly #capabilities: CapabilitiesFor;
  readonly #onAgreed: (agreement: Agreement, offeredBy: Side) => void;
  readonly #base: Negotiation;
  readonly #forks = new Map<string, Negotiation>();
  #current: Negotiation;

  /** `onAgreed` is called for every agreement, before the message that completes it is sent. */
  constructor(sessionId: string, capabilities: CapabilitiesFor, onAgreed: (agreement: Agreement, offeredBy: Side) => void) {
    this.#base = new Negotiation(sessionId);
    this.#current = this.#base;
    this.#capabilities = capabilities;
    this.#onAgreed = onAgreed;
  }

  get agreement(): Agreement | undefined {
    return this.#current.agreement;
  }

  // ── we offer ──

  /** For an INVITE, a 2xx to one without offer, a re-INVITE or UPDATE of ours, when it is really sent. */
  offer(): Body {
    return sdpBody(this.#current.offer(this.#capabilities('offer')));
  }

  /** Our offer was refused. */
  withdraw(): void {
    this.#current.withdraw();
  }

  /** The answer to it, in a 2xx, ACK or PRACK that is complete: without one the offer is void. */
  answered(body: Body | undefined): Described {
    const sdp = sdpIn(body);
    if (sdp === undefined || sdp === 'unsupported') {
      this.withdraw();
      return refuse(488, 'Not Acceptable Here', 399, 'there was an offer, and no answer to it');
    }
    return this.#described(this.#current.receive(sdp, 'reliable', this.#capabilities('answer')));
  }

  // ── the far end of an outgoing call ──

  /** A 1xx of one of the forks. A refusal is final only when it was delivered reliably. */
  provisional(dialogId: string, body: Body | undefined, delivery: Delivery): Described {
    const sdp = sdpIn(body);
    if (sdp === undefined || sdp === 'unsupported') return NOTHING;
    const fork = this.#fork(dialogId);
    this.#current = fork;
    return this.#described(fork.receive(sdp, delivery, this.#capabilities('answer')));
  }

  /** The 2xx: this fork is the call. Its body answers our offer, repeats an answer, or offers, and then our answer goes into the ACK. */
  success(dialogId: string, body: Body | undefined): Described {
    const fork = this.#fork(dialogId);
    const changed = fork !== this.#current;
    this.#current = fork;
    this.#forks.clear();
    const sdp = sdpIn(body);
    if (sdp === 'unsupported') return unsupported();
    if (sdp === undefined) {
      fork.settle();
      if (fork.state !== 'agreed') return refuse(488, 'Not Acceptable Here', 399, 'the 2xx has no session description');
      if (changed) this.#onAgreed(fork.agreement!, 'local');
      return NOTHING;
    }
    // RFC 6337 §3.1.1: after an answer in a reliable 1xx the 2xx may repeat it; it cannot offer.
    if (fork.state === 'agreed') {
      if (changed) this.#onAgreed(fork.agreement!, 'local');
      return NOTHING;
    }
    return this.#described(fork.receive(sdp, 'reliable', this.#capabilities('answer')), changed ? fork : undefined);
  }

  /** A redirected or repeated attempt begins anew. */
  restart(): void {
    this.#forks.clear();
    this.#current = this.#base;
    this.#base.withdraw();
  }

  // ── the far end offers ──

  /** The offer of an incoming INVITE, a PRACK, a re-INVITE or an UPDATE; `offer` where it has been read before. */
  offered(body: Body | undefined, offer = descriptionIn(body)): Described {
    if (offer === undefined) return NOTHING;
    if (offer === 'unsupported') return unsupported();
    return this.#described(this.#current.receiveOffer(offer, this.#capabilities('answer', offer)));
  }

  /** Our answer as it was sent, to be repeated in a 2xx after an unreliable 1xx. */
  repeat(): Body | undefined {
    return this.#current.localSdp === undefined ? undefined : sdpBody(this.#current.localSdp);
  }

  /** True while an offer of ours has no answer. */
  get isOffering(): boolean {
    return this.#current.state === 'offered' || this.#current.state === 'previewed';
  }

  #fork(dialogId: string): Negotiation {
    let fork = this.#forks.get(dialogId);
    if (fork === undefined) {
      fork = this.#base.fork();
      this.#forks.set(dialogId, fork);
    }
    return fork;
  }

  #described(received: Received, changedTo?: Negotiation): Described {
    switch (received.type) {
      case 'agreed':
        this.#onAgreed(received.agreement, 'local');
        return NOTHING;
      case 'answer':
        this.#onAgreed(received.agreement, 'remote');
        return { type: 'ok', body: sdpBody(received.sdp) };
      case 'ignored':
        if (changedTo?.agreement !== undefined) this.#onAgreed(changedTo.agreement, 'local');
        return NOTHING;
      case 'refused':
        return { type: 'refused', reply: refusalReply(received.refusal) };
    }
  }
}

/** The response that says why (RFC 3261 §20.43). */
export function refusalReply({ status, reason, warning }: Refusal): RequestReply {
  return refusedWith(status, reason, warning.code, warning.text);
}

/** §21.4.13: a body, and none of it a session description. */
export function unsupportedReply(): RequestReply {
  return { status: 415, headers: [['Accept', SDP_TYPE]] };
}

function unsupported(): Described {
  return { type: 'refused', reply: unsupportedReply() };
}

function refuse(status: number, reason: string, code: number, text: string): Described {
  return { type: 'refused', reply: refusedWith(status, reason, code, text) };
}

function refusedWith(status: number, reason: string, code: number, text: string): RequestReply {
  return { status, reason, headers: [['Warning', writeWarning({ code, agent: 'sipbot', text })]] };
}
