/** SipBotOptions, checked once at the door. What is wrong throws an OptionError that names the option and what it takes; inside only this shape is known. */
import type { CodecName } from '../codec/codec.js';
import { codecNames } from '../codec/registry.js';
import { OptionError } from '../errors.js';
import type { SrtpMode } from '../session/capabilities.js';
import { parseUri, type Uri } from '../sip/message/uri.js';
import { isIP, PRIVATE_NETWORKS, Subnets, withoutBrackets } from '../sip/transport/ip.js';
import { type ListenOptions, type TlsOptions, TRANSPORT_NAMES, type TransportName } from '../sip/transport/transport.js';
import { DEFAULT_GUARD, type GuardOptions } from '../sip/ua/guard/guard.js';
import { headerEntries } from './header-values.js';
import type { AccountOptions, AudioOptions, FrameMs, Overload, SampleRate, SipBotOptions, TrunkOptions, Users } from './options.js';
import { Patterns } from './patterns.js';
import { networksOfPreset } from './trunk-presets.js';
import type { SpeechOptions } from './turns/turns.js';

export interface ResolvedAudio {
  readonly sampleRate: SampleRate;
  readonly frameMs: FrameMs;
}

export interface ResolvedAccount extends AccountOptions {
  readonly address: Uri;
  readonly user: string;
  readonly domain: string;
  readonly register: boolean;
  readonly voicemail: boolean;
  readonly expiresS: number;
}

export interface ResolvedTrunk extends TrunkOptions {
  readonly identity: 'from' | 'pai' | 'ppi';
  readonly privacy: boolean;
  readonly transport: TransportName;
  readonly optionsPingS: number;
  readonly sourceNetworks: Subnets;
}

export interface ResolvedOptions {
  readonly accounts: readonly ResolvedAccount[];
  readonly trunks: readonly ResolvedTrunk[];
  readonly listen: readonly ListenOptions[];
  readonly tls: TlsOptions | undefined;
  readonly publicAddress: string | undefined;
  readonly stunServer: string | undefined;
  readonly localNetworks: readonly string[];
  readonly rtpPorts: readonly [number, number];
  readonly rtpHost: string;
  /** undefined: the default order, with Opus when it is installed. */
  readonly codecs: readonly CodecName[] | undefined;
  readonly codecOrder: 'theirs' | 'ours';
  readonly audio: ResolvedAudio;
  readonly speech: SpeechOptions;
  readonly srtp: SrtpMode;
  /** undefined: decided by the machine's cores. */
  readonly threads: number | undefined;
  readonly maxCalls: number;
  readonly maxCallsPerSource: number;
  readonly maxCallsPerAccount: number;
  readonly overload: Overload;
  readonly users: Users | undefined;
  readonly allow: Subnets;
  readonly deny: Subnets;
  readonly guard: Required<GuardOptions>;
  readonly blockCallers: Patterns;
  readonly blockNumbers: Patterns;
  /** undefined: anywhere. */
  readonly transferTargets: Patterns | undefined;
  /** Nothing else says who may call: then loopback may. */
  readonly isOpenToLoopback: boolean;
  readonly ringTimeoutMs: number;
  readonly maxCallMs: number;
  readonly mediaTimeoutMs: number;
  readonly sessionExpiresS: number;
  readonly userAgent: string;
}

const SRTP_MODES: readonly SrtpMode[] = ['off', 'accept', 'optional', 'required'];
const SAMPLE_RATES: readonly SampleRate[] = [8000, 16000, 24000, 48000];
const FRAME_LENGTHS: readonly FrameMs[] = [10, 20, 30, 40, 60];

/** The fields of the account that is spelled flat. */
const FLAT: readonly (keyof AccountOptions)[] = [
  'password',
  'authUser',
  'realms',
  'displayName',
  'registrar',
  'outboundProxy',
  'register',
  'expiresS',
  'instanceId',
  'voicemail',
  'headers',
];

const KNOWN_OF_TRUNK: { readonly [Name in keyof Required<TrunkOptions>]: true } = {
  name: true,
  hosts: true,
  sources: true,
  authUser: true,
  realms: true,
  password: true,
  callerId: true,
  identity: true,
  privacy: true,
  transport: true,
  codecs: true,
  srtp: true,
  optionsPingS: true,
  numbers: true,
};

