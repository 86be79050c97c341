/** Bots on one hand-turned clock and one network of memory, the calls between them, and what is left when they are gone: nothing. */
import type { AudioFrame } from '../../../src/bot/audio.js';
import type { Call, CallEnd } from '../../../src/bot/call.js';
import type { DialOptions } from '../../../src/bot/dialer.js';
import type { SipBotOptions } from '../../../src/bot/options.js';
import { SipBot } from '../../../src/bot/sip-bot.js';
import type { Logger } from '../../../src/log.js';
import type { Resolver } from '../../../src/sip/transport/resolver.js';
import { Heard } from '../../../src/testing/heard.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { MemoryNetwork, type MemoryNetworkOptions } from '../../../src/testing/memory-network.js';
import { SeededRandom } from '../../../src/testing/seeded-random.js';

/** What may be left of bots that had their calls and were stopped. */
export const NOTHING_LEFT = { calls: 0, dialogs: 0, requests: 0, transactions: 0, timers: 0, ports: 0, sockets: 0 };

/** No name is anybody's here, and none is asked of the system: its answer takes time that is not the clock's. */
const unknown = async (name: string): Promise<never> => {
  throw Object.assign(new Error(`${name} is not known`), { code: 'ENOTFOUND' });
};
const nobody: Resolver = { naptr: unknown, srv: unknown, a: unknown, aaaa: unknown };

export class World {
  readonly clock = new ManualClock();
  readonly network: MemoryNetwork;
  readonly bots: SipBot[] = [];
  /** SIP on the wire, as `1>2 INVITE`. */
  readonly ladder: string[] = [];
  readonly texts: string[] = [];
  /** What the bots logged as errors. */
  readonly errors: string[] = [];
  readonly warnings: string[] = [];

  constructor(options: Omit<MemoryNetworkOptions, 'clock'> = {}) {
    this.network = new MemoryNetwork({ clock: this.clock, delayMs: 5, ...options });
    this.network.onDatagram = (bytes, from, to) => {
      if (from.port !== 5060 && to.port !== 5060) return;
      const text = Buffer.from(bytes).toString('latin1');
      if (text.trim() === '') return;
      this.texts.push(text);
      const word = /^(?:SIP\/2\.0 )?(\S+)/.exec(text)?.[1];
      this.ladder.push(`${lastOf(from.address)}>${lastOf(to.address)} ${word}`);
    };
  }

  get logger(): Logger {
    return {
      debug: () => {},
      info: () => {},
      warn: (_fields, message) => void this.warnings.push(message),
      error: (fields, message) => void this.errors.push(`${message}: ${String((fields as { error?: unknown }).error)}`),
    };
  }

  /** Listens at 10.0.0.{number}:5060 and welcomes its neighbours. */
  make(number: number, options: SipBotOptions = {}): SipBot {
    const bot = new SipBot({
      clock: this.clock,
      network: this.network,
      random: new SeededRandom(number),
      resolver: nobody,
      logger: this.logger,
      listen: [{ transport: 'udp', host: hostOf(number), port: 5060 }],
      rtpHost: hostOf(number),
      rtpPorts: [20_000, 20_200],
      allow: ['10.0.0.0/8'],
      ...options,
    });
    this.bots.push(bot);
    return bot;
  }

  async bot(number: number, options: SipBotOptions = {}): Promise<SipBot> {
    const bot = this.make(number, options);
    await this.until(bot.start());
    return bot;
  }

  run(ms: number): Promise<void> {
    return this.clock.run(ms);
  }

  /** Turns the clock until the promise has settled. */
  async until<T>(promise: Promise<T>, limitMs = 120_000): Promise<T> {
    let isDone = false;
    const done = (): void => {
      isDone = true;
    };
    promise.then(done, done);
    await this.clock.runUntil(() => isDone, limitMs);
    return promise;
  }

  /** What it was rejected with. */
  async failure(promise: Promise<unknown>, limitMs?: number): Promise<unknown> {
    return this.until(
      promise.then(
        (value) => {
          throw new Error(`it should have failed, and gave ${String(value)}`);
        },
        (error: unknown) => error,
      ),
      limitMs,
    );
  }

