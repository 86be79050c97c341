/** Who can be called in `bench cps` and `bench growth`: ours without and with media, SIPp's `uas`, Asterisk 22. Each on one core, before whatever else runs there. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { asteriskInstalled, startAsterisk } from '../../test/interop/peers/asterisk.js';
import { sleep } from '../../test/interop/peers/process.js';
import { sipp, sippInstalled } from '../../test/interop/peers/sipp.js';
import { bundle } from '../bundle.js';

export const HOST = '127.0.0.12';
const PEER_CORE = '0';

export interface Target {
  readonly name: string;
  readonly version: string;
  readonly port: number;
  readonly pid: number;
  /** For the caller. */
  readonly arguments: readonly string[];
  /** Which of its threads go before whatever else the core has to do. */
  readonly threads: 'main' | 'all';
  stop(): void | Promise<void>;
}

async function startOurs(mode: 'signalling' | 'media', port: number): Promise<Target> {
  const program = await bundle('cps/answerer.ts');
  // On one core the collector's helper threads only stand in the way of the one they help.
  const child = spawn(process.execPath, ['--single-threaded-gc', program, mode, HOST, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return {
    name: mode === 'media' ? 'sipbot, media' : 'sipbot',
    version: process.version,
    port,
    pid: child.pid!,
    arguments: ['--to', 'x'],
    threads: mode === 'media' ? 'all' : 'main',
    stop: () => void child.kill('SIGKILL'),
  };
}

async function startSipp(work: string): Promise<Target | undefined> {
  if (!sippInstalled('3.6')) return undefined;
  const run = sipp('3.6', work, ['-sn', 'uas', '-i', HOST, '-p', '5072', '-buff_size', '4194304']);
  await sleep(1000);
  return { name: 'SIPp uas', version: '3.6', port: 5072, pid: run.pid, arguments: ['--to', 'x'], threads: 'main', stop: () => run.stop() };
}

async function startAsterisk22(work: string): Promise<Target | undefined> {
  if (!asteriskInstalled()) return undefined;
  const asterisk = await startAsterisk({ host: HOST, port: 5074, folder: join(work, 'asterisk') });
  return {
    name: 'Asterisk, media',
    version: asterisk.version ?? '22',
    port: asterisk.port,
    pid: asterisk.pid,
    arguments: ['--to', '600', '--from', '6006'],
    threads: 'all',
    stop: () => asterisk.stop(),
  };
}

export type TargetName = 'sipbot' | 'media' | 'sipp' | 'asterisk';

/** Undefined when it is not installed here. */
export async function startTarget(name: TargetName, work: string): Promise<Target | undefined> {
  const target = await start(name, work);
  if (target === undefined) return undefined;
  execFileSync('taskset', ['-acp', PEER_CORE, String(target.pid)], { stdio: 'ignore' });
  // Where we may: the tails are the peer's own then.
  const threads = target.threads === 'all' ? readdirSync(`/proc/${target.pid}/task`) : [String(target.pid)];
  for (const thread of threads) spawnSync('chrt', ['-f', '-p', '1', thread], { stdio: 'ignore' });
  return target;
}

function start(name: TargetName, work: string): Promise<Target | undefined> {
  switch (name) {
    case 'sipbot':
      return startOurs('signalling', 5070);
    case 'media':
      return startOurs('media', 5076);
    case 'sipp':
      return startSipp(work);
    case 'asterisk':
      return startAsterisk22(work);
  }
}
