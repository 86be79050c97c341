/** Answers every text (SIP MESSAGE, as carriers hand over SMS) with one of its own. */
import { SipBot, type SipBotOptions } from 'sipbot';
import { fromEnvironment, isMain, run } from './environment.js';

export function autoReply(answer: (text: string) => string, options: SipBotOptions): SipBot {
  const bot = new SipBot(options);
  bot.on('message', async (message) => {
    await bot.message(message.from.uri, answer(message.text));
  });
  return bot;
}

if (isMain(import.meta.url)) await run(autoReply((text) => `You said: ${text}`, fromEnvironment()));
