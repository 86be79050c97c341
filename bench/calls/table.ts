/** The rows of `bench calls`, one line each. */
import type { Tail } from '../load/histogram.js';
import { Table } from '../report.js';
import type { Row } from './summary.js';

export function printCells(rows: readonly Row[]): void {
  const table = new Table([
    'who                   ',
    'media',
    'calls',
    'core %',
    '× floor',
    '% a call',
    'kB a call',
    'kB each more',
    'heard late p50 / p99 / p99.9 / max ms',
    'left late p99 / p99.9 ms',
    'gaps > 40 ms',
    'lost',
    'ppm, worst',
    'round trip p50 / p99 ms',
    'set-up p50 / p99 ms',
    'failed',
    'generator late p99 / p99.9 ms',
  ]);
  for (const row of rows) table.row(cells(row));
}

function cells({ peer, media, calls, core, timesFloor, kbPerCall, kbEachMore, placed, heard, own, unclean }: Row): (string | number)[] {
  const { late, roundTrip, ownLate, ppm } = heard;
  return [
    peer,
    media,
    calls,
    number(core),
    number(timesFloor, 2),
    number(core / placed.up, 4),
    number(kbPerCall, 0),
    number(kbEachMore, 0),
    `${tail(late, ['p50', 'p99', 'p999'])} / ${number(late.max)}`,
    own === undefined ? '-' : tail(own.departures, ['p99', 'p999']),
    heard.gaps,
    heard.lost,
    `${number(ppm.median)}, ${number(ppm.worst)}`,
    tail(roundTrip, ['p50', 'p99']),
    tail(placed.setup, ['p50', 'p99']),
    placed.failed + unclean,
    tail(ownLate, ['p99', 'p999']),
  ];
}

const tail = (of: Tail, which: readonly (keyof Tail)[]): string => which.map((key) => number(of[key])).join(' / ');

/** JSON has no NaN: what was not measured comes back as null. */
function number(value: number | null | undefined, digits = 1): string {
  return value === null || value === undefined || Number.isNaN(value) ? '-' : value.toFixed(digits);
}
