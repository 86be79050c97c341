import { describe, expect, test } from 'vitest';
import { CallAudio } from '../../src/bot/audio.js';
import { Player, type PlayOptions } from '../../src/bot/player.js';
import { silentLogger } from '../../src/log.js';
import { counting, type FakeLine, fakeLine, RATE, settled } from './fake-line.js';

function open() {
  const audio = new CallAudio({ sampleRate: RATE, frameMs: 20, onThrown: () => {} });
  const line = fakeLine(() => audio.onFrames());
  const dtmf = new Set<() => void>();
  const speech = new Set<() => void>();
  const listen = (set: Set<() => void>) => (listener: () => void) => {
    set.add(listener);
    return () => void set.delete(listener);
  };
  const player = new Player(audio, { logger: silentLogger, onDtmf: listen(dtmf), onSpeech: listen(speech) });
  const attach = (): void => {
    audio.attach(line);
    player.attach();
  };
  return { audio, line, player, attach, dtmf, speech };
}

/** Turns the media clock, and lets the feeding keep up. */
async function run(line: FakeLine, ms: number): Promise<void> {
  for (let i = 0; i < ms / 20; i++) {
    await settled();
    line.tick();
  }
  await settled();
}

describe('playing', () => {
  test('sounds and writes follow one another without a gap, in the order asked for', async () => {
    const { audio, line, player, attach } = open();
    attach();
    const first = player.play(counting(0, 5000));
    const second = player.play(counting(5000, 3000));
    audio.write(counting(8000, 100));
    const third = player.play(counting(8100, 40));
    await run(line, 600);
    expect(line.sent).toEqual([...counting(0, 8140)]);
    expect(await Promise.all([first.done, second.done, third.done])).toEqual([
      { outcome: 'completed', playedMs: 312.5 },
      { outcome: 'completed', playedMs: 187.5 },
      { outcome: 'completed', playedMs: 2.5 },
    ]);
  });

  test('a long sound is fed a second ahead, not more, and plays without a gap', async () => {
    const { audio, line, player, attach } = open();
    attach();
    const playout = player.play(counting(0, RATE * 5));
    await settled();
    expect(audio.queuedMs).toBe(1000);
    await run(line, 5000);
    expect(line.sent).toEqual([...counting(0, RATE * 5)]);
    expect(await playout.done).toEqual({ outcome: 'completed', playedMs: 5000 });
  });

  test('interrupt is exact, keeps what was said before, and lets what comes after follow at once', async () => {
    const { audio, line, player, attach } = open();
    attach();
    audio.write(counting(0, 1600));
    const playout = player.play(counting(1600, RATE));
    const after = player.play(counting(20_000, 320));
    await run(line, 200);
    expect(playout.interrupt()).toEqual({ playedMs: 100 });
    expect(playout.interrupt()).toEqual({ playedMs: 100 });
    await run(line, 100);
    expect(line.sent).toEqual([...counting(0, 3200), ...counting(20_000, 320)]);
    expect(await playout.done).toEqual({ outcome: 'interrupted', playedMs: 100 });
    expect(await after.done).toEqual({ outcome: 'completed', playedMs: 20 });
  });

  test('interrupting a sound that has not begun takes nothing from the one before it', async () => {
    const { line, player, attach } = open();
    attach();
    const first = player.play(counting(0, 3200));
    const second = player.play(counting(3200, 3200));
    await run(line, 100);
    expect(second.interrupt()).toEqual({ playedMs: 0 });
    await run(line, 300);
    expect(line.sent).toEqual([...counting(0, 3200)]);
    expect([await first.done, await second.done]).toEqual([
      { outcome: 'completed', playedMs: 200 },
      { outcome: 'interrupted', playedMs: 0 },
    ]);
  });

  test('replace stops what plays and begins at once; clear stops sounds too', async () => {
    const { audio, line, player, attach } = open();
    attach();
    const first = player.play(counting(0, RATE));
    await run(line, 100);
    const second = player.play(counting(20_000, 6400), { mode: 'replace' });
    await run(line, 100);
    expect(await first.done).toEqual({ outcome: 'interrupted', playedMs: 100 });
    expect(audio.clear()).toEqual({ playedMs: 100, droppedMs: 300 });
    expect(await second.done).toEqual({ outcome: 'interrupted', playedMs: 100 });
    expect(line.sent).toEqual([...counting(0, 1600), ...counting(20_000, 1600)]);
  });

  test('mix goes beside what is said, on a lane of its own', async () => {
    const { audio, line, player, attach } = open();
    const mixed = player.play(counting(0, 640), { mode: 'mix' });
    attach();
    audio.write(counting(500, 320));
    await run(line, 60);
    expect(line.sent).toEqual([...counting(500, 320)]);
    expect(line.mixed).toEqual([...counting(0, 640)]);
    expect(await mixed.done).toEqual({ outcome: 'completed', playedMs: 40 });
  });

  test('loop, so many times or for ever; gain is linear and saturates', async () => {
    const { line, player, attach } = open();
    attach();
    const twice = player.play(Int16Array.of(10, -20, 30_000), { loop: 2, gain: 2 });
    const forever = player.play(new Int16Array(1600).fill(7), { loop: true });
    await run(line, 1000);
    expect(line.sent.slice(0, 6)).toEqual([20, -40, 32_767, 20, -40, 32_767]);
    expect(line.sent.length).toBe(RATE);
    expect(line.sent.slice(6).every((sample) => sample === 7)).toBe(true);
    expect(forever.interrupt().playedMs).toBeCloseTo(1000 - 6 / 16, 5);
    expect((await twice.done).outcome).toBe('completed');
  });

  test.each(['dtmf', 'speech'] as const)('%s interrupts those that ask for it, and only those', async (what) => {
    const host = open();
    host.attach();
    const options: PlayOptions = { interruptOn: [what] };
    const playout = host.player.play(counting(0, RATE), options);
    const deaf = host.player.play(counting(0, 320));
    await run(host.line, 60);
    for (const listener of host[what]) listener();
    expect(await playout.done).toEqual({ outcome: 'interrupted', playedMs: 60 });
    await run(host.line, 60);
    expect((await deaf.done).outcome).toBe('completed');
    expect(host.dtmf.size + host.speech.size).toBe(0);
  });

  test('a stream is sent as it comes; leaving it early closes it; it cannot be looped', async () => {
    const { line, player, attach } = open();
    attach();
    let isClosed = false;
    async function* words(): AsyncGenerator<Int16Array> {
      try {
        for (let i = 0; i < 100; i++) yield counting(i * 1600, 1600);
      } finally {
        isClosed = true;
      }
    }
    const playout = player.play(words());
    await run(line, 300);
    playout.interrupt();
    await run(line, 40);
    expect(line.sent).toEqual([...counting(0, 4800)]);
    expect(isClosed).toBe(true);
    await expect(player.play([counting(0, 10)], { loop: 2 }).done).rejects.toThrow('once only');
  });

  test('a sound that cannot be had rejects its own done, and the next one plays', async () => {
    const { line, player, attach } = open();
    attach();
    const missing = player.play('/nowhere/there-is-no-such-file.wav');
    const next = player.play(counting(0, 320));
    await expect(missing.done).rejects.toThrow('ENOENT');
    await run(line, 40);
    expect(line.sent).toEqual([...counting(0, 320)]);
    expect((await next.done).outcome).toBe('completed');
  });

  test('with the call everything ends: what plays, what waits, what was never begun', async () => {
    const { audio, line, player, attach } = open();
    attach();
    const playing = player.play(counting(0, RATE));
    const waiting = player.play(counting(0, RATE));
    const under = player.play(counting(0, RATE), { mode: 'mix' });
    await run(line, 100);
    player.end();
    line.end();
    audio.end();
    const late = player.play(counting(0, 10));
    expect(await Promise.all([playing.done, waiting.done, under.done, late.done])).toEqual([
      { outcome: 'ended', playedMs: 100 },
      { outcome: 'ended', playedMs: 0 },
      { outcome: 'ended', playedMs: 100 },
      { outcome: 'ended', playedMs: 0 },
    ]);
  });

  test.each([
    [{ mode: 'loud' }, 'mode'],
    [{ gain: -1 }, 'gain'],
    [{ loop: 0 }, 'loop'],
    [{ interruptOn: ['cough'] }, 'interruptOn'],
  ])('wrong use %o is an OptionError that names %s', (options, name) => {
    expect(() => open().player.play(counting(0, 1), options as PlayOptions)).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION', option: name }),
    );
  });
});
