/**
 * How far what is passed on live lies behind: sound that was late once would be late for the rest of the call. What has always been waiting, for two
 * seconds, can go, and goes a frame at a time where nobody speaks, so that nobody hears it go.
 */
import { levelDbov } from '../codec/level.js';
import type { AudioFrame, CallAudio } from './audio.js';

const WATCH_FRAMES = 100;
const QUIET_DBOV = -50;
const MUCH_MS = 1_000_000;

export class LiveLag {
  #frames = 0;
  /** The least that waited, of all frames watched. Packets of 60 ms leave 40 ms waiting, and then none. */
  #leastMs = MUCH_MS;
  #spareMs = 0;

  /** Before `frame` is written: whether it should rather not be. */
  canDrop(frame: AudioFrame, audio: CallAudio): boolean {
    this.#leastMs = Math.min(this.#leastMs, Math.floor(audio.queuedMs));
    if (++this.#frames === WATCH_FRAMES) {
      this.#spareMs = this.#leastMs;
      this.#frames = 0;
      this.#leastMs = MUCH_MS;
    }
    if (this.#spareMs < audio.frameMs || levelDbov(frame.samples) > QUIET_DBOV) return false;
    this.#spareMs -= audio.frameMs;
    // What is watched from here on lies so much nearer.
    this.#frames = 0;
    this.#leastMs = MUCH_MS;
    return true;
  }
}
