/** REFER outside any call (RFC 3515 §4.1): a dialog that exists for its referrals alone, and ends with the last of them. Both sides. */
import { CallError } from '../../errors.js';
import type { CredentialSource } from '../auth/digest-client.js';
import { Dialog } from '../dialog/dialog.js';
import { type ReferRequest, referHeaders } from '../dialog/refer.js';
import type { HeaderEntry } from '../message/headers.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import type { Uri } from '../message/uri.js';
import type { Flow } from '../transport/flow.js';
import type { Target } from '../transport/transport.js';
import type { AgentCore, ClientExchange, ResponseContext, ServerExchange } from './agent-core.js';
import { defaultReply } from './default-reply.js';
import { DialogReferrals, type ReferralHost } from './dialog-referrals.js';
import type { DialogMember, HalfMember } from './dialog-table.js';
import type { InDialogOptions, InviteHandler, RequestReply } from './invite-usage.js';
import { outgoingRequest, taggedFrom } from './outgoing-request.js';
import { pinnedFlow } from './pinned-flow.js';
import type { ReferProgress } from './refer-progress.js';
import { replyOptions } from './request-reply.js';

export interface OutgoingReferOptions extends ReferRequest {
  /** Who is to act. */
  readonly uri: string | Uri;
  /** From without tag, as a name-addr. */
  readonly from: string;
  readonly to?: string;
  /** RFC 4538: a dialog that both share shows that we may ask; `targetDialogOf` writes it. */
  readonly targetDialog?: string;
  readonly headers?: readonly HeaderEntry[];
  readonly route?: readonly string[];
  readonly target?: Target;
  readonly flow?: Flow;
  readonly credentials?: CredentialSource;
}

/** RFC 4538 §7: a dialog of ours as Target-Dialog names it: both tags from our side. */
export function targetDialogOf(dialog: { readonly callId: string; readonly localTag: string; readonly remoteTag: string }): string {
  return `${dialog.callId};local-tag=${dialog.localTag};remote-tag=${dialog.remoteTag}`;
}

export interface OutsideReferral {
  readonly progress: ReferProgress;
  /** §2.4.6: another REFER in the dialog that the first one made. */
  again(request: ReferRequest): ReferProgress;
}

/** A REFER of ours; the dialog comes with its first NOTIFY or its 2xx. */
export function referOutside(core: AgentCore, options: OutgoingReferOptions): OutsideReferral {
  const dialog = new ReferDialog(core, options, {});
  const progress = dialog.place(options);
  return { progress, again: (request) => dialog.again(request) };
}

/** A REFER to us; `onRefer` answers it as in a call, and may come to be asked again in the same dialog (§2.4.6). */
export function receiveRefer(
  core: AgentCore,
  exchange: ServerExchange,
  handler: Pick<InviteHandler, 'onRefer'>,
  credentials?: CredentialSource,
): void {
  const dialog = Dialog.ofRequest(exchange.request, exchange.toTag, 'confirmed');
  if (dialog === undefined) exchange.reply(400);
  else new ReferDialog(core, credentials === undefined ? {} : { credentials }, handler).take(dialog, exchange);
}

class ReferDialog implements DialogMember, HalfMember, ReferralHost {
  readonly core: AgentCore;
  readonly referHandler: Pick<InviteHandler, 'onRefer'>;
  readonly #referrals = new DialogReferrals(this);
  readonly #options: Pick<OutgoingReferOptions, 'target' | 'flow' | 'credentials'>;
  readonly #callId: string;
  readonly #localTag: string;
  #refer: SipRequest | undefined;
  #nextHop: Uri | undefined;
  #sequence = 1;
  #dialog: Dialog | undefined;
  #flow: Flow | undefined;

  constructor(
    core: AgentCore,
    options: Pick<OutgoingReferOptions, 'target' | 'flow' | 'credentials'>,
    handler: Pick<InviteHandler, 'onRefer'>,
  ) {
    this.core = core;
    this.referHandler = handler;
    this.#options = options;
    this.#callId = core.random.token();
    this.#localTag = core.random.token();
  }

