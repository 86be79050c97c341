/** A peer's process: started, waited for, watched, and ended by its own pid. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir, setPriority } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const here = dirname(fileURLToPath(import.meta.url));

/** Where install.sh unpacks what the distribution does not have. */
export const cache = process.env.SIPBOT_INTEROP_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sipbot-interop');

/** An address of the loopback, in the /24 that this run has for itself. */
export function at(host: number): string {
  return `${process.env.SIPBOT_INTEROP_NET ?? '127.0.0'}.${host}`;
}

export interface Peer {
  readonly name: string;
  readonly version: string;
  readonly pid: number;
  /** Where it keeps its configuration, logs and recordings. */
  readonly folder: string;
  stop(): Promise<void>;
}

/**
 * Calls are in real time: on a machine with much else to do, this run goes first, where that is allowed. The priority is for what is started
 * from here on, whole; a thread alone that goes first waits for the garbage collector's, which do not. And Linux shares the processors
 * among sessions before it looks at their processes. Undone by what is returned.
 */
export function askForPriority(): () => void {
  const ask = (nice: number): void => {
    try {
      setPriority(nice);
      writeFileSync('/proc/self/autogroup', String(nice));
    } catch {
      // Then it must do without.
    }
  };
  ask(-10);
  return () => ask(0);
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Asks until it is so; a peer of ours that does not come up in time is an error with its log. */
export async function until(what: string, done: () => boolean | Promise<boolean>, limitMs = 15_000): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await done())) {
    if (Date.now() > end) throw new Error(`${what}: not within ${limitMs} ms`);
    await sleep(50);
  }
}

/** Whatever happens to this process, its peers end with it. */
const children = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of children) child.kill('SIGTERM');
});

export function launch(command: string, args: readonly string[], folder: string, log = 'log'): { child: ChildProcess; log: string } {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, log);
  const out = openSync(path, 'w');
  // A group of its own: some have children that outlive them.
  const child = spawn(command, args, { cwd: folder, stdio: ['ignore', out, out], detached: true });
  closeSync(out);
  children.add(child);
  child.once('exit', () => children.delete(child));
  return { child, log: path };
}

export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  const killGroup = (): void => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // None of them is left.
    }
  };
  const hard = setTimeout(killGroup, 8000);
  await gone;
  clearTimeout(hard);
  killGroup();
}

export function has(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
}

export function tail(path: string, lines = 15): string {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(-lines).join('\n') : '(no log)';
}
