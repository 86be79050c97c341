/** Answers, and hands the caller to an agent: by REFER where the caller's side can, else by staying in the middle. Says what became of it. */
import { SipBot, type SipBotOptions } from 'sipbot';
import { fromEnvironment, isMain, run } from './environment.js';

export function transferToHuman(agent: string, options: SipBotOptions, log: (line: string) => void = console.log): SipBot {
  const bot = new SipBot(options);
  bot.on('call', async (call) => {
    await call.answer();
    call.on('transferProgress', ({ status, reason }) => log(`… ${status} ${reason}`));
    const { outcome, status } = await call.transfer(agent, { fallback: 'bridge' });
    log(`${outcome} (${status})`);
    if (outcome === 'failed') await call.hangup();
  });
  return bot;
}

if (isMain(import.meta.url)) await run(transferToHuman(process.argv[2] ?? 'sip:agent@127.0.0.1:5062', fromEnvironment()));
