/** A straight line through points, by least squares, and how much of what they differ by it explains. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Fit {
  readonly intercept: number;
  readonly slope: number;
  /** Coefficient of determination. */
  readonly r2: number;
}

export function fitLine(points: readonly Point[]): Fit {
  const mean = (pick: (point: Point) => number): number => points.reduce((sum, point) => sum + pick(point), 0) / points.length;
  const x0 = mean(({ x }) => x);
  const y0 = mean(({ y }) => y);
  const xx = mean(({ x }) => (x - x0) ** 2);
  const xy = mean(({ x, y }) => (x - x0) * (y - y0));
  const yy = mean(({ y }) => (y - y0) ** 2);
  const slope = xy / xx;
  return { slope, intercept: y0 - slope * x0, r2: yy === 0 ? 1 : (xy * xy) / (xx * yy) };
}
