import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Concealer } from '../../src/codec.js';
import { dataFolder, decibels, largestStep, noise, rms, sine, speech, whiteNoise } from './signals.js';

interface Heard {
  readonly out: Int16Array;
  readonly lost: readonly boolean[];
  readonly frame: number;
}

/** Plays a sound of which some frames are lost. */
function play(sound: Int16Array, sampleRate: number, frameMs: number, isLost: (frame: number) => boolean): Heard {
  const frame = (sampleRate * frameMs) / 1000;
  const out = Int16Array.from(sound);
  const concealer = new Concealer(sampleRate);
  const lost: boolean[] = [];
  for (let at = 0; at + frame <= out.length; at += frame) {
    lost.push(isLost(lost.length));
    if (lost.at(-1)) concealer.conceal(out, frame, at);
    else concealer.good(out, frame, at);
  }
  return { out, lost, frame };
}

function losing(share: number, seed: number): (frame: number) => boolean {
  const next = noise(seed);
  return (frame) => (next() + 1) / 2 < share && frame >= 5;
}

describe.each([8000, 16000])('at %i Hz', (sampleRate) => {
  const ms = sampleRate / 1000;

  test('frames that are kept for it in a ring are heard as those that it copied', () => {
    const frame = 20 * ms;
    const row = frame + 4;
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('kept', 'kept', 'kept', 'passing', 'lost', 'pause'), { maxLength: 80 }),
        fc.nat(999),
        (frames, seed) => {
          const next = noise(seed);
          const ring = new Int16Array(51 * row);
          const [keeping, copying] = [new Concealer(sampleRate), new Concealer(sampleRate)];
          for (const [i, kind] of frames.entries()) {
            const at = (i % 51) * row + 4;
            const sound = Int16Array.from({ length: frame }, () => 8000 * next());
            const copied = Int16Array.from(sound);
            ring.fill(0, at, at + frame);
            if (kind === 'pause') continue;
            if (kind === 'lost') {
              copying.conceal(copied, frame, 0);
              keeping.conceal(ring, frame, at);
            } else {
              copying.good(copied, frame, 0);
              ring.set(sound, at);
              if (kind === 'kept') keeping.good(ring, frame, at, true);
              else {
                keeping.good(sound, frame, 0);
                ring.set(sound, at);
              }
            }
            expect(ring.subarray(at, at + frame)).toEqual(copied);
          }
        },
      ),
    );
  });

  test('many that miss something at the same time, and one after the other, each hear their own', () => {
    const frame = 20 * ms;
    const voices = Array.from({ length: 20 }, (_, i) => sine(150 + 40 * i, sampleRate, 0.6, 9000));
    const isLost = (voice: number, at: number): boolean => (at + voice) % 9 > 4;
    const alone = voices.map((voice, i) => play(voice, sampleRate, 20, (at) => isLost(i, at)).out);
    const together = voices.map((voice) => ({ out: Int16Array.from(voice), concealer: new Concealer(sampleRate) }));
    for (let at = 0; at < 30; at++) {
      for (const [i, { out, concealer }] of together.entries()) {
        if (isLost(i, at)) concealer.conceal(out, frame, at * frame);
        else concealer.good(out, frame, at * frame);
      }
    }
    expect(together.map(({ out }) => out)).toEqual(alone);
  });

  test('without loss nothing is touched', () => {
    const sound = whiteNoise(100 * ms, 20_000);
    expect(play(sound, sampleRate, 20, () => false).out).toEqual(sound);
  });

  test.each([
    [200, 25],
    [300, 25],
    [440, 25],
    [2500, 25],
    // No whole number of samples between 5 and 15 ms is nearer than 7° to a multiple of its period.
    [1004, 12],
  ])('G.711 App. I: a tone of %i Hz goes on where it broke off, %i dB over the error in the first 10 ms', (hz, dB) => {
    const sound = sine(hz, sampleRate, 0.2, 10_000, 0.4);
    const { out } = play(sound, sampleRate, 20, (frame) => frame === 6);
    const error = Array.from({ length: 10 * ms }, (_, i) => out[120 * ms + i]! - sound[120 * ms + i]!);
    expect(decibels(10_000 / Math.SQRT2 / rms(error))).toBeGreaterThan(dB);
  });

  test('G.711 App. I: 10 ms at full level, then down, silence from 60 ms on', () => {
    const sound = sine(200, sampleRate, 0.4, 10_000);
    const { out } = play(sound, sampleRate, 10, (frame) => frame >= 20);
    const levels = Array.from({ length: 12 }, (_, i) => Math.round((10 * rms(out, (200 + 10 * i) * ms, (210 + 10 * i) * ms)) / rms(sound)));
    expect(levels).toEqual([10, 9, 7, 5, 3, 1, 0, 0, 0, 0, 0, 0]);
    expect(out.subarray(260 * ms).every((sample) => sample === 0)).toBe(true);
  });

  test('isSilent tells when nothing is left to repeat', () => {
    const concealer = new Concealer(sampleRate);
    concealer.good(sine(300, sampleRate, 0.06), 60 * ms);
    const frame = new Int16Array(20 * ms);
    const told = [1, 2, 3, 4].map(() => {
      concealer.conceal(frame, frame.length);
      return concealer.isSilent;
    });
    expect(told).toEqual([false, false, true, true]);
    concealer.good(frame, frame.length);
    expect(concealer.isSilent).toBe(false);
  });

  test('a loss before anything was heard is silence', () => {
    const frame = new Int16Array(20 * ms).fill(99);
    new Concealer(sampleRate).conceal(frame, frame.length);
    expect(frame.every((sample) => sample === 0)).toBe(true);
  });

  test('after the gap the sound is the original again within 10 ms', () => {
    const sound = sine(310, sampleRate, 0.3, 10_000);
    const { out } = play(sound, sampleRate, 20, (frame) => frame >= 6 && frame < 11);
    expect(out.subarray(230 * ms)).toEqual(sound.subarray(230 * ms));
    expect(out.subarray(220 * ms, 230 * ms)).not.toEqual(sound.subarray(220 * ms, 230 * ms));
  });

  test('any losses, frames of any length: a tone never steps further than by itself, and a little for the fade', () => {
    const sound = sine(400, sampleRate, 1, 12_000);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 30 * ms }), fc.boolean()), { minLength: 5, maxLength: 40 }), (frames) => {
        const out = Int16Array.from(sound);
        const concealer = new Concealer(sampleRate);
        let at = 60 * ms;
        concealer.good(out, at);
        for (const [length, isLost] of frames) {
          if (at + length > out.length) break;
          if (isLost) concealer.conceal(out, length, at);
          else concealer.good(out, length, at);
          at += length;
        }
        // Sound that comes back in another phase is faded over at least a quarter period: 1.25 ms.
        expect(largestStep(out, 1, at)).toBeLessThan(largestStep(sound) + 24_000 / (1.25 * ms));
      }),
      { numRuns: 100, seed: 711 },
    );
  });

  test('after reset nothing of the old sound is repeated', () => {
    const concealer = new Concealer(sampleRate);
    concealer.good(sine(300, sampleRate, 0.1), 100 * ms);
    concealer.reset();
    const frame = new Int16Array(20 * ms).fill(99);
    concealer.conceal(frame, frame.length);
    expect(rms(frame)).toBe(0);
  });
});

