// Where a call stands between offers and answers (RFC 3264 §4, RFC 6337 §3): one offer out at a time, an agreement that holds until the next one is
// complete, and what becomes of it when an exchange fails. Which message carries a description, and glare, are the dialog's; meaning is found here.

import { type Agreement, isRefusal, type Refusal } from './agreement.js';
import type { Capabilities } from './capabilities.js';
import { answer, applyAnswer, type Offer, offer } from './offer-answer.js';
import type { SdpFailure, SessionDescription } from './sdp.js';

/**
 * 'idle': nothing agreed, nothing out. 'offered': ours is out. 'previewed': ours is out, and a response that may be lost has shown the answer to
 * come. 'agreed': both know the same.
 */
export type NegotiationState = 'idle' | 'offered' | 'previewed' | 'agreed';

export type Received =
  /** Their answer: this holds now. */
  | { readonly type: 'agreed'; readonly agreement: Agreement }
  /** Their offer: this holds, and `sdp` is to be sent. */
  | { readonly type: 'answer'; readonly agreement: Agreement; readonly sdp: string }
  /** Their offer cannot be answered, or their answer is none. The agreement before it stands. */
  | { readonly type: 'refused'; readonly refusal: Refusal }
  /** Says nothing new, or nothing that counts. */
  | { readonly type: 'ignored' };

/** How a description came: in a message that its sender knows to have arrived, or in a 1xx that may be lost (RFC 3262, RFC 6337 §3.1.1). */
export type Delivery = 'reliable' | 'unreliable';

/** Which session it is, and which version of its description, is said here. */
type Unnumbered = Omit<Capabilities, 'sessionId' | 'version'>;

export class Negotiation {
  readonly #sessionId: string;
  #version: number;
  #agreement: Agreement | undefined;
  /** Ours, without its answer. */
  #offer: Offer | undefined;
  /** The answer that an unreliable response showed, word for word. */
  #preview: string | undefined;
  #localSdp: string | undefined;

  /** `sessionId` and `version` are the first o= line of the call (RFC 8866 §5.2). */
  constructor(sessionId: string, version = 1) {
    this.#sessionId = sessionId;
    this.#version = version;
  }

  get state(): NegotiationState {
    if (this.#offer !== undefined) return this.#preview === undefined ? 'offered' : 'previewed';
    return this.#agreement === undefined ? 'idle' : 'agreed';
  }

  /** What both sides hold; while an offer is out, what they held before it, or what a preview shows. */
  get agreement(): Agreement | undefined {
    return this.#agreement;
  }

  /** Our description as last sent: what a 2xx after an unreliable answer repeats. */
  get localSdp(): string | undefined {
    return this.#localSdp;
  }

  /** For another early dialog of the same INVITE: the same offer, an answer of its own (RFC 3261 §13.2.2.4). */
  fork(): Negotiation {
    const twin = new Negotiation(this.#sessionId, this.#version);
    twin.#offer = this.#offer;
    twin.#localSdp = this.#localSdp;
    return twin;
  }

  /** An offer of ours, to be sent at once. One before it that had no answer is void. */
  offer(capabilities: Unnumbered): string {
    this.withdraw();
    this.#offer = offer(this.#numbered(capabilities), this.#agreement);
    return this.#sent(this.#offer.sdp, this.#offer.description.origin.version);
  }

  /** The far end refused our offer, or left it without an answer: all is as it was (RFC 3261 §14.1). */
  withdraw(): void {
    if (this.#offer === undefined) return;
    this.#agreement = this.#offer.previous;
    this.#offer = undefined;
    this.#preview = undefined;
  }

  /** Their description, where the rules say which it is: the answer when an offer of ours is out, an offer otherwise. */
  receive(sdp: string, delivery: Delivery, capabilities: Unnumbered): Received {
    if (this.#offer !== undefined) return this.#receiveAnswer(this.#offer, sdp, delivery);
    // RFC 3262 §5: an unreliable 1xx carries no offer; after the answer it repeats it (RFC 6337 §3.1.1).
    return delivery === 'unreliable' ? { type: 'ignored' } : this.receiveOffer(sdp, capabilities);
  }

  /** A re-INVITE or UPDATE that the dialog let through: an offer, and one of ours that still waits to be sent again has to stand on what comes of it. */
  receiveOffer(offered: SessionDescription | SdpFailure | string, capabilities: Unnumbered): Received {
    this.withdraw();
    const result = answer(offered, this.#numbered(capabilities), this.#agreement);
    if (isRefusal(result)) return { type: 'refused', refusal: result };
    this.#agreement = result;
    return { type: 'answer', agreement: result, sdp: this.#sent(result.sdp, result.local.origin.version) };
  }

  /** The 2xx came without a description: what an unreliable 1xx showed was the answer (RFC 6337 §3.1.1 forbids it; it happens). */
  settle(): Agreement | undefined {
    if (this.#preview === undefined) return undefined;
    this.#offer = undefined;
    this.#preview = undefined;
    return this.#agreement;
  }

  #receiveAnswer(made: Offer, sdp: string, delivery: Delivery): Received {
    if (sdp === this.#preview) {
      if (delivery === 'reliable') this.settle();
      return { type: 'ignored' };
    }
    const result = applyAnswer(made, sdp);
    if (isRefusal(result)) {
      // A preview that cannot be used may be followed by an answer that can.
      if (delivery === 'reliable') this.withdraw();
      return { type: 'refused', refusal: result };
    }
    this.#agreement = result;
    if (delivery === 'unreliable') this.#preview = sdp;
    else {
      this.#offer = undefined;
      this.#preview = undefined;
    }
    return { type: 'agreed', agreement: result };
  }

  #numbered(capabilities: Unnumbered): Capabilities {
    return { sessionId: this.#sessionId, version: this.#version, ...capabilities };
  }

  #sent(sdp: string, version: string): string {
    this.#version = Math.max(this.#version, Number(version));
    this.#localSdp = sdp;
    return sdp;
  }
}
