/**
 * The public face, checked by the compiler: every name, option and event of the promise exists with the type that was promised, and wrong
 * names do not compile. Run by `tsc`; nothing here is executed.
 */
import {
  type AccountOptions,
  type AudioFrame,
  type Bot,
  type BotStats,
  type Call,
  type CallEnd,
  CallError,
  Conference,
  type DialOptions,
  type DtmfDigit,
  EchoBot,
  type Gathered,
  type IncomingMessage,
  type ListenAddress,
  ListenError,
  OptionError,
  type Party,
  type Recording,
  RegistrationError,
  SipBot,
  type SipBotOptions,
  type TransferRequest,
  type TrunkOptions,
} from 'sipbot';
import { decoder, encoder, Resampler, readWav, VoiceActivity, writeWav } from 'sipbot/codec';
import { JitterBuffer, parseRtp, RtpStream, SrtpContext } from 'sipbot/rtp';
import { answer, offer } from 'sipbot/session';
import { isParseFailure, type ParseFailure, parse, parseUri, Registrar, type SipMessage, UserAgent, write } from 'sipbot/sip';
import { ManualClock, MemoryNetwork, TestCaller } from 'sipbot/testing';

/** Fails to compile unless the two are the same type. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Same<A, B>): void => {};

const options: SipBotOptions = {
  uri: 'sip:6001@pbx.example.com',
  password: process.env['SIP_PASSWORD'],
  authUser: 'x',
  displayName: 'X',
  registrar: 'pbx.example.com',
  outboundProxy: 'proxy.example.com',
  register: true,
  expiresS: 3600,
  instanceId: 'urn:uuid:00000000-0000-0000-0000-000000000000',
  voicemail: true,
  headers: { 'X-A': 'b' },
  accounts: [{ uri: 'sip:6002@pbx.example.com' } satisfies AccountOptions],
  trunks: [
    {
      name: 'carrier',
      hosts: ['sip.example.com'],
      sources: ['twilio', '192.0.2.0/24'],
      authUser: 'a',
      password: 'b',
      callerId: '+15550100',
      identity: 'pai',
      privacy: true,
      transport: 'tls',
      codecs: ['pcmu'],
      srtp: 'required',
      optionsPingS: 30,
      numbers: (dialled: string) => `+${dialled}`,
    } satisfies TrunkOptions,
  ],
  listen: [
    { transport: 'udp', host: '0.0.0.0', port: 5060 },
    { transport: 'tcp' },
    { transport: 'tls' },
    { transport: 'ws' },
    { transport: 'wss' },
  ],
  tls: { cert: '', key: '', ca: '', clientCert: { cert: '', key: '' }, allowWildcard: true, rejectUnauthorized: true },
  publicAddress: 'auto',
  localNetworks: ['10.0.0.0/8'],
  rtpPorts: [10_000, 20_000],
  rtpHost: '0.0.0.0',
  codecs: ['opus', 'g722', 'pcmu', 'pcma'],
  codecOrder: 'ours',
  audio: { sampleRate: 48_000, frameMs: 60 },
  srtp: 'optional',
  threads: 0,
  maxCalls: 10,
  overload: { status: 486, retryAfter: 5 },
  users: { alice: 'secret' },
  allow: ['192.0.2.0/24'],
  deny: ['192.0.2.66/32'],
  ringTimeoutMs: 1,
  maxCallMs: 1,
  mediaTimeoutMs: 1,
  sessionExpiresS: 1800,
  bot: (call: Call) => (call.from.user === '1' ? new EchoBot() : undefined),
  logger: console,
  clock: new ManualClock(),
  network: new MemoryNetwork({ clock: new ManualClock() }),
};
const asked: SipBotOptions = { users: async (user, realm) => `${user}${realm}`, bot: async () => undefined };
// @ts-expect-error no such option
const misspelt: SipBotOptions = { pasword: 'x' };
// @ts-expect-error not a codec
const noCodec: SipBotOptions = { codecs: ['g729'] };
// @ts-expect-error not a mode
const noMode: SipBotOptions = { srtp: 'yes' };
// @ts-expect-error not a rate that bots see
const noRate: SipBotOptions = { audio: { sampleRate: 44_100 } };
// @ts-expect-error not a frame length
const noFrame: SipBotOptions = { audio: { frameMs: 25 } };
// @ts-expect-error an account needs its address
const noUri: AccountOptions = { password: 'x' };
// @ts-expect-error a trunk needs hosts
const noHosts: TrunkOptions = { name: 'x' };
// @ts-expect-error not an identity
const noIdentity: TrunkOptions = { name: 'x', hosts: ['x'], identity: 'rpid' };
// @ts-expect-error not a transport
const noTransport: SipBotOptions = { listen: [{ transport: 'sctp' }] };
void [options, asked, misspelt, noCodec, noMode, noRate, noFrame, noUri, noHosts, noIdentity, noTransport];

export async function sipBot(bot: SipBot): Promise<void> {
  bot.on('call', async (call) => same<typeof call, Call>(true));
  bot.on('registered', ({ account, expiresS }) => `${account}${expiresS}`);
  bot.on('unregistered', ({ account }) => account);
  bot.on('registrationFailed', ({ account, status, reason, advice, retryInMs }) => [account, status, reason, advice, retryInMs]);
  bot.on('message', (message) => same<typeof message, IncomingMessage>(true));
  bot.on('voicemail', ({ account, isWaiting, newMessages, oldMessages }) => [account, isWaiting, newMessages, oldMessages]);
  bot.on('trace', ({ bytes, direction }) => [bytes, direction]);
  bot.on('error', (error, call) => [error, call?.id]);
  bot.once('call', () => {});
  const listener = (call: Call): string => call.id;
  bot.off('call', listener);
  // @ts-expect-error no such event
  bot.on('calls', () => {});
  same<ReturnType<SipBot['start']>, Promise<void>>(true);
  await bot.stop({ drainMs: 5000 });
  // @ts-expect-error no such option
  await bot.stop({ drain: 5000 });
  const dial: DialOptions = {
    callerId: '1',
    displayName: 'x',
    account: '6001',
    trunk: 'carrier',
    headers: { 'X-A': ['b', 'c'] },
    timeoutMs: 1,
    signal: new AbortController().signal,
    onCall: (call) => same<typeof call, Call>(true),
    codecs: ['pcmu'],
    srtp: 'off',
    audio: { sampleRate: 8000 },
    bot: new EchoBot(),
  };
  same<ReturnType<SipBot['dial']>, Promise<Call>>(true);
  await bot.dial('+15550100', dial);
  // @ts-expect-error no such option
  await bot.dial('1', { timeout: 5 });
  await bot.message('sip:a@b', 'text', { callerId: '1' });
  same<SipBot['calls'], ReadonlyMap<string, Call>>(true);
  same<SipBot['addresses'], readonly ListenAddress[]>(true);
  same<ReturnType<SipBot['stats']>, BotStats>(true);
}

export async function call(call: Call, other: Call): Promise<void> {
  same<typeof call.direction, 'in' | 'out'>(true);
  same<typeof call.state, 'ringing' | 'early' | 'answered' | 'held' | 'ended'>(true);
  same<typeof call.from, Party>(true);
  same<typeof call.to, Party>(true);
  same<typeof call.asserted, Party | undefined>(true);
  same<typeof call.diversion, readonly Party[]>(true);
  same<typeof call.startedAt, Date>(true);
  same<typeof call.answeredAt, Date | undefined>(true);
  const texts: (string | undefined)[] = [call.id, call.requestUri, call.headers.get('X-A'), call.codec, call.remote?.address];
  const rate: number = call.sampleRate;
  await call.ring();
  await call.progress();
  await call.answer({ audio: { sampleRate: 8000 }, headers: { 'X-A': 'b' }, bot: new EchoBot() });
  call.reject(486, 'Busy Here', { headers: { 'X-A': 'b' } });
  call.redirect('sip:a@b');
  await call.hangup({ reason: 'Q.850;cause=16', headers: {} });
  await call.hold();
  await call.resume();
  const { outcome, status } = await call.transfer(other, { fallback: 'bridge' });
  same<typeof outcome, 'completed' | 'bridged' | 'failed'>(true);
  await call.transfer('sip:a@b', { fallback: 'none' });
  // @ts-expect-error not a fallback
  await call.transfer('sip:a@b', { fallback: 'park' });
  await call.bridge(other);
  new Conference({ sampleRate: 16_000 }).add(call);
  await call.sendDtmf('12#');
  const gathered = await call.gather({ max: 4, finishOn: '#', timeoutMs: 5000, prompt: 'prompt.wav' });
  same<typeof gathered, Gathered>(true);
  same<Gathered['ended'], 'max' | 'finishOn' | 'timeout' | 'hangup'>(true);
  const recording: Recording = call.record('call.wav', { stereo: true });
  recording.pause();
  recording.resume();
  await recording.stop();
  const { path, durationMs } = await recording.done;
  const stats = call.stats();
  const numbers: (number | undefined)[] = [
    stats?.receivedPackets,
    stats?.receivedLost,
    stats?.jitterMs,
    stats?.rttMs,
    stats?.receivedLate,
    stats?.concealedMs,
    stats?.receivedMos,
    stats?.sentMos,
    stats?.departure.p99Ms,
  ];
  call.on('ringing', () => {});
  call.on('early', () => {});
  call.on('answered', () => {});
  call.on('dtmf', (digit) => same<typeof digit, DtmfDigit>(true));
  call.on('held', ({ by }) => same<typeof by, 'local' | 'remote'>(true));
  call.on('resumed', ({ by }) => by);
  call.on('transferRequest', (request) => same<typeof request, TransferRequest>(true));
  call.on('transferProgress', ({ status, reason }) => [status, reason]);
  call.on('message', ({ text, contentType }) => [text, contentType]);
  call.on('speechStart', ({ timeMs }) => timeMs);
  call.on('speechEnd', ({ timeMs, durationMs }) => [timeMs, durationMs]);
  call.on('ended', (end) => same<typeof end, CallEnd>(true));
  call.on('ended', ({ reason, by, status, cause }) => [reason, by, status, cause]);
  // @ts-expect-error no such event
  call.on('hangup', () => {});
  // @ts-expect-error read only
  call.state = 'ended';
  void [texts, rate, status, path, durationMs, numbers];
}

export async function audio(call: Call): Promise<void> {
  for await (const frame of call.audio) {
    same<typeof frame, AudioFrame>(true);
    same<AudioFrame['source'], 'heard' | 'concealed' | 'silence' | 'dtmf'>(true);
    const { samples, timeMs, droppedMs } = frame;
    same<typeof samples, Int16Array>(true);
    void [timeMs, droppedMs];
  }
  call.audio.on('frame', (frame) => frame.samples, { from: 'answer', borrow: true });
  call.audio.on('mark', ({ name, outcome }) => [name, same<typeof outcome, 'sent' | 'cleared'>(true)]);
  same<typeof call.audio.readable, ReadableStream<AudioFrame>>(true);
  const isBelow: boolean = call.audio.write(new Int16Array(1), { sampleRate: 24_000 });
  call.audio.write(new Uint8Array(3));
  // @ts-expect-error text is no sound
  call.audio.write('hello');
  await call.audio.drained();
  call.audio.mark('sentence-3');
  const { playedMs, droppedMs } = call.audio.clear();
  const queued: number = call.audio.queuedMs + call.audio.playedMs;
  const playout = call.play('greeting.wav', { mode: 'mix', loop: true, gain: 0.5, interruptOn: ['dtmf', 'speech'] });
  call.play(new Uint8Array(44));
  call.play(
    (async function* () {
      yield new Int16Array(160);
    })(),
  );
  call.play({ parts: [{ ms: 100, components: [{ hz: 440, dbm0: -10 }] }], repeat: 'once' });
  // @ts-expect-error not a mode
  call.play('a.wav', { mode: 'loop' });
  // @ts-expect-error not an interruption
  call.play('a.wav', { interruptOn: ['hangup'] });
  same<ReturnType<typeof playout.interrupt>, { readonly playedMs: number }>(true);
  const { outcome } = await playout.done;
  same<typeof outcome, 'completed' | 'interrupted' | 'ended'>(true);
  void [isBelow, playedMs, droppedMs, queued];
}

export class Plugin implements Bot {
  async onStart(call: Call): Promise<void> {
    await call.hold();
  }

  onAudio(frame: AudioFrame, call: Call): void {
    call.audio.write(frame.samples);
  }

  onDtmf(digit: DtmfDigit): void {
    void digit;
  }

  async onEnd(end: CallEnd): Promise<void> {
    void end;
  }
}

export function lowerFloors(bytes: Uint8Array): void {
  const parsed = parse(bytes);
  same<typeof parsed, SipMessage | ParseFailure>(true);
  if (isParseFailure(parsed)) {
    const why: string = parsed.failure;
    void why;
  } else {
    const [first, all, body]: [string | undefined, readonly string[], Uint8Array] = [
      parsed.header('via'),
      parsed.headers('Via'),
      parsed.body,
    ];
    same<ReturnType<typeof write>, Uint8Array>(true);
    void [write(parsed), first, all, body];
  }
  void [parseUri, UserAgent, Registrar, RtpStream, JitterBuffer, SrtpContext, parseRtp, encoder('pcmu'), decoder('pcmu')];
  void [Resampler, readWav, writeWav, VoiceActivity, offer, answer, ManualClock, MemoryNetwork, TestCaller];
  // @ts-expect-error not a codec
  encoder('g729');
}

export function errors(error: unknown): unknown {
  if (error instanceof OptionError) return [error.code, error.option];
  if (error instanceof CallError) return [error.status, error.reason, error.code];
  if (error instanceof ListenError) return [error.host, error.port];
  if (error instanceof RegistrationError) return [error.status, error.reason];
  return undefined;
}

void SipBot;
