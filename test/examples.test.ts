/** The examples, run to their end: against a far end in memory, and over real sockets on loopback. The same script judges both. */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { echo } from '../examples/01-echo.js';
import { play } from '../examples/02-play.js';
import { ivr } from '../examples/03-ivr-menu.js';
import { voicemail } from '../examples/04-voicemail.js';
import { remind } from '../examples/05-outbound-reminder.js';
import { transferToHuman } from '../examples/06-transfer-to-human.js';
import { manyAccounts } from '../examples/07-many-accounts.js';
import { levelBot } from '../examples/08-custom-bot.js';
import { webhook } from '../examples/09-webhook.js';
import { autoReply } from '../examples/10-sms-auto-reply.js';
import { conference } from '../examples/11-conference.js';
import { testEchoBot } from '../examples/12-test-your-bot.js';
import { deliver } from '../examples/16-answering-machine.js';
import { offlineReceptionist } from '../examples/17-offline-receptionist.js';
import type { Visit } from '../examples/offline/receptionist.js';
import { RecordedVoice } from '../examples/offline/recorded-voice.js';
import { SipBot, type SipBotOptions } from '../src/bot.js';
import { systemClock } from '../src/clock.js';
import { readWav, sineTone, soundChannel, writeWav } from '../src/codec.js';
import { Heard, ManualClock, MemoryNetwork, TestCaller, type TestClock, TestSpeech } from '../src/testing.js';

interface World {
  readonly clock: TestClock;
  /** What an example's bot is made with. */
  options(): SipBotOptions;
  caller(port?: number): TestCaller;
}

