/**
 * How far what is passed on live lies behind: sound that was late once would be late for the rest of the call. What has always been waiting, for two
 * seconds, can go, and goes a frame at a time where nobody speaks, so that nobody hears it go.
 */
import { levelDbov } from '../codec/level.js';

const WATCH_FRAMES = 100;
const QUIET_DBOV = -50;
const MUCH_MS = 1_000_000;

export class LiveLag {
  #frames = 0;
  /** The least that waited, of all frames watched. Packets of 60 ms leave 40 ms waiting, and then none. */
  #leastMs = MUCH_MS;
  #spareMs = 0;

  /** Before a frame of so many milliseconds is written behind those that wait: whether it should rather not be. */
  canDrop(frame: Int16Array, frameMs: number, queuedMs: number): boolean {
    this.#leastMs = Math.min(this.#leastMs, Math.floor(queuedMs));
    if (++this.#frames === WATCH_FRAMES) {
      this.#spareMs = this.#leastMs;
      this.#frames = 0;
      this.#leastMs = MUCH_MS;
    }
    if (this.#spareMs < frameMs || levelDbov(frame) > QUIET_DBOV) return false;
    this.#spareMs -= frameMs;
    // What is watched from here on lies so much nearer.
    this.#frames = 0;
    this.#leastMs = MUCH_MS;
    return true;
  }
}
