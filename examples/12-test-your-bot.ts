/** How you test a bot of yours: no phone, no socket, no waiting. The clock is turned by hand, so this call takes milliseconds. */
import { strict as assert } from 'node:assert';
import { EchoBot, SipBot, sineTone } from 'sipbot';
import { ManualClock, MemoryNetwork, TestCaller } from 'sipbot/testing';
import { isMain } from './environment.js';

export async function testEchoBot(): Promise<void> {
  const clock = new ManualClock();
  const network = new MemoryNetwork({ clock, delayMs: 30, jitterMs: 20, loss: 0.01, seed: 1 });
  const bot = new SipBot({ clock, network, bot: () => new EchoBot() });
  await bot.start();

  const caller = new TestCaller({ clock, network });
  const call = await caller.call(bot);
  await call.say(sineTone(1000, 2000));
  const { heard } = call;
  assert.equal(heard.frequency, 1000);
  assert.ok(heard.onsetMs! < 300, 'the echo comes back at once');
  await call.hangup();
  await caller.stop();
  await caller.until(bot.stop());
}

if (isMain(import.meta.url)) {
  await testEchoBot();
  console.log('the bot echoes');
}