/** Real time: waits instead of turning. */
const realClock: TestClock = {
  ...systemClock,
  run: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  runUntil: async (done, limitMs = 20_000) => {
    const until = Date.now() + limitMs;
    while (!done()) {
      if (Date.now() > until) throw new Error(`not within ${limitMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  },
};

function memoryWorld(): World {
  const clock = new ManualClock();
  const network = new MemoryNetwork({ clock, delayMs: 10 });
  let seed = 100;
  return {
    clock,
    options: () => ({ clock, network, rtpPorts: [10_000, 12_000] }),
    caller: (port = 0) => new TestCaller({ clock, network, port, seed: seed++ }),
  };
}

function realWorld(): World {
  return {
    clock: realClock,
    options: () => ({ threads: 0, listen: [{ transport: 'udp', host: '127.0.0.1', port: 0 }], rtpPorts: [10_000, 12_000] }),
    caller: (port = 0) => new TestCaller({ clock: realClock, port, bot: { rtpPorts: [30_000, 40_000] } }),
  };
}

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sipbot-examples-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const second = (hz: number): Int16Array =>
  Int16Array.from({ length: 16_000 }, (_, i) => Math.round(8000 * Math.sin((2 * Math.PI * hz * i) / 16_000)));

// Real sockets are in real time: a machine that stands still for a moment makes a hole in what is heard, so these have another try.
const worlds = [
  ['in memory', memoryWorld, 0],
  ['over loopback', realWorld, 2],
] as const;
describe.each(worlds)('examples, %s', (_name, makeWorld, retry) => {
  async function stage(make: (options: SipBotOptions) => SipBot | Promise<SipBot>) {
    const world = makeWorld();
    const bot = await make(world.options());
    const caller = world.caller();
    await caller.until(bot.start());
    const stop = async (): Promise<void> => {
      await caller.until(Promise.all([caller.stop(), bot.stop()]));
      expect(bot.calls.size).toBe(0);
    };
    return { ...world, bot, caller, stop };
  }

  test('01 echo', { retry }, async () => {
    const { bot, caller, stop } = await stage(echo);
    const call = await caller.call(bot);
    await call.say(sineTone(1000, 800));
    await call.wait(300);
    expect(call.heard.frequency).toBe(1000);
    await call.hangup();
    await stop();
  });

  test('02 play: what was heard is what is said to have been heard', { retry }, async () => {
    const path = join(folder, 'greeting.wav');
    await writeFile(path, writeWav(second(700), { sampleRate: 16_000 }));
    const lines: string[] = [];
    const { bot, caller, stop } = await stage((options) => play(path, options, (line) => lines.push(line)));
    const call = await caller.call(bot, { number: '123' });
    await call.ended();
    expect(call.heard.frequency).toBe(700);
    expect(lines).toEqual(['123 heard 1000 ms (completed)']);
    await stop();
  });

  test('03 IVR menu: a wrong key asks again, 1 is the echo', { retry }, async () => {
    const { bot, caller, stop } = await stage(ivr);
    const call = await caller.call(bot);
    await call.wait(300);
    await call.press('9');
    await call.wait(600);
    await call.press('1');
    await call.wait(300);
    const before = call.heard.durationMs;
    await call.say(sineTone(1200, 500));
    await call.wait(300);
    expect(call.heard.part(before).frequency).toBe(1200);
    await call.hangup();
    await stop();
  });

  test('04 voicemail: the caller is in the left channel of the file', { retry }, async () => {
    const saved: [string, number][] = [];
    const { bot, caller, clock, stop } = await stage((options) => voicemail(folder, options, (path, ms) => saved.push([path, ms])));
    const call = await caller.call(bot);
    await call.wait(900);
    await call.say(second(500));
    await call.press('#');
    await call.ended();
    await clock.runUntil(() => saved.length > 0).catch(() => {});
    const [path, durationMs] = saved[0]!;
    const sound = readWav(await readFile(path));
    expect([sound.channels, sound.sampleRate]).toEqual([2, 16_000]);
    expect(Math.abs((sound.samples.length / 2 / 16_000) * 1000 - durationMs)).toBeLessThan(1);
    const left = new Heard(soundChannel(sound, 0), 16_000);
    expect(left.part(left.onsetMs! + 50, 800).shareOf(500)).toBeGreaterThan(0.97);
    expect(new Heard(soundChannel(sound, 1), 16_000).part(100).isSilent).toBe(true);
    await stop();
  });

  test('05 outbound reminder: confirmed, hung up, not reached', { retry }, async () => {
    const { bot, caller, stop } = await stage((options) => new SipBot(options));
    const target = await caller.uri();
    const confirmed = remind(bot, target, sineTone(880, 500));
    const call = await caller.answer();
    await call.wait(300);
    expect(call.heard.frequency).toBe(880);
    await call.press('1');
    expect(await caller.until(confirmed)).toBe('confirmed');
    const hungUp = remind(bot, target, sineTone(880, 500));
    await (await caller.answer()).hangup();
    expect(await caller.until(hungUp)).toBe('hung up');
    const busy = remind(bot, target, sineTone(880, 500));
    (await caller.expectCall()).reject(486);
    expect(await caller.until(busy)).toBe('not reached: 486 Busy Here');
    await stop();
  });

  test('06 transfer to a human: the two parties talk, whoever keeps them together', { retry }, async () => {
    const world = makeWorld();
    const agent = world.caller();
    const caller = world.caller();
    const lines: string[] = [];
    const bot = transferToHuman(await agent.uri(), world.options(), (line) => lines.push(line));
    await caller.until(bot.start());
    const calling = caller.call(bot);
    const [call, atAgent] = await Promise.all([calling, agent.answer()]);
    await call.wait(300);
    const from = atAgent.heard.durationMs;
    await call.say(sineTone(600, 800));
    await call.wait(300);
    expect(atAgent.heard.part(from).frequency).toBe(600);
    expect(lines.at(-1)).toMatch(/^(bridged|completed) \(2\d\d\)$/);
    await Promise.all([caller.stop(), agent.stop()]);
    await caller.until(bot.stop());
  });

  test('07 many accounts: each number has its own greeting', { retry }, async () => {
    const { bot, caller, stop } = await stage((options) =>
      manyAccounts(
        [
          { uri: 'sip:sales@127.0.0.1', register: false },
          { uri: 'sip:support@127.0.0.1', register: false },
        ],
        { ...options, allow: ['127.0.0.1'] },
      ),
    );
    const address = `127.0.0.1:${bot.addresses[0]!.port}`;
    for (const [user, hz] of [
      ['sales', 440],
      ['support', 660],
    ] as const) {
      const call = await caller.call(`sip:${user}@${address}`);
      await call.ended();
      expect(call.heard.frequency).toBe(hz);
    }
    await stop();
  });

  test('08 custom bot: it answers keys, and * hangs up', { retry }, async () => {
    const { bot, caller, stop } = await stage(levelBot);
    const call = await caller.call(bot);
    await call.wait(400);
    expect(call.heard.frequency).toBe(800);
    await call.press('*');
    expect((await call.ended()).by).toBe('remote');
    await stop();
  });

  test('09 webhook: the HTTP server decides', { retry }, async () => {
    const orders = [{ action: 'reject', status: 603 }, { action: 'play' }];
    const asked: unknown[] = [];
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => {
        asked.push(JSON.parse(body));
        response.end(JSON.stringify(orders.shift()));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { bot, caller, clock, stop } = await stage((options) =>
      webhook(`http://127.0.0.1:${(server.address() as AddressInfo).port}/call`, options),
    );
    // The answer comes over a real socket: the turned clock must wait for it.
    const patiently = async <T>(promise: Promise<T>): Promise<T> => {
      let isDone = false;
      promise
        .finally(() => {
          isDone = true;
        })
        .catch(() => {});
      while (!isDone) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        await clock.run(20);
      }
      return promise;
    };
    const refused = caller.call(bot).catch((error: unknown) => error);
    expect(await patiently(refused)).toMatchObject({ status: 603 });
    const call = await patiently(caller.call(bot));
    await patiently(call.ended());
    expect(asked).toHaveLength(2);
    expect(asked[0]).toMatchObject({ from: expect.stringContaining('sip:+15550100@') });
    server.close();
    await stop();
  });

  test('10 SMS auto-reply', { retry }, async () => {
    const { bot, caller, clock, stop } = await stage((options) => autoReply((text) => `You said: ${text}`, options));
    const texts: string[] = [];
    caller.onMessage((message) => texts.push(message.text));
    await caller.message(bot, 'hello');
    await clock.runUntil(() => texts.length > 0);
    expect(texts).toEqual(['You said: hello']);
    await stop();
  });

  test('11 conference: three callers, each hears the other two and not itself', { retry }, async () => {
    const world = makeWorld();
    const { bot, room } = conference(world.options());
    const callers = [world.caller(), world.caller(), world.caller()];
    await callers[0]!.until(bot.start());
    const calls = [];
    for (const caller of callers) calls.push(await caller.call(bot));
    await calls[0]!.wait(200);
    expect(room.members).toHaveLength(3);
    const tones = [500, 900, 1300];
    for (const [i, call] of calls.entries())
      call.call.audio.write(Int16Array.from({ length: 24_000 }, (_, n) => 5000 * Math.sin((2 * Math.PI * tones[i]! * n) / 16_000)));
    await calls[0]!.wait(1400);
    for (const [i, call] of calls.entries()) {
      const heard = call.heard;
      const middle = heard.part(heard.durationMs - 700, 500);
      const shares = tones.map((hz) => middle.shareOf(hz));
      for (const [j, share] of shares.entries()) {
        if (i === j) expect(share).toBeLessThan(0.02);
        else expect(share).toBeGreaterThan(0.35);
      }
    }
    for (const caller of callers) await caller.stop();
    await callers[0]!.until(bot.stop());
  });
});

