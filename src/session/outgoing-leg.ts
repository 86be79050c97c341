// A call of ours until it is answered (RFC 3261 §13.2): the INVITE once the media is open, forks with early media each, and further attempts, one
// after the other: where a 3xx sends us, and other hosts when one does not serve.
import { OptionError } from '../errors.js';
import type { SipResponse } from '../sip/message/message.js';
import { parseUri, type Uri } from '../sip/message/uri.js';
import type { OutgoingCall } from '../sip/ua/invite-outgoing.js';
import type { Body, OutgoingInviteBase, OutgoingInviteOptions } from '../sip/ua/invite-usage.js';
import { isLocal } from '../sip/ua/local-response.js';
import type { CallInside } from './call-inside.js';
import { given } from './given.js';
import { isSameServer, RedirectTargets } from './redirect.js';
import { TransferRequest } from './transfer-request.js';

/** Whom to call: an INVITE but for its description and handler. */
export type DialTarget = Omit<OutgoingInviteOptions, 'body' | 'handler' | 'after'> & {
  /** 'none' asks the callee for the offer (RFC 3261 §13.2.1). @default 'offer' */
  readonly description?: 'offer' | 'none';
  /** Where else to try when this host fails before anybody rings: asked once, with the reason. The call goes on, with as much time to ring. */
  readonly otherwise?: (why: string) => Promise<DialTarget>;
};

type Target = DialTarget & { readonly uri: Uri };
/** Unlike none at all, it keeps the agent's own from being taken instead. */
const NOBODY: readonly never[] = [];

export class OutgoingLeg {
  readonly callId: string;
  readonly #inside: CallInside;
  #target: Target;
  #redirects: RedirectTargets;
  #hasRung = false;

  constructor(inside: CallInside, target: Target) {
    this.#inside = inside;
    this.#target = target;
    this.#redirects = this.#redirectsOf(target);
    this.callId = target.callId ?? inside.context.random.token();
  }

  /** Of the attempt that is being made. */
  get target(): Target {
    return this.#target;
  }

  async start(): Promise<void> {
    const { media, mediaFailed, call } = this.#inside;
    try {
      await media.open();
    } catch (error) {
      mediaFailed(error as Error);
      return;
    }
    if (call.state !== 'ended') this.#invite(this.#target.uri, undefined);
  }

