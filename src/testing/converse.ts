/** Many scripted conversations with a bot, each a call in a world of its own, and the report of them. A seed gives the same run on every machine. */

import type { SpeechToText } from '../bot/speech/speech-to-text.js';
import type { TextToSpeech } from '../bot/speech/text-to-speech.js';
import type { Call, SipBot, SipBotOptions, Turn } from '../bot.js';
import { type ConversationReport, type ConversationResult, judge, reportOf } from './conversation-report.js';
import { ManualClock } from './manual-clock.js';
import { MemoryNetwork, type MemoryNetworkOptions } from './memory-network.js';
import { realClock } from './real-clock.js';
import { SeededRandom } from './seeded-random.js';
import { SimulatedCaller } from './simulated-caller.js';
import { type TestCall, TestCaller, type TestClock } from './test-caller.js';

/** What one caller does. When it returns, the caller hangs up; what it throws is a failure of that conversation. */
export type CallerScript = (caller: SimulatedCaller) => Promise<void>;

export interface ConverseOptions {
  /**
   * Makes the bot of one conversation with these options, not started; speech that takes real time goes through `heldSpeech`. Or the SIP URI of one
   * that runs elsewhere (then `over: 'sockets'`).
   */
  readonly bot: string | ((options: SipBotOptions, clock: TestClock) => SipBot | Promise<SipBot>);
  /** By name; each conversation draws one. */
  readonly scripts: Readonly<Record<string, CallerScript>>;
  /** The callers' voice. */
  readonly voice: TextToSpeech;
  /** Writes down what the callers hear. */
  readonly ear?: SpeechToText;
  /** @default 100 */
  readonly count?: number;
  /** @default 1 */
  readonly seed?: number;
  /** This one alone, by its number in the report. */
  readonly only?: number;
  /** 'memory': on a turned clock, as fast as the machine can; 'sockets': on loopback, in real time. @default 'memory' */
  readonly over?: 'memory' | 'sockets';
  /** The weather in memory: delay, jitter, loss. @default 20 ms of delay */
  readonly network?: Omit<MemoryNetworkOptions, 'clock' | 'seed'>;
  /** How many at once over sockets. @default 1 */
  readonly atOnce?: number;
  /** Told of each as it ends. */
  readonly onResult?: (result: ConversationResult) => void;
}

export async function converse(options: ConverseOptions): Promise<ConversationReport> {
  const { count = 100, seed = 1, only, over = 'memory', atOnce = 1 } = options;
  const numbers = only === undefined ? Array.from({ length: count }, (_, i) => i + 1) : [only];
  const results: ConversationResult[] = [];
  const worker = async (): Promise<void> => {
    for (let number = numbers.shift(); number !== undefined; number = numbers.shift()) {
      const result = await conversation(options, number, seed * 100_003 + number);
      results.push(result);
      options.onResult?.(result);
    }
  };
  await Promise.all(Array.from({ length: over === 'memory' ? 1 : atOnce }, worker));
  return reportOf(results.sort((a, b) => a.number - b.number));
}

/** What the bot's side of one call tells. */
class BotSide {
  readonly failures: string[] = [];
  keys = '';
  #call: Call | undefined;

  watch(bot: SipBot): void {
    bot.on('call', (call) => {
      this.#call = call;
      call.on('dtmf', (digit) => {
        this.keys += digit;
      });
    });
    bot.on('error', (error) => this.failures.push(`the bot: ${String(error)}`));
  }

  get turns(): readonly Turn[] {
    return this.#call?.turns ?? [];
  }
}

async function conversation(options: ConverseOptions, number: number, seed: number): Promise<ConversationResult> {
  const random = new SeededRandom(seed);
  const names = Object.keys(options.scripts);
  const script = names[Math.floor(random.fraction() * names.length)]!;
  const isMemory = (options.over ?? 'memory') === 'memory';
  const clock = isMemory ? new ManualClock() : realClock;
  const network = isMemory ? new MemoryNetwork({ delayMs: 20, ...options.network, clock: clock as ManualClock, seed }) : undefined;
  const bot = typeof options.bot === 'string' ? options.bot : await options.bot(optionsOf(clock, network, random), clock);
  const side = new BotSide();
  const caller = new TestCaller({ clock, seed, bot: { codecs: ['pcmu', 'pcma'] }, ...(network === undefined ? {} : { network }) });
  let simulated: SimulatedCaller | undefined;
  const failures: string[] = [];
  const startedAt = clock.wall();
  try {
    if (typeof bot !== 'string') {
      side.watch(bot);
      await caller.until(bot.start());
    }
    simulated = new SimulatedCaller(await caller.call(bot), clock, options.voice, random);
    await options.scripts[script]!(simulated);
    await simulated.hangup();
  } catch (error) {
    failures.push(error instanceof Error ? error.message : String(error));
  }
  const endedAt = clock.wall();
  await caller.stop();
  if (typeof bot !== 'string') await caller.until(bot.stop());
  const { call, deeds = [], failures: noted = [], track } = simulated ?? {};
  const writtenDown = call === undefined || options.ear === undefined ? undefined : await writeDown(options.ear, call);
  const judged =
    track === undefined ? NOTHING : judge({ deeds, track, turns: side.turns, keysHeard: keysOf(bot, side, deeds), writtenDown, endedAt });
  return { number, seed, script, durationMs: endedAt - startedAt, ...judged, failures: [...failures, ...noted, ...side.failures] };
}

const NONE = { of: 0, done: 0 };
/** The call did not come to be. */
const NOTHING = { turns: [], latencyMs: [], stopMs: [], coughs: NONE, keys: NONE, understood: NONE, heard: NONE, arrived: NONE };

function optionsOf(clock: TestClock, network: MemoryNetwork | undefined, random: SeededRandom): SipBotOptions {
  if (network === undefined) return { listen: [{ transport: 'udp', host: '127.0.0.1', port: 0 }], rtpHost: '127.0.0.1' };
  return { clock, network, random: new SeededRandom(random.uint32()), rtpPorts: [10_000, 20_000] };
}

/** A bot in another process does not tell which keys it heard: none are asked for. */
function keysOf(bot: SipBot | string, side: BotSide, deeds: SimulatedCaller['deeds']): string {
  if (typeof bot !== 'string') return side.keys;
  return deeds.map(({ kind, text }) => (kind === 'keys' ? text : '')).join('');
}

async function writeDown(ear: SpeechToText, { heard }: TestCall): Promise<string> {
  const recognition = ear.recognise({ sampleRate: heard.sampleRate });
  recognition.write(heard.samples);
  recognition.endUtterance();
  recognition.end();
  const texts: string[] = [];
  for await (const { text, isFinal } of recognition) if (isFinal) texts.push(text);
  return texts.join(' ');
}
