/** The ways out: what is dialled or sent as text goes by an account, a trunk and its hosts, or straight to its domain. */
import type { CodecName } from '../codec/codec.js';
import { CallError, OptionError } from '../errors.js';
import type { Logger } from '../log.js';
import type { CallOptions } from '../session/call-options.js';
import type { CallSession } from '../session/call-session.js';
import { given } from '../session/given.js';
import type { DialTarget } from '../session/outgoing-leg.js';
import { type CredentialSource, credentialsOf } from '../sip/auth/digest-client.js';
import type { HeaderEntry } from '../sip/message/headers.js';
import { parseNameAddr } from '../sip/message/name-addr.js';
import { Params } from '../sip/message/params.js';
import type { Uri } from '../sip/message/uri.js';
import type { UserAgent } from '../sip/ua/user-agent.js';
import type { Account } from './account.js';
import type { Bot } from './bot.js';
import type { Call } from './call.js';
import type { CallDesk, Placement } from './call-desk.js';
import { type HeaderValues, headerEntries } from './header-values.js';
import { identityOf } from './identity.js';
import { sendMessage } from './messages.js';
import type { AudioOptions, SipBotOptions } from './options.js';
import { type OwnEnd, ownEndTowards } from './own-end.js';
import { checkCodecs, type ResolvedOptions, resolveAudio } from './resolve-options.js';
import { chooseWayOut, type WayOut } from './routing.js';
import { isThenable } from './safe-emitter.js';
import type { Trunk } from './trunk.js';

export interface DialOptions {
  /** A number, a user or a SIP URI: what the callee sees. */
  readonly callerId?: string;
  readonly displayName?: string;
  /** An account's URI or user. */
  readonly account?: string;
  readonly trunk?: string;
  readonly headers?: HeaderValues;
  /** How long it may ring; each host of a trunk has as long to begin with that. @default ringTimeoutMs of the bot */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** The call, as soon as there is one: to hear early media, or to hang up. Once, however many hosts of a trunk it takes. */
  readonly onCall?: (call: Call) => void;
  readonly codecs?: readonly CodecName[];
  readonly srtp?: SipBotOptions['srtp'];
  readonly audio?: AudioOptions;
  readonly bot?: Bot;
  /** What a 3xx does: ask whoever listens for `transferRequest` (nobody: the call fails with it), or be followed, five targets at most. @default 'ask' */
  readonly redirects?: 'ask' | 'follow';
  /** Who says first what the media can be; 'theirs' sends an INVITE without SDP and answers in the ACK (RFC 3261 §13.2.1). @default 'ours' */
  readonly offer?: 'ours' | 'theirs';
}

export interface MessageOptions {
  readonly account?: string;
  readonly trunk?: string;
  readonly callerId?: string;
  readonly headers?: HeaderValues;
  /** @default 'text/plain;charset=utf-8' */
  readonly contentType?: string;
}

/** What the ways out need of the bot. */
export interface DialerHome {
  readonly agent: UserAgent;
  readonly desk: CallDesk;
  readonly options: ResolvedOptions;
  readonly logger: Logger;
  readonly accounts: readonly Account[];
  readonly trunks: readonly Trunk[];
  /** Throws unless calls can be placed now. */
  checkRunning(): void;
}

/** One call on its way out, from host to host. */
interface Leaving {
  readonly way: WayOut;
  readonly headers: readonly HeaderEntry[];
  readonly options: DialOptions;
  /** Towards the host that is being tried. */
  end: OwnEnd | undefined;
}

export class Dialer {
  readonly #home: DialerHome;

  constructor(home: DialerHome) {
    this.#home = home;
  }

