import { describe, expect, test } from 'vitest';
import { type Bot, EchoBot, SipBot } from '../../src/bot.js';
import { sineTone } from '../../src/codec/tones.js';
import { ManualClock } from '../../src/testing/manual-clock.js';
import { MemoryNetwork } from '../../src/testing/memory-network.js';
import { TestCaller } from '../../src/testing/test-caller.js';

async function stage(bot?: () => Bot) {
  const clock = new ManualClock();
  const network = new MemoryNetwork({ clock });
  const under = new SipBot({ clock, network, ...(bot === undefined ? {} : { bot }) });
  await under.start();
  const caller = new TestCaller({ clock, network });
  const stop = async (): Promise<void> => {
    await caller.stop();
    await caller.until(under.stop());
    expect(network.open).toBe(0);
    expect(clock.pending).toBe(0);
  };
  return { clock, under, caller, stop };
}

describe('TestCaller', () => {
  test('calls a bot, speaks, listens, presses keys and hangs up: a whole call in milliseconds', async () => {
    const keys: string[] = [];
    const { caller, under, stop } = await stage(() => Object.assign(new EchoBot(), { onDtmf: (digit: string) => void keys.push(digit) }));
    const call = await caller.call(under);
    await call.say(sineTone(1000, 1000));
    await call.wait(500);
    const echoed = call.heard;
    expect(echoed.frequency).toBe(1000);
    expect(echoed.part(echoed.onsetMs! + 50, 900).shareOf(1000)).toBeGreaterThan(0.98);
    expect(echoed.part(echoed.onsetMs! + 50, 900).gaps()).toEqual([]);
    await call.press('42#');
    await call.wait(200);
    expect(keys).toEqual(['4', '2', '#']);
    expect(await call.hangup()).toMatchObject({ reason: 'hangup', by: 'local' });
    await stop();
  });

  test('takes the bot’s own calls, and sees it hang up', async () => {
    const { caller, under, stop } = await stage();
    const dialling = under.dial(await caller.uri());
    const call = await caller.answer();
    const outgoing = await caller.until(dialling);
    outgoing.play(sineTone(440, 300));
    expect((await call.listen(600)).part(100, 150).frequency).toBe(440);
    void outgoing.hangup();
    expect(await call.ended()).toMatchObject({ by: 'remote' });
    await stop();
  });

  test('a refusal is the CallError that a caller would get', async () => {
    const { caller, under, stop } = await stage();
    under.on('call', (call) => call.reject(603));
    await expect(caller.call(under)).rejects.toMatchObject({ status: 603, code: 'ERR_CALL_REJECTED' });
    await stop();
  });
});
