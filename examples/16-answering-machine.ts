/** Calls somebody with a message, and knows whom it speaks to: a person hears it at once, a machine after its beep, a fax not at all. */
import { CallError, SipBot, type SoundSource } from 'sipbot';
import { fromEnvironment, isMain } from './environment.js';

export async function deliver(bot: SipBot, target: string, message: SoundSource): Promise<string> {
  try {
    const call = await bot.dial(target, { timeoutMs: 30_000 });
    const listener = call.answeredBy();
    const { by } = await listener;
    const isReady = by === 'human' || (by === 'machine' && (await listener.beep));
    if (isReady && call.end === undefined) await call.play(message).done;
    await call.hangup();
    return isReady ? `delivered to a ${by}` : `not delivered: ${by}`;
  } catch (error) {
    if (error instanceof CallError) return `not reached: ${error.status} ${error.reason}`;
    throw error;
  }
}

if (isMain(import.meta.url)) {
  const bot = new SipBot(fromEnvironment());
  await bot.start();
  console.log(await deliver(bot, process.argv[2] ?? '100', process.argv[3] ?? 'message.wav'));
  await bot.stop();
}