  /** Resolves when it is answered. */
  async dial(target: string, options: DialOptions): Promise<Call> {
    const { desk, trunks, checkRunning } = this.#home;
    const way = chooseWayOut(target, options, this.#home.options);
    this.#checkDialled(target, way);
    const callOptions = this.#callOptions(way, options);
    const leaving: Leaving = { way, headers: headerEntries('headers', options.headers), options, end: undefined };
    checkRunning();
    throwIfAborted(options.signal);
    const trunk = trunks.find((one) => one.options === way.trunk);
    const dialTarget = await this.#attempt(leaving, trunk?.inOrder(way.uris) ?? way.uris);
    throwIfAborted(options.signal);
    const account = accountName(way);
    desk.checkRoom(account);
    const { call, session } = desk.place(dialTarget, callOptions, () => leaving.end, account);
    await answered(call, session, options);
    return call;
  }

  /** Resolves when the far end has taken it. */
  async message(target: string, text: string, options: MessageOptions): Promise<void> {
    const { agent, checkRunning } = this.#home;
    const way = chooseWayOut(target, options, this.#home.options);
    this.#checkDialled(target, way);
    const headers = headerEntries('headers', options.headers);
    checkRunning();
    const uri = way.uris[0]!;
    const route = this.#routeOf(way);
    const end = await ownEndTowards(agent, firstHop(uri, route));
    const identity = identityOf(way, options, end?.seen ?? 'localhost');
    await sendMessage(agent, {
      uri,
      from: identity.from,
      text,
      contentType: options.contentType ?? 'text/plain;charset=utf-8',
      headers: [...identity.headers, ...headers],
      route,
      credentials: this.#credentialsOf(way),
    });
  }

  /** Somebody asked us to call there (REFER): by our own ways, so that only an account's own domain is answered with its password. */
  placeReferred(target: Uri, referredBy: string | undefined): Placement {
    const { desk, options } = this.#home;
    const way = chooseWayOut(target.with({ headers: Params.noneQuery }).toString(), {}, options);
    const replaces = target.headers.get('Replaces');
    const headers: readonly HeaderEntry[] = referredBy === undefined ? [] : [['Referred-By', referredBy]];
    const account = accountName(way);
    this.#checkDialled(String(target), way);
    desk.checkRoom(account);
    const dialTarget = this.#dialTarget({ way, headers, options: {}, end: undefined }, way.uris[0]!);
    return desk.place({ ...dialTarget, ...given({ replaces }) }, desk.callOptions(), () => undefined, account);
  }

  /** Before and after a trunk's `numbers` had their say: a blocked number is blocked however it is written down. */
  #checkDialled(target: string, way: WayOut): void {
    const { blockNumbers } = this.#home.options;
    if (blockNumbers.hasText(target) || way.uris.some((uri) => blockNumbers.has(uri)))
      throw new CallError('ERR_CALL_BLOCKED', 603, `${target} is in blockNumbers`);
  }

  /** The first of these hosts, and how to get to the others. */
  async #attempt(leaving: Leaving, [uri, ...others]: readonly Uri[]): Promise<DialTarget> {
    const { agent, logger } = this.#home;
    const { way } = leaving;
    leaving.end = await ownEndTowards(agent, firstHop(uri!, this.#routeOf(way)));
    const target = this.#dialTarget(leaving, uri!);
    if (others.length === 0) return target;
    const otherwise = (why: string): Promise<DialTarget> => {
      logger.warn({ trunk: way.trunk?.name, host: uri!.host, why }, 'a trunk host failed; the next one is tried');
      return this.#attempt(leaving, others);
    };
    return { ...target, otherwise };
  }

  #dialTarget({ way, headers, options, end }: Leaving, uri: Uri): DialTarget {
    const identity = identityOf(way, options, end?.seen ?? 'localhost');
    return {
      uri,
      from: identity.from,
      headers: [...identity.headers, ...headerEntries('headers', way.account?.headers), ...headers],
      route: this.#routeOf(way),
      sessionExpiresS: this.#home.options.sessionExpiresS,
      description: options.offer === 'theirs' ? 'none' : 'offer',
      ...given({ credentials: this.#credentialsOf(way) }),
    };
  }

  #callOptions(way: WayOut, options: DialOptions): CallOptions {
    const codecs = options.codecs ?? way.trunk?.codecs;
    if (codecs !== undefined) checkCodecs('codecs', codecs);
    const { timeoutMs, offer = 'ours', audio = options.bot?.audio } = options;
    if (timeoutMs !== undefined && !(timeoutMs > 0)) throw new OptionError('timeoutMs', 'must be a number of milliseconds');
    if (offer !== 'ours' && offer !== 'theirs') throw new OptionError('offer', "must be 'ours' or 'theirs'");
    return {
      ...this.#home.desk.callOptions(),
      redirects: options.redirects === 'follow' ? 'follow' : 'surface',
      ...given({ codecs, srtp: options.srtp ?? way.trunk?.srtp, ringTimeoutMs: timeoutMs }),
      ...(audio === undefined ? {} : { audio: resolveAudio('audio.', { ...this.#home.options.audio, ...audio }) }),
    };
  }

  #accountOf(way: WayOut): Account | undefined {
    return this.#home.accounts.find((account) => account.options === way.account);
  }

  #routeOf(way: WayOut): readonly string[] {
    return this.#accountOf(way)?.route ?? [];
  }

  /** Of the way itself, and of no other: a redirected host or a stranger's realm never gets an answer made with them. */
  #credentialsOf(way: WayOut): CredentialSource | undefined {
    if (way.trunk === undefined) return this.#accountOf(way)?.credentials;
    const { authUser, password, callerId, realms } = way.trunk;
    const user = authUser ?? callerId;
    return user === undefined ? undefined : credentialsOf(user, password, realms);
  }
}

async function answered(call: Call, session: CallSession, { signal, bot, onCall }: DialOptions): Promise<void> {
  const abort = (): void => void session.hangup().catch(() => {});
  signal?.addEventListener('abort', abort, { once: true });
  try {
    if (bot !== undefined) call.use(bot);
    await Promise.race([session.answered, failureOf(onCall?.(call), call)]);
  } catch (error) {
    await session.hangup();
    throw signal?.aborted === true
      ? new CallError('ERR_CALL_CANCELLED', 487, 'aborted', 'the call was aborted', { cause: signal.reason })
      : error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** Rejects when what the application was told with fails before the call is answered; afterwards it is a failure of that call. */
function failureOf(told: unknown, call: Call): Promise<never> {
  return new Promise((_, reject) => {
    if (!isThenable(told)) return;
    told.then(undefined, (error: unknown) => (call.answeredAt === undefined ? reject(error) : call.fail(error)));
  });
}

/** What `maxCallsPerAccount` counts by. */
function accountName({ account, trunk }: WayOut): string | undefined {
  if (trunk !== undefined) return `trunk ${trunk.name}`;
  return account === undefined ? undefined : `account ${account.uri}`;
}

/** RFC 3261 §8.1.2: where a request goes first. */
function firstHop(uri: Uri, route: readonly string[]): Uri {
  return (route[0] === undefined ? undefined : parseNameAddr(route[0])?.uri) ?? uri;
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new CallError('ERR_CALL_CANCELLED', 487, 'aborted', 'the call was aborted', { cause: signal.reason });
}