  /** A call, and both of its ends. The callee's listener has to be there already. */
  async talking(caller: SipBot, number: number, options: DialOptions & { readonly user?: string } = {}): Promise<[Call, Call]> {
    const { user = 'bot', ...dial } = options;
    const call = await this.until(caller.dial(`sip:${user}@${hostOf(number)}`, dial));
    await this.run(50);
    const callee = this.bots.find((bot) => bot.addresses[0]?.host === hostOf(number))!;
    return [call, callee.calls.get(call.id)!];
  }

  /** Stops everybody and counts what is left, before (once their timers have run out) and after. */
  async close(): Promise<typeof NOTHING_LEFT> {
    await this.run(40_000);
    const left = { ...NOTHING_LEFT };
    for (const bot of this.bots) {
      const { calls, signalling, media } = bot.stats();
      left.calls += calls + bot.calls.size;
      left.dialogs += signalling.dialogs;
      left.requests += signalling.requests;
      left.transactions += signalling.transactions.clients + signalling.transactions.servers;
      left.ports += media.ports.used;
    }
    await this.until(Promise.all(this.bots.map((bot) => bot.stop())));
    left.timers = this.clock.pending;
    left.sockets = this.network.open;
    return left;
  }
}

export const hostOf = (number: number): string => `10.0.0.${number}`;

const lastOf = (address: string): string => address.slice(address.lastIndexOf('.') + 1);

/** Everything a call tells, in order. */
export function log(call: Call): string[] {
  const lines: string[] = [];
  call.on('ringing', () => lines.push('ringing'));
  call.on('early', () => lines.push('early'));
  call.on('answered', () => lines.push('answered'));
  call.on('held', ({ by }) => lines.push(`held ${by}`));
  call.on('resumed', ({ by }) => lines.push(`resumed ${by}`));
  call.on('dtmf', (digit) => lines.push(`dtmf ${digit}`));
  call.on('message', ({ text }) => lines.push(`message ${text}`));
  call.on('transferProgress', ({ status }) => lines.push(`progress ${status}`));
  call.on('ended', (end: CallEnd) => lines.push(`ended ${end.reason} ${end.by} ${end.status} ${end.cause}`));
  return lines;
}

/** All that a call hears from now on. */
export class Ear {
  readonly #frames: AudioFrame[] = [];
  readonly #call: Call;
  readonly #listener = (frame: AudioFrame): void => void this.#frames.push(frame);

  constructor(call: Call) {
    this.#call = call;
    call.audio.on('frame', this.#listener);
  }

  get frames(): readonly AudioFrame[] {
    return this.#frames;
  }

  get heard(): Heard {
    const samples = new Int16Array(this.#frames.reduce((sum, frame) => sum + frame.samples.length, 0));
    let at = 0;
    for (const frame of this.#frames) {
      samples.set(frame.samples, at);
      at += frame.samples.length;
    }
    return new Heard(samples, this.#call.sampleRate);
  }

  close(): void {
    this.#call.audio.off('frame', this.#listener);
  }
}

export function tone(hz: number, ms: number, sampleRate = 16_000): Int16Array {
  return Int16Array.from({ length: (sampleRate * ms) / 1000 }, (_, i) => Math.round(9000 * Math.sin((2 * Math.PI * hz * i) / sampleRate)));
}

/** Both speak for half a second; what each hears of it: the tone of the other, silence, or something that should not be. */
export async function audible(world: World, a: Call, b: Call): Promise<string> {
  const ears = [new Ear(a), new Ear(b)] as const;
  await world.run(100);
  a.audio.write(tone(500, 500, a.sampleRate));
  b.audio.write(tone(800, 500, b.sampleRate));
  await world.run(900);
  for (const ear of ears) ear.close();
  const say = (ear: Ear, hz: number): string => {
    const { heard } = ear;
    if (heard.isSilent) return 'silence';
    const loud = heard.part(heard.onsetMs! + 60, 350);
    return loud.shareOf(hz) > 0.95 && loud.gaps().length === 0 ? 'hears' : `${loud.shareOf(hz).toFixed(2)} of ${hz} Hz`;
  };
  return `${say(ears[0], 800)}/${say(ears[1], 500)}`;
}
