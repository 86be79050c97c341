/** A server transaction as its user holds it: the request, and the way to answer it. The machine decides, the layer acts. */
import type { HeaderEntry } from '../message/headers.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { responseTo } from '../message/response-to.js';
import type { ServerEntry } from './server-entry.js';
import type { Wire } from './wire.js';

export interface ReplyOptions {
  readonly reason?: string;
  readonly headers?: readonly HeaderEntry[];
  readonly body?: Uint8Array | string;
  readonly contentType?: string;
}

export class ServerTransaction<W extends Wire> {
  readonly request: SipRequest;
  readonly #entry: ServerEntry<W>;
  readonly #respond: (transaction: ServerTransaction<W>, entry: ServerEntry<W>, response: SipResponse) => void;
  /** The CANCEL has been answered 200; the INVITE is for this to answer, 487. Without a handler the layer does. */
  onCancel: ((cancel: SipRequest) => void) | undefined;
  /** `timeout`: no ACK (Timer H), or no answer of ours in time (RFC 4320). `transport`: a response could not be sent anywhere. */
  onFailure: ((why: 'timeout' | 'transport') => void) | undefined;

  constructor(
    request: SipRequest,
    entry: ServerEntry<W>,
    respond: (transaction: ServerTransaction<W>, entry: ServerEntry<W>, response: SipResponse) => void,
  ) {
    this.request = request;
    this.#entry = entry;
    this.#respond = respond;
  }

  /** Where the request came from. */
  get flow(): W {
    return this.#entry.flow;
  }

  /** The tag in the To of every response of this transaction, and of the response to its CANCEL (§8.2.6.2, §9.2). */
  get toTag(): string {
    return this.#entry.toTag;
  }

  get state(): 'trying' | 'proceeding' | 'completed' | 'confirmed' | 'accepted' | 'terminated' {
    return this.#entry.machine.state;
  }

  /** No final response has been given yet. */
  get isPending(): boolean {
    return this.#entry.isPending;
  }

  /** Provisionals, then one final; to an INVITE the 2xx again and again. What comes too late is ignored. */
  respond(response: SipResponse): void {
    this.#respond(this, this.#entry, response);
  }

  reply(status: number, options: ReplyOptions = {}): void {
    this.respond(responseTo(this.request, status, { toTag: this.toTag, ...options }));
  }
}
