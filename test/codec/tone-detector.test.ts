import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dtmfFrequencies, dtmfTone, isDtmfDigit, progressTone, Resampler, renderTone, ToneDetector } from '../../src/codec.js';
import { dataFolder, noise, speech, whiteNoise } from './signals.js';

const keys = [...'0123456789*#ABCD'].filter(isDtmfDigit);

interface Heard {
  readonly keys: string;
  readonly durations: readonly number[];
}

/** All keys in a sound and the silence after it, fed in chunks of `size`. */
function hear(sound: Int16Array, sampleRate: number, size = sampleRate / 50): Heard {
  let down = '';
  let up = '';
  const durations: number[] = [];
  const detector = new ToneDetector(sampleRate, {
    onKeyDown: (digit) => {
      down += digit;
    },
    onKeyUp: (digit, durationMs) => {
      up += digit;
      durations.push(durationMs);
    },
  });
  const all = new Int16Array(sound.length + sampleRate / 10);
  all.set(sound);
  for (let at = 0; at < all.length; at += size) detector.process(all, Math.min(size, all.length - at), at);
  expect(up).toBe(down);
  return { keys: down, durations };
}

interface Press {
  readonly lowHz: number;
  readonly highHz: number;
  readonly ms: number;
  readonly low: number;
  readonly high: number;
  readonly lead?: number;
}

/** Two sines with hard edges, `lead` samples from the start. */
function press({ lowHz, highHz, ms, low, high, lead = 0 }: Press, sampleRate: number): Int16Array {
  const length = Math.round((sampleRate * ms) / 1000);
  const out = new Int16Array(lead + length);
  for (let i = 0; i < length; i++) {
    const t = (2 * Math.PI * i) / sampleRate;
    out[lead + i] = Math.round(low * Math.sin(lowHz * t) + high * Math.sin(highHz * t + 1));
  }
  return out;
}

/** Share of keys recognised as themselves, and as anything, over all keys and many positions. */
function shares(sampleRate: number, change: (lowHz: number, highHz: number) => Partial<Press>): { right: number; any: number } {
  let right = 0;
  let any = 0;
  let all = 0;
  for (const key of keys) {
    const [lowHz, highHz] = dtmfFrequencies(key);
    for (let lead = 0; lead < sampleRate / 150; lead += 11) {
      const heard = hear(
        press({ lowHz, highHz, ms: 50, low: 5000, high: 5000, lead, ...change(lowHz, highHz) }, sampleRate),
        sampleRate,
      ).keys;
      all++;
      if (heard === key) right++;
      if (heard !== '') any++;
    }
  }
  return { right: right / all, any: any / all };
}

const joined = (...parts: readonly Int16Array[]) => Int16Array.from(parts.flatMap((part) => [...part]));

