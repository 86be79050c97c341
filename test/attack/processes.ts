/**
 * Who gets which processor in the attack run. The bot has one core for itself, as far as priorities go; the honest callers come first on the
 * other, so that what they find late is the bot's; whoever attacks gets what they leave of it. Where that is not allowed, they share as they may.
 */
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, getPriority, setPriority } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const CORES = availableParallelism();

/** What an attacker is started with. */
const BEHIND = [...(CORES < 2 ? [] : ['taskset', '-c', '1']), 'nice', '-n', '19'];

export type Part = 'bot' | 'honest' | 'attacker';
const FIRST = -15;

/** What could not be had of the machine; the table says so. */
export const missing = new Set<string>();

/** Detached: in a session of its own, since Linux shares the processors among sessions before it looks at their processes. */
export function start(file: string, part: Part): ChildProcess {
  // An attacker is out of the bot's way from its first instruction on: a process that starts takes half a second of a core.
  const [execPath = process.execPath, ...before] = part === 'attacker' ? [...BEHIND, process.execPath] : [process.execPath];
  const child = fork(join(here, file), [], {
    execPath,
    execArgv: [...before, '--import', 'tsx'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    detached: part !== 'attacker',
  });
  if (part === 'attacker') return child;
  try {
    setPriority(child.pid!, FIRST);
    writeFileSync(`/proc/${child.pid}/autogroup`, String(FIRST));
  } catch {
    missing.add('priorities');
  }
  return child;
}

/** Once it is up: a process that starts needs all its cores. The collector's threads, which its other threads wait for, come first with them. */
export function place({ pid }: ChildProcess, part: Exclude<Part, 'attacker'>): void {
  if (CORES < 2) return;
  try {
    execFileSync('taskset', ['-a', '-p', '-c', part === 'bot' ? '0' : '1', String(pid)], { stdio: 'ignore' });
  } catch {
    missing.add('a core for the bot');
  }
  if (missing.has('priorities')) return;
  for (const thread of readdirSync(`/proc/${pid}/task`).map(Number)) if (getPriority(thread) > FIRST) setPriority(thread, FIRST);
}

export function heard<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`a process of the attack run ended with ${code}`));
    child.once('exit', onExit);
    child.once('message', (message) => {
      child.off('exit', onExit);
      resolve(message as T);
    });
  });
}

export function ask<T>(child: ChildProcess, what: unknown): Promise<T> {
  const answer = heard<T>(child);
  child.send(what as object);
  return answer;
}

/** A program of others in the place of an attacker, ended after so long; what it wrote. */
export function tool(
  command: string,
  args: readonly string[],
  options: { readonly cwd: string; readonly limitMs: number },
): Promise<string> {
  return new Promise((resolve) => {
    const [first = command, ...rest] = [...BEHIND, command, ...args];
    const child = spawn(first, rest, { cwd: options.cwd, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, TERM: 'dumb' } });
    let text = '';
    const keep = (chunk: Buffer): void => {
      text = (text + chunk.toString('latin1')).slice(-200_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const limit = setTimeout(() => child.kill('SIGKILL'), options.limitMs);
    child.once('exit', () => {
      clearTimeout(limit);
      resolve(text);
    });
  });
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
