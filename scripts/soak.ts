/**
 * `npm run soak -- [--minutes 60] [--calls 20] [--every 15] [--seed 1] [--out soak-report] [--write]`: two processes call each other over real sockets, calls
 * of random length with random actions at a steady load, and what they hold is sampled. Fails when anything rises, when anything is left after the last
 * call, or when anything went wrong that should not have. --write puts the plot and the samples into docs/.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { LocalRegistrar } from 'sipbot/testing';
import type { PartyReport } from './soak/party.js';
import { drawPanels } from './soak/plot.js';
import type { Sample, Series } from './soak/sample.js';
import { type Trend, trendOf } from './soak/trend.js';

/** What the first minutes do that later ones do not: code is compiled, pools grow to their size. */
const WARMUP = 1 / 6;
/** All series of both processes together may raise a false alarm this often. */
const FALSE_ALARM = 0.01;
/** After the last call: Timer H and J of the last transactions (32 s), resting ports, lingering sockets. */
const REST_S = 45;
/** Then for so many seconds until nothing is left: a registration may just have been refreshed, and its transaction lives for Timer K (5 s). */
const LAST_LOOKS = 10;

const LABELS: Readonly<Record<Series, string>> = {
  rssMb: 'RSS, MB',
  heapMb: 'heap after a collection, MB',
  externalMb: 'external memory, MB',
  fileDescriptors: 'file descriptors',
  handles: 'handles of the main thread',
  nodeTimers: 'Node timers',
  calls: 'calls',
  dialogs: 'dialogs',
  requests: 'requests under way',
  transactions: 'transactions',
  timers: 'SIP timers armed',
  ports: 'media ports lent',
  streams: 'streams in media threads',
  liveCalls: 'Call objects alive',
  liveSessions: 'CallSession objects alive',
  liveDialogs: 'Dialog objects alive',
  liveStreams: 'MediaStream objects alive',
  liveSounds: 'Playout and Recording objects alive',
};
/** What the traffic itself makes: zero is where they end. */
const EMPTY_AT_THE_END: readonly Series[] = [
  'calls',
  'dialogs',
  'ports',
  'streams',
  'transactions',
  'liveCalls',
  'liveSessions',
  'liveDialogs',
  'liveStreams',
  'liveSounds',
];

class Party {
  readonly name: string;
  readonly samples: Sample[] = [];
  readonly atS: number[] = [];
  last: PartyReport | undefined;
  readonly #process: ChildProcess;

  constructor(name: string) {
    this.name = name;
    this.#process = fork(fileURLToPath(new URL('./soak/party.ts', import.meta.url)), [], {
      execArgv: ['--import', 'tsx', '--expose-gc', '--disable-warning=ExperimentalWarning'],
    });
  }

  /** What it says next. */
  answer<T>(): Promise<T> {
    return new Promise((resolve, reject) => {
      const gone = (code: number | null, signal: string | null): void => reject(new Error(`${this.name} is gone: ${code ?? signal}`));
      this.#process.once('exit', gone);
      this.#process.once('message', (message: T & { failed?: string }) => {
        this.#process.off('exit', gone);
        if (message.failed === undefined) resolve(message);
        else reject(new Error(message.failed));
      });
    });
  }

  ask<T>(order: unknown): Promise<T> {
    this.#process.send(order as object);
    return this.answer<T>();
  }

  async sample(): Promise<PartyReport> {
    const report = await this.ask<PartyReport>('sample');
    this.last = report;
    return report;
  }

  async note(began: number): Promise<void> {
    const { sample } = await this.sample();
    this.samples.push(sample);
    this.atS.push((performance.now() - began) / 1000);
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}

interface Row {
  readonly party: string;
  readonly series: Series;
  readonly trend: Trend;
  readonly atTheEnd: number;
}

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    calls: { type: 'string', default: '20' },
    every: { type: 'string', default: '15' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: 'soak-report' },
    write: { type: 'boolean', default: false },
  },
});
const minutes = Number(values.minutes);
const everyS = Number(values.every);
const calls = Number(values.calls);
if (!(minutes > 0 && everyS > 0 && calls >= 2)) throw new Error('--minutes, --every and --calls are numbers above 0');

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const registrar = new LocalRegistrar({ users: { a: 'a', b: 'b' } });
const parties = [new Party('a'), new Party('b')] as const;
try {
  process.exitCode = (await soak()) ? 0 : 1;
} finally {
  for (const party of parties) party.kill();
  await registrar.close();
}

async function soak(): Promise<boolean> {
  await Promise.all(parties.map((party) => party.answer()));
  await registrar.start();
  const [a, b] = parties;
  const seed = Number(values.seed);
  const ports = await Promise.all(
    parties.map((party, i) => party.ask<object>({ start: { name: party.name, seed: seed + i, registrar: registrar.address } })),
  );
  await a.ask({ peer: { ...ports[1], slots: Math.ceil(calls / 2) } });
  await b.ask({ peer: { ...ports[0], slots: Math.floor(calls / 2) } });
  const began = performance.now();
  for (let n = 1; n * everyS <= minutes * 60; n++) {
    await pause(began + n * everyS * 1000 - performance.now());
    await Promise.all(parties.map((party) => party.note(began)));
    if (n % Math.max(1, Math.round(60 / everyS)) === 0) progress(n * everyS);
  }
  await Promise.all(parties.map((party) => party.ask('rest')));
  // The last calls received are ended by whoever placed them, or by the time they were given.
  while ((await Promise.all(parties.map((party) => party.sample()))).some(({ sample }) => sample.calls > 0)) await pause(5000);
  await pause(REST_S * 1000);
  const ends = await lastLook();
  await Promise.all(parties.map((party) => party.ask('stop')));
  return conclude(ends);
}