describe.each([8000, 16000])('at %i Hz', (sampleRate) => {
  const ms = sampleRate / 1000;

  test.each([
    [40, 40],
    [50, 50],
    [100, 80],
    [400, 45],
  ])('Q.24: all keys of %i ms with %i ms between, each once, its duration within 15 ms', (toneMs, gapMs) => {
    const heard = hear(joined(new Int16Array(1234), renderTone(dtmfTone(keys.join(''), { toneMs, gapMs }), sampleRate)), sampleRate);
    expect(heard.keys).toBe(keys.join(''));
    for (const duration of heard.durations) expect(Math.abs(duration - toneMs)).toBeLessThanOrEqual(15);
  });

  test('Q.24: the same key twice with 40 ms between is two keys', () => {
    expect(hear(renderTone(dtmfTone('5555', { toneMs: 40, gapMs: 40 }), sampleRate), sampleRate).keys).toBe('5555');
  });

  test('Q.24: a drop-out of 10 ms does not make two keys of one', () => {
    for (const key of keys) {
      const sound = renderTone(dtmfTone(key, { toneMs: 200 }), sampleRate);
      sound.fill(0, 90 * ms, 100 * ms);
      expect(hear(sound, sampleRate).keys).toBe(key);
    }
  });

  test('Q.24: frequencies 1.5 % off are taken, 3.5 % off are not', () => {
    for (const [low, high] of [
      [1, 1],
      [1, -1],
      [-1, 1],
      [-1, -1],
    ] as const) {
      const off = (share: number) =>
        shares(sampleRate, (lowHz, highHz) => ({ lowHz: lowHz * (1 + low * share), highHz: highHz * (1 + high * share), ms: 60 }));
      expect(off(0.015).right).toBe(1);
      expect(off(0.035).any).toBe(0);
    }
  });

  test('Q.24: 40 ms are a key, 23 ms are none, wherever they begin', () => {
    expect(shares(sampleRate, () => ({ ms: 40 })).right).toBe(1);
    expect(shares(sampleRate, () => ({ ms: 23 })).any).toBe(0);
  });

  test('Q.24: the higher tone 4 dB louder to 8 dB softer is a key; 10 dB louder or 14 softer is none', () => {
    for (const dB of [-8, -4, 0, 4]) expect(shares(sampleRate, () => ({ high: 5000 * 10 ** (dB / 20) })).right, `${dB} dB`).toBe(1);
    for (const dB of [-14, 10]) expect(shares(sampleRate, () => ({ high: 2000 * 10 ** (dB / 20), low: 2000 })).any, `${dB} dB`).toBe(0);
  });

  test('Q.24: levels from −3 to −25 dBm0 a tone are keys, below −55 they are none', () => {
    const at = (dbm0: number) => 32768 * 10 ** ((dbm0 - 3.14) / 20);
    for (const dbm0 of [-3, -10, -20, -25]) expect(shares(sampleRate, () => ({ low: at(dbm0), high: at(dbm0) })).right, `${dbm0}`).toBe(1);
    expect(shares(sampleRate, () => ({ low: at(-55), high: at(-55) })).any).toBe(0);
  });

  test('noise 15 dB below the tones hides none', () => {
    const next = noise(3);
    let right = 0;
    for (let round = 0; round < 10; round++) {
      for (const key of keys) {
        const [lowHz, highHz] = dtmfFrequencies(key);
        const sound = press({ lowHz, highHz, ms: 50, low: 4000, high: 4000, lead: 13 * round }, sampleRate);
        for (let i = 0; i < sound.length; i++) sound[i]! += 4000 * Math.sqrt(3) * 10 ** (-15 / 20) * next();
        if (hear(sound, sampleRate).keys === key) right++;
      }
    }
    expect(right).toBe(160);
  });

  test('one tone alone, or two of one group, are no key', () => {
    for (const [lowHz, highHz] of [
      [697, 0],
      [0, 1336],
      [697, 941],
      [1209, 1477],
      [350, 440],
      [1000, 2000],
    ] as const) {
      expect(hear(press({ lowHz, highHz, ms: 200, low: 5000, high: 5000 }, sampleRate), sampleRate).keys, `${lowHz} + ${highHz}`).toBe('');
    }
  });

  test('ringing, busy and a minute of noise are no keys', () => {
    for (const country of ['us', 'gb', 'de', 'fr', 'au', 'jp'] as const) {
      for (const kind of ['ringback', 'busy', 'congestion'] as const)
        expect(hear(renderTone(progressTone(kind, country), sampleRate), sampleRate).keys).toBe('');
    }
    expect(hear(whiteNoise(60 * sampleRate, 20_000), sampleRate).keys).toBe('');
  });

  test('any chunking hears the same', () => {
    const sound = renderTone(dtmfTone('19*D', { toneMs: 60 }), sampleRate);
    const whole = hear(sound, sampleRate, sound.length);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3000 }), (size) => {
        expect(hear(sound, sampleRate, size)).toEqual(whole);
      }),
      { numRuns: 30, seed: 23 },
    );
  });

  test('after reset a key that was down is forgotten', () => {
    const events: string[] = [];
    const detector = new ToneDetector(sampleRate, {
      onKeyDown: (digit) => events.push(`down ${digit}`),
      onKeyUp: (digit) => events.push(`up ${digit}`),
    });
    const tone = renderTone(dtmfTone('7'), sampleRate);
    detector.process(tone, 60 * ms);
    detector.reset();
    detector.process(new Int16Array(100 * ms), 100 * ms);
    detector.process(tone, tone.length);
    detector.process(new Int16Array(100 * ms), 100 * ms);
    expect(events).toEqual(['down 7', 'down 7', 'up 7']);
  });
});

describe.skipIf(!dataFolder)('talk-off (needs SIPBOT_TEST_DATA)', () => {
  test.each([
    ['pjproject-input.8.wav', 8000],
    ['diago-demo-echodone.wav', 8000],
    ['pjproject-tock8.wav', 8000],
    ['pjproject-input.16.wav', 16000],
    ['freeswitch-hi.wav', 16000],
  ])('%s, spoken by voices from half to twice as high, loud and soft: no key', (file, sampleRate) => {
    for (let pitch = 0.5; pitch <= 2; pitch *= 1.1) {
      const sound = speech(file);
      const resampler = new Resampler(sampleRate, Math.round(sampleRate / pitch));
      const shifted = new Int16Array(resampler.maxOutput(sound.length));
      resampler.process(sound, sound.length, shifted);
      for (const shift of [0, 2])
        expect(
          hear(
            shifted.map((sample) => sample >> shift),
            sampleRate,
          ).keys,
          `pitch ${pitch}`,
        ).toBe('');
    }
  });

  test('a key pressed while somebody speaks 15 dB below it is heard', () => {
    const sound = speech('pjproject-input.8.wav').map((sample) => sample >> 4);
    const tone = renderTone(dtmfTone('159D'), 8000);
    for (let i = 0; i < tone.length; i++) sound[16_000 + i]! += tone[i]!;
    expect(hear(sound, 8000).keys).toBe('159D');
  });
});
