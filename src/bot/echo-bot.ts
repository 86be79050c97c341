/** The smallest Bot: says back what it hears. Read this first. */
import { LiveLag } from '../session/live-lag.js';
import type { AudioFrame } from './audio.js';
import type { Bot } from './bot.js';
import type { Call } from './call.js';

export class EchoBot implements Bot {
  readonly borrowsAudio = true;
  readonly #lag = new LiveLag();

  onAudio(frame: AudioFrame, call: Call): void {
    const { audio } = call;
    if (!this.#lag.canDrop(frame.samples, audio.frameMs, audio.queuedMs)) audio.write(frame.samples);
  }
}
