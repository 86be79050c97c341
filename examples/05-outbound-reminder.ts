/** Calls somebody, plays a reminder, and asks for a key; busy, no answer and hanging up are outcomes, not surprises. */
import { CallError, SipBot, type SoundSource, sineTone } from 'sipbot';
import { fromEnvironment, isMain } from './environment.js';

export async function remind(bot: SipBot, number: string, reminder: SoundSource): Promise<string> {
  try {
    const call = await bot.dial(number, { timeoutMs: 30_000 });
    const { digits, ended } = await call.gather({ max: 1, timeoutMs: 5000, prompt: reminder });
    if (ended !== 'hangup') await call.hangup();
    return digits === '1' ? 'confirmed' : ended === 'hangup' ? 'hung up' : 'not confirmed';
  } catch (error) {
    if (error instanceof CallError) return `not reached: ${error.status} ${error.reason}`;
    throw error;
  }
}

if (isMain(import.meta.url)) {
  const bot = new SipBot(fromEnvironment());
  await bot.start();
  console.log(await remind(bot, process.argv[2] ?? '600', sineTone(880, 2000)));
  await bot.stop();
}
