/** Bots of one test, put away with it, and what their calls said and heard: as numbers. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, test as base, beforeAll, expect, inject } from 'vitest';
import type { AudioFrame } from '../../src/bot/audio.js';
import { soundChannel } from '../../src/codec/sound.js';
import { readWav } from '../../src/codec/wav.js';
import { type AccountOptions, type Call, type CallEnd, type DialOptions, SipBot, type SipBotOptions, sineTone } from '../../src/index.js';
import type { TransportName } from '../../src/sip/transport/transport.js';
import { Heard } from '../../src/testing/heard.js';
import { at, sleep, until } from './peers/process.js';
import type { PeerAddress } from './setup.js';

export const peers = inject('peers');

/** Where the bots of the tests live on the loopback. */
export const HERE = at(14);

export interface TestBot extends SipBot {
  /** All SIP messages that went out and came in, oldest first. */
  readonly messages: readonly { readonly direction: 'in' | 'out'; readonly text: string }[];
  /** Start lines: `> INVITE sip:…`, `< SIP/2.0 200 OK`; of one call when it is named. */
  wire(call?: Call): string[];
}

export type MakeBot = (options?: SipBotOptions) => Promise<TestBot>;

export const test = base.extend<{ bot: MakeBot }>({
  // biome-ignore lint/correctness/noEmptyPattern: what a fixture depends on is read from its pattern
  bot: async ({}, use) => {
    const bots: SipBot[] = [];
    await use(async (options) => {
      const bot = makeBot(options);
      bots.push(bot);
      await bot.start();
      return bot;
    });
    await Promise.all(bots.map((bot) => bot.stop()));
  },
});

/**
 * One bot for a whole file, of many accounts: a call then costs a port, and not a thread. It is there once the tests run, and has talked to
 * itself: a thread just started compiles its codecs first, and eight calls at once would hear that.
 */
export function sharedBot(options: () => SipBotOptions): () => TestBot {
  let bot: TestBot | undefined;
  beforeAll(async () => {
    bot = makeBot({ allow: [HERE], ...options() });
    await bot.start();
    const incoming = answered(nextCall(bot));
    const out = await bot.dial(`sip:warm@${HERE}:${bot.addresses[0]!.port}`);
    say(out, 440, 1000);
    say(await incoming, 440, 1000);
    await sleep(1500);
    await out.hangup();
  });
  afterAll(() => bot?.stop());
  return () => bot!;
}

function makeBot(options: SipBotOptions = {}): TestBot {
  const bot = new SipBot({ listen: [{ transport: 'udp', host: HERE }], rtpHost: HERE, ...options });
  const messages: { direction: 'in' | 'out'; text: string }[] = [];
  bot.on('trace', ({ direction, bytes }) => messages.push({ direction, text: Buffer.from(bytes).toString('utf8') }));
  const wire = (call?: Call): string[] =>
    messages
      .filter(({ text }) => call === undefined || text.includes(call.callId))
      .map(({ direction, text }) => `${direction === 'out' ? '>' : '<'} ${text.slice(0, text.indexOf('\r\n'))}`);
  return Object.assign(bot, { wire, messages });
}

export function portOf(peer: PeerAddress, transport: TransportName): number {
  return { udp: peer.port, tcp: peer.port, tls: peer.tlsPort, ws: peer.wsPort, wss: peer.wssPort }[transport];
}

export function serverOf(peer: PeerAddress, transport: TransportName): string {
  const scheme = transport === 'wss' ? 'sips' : 'sip';
  return `${scheme}:${peer.host}:${portOf(peer, transport)};transport=${transport === 'wss' ? 'ws' : transport}`;
}

/** An account there. It registers only when it is to be called. */
export function account(peer: PeerAddress, user: string, transport: TransportName = 'udp') {
  const server = serverOf(peer, transport);
  return {
    uri: `sip:${user}@${peer.host}`,
    password: `pw${user}`,
    registrar: server,
    outboundProxy: `${server};lr`,
    register: false,
    expiresS: 120,
  } satisfies AccountOptions;
}

/** Options of a bot that is `user` there. */
export function as(peer: PeerAddress, user: string, options: SipBotOptions & { readonly transport?: TransportName } = {}): SipBotOptions {
  const { transport, ...more } = options;
  return { ...account(peer, user, transport), tls: { ca: readFileSync(peer.caFile) }, ...more };
}

export function extension(peer: PeerAddress, user: string): string {
  return `sip:${user}@${peer.host}:${peer.port}`;
}

const waiting = new WeakMap<SipBot, Map<string | undefined, (call: Call) => void>>();