test('16 answering machine: a person at once, a machine after its beep', async () => {
  const { clock, options, caller: makeCaller } = memoryWorld();
  const callee = makeCaller();
  const bot = new SipBot(options());
  await callee.until(bot.start());
  const words = new TestSpeech(['hello']);
  const target = await callee.uri();
  const message = sineTone(700, 500);
  const toPerson = deliver(bot, target, message);
  const person = await callee.answer();
  await person.wait(300);
  await person.say(words.samples('hello'));
  expect(await callee.until(toPerson)).toBe('delivered to a human');
  const toMachine = deliver(bot, target, message);
  const machine = await callee.answer();
  await machine.say(words.samples('hello hello hello hello hello hello hello hello'));
  await machine.say(sineTone(1000, 300));
  const before = machine.heard.durationMs;
  await machine.ended();
  expect(machine.heard.part(0, before - 400).isSilent).toBe(true);
  expect(machine.heard.part(before).level).toBeGreaterThan(500);
  expect(await callee.until(toMachine)).toBe('delivered to a machine');
  await callee.stop();
  await callee.until(bot.stop());
  expect(clock.now()).toBeLessThan(60_000);
});

test('17 offline receptionist, with recordings and keys: the time, a message on disk, goodbye', async () => {
  const { clock, options, caller: makeCaller } = memoryWorld();
  const caller = makeCaller();
  const visits: Visit[] = [];
  const voice = new RecordedVoice(new URL('../examples/offline/prompts/', import.meta.url));
  const desk = { folder: join(folder, 'messages'), now: () => new Date(2026, 0, 5, 10, 25) };
  const bot = offlineReceptionist({ voice, recogniser: undefined }, desk, options(), (visit) => visits.push(visit));
  await caller.until(bot.start());
  const call = await caller.call(bot, { number: '123' });
  /** The disk is not on the turned clock. */
  const wait = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 20) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      await call.wait(20);
    }
  };
  await wait(2500);
  expect(call.heard.level).toBeGreaterThan(300);
  await call.press('2');
  await wait(4000);
  await call.press('1');
  await wait(4500);
  await call.say(new TestSpeech(['hello']).samples('hello hello hello'));
  await wait(5500);
  await call.press('9');
  for (let i = 0; i < 50 && visits.length === 0; i++) await wait(100);
  expect(visits[0]!.choices).toEqual(['time', 'message', 'goodbye']);
  const [path] = visits[0]!.messages;
  const sound = readWav(await readFile(path!));
  expect(Math.abs((sound.samples.length * 1000) / sound.sampleRate - 1140)).toBeLessThan(150);
  const note: unknown = JSON.parse(await readFile(path!.replace('.wav', '.json'), 'utf8'));
  expect(note).toMatchObject({ from: expect.stringContaining('123'), durationMs: expect.any(Number) });
  await caller.stop();
  await caller.until(bot.stop());
  expect(clock.now()).toBeLessThan(120_000);
});

