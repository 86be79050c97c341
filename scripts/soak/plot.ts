/** Series over time as one SVG: a small panel each, a line for each process, zero at the bottom. */
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
  const rows = Math.ceil(panels.length / COLUMNS);
  const width = COLUMNS * (WIDTH + GAP) + GAP;
  const height = rows * (HEIGHT + 2 * GAP) + 2 * GAP;
  const drawn = panels.map((panel, i) => {
    const x = GAP + (i % COLUMNS) * (WIDTH + GAP);
    const y = 3 * GAP + Math.floor(i / COLUMNS) * (HEIGHT + 2 * GAP);
    return `<g transform="translate(${x} ${y})">${drawPanel(panel, minutes, warmupMinutes)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${GAP}" y="${GAP}" font-size="14">${escapeXml(heading)}</text>`,
    ...drawn,
    '</svg>\n',
  ].join('\n');
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

/** 1, 2 or 5 times a power of ten, and no less than what is drawn. */
export function niceTop(most: number): number {
  if (most <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 1.5, 2, 3, 4, 5, 7.5, 10].map((factor) => factor * power).find((top) => top >= most) ?? 10 * power;
}

export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
