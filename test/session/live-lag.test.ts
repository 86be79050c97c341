import { describe, expect, test } from 'vitest';
import { CallAudio } from '../../src/bot/audio.js';
import { LiveLag } from '../../src/session/live-lag.js';
import { FRAME, fakeLine, RATE } from '../bot/fake-line.js';

const quiet = new Int16Array(FRAME);
const loud = Int16Array.from({ length: FRAME }, (_, i) => 8000 * Math.sin((2 * Math.PI * 1000 * i) / RATE));

/** An echo over a line whose reader takes a frame a tick; how many frames were left out. */
function echo(lateMs: number) {
  const audio = new CallAudio({ sampleRate: RATE, frameMs: 20, onThrown: (error) => expect.unreachable(String(error)) });
  const line = fakeLine(() => audio.onFrames());
  const lag = new LiveLag();
  let dropped = 0;
  audio.attach(line);
  audio.on('frame', (frame) => {
    if (lag.canDrop(frame.samples, audio.frameMs, audio.queuedMs)) dropped++;
    else audio.write(frame.samples);
  });
  audio.write(new Int16Array((lateMs * RATE) / 1000));
  const say = (sound: Int16Array, ticks: number): number => {
    const before = dropped;
    for (let i = 0; i < ticks; i++) line.tick(sound);
    return dropped - before;
  };
  return { audio, say };
}

describe('sound passed on live', () => {
  test('what has waited for two seconds is left out where nobody speaks, frame by frame, and not more than that', () => {
    const { audio, say } = echo(60);
    expect(audio.queuedMs).toBe(60);
    expect(say(loud, 300)).toBe(0);
    expect(audio.queuedMs).toBe(60);
    expect(say(quiet, 300)).toBe(2);
    expect(audio.queuedMs).toBe(20);
    expect(say(quiet, 1000)).toBe(0);
  });

  test('a queue that runs dry now and then is left alone', () => {
    const { audio, say } = echo(0);
    for (let second = 0; second < 10; second++) {
      audio.write(new Int16Array(2 * FRAME));
      expect(say(quiet, 30)).toBe(0);
      audio.clear();
      expect(say(quiet, 20)).toBe(0);
    }
  });
});
