/** SipBot: accounts, trunks, listeners, calls and the media threads behind them, wired. Each decision it takes has a room of its own. */
import { systemClock, type Timer } from '../clock.js';
import type { CodecName } from '../codec/codec.js';
import { loadOpus } from '../codec/opus-library.js';
import { OptionError, SipBotError } from '../errors.js';
import { type Logger, silentLogger } from '../log.js';
import { systemRandom } from '../random.js';
import { type EngineStats, MediaEngine } from '../rtp/engine.js';
import { given } from '../session/given.js';
import { DigestServer } from '../sip/auth/digest-server.js';
import type { SipRequest } from '../sip/message/message.js';
import { isParseFailure, type ParseFailure } from '../sip/message/parse-failure.js';
import type { Uri } from '../sip/message/uri.js';
import type { Flow } from '../sip/transport/flow.js';
import type { ListenAddress } from '../sip/transport/transport.js';
import type { Admission } from '../sip/ua/admission.js';
import { Guard, type GuardCounters } from '../sip/ua/guard/guard.js';
import type { IncomingRequest } from '../sip/ua/incoming-request.js';
import type { IncomingCall } from '../sip/ua/invite-incoming.js';
import { UserAgent } from '../sip/ua/user-agent.js';
import type { TraceEntry, UserAgentStats } from '../sip/ua/user-agent-options.js';
import { Account, type AccountListener, type RegistrationFailure } from './account.js';
import { AddressWatch } from './address-watch.js';
import type { Call } from './call.js';
import { CallDesk } from './call-desk.js';
import { Dialer, type DialOptions, type MessageOptions } from './dialer.js';
import { Doorkeeper } from './doorkeeper.js';
import { type IncomingMessage, receiveMessage } from './messages.js';
import type { SipBotOptions } from './options.js';
import { parseServer, type ResolvedOptions, type ResolvedTrunk, resolveOptions } from './resolve-options.js';
import { SafeEmitter } from './safe-emitter.js';
import { withoutSecrets } from './secrets.js';
import { Trunk, type TrunkHealth, type TrunkProbe } from './trunk.js';
import { MESSAGE_SUMMARY, type MessageSummary } from './voicemail.js';

export interface SipBotEvents {
  /** Somebody calls: answer, reject or redirect it. A call that nobody takes gets 480. */
  call: [call: Call];
  registered: [registration: { readonly account: string; readonly expiresS: number }];
  unregistered: [registration: { readonly account: string }];
  registrationFailed: [failure: RegistrationFailure];
  /** Text without a call. */
  message: [message: IncomingMessage];
  /** What waits in an account's mailbox, at first and whenever it changes: with `voicemail`, or from a server that tells unasked. */
  voicemail: [voicemail: Voicemail];
  /** Every SIP message, as it was on the wire, passwords' digests left out. Costs nothing while nobody listens. */
  trace: [entry: TraceEntry];
  /** A listener or a bot of the application's failed: its call has been ended. */
  error: [error: unknown, call: Call | undefined];
}

export interface BotStats {
  readonly calls: number;
  readonly accounts: readonly { readonly account: string; readonly isRegistered: boolean }[];
  readonly trunks: readonly TrunkHealth[];
  readonly signalling: UserAgentStats;
  readonly media: EngineStats;
  /** Requests of strangers: told 403, or left unanswered. */
  readonly strangers: { readonly refused: number; readonly dropped: number };
  /** What is not even asked who it is: denied, banned, too much, unreadable. */
  readonly guard: GuardCounters;
  /** Calls turned away: of blocked callers, and past `maxCalls`, `maxCallsPerSource` and `maxCallsPerAccount`. */
  readonly turnedAway: { readonly blocked: number; readonly full: number };
}

export interface Voicemail extends MessageSummary {
  /** Its `uri`. */
  readonly account: string;
}

type State = 'new' | 'running' | 'stopped';

const DEFAULT_CODECS: readonly CodecName[] = ['opus', 'g722', 'pcmu', 'pcma'];
const REALM = 'sipbot';

export class SipBot extends SafeEmitter<SipBotEvents> {
  readonly #options: ResolvedOptions;
  readonly #logger: Logger;
  readonly #agent: UserAgent;
  readonly #engine: MediaEngine;
  readonly #door: Doorkeeper;
  readonly #guard: Guard;
  readonly #desk: CallDesk;
  readonly #dialer: Dialer;
  readonly #accounts: readonly Account[];
  readonly #trunks: readonly Trunk[];
  /** A network of one's own does not move. */
  readonly #watch: AddressWatch | undefined;
  #state: State = 'new';
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  /** Sockets and threads on their way. */
  #opening: Promise<unknown> | undefined;
  #isTracing = false;

