/** One of the two processes of the soak: a bot that calls the other and is called by it, until it is told to stop. Speaks over its parent's channel. */
import { type Call, EchoBot, SipBot, type SipBotOptions } from 'sipbot';
import { SeededRandom } from 'sipbot/testing';
import { live, type Surroundings } from './life.js';
import { type Sample, takeSample } from './sample.js';

export interface PartyStart {
  readonly name: string;
  readonly seed: number;
  readonly registrar: string;
}

/** Where the other listens. */
export interface PartyPeer {
  readonly udp: number;
  readonly tcp: number;
  /** Calls to keep up. */
  readonly slots: number;
}

export interface PartyReport {
  readonly sample: Sample;
  readonly placed: number;
  readonly answered: number;
  readonly received: number;
  readonly actions: number;
  /** What calls and actions were refused with, by code. */
  readonly refusals: Readonly<Record<string, number>>;
  /** What should not have been: no code of ours, or nobody's. */
  readonly faults: readonly string[];
}

const HOST = '127.0.0.1';
const MEAN_LIFE_MS = 12_000;
const MAX_LIFE_MS = 90_000;

const codecs = [['pcmu'], ['g722', 'pcma'], ['opus', 'pcmu'], ['pcma']] as const;
const srtps = ['off', 'accept', 'optional'] as const;

let bot: SipBot;
let random: SeededRandom;
let peer: PartyPeer;
let isRunning = true;
const count = { placed: 0, answered: 0, received: 0, actions: 0 };
const refusals: Record<string, number> = {};
const faults: string[] = [];
const slots: Promise<void>[] = [];

process.on('unhandledRejection', (error) => fault(error));
process.on('uncaughtException', (error) => fault(error));

function fault(error: unknown): void {
  if (faults.length < 20) faults.push(error instanceof Error ? `${error.stack}` : String(error));
}

/** What the library says that it could not do now is no fault. */
function refused(error: unknown): void {
  const { code, status } = error as { readonly code?: string; readonly status?: number };
  if (typeof code !== 'string' || !/^ERR_[A-Z_]+$/.test(code)) {
    fault(error);
    return;
  }
  const key = status ? `${code} ${status}` : code;
  refusals[key] = (refusals[key] ?? 0) + 1;
}

const pick = <T>(list: readonly T[]): T => list[random.uint32() % list.length]!;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const lifeMs = (): number => Math.min(MAX_LIFE_MS, -Math.log(1 - random.fraction()) * MEAN_LIFE_MS);

function target(): string {
  return random.fraction() < 0.3 ? `sip:x@${HOST}:${peer.tcp};transport=tcp` : `sip:x@${HOST}:${peer.udp}`;
}

const around: Surroundings = {
  get random() {
    return random;
  },
  elsewhere: target,
  others: (call) => [...bot.calls.values()].filter((other) => other !== call && other.state === 'answered'),
  tell: (_action, error) => {
    count.actions++;
    if (error !== undefined) refused(error);
  },
};

function watch(call: Call): void {
  call.on('transferRequest', (request) => {
    if (random.fraction() < 0.2) return request.reject();
    const next = request.accept();
    if (next !== undefined && next !== call) next.once('answered', () => void live(next, lifeMs(), around));
  });
}

/** Somebody calls: any of what a callee may do. */
async function receive(call: Call): Promise<void> {
  count.received++;
  watch(call);
  const whim = random.fraction();
  if (whim < 0.08) return call.reject(pick([486, 603, 480]));
  if (whim < 0.11) return call.redirect(target());
  if (whim < 0.14) throw new Error('a bot that throws');
  if (whim < 0.35) await call.ring();
  else if (whim < 0.45) await call.progress({ reliable: pick(['never', 'ifSupported']) });
  if (whim > 0.93) return void (await call.ring()); // Never answered: the caller gives up.
  if (whim < 0.45) await pause(1500 * random.fraction());
  await call.answer(random.fraction() < 0.5 ? { bot: new EchoBot() } : {});
  void live(call, lifeMs(), around);
}

/** One place for a call, always taken but for a moment between two. */
async function slot(): Promise<void> {
  while (isRunning) {
    await pause(2000 * random.fraction());
    if (!isRunning) return;
    count.placed++;
    const cancel = new AbortController();
    const patience = setTimeout(() => cancel.abort(), random.fraction() < 0.1 ? 1000 * random.fraction() : 8000);
    try {
      const call = await bot.dial(target(), {
        codecs: [...pick(codecs)],
        srtp: pick(srtps),
        redirects: 'follow',
        signal: cancel.signal,
        onCall: watch,
      });
      clearTimeout(patience);
      count.answered++;
      await live(call, lifeMs(), around);
    } catch (error) {
      refused(error);
    } finally {
      clearTimeout(patience);
    }
  }
}

async function begin({ name, seed, registrar }: PartyStart): Promise<object> {
  random = new SeededRandom(seed);
  const options: SipBotOptions = {
    uri: `sip:${name}@${registrar}`,
    password: name,
    expiresS: 60,
    listen: [
      { transport: 'udp', host: HOST },
      { transport: 'tcp', host: HOST },
    ],
    rtpHost: HOST,
    rtpPorts: name === 'a' ? [21_000, 22_999] : [23_000, 24_999],
    threads: 1,
    allow: ['127.0.0.0/8'],
    ringTimeoutMs: 20_000,
    maxCalls: 200,
    sessionExpiresS: 90,
  };
  bot = new SipBot(options);
  bot.on('call', receive);
  bot.on('error', (error) => {
    if (!/a bot that throws/.test(String(error))) refused(error);
  });
  // Tried again by itself, and told once for an outage: on a busy machine the registrar may be late.
  bot.on('registrationFailed', ({ status }) => refused({ code: 'ERR_REGISTRATION', status }));
  await bot.start();
  const port = (transport: string): number => bot.addresses.find((address) => address.transport === transport)!.port;
  return { udp: port('udp'), tcp: port('tcp') };
}

function report(): PartyReport {
  return { sample: takeSample(bot), ...count, refusals, faults };
}

type Order = 'sample' | 'rest' | 'stop' | { readonly start: PartyStart } | { readonly peer: PartyPeer };

async function obey(order: Order): Promise<object> {
  if (order === 'sample') return report();
  if (order === 'rest') {
    isRunning = false;
    await Promise.all(slots);
    return {};
  }
  if (order === 'stop') {
    await bot.stop();
    return {};
  }
  if ('start' in order) return begin(order.start);
  peer = order.peer;
  for (let i = 0; i < peer.slots; i++) slots.push(slot());
  return {};
}

process.on('message', (order: Order) => {
  obey(order).then(
    (answer) => process.send!(answer),
    (error: unknown) => process.send!({ failed: String((error as Error).stack) }),
  );
});
process.send!({});
