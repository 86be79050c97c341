/** `npm run test:interop`: real peers on loopback, and a matrix peer × capability of what they agreed to. Written to docs/interop.md with --write. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Assertion {
  readonly ancestorTitles: readonly string[];
  readonly title: string;
  readonly status: 'passed' | 'failed' | 'skipped' | 'pending' | 'todo';
}

const root = fileURLToPath(new URL('..', import.meta.url));
const work = mkdtempSync(join(tmpdir(), 'sipbot-interop-report-'));
const report = join(work, 'report.json');
const isLong = process.argv.includes('--long');
const passedOn = process.argv.slice(2).filter((argument) => argument !== '--write' && argument !== '--long');

const started = Date.now();
const run = spawnSync(
  join(root, 'node_modules/.bin/vitest'),
  ['run', '-c', 'vitest.interop.config.ts', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...passedOn],
  { cwd: root, stdio: 'inherit', env: { ...process.env, ...(isLong ? { SIPBOT_INTEROP_LONG: 'yes' } : {}) } },
);
const seconds = Math.round((Date.now() - started) / 1000);

const results = JSON.parse(readFileSync(report, 'utf8')) as {
  testResults: { assertionResults: Assertion[] }[];
};
rmSync(work, { recursive: true });

const MARK = { passed: 'yes', failed: '**FAILED**', skipped: 'skipped', pending: 'skipped', todo: 'skipped' } as const;
const peers = new Set<string>();
const count = { passed: 0, failed: 0, skipped: 0 };
const rows = new Map<string, Map<string, string>>();
for (const { ancestorTitles, title, status } of results.testResults.flatMap((file) => file.assertionResults)) {
  const peer = ancestorTitles[0] ?? '';
  // The peers among themselves, and what this machine has no data for, say nothing about us.
  if (peer === 'peers' || /skipped:/.test(peer)) continue;
  count[status === 'passed' || status === 'failed' ? status : 'skipped']++;
  const capability = [...ancestorTitles.slice(1), title].join(': ');
  peers.add(peer);
  const row = rows.get(capability) ?? new Map<string, string>();
  row.set(peer, MARK[status]);
  rows.set(capability, row);
}

const columns = [...peers];
const matrix = [
  `| capability | ${columns.join(' | ')} |`,
  `|---|${columns.map(() => '---').join('|')}|`,
  ...[...rows].map(([capability, row]) => `| ${capability} | ${columns.map((peer) => row.get(peer) ?? '').join(' | ')} |`),
].join('\n');
console.log(`\n${matrix}\n`);
if (process.argv.includes('--write')) {
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(
    join(root, 'docs/interop.md'),
    [
      '# What real peers agreed to',
      '',
      'Written by `npm run test:interop -- --write`; each cell is a test in `test/interop/` against a peer that we did not write.',
      'An empty cell: that peer does not take part in that row.',
      '',
      `Last run ${date}: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped, in ${seconds} s.`,
      '',
      matrix,
      '',
    ].join('\n'),
  );
}
console.log(`interop: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped (${seconds} s)`);
process.exitCode = run.status ?? 1;