  constructor(options: SipBotOptions = {}) {
    super();
    const resolved = resolveOptions(options);
    const { clock, network, random, resolver, logger = silentLogger, bot } = options;
    this.#options = resolved;
    this.#logger = logger;
    this.#door = new Doorkeeper(resolved, logger);
    const injected = { ...given({ clock, network, random }), logger };
    this.#guard = new Guard(resolved.guard, {
      logger,
      isDenied: (address) => this.#door.isDenied(address),
      isKnown: (address, request) => this.#door.isKnown(address, request?.uri.user),
    });
    this.#agent = new UserAgent({
      ...injected,
      guard: this.#guard,
      ...given({ resolver, tls: resolved.tls, publicAddress: resolved.publicAddress, authenticate: this.#authenticator(options) }),
      listen: resolved.listen,
      localNetworks: resolved.localNetworks,
      product: resolved.userAgent,
      admit: (request, flow) => this.#admit(request, flow),
    });
    this.#engine = new MediaEngine({
      ...injected,
      ...given({ threads: resolved.threads }),
      ports: resolved.rtpPorts,
      host: resolved.rtpHost,
    });
    const isListening = (): boolean => this.listenerCount('call') > 0;
    this.#desk = new CallDesk(this.#agent, this.#engine, resolved, logger, {
      get isListening() {
        return isListening();
      },
      bot,
      onCall: (call) => this.emit('call', call),
      onFailed: (error, call) => this.#onFailed(error, call),
      placeReferred: (target, referredBy) => this.#dialer.placeReferred(target, referredBy).session,
    });
    this.#accounts = resolved.accounts.map((account) => new Account(this.#agent, account, this.#door, this.#accountListener));
    this.#trunks = resolved.trunks.map((trunk) => new Trunk(trunk, this.#serversOf(trunk), this.#probe()));
    this.#dialer = new Dialer({
      agent: this.#agent,
      desk: this.#desk,
      options: resolved,
      logger,
      accounts: this.#accounts,
      trunks: this.#trunks,
      checkRunning: () => this.#checkRunning(),
    });
    this.#agent.on('invite', (incoming, user) => this.#desk.receive(incoming, this.#accountCalled(incoming, user)));
    if (network === undefined) this.#watch = new AddressWatch(this.#agent.clock, (present) => void this.#onNetworkChanged(present));
    this.#agent.handle('MESSAGE', (incoming) => {
      const message = receiveMessage(incoming);
      if (message !== undefined) this.emit('message', message);
    });
    this.#agent.handle('NOTIFY', (incoming) => this.#onNotify(incoming));
  }

  /** Listens, registers. Rejects when an address cannot be had or a registrar refuses; one that is silent is retried, with `registrationFailed`. */
  start(): Promise<void> {
    if (this.#state === 'stopped')
      return Promise.reject(new SipBotError('ERR_STOPPED', 'a bot that was stopped is not started again: make a new one'));
    this.#starting ??= this.#start().catch(async (error: unknown) => {
      await this.stop();
      throw error;
    });
    return this.#starting;
  }

  /**
   * Takes no new calls and unregisters, gives the calls there are `drainMs` to end by themselves, hangs up the rest, and closes every socket and
   * thread. Idempotent. Never touches process signals.
   */
  stop(options: { readonly drainMs?: number } = {}): Promise<void> {
    const { drainMs = 0 } = options;
    if (!(drainMs >= 0)) return Promise.reject(new OptionError('drainMs', 'must be a number of milliseconds'));
    this.#stopping ??= this.#stop(drainMs);
    return this.#stopping;
  }

  /** Places a call. Resolves when it is answered; rejects CallError { status, reason, code } when it is not. */
  async dial(target: string, options: DialOptions = {}): Promise<Call> {
    return this.#dialer.dial(target, options);
  }

  /** Sends a text. Resolves when the far end has taken it. */
  async message(target: string, text: string, options: MessageOptions = {}): Promise<void> {
    await this.#dialer.message(target, text, options);
  }

  /** Those that are up, by `call.id`. */
  get calls(): ReadonlyMap<string, Call> {
    return this.#desk.calls;
  }

  get addresses(): readonly ListenAddress[] {
    return this.#agent.addresses;
  }

  stats(): BotStats {
    return {
      calls: this.#desk.size,
      accounts: this.#accounts.map((account) => ({ account: account.options.uri, isRegistered: account.isRegistered })),
      trunks: this.#trunks.map((trunk) => trunk.health),
      signalling: this.#agent.stats(),
      media: this.#engine.stats(),
      strangers: this.#door.counts,
      guard: this.#guard.counters(this.#agent.clock.now()),
      turnedAway: this.#desk.turnedAway,
    };
  }

  // ── Starting and stopping ─────────────────────────────────────────────────────────────────────────────────────────────────────

  async #start(): Promise<void> {
    this.#desk.codecs = this.#options.codecs ?? (await defaultCodecs());
    if (this.#options.codecs?.includes('opus') === true) await loadOpus();
    // Stopped meanwhile: whoever stopped it does not see what we would open now.
    if (this.#stopping !== undefined) return;
    this.#opening = Promise.all([this.#engine.ready(), this.#agent.start()]);
    await this.#opening;
    if (this.#options.publicAddress === 'auto' && this.#options.stunServer !== undefined)
      await this.#learnPublicAddress(this.#options.stunServer);
    if (this.#stopping !== undefined) return;
    this.#state = 'running';
    this.#watch?.start();
    for (const trunk of this.#trunks) trunk.start();
    await Promise.all(this.#accounts.map((account) => account.start()));
  }

  async #stop(drainMs: number): Promise<void> {
    this.#state = 'stopped';
    this.#watch?.stop();
    this.#desk.isClosed = true;
    for (const trunk of this.#trunks) trunk.stop();
    // At once: new calls shall find whoever takes our place, and a refresh of ours must not take it back.
    const isDraining = drainMs > 0 && this.#desk.size > 0;
    const unregistered = Promise.allSettled(this.#accounts.map((account) => account.stop(isDraining ? 'up' : 'none')));
    if (isDraining) {
      const { clock } = this.#agent;
      await new Promise<void>((resolve) => {
        const patience = clock.at(clock.now() + drainMs, resolve);
        this.#desk.whenIdle(() => {
          patience.cancel();
          resolve();
        });
      });
    }
    await this.#within(GOODBYE_MS, this.#desk.hangupAll());
    await unregistered;
    await this.#opening?.catch(() => {}); // Told by start().
    await this.#agent.close();
    await this.#engine.close();
  }

  async #onNetworkChanged(present: ReadonlySet<string>): Promise<void> {
    this.#logger.info({ addresses: [...present] }, 'this machine has other addresses than before');
    await Promise.allSettled([this.#desk.onNetworkChanged(present), ...this.#accounts.map((account) => account.onNetworkChanged(present))]);
  }

  /** A peer that is gone would be waited for as long as a BYE is sent again: 32 s, and as long before that for its ACK. */
  async #within(ms: number, task: Promise<unknown>): Promise<void> {
    const { clock } = this.#agent;
    let patience: Timer | undefined;
    const enough = new Promise<void>((resolve) => {
      patience = clock.at(clock.now() + ms, resolve);
    });
    await Promise.race([task, enough]);
    patience?.cancel();
  }

  async #learnPublicAddress(server: string): Promise<void> {
    const uri = parseServer(server);
    const [target] = uri === undefined ? [] : await this.#agent.resolver.resolve(uri).catch(() => []);
    const mapped =
      target && (await this.#agent.transports.discoverPublicAddress({ address: target.address, port: uri?.port ?? STUN_PORT }));
    if (mapped === undefined) this.#logger.warn({ server }, 'the STUN server did not say how we are seen: what responses say must do');
  }

  #checkRunning(): void {
    if (this.#state === 'new') throw new SipBotError('ERR_STATE', 'start() comes first');
    if (this.#state === 'stopped') throw new SipBotError('ERR_STOPPED', 'this bot has been stopped');
  }

  #serversOf(trunk: ResolvedTrunk): readonly Uri[] {
    return trunk.hosts.map((host) => {
      const server = parseServer(host)!;
      return trunk.transport === 'udp' || server.params.has('transport')
        ? server
        : server.with({ params: server.params.with('transport', trunk.transport) });
    });
  }

  #probe(): TrunkProbe {
    return {
      clock: this.#agent.clock,
      logger: this.#logger,
      options: async (uri) => (await this.#agent.request({ method: 'OPTIONS', uri })).status,
    };
  }

  // ── Who comes in ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

  #admit(request: SipRequest | ParseFailure, flow: Flow): Admission {
    const isUnreadable = isParseFailure(request);
    const verdict = this.#door.ask(
      {
        address: flow.remote.address,
        method: isUnreadable ? 'an unreadable message' : request.method,
        requestedUser: isUnreadable ? undefined : request.uri.user,
      },
      this.#agent.clock.now(),
    );
    return verdict === 'refuse' ? { status: 403 } : verdict;
  }

  /** Whose call it is, for `maxCallsPerAccount`. */
  #accountCalled(incoming: IncomingCall, user: string | undefined): string | undefined {
    if (user !== undefined) return `user ${user}`;
    const trunk = incoming.flow === undefined ? undefined : this.#door.trunkAt(incoming.flow.remote.address);
    if (trunk !== undefined) return `trunk ${this.#options.trunks[trunk]!.name}`;
    const account = this.#accountAddressed(incoming.request);
    return account === undefined ? undefined : `account ${account.options.uri}`;
  }

  #authenticator({ users, random, clock }: SipBotOptions): DigestServer | undefined {
    if (users === undefined) return undefined;
    return new DigestServer({ realm: REALM, users, random: random ?? systemRandom, clock: clock ?? systemClock });
  }

  /** Outside a dialog only a message summary is taken: many servers send it to whoever has registered (RFC 3842 §3, unasked). */
  #onNotify(incoming: IncomingRequest): void {
    const { request } = incoming;
    const account = request.event?.type === MESSAGE_SUMMARY ? this.#accountAddressed(request) : undefined;
    const isTaken = account?.mailbox.onNotify(request.header('Content-Type') ?? '', request.body) === true;
    incoming.reply(isTaken ? 200 : 481);
  }

  #accountAddressed({ uri, to }: SipRequest): Account | undefined {
    const named = [uri.user, to?.uri.user];
    return (
      this.#accounts.find((account) => account.contactUser !== undefined && account.contactUser === uri.user) ??
      this.#accounts.find((account) => named.includes(account.options.user)) ??
      (this.#accounts.length === 1 ? this.#accounts[0] : undefined)
    );
  }

  readonly #accountListener: AccountListener = {
    onRegistered: (account, expiresS) => this.emit('registered', { account: account.options.uri, expiresS }),
    onUnregistered: (account) => this.emit('unregistered', { account: account.options.uri }),
    onFailed: (_account, failure) => {
      this.#logger.warn({ ...failure }, 'registration failed');
      this.emit('registrationFailed', failure);
    },
    onVoicemail: (account, summary) => this.emit('voicemail', { account: account.options.uri, ...summary }),
    onVoicemailRefused: (account, reason) =>
      this.#logger.warn({ account: account.options.uri, reason }, 'the server does not tell of voicemail'),
  };

  // ── What goes wrong, and what is seen ─────────────────────────────────────────────────────────────────────────────────────────

  protected override onListenerFailed(event: keyof SipBotEvents, error: unknown, args: readonly unknown[]): void {
    if (event === 'call') (args[0] as Call).fail(error);
    // A listener of `error` that fails itself is only logged: who should be told?
    else if (event === 'error') this.#logger.error({ error }, "the application's listener for errors failed");
    else this.#onFailed(error, undefined);
  }

  protected override onListening(event: keyof SipBotEvents): void {
    if (event === 'trace') this.#updateTracing();
  }

  /** What the application threw: told once, as `error`, and logged; it goes no further. */
  #onFailed(error: unknown, call: Call | undefined): void {
    this.#logger.error({ error, call: call?.id }, "the application's code failed");
    this.emit('error', error, call);
  }

  /** The agent is asked for messages only while somebody listens. */
  #updateTracing(): void {
    const isWanted = this.listenerCount('trace') > 0;
    if (isWanted === this.#isTracing) return;
    this.#isTracing = isWanted;
    if (isWanted) this.#agent.on('trace', this.#onTrace);
    else this.#agent.off('trace', this.#onTrace);
  }

  readonly #onTrace = (entry: TraceEntry): void => {
    this.emit('trace', { ...entry, bytes: withoutSecrets(entry.bytes) });
  };
}

const STUN_PORT = 3478;
/** How long `stop` waits for the answers to its BYEs. */
const GOODBYE_MS = 3000;

/** With Opus first where it is installed. */
async function defaultCodecs(): Promise<readonly CodecName[]> {
  try {
    await loadOpus();
    return DEFAULT_CODECS;
  } catch {
    return DEFAULT_CODECS.filter((codec) => codec !== 'opus');
  }
}
