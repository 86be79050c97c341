/** A request outside any dialog, as the application's handler sees it: what was asked, where it came from, who proved to be asking, and how to answer. */
import type { SipRequest } from '../message/message.js';
import type { ReplyOptions, ServerTransaction } from '../transaction/server-transaction.js';
import type { Flow } from '../transport/flow.js';
import type { Proof } from './admission.js';

export class IncomingRequest {
  readonly request: SipRequest;
  readonly flow: Flow;
  /** The tag our response bears in To. */
  readonly toTag: string;
  /** The user who answered our challenge; undefined where none was asked. */
  readonly user: string | undefined;
  /** For those who make a dialog of it. */
  readonly transaction: ServerTransaction<Flow>;

  readonly #proof: Proof | undefined;

  constructor(transaction: ServerTransaction<Flow>, proof: Proof | undefined) {
    this.transaction = transaction;
    this.request = transaction.request;
    this.flow = transaction.flow;
    this.toTag = transaction.toTag;
    this.user = proof?.user;
    this.#proof = proof;
  }

  get isAnswered(): boolean {
    return !this.transaction.isPending;
  }

  /** One final response; what comes after it, or more than 32 s after the request, is not sent (RFC 4320). */
  reply(status: number, options: ReplyOptions = {}): void {
    const proofs = status < 300 ? this.#proof?.headers : undefined;
    this.transaction.reply(status, proofs === undefined ? options : { ...options, headers: [...(options.headers ?? []), ...proofs] });
  }
}
