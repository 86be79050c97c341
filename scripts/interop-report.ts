/** What vitest says of an interop run, as a matrix of peer and capability, figures, and what failed. */
import type { Stray } from './interop-reporter.js';

interface Assertion {
  readonly ancestorTitles: readonly string[];
  readonly title: string;
  readonly status: 'passed' | 'failed' | 'skipped' | 'pending' | 'todo';
  readonly failureMessages: readonly string[];
  readonly meta: { readonly figures?: string };
}

export interface VitestReport {
  readonly testResults: readonly { readonly name: string; readonly message: string; readonly assertionResults: readonly Assertion[] }[];
}

interface Failure {
  readonly name: string;
  readonly error: string;
}

export interface InteropReport {
  readonly matrix: string;
  /** What tests measured, a line each. */
  readonly figures: readonly string[];
  /** Of what was left out, a line each. */
  readonly skips: readonly string[];
  readonly failures: readonly Failure[];
  /** What passed after it had failed, and how it had. */
  readonly retried: readonly Failure[];
  readonly count: { readonly passed: number; readonly failed: number; readonly skipped: number };
}

const MARK = { passed: 'yes', failed: '**FAILED**', skipped: 'skipped', pending: 'skipped', todo: 'skipped' } as const;
const ERROR_LINES = 12;

export function readReport({ testResults }: VitestReport, strays: readonly Stray[] = []): InteropReport {
  const count = { passed: 0, failed: 0, skipped: 0 };
  const peers = new Set<string>();
  const rows = new Map<string, Map<string, string>>();
  const figures: string[] = [];
  const skips: string[] = [];
  const retried: Failure[] = [];
  // A file that could not be read has no tests, and yet something to say.
  const failures = testResults.flatMap(({ name, message, assertionResults }) =>
    message !== '' && assertionResults.every(({ status }) => status !== 'failed') ? [{ name, error: head(message) }] : [],
  );
  failures.push(...strays.map(({ name, error }) => ({ name, error: head(error) })));
  count.failed += failures.length;
  for (const { ancestorTitles, title, status, failureMessages, meta } of testResults.flatMap((file) => file.assertionResults)) {
    const [peer = ''] = ancestorTitles;
    const capability = [...ancestorTitles.slice(1), title].join(': ');
    const name = `${peer}: ${capability}`;
    if (status === 'failed') failures.push({ name, error: head(failureMessages.join('\n')) });
    // The peers among themselves, and what this machine has no data for, say nothing about us.
    if (status !== 'failed' && (peer === 'peers' || /skipped:/.test(peer))) continue;
    count[status === 'passed' || status === 'failed' ? status : 'skipped']++;
    if (MARK[status] === 'skipped') skips.push(`* ${name}`);
    const again = status === 'passed' && failureMessages.length > 0;
    if (again) retried.push({ name, error: head(failureMessages.join('\n')) });
    if (meta.figures !== undefined) figures.push(`* ${name}: ${meta.figures}`);
    peers.add(peer);
    const row = rows.get(capability) ?? new Map<string, string>();
    row.set(peer, again ? 'yes, tried again' : MARK[status]);
    rows.set(capability, row);
  }
  return { matrix: matrixOf([...peers], rows), figures, skips, failures, retried, count };
}

function matrixOf(peers: readonly string[], rows: ReadonlyMap<string, ReadonlyMap<string, string>>): string {
  return [
    `| capability | ${peers.join(' | ')} |`,
    `|---|${peers.map(() => '---').join('|')}|`,
    ...[...rows].map(([capability, row]) => `| ${capability} | ${peers.map((peer) => row.get(peer) ?? '').join(' | ')} |`),
  ].join('\n');
}

/** Without colours, and without the ways through node_modules. */
function head(error: string): string {
  return error
    .split('\n')
    .map((line) => line.replaceAll(/\u001b\[[0-9;]*m/g, ''))
    .filter((line) => !line.includes('node_modules/') && !line.includes('node:internal'))
    .slice(0, ERROR_LINES)
    .join('\n');
}