  get dialog(): Dialog {
    if (this.#dialog === undefined) throw new CallError('ERR_STATE', 0, 'REFER: nobody has answered yet');
    return this.#dialog;
  }

  get flow(): Flow | undefined {
    return this.#flow;
  }

  get usage(): this {
    return this;
  }

  place(options: OutgoingReferOptions): ReferProgress {
    const { uri, from, to, route, targetDialog, headers } = options;
    const { request, nextHop } = outgoingRequest(
      {
        method: 'REFER',
        uri,
        from: taggedFrom(from, this.#localTag),
        ...(to !== undefined && { to }),
        ...(route && { route }),
        callId: this.#callId,
        headers: [
          ['Max-Forwards', '70'],
          ...referHeaders(options),
          ...(targetDialog === undefined ? [] : [['Target-Dialog', targetDialog] as const, ['Require', 'tdialog'] as const]),
          ...(headers ?? []),
        ],
      },
      from,
      this.core.random,
    );
    this.#refer = request;
    this.#nextHop = nextHop;
    this.core.dialogs.addHalf(this.#callId, this.#localTag, this);
    return this.#referrals.follow(request);
  }

  again(request: ReferRequest): ReferProgress {
    const progress = this.#referrals.refer(request);
    this.core.dialogs.add(this.dialog.key, this);
    return progress;
  }

  take(dialog: Dialog, exchange: ServerExchange): void {
    this.#adopt(dialog);
    this.#flow = exchange.flow;
    this.#referrals.onRefer(exchange);
  }

  start(request: SipRequest, contact: boolean, onResponse: (response: SipResponse, context: ResponseContext) => void): ClientExchange {
    const { target, flow, credentials } = this.#options;
    const dialog = this.#dialog;
    const nextHop = dialog?.nextHop ?? this.#nextHop;
    const pinned = dialog === undefined ? flow : pinnedFlow(this.#flow, dialog.nextHop);
    return this.core.send({
      request,
      contact,
      ...(nextHop && { nextHop }),
      ...(dialog === undefined && target && { target }),
      ...(pinned && { flow: pinned }),
      ...(credentials && { credentials }),
      nextCSeq: () => this.#dialog?.nextSequence() ?? ++this.#sequence,
      onSent: (sent) => {
        if (this.#dialog === undefined) this.#refer = sent;
      },
      onResponse: (response, context) => {
        if (context.flow !== undefined) this.#flow = context.flow;
        // §3.9: of several that accept a forked REFER, the first is listened to.
        if (this.#dialog === undefined && response.status >= 200 && response.status < 300) {
          const made = Dialog.ofResponse(context.request, response);
          if (made !== undefined) this.#adopt(made);
        }
        onResponse(response, context);
      },
    });
  }

  send(method: string, options: InDialogOptions & { readonly contact?: boolean }): Promise<SipResponse> {
    const request = this.dialog.request(method, options.headers);
    if (options.body !== undefined) request.setBody(options.contentType, options.body);
    return new Promise((resolve) => {
      this.start(request, options.contact ?? false, (response) => {
        if (response.status >= 200) resolve(response);
      });
    });
  }

  reply(exchange: ServerExchange, reply: RequestReply): void {
    exchange.reply(reply.status, replyOptions(reply));
  }

  fail(exchange: ServerExchange, error: unknown): void {
    this.core.logger.error({ error }, 'the handler of a REFER failed');
    exchange.reply(500);
    this.leaveTable();
  }

  leaveTable(): void {
    if (this.#referrals.isBusy) return;
    this.core.dialogs.removeHalf(this.#callId, this.#localTag, this);
    if (this.#dialog !== undefined) this.core.dialogs.remove(this.#dialog.key, this);
  }

  onRequest(exchange: ServerExchange): boolean {
    const { request } = exchange;
    // §2.4.4: the NOTIFY may come before the 202, and makes the dialog.
    if (this.#dialog === undefined) {
      const made = request.method === 'NOTIFY' && this.#refer !== undefined ? Dialog.ofNotify(this.#refer, request) : undefined;
      if (made === undefined) return false;
      this.#adopt(made);
    }
    this.#flow = exchange.flow;
    if (this.dialog.takes(request) === 'out-of-order') exchange.reply(500);
    else if (request.method === 'REFER') this.#referrals.onRefer(exchange);
    else if (!this.#referrals.takes(exchange)) this.reply(exchange, defaultReply(request, this.core.allow));
    return true;
  }

  onAck(): void {}

  close(why: 'local' | 'transport'): void {
    if (why === 'local') return;
    this.#referrals.end();
    this.leaveTable();
  }

  #adopt(dialog: Dialog): void {
    this.#dialog = dialog;
    this.core.dialogs.removeHalf(this.#callId, this.#localTag, this);
    this.core.dialogs.add(dialog.key, this);
  }
}
