/** Small panels on one sheet of SVG, row by row, under a heading. */
export interface Grid {
  readonly columns: number;
  /** From a panel to the next. */
  readonly stepX: number;
  readonly stepY: number;
  /** Left of the first panel, and beside the heading. */
  readonly gap: number;
  /** Right of the last column, and below the last row. */
  readonly marginX: number;
  readonly marginBottom: number;
}

export function sheet(heading: string, panels: readonly string[], { columns, stepX, stepY, gap, marginX, marginBottom }: Grid): string {
  const width = columns * stepX + marginX;
  const height = Math.ceil(panels.length / columns) * stepY + marginBottom;
  const placed = panels.map((panel, i) => {
    const x = gap + (i % columns) * stepX;
    const y = 3 * gap + Math.floor(i / columns) * stepY;
    return `<g transform="translate(${x} ${y})">${panel}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${gap}" y="${gap}" font-size="14">${escapeXml(heading)}</text>`,
    ...placed,
    '</svg>\n',
  ].join('\n');
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
