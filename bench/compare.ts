/**
 * `npm run bench:compare -- REV [--rounds 7]`: the work of another revision beside that of this working tree, in turns in one run: messages read and
 * written, a request answered by a whole agent, codecs, SRTP, a pair of packets through the engine. CPU time, the best
 * round of each, for what a busy machine adds is never less than nothing; the ratio is what counts.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { save, Table } from './report.js';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { rounds: { type: 'string', default: '7' } } });
const [revision] = positionals;
if (revision === undefined) {
  console.log('npm run bench:compare -- REV');
  process.exit(2);
}
const root = fileURLToPath(new URL('..', import.meta.url));
const base = mkdtempSync(join(tmpdir(), 'sipbot-base-'));
const git = (...args: string[]): void => {
  const { status, stderr } = spawnSync('git', ['-C', root, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
};

git('worktree', 'add', '--detach', '--force', base, revision);
try {
  symlinkSync(join(root, 'node_modules'), join(base, 'node_modules'));
  const work = fileURLToPath(new URL('./compare-work.ts', import.meta.url));
  const missing = new Set<string>();
  const once = (of: string): Record<string, number> => {
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', 'tsx', work, of], { cwd: root, encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    for (const line of stderr.split('\n').filter(Boolean)) missing.add(line);
    return JSON.parse(stdout) as Record<string, number>;
  };
  const runs = { base: [] as Record<string, number>[], ours: [] as Record<string, number>[] };
  for (let round = 0; round < Number(values.rounds); round++) {
    runs.base.push(once(base));
    runs.ours.push(once(root));
  }
  const table = new Table(['what                    ', `${revision} ns`, 'here ns', 'here / base']);
  const both = Object.keys(runs.ours[0]!).filter((what) => runs.base[0]![what] !== undefined);
  const results = both.map((what) => {
    const [was, is] = [runs.base, runs.ours].map((all) => Math.min(...all.map((run) => run[what]!)));
    table.row([what, was!.toFixed(0), is!.toFixed(0), (is! / was!).toFixed(2)]);
    return { what, baseNs: was!, hereNs: is!, ratio: is! / was! };
  });
  for (const line of missing) console.log(`left out: ${line}`);
  save('compare', { revision, rounds: Number(values.rounds), results });
} finally {
  if (existsSync(base)) git('worktree', 'remove', '--force', base);
  rmSync(base, { recursive: true, force: true });
}
