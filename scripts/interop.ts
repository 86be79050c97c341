/**
 * `npm run test:interop`: real peers on loopback, and a matrix peer × capability of what they agreed to. Written to docs/interop.md with
 * --write; with --long the call of ten minutes too. What failed is said again at the end: some keep only the tail.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type InteropReport, readReport } from './interop-report.js';
import { STRAYS } from './interop-reporter.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const page = join(root, 'docs/interop.md');
const work = mkdtempSync(join(tmpdir(), 'sipbot-interop-report-'));
const file = join(work, 'report.json');
const strays = join(work, 'strays.json');
const [isLong, writes] = ['--long', '--write'].map((flag) => process.argv.includes(flag));
const passedOn = process.argv.slice(2).filter((argument) => argument !== '--write' && argument !== '--long');

const started = Date.now();
const run = spawnSync(
  join(root, 'node_modules/.bin/vitest'),
  [
    ...['run', '-c', 'vitest.interop.config.ts', `--outputFile.json=${file}`],
    ...['default', 'json', './scripts/interop-reporter.ts'].map((reporter) => `--reporter=${reporter}`),
    ...passedOn,
  ],
  { cwd: root, stdio: 'inherit', env: { ...process.env, [STRAYS]: strays, ...(isLong ? { SIPBOT_INTEROP_LONG: 'yes' } : {}) } },
);
const seconds = Math.round((Date.now() - started) / 1000);

if (!existsSync(file)) {
  console.error(`interop: the run ended without a report (${run.error?.message ?? run.signal ?? `exit code ${run.status}`})`);
  process.exit(1);
}
const report = readReport(JSON.parse(readFileSync(file, 'utf8')), existsSync(strays) ? JSON.parse(readFileSync(strays, 'utf8')) : []);
rmSync(work, { recursive: true });
for (const part of [report.matrix, report.figures.join('\n')]) if (part !== '') console.log(`\n${part}`);
console.log(report.skips.length === 0 ? '' : `\nskipped:\n${report.skips.join('\n')}\n`);
if (writes) writeFileSync(page, pageOf(report));
for (const { name, error } of report.retried) console.log(`TRIED AGAIN ${name}\n${error.replace(/^/gm, '    ')}\n`);
for (const { name, error } of report.failures) console.log(`FAILED ${name}\n${error.replace(/^/gm, '    ')}\n`);
const { passed, failed, skipped } = report.count;
if (run.status !== 0 && failed === 0) console.log('FAILED outside of the tests: vitest says above what it was\n');
const again = report.retried.length === 0 ? '' : `, ${report.retried.length} of the passed at another try`;
console.log(`interop: ${passed} passed, ${failed} failed, ${skipped} skipped${again} (${seconds} s)`);
process.exitCode = run.status ?? 1;

function pageOf({ count, matrix, figures, skips, retried }: InteropReport): string {
  // What was measured of a test that this run left out still stands.
  const before = readFileSync(page, 'utf8').split('\n');
  const kept = before.filter((line) => skips.some((skip) => line.startsWith(`${skip}: `)));
  return [
    '# What real peers agreed to',
    '',
    'Written by `npm run test:interop -- --write`; each cell is a test in `test/interop/` against a peer that we did not write.',
    'An empty cell: that peer does not take part in that row.',
    '',
    `Last run ${new Date().toISOString().slice(0, 10)}: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped, in ${seconds} s.`,
    '',
    matrix,
    '',
    ...(figures.length + kept.length === 0 ? [] : ['## Figures', '', ...figures, ...kept, '']),
    ...(retried.length === 0 ? [] : ['## Tried again', '', ...retried.map(({ name, error }) => `* ${name}: ${error.split('\n')[0]}`), '']),
    ...(skips.length === 0 ? [] : ['## Skipped', '', ...skips, '']),
  ].join('\n');
}
