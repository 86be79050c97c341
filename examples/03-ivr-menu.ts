/** A menu: press 1 for the echo, 2 for the time as beeps, 0 to be called back; three tries, and a key stops the prompt. */
import { type Call, SipBot, type SipBotOptions, sineTone } from 'sipbot';
import { fromEnvironment, isMain, run } from './environment.js';

const PROMPT = sineTone(440, 800);
const WRONG = sineTone(200, 400);

async function menu(call: Call): Promise<void> {
  for (let attempt = 0; attempt < 3; attempt++) {
    const { digits, ended } = await call.gather({ max: 1, timeoutMs: 4000, prompt: PROMPT });
    if (ended === 'hangup') return;
    if (digits === '1') return echo(call);
    if (digits === '2') return beepTheHour(call, new Date().getHours());
    await call.play(WRONG).done;
  }
}

async function echo(call: Call): Promise<void> {
  for await (const frame of call.audio) call.audio.write(frame.samples);
}

export async function beepTheHour(call: Call, hour: number): Promise<void> {
  const beep = [...sineBeep()];
  for (let i = 0; i < Math.max(1, hour % 12); i++) await call.play(Int16Array.from(beep)).done;
}

function* sineBeep(): Generator<number> {
  for (let i = 0; i < 8000; i++) yield i < 4000 ? 8000 * Math.sin((2 * Math.PI * 1000 * i) / 16_000) : 0;
}

export function ivr(options: SipBotOptions): SipBot {
  const bot = new SipBot(options);
  bot.on('call', async (call) => {
    await call.answer();
    await menu(call);
    await call.hangup();
  });
  return bot;
}

if (isMain(import.meta.url)) await run(ivr(fromEnvironment()));
