/** So many a second, by the clock: `action` for each, and how late each began. Resolves when the last has begun. */
import type { Histogram } from './histogram.js';

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function pace(count: number, perSecond: number, late: Histogram, action: (index: number) => void): Promise<void> {
  const start = performance.now();
  for (let i = 0; i < count; await sleep(1)) {
    for (; i < count; i++) {
      const due = start + (1000 * i) / perSecond;
      if (performance.now() < due) break;
      late.add(performance.now() - due);
      action(i);
    }
  }
}