test('17 offline receptionist: the operator is put through, and the two hear one another; who is not there is said so', async () => {
  const world = memoryWorld();
  const caller = world.caller();
  const operator = world.caller();
  const voice = new RecordedVoice(new URL('../examples/offline/prompts/', import.meta.url));
  const visits: Visit[] = [];
  const desk = { folder, transferTo: await operator.uri(), now: () => new Date(2026, 0, 5, 10, 25) };
  const bot = offlineReceptionist({ voice, recogniser: undefined }, desk, world.options(), (visit) => visits.push(visit));
  await caller.until(bot.start());
  const wait = async (call: { wait(ms: number): Promise<void> }, until: () => boolean): Promise<void> => {
    for (let passed = 0; !until() && passed < 20_000; passed += 20) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      await call.wait(20);
    }
  };

  const refused = await caller.call(bot);
  await wait(refused, () => refused.heard.durationMs > 2000);
  const noOperator = operator.expectCall().then((ringing) => ringing.reject(486));
  await refused.press('4');
  await wait(refused, () => visits.length > 0 || refused.heard.durationMs > 6000);
  await caller.until(noOperator);
  await wait(refused, () => refused.heard.durationMs > 12_000);
  await refused.press('9');
  await wait(refused, () => visits.length > 0);
  expect(visits[0]!.choices).toEqual(['operator', 'goodbye']);

  const call = await caller.call(bot);
  await wait(call, () => call.heard.durationMs > 2000);
  let atOperator: Awaited<ReturnType<typeof operator.answer>> | undefined;
  const answering = operator.answer().then((answered) => {
    atOperator = answered;
  });
  await call.press('4');
  await wait(call, () => atOperator !== undefined);
  await answering;
  await call.wait(500);
  const from = [call.heard.durationMs, atOperator!.heard.durationMs] as const;
  await call.say(sineTone(600, 800));
  await atOperator!.say(sineTone(900, 800));
  await call.wait(300);
  expect(atOperator!.heard.part(from[1]).frequency).toBe(600);
  expect(call.heard.part(from[0]).frequency).toBe(900);
  await Promise.all([caller.stop(), operator.stop()]);
  await caller.until(bot.stop());
});

test('12 how a user tests a bot', async () => {
  await testEchoBot();
});
