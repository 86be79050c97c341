/** What the call tells of the caller's voice: begin, end, silence, what was said; keys are no speech. */
import { expect, test } from 'vitest';
import { renderTone } from '../../../src/codec/tones.js';
import { type Call, dtmfTone, SipBot, sineTone, type Utterance } from '../../../src/index.js';
import { ManualClock, MemoryNetwork, type TestCall, TestCaller, TestSpeech } from '../../../src/testing.js';
import { rms, whiteNoise } from '../../codec/signals.js';

const speech = new TestSpeech(['hello', 'world']);

async function overheard(listen: (call: Call) => void, script: (call: TestCall) => Promise<void>): Promise<void> {
  const clock = new ManualClock();
  const network = new MemoryNetwork({ clock, delayMs: 1 });
  const bot = new SipBot({ clock, network, codecs: ['pcmu'] });
  bot.on('call', async (call) => {
    listen(call);
    await call.answer();
  });
  await bot.start();
  const caller = new TestCaller({ clock, network });
  const call = await caller.call(bot);
  await script(call);
  if (!call.isEnded) await call.hangup();
  await caller.stop();
  await caller.until(bot.stop());
}

test('an utterance: where it began and ended, and its sound without the silence around it', async () => {
  const starts: number[] = [];
  const ends: { timeMs: number; durationMs: number; utterance: Utterance }[] = [];
  await overheard(
    (call) => {
      call.on('speechStart', ({ timeMs }) => starts.push(timeMs));
      call.on('speechEnd', (end) => ends.push(end));
    },
    async (call) => {
      await call.wait(1000);
      await call.say(speech.samples('hello world hello'));
      await call.wait(1200);
    },
  );
  expect(starts).toHaveLength(1);
  expect(ends).toHaveLength(1);
  const { utterance, timeMs, durationMs } = ends[0]!;
  expect(utterance.startMs).toBe(starts[0]);
  expect(Math.abs(durationMs - 840)).toBeLessThan(60);
  expect(timeMs).toBe(utterance.endMs);
  // 150 ms are left before and after.
  const ms = (utterance.samples.length * 1000) / utterance.sampleRate;
  expect(Math.abs(ms - 1140)).toBeLessThan(80);
  expect(rms(utterance.samples, 0, 100 * 16)).toBeLessThan(20);
  expect(rms(utterance.samples, 200 * 16, 300 * 16)).toBeGreaterThan(1000);
});

test('a click and a cough are not told; two words a little apart are one utterance', async () => {
  const events: string[] = [];
  await overheard(
    (call) => {
      call.on('speechStart', () => events.push('start'));
      call.on('speechEnd', () => events.push('end'));
    },
    async (call) => {
      await call.wait(500);
      await call.say(whiteNoise(80 * 16, 8000));
      await call.wait(500);
      await call.say(whiteNoise(30 * 16, 20_000));
      await call.wait(500);
      expect(events).toEqual([]);
      await call.say(speech.samples('hello'));
      await call.wait(300);
      await call.say(speech.samples('world'));
      await call.wait(1000);
    },
  );
  expect(events).toEqual(['start', 'end']);
});

test('keys in the audio are no speech, and are wiped out of what is said around them', async () => {
  const utterances: Utterance[] = [];
  await overheard(
    (call) => call.on('speechEnd', ({ utterance }) => utterances.push(utterance)),
    async (call) => {
      await call.wait(500);
      await call.say(dtmfTone('159'));
      await call.wait(1500);
      expect(utterances).toEqual([]);
      const hello = speech.samples('hello');
      const key = renderTone(dtmfTone('5'), 16_000);
      const both = new Int16Array(2 * hello.length + key.length);
      both.set(hello);
      both.set(key, hello.length);
      both.set(hello, hello.length + key.length);
      await call.say(both);
      await call.wait(1000);
    },
  );
  expect(utterances).toHaveLength(1);
  const { samples } = utterances[0]!;
  // The middle of it is where the key was.
  const middle = samples.length >> 1;
  expect(rms(samples, middle - 20 * 16, middle + 20 * 16)).toBeLessThan(30);
});

