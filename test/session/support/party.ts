/** Two people and the wire between them: real user agents, real media engines, a network of memory and a clock turned by hand. */
import type { SocketAddress } from '../../../src/network.js';
import { MediaEngine } from '../../../src/rtp/engine.js';
import { parseRtp, RtpHeader } from '../../../src/rtp/header.js';
import type { CallContext, CallOptions } from '../../../src/session/call-options.js';
import { CallSession } from '../../../src/session/call-session.js';
import type { DialTarget } from '../../../src/session/outgoing-leg.js';
import type { IncomingInvite } from '../../../src/sip/ua/invite-incoming.js';
import { UserAgent } from '../../../src/sip/ua/user-agent.js';
import type { UserAgentOptions } from '../../../src/sip/ua/user-agent-options.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { MemoryNetwork, type MemoryNetworkOptions } from '../../../src/testing/memory-network.js';
import { SeededRandom } from '../../../src/testing/seeded-random.js';

export class Wire {
  readonly clock = new ManualClock();
  readonly network: MemoryNetwork;
  readonly parties: Party[] = [];
  /** Every SIP message, as `who -> whom: first line`. */
  readonly messages: string[] = [];
  readonly texts: string[] = [];
  /** RTP packets by sender and receiver: `10.0.0.1>10.0.0.2`. */
  readonly packets = new Map<string, { count: number; payloadTypes: Set<number>; last: number }>();
  /** Things a listener or a call said in the log: there should be none. */
  readonly errors: unknown[] = [];

  constructor(options: Omit<MemoryNetworkOptions, 'clock'> = {}) {
    this.network = new MemoryNetwork({ clock: this.clock, delayMs: 5, ...options });
    const header = new RtpHeader();
    this.network.onDatagram = (bytes, from, to) => this.#see(bytes, from, to, header);
  }

  #see(bytes: Uint8Array, from: SocketAddress, to: SocketAddress, header: RtpHeader): void {
    if (from.port === 5060 || to.port === 5060) {
      const text = Buffer.from(bytes).toString('latin1');
      if (text.trim() === '') return;
      this.messages.push(`${from.address} -> ${to.address}: ${text.slice(0, text.indexOf('\r\n')).replace(/ SIP\/2\.0$/, '')}`);
      this.texts.push(text);
      return;
    }
    if (
      from.port % 2 !== 0 ||
      parseRtp(bytes, bytes.length, header) === undefined ||
      (header.payloadType >= 72 && header.payloadType <= 76)
    )
      return;
    const key = `${from.address}>${to.address}`;
    const entry = this.packets.get(key) ?? { count: 0, payloadTypes: new Set<number>(), last: 0 };
    entry.count++;
    entry.payloadTypes.add(header.payloadType);
    entry.last = this.clock.now();
    this.packets.set(key, entry);
  }

  /** The SIP of the call so far: requests by method, responses by status. */
  get ladder(): string[] {
    return this.messages.map((line) => line.replace(/^10\.0\.0\.(\d+) -> 10\.0\.0\.(\d+): (?:SIP\/2\.0 )?(\S+).*$/, '$1>$2 $3'));
  }

  async party(number: number, options: PartyOptions = {}): Promise<Party> {
    const party = new Party(this, number, options);
    await party.agent.start();
    this.parties.push(party);
    return party;
  }

  run(ms: number): Promise<void> {
    return this.clock.run(ms);
  }

  /** What is left of calls that are over once every timer of theirs has run out: nothing, or there is a leak. Then everybody goes home. */
  async close(): Promise<typeof NOTHING_LEFT> {
    await this.clock.run(40_000);
    const left = { ...NOTHING_LEFT };
    for (const { agent, engine } of this.parties) {
      const { dialogs, requests, timers, transactions } = agent.stats();
      left.dialogs += dialogs;
      left.requests += requests;
      left.timers += timers;
      left.transactions += transactions.servers + transactions.clients;
      left.ports += engine.stats().ports.used;
    }
    const closing = Promise.all(this.parties.map(({ agent, engine }) => Promise.all([agent.close(), engine.close()])));
    await this.clock.run(2000);
    await closing;
    return left;
  }
}

export const NOTHING_LEFT = { dialogs: 0, requests: 0, transactions: 0, timers: 0, ports: 0 };

export interface PartyOptions extends CallOptions {
  readonly agent?: Partial<UserAgentOptions>;
  readonly mediaAddress?: string;
  /** @default 10.0.0.{number} */
  readonly address?: string;
}

export class Party {
  readonly wire: Wire;
  readonly address: string;
  readonly uri: string;
  readonly agent: UserAgent;
  readonly engine: MediaEngine;
  readonly context: CallContext;
  readonly options: CallOptions;
  /** Calls received. */
  readonly calls: CallSession[] = [];
  /** What is to be done with a call that comes. @default nothing */
  onCall: (call: CallSession) => void = () => {};
  onInvite: ((invite: IncomingInvite) => void) | undefined;

