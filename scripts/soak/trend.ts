/**
 * Does a series rise? Mann-Kendall's test on the means of blocks, its variance corrected for what neighbouring blocks have in common (Hamed and Rao 1998),
 * and Theil-Sen's slope: neither asks for a normal distribution, and one odd sample moves neither.
 */
export interface Trend {
  readonly mean: number;
  /** Per hour, in the unit of the series. */
  readonly slope: number;
  /** Standard normal when there is no trend. */
  readonly z: number;
  /** One-sided: how likely so steep a rise is without a trend. */
  readonly p: number;
}

/** `values` at `atS` seconds, in blocks of `blockS`. */
export function trendOf(values: readonly number[], atS: readonly number[], blockS: number): Trend {
  const blocks = blockMeans(values, atS, blockS);
  const n = blocks.length;
  const mean = blocks.reduce((sum, one) => sum + one, 0) / n;
  const slope = theilSen(blocks);
  const variance = kendallVariance(blocks) * correction(blocks, slope);
  const s = kendall(blocks);
  const z = variance > 0 ? (s - Math.sign(s)) / Math.sqrt(variance) : 0;
  return { mean, slope: (slope * 3600) / blockS, z, p: 1 - normal(z) };
}

function blockMeans(values: readonly number[], atS: readonly number[], blockS: number): number[] {
  const blocks = new Map<number, number[]>();
  for (const [i, value] of values.entries()) {
    const block = Math.floor((atS[i]! - atS[0]!) / blockS);
    blocks.set(block, [...(blocks.get(block) ?? []), value]);
  }
  return [...blocks.values()].map((block) => block.reduce((sum, value) => sum + value, 0) / block.length);
}

function kendall(values: readonly number[]): number {
  let s = 0;
  for (let j = 1; j < values.length; j++) for (let i = 0; i < j; i++) s += Math.sign(values[j]! - values[i]!);
  return s;
}

/** Equal values count for less. */
function kendallVariance(values: readonly number[]): number {
  const n = values.length;
  const ties = new Map<number, number>();
  for (const value of values) ties.set(value, (ties.get(value) ?? 0) + 1);
  let sum = n * (n - 1) * (2 * n + 5);
  for (const t of ties.values()) sum -= t * (t - 1) * (2 * t + 5);
  return sum / 18;
}

function theilSen(values: readonly number[]): number {
  const slopes: number[] = [];
  for (let j = 1; j < values.length; j++) for (let i = 0; i < j; i++) slopes.push((values[j]! - values[i]!) / (j - i));
  slopes.sort((a, b) => a - b);
  const middle = slopes.length >> 1;
  if (slopes.length === 0) return 0;
  return slopes.length % 2 === 1 ? slopes[middle]! : (slopes[middle - 1]! + slopes[middle]!) / 2;
}

/** n / n*: from the significant autocorrelations of the ranks of what is left without the slope. Never below 1: a series is not taken for surer than it is. */
function correction(values: readonly number[], slope: number): number {
  const n = values.length;
  const ranks = ranksOf(values.map((value, i) => value - slope * i));
  const mean = (n + 1) / 2;
  const power = ranks.reduce((sum, rank) => sum + (rank - mean) ** 2, 0);
  if (power === 0) return 1;
  let sum = 0;
  for (let lag = 1; lag < n - 1; lag++) {
    let r = 0;
    for (let i = lag; i < n; i++) r += (ranks[i]! - mean) * (ranks[i - lag]! - mean);
    r /= power;
    if (Math.abs(r) > 1.96 / Math.sqrt(n)) sum += (n - lag) * (n - lag - 1) * (n - lag - 2) * r;
  }
  return Math.max(1, 1 + (2 * sum) / (n * (n - 1) * (n - 2)));
}

function ranksOf(values: readonly number[]): number[] {
  return values.map((value) => {
    let below = 0;
    let equal = 0;
    for (const other of values) {
      if (other < value) below++;
      else if (other === value) equal++;
    }
    return below + (equal + 1) / 2;
  });
}

/** Of the standard normal distribution, to 1e-7 (Abramowitz and Stegun 26.2.17). */
function normal(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const tail =
    (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) *
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return z >= 0 ? 1 - tail : tail;
}
