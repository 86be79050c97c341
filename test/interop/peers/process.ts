/** A peer's process: started, waited for, watched, and ended by its own pid. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const here = dirname(fileURLToPath(import.meta.url));

/** Where install.sh unpacks what the distribution does not have. */
export const cache = process.env.SIPBOT_INTEROP_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sipbot-interop');

/** An address of the loopback. SIPBOT_INTEROP_NET lets two runs live beside each other. */
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
  const child = spawn(command, args, { cwd: folder, stdio: ['ignore', out, out] });
  closeSync(out);
  children.add(child);
  child.once('exit', () => children.delete(child));
  return { child, log: path };
}

export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  const hard = setTimeout(() => child.kill('SIGKILL'), 3000);
  await gone;
  clearTimeout(hard);
}

export function has(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0;
}

export function tail(path: string, lines = 15): string {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(-lines).join('\n') : '(no log)';
}