  constructor(wire: Wire, number: number, { agent = {}, mediaAddress, address = `10.0.0.${number}`, ...options }: PartyOptions) {
    this.wire = wire;
    this.address = address;
    this.uri = `sip:${number}@${address.includes(':') ? `[${address}]` : address}`;
    this.options = { codecs: ['pcmu', 'pcma'], audio: { sampleRate: 8000, frameMs: 20 }, srtp: 'off', ...options };
    const { clock, network } = wire;
    const random = new SeededRandom(number);
    const logger = {
      debug: () => {},
      info: () => {},
      warn: () => {},
      error: (fields: object, message: string) => void wire.errors.push([message, (fields as { error?: unknown }).error]),
    };
    this.agent = new UserAgent({
      clock,
      network,
      random,
      logger,
      listen: [{ transport: 'udp', host: this.address, port: 5060 }],
      ...agent,
    });
    this.engine = new MediaEngine({
      threads: 0,
      clock,
      network,
      random,
      logger,
      host: this.address,
      ports: [20_000, 20_100],
      quarantineMs: 0,
    });
    this.context = {
      clock,
      random,
      logger,
      engine: this.engine,
      mediaAddress: () => mediaAddress ?? this.address,
      invite: (options) => this.agent.invite(options),
    };
    this.agent.on('invite', (invite) => {
      if (this.onInvite !== undefined) {
        this.onInvite(invite);
        return;
      }
      const call = CallSession.receive(invite, this.context, this.options);
      if (call === undefined) return;
      this.calls.push(call);
      this.onCall(call);
    });
  }

  dial(to: Party | string, target: Partial<DialTarget> = {}, options: CallOptions = {}): CallSession {
    const uri = typeof to === 'string' ? to : to.uri;
    return CallSession.dial({ uri, from: `<${this.uri}>`, ...target }, this.context, { ...this.options, ...options });
  }
}

/** Writes down what a call tells, in order. */
export function log(call: CallSession): string[] {
  const lines: string[] = [];
  const push = (line: string) => void lines.push(call.end === undefined || line.startsWith('ended') ? line : `AFTER THE END: ${line}`);
  call.on('ringing', () => push('ringing'));
  call.on('early', () => push('early'));
  call.on('answered', () => push('answered'));
  call.on('held', ({ by }) => push(`held ${by}`));
  call.on('resumed', ({ by }) => push(`resumed ${by}`));
  call.on('dtmf', (digit, { via }) => push(`dtmf ${digit} ${via}`));
  call.on('message', ({ text }) => push(`message ${text}`));
  call.on('codec', ({ codec }) => push(`codec ${codec}`));
  call.on('transferProgress', ({ status }) => push(`progress ${status}`));
  call.on('ended', ({ reason, by, status, cause }) => push(`ended ${reason} ${by} ${status} ${cause}`));
  return lines;
}

/** Speaks a tone for as long as it is told to, and hears what comes. */
export class Voice {
  readonly #call: CallSession;
  readonly #stop: () => void;
  heard = 0;
  loud = 0;

  constructor(call: CallSession) {
    this.#call = call;
    const cursor = () => call.stream?.incoming.cursor('now');
    let reading: ReturnType<typeof cursor>;
    this.#stop = call.onFrames(() => {
      reading ??= cursor();
      for (let frame = reading?.next(); frame !== undefined; frame = reading?.next()) {
        this.heard++;
        if (frame.some((sample) => Math.abs(sample) > 3000)) this.loud++;
      }
    });
  }

  say(ms: number, hz = 400): void {
    const { stream } = this.#call;
    const { sampleRate } = stream!;
    const samples = new Int16Array((sampleRate * ms) / 1000);
    for (let i = 0; i < samples.length; i++) samples[i] = 10_000 * Math.sin((2 * Math.PI * hz * i) / sampleRate);
    stream!.outgoing.write(samples);
  }

  /** Forgets what was heard so far. */
  reset(): void {
    this.heard = 0;
    this.loud = 0;
  }

  stop(): void {
    this.#stop();
  }
}

/** Runs the clock until a promise settles. */
export async function settled<T>(wire: Wire, promise: Promise<T>, limitMs = 60_000): Promise<T> {
  let isDone = false;
  const done = promise.finally(() => {
    isDone = true;
  });
  done.catch(() => {});
  await wire.clock.runUntil(() => isDone, limitMs);
  return done;
}

/** A call that has been answered, and both of its ends. */
export async function talking(caller: Party, callee: Party): Promise<[CallSession, CallSession]> {
  callee.onCall = (call) => void call.answer();
  const call = caller.dial(callee);
  await settled(caller.wire, call.answered);
  await caller.wire.run(50);
  return [call, callee.calls.at(-1)!];
}

/** What each side hears of the other's half second of tone. */
export async function audible(wire: Wire, a: CallSession, b: CallSession): Promise<string> {
  const [one, other] = [new Voice(a), new Voice(b)];
  await wire.run(300);
  one.reset();
  other.reset();
  one.say(500);
  other.say(500);
  await wire.run(900);
  one.stop();
  other.stop();
  const say = (loud: number) => (loud >= 22 ? 'hears' : loud === 0 ? 'silence' : `${loud} frames`);
  return `${say(one.loud)}/${say(other.loud)}`;
}
