/** The judge of the soak: it must let noise pass, see a small leak in it, and not take a wave for a trend. */
import { describe, expect, test } from 'vitest';
import { drawPanels } from '../../scripts/soak/plot.js';
import { trendOf } from '../../scripts/soak/trend.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';

const EVERY_S = 15;
const SAMPLES = 200;
/** What the soak allows itself for all of its series together, for one of them. */
const LIMIT = 0.01 / 36;

/** Around 150, give or take 5, and whatever is added. */
function series(seed: number, added: (i: number) => number): number[] {
  const random = new SeededRandom(seed);
  const noise = (): number => [1, 2, 3, 4].reduce((sum) => sum + random.fraction() - 0.5, 0) * 5;
  return Array.from({ length: SAMPLES }, (_, i) => 150 + noise() + added(i));
}

const times = Array.from({ length: SAMPLES }, (_, i) => i * EVERY_S);
const judge = (seed: number, added: (i: number) => number) => trendOf(series(seed, added), times, 120);

describe('trendOf', () => {
  test('noise alone: of 400 series none rises, and the slopes are about zero', () => {
    const trends = Array.from({ length: 400 }, (_, seed) => judge(seed + 1, () => 0));
    expect(trends.filter(({ p }) => p < LIMIT)).toEqual([]);
    expect(Math.abs(trends.reduce((sum, { slope }) => sum + slope, 0) / 400)).toBeLessThan(0.1);
  });

  test('a leak of 9 in an hour under noise of ± 5 is seen, and its slope is told', () => {
    const trends = Array.from({ length: 50 }, (_, seed) => judge(seed + 1, (i) => (9 * i * EVERY_S) / 3600));
    expect(trends.filter(({ p }) => p >= LIMIT)).toEqual([]);
    expect(trends.filter(({ slope }) => slope < 5 || slope > 13)).toEqual([]);
  });

  test('a slow wave, as a heap that breathes, is no trend', () => {
    const trends = Array.from({ length: 50 }, (_, seed) => judge(seed + 1, (i) => 10 * Math.sin((2 * Math.PI * (i + 7 * seed)) / 66)));
    expect(trends.filter(({ p }) => p < LIMIT)).toEqual([]);
  });

  test('what never changes does not rise', () => {
    expect(trendOf(new Array<number>(SAMPLES).fill(3), times, 120)).toMatchObject({ mean: 3, slope: 0, z: 0 });
  });
});

test('the plot holds a panel for each series and a line for each process', () => {
  const svg = drawPanels(
    'a < b',
    [
      {
        title: 'RSS, MB',
        lines: [
          [1, 2, 3],
          [3, 2, 1],
        ],
      },
    ],
    60,
    10,
  );
  expect(svg.match(/<polyline/g)).toHaveLength(2);
  expect(svg).toContain('a &lt; b');
  expect(svg).toContain('points="0.0,80.0 150.0,40.0 300.0,0.0"');
});
