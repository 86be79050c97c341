import { describe, expect, test } from 'vitest';
import { type AudioFrame, CallAudio } from '../../src/bot/audio.js';
import { Player } from '../../src/bot/player.js';
import { silentLogger } from '../../src/log.js';
import { counting, FRAME, fakeLine, RATE, settled } from './fake-line.js';

function open() {
  const thrown: unknown[] = [];
  const audio = new CallAudio({ sampleRate: RATE, frameMs: 20, onThrown: (error) => thrown.push(error) });
  const line = fakeLine(() => audio.onFrames());
  return { audio, line, thrown };
}

describe('what the caller says', () => {
  test('each consumer has its own cursor, starting now; leaving a loop detaches that one alone', async () => {
    const { audio, line } = open();
    audio.attach(line);
    line.ticks(3);
    const [first, second]: number[][] = [[], []];
    const consume = async (into: number[], until: number): Promise<void> => {
      for await (const frame of audio) {
        into.push(frame.timeMs);
        if (into.length === until) break;
      }
    };
    const one = consume(first!, 2);
    line.tick();
    const two = consume(second!, 4);
    for (let i = 0; i < 6; i++) {
      line.tick();
      await settled();
    }
    await Promise.all([one, two]);
    expect(first).toEqual([60, 80]);
    expect(second).toEqual([80, 100, 120, 140]);
  });

  test('a consumer more than a second late loses the oldest and is told how much', async () => {
    const { audio, line } = open();
    audio.attach(line);
    const frames = audio.frames();
    line.ticks(100);
    const { value } = await frames.next();
    expect(value).toMatchObject({ droppedMs: 1000, timeMs: 1000 });
    expect((await frames.next()).value).toMatchObject({ droppedMs: 0, timeMs: 1020 });
  });

  test('from: answer begins with the first frame still held; before there is media a consumer waits for it', async () => {
    const { audio, line } = open();
    const early = audio.frames();
    const waiting = early.next();
    audio.attach(line);
    line.ticks(5);
    expect((await waiting).value.timeMs).toBe(0);
    expect((await audio.frames({ from: 'answer' }).next()).value.timeMs).toBe(0);
    const now = audio.frames().next();
    line.tick();
    expect((await now).value.timeMs).toBe(100);
  });

  test('samples belong to the consumer; borrowed ones are the shared memory', async () => {
    const { audio, line } = open();
    audio.attach(line);
    const kept: AudioFrame[] = [];
    const lent: AudioFrame[] = [];
    audio.on('frame', (frame) => kept.push(frame));
    audio.on('frame', (frame) => lent.push(frame), { borrow: true });
    for (let i = 0; i < 60; i++) line.tick(new Int16Array(FRAME).fill(i));
    expect(kept.map((frame) => frame.samples[0])).toEqual(Array.from({ length: 60 }, (_, i) => i));
    expect(lent[0]!.samples[0]).toBe(51);
    kept[0]!.samples[0] = 99;
    expect(lent[0]!.samples[0]).toBe(51);
  });

  test('on, once and off; a listener that throws or rejects is told and the others go on', async () => {
    const { audio, line, thrown } = open();
    audio.attach(line);
    const heard: string[] = [];
    const listener = (frame: AudioFrame): void => void heard.push(`a${frame.timeMs}`);
    audio.on('frame', listener);
    audio.once('frame', (frame) => heard.push(`b${frame.timeMs}`));
    audio.once('frame', () => {
      throw new Error('sync');
    });
    audio.once('frame', async () => {
      throw new Error('async');
    });
    line.ticks(2);
    audio.off('frame', listener);
    line.ticks(2);
    await settled();
    expect(heard.sort()).toEqual(['a0', 'a20', 'b0']);
    expect(thrown.map(String)).toEqual(['Error: sync', 'Error: async']);
  });

  test('every consumer ends with the call, after the frames it had not yet read', async () => {
    const { audio, line } = open();
    audio.attach(line);
    const times: number[] = [];
    const loop = (async () => {
      for await (const { timeMs } of audio) times.push(timeMs);
    })();
    line.ticks(2);
    audio.end();
    await loop;
    expect(times).toEqual([0, 20]);
    expect((await audio.frames().next()).done).toBe(true);
  });

  test('readable is a Web Stream of the same; cancelling it detaches', async () => {
    const { audio, line } = open();
    audio.attach(line);
    const reader = audio.readable.getReader();
    const read = reader.read();
    line.ticks(2);
    expect((await read).value?.timeMs).toBe(0);
    expect((await reader.read()).value?.timeMs).toBe(20);
    await reader.cancel();
    audio.end();
    expect((await reader.read()).done).toBe(true);
  });
});