/**
 * The next call in; `from` that user, where a bot takes the calls of many. Each of these has one waiting for it: a test that is tried again
 * does not share its call with its first try.
 */
export function nextCall(bot: SipBot, from?: string): Promise<Call> {
  const mine = waiting.get(bot) ?? new Map<string | undefined, (call: Call) => void>();
  waiting.set(bot, mine);
  const before = mine.get(from);
  if (before !== undefined) bot.off('call', before);
  return new Promise((resolve) => {
    const take = (call: Call): void => {
      if (from !== undefined && call.from.user !== from) return;
      bot.off('call', take);
      mine.delete(from);
      resolve(call);
    };
    mine.set(from, take);
    bot.on('call', take);
  });
}

export async function answered(call: Promise<Call>): Promise<Call> {
  const taken = await call;
  await taken.answer();
  return taken;
}

export function endOf(call: Call): Promise<CallEnd> {
  return new Promise((resolve) => call.once('ended', resolve));
}

export function dial(bot: SipBot, peer: PeerAddress, user: string, options?: DialOptions): Promise<Call> {
  return bot.dial(extension(peer, user), options);
}

/** All that a call hears from here on. */
export class Ear {
  readonly frames: AudioFrame[] = [];
  readonly #sampleRate: number;
  readonly #counted = new Map<number, { steps: number; ms: number }>();

  constructor(call: Call) {
    this.#sampleRate = call.sampleRate;
    call.audio.on('frame', (frame) => this.frames.push(frame));
  }

