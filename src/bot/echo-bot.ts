/** The smallest Bot: says back what it hears. Read this first. */
import type { AudioFrame } from './audio.js';
import type { Bot } from './bot.js';
import type { Call } from './call.js';
import { LiveLag } from './live-lag.js';

export class EchoBot implements Bot {
  readonly borrowsAudio = true;
  readonly #lag = new LiveLag();

  onAudio(frame: AudioFrame, call: Call): void {
    if (!this.#lag.canDrop(frame, call.audio)) call.audio.write(frame.samples);
  }
}
