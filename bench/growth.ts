/**
 * How what an echo bot costs grows with its calls, and what an agent costs with calls a second: a straight line through the points and how well it fits.
 *
 *     npm run bench -- growth [--calls 10,100,250,500,750,1000,1250,1500,2000] [--rates 10,100,250,500,750,1000,1250,1500] [--hold 8] [--add] [--write]
 *
 * `--add` keeps the points of earlier runs (`--calls ''` measures none), `--write` puts the plot into docs/growth.svg.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { askForPriority } from '../test/interop/peers/process.js';
import { measureCell } from './calls/cell.js';
import { placeBurst, startSignallingPeer } from './cps/burst.js';
import { drawGrowth, type Growth } from './growth/chart.js';
import { fitLine, type Point } from './growth/fit.js';
import { Calling } from './load/calling.js';
import { CALLER_HOST } from './peers/peer.js';
import { machine, save, Table } from './report.js';

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '10,100,250,500,750,1000,1250,1500,2000' },
    rates: { type: 'string', default: '10,100,250,500,750,1000,1250,1500' },
    hold: { type: 'string', default: '8' },
    add: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const numbers = (text: string): number[] => text.split(',').filter(Boolean).map(Number);

/** What is drawn and fitted; `x` is calls, or calls a second. */
const series = {
  core: { title: 'echo calls: CPU', unit: '% of a core' },
  memory: { title: 'echo calls: memory', unit: 'MB' },
  departures: { title: 'echo calls: departures late, p99', unit: 'ms' },
  signalling: { title: 'calls a second: CPU', unit: '% of a core' },
  media: { title: 'calls a second with media: CPU', unit: '% of a core' },
  setup: { title: 'calls a second with media: set-up p99', unit: 'ms' },
} as const;
type Series = keyof typeof series;
/** A line is promised for cost, and up to here; a tail is shown as it is. */
const FIT_TO = 1500;
const fitted: ReadonlySet<Series> = new Set(['core', 'memory', 'signalling', 'media']);

const file = new URL('./results/growth.json', import.meta.url);
const points: Record<Series, Point[]> =
  values.add && existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as { results: { points: Record<Series, Point[]> } }).results.points
    : { core: [], memory: [], departures: [], signalling: [], media: [], setup: [] };

async function measureCalls(calls: number): Promise<void> {
  const cell = await measureCell({ peer: 'sipbot', calls, media: 'plain', holdMs: Number(values.hold) * 1000, perSecond: 200 });
  points.core.push({ x: calls, y: cell!.core });
  points.memory.push({ x: calls, y: (cell!.kbPerCall * calls) / 1000 });
  points.departures.push({ x: calls, y: cell!.own!.departures.p99 });
  const { heard, core, own } = cell!;
  console.log(
    `${calls} calls: ${core.toFixed(1)} %, left late p99 ${own!.departures.p99} ms, heard late p99 ${heard.late.p99} ms, ${heard.lost} lost`,
  );
}

const BURST_S = 4;

async function measureRates(name: 'sipbot' | 'media', rates: readonly number[]): Promise<void> {
  const peer = (await startSignallingPeer(name, ''))!;
  const calling = await Calling.start(peer.callee, CALLER_HOST);
  await placeBurst(peer, calling, 2000, 500);
  for (const rate of rates) {
    const { cpuMsPerCall, setup, failed, resent } = await placeBurst(peer, calling, BURST_S * rate, rate);
    points[name === 'media' ? 'media' : 'signalling'].push({ x: rate, y: (cpuMsPerCall * rate) / 10 });
    if (name === 'media') points.setup.push({ x: rate, y: setup.p99 });
    console.log(`${peer.name}, ${rate} a second: ${cpuMsPerCall.toFixed(3)} ms a call, ${failed} failed, ${resent} resent`);
  }
  calling.stop();
  await peer.stop();
}

askForPriority();
for (const calls of numbers(values.calls)) await measureCalls(calls);
const rates = numbers(values.rates);
if (rates.length > 0) {
  await measureRates('sipbot', rates);
  await measureRates('media', rates);
}

const table = new Table(['what                                  ', 'points', 'at 0', 'for each', 'R²']);
const panels = (Object.keys(series) as Series[])
  .filter((name) => points[name].length > 2)
  .map((name): Growth => {
    const sorted = [...points[name]].sort((a, b) => a.x - b.x);
    if (!fitted.has(name)) return { ...series[name], points: sorted };
    const fit = fitLine(sorted.filter(({ x }) => x <= FIT_TO));
    table.row([
      `${series[name].title}, ${series[name].unit}`,
      sorted.length,
      fit.intercept.toFixed(2),
      fit.slope.toFixed(4),
      fit.r2.toFixed(4),
    ]);
    return { ...series[name], points: sorted, fit, fitTo: FIT_TO };
  });
if (values.write) {
  const { cpu, node, date } = machine();
  const heading = `sipbot: cost by number; ${cpu}, Node ${node}, ${date.slice(0, 10)}`;
  writeFileSync(new URL('../docs/growth.svg', import.meta.url), drawGrowth(heading, panels));
}
save('growth', { points, panels });