test('a key that comes as an event, and the moment of its tone that a gateway let through: wiped out as well', async () => {
  const utterances: Utterance[] = [];
  await overheard(
    (call) => call.on('speechEnd', ({ utterance }) => utterances.push(utterance)),
    async (call) => {
      await call.wait(500);
      const hello = speech.samples('hello');
      const leak = renderTone(dtmfTone('5'), 16_000).subarray(0, 20 * 16);
      const both = new Int16Array(hello.length + leak.length);
      both.set(hello);
      both.set(leak, hello.length);
      await call.say(both);
      await call.press('5');
      await call.say(hello);
      await call.wait(1000);
    },
  );
  expect(utterances).toHaveLength(1);
  const { samples } = utterances[0]!;
  // 150 ms of silence, 240 of speech; then nothing but silence until the key is over.
  expect(rms(samples, 200 * 16, 350 * 16)).toBeGreaterThan(1000);
  expect(rms(samples, 410 * 16, 560 * 16)).toBeLessThan(20);
});

test('silence is told each time it has lasted, and never while somebody speaks', async () => {
  const silences: number[] = [];
  await overheard(
    (call) => call.on('silence', ({ durationMs }) => silences.push(durationMs)),
    async (call) => {
      await call.wait(4000);
      await call.say(speech.samples('hello'));
      await call.wait(4000);
      expect(silences).toEqual([]);
      await call.wait(6500);
    },
  );
  expect(silences).toHaveLength(2);
  for (const ms of silences) expect(Math.abs(ms - 5000)).toBeLessThan(50);
});

test('an utterance that the end of the call cuts is told all the same', async () => {
  const ends: number[] = [];
  await overheard(
    (call) => call.on('speechEnd', ({ durationMs }) => ends.push(durationMs)),
    async (call) => {
      await call.wait(500);
      await call.say(speech.samples('hello world'));
      await call.hangup();
    },
  );
  expect(ends).toHaveLength(1);
});

test('a detector of the application: one for each call, closed at its end; one that throws ends its call alone', async () => {
  const told: string[] = [];
  const ears = (which: string, process: () => boolean) => ({
    detector: (sampleRate: number) => ({
      sampleRate,
      isSpeech: false,
      process,
      reset() {},
      close: () => told.push(`${which} closed`),
    }),
  });
  for (const [which, process] of [
    ['sound', () => false],
    [
      'broken',
      () => {
        throw new Error('deaf');
      },
    ],
  ] as const) {
    await overheard(
      (call) => {
        call.useSpeech({ ears: ears(which, process) });
        call.on('speechStart', () => undefined);
        call.on('ended', ({ by, reason }) => told.push(`${which}: ${by} ${reason}`));
      },
      async (call) => {
        await call.wait(500);
        told.push(`${which} ${call.isEnded ? 'ended' : 'goes on'}`);
      },
    );
  }
  expect(told).toEqual(['sound goes on', 'sound closed', 'sound: remote hangup', 'broken closed', 'broken: local hangup', 'broken ended']);
});

test('the meter: how loud the caller is, in dBov, and whether that is speech; with nobody else listening', async () => {
  let bot: Call | undefined;
  const seen: { readonly dbov: number; readonly isSpeech: boolean }[] = [];
  await overheard(
    (call) => {
      bot = call;
    },
    async (call) => {
      await call.wait(500);
      const look = (): void => void seen.push(bot!.level);
      look();
      await call.wait(100);
      look();
      // 0 dBm0 is a sine 3.14 dB below the loudest, and that one is at -3.01 dBov.
      void call.call.play(sineTone(1000, 400, -20));
      await call.wait(300);
      look();
      await call.wait(300);
      void call.say(speech.samples('hello world'));
      await call.wait(300);
      look();
      await call.wait(1500);
      look();
    },
  );
  const [first, silent, tone, spoken, after] = seen;
  expect([first!.dbov, silent!.dbov, after!.dbov].every((dbov) => dbov < -70)).toBe(true);
  expect(Math.abs(tone!.dbov + 26.15)).toBeLessThan(0.5);
  expect(spoken!.isSpeech).toBe(true);
  expect(after!.isSpeech).toBe(false);
  expect(bot!.level.isSpeech).toBe(false);
});
