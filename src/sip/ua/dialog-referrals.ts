/** The REFERs of one dialog, of a call or of their own, both ways, and their implicit subscriptions (RFC 3515 §2.4): who gets which NOTIFY. They may outlive the call (RFC 5057 §4.2). */

import type { Dialog } from '../dialog/dialog.js';
import { type ReferRequest, referHeaders } from '../dialog/refer.js';
import type { HeaderEntry } from '../message/headers.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import type { AgentCore, ClientExchange, ResponseContext, ServerExchange } from './agent-core.js';
import type { InDialogOptions, InviteHandler, RequestReply } from './invite-usage.js';
import { ReferProgress } from './refer-progress.js';
import { ReferSubscription } from './refer-subscription.js';
import { settle } from './settle.js';

/** The dialog that carries them. */
export interface ReferralHost {
  readonly core: AgentCore;
  readonly dialog: Dialog;
  readonly referHandler: Pick<InviteHandler, 'onRefer'>;
  start(request: SipRequest, contact: boolean, onResponse: (response: SipResponse, context: ResponseContext) => void): ClientExchange;
  send(method: string, options: InDialogOptions & { readonly contact?: boolean }): Promise<SipResponse>;
  reply(exchange: ServerExchange, reply: RequestReply): void;
  fail(exchange: ServerExchange, error: unknown): void;
  /** Nothing is left to report, for now. */
  leaveTable(): void;
}

/** Subscriptions that one peer may hold in one dialog. */
const MAX_RECEIVED = 16;

export class DialogReferrals {
  readonly #dialog: ReferralHost;
  /** Ours, by the CSeq of the REFER, in their order. */
  readonly #sent = new Map<number, ReferProgress>();
  readonly #received = new Map<number, ReferSubscription>();
  #receivedAny = false;

  constructor(dialog: ReferralHost) {
    this.#dialog = dialog;
  }

  get isBusy(): boolean {
    return this.#sent.size > 0 || this.#received.size > 0;
  }

  refer(options: ReferRequest & { readonly headers?: readonly HeaderEntry[] }): ReferProgress {
    const dialog = this.#dialog;
    return this.follow(dialog.dialog.request('REFER', [...referHeaders(options), ...(options.headers ?? [])]));
  }

  /** Sends a REFER, the first of a dialog of its own perhaps, and listens to what is said of it. */
  follow(request: SipRequest): ReferProgress {
    const dialog = this.#dialog;
    let id = request.cseq!.number;
    const progress = new ReferProgress(dialog.core, () => {
      this.#sent.delete(id);
      dialog.leaveTable();
    });
    this.#sent.set(id, progress);
    dialog.start(request, true, (response, context) => {
      // A retry with credentials has another number, and its NOTIFYs name that one.
      const sequence = context.request.cseq!.number;
      if (sequence !== id && this.#sent.delete(id)) {
        id = sequence;
        this.#sent.set(id, progress);
      }
      progress.onResponse(response);
    });
    return progress;
  }

  onRefer(exchange: ServerExchange): void {
    const { request } = exchange;
    const { core, referHandler: handler } = this.#dialog;
    const refusal = this.#refusal(request);
    if (refusal !== undefined) {
      this.#dialog.reply(exchange, refusal);
      this.#dialog.leaveTable();
      return;
    }
    const subscription = new ReferSubscription(core, request, !this.#receivedAny, {
      notify: (headers, contentType, body) => this.#dialog.send('NOTIFY', { headers, contentType, body, contact: true }),
      onEnded: () => {
        this.#received.delete(subscription.id);
        this.#dialog.leaveTable();
      },
    });
    this.#receivedAny = true;
    settle(
      () => handler.onRefer!(request, subscription),
      (reply) => this.#answer(exchange, subscription, reply),
      (error) => this.#dialog.fail(exchange, error),
    );
  }

  #refusal(request: SipRequest): RequestReply | undefined {
    // §2.4.2: exactly one.
    if (request.headers('Refer-To').length !== 1 || request.referTo === undefined)
      return { status: 400, reason: 'Refer-To missing, malformed or repeated' };
    if (this.#received.size >= MAX_RECEIVED) return { status: 500, headers: [['Retry-After', '10']] };
    return this.#dialog.referHandler.onRefer === undefined ? { status: 603 } : undefined;
  }

  /** A NOTIFY or SUBSCRIBE of the package `refer`. False: not ours. */
  takes(exchange: ServerExchange): boolean {
    const { event, method } = exchange.request;
    if (event?.type !== 'refer') return false;
    const id = event.id === undefined ? undefined : Number(event.id);
    if (method === 'NOTIFY') {
      const progress = find(this.#sent, id);
      if (progress === undefined) return false;
      exchange.reply(200, { headers: [['Contact', this.#dialog.core.contactFor(exchange.flow)]] });
      progress.onNotify(exchange.request);
      return true;
    }
    if (method !== 'SUBSCRIBE') return false;
    const subscription = find(this.#received, id);
    if (subscription === undefined) return false;
    this.#onSubscribe(exchange, subscription);
    return true;
  }

  /** The agent closes. */
  end(): void {
    for (const progress of [...this.#sent.values()]) progress.end();
    for (const subscription of [...this.#received.values()]) subscription.close();
  }

  #answer(exchange: ServerExchange, subscription: ReferSubscription, reply: RequestReply): void {
    // RFC 4488 §4: who asks for no subscription gets none, and is told so.
    const wantsNone = exchange.request.referSub === false;
    const isAccepted = reply.status >= 200 && reply.status < 300;
    const extra: HeaderEntry[] = isAccepted ? [['Contact', this.#dialog.core.contactFor(exchange.flow)]] : [];
    if (isAccepted && wantsNone) extra.push(['Refer-Sub', 'false']);
    this.#dialog.reply(exchange, { ...reply, headers: [...extra, ...(reply.headers ?? [])] });
    if (!isAccepted || wantsNone) {
      this.#dialog.leaveTable();
      return;
    }
    this.#received.set(subscription.id, subscription);
    subscription.open();
  }

  /** §2.4.4: the referrer may lengthen its subscription, or end it. */
  #onSubscribe(exchange: ServerExchange, subscription: ReferSubscription): void {
    const seconds = Math.min(exchange.request.expires ?? 180, 3600);
    exchange.reply(200, {
      headers: [
        ['Expires', String(seconds)],
        ['Contact', this.#dialog.core.contactFor(exchange.flow)],
      ],
    });
    subscription.onSubscribe(seconds);
  }
}

/** §2.4.6: by id; without one, the first there is. */
function find<T>(of: ReadonlyMap<number, T>, id: number | undefined): T | undefined {
  return id === undefined ? of.values().next().value : of.get(id);
}