describe.skipIf(!dataFolder)('speech with losses (needs SIPBOT_TEST_DATA)', () => {
  const files = [
    ['pjproject-input.8.wav', 8000],
    ['diago-demo-echodone.wav', 8000],
    ['pjproject-input.16.wav', 16000],
    ['freeswitch-hi.wav', 16000],
  ] as const;

  test.each(files.flatMap(([file, rate]) => [0.02, 0.05, 0.1, 0.2].map((share) => [file, rate, share] as const)))(
    '%s at %i Hz, %f lost: no step at a border larger than the speech around has',
    (file, sampleRate, share) => {
      const sound = speech(file);
      for (const [seed, frameMs] of [
        [7, 20],
        [8, 20],
        [9, 10],
        [10, 30],
      ] as const) {
        const { out, lost, frame } = play(sound, sampleRate, frameMs, losing(share, seed));
        lost.forEach((isLost, k) => {
          if (!isLost && !lost[k - 1]) return;
          const from = k * frame;
          const around = largestStep(sound, Math.max(0, from - sampleRate * 0.1), Math.min(sound.length, from + 2 * frame));
          expect(largestStep(out, from, Math.min(out.length, from + frame)), `seed ${seed}, frame ${k}`).toBeLessThan(1.05 * around + 50);
        });
      }
    },
  );

  test.each(files.slice(0, 3))('%s: over voiced frames, 3 dB nearer to what was said than silence', (file, sampleRate) => {
    const sound = speech(file);
    const frame = sampleRate / 100;
    let voiced = 0;
    let error = 0;
    let energy = 0;
    for (let at = 10 * frame; at + frame <= sound.length; at += frame) {
      if (periodicity(sound.subarray(at - 4 * frame, at), sampleRate) < 0.9) continue;
      const concealer = new Concealer(sampleRate);
      concealer.good(sound.slice(at - 8 * frame, at), 8 * frame);
      const out = new Int16Array(frame);
      concealer.conceal(out, frame);
      for (let i = 0; i < frame; i++) {
        error += (out[i]! - sound[at + i]!) ** 2;
        energy += sound[at + i]! ** 2;
      }
      voiced++;
    }
    expect(voiced).toBeGreaterThan(50);
    expect(10 * Math.log10(energy / error)).toBeGreaterThan(3);
  });
});

/** How much the second half of a stretch of 40 ms repeats what was 5 to 15 ms before it; 1 is exactly. */
function periodicity(sound: Int16Array, sampleRate: number): number {
  let best = 0;
  for (let lag = sampleRate / 200; lag <= 0.015 * sampleRate; lag++) {
    let product = 0;
    let now = 1;
    let before = 1;
    for (let i = sound.length / 2; i < sound.length; i++) {
      product += sound[i]! * sound[i - lag]!;
      now += sound[i]! ** 2;
      before += sound[i - lag]! ** 2;
    }
    best = Math.max(best, product / Math.sqrt(now * before));
  }
  return best;
}
