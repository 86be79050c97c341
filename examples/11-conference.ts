/** Whoever calls joins one room, where everyone hears everyone but themselves. */
import { Conference, SipBot, type SipBotOptions } from 'sipbot';
import { fromEnvironment, isMain, run } from './environment.js';

export function conference(options: SipBotOptions): { bot: SipBot; room: Conference } {
  const room = new Conference({ maxMembers: 20 });
  const bot = new SipBot(options);
  bot.on('call', async (call) => {
    await call.answer();
    room.add(call);
    call.on('dtmf', (digit) => room.mute(call, digit === '6'));
  });
  room.on('joined', (call) => console.log(`${call.from} joined; ${room.members.length} in the room`));
  return { bot, room };
}

if (isMain(import.meta.url)) await run(conference(fromEnvironment()).bot);
