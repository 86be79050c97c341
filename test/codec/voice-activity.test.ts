import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readWav, VoiceActivity, type VoiceActivityOptions } from '../../src/codec.js';
import { dataFolder, rms, sine, speech, whiteNoise } from './signals.js';

/** One mark each 20 ms. */
function judge(sound: Int16Array, options: VoiceActivityOptions): string {
  const detector = new VoiceActivity(options);
  const frame = options.sampleRate / 50;
  let marks = '';
  for (let at = 0; at + frame <= sound.length; at += frame) marks += detector.process(sound, frame, at) ? '#' : '.';
  return marks;
}

const joined = (...parts: readonly Int16Array[]) => Int16Array.from(parts.flatMap((part) => [...part]));

describe.each([8000, 16000, 48000])('at %i Hz', (sampleRate) => {
  const s = sampleRate;

  test('noise alone is not speech, whatever its level up to −40 dBov', () => {
    for (const amplitude of [0, 5, 50, 300, 560]) expect(judge(whiteNoise(3 * s, amplitude), { sampleRate })).not.toContain('#');
  });

  test('what stands 12 dB over the noise for a while is, from 40 ms on until 300 ms after', () => {
    const quiet = whiteNoise(s, 300);
    const loud = whiteNoise(s / 2, 1600);
    expect(judge(joined(quiet, loud, quiet), { sampleRate })).toMatch(/^\.{51}#{25,40}\.+$/);
  });

  test('a click is not', () => {
    const sound = whiteNoise(2 * s, 100);
    sound.fill(20_000, s, s + s / 100);
    expect(judge(sound, { sampleRate })).not.toContain('#');
  });

  test('a fan that starts is speech for two seconds and a half at most', () => {
    const marks = judge(joined(whiteNoise(2 * s, 30), whiteNoise(6 * s, 2000)), { sampleRate });
    expect(marks.slice(100, 105)).toContain('#');
    expect(marks.slice(100 + 130)).not.toContain('#');
  });

  test('an offset and hum of 50 Hz are not', () => {
    const hum = sine(50, s, 3, 250).map((sample) => sample + 4000);
    expect(judge(hum, { sampleRate }).slice(10)).not.toContain('#');
  });

  test('any chunking says the same in the end, reset forgets', () => {
    const sound = joined(whiteNoise(s, 50), whiteNoise(s / 2, 3000));
    const detector = new VoiceActivity({ sampleRate });
    for (let at = 0, size = 1; at < sound.length; at += size, size = (size * 7) % 997) {
      const count = Math.min(size, sound.length - at);
      detector.process(sound, count, at);
    }
    expect(detector.isSpeech).toBe(true);
    detector.reset();
    expect(detector.isSpeech).toBe(false);
    expect(detector.process(whiteNoise(s / 10, 100), s / 10)).toBe(false);
  });

  test('what begins may be speech from its first 10 ms on; a click then no more', () => {
    const detector = new VoiceActivity({ sampleRate });
    detector.process(whiteNoise(s, 100), s);
    expect(detector.mayBeSpeech).toBe(false);
    detector.process(whiteNoise(s / 100, 3000), s / 100);
    expect([detector.mayBeSpeech, detector.isSpeech]).toEqual([true, false]);
    detector.process(whiteNoise(s / 10, 100), s / 10);
    expect(detector.mayBeSpeech).toBe(false);
  });
});

/** A prompt of the receptionist's at 8 kHz, its root mean square brought to that level. */
function prompt(name: string, level: number): Int16Array {
  const { samples } = readWav(readFileSync(new URL(`../../examples/offline/prompts/${name}.wav`, import.meta.url)));
  const gain = level / rms(samples);
  return samples.map((sample) => Math.round(sample * gain));
}

test('a crowd of voices is no speech, one that stands 20 dB over it is, within 100 ms', () => {
  const crowd = new Int16Array(8 * 8000);
  const backwards = ['please-call-me-back-on-tuesday', 'nobody-can-take-your-call-now', 'please-speak-after-the-tone', 'one-moment-please'];
  for (let voice = 0; voice < 12; voice++) {
    const one = prompt(backwards[voice % 4]!, 160 / Math.sqrt(12)).reverse();
    for (let i = 0; i < crowd.length; i++) crowd[i]! += one[(i + voice * 2111) % one.length]!;
  }
  const voice = prompt('say-something-and-you-will-hear-it-again', 1600);
  for (let i = 0; i < voice.length; i++) crowd[3 * 8000 + i]! += voice[i]!;
  const marks = judge(crowd, { sampleRate: 8000 });
  expect(marks.slice(0, 150)).not.toContain('#');
  expect(marks.slice(150, 150 + Math.floor(voice.length / 160))).toMatch(/^\.{0,5}#{90,}/);
  expect(marks.slice(-100)).not.toContain('#');
});

test('options it cannot use are refused by name', () => {
  expect(() => new VoiceActivity({ sampleRate: 1 })).toThrow(/sampleRate/);
  expect(() => new VoiceActivity({ sampleRate: 8000, hangoverMs: -1 })).toThrow(/hangoverMs/);
});

test.skipIf(!dataFolder)('a voice 10 dB over white noise: found, and nothing else (needs SIPBOT_TEST_DATA)', () => {
  const words = speech('diago-demo-echodone.wav');
  const sound = whiteNoise(words.length + 4 * 8000, 32768 * 10 ** (-32 / 20) * Math.sqrt(3));
  for (let i = 0; i < words.length; i++) sound[2 * 8000 + i]! += words[i]!;
  const marks = judge(sound, { sampleRate: 8000 });
  expect(marks.slice(0, 100)).not.toContain('#');
  expect(marks.slice(-80)).not.toContain('#');
  expect([...marks.slice(115, -105)].filter((mark) => mark === '#').length / (marks.length - 220)).toBeGreaterThan(0.9);
});

test.skipIf(!dataFolder)('words and the silence around them (needs SIPBOT_TEST_DATA)', () => {
  // A greeting with silence before and after it.
  expect(judge(speech('freeswitch-hi.wav'), { sampleRate: 16000 })).toMatch(/^\.{35,45}#{15,30}\.{30,}$/);
  const counted = judge(speech('pjproject-input.8.wav'), { sampleRate: 8000 });
  expect([...counted].filter((mark) => mark === '#').length / counted.length).toBeGreaterThan(0.9);
});
