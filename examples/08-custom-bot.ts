/** A bot as a class: it hears each frame, answers keys, and cleans up. The SipBot makes one for each call. */
import { type AudioFrame, type Bot, type Call, type CallEnd, type DtmfDigit, SipBot, type SipBotOptions, sineTone } from 'sipbot';
import { fromEnvironment, isMain, run } from './environment.js';

export class LevelBot implements Bot {
  #loudest = 0;

  onStart(call: Call): void {
    call.play(sineTone(800, 200));
  }

  onAudio(frame: AudioFrame): void {
    for (const sample of frame.samples) this.#loudest = Math.max(this.#loudest, Math.abs(sample));
  }

  onDtmf(digit: DtmfDigit, call: Call): void {
    if (digit === '*') void call.hangup();
    else call.play(sineTone(200 + this.#loudest / 20, 200), { mode: 'replace' });
  }

  onEnd(end: CallEnd, call: Call): void {
    console.log(`${call.from}: loudest sample ${this.#loudest}, ended by ${end.by}`);
  }
}

export const levelBot = (options: SipBotOptions): SipBot => new SipBot({ ...options, bot: () => new LevelBot() });

if (isMain(import.meta.url)) await run(levelBot(fromEnvironment()));
