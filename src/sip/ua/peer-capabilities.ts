/** What the other side of a dialog has said it can do: Supported, Allow, Recv-Info of the last message that had them (RFC 3261 §13.3.1.4, RFC 6086 §5.2). */
import type { SipRequest, SipResponse } from '../message/message.js';

const nothing: ReadonlySet<string> = new Set();

export class PeerCapabilities {
  #supports = nothing;
  #allows = nothing;
  #infoPackages = nothing;

  get supports(): ReadonlySet<string> {
    return this.#supports;
  }

  get allows(): ReadonlySet<string> {
    return this.#allows;
  }

  get infoPackages(): ReadonlySet<string> {
    return this.#infoPackages;
  }

  learn(message: SipRequest | SipResponse): void {
    if (message.has('Supported') || message.has('Require')) this.#supports = new Set([...message.supported, ...message.require]);
    if (message.has('Allow')) this.#allows = new Set(message.allow.map((method) => method.toUpperCase()));
    if (message.has('Recv-Info')) this.#infoPackages = new Set(message.recvInfo);
  }

  /** The peer has shown that its Allow was not true. */
  disallow(method: string): void {
    const allows = new Set(this.#allows);
    allows.delete(method);
    this.#allows = allows;
  }
}
