/**
 * Barge-in over loopback with G.711: from the packet with the first speech sample to the bot's voice softer, and to silence; on the caller's wire and
 * at the caller's ear, behind the jitter buffer there, to the sample; and on which stretch of the way the time goes. And `playedMs` against the
 * samples that arrived.
 * `npm run bench -- barge-in [--times 30] [--frame 20] [--threads 1] [--over sockets|memory]`: in memory, on a turned clock, no machine stands still.
 */
import { parseArgs } from 'node:util';
import { type Call, type Said, SipBot, type SipBotOptions } from '../src/index.js';
import { realClock } from '../src/testing/real-clock.js';
import { ManualClock, MemoryNetwork, noise, SeededRandom, type TestClock, TestSpeech, WireTrack } from '../src/testing.js';
import { save } from './report.js';

const speech = new TestSpeech(['one', 'two', 'no']);
const { values } = parseArgs({
  options: {
    times: { type: 'string', default: '30' },
    frame: { type: 'string', default: '20' },
    threads: { type: 'string', default: '1' },
    over: { type: 'string', default: 'sockets' },
  },
});

const manual = values.over === 'memory' ? new ManualClock() : undefined;
const clock: TestClock = manual ?? realClock;
const random = new SeededRandom(1);
const common = { listen: [{ transport: 'udp' as const, host: '127.0.0.1', port: 0 }], rtpHost: '127.0.0.1', codecs: ['pcmu' as const] };
const loopback: SipBotOptions =
  manual === undefined
    ? { ...common, threads: Number(values.threads) }
    : { ...common, clock: manual, network: new MemoryNetwork({ clock: manual, delayMs: 0.1 }) };

/** Turns the clock, or waits, until it has settled. */
async function until<T>(promise: Promise<T>): Promise<T> {
  let isDone = false;
  const done = (): void => {
    isDone = true;
  };
  promise.then(done, done);
  await clock.runUntil(() => isDone);
  return promise;
}

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
  /** The stretches of the way, one behind the other: together they are `earStopMs`. */
  readonly way: Way;
  readonly ledgerMs: number;
  readonly said: Said;
}

interface Way {
  /** The first packet on the network and in the bot's jitter buffer, until the bot's application has its first frame. */
  readonly toBot: number;
  /** From there until the ears notice, and until what they noticed has lasted long enough; frames come as packets do. */
  readonly noticed: number;
  readonly confirmed: number;
  /** Until the last packet with sound has reached the caller. */
  readonly playout: number;
  /** The sound in it: the fade, and what was taken before. */
  readonly lastPacket: number;
  /** In the caller's jitter buffer. */
  readonly toEar: number;
}

/** Softer is silence. */
const SOUNDS = 60;
const lastSoundOf = (samples: Int16Array): number => samples.findLastIndex((sample) => Math.abs(sample) > SOUNDS) + 1;
const levelOf = (samples: Int16Array): number => Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);