async function lastLook(): Promise<readonly PartyReport[]> {
  for (let looks = 1; ; looks++) {
    const ends = await Promise.all(parties.map((party) => party.sample()));
    const isEmpty = ends.every(({ sample }) => EMPTY_AT_THE_END.every((series) => sample[series] === 0));
    if (isEmpty || looks === LAST_LOOKS) return ends;
    await pause(1000);
  }
}

function progress(atS: number): void {
  const told = parties.map(({ name, last }) => {
    const { sample, placed, answered, faults } = last!;
    return `${name}: ${sample.calls} calls up, ${placed} placed, ${answered} answered, ${sample.rssMb.toFixed(0)} MB, heap ${sample.heapMb.toFixed(1)} MB, ${faults.length} faults`;
  });
  console.log(`${Math.round(atS / 60)} min  ${told.join('   ')}`);
}

function conclude(ends: readonly PartyReport[]): boolean {
  const warm = Math.floor(parties[0].samples.length * WARMUP);
  const names = Object.keys(LABELS) as Series[];
  const rows = names.flatMap((series) =>
    parties.map((party, i): Row => {
      const measured = party.samples.slice(warm).map((sample) => sample[series]);
      const blockS = Math.max(everyS, Math.min(120, (measured.length * everyS) / 12));
      return { party: party.name, series, trend: trendOf(measured, party.atS.slice(warm), blockS), atTheEnd: ends[i]!.sample[series] };
    }),
  );
  const limit = FALSE_ALARM / rows.length;
  const wrong = [
    ...rows.filter(({ trend }) => trend.p < limit).map(({ party, series }) => `${party}: ${LABELS[series]} rises`),
    ...rows
      .filter(({ series, atTheEnd }) => EMPTY_AT_THE_END.includes(series) && atTheEnd !== 0)
      .map(({ party, series, atTheEnd }) => `${party}: ${LABELS[series]} is ${atTheEnd} after the last call`),
    ...parties.flatMap(({ name }, i) => ends[i]!.faults.map((fault) => `${name}: ${fault}`)),
  ];
  const table = tableOf(rows, limit);
  console.log(`\n${table}\n`);
  for (const [i, { name }] of parties.entries()) {
    const { placed, answered, received, actions, refusals } = ends[i]!;
    console.log(
      `${name}: ${placed} calls placed, ${answered} answered, ${received} received, ${actions} actions; refusals ${JSON.stringify(refusals)}`,
    );
  }
  save(names, ends, rows);
  console.log(wrong.length === 0 ? '\nsoak: nothing rises, nothing is left' : `\nsoak: FAILED\n${wrong.join('\n')}`);
  return wrong.length === 0;
}

function tableOf(rows: readonly Row[], limit: number): string {
  return [
    '| | process | mean | slope per hour | z | p | after the last call |',
    '|---|---|---:|---:|---:|---:|---:|',
    ...rows.map(({ party, series, trend: { mean, slope, z, p }, atTheEnd }) => {
      const cells = [
        LABELS[series],
        party,
        mean.toFixed(1),
        signed(slope, 2),
        signed(z, 2),
        p.toFixed(3),
        atTheEnd.toFixed(mean % 1 === 0 ? 0 : 1),
      ];
      return `| ${cells.join(' | ')} |`;
    }),
    '',
    `One-sided Mann-Kendall over blocks of two minutes after the first sixth of the time; a series rises when p < ${limit.toExponential(1)} (${FALSE_ALARM} over ${rows.length} series).`,
  ].join('\n');
}

function signed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  return value >= 0 ? `+${text}` : text;
}

function save(names: readonly Series[], ends: readonly PartyReport[], rows: readonly Row[]): void {
  const panels = names.map((series) => ({
    title: LABELS[series],
    lines: parties.map((party) => party.samples.map((sample) => sample[series])),
  }));
  const placed = ends.reduce((sum, end) => sum + end.placed, 0);
  const svg = drawPanels(`${minutes} minutes, ${placed} calls, about ${calls} at once; two processes`, panels, minutes, minutes * WARMUP);
  const samples = parties.map(({ name, samples, atS }) => ({
    party: name,
    atS: atS.map(Math.round),
    samples: Object.fromEntries(names.map((series) => [series, samples.map((sample) => Number(sample[series].toFixed(2)))])),
  }));
  const totals = ends.map(({ placed, answered, received, actions, refusals, faults }) => ({
    placed,
    answered,
    received,
    actions,
    refusals,
    faults,
  }));
  const json = JSON.stringify({ minutes, everyS, calls, seed: values.seed, node: process.version, totals, rows, samples });
  const folder = values.write ? fileURLToPath(new URL('../docs', import.meta.url)) : values.out;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'soak.svg'), svg);
  writeFileSync(join(folder, 'soak.json'), `${json}\n`);
  console.log(`${join(folder, 'soak.svg')}, ${join(folder, 'soak.json')}`);
}