  /** On the time line of the call: what was lost or not there is silence. */
  get heard(): Heard {
    const [first] = this.frames;
    const last = this.frames.at(-1);
    if (first === undefined || last === undefined) return new Heard(new Int16Array(0), this.#sampleRate);
    const at = (timeMs: number): number => Math.round(((timeMs - first.timeMs) * this.#sampleRate) / 1000);
    const samples = new Int16Array(at(last.timeMs) + last.samples.length);
    for (const frame of this.frames) samples.set(frame.samples, at(frame.timeMs));
    return new Heard(samples, this.#sampleRate);
  }

  /** Share of the frames that were made up because nothing had come. */
  get concealed(): number {
    return this.frames.filter(({ source }) => source === 'concealed').length / Math.max(1, this.frames.length);
  }

  /** How long that tone has been heard, in steps of 100 ms; each step is looked at once. */
  toneMs(hz: number): number {
    const counted = this.#counted.get(hz) ?? { steps: 0, ms: 0 };
    this.#counted.set(hz, counted);
    const perStep = Math.ceil(100 / 20);
    for (; (counted.steps + 1) * perStep <= this.frames.length; counted.steps++) {
      const step = this.frames.slice(counted.steps * perStep, (counted.steps + 1) * perStep);
      const part = new Heard(Int16Array.from(step.flatMap(({ samples }) => [...samples])), this.#sampleRate);
      if (!part.isSilent && part.shareOf(hz) > 0.5) counted.ms += 100;
    }
    return counted.ms;
  }

  /** Two at once, neither much louder than the other. */
  hearsBoth(a: number, b: number, ms: number): Promise<void> {
    return until(`${ms} ms of ${a} and ${b} Hz together`, () => {
      const { heard } = this;
      let both = 0;
      for (let at = 0; at + 100 <= heard.durationMs; at += 100) {
        const part = heard.part(at, 100);
        if (!part.isSilent && part.shareOf(a) > 0.3 && part.shareOf(b) > 0.3) both += 100;
      }
      return both >= ms;
    });
  }

  async hears(hz: number, ms: number, limitMs = 15_000): Promise<void> {
    await until(`${ms} ms of ${hz} Hz`, () => this.toneMs(hz) >= ms, limitMs).catch((error: Error) => {
      const { heard } = this;
      throw new Error(`${error.message}; heard ${this.toneMs(hz)} ms of it in ${heard.durationMs} ms, at level ${Math.round(heard.level)}`);
    });
  }
}

export interface Tone {
  readonly hz: number;
  /** Against what was said: 0 is unchanged. */
  readonly levelDb: number;
  /** Share of the tone's time in which it was silent for longer than 20 ms. */
  readonly gapShare: number;
  readonly purity: number;
}

/** A WAV that a peer has written. */
export function recordingOf(path: string): Heard {
  const sound = readWav(readFileSync(path));
  return new Heard(soundChannel(sound, 0), sound.sampleRate);
}

/** Root mean square of a sine of so many dBm0. */
const rmsOf = (dbm0: number): number => (32767 * 10 ** ((dbm0 - 3.14) / 20)) / Math.SQRT2;

const SAID_DBM0 = -10;

/** From its beginning to its end, without 100 ms at either. */
export function toneIn(heard: Heard, hz: number, saidLevel = rmsOf(SAID_DBM0)): Tone {
  let from: number | undefined;
  let to = 0;
  for (let at = 0; at + 50 <= heard.durationMs; at += 50) {
    const part = heard.part(at, 50);
    if (part.isSilent || part.shareOf(hz) < 0.5) continue;
    from ??= at;
    to = at + 50;
  }
  const tone = heard.part((from ?? 0) + 100, to - (from ?? 0) - 200);
  const silentMs = tone.gaps(20).reduce((sum, { durationMs }) => sum + durationMs, 0);
  return {
    hz: tone.frequency,
    levelDb: 20 * Math.log10(tone.level / saidLevel),
    gapShare: silentMs / Math.max(1, tone.durationMs),
    purity: tone.shareOf(hz),
  };
}

/** The right frequency, at the level it was said with, without gaps. */
export function expectTone(heard: Heard, hz: number, withinDb = 1.5, saidLevel?: number): Tone {
  const tone = toneIn(heard, hz, saidLevel);
  expect(Math.abs(tone.hz - hz), `frequency ${tone.hz}`).toBeLessThanOrEqual(10);
  expect(Math.abs(tone.levelDb), `level off by ${tone.levelDb.toFixed(1)} dB`).toBeLessThan(withinDb);
  expect(tone.gapShare, 'share of gaps').toBeLessThan(0.02);
  return tone;
}

export function say(call: Call, hz: number, ms: number): void {
  call.play(sineTone(hz, ms, SAID_DBM0));
}

/** What the engine counted, told with whatever went wrong: was it us, the peer, or a machine with too much to do? */
async function judged<T>(calls: readonly Call[], judge: () => Promise<T>): Promise<T> {
  try {
    return await judge();
  } catch (error) {
    const names = [
      'receivedPackets',
      'receivedLost',
      'receivedLate',
      'receivedForeign',
      'maxJitterMs',
      'concealedMs',
      'silenceMs',
    ] as const;
    const sent = ['sentPackets', 'sentEmptySlots', 'sentSkipped', 'longestGapMs'] as const;
    const counted = calls.map((call) => {
      const stats = call.stats();
      const text = stats === undefined ? 'no media' : [...names, ...sent].map((name) => `${name} ${Math.round(stats[name])}`).join(', ');
      return `${call.direction} ${call.codec} ${call.state}: ${text}`;
    });
    throw new Error([error instanceof Error ? error.message : String(error), ...counted].join('\n'), { cause: error });
  }
}

let files = 0;

/** Says a tone to a far end that echoes. What came back, judged, and how long it took: both out of one stereo recording, so on one clock. */
export function expectEcho(call: Call, hz = 1000, options: { readonly withinDb?: number } = {}): Promise<{ roundTripMs: number }> {
  return judged([call], async () => {
    const ear = new Ear(call);
    mkdirSync(join(peers.work, 'rec'), { recursive: true });
    const recording = call.record(join(peers.work, 'rec', `${process.pid}-${++files}.wav`), { stereo: true });
    say(call, hz, 1500);
    await ear.hears(hz, 1300);
    await sleep(400);
    const { path } = await recording.stop();
    const sound = readWav(readFileSync(path));
    const [heard, said] = [0, 1].map((channel) => new Heard(soundChannel(sound, channel), sound.sampleRate)) as [Heard, Heard];
    expectTone(heard, hz, options.withinDb);
    expectTone(ear.heard, hz, options.withinDb);
    const roundTripMs = heard.onsetMs! - said.onsetMs!;
    expect(roundTripMs, 'round trip').toBeGreaterThanOrEqual(0);
    expect(roundTripMs, 'round trip').toBeLessThan(500);
    return { roundTripMs };
  });
}

/** Each says a tone of its own, and hears the other's. */
export function expectTalk(a: Call, b: Call, options: { readonly withinDb?: number } = {}): Promise<void> {
  return judged([a, b], async () => {
    const ears = [new Ear(a), new Ear(b)] as const;
    const hz = [700, 1300] as const;
    say(a, hz[0], 1500);
    say(b, hz[1], 1500);
    await Promise.all([ears[1].hears(hz[0], 1300), ears[0].hears(hz[1], 1300)]);
    await sleep(300);
    expectTone(ears[1].heard, hz[0], options.withinDb);
    expectTone(ears[0].heard, hz[1], options.withinDb);
  });
}