/** Every name that SipBotOptions knows: a missing one does not compile. */
const KNOWN: { readonly [Name in keyof Required<SipBotOptions>]: true } = {
  uri: true,
  password: true,
  authUser: true,
  realms: true,
  displayName: true,
  registrar: true,
  outboundProxy: true,
  register: true,
  expiresS: true,
  instanceId: true,
  voicemail: true,
  headers: true,
  accounts: true,
  trunks: true,
  listen: true,
  tls: true,
  publicAddress: true,
  stunServer: true,
  localNetworks: true,
  rtpPorts: true,
  rtpHost: true,
  codecs: true,
  codecOrder: true,
  audio: true,
  speech: true,
  srtp: true,
  threads: true,
  maxCalls: true,
  maxCallsPerSource: true,
  maxCallsPerAccount: true,
  overload: true,
  users: true,
  allow: true,
  deny: true,
  guard: true,
  blockCallers: true,
  blockNumbers: true,
  transferTargets: true,
  ringTimeoutMs: true,
  maxCallMs: true,
  mediaTimeoutMs: true,
  sessionExpiresS: true,
  bot: true,
  userAgent: true,
  logger: true,
  resolver: true,
  clock: true,
  network: true,
  random: true,
};

export function resolveOptions(options: SipBotOptions): ResolvedOptions {
  onlyKnown('', options, Object.keys(KNOWN));
  const flat = flatAccount(options);
  const accounts = (options.accounts ?? []).map((account, i) => resolveAccount(account, `accounts[${i}].`));
  if (flat !== undefined) accounts.unshift(resolveAccount(flat, ''));
  const trunks = (options.trunks ?? []).map((trunk, i) => resolveTrunk(trunk, `trunks[${i}].`));
  unique(
    'trunks',
    trunks.map((trunk) => trunk.name),
  );
  const allow = options.allow ?? [];
  callable('bot', options.bot);
  return {
    accounts,
    trunks,
    listen: resolveListen(options.listen, trunks.length > 0),
    tls: options.tls,
    publicAddress: resolvePublicAddress(options.publicAddress),
    stunServer: resolveServer('stunServer', options.stunServer),
    localNetworks: checkNetworks('localNetworks', options.localNetworks ?? PRIVATE_NETWORKS),
    rtpPorts: checkPorts(options.rtpPorts ?? [10_000, 20_000]),
    rtpHost: options.rtpHost ?? '0.0.0.0',
    codecs: options.codecs === undefined ? undefined : checkCodecs('codecs', options.codecs),
    codecOrder: oneOf('codecOrder', options.codecOrder ?? 'theirs', ['theirs', 'ours']),
    audio: resolveAudio('audio.', options.audio),
    speech: resolveSpeech('speech.', options.speech),
    srtp: oneOf('srtp', options.srtp ?? 'accept', SRTP_MODES),
    threads: resolveThreads(options),
    maxCalls: limitOf('maxCalls', options.maxCalls),
    maxCallsPerSource: limitOf('maxCallsPerSource', options.maxCallsPerSource),
    maxCallsPerAccount: limitOf('maxCallsPerAccount', options.maxCallsPerAccount),
    overload: resolveOverload(options.overload),
    users: resolveUsers(options.users),
    allow: networks('allow', allow),
    deny: networks('deny', options.deny ?? []),
    guard: resolveGuard(options.guard),
    blockCallers: patterns('blockCallers', options.blockCallers ?? []),
    blockNumbers: patterns('blockNumbers', options.blockNumbers ?? []),
    transferTargets: options.transferTargets === undefined ? undefined : patterns('transferTargets', options.transferTargets),
    isOpenToLoopback: accounts.length === 0 && trunks.length === 0 && allow.length === 0 && options.users === undefined,
    ringTimeoutMs: duration('ringTimeoutMs', options.ringTimeoutMs ?? 180_000),
    maxCallMs: duration('maxCallMs', options.maxCallMs ?? 0),
    mediaTimeoutMs: duration('mediaTimeoutMs', options.mediaTimeoutMs ?? 60_000),
    sessionExpiresS: options.sessionExpiresS === 0 ? 0 : whole('sessionExpiresS', options.sessionExpiresS ?? 1800, 90, 86_400),
    userAgent: options.userAgent ?? 'sipbot',
  };
}

export function resolveAudio(path: string, audio: AudioOptions | undefined): ResolvedAudio {
  onlyKnown(path, audio ?? {}, ['sampleRate', 'frameMs']);
  return {
    sampleRate: oneOf(`${path}sampleRate`, audio?.sampleRate ?? 16_000, SAMPLE_RATES),
    frameMs: oneOf(`${path}frameMs`, audio?.frameMs ?? 20, FRAME_LENGTHS),
  };
}

export function resolveSpeech(path: string, speech: SpeechOptions = {}): SpeechOptions {
  onlyKnown(path, speech, ['voice', 'recogniser', 'language', 'ears', 'bargeIn', 'filler']);
  return speech;
}

