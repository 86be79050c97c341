/** A pair of packets of an echo bot: through the whole engine, without sockets. */

import { type EngineParts, openRounds } from '../engine-rounds.js';
import type { Load } from './load.js';
import type { Work } from './work.js';

const STREAMS = 200;

export async function engineTasks(load: Load): Promise<Work[]> {
  const parts = await load<EngineParts>('rtp/engine', 'rtp/header', 'testing/manual-clock');
  const works: Work[] = [];
  for (const rate of [8000, 16_000]) {
    const rounds = await openRounds(parts, STREAMS, rate);
    works.push({ name: `a pair, ${rate / 1000} kHz bot`, run: () => rounds.turn(), operations: STREAMS });
  }
  return works;
}
