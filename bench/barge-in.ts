/**
 * Barge-in over loopback with G.711: from the packet with the first speech sample to the bot's voice softer, and to silence; on the caller's wire and
 * at the caller's ear, behind the jitter buffer there. And `playedMs` against the samples that arrived.
 * `npm run bench -- barge-in [--times 30] [--frame 10] [--threads 1]`
 */
import { parseArgs } from 'node:util';
import { type Call, type Said, SipBot } from '../src/index.js';
import { noise, SeededRandom, TestSpeech, WireTrack } from '../src/testing.js';
import { save } from './report.js';

const speech = new TestSpeech(['one', 'two', 'no']);
const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '30' },
    frame: { type: 'string', default: '10' },
    threads: { type: 'string', default: '1' },
  },
});

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const loopback = {
  listen: [{ transport: 'udp' as const, host: '127.0.0.1' }],
  rtpHost: '127.0.0.1',
  codecs: ['pcmu' as const],
  threads: Number(values.threads),
};

/** A voice without pauses: where it is silent, it was stopped. */
const hum = {
  async *speak() {
    const samples = Int16Array.from({ length: 3000 * 16 }, (_, i) => 6000 * Math.sin((2 * Math.PI * 700 * i) / 16_000));
    yield { samples, sampleRate: 16_000 };
  },
};

interface Measured {
  readonly wireDuckMs: number;
  readonly wireStopMs: number;
  readonly earDuckMs: number;
  readonly earStopMs: number;
  /** At the bot: until its ears were sure. */
  readonly sureMs: number;
  readonly ledgerMs: number;
  readonly said: Said;
}

const levelOf = (samples: Int16Array): number => Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);

async function once(caller: SipBot, bot: SipBot, sound: Int16Array): Promise<Measured> {
  let answered: Call | undefined;
  let sureAt = Number.NaN;
  bot.once('call', async (call) => {
    call.on('speechStart', () => {
      sureAt = Date.now();
    });
    await call.answer();
    answered = call;
  });
  const { host, port } = bot.addresses[0]!;
  const call = await caller.dial(`sip:bot@${host}:${port}`);
  const { in: track, out: mine } = WireTrack.of(call);
  const ear: { readonly at: number; readonly level: number }[] = [];
  call.audio.on('frame', ({ samples }) => ear.push({ at: Date.now(), level: levelOf(samples) }));
  while (answered === undefined) await sleep(5);
  await sleep(400);
  const saying = answered.say('hum', { voice: hum });
  await sleep(1500 + Math.random() * 20);
  call.audio.write(sound);
  const said = await saying.done;
  await sleep(200);
  await call.hangup();
  const from = mine.sounds[0]!;
  const full = Math.max(...track.levels);
  const wire = track.sounds.map((at, i) => ({ at, level: track.levels[i]! })).filter(({ at }) => at >= from);
  const heard = ear.filter(({ at }) => at >= from);
  const first = (all: typeof ear, below: number): number => (all.find(({ level }) => level < below)?.at ?? Number.NaN) - from;
  return {
    wireDuckMs: first(wire, full / 2),
    // The packet behind the last that sounds would have come 20 ms later.
    wireStopMs: said.outcome === 'interrupted' ? (wire.at(-1)?.at ?? from) + 20 - from : Number.NaN,
    earDuckMs: first(heard, full / 2),
    earStopMs: said.outcome === 'interrupted' ? first(heard, full / 100) : Number.NaN,
    sureMs: sureAt - from,
    ledgerMs: Math.abs(track.soundingSamples / 8 - said.playedMs),
    said,
  };
}

function row(name: string, all: readonly number[]): void {
  const sorted = all.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN).toFixed(1).replace('.0', '');
  console.log(`| ${name} | ${at(0.5)} | ${at(0.9)} | ${at(1)} | ${sorted.length} of ${all.length} |`);
}

const bot = new SipBot({ ...loopback, audio: { frameMs: Number(values.frame) === 10 ? 10 : 20 } });
const caller = new SipBot(loopback);
await Promise.all([bot.start(), caller.start()]);
const spoken: Measured[] = [];
const coughed: Measured[] = [];
const random = new SeededRandom(1);
for (let i = 0; i < Number(values.times); i++) spoken.push(await once(caller, bot, speech.samples('no no no no')));
for (let i = 0; i < Number(values.times) / 3; i++) coughed.push(await once(caller, bot, noise('cough', random)));
console.log('| ms, from the first speech sample sent | p50 | p90 | worst | of |\n|---|---|---|---|---|');
const rows: readonly (readonly [string, keyof Measured])[] = [
  ["softer, on the caller's wire", 'wireDuckMs'],
  ["softer, at the caller's ear", 'earDuckMs'],
  ['the bot is sure (`speechStart`)', 'sureMs'],
  ["silence, on the caller's wire", 'wireStopMs'],
  ["silence, at the caller's ear", 'earStopMs'],
  ['`playedMs` against the samples that arrived', 'ledgerMs'],
];
for (const [name, key] of rows)
  row(
    name,
    spoken.map((one) => one[key] as number),
  );
row(
  'a cough of 80 ms: softer, at the ear',
  coughed.map(({ earDuckMs }) => earDuckMs),
);
row(
  'a cough: `playedMs` against the samples that arrived',
  coughed.map(({ ledgerMs }) => ledgerMs),
);
console.log(`coughs: ${coughed.filter(({ said }) => said.outcome === 'completed').length} of ${coughed.length} sentences to their end`);
save('barge-in', { spoken, coughed });
await Promise.all([bot.stop(), caller.stop()]);
process.exit(0);
