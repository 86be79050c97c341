/** A bot that speaks and listens, and a caller who interrupts, coughs, stays silent: whole calls on a turned clock. */
import { describe, expect, test } from 'vitest';
import { renderTone } from '../../../src/codec/tones.js';
import { type Call, type Said, SipBot, type SipBotOptions, sineTone, type Turn } from '../../../src/index.js';
import { ManualClock, MemoryNetwork, type TestCall, TestCaller, TestSpeech, WireTrack } from '../../../src/testing.js';
import { whiteNoise } from '../../codec/signals.js';

const speech = new TestSpeech(['hello', 'sales', 'support', 'yes', 'no', 'one', 'two', 'three', 'four', 'other']);
/** Ten words of 300 ms. */
const long = 'One two three four one two three four one two.';

async function conversation(
  onCall: (call: Call) => Promise<void>,
  script: (call: TestCall, clock: ManualClock) => Promise<void>,
  options: SipBotOptions = {},
): Promise<void> {
  const clock = new ManualClock();
  const network = new MemoryNetwork({ clock, delayMs: 1 });
  const bot = new SipBot({ clock, network, codecs: ['pcmu'], speech: { voice: speech, recogniser: speech }, ...options });
  let failure: unknown;
  bot.on('call', async (call) => {
    await call.answer();
    await onCall(call).catch((error: unknown) => {
      failure = error;
    });
  });
  bot.on('error', (error) => {
    failure = error;
  });
  await bot.start();
  const caller = new TestCaller({ clock, network });
  const call = await caller.call(bot);
  await script(call, clock);
  if (!call.isEnded) await call.hangup();
  await caller.stop();
  await caller.until(bot.stop());
  if (failure !== undefined) throw failure;
}

describe('listen and say', () => {
  test('a question, an answer in words, the turns and how long the caller waited', async () => {
    const turns: Turn[] = [];
    let text = '';
    await conversation(
      async (call) => {
        call.on('turn', (turn) => turns.push(turn));
        const heard = await call.ask('Hello sales or support?');
        text = heard.text;
        await call.say('Yes yes.').done;
      },
      async (call) => {
        await call.wait(1600);
        await call.say(speech.samples('support'));
        await call.wait(2500);
      },
    );
    expect(text).toBe('support');
    expect(turns.map(({ who, text: words, outcome }) => [who, words, outcome])).toEqual([
      ['bot', 'Hello sales or support?', 'completed'],
      ['caller', 'support', undefined],
      ['bot', 'Yes yes.', 'completed'],
    ]);
    // The hang-over, and little else.
    expect(turns[2]!.latencyMs).toBeGreaterThan(480);
    expect(turns[2]!.latencyMs).toBeLessThan(600);
    expect(turns[0]!.durationMs).toBeCloseTo(1200, 0);
  });

  test('what is said over the bot is heard from its beginning, though listen comes later', async () => {
    let said: Said | undefined;
    let heard = '';
    await conversation(
      async (call) => {
        said = await call.say(long).done;
        heard = (await call.listen()).text;
      },
      async (call) => {
        await call.wait(900);
        await call.say(speech.samples('no sales'));
        await call.wait(1500);
      },
    );
    expect(said).toMatchObject({ outcome: 'interrupted' });
    expect(heard).toBe('no sales');
  });

  test('nobody says anything: asked again, then given up', async () => {
    const turns: Turn[] = [];
    let ended = '';
    await conversation(
      async (call) => {
        call.on('turn', (turn) => turns.push(turn));
        ended = (await call.ask('Sales?', { timeoutMs: 1000, reprompts: ['Hello?', 'Yes?'] })).ended;
      },
      (call) => call.wait(6000),
    );
    expect(ended).toBe('timeout');
    expect(turns.map(({ text }) => text)).toEqual(['Sales?', 'Hello?', 'Yes?']);
  });

  test('keys in place of speech; the prompt stops at the first', async () => {
    let keys = '';
    let said: Said | undefined;
    await conversation(
      async (call) => {
        const saying = call.say(long);
        ({ keys } = await call.listen({ maxKeys: 4 }));
        said = await saying.done;
      },
      async (call) => {
        await call.wait(500);
        await call.press('42#');
        await call.wait(500);
      },
    );
    expect(keys).toBe('42');
    expect(said!.outcome).toBe('interrupted');
    expect(said!.playedMs).toBeLessThan(900);
  });

  test('the caller hangs up while the bot speaks, or listens', async () => {
    const ends: string[] = [];
    for (const waitMs of [500, 4000]) {
      await conversation(
        async (call) => {
          ends.push((await call.say(long).done).outcome, (await call.listen()).ended);
        },
        (call) => call.wait(waitMs),
      );
    }
    expect(ends).toEqual(['ended', 'hangup', 'completed', 'hangup']);
  });

  test('a voice that fails says so, and the next saying is heard', async () => {
    const broken = {
      // biome-ignore lint/correctness/useYield: it fails before it has anything
      async *speak(): AsyncGenerator<never> {
        throw new Error('no such voice');
      },
    };
    let outcome = '';
    let failure = '';
    await conversation(
      async (call) => {
        const first = call.say('Hello.', { voice: broken });
        const second = call.say('Yes.');
        failure = await first.done.then(
          () => '',
          (error: unknown) => String(error),
        );
        ({ outcome } = await second.done);
      },
      (call) => call.wait(1500),
    );
    expect([failure, outcome]).toEqual(['Error: no such voice', 'completed']);
  });

  test('while the writer thinks there is a filler, which stops with the first word; nothing of either is mixed', async () => {
    async function* slowly(): AsyncGenerator<string> {
      await thought;
      yield 'Yes.';
    }
    let think: () => void = () => {};
    const thought = new Promise<void>((resolve) => {
      think = resolve;
    });
    await conversation(
      async (call) => {
        const { playedMs, outcome } = await call.say(slowly(), { filler: { sound: sineTone(500, 200), afterMs: 300 } }).done;
        expect([Math.round(playedMs), outcome]).toEqual([300, 'completed']);
      },
      async (call) => {
        await call.wait(1000);
        const before = call.heard.durationMs;
        expect(call.heard.part(before - 400, 300).shareOf(500)).toBeGreaterThan(0.9);
        think();
        await call.wait(700);
        expect(call.heard.part(before + 100, 200).shareOf(500)).toBeLessThan(0.1);
      },
    );
  });
});

