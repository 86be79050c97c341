/** SIPp: 3.6 is the distribution's, 3.8 is unpacked from a newer suite. One run of a scenario, and how it ended. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cache, has } from './process.js';

export type SippVersion = '3.6' | '3.8';

export interface SippRun {
  readonly exitCode: number;
  readonly output: string;
  readonly errors: string;
}

const root = join(cache, 'sipp');

export function sippInstalled(version: SippVersion): boolean {
  return version === '3.6' ? has('sipp') : existsSync(join(root, 'usr/bin/sipp'));
}

export function sippCommand(version: SippVersion): [program: string, args: string[]] {
  if (version === '3.6') return ['sipp', []];
  const libraries = join(root, 'usr/lib/x86_64-linux-gnu');
  return [join(libraries, 'ld-linux-x86-64.so.2'), ['--library-path', libraries, join(root, 'usr/bin/sipp')]];
}

/** Starts a scenario; `done` resolves when it has ended by itself or by `stop`. */
export function sipp(
  version: SippVersion,
  folder: string,
  args: readonly string[],
): { readonly pid: number; readonly done: Promise<SippRun>; stop(): void } {
  mkdirSync(folder, { recursive: true });
  const [program, prefix] = sippCommand(version);
  const errorFile = join(folder, `errors-${Date.now()}-${Math.floor(performance.now() * 1000) % 100_000}.log`);
  const child = spawn(program, [...prefix, ...args, '-nostdin', '-trace_err', '-error_file', errorFile], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TERM: 'dumb' },
  });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString('latin1')).slice(-20_000);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const done = new Promise<SippRun>((resolve) => {
    child.once('exit', (code) =>
      resolve({ exitCode: code ?? -1, output, errors: existsSync(errorFile) ? readFileSync(errorFile, 'utf8').slice(0, 5000) : '' }),
    );
  });
  return { pid: child.pid!, done, stop: () => child.kill('SIGKILL') };
}
