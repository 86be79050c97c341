/**
 * A scripted far end on a manual clock and a network of memory: it calls your bot (or takes its calls), speaks, presses keys, listens, hangs
 * up. It turns the clock as it goes, so a whole call takes milliseconds and is the same every time.
 */
import { type Call, type CallEnd, type IncomingMessage, SipBot, type SipBotOptions } from '../bot.js';
import type { Clock } from '../clock.js';
import { dtmfTone, renderTone, type Tone } from '../codec/tones.js';
import { CallError } from '../errors.js';
import type { Network } from '../network.js';
import { Heard } from './heard.js';
import { SeededRandom } from './seeded-random.js';

/** A clock whose passing can be awaited: ManualClock turns itself on, one of real time waits. */
export interface TestClock extends Clock {
  run(ms: number): Promise<void>;
  runUntil(done: () => boolean, limitMs?: number): Promise<void>;
  /** Stands still until it has settled; a clock of real time has no such thing. */
  hold?(promise: Promise<unknown>): void;
}

export interface TestCallerOptions {
  readonly clock: TestClock;
  /** Left out: real sockets, and then the clock is one of real time. */
  readonly network?: Network;
  /** Where it lives in the network. @default '127.0.0.1' */
  readonly host?: string;
  /** @default any free one */
  readonly port?: number;
  /** The caller's number. @default '+15550100' */
  readonly number?: string;
  /** Of its tags and ports. @default 7 */
  readonly seed?: number;
  /** What else it shall be: codecs, srtp, an account. It is a SipBot itself. */
  readonly bot?: Omit<SipBotOptions, 'clock' | 'network' | 'listen' | 'threads'>;
}

export interface TestDialOptions {
  readonly number?: string;
  readonly displayName?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** How long it waits for an answer, in the call's time. @default 30000 */
  readonly timeoutMs?: number;
}

/** Longer than anything a test waits for. */
const LIMIT_MS = 600_000;

export class TestCaller {
  readonly #clock: TestClock;
  readonly #bot: SipBot;
  readonly #number: string;
  readonly #incoming: Call[] = [];
  #starting: Promise<void> | undefined;

