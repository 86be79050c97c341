/** Answers, plays a file, and hangs up when it has been heard: `played` says how much of it really was. */
import { SipBot, type SipBotOptions } from 'sipbot';
import { fromEnvironment, isMain, run } from './environment.js';

export function play(file: string, options: SipBotOptions, log: (line: string) => void = console.log): SipBot {
  const bot = new SipBot(options);
  bot.on('call', async (call) => {
    await call.answer();
    const played = await call.play(file, { interruptOn: ['dtmf'] }).done;
    log(`${call.from.user ?? 'somebody'} heard ${Math.round(played.playedMs)} ms (${played.outcome})`);
    await call.hangup();
  });
  return bot;
}

if (isMain(import.meta.url)) await run(play(process.argv[2] ?? 'greeting.wav', fromEnvironment()));
