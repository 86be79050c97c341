/** Scripted callers and the report of what they did: ten conversations to the last figure, and bots that do it wrong. */
import { describe, expect, test } from 'vitest';
import { ticketBot, ticketScripts, words } from '../../scripts/conversations/ticket-bot.js';
import { SipBot, type TextToSpeech } from '../../src/bot.js';
import {
  type CallerScript,
  type ConverseOptions,
  conversationTable,
  converse,
  heldSpeech,
  ManualClock,
  noise,
  SeededRandom,
} from '../../src/testing.js';

const tickets = { bot: ticketBot, scripts: ticketScripts, voice: words, ear: words } as const;
const LONG = 'One two three four one two three four one two.';

/** One conversation with a bot that says something long. */
async function once(script: CallerScript, speech: ConstructorParameters<typeof SipBot>[0] = {}, say: object = {}) {
  const bot: ConverseOptions['bot'] = (options) => {
    const made = new SipBot({ ...options, codecs: ['pcmu'], speech: { voice: words, recogniser: words }, ...speech });
    made.on('call', async (call) => {
      await call.answer();
      await call.say(LONG, say).done;
    });
    return made;
  };
  return (await converse({ bot, scripts: { it: script }, voice: words, count: 1 })).results[0]!;
}

describe('converse', () => {
  test('ten conversations: every turn, interruption, cough, key and word; the same again from the same seed', async () => {
    const report = await converse({ ...tickets, count: 10, seed: 1 });
    const { results, callMinutes, ...sums } = report;
    expect(sums).toEqual({
      conversations: 10,
      failed: 0,
      turns: { caller: 31, bot: 50 },
      latencyMs: { p50: 600, p99: 600, worst: 600, of: 29 },
      loggedLatencyMs: { p50: 506, p99: 506, worst: 506, of: 29 },
      interruptions: { of: 7, done: 7 },
      stopMs: { p50: 120, p99: 160, worst: 160, of: 7 },
      coughs: { of: 2, done: 2 },
      keys: { of: 6, done: 6 },
      understood: { of: 43, done: 43 },
      heard: { of: 290, done: 227 },
      arrived: { of: 227, done: 221 },
    });
    expect(callMinutes).toBeCloseTo(2.0, 0);
    expect(results.map(({ script }) => script)).toContain('coughing');
    const again = await converse({ ...tickets, seed: 1, only: 7 });
    expect(again.results[0]).toEqual(results[6]);
    const table = conversationTable(report);
    expect(table).toContain('| interruptions heeded | 7 of 7 (100.0 %) |');
    expect(table).not.toContain('seed');
  }, 120_000);

  test('a bot that cannot be interrupted is seen to talk on', async () => {
    const { stopMs, failures } = await once((caller) => caller.interrupt('no no no'), {}, { interruptible: false });
    expect([stopMs, failures]).toEqual([[Number.NaN], []]);
  });

  test('a bot that takes a cough for speech is seen to fall silent; one that does not, to go on', async () => {
    const cough: CallerScript = async (caller) => {
      await caller.cough({ afterMs: 800 });
      await caller.wait(1500);
    };
    expect((await once(cough)).coughs).toEqual({ of: 1, done: 1 });
    const jumpy = { speech: { voice: words, recogniser: words, ears: { confirmMs: 20 } } };
    expect((await once(cough, jumpy)).coughs).toEqual({ of: 1, done: 0 });
  });

  test('what goes wrong is a failure of that conversation, and the next one goes on', async () => {
    const scripts: Record<string, CallerScript> = {
      throws: async () => {
        throw new Error('the script has a mistake');
      },
    };
    const report = await converse({ ...tickets, scripts, count: 2 });
    expect([report.failed, report.conversations]).toEqual([2, 2]);
    expect(conversationTable(report)).toContain('conversation 2 (throws, seed 100005): the script has a mistake');
    const mute = await converse({
      bot: (options) => {
        const bot = new SipBot(options);
        bot.on('call', (call) => call.answer());
        return bot;
      },
      scripts: { waits: (caller) => caller.untilDone({ limitMs: 1000 }) },
      voice: words,
      count: 1,
    });
    expect(mute.results[0]!.failures).toEqual(['the bot was not done within 1000 ms']);
    const refusing = await converse({
      bot: (options) => {
        const bot = new SipBot(options);
        bot.on('call', (call) => call.reject(486));
        return bot;
      },
      scripts: { waits: (caller) => caller.untilDone() },
      voice: words,
      count: 1,
    });
    expect(refusing.results[0]!.failures[0]).toContain('486');
  });
});

test('speech that takes real time takes none of a turned clock', async () => {
  const clock = new ManualClock();
  const slow: { readonly voice: TextToSpeech } = {
    voice: {
      async *speak() {
        await new Promise((resolve) => setTimeout(resolve, 30));
        yield { samples: new Int16Array(160), sampleRate: 16_000 };
      },
    },
  };
  let spokenAt = -1;
  const spoken = (async () => {
    for await (const _ of heldSpeech(clock, slow).voice.speak('hello', { sampleRate: 16_000 })) spokenAt = clock.now();
  })();
  clock.at(10, () => {});
  await clock.run(1000);
  await spoken;
  expect([spokenAt, clock.now()]).toEqual([0, 1000]);
});

test('noises: as long and as loud as was said, and the same from the same chance', () => {
  const rms = (samples: Int16Array): number => Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
  for (const kind of ['babble', 'line'] as const) {
    const sound = noise(kind, new SeededRandom(3), 500, 200);
    expect(sound.length).toBe(8000);
    expect(rms(sound)).toBeCloseTo(200, -1);
    expect(noise(kind, new SeededRandom(3), 500, 200)).toEqual(sound);
  }
  expect(noise('cough', new SeededRandom(3)).length).toBe(1280);
});