  /** Nobody has rung in time. True: there is somebody else to try. */
  onSilence(): boolean {
    const usage = this.#inside.usage as OutgoingCall | undefined;
    if (usage === undefined || !this.#hasOther) return false;
    this.#tryOther(usage, 'no answer in time');
    usage.cancel();
    return true;
  }

  #invite(uri: Uri, after: OutgoingInviteBase | undefined): void {
    const { context, descriptions, handlerFor, mediaFailed } = this.#inside;
    const { description = 'offer', otherwise: _, ...target } = this.#target;
    let usage: OutgoingCall | undefined;
    try {
      const body = description === 'offer' ? descriptions.offer() : undefined;
      usage = context.invite({
        ...target,
        uri,
        callId: this.callId,
        handler: handlerFor(() => usage),
        ...given({ body, after, credentials: this.#credentialsFor(uri) }),
      });
      this.#inside.usage = usage;
    } catch (error) {
      mediaFailed(error as Error);
    }
  }

  onProvisional(response: SipResponse, dialogId: string, body: Body | undefined, delivery: 'reliable' | 'unreliable'): Body | undefined {
    const { apply, machine, descriptions, leave, call } = this.#inside;
    if (response.status === 180) {
      this.#hasRung = true;
      apply(machine.onRinging());
    }
    // RFC 6228: a 199 only says that this fork is over.
    if (response.status === 199 || call.state === 'ended') return undefined;
    const described = descriptions.provisional(dialogId, body, delivery);
    if (described.type === 'refused') {
      if (delivery === 'reliable') void leave({ reason: 'failed', status: 488, text: 'the early media cannot be used' });
      return undefined;
    }
    if (descriptions.agreement !== undefined) {
      this.#hasRung = true;
      apply(machine.onEarlyMedia());
    }
    return described.body;
  }

  onSuccess(dialogId: string, body: Body | undefined): Body | undefined {
    const { descriptions, leave, answered } = this.#inside;
    const described = descriptions.success(dialogId, body);
    if (described.type === 'refused') {
      const reason = 'SIP;cause=488;text="Not Acceptable Here"';
      void leave({ reason: 'failed', status: 488, text: 'the answer cannot be used' }, { reason });
      return undefined;
    }
    answered();
    return described.body;
  }

  /** §8.1.3.4: a 3xx names other places, and so do those that were named before, as long as what refuses is no global failure. */
  onFailure(response: SipResponse, usage: OutgoingCall): void {
    if (isHostFailure(response) && this.#hasOther) {
      this.#tryOther(usage, `${response.status} ${response.reason}`);
      return;
    }
    const isRedirect = response.status < 400;
    const targets = isRedirect ? this.#redirects.add(response.contacts, this.#inside.media.options.permits) : [];
    if (isRedirect && this.#inside.media.options.redirects === 'surface') this.#surface(response, targets, usage);
    else if (response.status < 600 && !isLocal(response)) this.#followOn(usage);
  }

  /** The INVITE is over, the call is not: it waits for the decision, as long as a call may ring. */
  #surface(response: SipResponse, targets: readonly Uri[], usage: OutgoingCall): void {
    const { call, tell, finish } = this.#inside;
    if (targets.length === 0 || call.listenerCount('transferRequest') === 0) return;
    usage.handler = {};
    const decide = {
      accept: () => {
        if (call.state !== 'ended') this.#followOn(usage);
        return call;
      },
      reject: () => finish({ reason: 'redirected', status: response.status, text: response.reason }),
    };
    tell('transferRequest', new TransferRequest('redirect', { targets }, decide));
  }

  #followOn(usage: OutgoingCall): void {
    const next = this.#redirects.next();
    if (next === undefined) return;
    usage.handler = {};
    this.#inside.descriptions.restart();
    this.#invite(next, usage);
  }

  /** What we answer challenges with is for whom it was given for: not for a host that a redirection named. */
  #credentialsFor(uri: Uri): DialTarget['credentials'] {
    const { target } = this;
    return isSameServer(uri, target.uri) || (target.route?.length ?? 0) > 0 ? target.credentials : NOBODY;
  }

  get #hasOther(): boolean {
    return !this.#hasRung && this.#target.otherwise !== undefined;
  }

  /** The same call at another host; with a tag of its own, for what the one before it may still say. */
  #tryOther(usage: OutgoingCall, why: string): void {
    usage.handler = {};
    void this.#goOther(why);
  }

  async #goOther(why: string): Promise<void> {
    const { call, context, descriptions, mediaFailed } = this.#inside;
    try {
      const target = await this.#target.otherwise!(why);
      if (call.state === 'ended') return;
      this.#target = { ...target, uri: dialledUri(target) };
    } catch (error) {
      mediaFailed(error as Error);
      return;
    }
    this.#redirects = this.#redirectsOf(this.#target);
    descriptions.restart();
    this.#invite(this.#target.uri, { callId: this.callId, localTag: context.random.token(), localSequence: 0 });
  }

  #redirectsOf(target: Target): RedirectTargets {
    return new RedirectTargets(target.uri, this.#inside.media.options.maxRedirects);
  }
}

/** The host failed, not the callee: it was silent, could not be found or reached, or says that it cannot serve. */
function isHostFailure(response: SipResponse): boolean {
  return isLocal(response) || [408, 500, 503].includes(response.status);
}

export function dialledUri({ uri }: Pick<DialTarget, 'uri'>): Uri {
  const parsed = typeof uri === 'string' ? parseUri(uri) : uri;
  if (parsed === undefined) throw new OptionError('uri', 'must be a URI');
  return parsed;
}
