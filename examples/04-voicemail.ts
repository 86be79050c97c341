/** Greets, beeps, and records what the caller says until # or hang-up: caller on the left, bot on the right. */
import { join } from 'node:path';
import { SipBot, type SipBotOptions, sineTone } from 'sipbot';
import { fromEnvironment, isMain, run } from './environment.js';

export function voicemail(folder: string, options: SipBotOptions, onSaved: (path: string, durationMs: number) => void): SipBot {
  const bot = new SipBot(options);
  bot.on('call', async (call) => {
    await call.answer();
    await call.play(sineTone(1000, 500)).done;
    const recording = call.record(join(folder, `${call.id.replace(/\W/g, '_')}.wav`), { stereo: true });
    await call.gather({ finishOn: '#', timeoutMs: 60_000 });
    const { path, durationMs } = await recording.stop();
    onSaved(path, durationMs);
    await call.hangup();
  });
  return bot;
}

if (isMain(import.meta.url)) await run(voicemail('.', fromEnvironment(), (path, ms) => console.log(`${path}: ${ms} ms`)));
