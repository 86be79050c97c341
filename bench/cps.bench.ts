/**
 * What a call costs and how many a second are taken, without and with media: INVITE, 180, 200, ACK, BYE, 200 over UDP on loopback, the answering
 * process on one core, the caller on another; beside SIPp's own `uas` and Asterisk 22 in the same run. Medians over the repeats.
 *
 *     SIPBOT_CALLLOAD=…/callload npm run bench -- cps [--calls 6000] [--repeats 3] [--peers sipbot,media,sipp,asterisk] [--limit]
 *
 * `--limit` raises the rate by half until a call fails or a message has to be sent again, and says the last rate at which none did.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Calls, callloadPath, placeCalls } from './cps/caller.js';
import { startTarget, type Target, type TargetName } from './cps/targets.js';
import { median, save, Table } from './report.js';

const rates: Readonly<Record<TargetName, readonly number[]>> = {
  sipbot: [1000, 2500],
  media: [500, 1000],
  sipp: [1000, 2500],
  asterisk: [300],
};

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '6000' },
    repeats: { type: 'string', default: '3' },
    peers: { type: 'string', default: 'sipbot,media,sipp,asterisk' },
    limit: { type: 'boolean', default: false },
  },
});
const callload = callloadPath();
const calls = Number(values.calls);
const work = mkdtempSync(join(tmpdir(), 'sipbot-cps-'));
const versions: Record<string, string> = {};
const results: object[] = [];
const table = new Table([
  'peer           ',
  'calls/s',
  'calls',
  'failed',
  'resent',
  'CPU ms a call',
  'INVITE→200 p50 ms',
  'p99 ms',
  'RSS MB',
]);

function report(target: Target, perSecond: number, runs: readonly Calls[]): void {
  const of = (pick: (run: Calls) => number): number => median(runs.map(pick));
  const total = (pick: (run: Calls) => number): number => runs.reduce((sum, run) => sum + pick(run), 0);
  const row = {
    peer: target.name,
    perSecond,
    repeats: runs.length,
    tried: total((run) => run.tried),
    failed: total((run) => run.failed),
    resent: total((run) => run.resent),
    cpuMsPerCall: of((run) => run.cpuMsPerCall),
    setupP50: of((run) => run.setupP50),
    setupP99: of((run) => run.setupP99),
    rssMb: runs.at(-1)!.rssMb,
  };
  results.push(row);
  const { tried, failed, resent, cpuMsPerCall, setupP50, setupP99, rssMb } = row;
  table.row([target.name, perSecond, tried, failed, resent, cpuMsPerCall.toFixed(3), setupP50.toFixed(2), setupP99.toFixed(2), rssMb]);
}

/** The last rate, each half as much again as the one before, at which all went well at the first try. */
async function limitOf(target: Target, from: number): Promise<number> {
  let good = 0;
  for (let perSecond = from; perSecond < 20_000; perSecond = Math.round(perSecond * 1.5)) {
    const { failed, resent } = await placeCalls(callload, target, perSecond * 2, perSecond);
    if (failed + resent > 0) break;
    good = perSecond;
  }
  return good;
}

for (const name of values.peers.split(',') as TargetName[]) {
  const target = await startTarget(name, work);
  if (target === undefined) continue;
  versions[target.name] = target.version;
  // Code is compiled, tables grow to their size.
  await placeCalls(callload, target, 2000, Math.min(500, rates[name][0]!));
  for (const perSecond of rates[name]) {
    const runs: Calls[] = [];
    for (let i = 0; i < Number(values.repeats); i++) {
      runs.push(await placeCalls(callload, target, name === 'asterisk' ? Math.ceil(calls / 5) : calls, perSecond));
    }
    report(target, perSecond, runs);
  }
  if (values.limit) {
    const limit = await limitOf(target, rates[name].at(-1)!);
    results.push({ peer: target.name, limit });
    console.log(`  ${target.name}: no call failed and nothing was sent again up to ${limit} calls a second`);
  }
  await target.stop();
}
save('cps', results, versions);
