/** Series over time as one SVG: a small panel each, a line for each process, zero at the bottom. */
import { escapeXml, niceTop, sheet } from '../svg-sheet.js';

export interface Panel {
  readonly title: string;
  readonly lines: readonly (readonly number[])[];
}

const WIDTH = 300;
const HEIGHT = 120;
const GAP = 24;
const COLUMNS = 3;
const COLOURS = ['#2563eb', '#ea580c'];

export function drawPanels(heading: string, panels: readonly Panel[], minutes: number, warmupMinutes: number): string {
  const drawn = panels.map((panel) => drawPanel(panel, minutes, warmupMinutes));
  return sheet(heading, drawn, {
    columns: COLUMNS,
    stepX: WIDTH + GAP,
    stepY: HEIGHT + 2 * GAP,
    gap: GAP,
    marginX: GAP,
    marginBottom: 2 * GAP,
  });
}

function drawPanel({ title, lines }: Panel, minutes: number, warmupMinutes: number): string {
  const top = niceTop(Math.max(...lines.flat(), 0));
  const warm = ((warmupMinutes / minutes) * WIDTH).toFixed(1);
  const paths = lines.map((values, i) => {
    const points = values.map((value, at) => {
      const x = values.length < 2 ? 0 : (at / (values.length - 1)) * WIDTH;
      return `${x.toFixed(1)},${(HEIGHT - (value / top) * HEIGHT).toFixed(1)}`;
    });
    return `<polyline points="${points.join(' ')}" fill="none" stroke="${COLOURS[i % COLOURS.length]}" stroke-width="1"/>`;
  });
  return [
    `<rect width="${warm}" height="${HEIGHT}" fill="#eee"/>`,
    `<path d="M0 0V${HEIGHT}H${WIDTH}" fill="none" stroke="#999"/>`,
    `<text y="-6">${escapeXml(title)}</text>`,
    `<text x="${WIDTH}" y="-6" text-anchor="end" fill="#666">0 … ${top}</text>`,
    `<text y="${HEIGHT + 14}" fill="#666">0</text>`,
    `<text x="${WIDTH}" y="${HEIGHT + 14}" text-anchor="end" fill="#666">${Math.round(minutes)} min</text>`,
    ...paths,
  ].join('');
}
