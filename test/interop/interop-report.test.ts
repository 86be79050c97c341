/** The matrix, and what stands at the end of a run that failed. */
import { expect, test } from 'vitest';
import { readReport } from '../../scripts/interop-report.js';

const cell = (peer: string, title: string, status: 'passed' | 'failed' | 'skipped', more = {}) => ({
  ancestorTitles: [peer],
  title,
  status,
  failureMessages: [],
  meta: {},
  ...more,
});

test('a row for each capability, a column for each peer; peers among themselves are none of ours', () => {
  const report = readReport({
    testResults: [
      { name: 'a', message: '', assertionResults: [cell('Asterisk 22', 'MESSAGE', 'passed'), cell('peers', 'talk', 'passed')] },
      {
        name: 'b',
        message: '',
        assertionResults: [cell('Kamailio', 'MESSAGE', 'passed', { meta: { figures: 'took 3' } }), cell('Kamailio', 'long', 'skipped')],
      },
    ],
  });
  expect(report.matrix.split('\n').slice(2)).toEqual(['| MESSAGE | yes | yes |', '| long |  | skipped |']);
  expect(report).toMatchObject({
    figures: ['* Kamailio: MESSAGE: took 3'],
    skips: ['* Kamailio: long'],
    failures: [],
    count: { passed: 2, failed: 0, skipped: 1 },
  });
});

test('what failed is told with the first lines of its error, a file that cannot be read too', () => {
  const long = `Error: \u001b[31mno tone\u001b[39m\n    at node_modules/x\n${'    at line\n'.repeat(30)}`;
  const report = readReport({
    testResults: [
      { name: 'a', message: 'not read here', assertionResults: [cell('peers', 'talk', 'failed', { failureMessages: [long] })] },
      { name: 'b.interop.ts', message: 'no such import', assertionResults: [] },
    ],
  });
  expect(report.count.failed).toBe(2);
  expect(report.failures[0]).toEqual({ name: 'b.interop.ts', error: 'no such import' });
  expect(report.failures[1]!.name).toBe('peers: talk');
  expect(report.failures[1]!.error.split('\n')).toHaveLength(12);
  expect(report.failures[1]!.error).toMatch(/^Error: no tone\n {4}at line/);
  expect(report.matrix).toContain('**FAILED**');
});

test('what passed at another try is said with what the first came to', () => {
  const assertionResults = [cell('Kamailio', 'talk', 'passed', { failureMessages: ['Error: share of gaps\n    at line'] })];
  const report = readReport({ testResults: [{ name: 'a', message: '', assertionResults }] });
  expect(report.matrix).toContain('| talk | yes, tried again |');
  expect(report.retried).toEqual([{ name: 'Kamailio: talk', error: 'Error: share of gaps\n    at line' }]);
  expect(report.count).toEqual({ passed: 1, failed: 0, skipped: 0 });
});

test('what went wrong outside of any test is a failure like another', () => {
  const assertionResults = [cell('Kamailio', 'talk', 'passed')];
  const strays = [{ name: 'outside of the tests', error: `Error: nobody caught it\n    at node_modules/x\n    at src/here` }];
  const report = readReport({ testResults: [{ name: 'a', message: '', assertionResults }] }, strays);
  expect(report.failures).toEqual([{ name: 'outside of the tests', error: 'Error: nobody caught it\n    at src/here' }]);
  expect(report.count).toEqual({ passed: 1, failed: 1, skipped: 0 });
});