export function checkCodecs(path: string, codecs: readonly CodecName[]): readonly CodecName[] {
  if (!Array.isArray(codecs) || codecs.length === 0) throw new OptionError(path, `needs at least one of ${codecNames.join(', ')}`);
  for (const [i, codec] of codecs.entries()) oneOf(`${path}[${i}]`, codec, codecNames);
  unique(path, codecs);
  return codecs;
}

/** `host`, `host:port`, `[::1]:5060` or a SIP URI. */
export function parseServer(text: string): Uri | undefined {
  if (typeof text !== 'string') return undefined;
  const uri = parseUri(/^sips?:/i.test(text) ? text : `sip:${isIP(text) === 6 ? `[${text}]` : text}`);
  return uri === undefined || uri.host === '' ? undefined : uri;
}

/** The first account, spelled flat. Its fields without a `uri` are a mistake. */
function flatAccount(options: SipBotOptions): AccountOptions | undefined {
  if (options.uri === undefined) {
    const stray = FLAT.find((name) => options[name] !== undefined);
    if (stray !== undefined) throw new OptionError(stray, 'belongs to an account: give its `uri` too');
    return undefined;
  }
  const account = FLAT.filter((name) => options[name] !== undefined).map((name) => [name, options[name]] as const);
  return { uri: options.uri, ...Object.fromEntries(account) };
}