async function once(caller: SipBot, bot: SipBot, sound: Int16Array): Promise<Measured> {
  let answered: Call | undefined;
  let sureAt = Number.NaN;
  let startMs = Number.NaN;
  const first = { at: Number.NaN, timeMs: Number.NaN };
  bot.once('call', async (call) => {
    call.on('speechStart', ({ timeMs }) => {
      sureAt = clock.wall();
      startMs = timeMs;
    });
    call.audio.on('frame', ({ samples, timeMs }) => {
      const from = samples.findIndex((sample) => Math.abs(sample) > SOUNDS);
      if (from < 0 || !Number.isNaN(first.at)) return;
      first.at = clock.wall();
      first.timeMs = timeMs + (1000 * from) / call.sampleRate;
    });
    await call.answer();
    answered = call;
  });
  const { host, port } = bot.addresses[0]!;
  const call = await until(caller.dial(`sip:bot@${host}:${port}`));
  const { in: track, out: mine } = WireTrack.of(call);
  const ear: { readonly at: number; readonly level: number; readonly lastMs: number }[] = [];
  call.audio.on('frame', ({ samples }) =>
    ear.push({ at: clock.wall(), level: levelOf(samples), lastMs: (1000 * lastSoundOf(samples)) / call.sampleRate }),
  );
  await clock.runUntil(() => answered !== undefined);
  await clock.run(400);
  const saying = answered!.say('hum', { voice: hum });
  await clock.run(1500 + random.fraction() * 20);
  call.audio.write(sound);
  const said = await until(saying.done);
  await clock.run(200);
  await until(call.hangup());
  const from = mine.sounds[0]!;
  const full = Math.max(...track.levels);
  const wire = track.sounds.map((at, i) => ({ at, level: track.levels[i]! })).filter(({ at }) => at >= from);
  const heard = ear.filter(({ at }) => at >= from);
  const softer = (all: readonly { readonly at: number; readonly level: number }[]): number =>
    (all.find(({ level }) => level < full / 2)?.at ?? Number.NaN) - from;
  const isOver = said.outcome === 'interrupted';
  const lastWireAt = isOver ? (wire.at(-1)?.at ?? from) : Number.NaN;
  const lastHeard = heard.findLast(({ lastMs }) => lastMs > 0);
  const lastEarAt = isOver && lastHeard !== undefined ? lastHeard.at : Number.NaN;
  const lastPacket = track.lastSoundingMs;
  return {
    wireDuckMs: softer(wire),
    wireStopMs: lastWireAt + lastPacket - from,
    earDuckMs: softer(heard),
    earStopMs: lastEarAt + (lastHeard?.lastMs ?? 0) - from,
    sureMs: sureAt - from,
    way: {
      toBot: first.at - from,
      noticed: startMs - first.timeMs,
      confirmed: sureAt - first.at - (startMs - first.timeMs),
      playout: lastWireAt - sureAt,
      lastPacket,
      toEar: lastEarAt + (lastHeard?.lastMs ?? 0) - lastWireAt - lastPacket,
    },
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
await until(Promise.all([bot.start(), caller.start()]));
const spoken: Measured[] = [];
const coughed: Measured[] = [];
for (let i = 0; i < Number(values.times); i++) spoken.push(await once(caller, bot, speech.samples('no no no no')));
for (let i = 0; i < Number(values.times) / 3; i++) coughed.push(await once(caller, bot, noise('cough', random)));
console.log('| ms, from the first speech sample sent | p50 | p90 | worst | of |\n|---|---|---|---|---|');
const rows: readonly (readonly [string, Exclude<keyof Measured, 'way' | 'said'>])[] = [
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
    spoken.map((one) => one[key]),
  );
row(
  'a cough of 80 ms: softer, at the ear',
  coughed.map(({ earDuckMs }) => earDuckMs),
);
row(
  'a cough: `playedMs` against the samples that arrived',
  coughed.map(({ ledgerMs }) => ledgerMs),
);
console.log('\n| where they go, ms | p50 | p90 | worst | of |\n|---|---|---|---|---|');
const stretches: readonly (readonly [string, keyof Way])[] = [
  ["network, and the bot's jitter buffer", 'toBot'],
  ['until the detector takes it for what may be speech', 'noticed'],
  ['until that has lasted `confirmMs`', 'confirmed'],
  ["until the bot's last packet with sound is there", 'playout'],
  ['the sound in that packet', 'lastPacket'],
  ["the caller's jitter buffer", 'toEar'],
];
for (const [name, key] of stretches)
  row(
    name,
    spoken.map(({ way }) => way[key]),
  );
console.log(`coughs: ${coughed.filter(({ said }) => said.outcome === 'completed').length} of ${coughed.length} sentences to their end`);
save('barge-in', { spoken, coughed });
await until(Promise.all([bot.stop(), caller.stop()]));
process.exit(0);
