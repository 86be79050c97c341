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

  test('a rate it does not know, and a package that is not there, are said by name', async () => {
    const vad = await webRtcVad();
    expect(() => vad.detector(44_100)).toThrow(/sampleRate/);
    await expect(webRtcVad({ load: () => Promise.reject(new Error('no')) })).rejects.toThrow(/@echogarden\/fvad-wasm/);
  });
});
