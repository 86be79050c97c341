/**
 * Barge-in as the caller hears it, over loopback with G.711: from the packet with the first speech sample to the bot's voice softer, and to
 * silence, in the caller's audio (behind the caller's own jitter buffer). And the ledger against what was received.
 * `npx tsx bench/barge-in.ts [--times 30]`
 */
import { parseArgs } from 'node:util';
import { type Call, type Said, SipBot } from '../src/index.js';
import { TestSpeech } from '../src/testing.js';

const speech = new TestSpeech(['one', 'two', 'no']);
const LONG = Array.from({ length: 12 }, () => 'one').join(' ');
const FRAME = 320;
const { values } = parseArgs({ options: { times: { type: 'string', default: '30' }, frame: { type: 'string', default: '10' } } });

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const loopback = { listen: [{ transport: 'udp' as const, host: '127.0.0.1' }], rtpHost: '127.0.0.1', codecs: ['pcmu' as const] };

/** A voice without pauses: where it is silent, it was stopped. */
const hum = {
  async *speak() {
    const samples = Int16Array.from({ length: 4000 * 16 }, (_, i) => 6000 * Math.sin((2 * Math.PI * 700 * i) / 16_000));
    yield { samples, sampleRate: 16_000 };
  },
};

interface Measured {
  readonly duckMs: number;
  readonly stopMs: number;
  readonly ledgerMs: number;
  readonly said: Said;
}

async function once(caller: SipBot, bot: SipBot, sound: Int16Array): Promise<Measured> {
  let answered: Call | undefined;
  bot.once('call', async (call) => {
    await call.answer();
    answered = call;
  });
  const { host, port } = bot.addresses[0]!;
  const call = await caller.dial(`sip:bot@${host}:${port}`);
  const frames: { readonly at: number; readonly level: number; readonly sounding: number }[] = [];
  let firstSent = 0;
  call.capture(({ direction, bytes }) => {
    // µ-law silence is 0xff; speech is anything louder.
    if (direction === 'out' && firstSent === 0 && bytes.length === 172 && bytes.subarray(12).some((b) => (b & 0x7f) < 0x60))
      firstSent = performance.now();
  });
  call.audio.on('frame', ({ samples }) => {
    let sum = 0;
    let sounding = 0;
    for (const sample of samples) {
      sum += sample * sample;
      if (Math.abs(sample) > 60) sounding++;
    }
    frames.push({ at: performance.now(), level: Math.sqrt(sum / FRAME), sounding });
  });
  while (answered === undefined) await sleep(5);
  await sleep(400);
  const saying = answered.say(LONG, { voice: hum });
  await sleep(1500 + Math.random() * 20);
  const full = Math.max(...frames.map(({ level }) => level));
  call.audio.write(sound);
  await sleep(1200);
  const after = frames.filter(({ at }) => at > firstSent && firstSent > 0);
  const duckMs = (after.find(({ level }) => level < full / 2)?.at ?? Number.NaN) - firstSent;
  const stopMs = (after.find(({ level }) => level < full / 100)?.at ?? Number.NaN) - firstSent;
  const isStopped = !Number.isNaN(stopMs);
  if (!isStopped) await sleep(2500);
  const said = await saying.done;
  await sleep(100);
  // A sine is softer than 60 for a sample or two at each zero: count from the first frame of sound to the last instead of samples.
  const sounding = frames.filter(({ sounding: count }) => count > 40).length * 20;
  await call.hangup();
  return { duckMs, stopMs, ledgerMs: Math.abs(sounding - said.playedMs), said };
}

function row(name: string, all: readonly number[]): void {
  const sorted = all.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN).toFixed(0);
  console.log(`| ${name} | ${at(0.5)} | ${at(0.9)} | ${at(1)} | ${sorted.length} |`);
}

const bot = new SipBot({ ...loopback, audio: { frameMs: Number(values.frame) === 10 ? 10 : 20 } });
const caller = new SipBot({ ...loopback });
await Promise.all([bot.start(), caller.start()]);
const spoken: Measured[] = [];
const coughed: Measured[] = [];
const cough = Int16Array.from({ length: 80 * 16 }, (_, i) => 9000 * Math.exp(-i / 900) * (2 * Math.random() - 1));
for (let i = 0; i < Number(values.times); i++) spoken.push(await once(caller, bot, speech.samples('no no no no')));
for (let i = 0; i < Number(values.times) / 3; i++) coughed.push(await once(caller, bot, cough));
console.log('| at the caller, ms | p50 | p90 | worst | of |\n|---|---|---|---|---|');
row(
  'first speech sample sent → softer',
  spoken.map(({ duckMs }) => duckMs),
);
row(
  'first speech sample sent → silence',
  spoken.map(({ stopMs }) => stopMs),
);
row(
  '`playedMs` against what was received',
  spoken.map(({ ledgerMs }) => ledgerMs),
);
row(
  'cough → softer',
  coughed.map(({ duckMs }) => duckMs),
);
console.log(`cough: ${coughed.filter(({ said }) => said.outcome === 'completed').length} of ${coughed.length} sentences to their end`);
await Promise.all([bot.stop(), caller.stop()]);
process.exit(0);
