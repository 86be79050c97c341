/** Who answered: people, machines with and without a beep, faxes, nobody; from early media on. */
import { expect, test } from 'vitest';
import { type Call, type CallEnd, progressTone, SipBot, sineTone, type Tone } from '../../../src/index.js';
import { ManualClock, MemoryNetwork, TestCaller, TestSpeech } from '../../../src/testing.js';

const speech = new TestSpeech(['hello', 'you', 'have', 'reached', 'nobody']);

type Part = string | Tone | number;

/** A callee that plays these, one after the other, once it has answered, and `early` before that; without `parts` it does not answer. */
async function answered(parts: readonly Part[] | undefined, early: readonly Part[] = []) {
  const clock = new ManualClock();
  const network = new MemoryNetwork({ clock, delayMs: 10 });
  const callee = new TestCaller({ clock, network });
  const bot = new SipBot({ clock, network, codecs: ['pcmu'] });
  await callee.until(bot.start());
  let result: ReturnType<Call['answeredBy']> | undefined;
  let dialled: Call | undefined;
  const ended: CallEnd[] = [];
  const dialling = bot.dial(await callee.uri(), {
    onCall: (call) => {
      dialled = call;
      result = call.answeredBy();
      call.on('ended', (end) => ended.push(end));
    },
  });
  dialling.catch(() => {});
  const call = await callee.expectCall();
  const say = async (part: Part): Promise<void> => {
    if (typeof part === 'number') await clock.run(part);
    else if (typeof part === 'string') await callee.until(call.play(speech.samples(part), { sampleRate: 16_000 }).done);
    else await callee.until(call.play(part).done);
  };
  if (early.length > 0) await callee.until(call.progress());
  for (const part of early) await say(part);
  if (parts === undefined) {
    await clock.run(100);
    call.reject(480);
    await clock.run(300);
  } else {
    await callee.until(call.answer());
    for (const part of parts) await say(part);
  }
  const verdict = await callee.until(result!);
  await clock.run(300);
  if (parts !== undefined) await callee.until(dialled!.hangup());
  const beep = await callee.until(result!.beep);
  await callee.stop();
  await callee.until(bot.stop());
  return { ...verdict, beep };
}

test('a person says hello and waits', async () => {
  expect(await answered([400, 'hello hello', 1500])).toMatchObject({ by: 'human', beep: false, early: 'nothing' });
});

test('a machine talks on, and beeps', async () => {
  const greeting = 'you have reached nobody you have reached nobody';
  expect(await answered([300, greeting, 500, sineTone(1000, 400), 300])).toMatchObject({ by: 'machine', beep: true });
  expect(await answered([300, greeting, 1500])).toMatchObject({ by: 'machine', beep: false });
});

test('a short beep of 425 Hz, and one of 1400', async () => {
  for (const hz of [425, 1400])
    expect(await answered(['you have', 300, sineTone(hz, 150), 500])).toMatchObject({ by: 'machine', beep: true });
});

test('a fax, and nobody', async () => {
  expect(await answered([200, sineTone(2100, 3000), 200])).toMatchObject({ by: 'fax' });
  expect(await answered([4000])).toMatchObject({ by: 'silence', greetingMs: 0 });
});

test('before the answer: ringing is a tone, an announcement is speech, and neither is the callee', async () => {
  const ring: Tone = { ...progressTone('ringback', 'de'), repeat: 'once' };
  expect(await answered([400, 'hello', 1500], [ring])).toMatchObject({ by: 'human', early: 'tones' });
  expect(await answered([400, 'hello', 1500], ['you have reached nobody'])).toMatchObject({ by: 'human', early: 'speech' });
});

test('a machine of the network’s greets and beeps before any answer', async () => {
  const greeting = 'you have reached nobody you have reached nobody';
  for (const parts of [undefined, [1500]])
    expect(await answered(parts, [300, greeting, 400, sineTone(1000, 400), 900])).toMatchObject({
      by: 'machine',
      afterMs: 0,
      early: 'speech',
      beep: true,
    });
});

test('an announcement, and then it rings, or tones and another announcement: no machine; nobody answers, and what was heard is told', async () => {
  const ring: Tone = { ...progressTone('ringback', 'de'), repeat: 'once' };
  expect(await answered([400, 'hello', 1500], ['you have reached', 300, ring, ring])).toMatchObject({
    by: 'human',
    beep: false,
    early: 'speech',
  });
  const tones: Tone = { parts: [950, 1400, 1800].map((hz) => ({ ms: 330, components: [{ hz, dbm0: -14 }] })), repeat: 'once' };
  const announced = ['you have reached nobody', 300, tones, 'you have reached nobody', 300];
  expect(await answered(undefined, announced)).toMatchObject({ by: 'unknown', beep: false, early: 'speech' });
  expect(await answered(undefined, [ring])).toMatchObject({ by: 'unknown', early: 'tones' });
});
