/** What calls in both directions have in common: the face of the one dialog that counts now. */
import { CallError } from '../../errors.js';
import type { CredentialSource } from '../auth/digest-client.js';
import type { ReferRequest } from '../dialog/refer.js';
import { LEAST_MIN_SE, type SessionTimerOptions } from '../dialog/session-timer.js';
import { writeReplaces } from '../message/dialog-reference.js';
import type { HeaderEntry } from '../message/headers.js';
import type { SipRequest, SipResponse } from '../message/message.js';
import { type NameAddr, parseNameAddr } from '../message/name-addr.js';
import type { Params } from '../message/params.js';
import type { Uri } from '../message/uri.js';
import type { Flow } from '../transport/flow.js';
import type { AgentCore, ServerExchange } from './agent-core.js';
import type { InviteDialog, InviteDialogOwner } from './invite-dialog.js';
import type {
  EndOptions,
  InDialogOptions,
  InfoOptions,
  InviteEnd,
  InviteHandler,
  InviteState,
  InviteUsage,
  ModifyOptions,
  ReinviteOutcome,
  RemoteAddress,
} from './invite-usage.js';
import type { ReferProgress } from './refer-progress.js';

/** What calls in both directions may be told. */
export interface InviteBaseOptions {
  readonly handler?: InviteHandler;
  readonly credentials?: CredentialSource;
  readonly sessionExpiresS?: number;
  readonly minSeS?: number;
  readonly infoPackages?: readonly string[];
}

const nothing: ReadonlySet<string> = new Set();
const none: readonly string[] = [];

export abstract class InviteBase implements InviteUsage, InviteDialogOwner {
  abstract readonly direction: 'in' | 'out';
  abstract readonly callId: string;
  abstract readonly localTag: string;
  abstract readonly request: SipRequest;
  readonly core: AgentCore;
  readonly credentials: CredentialSource | undefined;
  readonly sessionTimer: SessionTimerOptions;
  /** RFC 6086: what we want to receive. */
  readonly wanted: readonly string[];
  #handler: InviteHandler;
  #state: InviteState = 'early';
  #isReplaced = false;
  #ended: (() => void)[] = [];

  constructor(core: AgentCore, options: InviteBaseOptions) {
    this.core = core;
    this.credentials = options.credentials;
    this.sessionTimer = { intervalS: options.sessionExpiresS ?? 1800, minS: Math.max(options.minSeS ?? LEAST_MIN_SE, LEAST_MIN_SE) };
    this.wanted = options.infoPackages ?? none;
    this.#handler = options.handler ?? {};
  }

  /** The dialog that counts: the call's, or before it is answered the one heard of last. */
  protected abstract readonly current: InviteDialog | undefined;
  /** Gives the call up before it is answered. */
  protected abstract leaveEarly(options: EndOptions): void;
  /** Ends it without a word: there is no way left to say one. */
  protected abstract abort(): void;
  abstract readonly flow: Flow | undefined;

  get usage(): InviteUsage {
    return this;
  }

  get handler(): InviteHandler {
    return this.#handler;
  }

  set handler(handler: InviteHandler) {
    this.#handler = handler;
  }

  get state(): InviteState {
    return this.#state;
  }

  get local(): NameAddr {
    const text = this.current?.dialog.local ?? this.request.header(this.direction === 'out' ? 'From' : 'To');
    return parseNameAddr(text ?? '')!;
  }

  get remote(): NameAddr {
    const text = this.current?.dialog.remote ?? this.request.header(this.direction === 'out' ? 'To' : 'From');
    return parseNameAddr(text ?? '')!;
  }

  get remoteTag(): string {
    return this.current?.dialog.remoteTag ?? '';
  }

  get remoteTarget(): Uri {
    return this.current?.dialog.remoteTarget ?? this.request.uri;
  }

  get remoteFeatures(): Params | undefined {
    return this.current?.dialog.remoteFeatures;
  }

