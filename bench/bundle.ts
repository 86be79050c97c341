/** A program of the benches as users would run it: one file of JavaScript, without the loader that reads TypeScript, which costs time and memory of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { inlineWorkerForEsbuild } from '../scripts/inline-worker.js';

/** `entry` beside this file, with no `await` outside functions; the path of what became of it. `root`: of another checkout. */
export async function bundle(entry: string, root = fileURLToPath(new URL('..', import.meta.url))): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'sipbot-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const outfile = join(folder, 'program.cjs');
  await build({
    entryPoints: [join(root, 'bench', entry)],
    outfile,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    define: { 'import.meta.url': 'undefined' },
    plugins: [inlineWorkerForEsbuild()],
    external: ['@evan/opus', 'audio-decode', 'mpg123-decoder'],
    logLevel: 'error',
  });
  return outfile;
}
