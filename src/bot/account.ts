/** An account at work: its registration, its mailbox, and whom it makes welcome at the door meanwhile. */
import { RegistrationError } from '../errors.js';
import { given } from '../session/given.js';
import { type CredentialSource, credentialsOf } from '../sip/auth/digest-client.js';
import { NameAddr } from '../sip/message/name-addr.js';
import type { Uri } from '../sip/message/uri.js';
import { Registration } from '../sip/ua/registration.js';
import type { UserAgent } from '../sip/ua/user-agent.js';
import type { Doorkeeper } from './doorkeeper.js';
import { headerEntries } from './header-values.js';
import { parseServer, type ResolvedAccount } from './resolve-options.js';
import { Mailbox, type MessageSummary } from './voicemail.js';

export interface RegistrationFailure {
  readonly account: string;
  /** 0 when the registrar did not answer. */
  readonly status: number;
  readonly reason: string;
  /** What to check. */
  readonly advice: string;
  /** undefined: given up. */
  readonly retryInMs: number | undefined;
}

export interface AccountListener {
  onRegistered(account: Account, expiresS: number): void;
  onUnregistered(account: Account): void;
  onFailed(account: Account, failure: RegistrationFailure): void;
  onVoicemail(account: Account, summary: MessageSummary): void;
  /** The server does not tell of voicemail. */
  onVoicemailRefused(account: Account, reason: string): void;
}

export class Account {
  readonly options: ResolvedAccount;
  readonly credentials: CredentialSource | undefined;
  readonly mailbox: Mailbox;
  readonly #agent: UserAgent;
  readonly #door: Doorkeeper;
  readonly #registration: Registration | undefined;
  #serviceRoute: readonly string[] = [];
  #trusted: readonly string[] = [];

  constructor(agent: UserAgent, options: ResolvedAccount, door: Doorkeeper, listener: AccountListener) {
    this.options = options;
    this.#agent = agent;
    this.#door = door;
    this.credentials = credentialsOf(options.authUser ?? options.user, options.password, options.realms);
    this.mailbox = new Mailbox(agent, {
      uri: options.uri,
      from: new NameAddr(options.address, options.displayName).toString(),
      credentials: this.credentials,
      route: () => this.route,
      onSummary: (summary) => listener.onVoicemail(this, summary),
      onRefused: (reason) => listener.onVoicemailRefused(this, reason),
    });
    if (!options.register) return;
    const { registrar, outboundProxy, instanceId, displayName } = options;
    const registration = new Registration(agent, {
      uri: options.uri,
      expiresS: options.expiresS,
      headers: headerEntries('headers', options.headers),
      ...given({ registrar, outboundProxy, instanceId, displayName, credentials: this.credentials }),
    });
    this.#registration = registration;
    door.addContact(registration.contactUser);
    registration.on('registered', (registered) => {
      this.#serviceRoute = registered.serviceRoute;
      this.#welcome([registered.flow.remote.address]);
      if (options.voicemail) this.mailbox.subscribe();
      listener.onRegistered(this, registered.expiresS);
    });
    registration.on('unregistered', () => {
      this.#welcome([]);
      listener.onUnregistered(this);
    });
    registration.on('failed', ({ status, reason, advice, retryInMs }) =>
      listener.onFailed(this, { account: options.uri, status, reason, advice, retryInMs }),
    );
  }

  /** Where requests of this account begin (§8.1.2): what the registrar told us to go through (RFC 3608), else the outbound proxy. */
  get route(): readonly string[] {
    if (this.#serviceRoute.length > 0) return this.#serviceRoute;
    const proxy = this.options.outboundProxy === undefined ? undefined : parseServer(this.options.outboundProxy);
    return proxy === undefined ? [] : [looseRoute(proxy)];
  }

  /** The user of the Contact that the registrar knows. */
  get contactUser(): string | undefined {
    return this.#registration?.contactUser;
  }

  get isRegistered(): boolean {
    return this.#registration?.state === 'registered';
  }

  async start(): Promise<void> {
    if (this.#registration === undefined && this.options.voicemail) this.mailbox.subscribe();
    try {
      await this.#registration?.start();
    } catch (error) {
      // Told by the promise of start(): it must not also be retried behind the application's back.
      if (error instanceof RegistrationError) await this.#registration?.stop();
      throw error;
    }
  }

  async onNetworkChanged(present: ReadonlySet<string>): Promise<void> {
    await this.#registration?.onNetworkChanged(present);
  }

  /** With calls still up the way to the registrar is kept open until the agent closes: their BYE comes through the same NAT. */
  async stop(calls: 'none' | 'up'): Promise<void> {
    this.mailbox.unsubscribe();
    const flow = this.#registration?.registered?.flow;
    await this.#registration?.stop();
    if (calls === 'up' && flow?.isOpen === true) this.#agent.transports.keepAlive(flow, { answer: 'none' });
    if (this.#registration !== undefined) this.#door.removeContact(this.#registration.contactUser);
    this.#welcome([]);
  }

  #welcome(addresses: readonly string[]): void {
    for (const address of addresses) this.#door.trust(address);
    for (const address of this.#trusted) this.#door.distrust(address);
    this.#trusted = [...addresses];
  }
}

function looseRoute(proxy: Uri): string {
  const uri = proxy.params.has('lr') ? proxy : proxy.with({ params: proxy.params.with('lr', true) });
  return `<${uri}>`;
}
