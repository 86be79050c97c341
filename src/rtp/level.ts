/** How loud, and whether it clips: gathered over frames, said in dB below overload (dBov, RFC 6464 §3). */

export interface Level {
  energy: number;
  samples: number;
  clipped: number;
}

/** The loudest that G.711 µ-law can say is 32124. */
const CLIPPED = 32000;

/** Every second sample tells the level as well as all of them; every clipped peak is wider than one. */
export function measure(level: Level, samples: Int16Array, count: number, from = 0): void {
  let energy = 0;
  let clipped = 0;
  for (let i = from; i < from + count; i += 2) {
    const sample = samples[i]!;
    energy += sample * sample;
    if (sample >= CLIPPED || sample <= -CLIPPED) clipped++;
  }
  level.energy += energy;
  level.samples += count >> 1;
  level.clipped += clipped;
}

/** The level since last asked: 0 is the loudest square wave, -127 is silence. */
export function takeLevelDbov(level: Level): number {
  if (level.samples === 0) return -127;
  const mean = level.energy / level.samples / (32768 * 32768);
  level.energy = 0;
  level.samples = 0;
  return mean === 0 ? -127 : Math.max(-127, 10 * Math.log10(mean));
}
