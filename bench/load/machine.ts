/** Whose core is whose, and what a process has used: from /proc, the same for ours and for the peers. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const hasCores = availableParallelism() >= 2 && spawnSync('taskset', ['-V'], { stdio: 'ignore' }).status === 0;

export const CALLER_CORE = '0';
export const CALLEE_CORE = '1';

/** What to put before a command that shall stay on one core. */
export function on(core: string): string[] {
  return hasCores ? ['taskset', '-c', core] : [];
}

/** The same for a process that runs already, with all its threads. */
export function put(pid: number, core: string): void {
  if (hasCores) spawnSync('taskset', ['-acp', core, String(pid)], { stdio: 'ignore' });
}

export interface Usage {
  readonly cpuMs: number;
  readonly rssKb: number;
  readonly at: number;
}

const TICKS_PER_SECOND = Number(spawnSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }).stdout) || 100;

/** User and system time of all threads, to a tick (10 ms). */
export function usageOf(pid: number): Usage {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ');
  const cpuMs = ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
  const rssKb = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]);
  return { cpuMs, rssKb, at: performance.now() };
}
