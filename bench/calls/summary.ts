/** Runs of the same work put together: each figure is the median of theirs. */
import { existsSync, readFileSync } from 'node:fs';
import { median } from '../report.js';
import type { Cell } from './cell.js';

export interface Run extends Cell {
  /** CPU beside the floor's in the same run; undefined without one. */
  readonly timesFloor: number | undefined;
}

export interface Row extends Run {
  readonly runs: number;
  /** What each call takes beyond those of the row before of the same peer: without what a process grows by however many calls it has. */
  readonly kbEachMore: number | undefined;
}

const file = new URL('../results/calls.json', import.meta.url);

export function loadRuns(): Run[] {
  if (!existsSync(file)) return [];
  return (JSON.parse(readFileSync(file, 'utf8')) as { results: { runs: Run[] } }).results.runs;
}

export function summarize(runs: readonly Run[]): Row[] {
  const groups = new Map<string, Run[]>();
  for (const run of runs) {
    const key = `${String(run.calls).padStart(6)} ${run.media} ${run.peer}`;
    groups.set(key, [...(groups.get(key) ?? []), run]);
  }
  const rows = [...groups.values()].map((of) => ({ ...(medianOf(of) as Run), runs: of.length }));
  rows.sort((a, b) => a.calls - b.calls);
  return rows.map((row, i) => {
    const fewer = rows.slice(0, i).findLast(({ peer, media, calls }) => peer === row.peer && media === row.media && calls < row.calls);
    return { ...row, kbEachMore: fewer && (row.kbPerCall * row.calls - fewer.kbPerCall * fewer.calls) / (row.calls - fewer.calls) };
  });
}

/** Of things of one shape, thing by thing. */
function medianOf(values: readonly unknown[]): unknown {
  // What was not measured is NaN here and null in JSON.
  const there = values.filter((value) => value !== null && value !== undefined && !Number.isNaN(value));
  const first = there[0];
  if (typeof first === 'number') return median(there as number[]);
  if (typeof first !== 'object' || first === null) return first;
  return Object.fromEntries(
    Object.keys(first).map((key) => [key, medianOf(there.map((value) => (value as Record<string, unknown>)[key]))]),
  );
}