  get remoteAddress(): RemoteAddress | undefined {
    const { flow } = this;
    return flow && { transport: flow.transport, address: flow.remote.address, port: flow.remote.port };
  }

  get supports(): ReadonlySet<string> {
    return this.current?.peer.supports ?? nothing;
  }

  get infoPackages(): ReadonlySet<string> {
    return this.current?.peer.infoPackages ?? nothing;
  }

  get allows(): ReadonlySet<string> {
    return this.current?.peer.allows ?? nothing;
  }

  /** RFC 3891 §6.1: the tags as the one who receives the INVITE sees them; that is our peer. */
  get replacesValue(): string {
    return writeReplaces({ callId: this.callId, toTag: this.remoteTag, fromTag: this.localTag });
  }

  async bye(options: EndOptions = {}): Promise<void> {
    if (this.#state === 'ended') return;
    if (this.#state === 'confirmed') {
      await this.current!.bye(options);
      return;
    }
    const ended = new Promise<void>((resolve) => this.#ended.push(resolve));
    this.leaveEarly(options);
    await ended;
  }

  /** RFC 3891 §3: another call takes the place of this one. */
  async replaced(): Promise<void> {
    this.#isReplaced = true;
    await this.bye();
  }

  /** The agent closes. */
  close(why: 'local' | 'transport'): void {
    if (why === 'local') void this.bye();
    else this.abort();
  }

  async reinvite(options: ModifyOptions = {}): Promise<ReinviteOutcome> {
    return this.#dialog('re-INVITE', 'confirmed').modifier.reinvite(options);
  }

  async update(options: ModifyOptions = {}): Promise<SipResponse> {
    return this.#dialog('UPDATE', 'early').modifier.update(options);
  }

  async info(options: InfoOptions): Promise<SipResponse> {
    const headers: HeaderEntry[] = [...(options.headers ?? [])];
    // RFC 6086 §4.3.1.
    if (options.infoPackage !== undefined) headers.push(['Info-Package', options.infoPackage], ['Content-Disposition', 'Info-Package']);
    return this.#dialog('INFO', 'early').send('INFO', {
      headers,
      ...(options.body !== undefined && { body: options.body }),
      ...(options.contentType !== undefined && { contentType: options.contentType }),
    });
  }

  refer(options: ReferRequest & { readonly headers?: readonly HeaderEntry[] }): ReferProgress {
    return this.#dialog('REFER', 'confirmed').referrals.refer(options);
  }

  async send(method: string, options: InDialogOptions = {}): Promise<SipResponse> {
    return this.#dialog(method, 'early').send(method, options);
  }

  abstract onDialogEnd(dialog: InviteDialog, end: InviteEnd): void;

  onPrack?(exchange: ServerExchange): void;

  protected confirm(): void {
    this.#state = 'confirmed';
  }

  /** Exactly once, and last. */
  protected end(end: InviteEnd): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.tell(() => this.#handler.onEnd?.(this.#isReplaced ? { ...end, by: 'replaced' } : end));
    this.#handler = {};
    for (const resolve of this.#ended.splice(0)) resolve();
  }

  /** A handler that fails is a failure of this call alone: undefined, and `onFailed` decides. */
  protected tell<T>(call: () => T, onFailed?: () => void): T | undefined {
    try {
      return call();
    } catch (error) {
      this.core.logger.error({ error, callId: this.callId }, 'the handler of a call failed');
      onFailed?.();
      return undefined;
    }
  }

  #dialog(what: string, least: 'early' | 'confirmed'): InviteDialog {
    const dialog = this.current;
    if (this.#state === 'ended') throw new CallError('ERR_CALL_ENDED', 0, `${what}: the call has ended`);
    if (dialog === undefined || !dialog.isAlive || (least === 'confirmed' && this.#state !== 'confirmed'))
      throw new CallError('ERR_STATE', 0, `${what}: the call has not been answered`);
    return dialog;
  }
}
