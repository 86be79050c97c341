/**
 * What a call costs, signalling only: INVITE, 180, 200, ACK, BYE, 200 over UDP on loopback, the answering process pinned to one core, the caller
 * to another; beside SIPp's own `uas` and Asterisk 22 in the same run. The caller is `callload`: SIPBOT_CALLLOAD says where it is.
 *
 *     SIPBOT_CALLLOAD=…/callload npm run bench -- cps [calls]
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asteriskInstalled, startAsterisk } from '../test/interop/peers/asterisk.js';
import { sleep } from '../test/interop/peers/process.js';
import { sipp, sippInstalled } from '../test/interop/peers/sipp.js';

const HOST = '127.0.0.12';
const CALLER_CORE = '1';
const PEER_CORE = '0';

interface Target {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  readonly arguments: readonly string[];
  readonly rates: readonly number[];
  /** Which of its threads do the signalling. */
  readonly threads: 'main' | 'all';
  stop(): void | Promise<void>;
}

interface Measured {
  readonly ok: boolean;
  readonly tried: number;
  readonly clean: number;
  readonly rtx_invite: number;
  readonly rtx_bye: number;
  readonly again_200: number;
  readonly setup_ms: { readonly p50: number; readonly p99: number };
  readonly cpu: { readonly target_ms_per_call_whole_run: number; readonly machine_busy_pct: number; readonly cores: number };
  readonly snapshots: readonly { readonly rss_kb: number }[];
}

const callload = process.env['SIPBOT_CALLLOAD'];
if (callload === undefined) {
  console.log('cps: skipped, SIPBOT_CALLLOAD does not say where callload is');
  process.exit(0);
}
const [calls = 20_000] = process.argv.slice(2).map(Number);
const work = mkdtempSync(join(tmpdir(), 'sipbot-cps-'));

async function startOurs(): Promise<Target> {
  const script = fileURLToPath(new URL('./cps/answerer.ts', import.meta.url));
  // On one core the collector's helper threads only stand in the way of the one they help.
  const child = spawn(process.execPath, ['--single-threaded-gc', '--import', 'tsx', script, HOST, '5070'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return {
    name: 'sipbot',
    port: 5070,
    pid: child.pid!,
    arguments: ['--to', 'x'],
    rates: [1000, 2500],
    threads: 'main',
    stop: () => void child.kill(),
  };
}

async function startSipp(): Promise<Target | undefined> {
  if (!sippInstalled('3.6')) return undefined;
  const run = sipp('3.6', work, ['-sn', 'uas', '-i', HOST, '-p', '5072', '-buff_size', '4194304']);
  await sleep(1000);
  return {
    name: 'SIPp 3.6 uas',
    port: 5072,
    pid: run.pid,
    arguments: ['--to', 'x'],
    rates: [1000, 2500],
    threads: 'main',
    stop: () => run.stop(),
  };
}

async function startAsterisk22(): Promise<Target | undefined> {
  if (!asteriskInstalled()) return undefined;
  const asterisk = await startAsterisk({ host: HOST, port: 5074, folder: join(work, 'asterisk') });
  return {
    name: `Asterisk ${asterisk.version}`,
    port: asterisk.port,
    pid: asterisk.pid,
    arguments: ['--to', '600', '--from', '6006'],
    rates: [300],
    threads: 'all',
    stop: () => asterisk.stop(),
  };
}

function measure(target: Target, count: number, cps: number): Measured {
  const args = [`${HOST}:${target.port}`, ...target.arguments, '--signalling-only', '--count', String(count), '--cps', String(cps)];
  try {
    const out = execFileSync('chrt', ['-f', '1', callload!, ...args, '--pid', String(target.pid), '--cpu', CALLER_CORE, '--json'], {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return JSON.parse(out) as Measured;
  } catch (error) {
    // Exit 1: not every call came out well; the figures say which.
    return JSON.parse((error as { stdout: string }).stdout) as Measured;
  }
}

console.log(
  '| peer | calls/s | calls, clean | resent INVITE, BYE, 200 | CPU ms a call | INVITE→200 p50 / p99 ms | RSS MB before, after | machine busy |',
);
console.log('|---|---|---|---|---|---|---|---|');
const results: object[] = [];
for (const start of [startOurs, startSipp, startAsterisk22]) {
  const target = await start();
  if (target === undefined) continue;
  execFileSync('taskset', ['-acp', PEER_CORE, String(target.pid)], { stdio: 'ignore' });
  // Before whatever else this machine does, where we may say so: the tails are the peer's own then. Of one that has a thread for all
  // its calls that thread alone, or its helpers would stand in its way on the one core.
  const threads = target.threads === 'all' ? readdirSync(`/proc/${target.pid}/task`) : [String(target.pid)];
  for (const thread of threads) spawnSync('chrt', ['-f', '-p', '1', thread], { stdio: 'ignore' });
  // Code is compiled, tables grow to their size.
  measure(target, 2000, Math.min(500, target.rates[0]!));
  for (const cps of target.rates) {
    const m = measure(target, target.rates.length === 1 ? Math.round(calls / 5) : calls, cps);
    const rss = [m.snapshots[0]!, m.snapshots.at(-1)!].map(({ rss_kb }) => Math.round(rss_kb / 1000));
    const row = [
      target.name,
      cps,
      `${m.tried}, ${m.clean}`,
      `${m.rtx_invite}, ${m.rtx_bye}, ${m.again_200}`,
      m.cpu.target_ms_per_call_whole_run.toFixed(3),
      `${m.setup_ms.p50.toFixed(2)} / ${m.setup_ms.p99.toFixed(2)}`,
      rss.join(', '),
      `${Math.round(m.cpu.machine_busy_pct)} %`,
    ];
    console.log(`| ${row.join(' | ')} |`);
    const { tried, clean, setup_ms, cpu } = m;
    results.push({ peer: target.name, cps, tried, clean, resent: [m.rtx_invite, m.rtx_bye, m.again_200], setup_ms, cpu, rssMb: rss });
  }
  await target.stop();
}

const folder = new URL('./results/', import.meta.url);
mkdirSync(folder, { recursive: true });
const machine = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length };
writeFileSync(new URL('cps.json', folder), `${JSON.stringify({ machine, results }, undefined, 2)}\n`);
