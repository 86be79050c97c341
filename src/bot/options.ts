/** What an application tells a SipBot, spelled out: unit, meaning and default of every option. `resolve-options.ts` checks it at the door. */
import type { Clock } from '../clock.js';
import type { CodecName } from '../codec/codec.js';
import type { Logger } from '../log.js';
import type { Network } from '../network.js';
import type { Random } from '../random.js';
import type { SrtpMode } from '../session/capabilities.js';
import type { Users } from '../sip/auth/digest-server.js';
import type { Resolver } from '../sip/transport/resolver.js';
import type { ListenOptions, TlsOptions, TransportName } from '../sip/transport/transport.js';
import type { GuardOptions } from '../sip/ua/guard/guard.js';
import type { Bot } from './bot.js';
import type { Call } from './call.js';
import type { SpeechOptions } from './turns/turns.js';

export type { GuardOptions, Users };

export type SampleRate = 8000 | 16000 | 24000 | 48000;
export type FrameMs = 10 | 20 | 30 | 40 | 60;

export interface AudioOptions {
  /** What the bot hears and writes, whatever the codec is or becomes. @default 16000 */
  readonly sampleRate?: SampleRate;
  /** @default 20 */
  readonly frameMs?: FrameMs;
}

/** Who we are with a registrar or a proxy. */
export interface AccountOptions {
  /** Our address of record: `sip:6001@pbx.example.com`. */
  readonly uri: string;
  readonly password?: string | undefined;
  /** What digest calls us. @default the user of `uri` */
  readonly authUser?: string;
  /** The digest realms that may be answered with the password. @default whichever asks first where requests of this account go, and no other after it */
  readonly realms?: readonly string[];
  readonly displayName?: string;
  /** Where to register, as a SIP URI or a host. @default the domain of `uri` */
  readonly registrar?: string;
  /** Everything of this account goes through here first. */
  readonly outboundProxy?: string;
  /** @default true with a password */
  readonly register?: boolean;
  /** What we ask for, in seconds; the registrar decides. @default 3600 */
  readonly expiresS?: number;
  /** RFC 5626 +sip.instance: a UUID, the same after every start. @default derived from the account */
  readonly instanceId?: string;
  /** Ask to be told of voicemail (RFC 3842): the event `voicemail`, which also comes unasked from servers that do so. @default false */
  readonly voicemail?: boolean;
  /** Further headers on REGISTER and on calls of this account. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** A carrier, or a PBX that calls us without registration. */
export interface TrunkOptions {
  readonly name: string;
  /** Where calls go, tried in order: `host`, `host:port`, SRV names, `sip:` URIs. */
  readonly hosts: readonly string[];
  /** Where its calls come from: CIDRs, addresses, or presets ('twilio', 'telnyx', …). @default those of `hosts` that are addresses */
  readonly sources?: readonly string[];
  readonly authUser?: string;
  /** As of an account. */
  readonly realms?: readonly string[];
  readonly password?: string | undefined;
  /** The number or SIP URI that callees see, unless `dial` says another. */
  readonly callerId?: string;
  /** Where the caller id is said: From alone, or also P-Asserted-Identity or P-Preferred-Identity. @default 'from' */
  readonly identity?: 'from' | 'pai' | 'ppi';
  /** RFC 3323: ask that the caller id is kept from the callee. @default false */
  readonly privacy?: boolean;
  /** @default 'udp' */
  readonly transport?: TransportName;
  readonly codecs?: readonly CodecName[];
  readonly srtp?: SrtpMode;
  /** Seconds between OPTIONS; a host that does not answer is left out until it does. 0: never. @default 0 */
  readonly optionsPingS?: number;
  /** What was dialled, as this trunk wants to see it: E.164 with or without +, a prefix … @default as it is */
  readonly numbers?: (dialled: string) => string;
}

export interface Overload {
  readonly status: number;
  /** Seconds. With it a trunk stops calling for so long (§21.5.4). @default none */
  readonly retryAfter?: number;
}

export interface SipBotOptions extends Partial<AccountOptions> {
  /** Further accounts, beside the one spelled flat. */
  readonly accounts?: readonly AccountOptions[];
  readonly trunks?: readonly TrunkOptions[];
  /** @default udp on an ephemeral port; on 5060 when there are trunks */
  readonly listen?: readonly ListenOptions[];
  readonly tls?: TlsOptions;
  /** What peers outside `localNetworks` shall see instead of our own address; 'auto' learns it from rport and STUN. */
  readonly publicAddress?: string | 'auto';
  /** A STUN server for 'auto', as host or host:port. @default none: learnt from rport alone */
  readonly stunServer?: string;
  /** @default the private ranges */
  readonly localNetworks?: readonly string[];
  /** @default [10000, 20000] */
  readonly rtpPorts?: readonly [number, number];
  /** What media sockets bind to. @default '0.0.0.0' */
  readonly rtpHost?: string;
  /** Offered in this order. @default 'opus' when it is installed, 'g722', 'pcmu', 'pcma' */
  readonly codecs?: readonly CodecName[];
  /** Whose order decides in our answers (RFC 3264 §6.1). @default 'theirs' */
  readonly codecOrder?: 'theirs' | 'ours';
  readonly audio?: AudioOptions;
  /** A voice, a recogniser, ears: what `say` and `listen` of every call work with. */
  readonly speech?: SpeechOptions;
  /** @default 'accept' */
  readonly srtp?: SrtpMode;
  /** Media threads; 0: on the application's own. @default max(1, min(4, cores - 1)) */
  readonly threads?: number;
  /** Calls at once, both directions. @default no limit */
  readonly maxCalls?: number;
  /** Of those that come in, from one address. @default no limit */
  readonly maxCallsPerSource?: number;
  /** Of those of one account, of one trunk, or of one of `users`, both directions. @default no limit */
  readonly maxCallsPerAccount?: number;
  /** What a caller gets past `maxCalls`. @default { status: 503 } */
  readonly overload?: Overload;
  /** Who may authenticate to us; with it strangers get 401. */
  readonly users?: Users;
  /** CIDRs whose requests are welcome without more. */
  readonly allow?: readonly string[];
  /** CIDRs that are not listened to: nothing from there is read, not even an answer. Stronger than all else. */
  readonly deny?: readonly string[];
  /** How much those may ask who are neither trunk, registrar nor in `allow`, and what gets them banned for a while. */
  readonly guard?: GuardOptions;
  /** Callers who get 603: numbers or users, `*` at the end for whatever follows, `anonymous` for those who hide theirs. */
  readonly blockCallers?: readonly string[];
  /** Numbers and addresses that are not called, whoever asks for it (`dial`, REFER, redirects): written as in `blockCallers`. */
  readonly blockNumbers?: readonly string[];
  /** Where a REFER or a 3xx may lead, written as in `blockCallers`; others are refused before the application is asked. @default anywhere the application accepts */
  readonly transferTargets?: readonly string[];
  /** A call in that nobody has answered, or a call out that nobody picked up. @default 180000 */
  readonly ringTimeoutMs?: number;
  /** 0: no limit. @default 0 */
  readonly maxCallMs?: number;
  /** Neither RTP nor RTCP for so long ends the call; 0: never. @default 60000 */
  readonly mediaTimeoutMs?: number;
  /** RFC 4028, in seconds; 0: no session timer of ours. @default 1800 */
  readonly sessionExpiresS?: number;
  /** The plug-in: the call is answered and given to it; undefined leaves it to on('call'). */
  readonly bot?: (call: Call) => Bot | undefined | Promise<Bot | undefined>;
  /** How we call ourselves in User-Agent and Server. @default 'sipbot' */
  readonly userAgent?: string;
  /** @default silent */
  readonly logger?: Logger;
  /** @default node:dns */
  readonly resolver?: Resolver;
  /** From `sipbot/testing`: implies `threads: 0`. */
  readonly clock?: Clock;
  /** From `sipbot/testing`: implies `threads: 0`. */
  readonly network?: Network;
  /** From `sipbot/testing`: tags, branches and SSRCs that repeat. */
  readonly random?: Random;
}