  constructor(options: TestCallerOptions) {
    const { clock, network, host = '127.0.0.1', port = 0, number = '+15550100', seed = 7, bot = {} } = options;
    this.#clock = clock;
    this.#number = number;
    this.#bot = new SipBot({
      random: new SeededRandom(seed),
      rtpPorts: [30_000, 40_000],
      allow: ['0.0.0.0/0', '::/0'],
      ...bot,
      ...(network === undefined ? {} : { clock, network }),
      listen: [{ transport: 'udp', host, port }],
      rtpHost: host,
    });
    this.#bot.on('call', (call) => void this.#incoming.push(call));
  }

  /** The SIP URI at which the bot under test can call it. */
  async uri(): Promise<string> {
    await this.#start();
    const { host, port } = this.#bot.addresses[0]!;
    return `sip:${this.#number}@${host}:${port}`;
  }

  /** Calls a bot, or any SIP URI. Resolves when it is answered; rejects with the CallError of whoever refused. */
  async call(target: SipBot | string, options: TestDialOptions = {}): Promise<TestCall> {
    await this.#start();
    const { number = this.#number, timeoutMs = 30_000, displayName, headers } = options;
    const uri = typeof target === 'string' ? target : uriOf(target);
    let call: TestCall | undefined;
    const dialling = this.#bot.dial(uri, {
      callerId: number,
      timeoutMs,
      onCall: (one) => {
        call = new TestCall(one, this.#clock);
      },
      ...(displayName === undefined ? {} : { displayName }),
      ...(headers === undefined ? {} : { headers }),
    });
    await this.until(dialling);
    return call!;
  }

  /** Waits until the bot under test calls, and answers. */
  async answer(): Promise<TestCall> {
    const call = new TestCall(await this.expectCall(), this.#clock);
    await this.until(call.call.answer());
    return call;
  }

  /** Waits until the bot under test calls; what becomes of the call is yours: `answer`, `reject`, `ring` … */
  async expectCall(limitMs = 30_000): Promise<Call> {
    await this.#start();
    await this.#clock.runUntil(() => this.#incoming.length > 0, limitMs);
    return this.#incoming.shift()!;
  }

  /** Sends a text to a bot, or to any SIP URI. */
  async message(target: SipBot | string, text: string): Promise<void> {
    await this.#start();
    await this.until(this.#bot.message(typeof target === 'string' ? target : uriOf(target), text, { callerId: await this.uri() }));
  }

  /** Texts that come for it. */
  onMessage(listener: (message: IncomingMessage) => void): void {
    this.#bot.on('message', listener);
  }

  /** Turns the clock until a promise has settled. */
  until<T>(promise: Promise<T>, limitMs = LIMIT_MS): Promise<T> {
    return settle(this.#clock, promise, limitMs);
  }

  async stop(): Promise<void> {
    await this.until(this.#bot.stop());
  }

  async #start(): Promise<void> {
    this.#starting ??= this.until(this.#bot.start());
    await this.#starting;
  }
}

/** One call of a TestCaller. Whatever it does takes its time on the manual clock. */
export class TestCall {
  /** The far end's side of the call, for what is not here. */
  readonly call: Call;
  readonly #clock: TestClock;
  readonly #heard: Int16Array[] = [];

  /** @internal */
  constructor(call: Call, clock: TestClock) {
    this.call = call;
    this.#clock = clock;
    call.audio.on('frame', (frame) => this.#heard.push(frame.samples), { from: 'answer' });
  }

  /** Says samples (at 16 kHz, or at `sampleRate`) or a tone, to the end. */
  async say(sound: Int16Array | Tone, options: { readonly sampleRate?: number } = {}): Promise<void> {
    const samples = sound instanceof Int16Array ? sound : renderTone(sound, this.call.sampleRate);
    this.call.audio.write(samples, sound instanceof Int16Array ? options : {});
    await settle(this.#clock, this.call.audio.drained(), LIMIT_MS);
  }

  /** Says nothing for so long. */
  wait(ms: number): Promise<void> {
    return this.#clock.run(ms);
  }

  /** Presses keys, as events (RFC 4733) where they were agreed. */
  async press(digits: string, options: { readonly inBand?: boolean } = {}): Promise<void> {
    if (options.inBand === true) {
      await this.say(dtmfTone(digits));
      return;
    }
    // Whoever hangs up at a key may do so before its last packet is out.
    const pressed = this.call.sendDtmf(digits).catch((error: unknown) => {
      if (!(error instanceof CallError && error.code === 'ERR_CALL_ENDED')) throw error;
    });
    await settle(this.#clock, pressed, LIMIT_MS);
  }

  /** Listens for so long; what was heard meanwhile. */
  async listen(ms: number): Promise<Heard> {
    const from = this.#heard.length;
    await this.#clock.run(ms);
    return this.#joined(from);
  }

  /** All that was heard since the answer. */
  get heard(): Heard {
    return this.#joined(0);
  }

  get isEnded(): boolean {
    return this.call.end !== undefined;
  }

  async hangup(): Promise<CallEnd> {
    await settle(this.#clock, this.call.hangup(), LIMIT_MS);
    return this.ended();
  }

  /** Waits until the call has ended, by whomever. */
  async ended(limitMs = LIMIT_MS): Promise<CallEnd> {
    await this.#clock.runUntil(() => this.isEnded, limitMs);
    return this.call.end!;
  }

  #joined(from: number): Heard {
    const frames = this.#heard.slice(from);
    const samples = new Int16Array(frames.reduce((sum, frame) => sum + frame.length, 0));
    let at = 0;
    for (const frame of frames) {
      samples.set(frame, at);
      at += frame.length;
    }
    return new Heard(samples, this.call.sampleRate);
  }
}

async function settle<T>(clock: TestClock, promise: Promise<T>, limitMs: number): Promise<T> {
  let isSettled = false;
  const watch = (): void => {
    isSettled = true;
  };
  promise.then(watch, watch);
  await clock.runUntil(() => isSettled, limitMs);
  return promise;
}

function uriOf(bot: SipBot): string {
  const address = bot.addresses[0];
  if (address === undefined) throw new Error('the bot listens nowhere: start it first');
  const host = address.host === '0.0.0.0' ? '127.0.0.1' : address.host === '::' ? '[::1]' : address.host;
  return `sip:test@${host}:${address.port}`;
}
