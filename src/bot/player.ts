/** `call.play`: sounds queued behind what was written, instead of it, or mixed under it; stopped by what the caller does. */
import { OptionError } from '../errors.js';
import type { Logger } from '../log.js';
import type { CallAudio } from './audio.js';
import { PlayLane } from './play-lane.js';
import { type Interruption, type PlayMode, Playout } from './playout.js';
import { RingMarks } from './ring-marks.js';
import { openSound, type SoundOptions, type SoundSource } from './sound.js';

export type { SoundSource };

export interface PlayOptions extends SoundOptions {
  /** Behind what is queued; instead of it; or mixed under it. @default 'queue' */
  readonly mode?: PlayMode;
  /** Again and again, or so many times. @default false */
  readonly loop?: boolean | number;
  /** Linear: 0.5 is 6 dB softer. @default 1 */
  readonly gain?: number;
  /** What the caller does that ends it. @default [] */
  readonly interruptOn?: readonly Interruption[];
}

export interface PlayerHost {
  readonly logger: Logger;
  /** Each calls back until the returned function is called. */
  onDtmf(listener: () => void): () => void;
  onSpeech(listener: () => void): () => void;
}

const MODES: readonly PlayMode[] = ['queue', 'replace', 'mix'];
const INTERRUPTIONS: readonly Interruption[] = ['dtmf', 'speech'];

export class Player {
  readonly #audio: CallAudio;
  readonly #host: PlayerHost;
  /** Mixed under what is said. */
  readonly #background: PlayLane;
  #isEnded = false;

  constructor(audio: CallAudio, host: PlayerHost) {
    this.#audio = audio;
    this.#host = host;
    this.#background = new PlayLane(audio.sampleRate);
  }

  play(source: SoundSource, options: PlayOptions = {}): Playout {
    const mode = oneOf('mode', options.mode ?? 'queue', MODES);
    const interruptOn = (options.interruptOn ?? []).map((what) => oneOf('interruptOn', what, INTERRUPTIONS));
    const gain = options.gain ?? 1;
    if (!(gain >= 0 && gain <= 100)) throw new OptionError('gain', 'must be a number from 0 to 100');
    const times = timesOf(options.loop);
    const lane = mode === 'mix' ? this.#background : this.#audio.lane;
    const playout = new Playout(mode, interruptOn, (one) => lane.interrupt(one));
    if (this.#isEnded) {
      playout.finish('ended', 0);
      return playout;
    }
    const sound = openSound(source, this.#audio.sampleRate, options);
    if (mode === 'replace') this.#audio.clear();
    lane.add({ playout, sound, gain, times });
    if (mode === 'mix') this.attach();
    this.#listenFor(playout);
    playout.done.catch((error: unknown) => this.#host.logger.warn({ error: String(error) }, 'a sound could not be played'));
    return playout;
  }

  /** There is media. The background ring is memory that few calls need: it is touched only when something is to be mixed. */
  attach(): void {
    const line = this.#audio.line;
    if (line !== undefined && this.#background.isBusy) {
      const ring = line.background;
      this.#background.start(ring, () => new RingMarks(ring));
    }
  }

  end(): void {
    this.#isEnded = true;
    this.#background.clear('ended', () => {});
  }

  #listenFor(playout: Playout): void {
    const stop: (() => void)[] = [];
    const interrupt = (): void => void playout.interrupt();
    if (playout.interruptOn.includes('dtmf')) stop.push(this.#host.onDtmf(interrupt));
    if (playout.interruptOn.includes('speech')) stop.push(this.#host.onSpeech(interrupt));
    if (stop.length === 0) return;
    const quit = (): void => {
      for (const one of stop) one();
    };
    playout.done.then(quit, quit);
  }
}

function timesOf(loop: boolean | number | undefined): number {
  if (loop === undefined || loop === false) return 1;
  if (loop === true) return Number.POSITIVE_INFINITY;
  if (Number.isInteger(loop) && loop >= 1) return loop;
  throw new OptionError('loop', 'must be true, false or a whole number from 1');
}

function oneOf<T>(path: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value;
  throw new OptionError(path, `must be one of ${allowed.join(', ')}`);
}
