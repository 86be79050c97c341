/**
 * N G.711 calls at once, echoed by ours and by the peers: what they cost beside as many bare sockets in the same run, and what a caller hears.
 *
 *     npm run bench -- calls [--calls 100,500] [--peers floor,sipbot,asterisk,sipp,baresip] [--rate 8000,16000] [--media plain,srtp]
 *                            [--threads 1] [--node-flags=--max-semi-space-size=2] [--hold 20] [--floor-hold 20] [--cps 200] [--repeats 1] [--add]
 *
 * `--add` keeps what earlier runs left in bench/results/calls.json and puts medians over all of them into the table, so that a long table can be
 * measured piece by piece; each piece has a floor of its own.
 */
import { parseArgs } from 'node:util';
import { askForPriority } from '../test/interop/peers/process.js';
import { measureCell, type Work } from './calls/cell.js';
import { loadRuns, type Run, summarize } from './calls/summary.js';
import { printCells } from './calls/table.js';
import type { Media } from './load/description.js';
import { save } from './report.js';

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '100,500' },
    peers: { type: 'string', default: 'floor,sipbot,asterisk,sipp,baresip' },
    rate: { type: 'string', default: '8000,16000' },
    media: { type: 'string', default: 'plain' },
    threads: { type: 'string', default: '1' },
    'node-flags': { type: 'string', default: '' },
    hold: { type: 'string', default: '20' },
    'floor-hold': { type: 'string', default: '20' },
    cps: { type: 'string', default: '200' },
    repeats: { type: 'string', default: '1' },
    add: { type: 'boolean', default: false },
  },
});
const list = (text: string): string[] => text.split(',');
const nodeFlags = list(values['node-flags']).filter((flag) => flag !== '');
const holdMs = Number(values.hold) * 1000;

/** The most that baresip takes: it starts two threads for each call. */
const MOST: Partial<Record<Work['peer'], number>> = { baresip: 200 };

function* worksFor(calls: number): Generator<Work> {
  const common = { calls, holdMs, perSecond: Number(values.cps) };
  for (const peer of list(values.peers) as Work['peer'][]) {
    if (calls > (MOST[peer] ?? Number.POSITIVE_INFINITY)) continue;
    if (peer === 'floor') yield { ...common, peer, media: 'plain', holdMs: Math.min(holdMs, Number(values['floor-hold']) * 1000) };
    else
      for (const media of list(values.media) as Media[]) {
        if (peer !== 'sipbot') yield { ...common, peer, media };
        else
          for (const threads of list(values.threads).map(Number))
            for (const rate of list(values.rate).map(Number)) yield { ...common, peer, media, rate, threads, nodeFlags };
      }
  }
}

askForPriority();
const runs: Run[] = values.add ? loadRuns() : [];
const versions: Record<string, string> = {};
for (let repeat = 0; repeat < Number(values.repeats); repeat++) {
  for (const calls of list(values.calls).map(Number)) {
    let floor: number | undefined;
    for (const work of worksFor(calls)) {
      const cell = await measureCell(work);
      if (cell === undefined) {
        console.log(`${work.peer}, ${work.media}: not installed here, or does not do this`);
        continue;
      }
      if (work.peer === 'floor') floor = cell.core;
      versions[cell.peer] = cell.version;
      runs.push({ ...cell, timesFloor: floor === undefined ? undefined : cell.core / floor });
      // Whoever stops a long run keeps what it had.
      save('calls', { rows: summarize(runs), runs }, versions);
    }
  }
}
printCells(summarize(runs));
