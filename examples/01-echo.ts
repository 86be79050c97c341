/** Answers, and says back what it hears. */
import { SipBot, type SipBotOptions } from 'sipbot';
import { fromEnvironment, isMain, run } from './environment.js';

export function echo(options: SipBotOptions): SipBot {
  const bot = new SipBot(options);
  bot.on('call', async (call) => {
    await call.answer();
    for await (const frame of call.audio) call.audio.write(frame.samples);
  });
  return bot;
}

if (isMain(import.meta.url)) await run(echo(fromEnvironment()));
