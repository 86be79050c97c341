import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Resampler, readWav, type SileroDetector, type SileroVad, sileroVad } from '../../src/codec.js';
import { sine, whiteNoise } from './signals.js';

/** One of the receptionist's recorded prompts: a voice for two seconds, at any rate. */
function voice(rate: number): Int16Array {
  const { samples, sampleRate } = readWav(
    readFileSync(new URL('../../examples/offline/prompts/say-something-and-you-will-hear-it-again.wav', import.meta.url)),
  );
  const resampler = new Resampler(sampleRate, rate);
  const out = new Int16Array(resampler.maxOutput(samples.length));
  return out.subarray(0, resampler.process(samples, samples.length, out));
}

describe("Silero's voice detector", () => {
  let vad: SileroVad;
  beforeAll(async () => {
    vad = await sileroVad();
  });
  afterAll(() => vad.close());

  const judged = async (detector: SileroDetector): Promise<void> => {
    while (detector.behindMs > 0) await new Promise(setImmediate);
  };

  /** One mark each 10 ms, after all that came before has been judged. */
  async function judge(detector: SileroDetector, sound: Int16Array): Promise<string> {
    const frame = detector.sampleRate / 100;
    let marks = '';
    for (let at = 0; at + frame <= sound.length; at += frame) {
      marks += detector.process(sound, frame, at) ? '#' : '.';
      await judged(detector);
    }
    return marks;
  }

  describe.each([8000, 16_000, 48_000])('at %i Hz', (rate) => {
    test('a voice is speech; hiss, a whistle and silence are none', async () => {
      const detector = vad.detector(rate);
      for (const amplitude of [0, 100, 8000]) expect(await judge(detector, whiteNoise(rate / 2, amplitude))).not.toContain('#');
      expect(await judge(detector, sine(1000, rate, 0.5))).not.toContain('#');
      const silence = whiteNoise(rate / 2, 20);
      await judge(detector, silence);
      expect(await judge(detector, voice(rate))).toMatch(/^\.{0,20}#+(\.{1,10}#+)*$/);
      expect(await judge(detector, silence)).toMatch(/^#{0,20}\.{30,}$/);
    });

    test('any chunking says the same', async () => {
      const sound = voice(rate).subarray(0, rate / 2);
      const one = vad.detector(rate);
      await judge(one, sound);
      const other = vad.detector(rate);
      for (let at = 0, size = 1; at < sound.length; at += size, size = (size * 7) % 997) {
        other.process(sound, Math.min(size, sound.length - at), at);
        await judged(other);
      }
      expect([one.isSpeech, other.isSpeech]).toEqual([true, true]);
    });
  });

  test('reset forgets, also what is still being judged; two calls do not hear each other', async () => {
    const [loud, quiet] = [vad.detector(8000), vad.detector(8000)];
    const sound = voice(8000);
    for (let at = 0; at + 80 <= 4000; at += 80) {
      loud.process(sound, 80, at);
      quiet.process(new Int16Array(80), 80);
      await judged(loud);
      await judged(quiet);
    }
    expect([loud.isSpeech, quiet.isSpeech]).toEqual([true, false]);
    loud.process(sound, 256, 4000);
    loud.reset();
    expect([loud.isSpeech, loud.behindMs]).toEqual([false, 0]);
    expect(await judge(loud, new Int16Array(4000))).not.toContain('#');
  });

  test('what comes faster than it is judged waits, 128 ms of it, and the rest is not listened to', async () => {
    const detector = vad.detector(8000);
    detector.process(new Int16Array(80_000), 80_000);
    expect(detector.behindMs).toBe(128);
    await judged(detector);
    detector.process(new Int16Array(256), 256);
    expect(detector.behindMs).toBe(32);
  });

  test('packages that are not there, a thread that cannot begin and one that has ended are said by name', async () => {
    await expect(sileroVad({ threshold: 2 })).rejects.toThrow(/threshold/);
    const missing = sileroVad({ runtime: '/nowhere/onnxruntime-web' });
    await expect(missing).rejects.toMatchObject({ code: 'ERR_AUDIO', cause: { code: 'MODULE_NOT_FOUND' } });
    await expect(sileroVad({ model: new Uint8Array(100) })).rejects.toMatchObject({ code: 'ERR_AUDIO' });
    const brief = await sileroVad();
    const detector = brief.detector(8000);
    await brief.close();
    detector.reset();
    expect(() => detector.process(new Int16Array(256), 256)).toThrow(/thread of Silero has ended/);
  });
});