describe('barge-in', () => {
  async function interrupted(sound: Int16Array): Promise<{ said: Said; call: TestCall; track: WireTrack; fromMs: number }> {
    let said: Said | undefined;
    let far: TestCall | undefined;
    let track: WireTrack | undefined;
    let fromMs = 0;
    await conversation(
      async (call) => {
        said = await call.say(long).done;
      },
      async (call) => {
        far = call;
        track = WireTrack.of(call.call).in;
        await call.wait(1000);
        fromMs = call.heard.durationMs;
        await call.say(sound);
        await call.wait(3500);
      },
    );
    return { said: said!, call: far!, track: track!, fromMs };
  }

  test('speech: softer within 60 ms, silent within 150 ms, and what was played is known to the packet', async () => {
    const { said, call, track, fromMs } = await interrupted(speech.samples('no no no'));
    expect(said.outcome).toBe('interrupted');
    const { heard } = call;
    const before = heard.part(fromMs - 200, 200).level;
    expect(heard.part(fromMs + 60, 20).level).toBeLessThan(before / 3);
    expect(heard.part(fromMs + 150).isSilent).toBe(true);
    expect(Math.abs(track.soundingSamples / 8 - said.playedMs)).toBeLessThan(4);
    expect(said.heard).toBe('One two three four');
  });

  test('wherever it is cut, `playedMs` is what arrived: to the fade of 3 ms, a packet being 20', async () => {
    // What the caller's ear plays says nothing of it: its jitter buffer shortens the sound by whole periods.
    const hum = {
      async *speak() {
        yield { samples: renderTone(sineTone(700, 3000), 16_000), sampleRate: 16_000 };
      },
    };
    for (let i = 0; i < 20; i++) {
      let said: Said | undefined;
      await conversation(
        async (call) => {
          said = await call.say('hum', { voice: hum }).done;
        },
        async (call, clock) => {
          const track = WireTrack.of(call.call).in;
          await clock.run(700 + 13.7 * i);
          await call.say(speech.samples('no no'));
          await call.wait(200);
          expect(said!.outcome).toBe('interrupted');
          expect(Math.abs(track.soundingSamples / 8 - said!.playedMs)).toBeLessThan(4);
        },
      );
    }
  });

  test('a cough of 80 ms: softer for a moment, and every word is heard', async () => {
    const cough = whiteNoise(1280, 9000);
    const { said, call, fromMs } = await interrupted(cough);
    expect(said).toMatchObject({ outcome: 'completed', heard: long });
    expect(said.playedMs).toBeCloseTo(3000, 0);
    const { heard } = call;
    expect(heard.part(fromMs + 60, 60).level).toBeLessThan(heard.part(fromMs - 200, 200).level / 3);
    expect(heard.part(fromMs + 400, 200).level).toBeGreaterThan(heard.part(fromMs - 200, 200).level / 2);
  });

  test('background sound lies under speech, and an interruption takes only the speech', async () => {
    let said: Said | undefined;
    await conversation(
      async (call) => {
        call.play(sineTone(1900, 1000, -30), { mode: 'mix', loop: true });
        said = await call.say(long).done;
      },
      async (call) => {
        await call.wait(1000);
        const fromMs = call.heard.durationMs;
        const under = call.heard.part(fromMs - 200, 200);
        await call.say(speech.samples('no no no'));
        await call.wait(700);
        const behind = call.heard.part(fromMs + 400, 600);
        expect(behind.shareOf(1900)).toBeGreaterThan(0.95);
        expect(under.level).toBeGreaterThan(5 * behind.level);
        // As loud as behind: its part of the whole is its energy.
        expect(Math.sqrt(under.shareOf(1900)) * under.level).toBeGreaterThan(0.7 * behind.level);
      },
    );
    expect(said!.outcome).toBe('interrupted');
  });

  test('what may not be interrupted is not, nor made softer', async () => {
    let said: Said | undefined;
    await conversation(
      async (call) => {
        said = await call.say(long, { interruptible: false }).done;
      },
      async (call) => {
        await call.wait(1000);
        const fromMs = call.heard.durationMs;
        await call.say(speech.samples('no no no'));
        expect(call.heard.part(fromMs + 60, 200).level).toBeGreaterThan(call.heard.part(fromMs - 200, 200).level / 2);
        await call.wait(2500);
      },
    );
    expect(said!.outcome).toBe('completed');
  });
});
