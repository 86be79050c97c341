/** Figures over how many there are, as one SVG: a panel each, the points as measured, the line that fits them. */
import { escapeXml, niceTop, sheet } from '../../scripts/svg-sheet.js';
import type { Fit, Point } from './fit.js';

export interface Growth {
  readonly title: string;
  readonly unit: string;
  readonly points: readonly Point[];
  /** Of the points up to `fitTo`. */
  readonly fit?: Fit;
  readonly fitTo?: number;
}

const WIDTH = 300;
const HEIGHT = 160;
const GAP = 28;
const COLUMNS = 3;

export function drawGrowth(heading: string, panels: readonly Growth[]): string {
  return sheet(heading, panels.map(drawPanel), {
    columns: COLUMNS,
    stepX: WIDTH + 2 * GAP,
    stepY: HEIGHT + 2 * GAP,
    gap: GAP,
    marginX: 0,
    marginBottom: 2 * GAP,
  });
}

function drawPanel({ title, unit, points, fit, fitTo }: Growth): string {
  const right = Math.max(...points.map(({ x }) => x));
  const top = niceTop(Math.max(...points.map(({ y }) => y)));
  const at = (x: number, y: number): string => `${((x / right) * WIDTH).toFixed(1)},${(HEIGHT - (y / top) * HEIGHT).toFixed(1)}`;
  const line = (x: number): string => at(x, (fit?.intercept ?? 0) + (fit?.slope ?? 0) * x);
  const last = Math.min(fitTo ?? right, right);
  return [
    `<path d="M0 0V${HEIGHT}H${WIDTH}" fill="none" stroke="#999"/>`,
    `<text y="-6">${escapeXml(title)}${fit === undefined ? '' : `, R² ${fit.r2.toFixed(4)}`}</text>`,
    `<text x="${WIDTH}" y="-6" text-anchor="end" fill="#666">0 … ${top} ${escapeXml(unit)}</text>`,
    `<text y="${HEIGHT + 14}" fill="#666">0</text>`,
    `<text x="${WIDTH}" y="${HEIGHT + 14}" text-anchor="end" fill="#666">${right}</text>`,
    fit === undefined ? '' : `<path d="M${line(0)}L${line(last)}" stroke="#ea580c" fill="none"/>`,
    ...points.map(({ x, y }) => {
      const [cx, cy] = at(x, y).split(',');
      return `<circle cx="${cx}" cy="${cy}" r="3" fill="#2563eb"/>`;
    }),
  ].join('');
}
