/** The examples that hand calls to platforms: one against the application that is in it, over real sockets; the others against platforms made of arrays. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { application, twilioBot } from '../examples/13-twilio-app.js';
import { receptionist } from '../examples/14-realtime-receptionist.js';
import { platformBot } from '../examples/15-your-own-platform.js';
import type { SipBot, SipBotOptions } from '../src/bot.js';
import { systemClock } from '../src/clock.js';
import { sineTone } from '../src/codec.js';
import { ManualClock, MemoryNetwork, TestCaller, type TestClock } from '../src/testing.js';
import { toMulaw } from './bot/bridge/bridged-call.js';
import { tone } from './bot/support/world.js';
import { FakeService } from './bot/wire/fake-service.js';

async function inMemory(make: (service: FakeService, options: SipBotOptions, print: (line: string) => void) => SipBot) {
  const clock = new ManualClock();
  const network = new MemoryNetwork({ clock, delayMs: 10 });
  const caller = new TestCaller({ clock, network, port: 0, seed: 100 });
  const service = new FakeService();
  const lines: string[] = [];
  const bot = make(service, { clock, network, rtpPorts: [10_000, 12_000] }, (line) => lines.push(line));
  await caller.until(bot.start());
  return { clock, caller, service, bot, lines };
}

describe('examples with platforms', () => {
  test('13 an application written for Twilio, over real sockets: it says back what it hears', async () => {
    const clock: TestClock = {
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
    const app = application(0);
    await once(app, 'listening');
    const url = `ws://127.0.0.1:${(app.address() as AddressInfo).port}/media`;
    const listen = [{ transport: 'udp' as const, host: '127.0.0.1', port: 0 }];
    const bot = twilioBot({ url }, { threads: 0, listen, rtpPorts: [10_000, 12_000] });
    await bot.start();
    const caller = new TestCaller({ clock, port: 0, bot: { rtpPorts: [30_000, 40_000] } });
    const call = await caller.call(bot);
    await call.say(sineTone(1000, 800));
    await clock.runUntil(() => call.heard.frequency === 1000);
    await call.hangup();
    await Promise.all([caller.stop(), bot.stop()]);
    app.close();
  });

  test('14 a receptionist of OpenAI’s: greets, looks up, says good-bye and hangs up', async () => {
    const { clock, caller, service, bot, lines } = await inMemory((fake, options, print) =>
      receptionist({ apiKey: 'k', connect: fake.connect }, { sales: 'sip:sales@10.0.0.9' }, options, print),
    );
    const call = await caller.call(bot);
    await call.wait(100);
    const { last } = service;
    expect(last.texts.slice(0, 2).map(({ type }) => type)).toEqual(['session.update', 'response.create']);
    const { tools } = last.texts[0]!['session'] as { tools: { name: string }[] };
    expect(tools.map(({ name }) => name)).toEqual(['opening_hours', 'transfer_call', 'hang_up']);
    last.say({ type: 'response.created', response: { id: 'r' } });
    last.say({
      type: 'response.output_item.done',
      item: { type: 'function_call', name: 'opening_hours', call_id: 'c', arguments: '{"day":"Sunday"}' },
    });
    last.say({
      type: 'response.output_audio.delta',
      response_id: 'r',
      item_id: 'i',
      delta: toMulaw(tone(700, 500, 8000)).toString('base64'),
    });
    last.say({ type: 'response.output_audio_transcript.done', transcript: 'We are closed on Sundays. Good-bye!' });
    last.say({ type: 'response.output_item.done', item: { type: 'function_call', name: 'hang_up', call_id: 'd', arguments: '{}' } });
    last.say({ type: 'response.done', response: { id: 'r' } });
    await call.ended();
    expect(call.heard.frequency).toBe(700);
    expect(lines).toEqual(['uses opening_hours', 'model: We are closed on Sundays. Good-bye!', 'uses hang_up']);
    expect(JSON.stringify(last.texts)).toContain('closed');
    await caller.until(Promise.all([caller.stop(), bot.stop()]));
    expect(clock.pending).toBe(0);
  });

  test('15 a platform of one’s own: 16 kHz there, 22.05 kHz back, its own words', async () => {
    const { caller, service, bot, lines } = await inMemory((fake, options, print) =>
      platformBot({ url: 'ws://platform/voice', connect: fake.connect }, options, print),
    );
    const call = await caller.call(bot, { number: '123' });
    await call.say(sineTone(500, 500));
    const { last } = service;
    expect(last.texts[0]).toMatchObject({ op: 'begin', caller: '123' });
    expect(last.sound.length).toBeGreaterThan(12_000);
    last.say(new Uint8Array(tone(900, 400, 22_050).buffer));
    await call.wait(700);
    expect(call.heard.frequency).toBe(900);
    last.say({ op: 'bye' });
    await call.ended();
    expect(lines).toContain('{"op":"bye"}');
    await caller.until(Promise.all([caller.stop(), bot.stop()]));
  });
});
