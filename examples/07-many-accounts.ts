/** One bot, several numbers: each call is greeted in the tone of the number that was called. */
import { type AccountOptions, SipBot, type SipBotOptions, sineTone } from 'sipbot';
import { isMain, run } from './environment.js';

const PITCH: Readonly<Record<string, number>> = { sales: 440, support: 660 };

export function manyAccounts(accounts: readonly AccountOptions[], options: SipBotOptions = {}): SipBot {
  const bot = new SipBot({ ...options, accounts });
  bot.on('registered', ({ account, expiresS }) => console.log(`${account} registered for ${expiresS} s`));
  bot.on('registrationFailed', ({ account, reason, advice }) => console.log(`${account}: ${reason}. ${advice}`));
  bot.on('call', async (call) => {
    await call.answer();
    await call.play(sineTone(PITCH[call.to.user ?? ''] ?? 550, 1000)).done;
    await call.hangup();
  });
  return bot;
}

if (isMain(import.meta.url)) {
  const password = process.env.SIP_PASSWORD;
  await run(manyAccounts(['sales', 'support'].map((user) => ({ uri: `sip:${user}@${process.env.SIP_DOMAIN}`, password }))));
}
