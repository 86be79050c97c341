/**
 * How fast one clock runs beside another, from packets that only ever come late: of each stretch of time the earliest packet counts, and a line
 * through those tells the rest. One for each call.
 */
const STRETCH_MS = 4000;

export class Drift {
  readonly #lows: number[] = [];
  readonly #start: number;

  constructor(start: number) {
    this.#start = start;
  }

  /** `offset`: by how much a packet came later than its timestamp says, against any fixed beginning. */
  add(now: number, offset: number): void {
    const stretch = Math.floor((now - this.#start) / STRETCH_MS);
    while (this.#lows.length <= stretch) this.#lows.push(Number.POSITIVE_INFINITY);
    if (offset < this.#lows[stretch]!) this.#lows[stretch] = offset;
  }

  /** Parts per million: above 0, the other clock is the faster. NaN with fewer than three whole stretches. */
  ppm(): number {
    const lows = this.#lows.slice(0, -1);
    if (lows.length < 3 || !lows.every(Number.isFinite)) return Number.NaN;
    const middle = (lows.length - 1) / 2;
    const mean = lows.reduce((sum, low) => sum + low, 0) / lows.length;
    let rise = 0;
    let run = 0;
    for (const [i, low] of lows.entries()) {
      rise += (i - middle) * (low - mean);
      run += (i - middle) ** 2;
    }
    return (-1e6 * rise) / run / STRETCH_MS;
  }
}
