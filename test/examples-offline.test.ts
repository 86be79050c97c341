/** The offline receptionist, what is not in the walk through its menu: greetings by the hour and the day, and the echo test with its verdict. */
import { expect, test } from 'vitest';
import { greetingAt, receptionist, SENTENCES } from '../examples/offline/receptionist.js';
import { SipBot, sineTone } from '../src/index.js';
import { ManualClock, MemoryNetwork, TestCaller, TestSpeech } from '../src/testing.js';

test('business hours: good morning, good afternoon, closed before, after and at the week-end', () => {
  const { morning, afternoon, closed } = SENTENCES;
  for (const [day, hour, greeting] of [
    [5, 8, closed],
    [5, 9, morning],
    [5, 11, morning],
    [5, 12, afternoon],
    [5, 16, afternoon],
    [5, 17, closed],
    [9, 16, afternoon],
    [10, 11, closed],
    [11, 11, closed],
  ] as const)
    expect(greetingAt(new Date(2026, 0, day, hour, 30), {})).toBe(greeting);
  expect(greetingAt(new Date(2026, 0, 10, 20), { hours: [0, 24], days: [6] })).toBe(afternoon);
});

test.each([
  ['good', {}],
  ['poor', { loss: 0.25 }],
] as const)('the echo test: what was said comes back, and the line is %s', async (verdict, weather) => {
  const clock = new ManualClock();
  const network = new MemoryNetwork({ clock, delayMs: 10, ...weather });
  const said: string[] = [];
  const bot = new SipBot({ clock, network, codecs: ['pcmu'], speech: { voice: new TestSpeech(['word']) } });
  bot.on('call', async (call) => {
    call.on('turn', ({ text }) => void said.push(text));
    await call.answer();
    await receptionist(call, { folder: '', by: 'keys', keep: async () => {}, now: () => new Date(2026, 0, 5, 10) });
  });
  const caller = new TestCaller({ clock, network });
  await caller.until(bot.start());
  const call = await caller.call(bot);
  await call.wait(2000);
  await call.press('3');
  // The announcement, and then two seconds of the four.
  await call.wait(3000);
  const from = call.heard.durationMs;
  await call.say(sineTone(620, 1500));
  await call.wait(200);
  const back = call.heard.part(from + 300, 1000);
  expect(back.frequency).toBe(620);
  await call.wait(6000);
  await call.press('9');
  await call.wait(3000);
  expect(said).toContain(SENTENCES.echo);
  expect(said).toContain(SENTENCES[verdict]);
  await caller.stop();
  await caller.until(bot.stop());
});
