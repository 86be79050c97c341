/**
 * N echo calls in one process: what they cost, how punctual they are, what they add. `npm run bench -- calls [--calls 100,500,1000,1500]
 * [--rate 8000,16000] [--media plain,srtp] [--hold 20] [--threads 1] [--no-floor] [--json]`
 *
 * Three processes: this one only arranges; the target holds the calls (or is the floor: as many un-connected sockets, echoing the same
 * packets and doing nothing else); the generator sends and listens, and says how late it was itself. With two cores or more, target and
 * generator are kept on one core each (taskset), so that "core" means one. Take the figures on a quiet machine: the generator`s own
 * lateness bounds what it can say of the target`s.
 */
import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { GeneratorReport, GeneratorStart } from './calls-generator.js';
import type { TargetReport, TargetStart } from './calls-target.js';

interface Row {
  readonly kind: 'floor' | 'engine';
  readonly media: 'plain' | 'srtp';
  readonly calls: number;
  readonly rate: number;
  readonly target: TargetReport;
  readonly generator: GeneratorReport;
}

export async function run(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    allowPositionals: false,
    allowNegative: true,
    options: {
      calls: { type: 'string', default: '100,500,1000,1500' },
      rate: { type: 'string', default: '8000,16000' },
      media: { type: 'string', default: 'plain' },
      hold: { type: 'string', default: '20' },
      threads: { type: 'string', default: '1' },
      floor: { type: 'boolean', default: true },
      json: { type: 'boolean', default: false },
    },
  });
  const holdMs = Number(values.hold) * 1000;
  const rows: Row[] = [];
  for (const calls of values.calls.split(',').map(Number)) {
    if (values.floor) rows.push(await measure('floor', { calls, rate: 8000, media: 'plain', threads: 0 }, holdMs));
    for (const media of values.media.split(',') as ('plain' | 'srtp')[])
      for (const rate of values.rate.split(',').map(Number))
        rows.push(await measure('engine', { calls, rate, media, threads: Number(values.threads) }, holdMs));
    if (!values.json) print(rows.splice(0));
  }
  if (values.json) console.log(JSON.stringify(rows, undefined, 2));
}

async function measure(kind: Row['kind'], start: TargetStart, holdMs: number): Promise<Row> {
  const pins = availableParallelism() >= 2 && spawnSync('taskset', ['-V']).status === 0;
  const target = child('./calls-target.ts', [kind]);
  const generator = child('./calls-generator.ts', []);
  if (pins) {
    spawnSync('taskset', ['-a', '-p', '-c', '1', `${target.pid}`]);
    spawnSync('taskset', ['-a', '-p', '-c', '0', `${generator.pid}`]);
  }
  try {
    await Promise.all([answer(target), answer(generator)]);
    const { ports: from } = (await ask(generator, { sockets: 8 })) as { ports: number[] };

    const { ports, keys } = (await ask(target, { ...start, from })) as { ports: number[]; keys: Uint8Array[] };
    if (pins) spawnSync('taskset', ['-a', '-p', '-c', '1', `${target.pid}`]);
    await ask(generator, { ports, keys, warmupMs: 5000 } satisfies GeneratorStart);
    await ask(target, 'begin');
    await ask(generator, 'begin');
    await new Promise((resolve) => setTimeout(resolve, holdMs));
    const heard = (await ask(generator, 'end')) as GeneratorReport;
    const cost = (await ask(target, 'end')) as TargetReport;
    return { kind, media: start.media, calls: start.calls, rate: start.rate, target: cost, generator: heard };
  } finally {
    target.kill('SIGKILL');
    generator.kill('SIGKILL');
  }
}

function child(file: string, argv: string[]): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), argv, {
    serialization: 'advanced',
    execArgv: ['--import', 'tsx', '--expose-gc'],
  });
}

/** What a process says next. */
function answer(process: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`a bench process ended with code ${code}`));
    process.once('exit', onExit);
    process.once('message', (message) => {
      process.off('exit', onExit);
      resolve(message);
    });
  });
}

function ask(process: ChildProcess, message: object | string): Promise<unknown> {
  process.send(message);
  return answer(process);
}

let floorCore = Number.NaN;
let isHeaded = false;

function print(rows: readonly Row[]): void {
  if (!isHeaded) {
    isHeaded = true;
    console.log(
      'what          calls  core %  x floor  us/pair  departure ms p50/p99/p99.9/max   heard late ms p50/p99/p99.9   lost  late  concealed ms   ppm  round trip ms  kB/call  own late p99',
    );
  }
  for (const { kind, media, calls, rate, target, generator } of rows) {
    const core = (100 * target.cpuMs) / target.wallMs;
    if (kind === 'floor') floorCore = core;
    const pairs = (50 * calls * target.wallMs) / 1000;
    const name = kind === 'floor' ? 'floor' : `${media} ${rate / 1000} kHz`;
    const { lateness } = target;
    const cells = [
      name.padEnd(13),
      `${calls}`.padStart(5),
      core.toFixed(1).padStart(7),
      (core / floorCore).toFixed(2).padStart(8),
      ((1000 * target.cpuMs) / pairs).toFixed(2).padStart(8),
      (kind === 'floor' ? '-' : [lateness.p50, lateness.p99, lateness.p999, lateness.max].map((ms) => ms.toFixed(1)).join(' / ')).padStart(
        32,
      ),
      [generator.late.p50, generator.late.p99, generator.late.p999]
        .map((ms) => ms.toFixed(1))
        .join(' / ')
        .padStart(29),
      `${generator.lost}`.padStart(6),
      `${target.late}`.padStart(5),
      `${target.concealedMs}`.padStart(13),
      generator.ppm.toFixed(1).padStart(6),
      `${generator.roundTripMs.p50.toFixed(1)} / ${generator.roundTripMs.p99.toFixed(1)}`.padStart(14),
      (target.bytesPerCall / 1000).toFixed(0).padStart(8),
      generator.ownLateP99.toFixed(1).padStart(13),
    ];
    console.log(cells.join(' '));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await run(process.argv.slice(2));
