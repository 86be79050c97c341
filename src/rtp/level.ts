/** How loud a stream is, thinly sampled: one sample in four tells the level as well as all of them, at a quarter of the price. */
import { dbovOf } from '../codec/level.js';

const EVERY = 4;
/** The loudest that G.711 µ-law can say is 32124. */
const CLIPPED = 32000;

/** Gathered over frames. `clipped` counts on; the rest starts anew whenever it is taken. */
export interface Level {
  energy: number;
  samples: number;
  clipped: number;
}

export function measure(level: Level, samples: Int16Array, count: number, at = 0): void {
  let energy = 0;
  let clipped = 0;
  for (let i = at; i < at + count; i += EVERY) {
    const sample = samples[i]!;
    energy += sample * sample;
    if (sample >= CLIPPED || sample <= -CLIPPED) clipped += EVERY;
  }
  level.energy += energy;
  level.samples += count / EVERY;
  level.clipped += clipped;
}

/** The level since it was last taken. */
export function takeLevelDbov(level: Level): number {
  const dbov = dbovOf(level.samples === 0 ? 0 : level.energy / level.samples);
  level.energy = 0;
  level.samples = 0;
  return dbov;
}