describe('what the bot says', () => {
  test('is sent in order, whatever the chunks; the ledger says how much', () => {
    const { audio, line } = open();
    audio.attach(line);
    const all = counting(0, 1000);
    audio.write(all.subarray(0, 1));
    audio.write(all.subarray(1, 777));
    audio.write(new Uint8Array(all.slice(777).buffer));
    expect(audio.queuedMs).toBe(62.5);
    line.ticks(2);
    expect([audio.queuedMs, audio.playedMs]).toEqual([22.5, 40]);
    line.ticks(2);
    expect(line.sent).toEqual([...all]);
  });

  test('clear is exact: what the media thread had taken was played', async () => {
    const { audio, line } = open();
    audio.attach(line);
    const marks: string[] = [];
    audio.on('mark', ({ name, outcome }) => marks.push(`${name} ${outcome}`));
    audio.write(counting(0, 1600));
    audio.mark('first');
    audio.write(counting(1600, 1600));
    audio.mark('second');
    const drained = audio.drained();
    line.ticks(7);
    expect(audio.clear()).toEqual({ playedMs: 140, droppedMs: 60 });
    await drained;
    line.ticks(3);
    expect(line.sent).toEqual([...counting(0, 2240)]);
    expect(marks).toEqual(['first sent', 'second cleared']);
  });

  describe('what `clear` says was played is of what the bot was saying', () => {
    const piece = new Int16Array(FRAME);

    test('one reply after the other: each by itself, however long ago the one before ended', () => {
      const { audio, line } = open();
      audio.attach(line);
      for (const waitTicks of [50, 80, 500]) {
        for (let i = 0; i < 10; i++) audio.write(piece);
        line.ticks(10 + waitTicks);
      }
      for (let i = 0; i < 10; i++) audio.write(piece);
      line.ticks(3);
      expect([audio.clear(), audio.playedMs]).toEqual([{ playedMs: 60, droppedMs: 140 }, 660]);
      expect(audio.clear()).toEqual({ playedMs: 0, droppedMs: 0 });
    });

    test('a voice that hands over each piece just in time, or pauses between sentences, is one reply', () => {
      const { audio, line } = open();
      audio.attach(line);
      for (const waitTicks of [1, 1, 1, 10, 40, 49, 1]) {
        audio.write(piece);
        line.ticks(1 + waitTicks);
      }
      audio.write(piece);
      line.ticks(1);
      expect(audio.clear()).toEqual({ playedMs: 160, droppedMs: 0 });
      audio.write(piece);
      audio.write(piece);
      line.ticks(1);
      expect(audio.clear()).toEqual({ playedMs: 20, droppedMs: 20 });
    });

    test('sounds are part of it, and what each of them says adds up to it', async () => {
      const { audio, line } = open();
      audio.attach(line);
      const player = new Player(audio, { logger: silentLogger, onDtmf: () => () => {}, onSpeech: () => () => {} });
      const [first, second] = [player.play(new Int16Array(FRAME * 5)), player.play(new Int16Array(FRAME * 50))];
      for (let i = 0; i < 12; i++) {
        await settled();
        line.tick();
      }
      const { playedMs } = audio.clear();
      expect(playedMs).toBe((await first.done).playedMs + (await second.done).playedMs);
      expect(playedMs).toBeGreaterThan(100);
    });
  });

  test('what is written and marked before there is media waits for it, and is cleared with it', () => {
    const { audio, line } = open();
    const marks: string[] = [];
    audio.on('mark', ({ name, outcome }) => marks.push(`${name} ${outcome}`));
    expect(audio.write(counting(0, 320))).toBe(true);
    audio.mark('gone');
    expect(audio.queuedMs).toBe(20);
    expect(audio.clear()).toEqual({ playedMs: 0, droppedMs: 20 });
    audio.write(counting(500, 320));
    audio.mark('kept');
    audio.attach(line);
    line.ticks(2);
    expect(line.sent).toEqual([...counting(500, 320)]);
    expect(marks).toEqual(['gone cleared', 'kept sent']);
  });

  test('false past a second, taken all the same; past a minute it throws and takes nothing', () => {
    const { audio, line } = open();
    for (const prepare of [() => {}, () => audio.attach(line)]) {
      prepare();
      audio.clear();
      expect(audio.write(new Int16Array(RATE))).toBe(true);
      expect(audio.write(new Int16Array(FRAME))).toBe(false);
      expect(audio.queuedMs).toBe(1020);
      audio.write(new Int16Array(RATE * 58));
      expect(() => audio.write(new Int16Array(RATE))).toThrow(expect.objectContaining({ code: 'ERR_QUEUE_FULL' }));
      expect(audio.queuedMs).toBe(59_020);
    }
  });

  test('after the end nothing is taken, and every wait is over', async () => {
    const { audio, line } = open();
    const before = audio.drained();
    audio.write(counting(0, 320));
    const early = audio.drained();
    audio.attach(line);
    const late = audio.drained();
    line.end();
    audio.end();
    await Promise.all([before, early, late]);
    expect(audio.write(counting(0, 320))).toBe(false);
    audio.mark('never');
    expect(audio.clear()).toMatchObject({ droppedMs: 0 });
  });

  test('a bot that echoes the last frames when the wire is gone already has made no mistake', () => {
    const { audio, line, thrown } = open();
    audio.attach(line);
    const wrote: boolean[] = [];
    audio.on('frame', (frame) => void wrote.push(audio.write(frame.samples)), { from: 'answer' });
    line.tick();
    line.outgoing.end();
    line.tick();
    audio.end();
    expect(wrote).toEqual([true, false]);
    expect(thrown).toEqual([]);
  });

  test('writable waits while more than a second is queued', async () => {
    const { audio, line } = open();
    audio.attach(line);
    const writer = audio.writable.getWriter();
    let written = 0;
    void (async () => {
      for (let i = 0; i < 20; i++) {
        await writer.write(counting(i * 1600, 1600));
        written = i + 1;
      }
      await writer.close();
    })();
    await settled();
    expect(written).toBeLessThan(12);
    expect(audio.queuedMs).toBeLessThan(1200);
    for (let i = 0; i < 110; i++) {
      line.tick();
      await settled();
    }
    expect(written).toBe(20);
    expect(line.sent).toEqual([...counting(0, 32_000)]);
  });
});