function resolveAccount(account: AccountOptions, path: string): ResolvedAccount {
  onlyKnown(path, account, ['uri', ...FLAT]);
  const address = typeof account.uri === 'string' ? parseUri(account.uri) : undefined;
  if (address === undefined || !/^sips?$/.test(address.scheme) || !address.user || address.host === '') {
    throw new OptionError(`${path}uri`, `must be a SIP address such as 'sip:6001@pbx.example.com'`);
  }
  resolveServer(`${path}registrar`, account.registrar);
  resolveServer(`${path}outboundProxy`, account.outboundProxy);
  headerEntries(`${path}headers`, account.headers);
  checkRealms(`${path}realms`, account.realms);
  const { instanceId } = account;
  if (instanceId !== undefined && !/^(urn:[^\s<>"]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i.test(instanceId))
    throw new OptionError(`${path}instanceId`, 'must be a UUID or a URN (RFC 5626 §4.1)');
  return {
    ...account,
    address,
    user: address.user,
    domain: address.host.toLowerCase(),
    register: account.register ?? account.password !== undefined,
    voicemail: account.voicemail ?? false,
    expiresS: whole(`${path}expiresS`, account.expiresS ?? 3600, 10, 604_800),
  };
}

function checkRealms(path: string, realms: readonly string[] | undefined): void {
  if (realms === undefined) return;
  if (!Array.isArray(realms) || realms.length === 0 || realms.some((realm) => typeof realm !== 'string' || realm === ''))
    throw new OptionError(path, 'must name at least one realm');
}

function resolveTrunk(trunk: TrunkOptions, path: string): ResolvedTrunk {
  onlyKnown(path, trunk, Object.keys(KNOWN_OF_TRUNK));
  if (typeof trunk.name !== 'string' || trunk.name === '') throw new OptionError(`${path}name`, 'must be a name for this trunk');
  if (!Array.isArray(trunk.hosts) || trunk.hosts.length === 0) throw new OptionError(`${path}hosts`, 'needs at least one host');
  const servers = (trunk.hosts as readonly string[]).map((host, i) => {
    const server = parseServer(host);
    if (server === undefined) throw new OptionError(`${path}hosts[${i}]`, 'must be a host, host:port or SIP URI');
    return withoutBrackets(server.host);
  });
  if (trunk.codecs !== undefined) checkCodecs(`${path}codecs`, trunk.codecs);
  callable(`${path}numbers`, trunk.numbers);
  checkRealms(`${path}realms`, trunk.realms);
  if (trunk.callerId !== undefined && /^(sips?|tel):/i.test(trunk.callerId) && parseUri(trunk.callerId) === undefined)
    throw new OptionError(`${path}callerId`, 'must be a number, a user or a SIP URI');
  if (trunk.srtp !== undefined) oneOf(`${path}srtp`, trunk.srtp, SRTP_MODES);
  const sources = trunk.sources?.flatMap((source) => networksOfPreset(source) ?? [source]) ?? servers.filter((host) => isIP(host) !== 0);
  return {
    ...trunk,
    identity: oneOf(`${path}identity`, trunk.identity ?? 'from', ['from', 'pai', 'ppi']),
    privacy: trunk.privacy ?? false,
    transport: oneOf(`${path}transport`, trunk.transport ?? 'udp', TRANSPORT_NAMES),
    optionsPingS: whole(`${path}optionsPingS`, trunk.optionsPingS ?? 0, 0, 86_400),
    sourceNetworks: networks(`${path}sources`, sources),
  };
}

function resolveListen(listen: readonly ListenOptions[] | undefined, hasTrunks: boolean): readonly ListenOptions[] {
  if (listen === undefined) return [{ transport: 'udp', port: hasTrunks ? 5060 : 0 }];
  if (!Array.isArray(listen) || listen.length === 0) throw new OptionError('listen', 'needs at least one { transport, host, port }');
  for (const [i, { transport, port }] of (listen as readonly ListenOptions[]).entries()) {
    oneOf(`listen[${i}].transport`, transport, TRANSPORT_NAMES);
    if (port !== undefined) whole(`listen[${i}].port`, port, 0, 65_535);
  }
  return listen;
}

function resolvePublicAddress(address: string | undefined): string | undefined {
  if (address === undefined || address === 'auto' || isIP(address) !== 0) return address;
  throw new OptionError('publicAddress', `must be an IP address or 'auto'`);
}

/** A clock or a network of the application's own lives on its thread, and so must the media. */
function resolveThreads({ threads, clock, network }: SipBotOptions): number | undefined {
  const isInjected = clock !== undefined || network !== undefined;
  if (threads === undefined) return isInjected ? 0 : undefined;
  if (isInjected && threads > 0) throw new OptionError('threads', 'must be 0 with a clock or a network of your own');
  return whole('threads', threads, 0, 64);
}

function resolveServer(path: string, server: string | undefined): string | undefined {
  if (server === undefined || parseServer(server) !== undefined) return server;
  throw new OptionError(path, `must be a host, host:port or a SIP URI such as 'sip:proxy.example.com;transport=tcp'`);
}

function resolveUsers(users: Users | undefined): Users | undefined {
  if (users === undefined || typeof users === 'function' || (typeof users === 'object' && users !== null)) return users;
  throw new OptionError('users', 'must be passwords by user, or a function that finds them');
}

function resolveGuard(guard: GuardOptions | undefined): Required<GuardOptions> {
  onlyKnown('guard.', guard ?? {}, Object.keys(DEFAULT_GUARD));
  const resolved = { ...DEFAULT_GUARD, ...guard };
  for (const [name, value] of Object.entries(resolved)) whole(`guard.${name}`, value, name === 'banS' ? 0 : 1);
  return resolved;
}

function patterns(path: string, texts: readonly string[]): Patterns {
  if (!Array.isArray(texts) || texts.some((text) => typeof text !== 'string' || text.trim() === ''))
    throw new OptionError(path, "must be a list of numbers or users such as '+1900*'");
  return new Patterns(texts);
}

function limitOf(path: string, value: number | undefined): number {
  return value === undefined ? Number.POSITIVE_INFINITY : whole(path, value, 0);
}

function resolveOverload(overload: Overload | undefined): Overload {
  onlyKnown('overload.', overload ?? {}, ['status', 'retryAfter']);
  const status = whole('overload.status', overload?.status ?? 503, 300, 699);
  const retryAfter = overload?.retryAfter;
  return retryAfter === undefined ? { status } : { status, retryAfter: whole('overload.retryAfter', retryAfter, 0) };
}

/** A name that nobody knows is a typing mistake, and said at once. */
function onlyKnown(path: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options))
    if (!known.includes(name)) throw new OptionError(`${path}${name}`, 'is no option that sipbot knows');
}

function callable(path: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') throw new OptionError(path, 'must be a function');
}

function networks(path: string, cidrs: readonly string[]): Subnets {
  try {
    return new Subnets(cidrs);
  } catch (error) {
    throw new OptionError(path, (error as Error).message);
  }
}

function checkNetworks(path: string, cidrs: readonly string[]): readonly string[] {
  networks(path, cidrs);
  return cidrs;
}

function checkPorts(ports: readonly [number, number]): readonly [number, number] {
  const low = whole('rtpPorts[0]', ports[0], 1024, 65_534);
  whole('rtpPorts[1]', ports[1], low + 1, 65_535);
  return ports;
}

function duration(path: string, ms: number): number {
  if (typeof ms !== 'number' || !(ms >= 0)) throw new OptionError(path, 'must be a number of milliseconds; 0 for never');
  return ms;
}

function whole(path: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`;
  throw new OptionError(path, `must be a whole number ${range}`);
}

function oneOf<const T>(path: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value;
  throw new OptionError(path, `must be one of ${allowed.join(', ')}`);
}

function unique(path: string, values: readonly string[]): void {
  const twice = values.find((value, i) => values.indexOf(value) !== i);
  if (twice !== undefined) throw new OptionError(path, `names '${twice}' twice`);
}
