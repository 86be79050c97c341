/** The smallest Bot: says back what it hears. Read this first. */
import type { AudioFrame } from './audio.js';
import type { Bot } from './bot.js';
import type { Call } from './call.js';

export class EchoBot implements Bot {
  readonly borrowsAudio = true;

  onAudio(frame: AudioFrame, call: Call): void {
    call.audio.write(frame.samples);
  }
}
