/**
 * What a call costs and how many a second are taken, without and with media: INVITE, 180, 200, ACK, BYE, 200 over UDP on loopback, who answers on one
 * core, the caller on another; beside SIPp's own `uas` and Asterisk 22 in the same run. Medians over the repeats.
 *
 *     npm run bench -- cps [--calls 6000] [--repeats 3] [--peers sipbot,media,sipp,asterisk] [--rates 1000,2500] [--limit]
 *
 * `--limit` raises the rate by half until a call fails or a message has to be sent again, and says the last rate at which none did.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { askForPriority } from '../test/interop/peers/process.js';
import { type Burst, placeBurst, type SignallingPeer, startSignallingPeer } from './cps/burst.js';
import { Calling } from './load/calling.js';
import { CALLER_HOST, type Peer } from './peers/peer.js';
import { median, save, Table } from './report.js';

const usualRates: Readonly<Record<SignallingPeer, readonly number[]>> = {
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
    rates: { type: 'string' },
    limit: { type: 'boolean', default: false },
  },
});
askForPriority();
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
  'INVITE→200 p50 / p99 ms',
  'caller late p99 ms',
  'RSS MB',
]);

function report(peer: Peer, perSecond: number, bursts: readonly Burst[]): void {
  const of = (pick: (burst: Burst) => number): number => median(bursts.map(pick));
  const total = (pick: (burst: Burst) => number): number => bursts.reduce((sum, burst) => sum + pick(burst), 0);
  const row = {
    peer: peer.name,
    perSecond,
    repeats: bursts.length,
    tried: total(({ tried }) => tried),
    failed: total(({ failed }) => failed),
    resent: total(({ resent }) => resent),
    cpuMsPerCall: of(({ cpuMsPerCall }) => cpuMsPerCall),
    setupP50: of(({ setup }) => setup.p50),
    setupP99: of(({ setup }) => setup.p99),
    callerLateP99: of(({ ownLate }) => ownLate.p99),
    rssMb: bursts.at(-1)!.rssMb,
  };
  results.push(row);
  const setup = `${row.setupP50.toFixed(2)} / ${row.setupP99.toFixed(2)}`;
  const { tried, failed, resent, cpuMsPerCall, callerLateP99, rssMb } = row;
  table.row([peer.name, perSecond, tried, failed, resent, cpuMsPerCall.toFixed(3), setup, callerLateP99.toFixed(2), rssMb]);
}

/** The last rate, each half as much again as the one before, at which all went well at the first try. */
async function limitOf(peer: Peer, calling: Calling, from: number): Promise<number> {
  let good = 0;
  for (let perSecond = from; perSecond < 20_000; perSecond = Math.round(perSecond * 1.5)) {
    const { failed, resent } = await placeBurst(peer, calling, perSecond * 2, perSecond);
    if (failed + resent > 0) break;
    good = perSecond;
  }
  return good;
}

for (const name of values.peers.split(',') as SignallingPeer[]) {
  const peer = await startSignallingPeer(name, work);
  if (peer === undefined) {
    console.log(`${name}: not installed here`);
    continue;
  }
  versions[peer.name] = peer.version;
  const rates = values.rates?.split(',').map(Number) ?? usualRates[name];
  const calling = await Calling.start(peer.callee, CALLER_HOST);
  // Code is compiled, tables grow to their size.
  await placeBurst(peer, calling, 2000, Math.min(500, rates[0]!));
  for (const perSecond of rates) {
    const bursts: Burst[] = [];
    for (let i = 0; i < Number(values.repeats); i++) {
      bursts.push(await placeBurst(peer, calling, name === 'asterisk' ? Math.ceil(calls / 5) : calls, perSecond));
    }
    report(peer, perSecond, bursts);
  }
  if (values.limit) {
    const limit = await limitOf(peer, calling, rates.at(-1)!);
    results.push({ peer: peer.name, limit });
    console.log(`  ${peer.name}: no call failed and nothing was sent again up to ${limit} calls a second`);
  }
  calling.stop();
  await peer.stop();
}
save('cps', results, versions);
