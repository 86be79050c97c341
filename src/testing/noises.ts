/** What a caller's line carries beside speech, at 16 kHz: a cough, other people, hum and hiss. The same chance gives the same noise. */
import type { Random } from '../random.js';

export type NoiseKind = 'cough' | 'babble' | 'line';

const RATE = 16_000;
const COUGH_MS = 80;
const BABBLERS = 8;
/** Peak of a cough; root mean square of the rest. */
const LEVEL: Readonly<Record<NoiseKind, number>> = { cough: 9000, babble: 300, line: 60 };

/** `level` is the peak of a cough, and of the others the root mean square; a cough has its own length. */
export function noise(kind: NoiseKind, random: Random, ms = 2000, level = LEVEL[kind]): Int16Array {
  if (kind === 'cough') return cough(random, level);
  const length = Math.round((ms * RATE) / 1000);
  const sound = kind === 'babble' ? babble(random, length) : line(random, length);
  const gain = level / Math.sqrt(sound.reduce((sum, sample) => sum + sample * sample, 0) / length);
  return Int16Array.from(sound, (sample) => Math.max(-32768, Math.min(32767, Math.round(sample * gain))));
}

function cough(random: Random, peak: number): Int16Array {
  return Int16Array.from({ length: (COUGH_MS * RATE) / 1000 }, (_, i) => peak * Math.exp(-i / 900) * (2 * random.fraction() - 1));
}

/** Several voices: pulses at a pitch that wanders, three to five syllables a second, each for itself. */
function babble(random: Random, length: number): Float64Array {
  const sum = new Float64Array(length);
  for (let voice = 0; voice < BABBLERS; voice++) {
    const hz = 90 + 150 * random.fraction();
    const syllables = 3 + 2 * random.fraction();
    const shift = 2 * Math.PI * random.fraction();
    let phase = 0;
    for (let i = 0; i < length; i++) {
      phase += (hz * (1 + 0.1 * Math.sin((2 * Math.PI * 0.7 * i) / RATE + shift))) / RATE;
      const loud = Math.max(0, Math.sin((2 * Math.PI * syllables * i) / RATE + shift));
      // A buzz without edges: the sum of its harmonics falls by 12 dB an octave.
      sum[i]! += loud * (((phase % 1) - 0.5) ** 2 - 1 / 12);
    }
  }
  return sum;
}

/** Hiss, and hum of the mains. */
function line(random: Random, length: number): Float64Array {
  return Float64Array.from({ length }, (_, i) => random.fraction() - 0.5 + 0.2 * Math.sin((2 * Math.PI * 50 * i) / RATE));
}
