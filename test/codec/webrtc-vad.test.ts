import { describe, expect, test } from 'vitest';
import { webRtcVad } from '../../src/codec.js';
import { whiteNoise } from './signals.js';

describe('the voice detector of WebRTC', () => {
  test.each([8000, 16000, 48000])('at %i Hz: silence is not speech, any chunking says the same, reset forgets', async (rate) => {
    const detector = (await webRtcVad()).detector(rate);
    const sound = whiteNoise(rate, 3);
    sound.set(whiteNoise(rate / 2, 8000), rate / 2);
    const whole = detector.process(sound, sound.length);
    detector.reset();
    expect(detector.isSpeech).toBe(false);
    expect(detector.process(sound, rate / 4)).toBe(false);
    detector.reset();
    for (let at = 0, size = 1; at < sound.length; at += size, size = (size * 7) % 997) {
      detector.process(sound, Math.min(size, sound.length - at), at);
    }
    expect(detector.isSpeech).toBe(whole);
    detector.close();
  });

  test('what is closed, even twice, gave its memory back and hears nothing', async () => {
    const held = new Set<number>();
    const take = (): number => held.add(held.size + 8).size + 7;
    const give = (at: number): void => expect(held.delete(at)).toBe(true);
    const use = (): number => {
      expect(held.size).toBe(2);
      return 0;
    };
    const fvad = {
      HEAP16: new Int16Array(100),
      _malloc: take,
      _free: give,
      _fvad_new: take,
      _fvad_free: give,
      _fvad_reset: use,
      _fvad_set_mode: use,
      _fvad_set_sample_rate: use,
      _fvad_process: use,
    };
    const detector = (await webRtcVad({ load: async () => ({ default: async () => fvad }) })).detector(8000);
    detector.close();
    detector.close();
    detector.reset();
    expect(held.size).toBe(0);
    expect(detector.process(whiteNoise(8000, 8000), 8000)).toBe(false);
  });

  test('a rate it does not know, and a package that is not there, are said by name', async () => {
    const vad = await webRtcVad();
    expect(() => vad.detector(44_100)).toThrow(/sampleRate/);
    await expect(webRtcVad({ load: () => Promise.reject(new Error('no')) })).rejects.toThrow(/@echogarden\/fvad-wasm/);
  });
});
