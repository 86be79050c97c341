/** One `call.say`: a text on its way to the caller, with what is heard while the voice still thinks, and in the end what was heard of it. */
import type { Clock, Timer } from '../../clock.js';
import type { CallAudio } from '../audio.js';
import type { PlayOptions } from '../player.js';
import type { Playout, PlayoutResult } from '../playout.js';
import type { SoundSource } from '../sound.js';
import type { SpokenText } from './spoken.js';

export interface Filler {
  readonly sound: SoundSource;
  /** How long the caller waits before it is heard. @default 800 */
  readonly afterMs?: number;
  /** @default 1 */
  readonly gain?: number;
}

export interface Said extends PlayoutResult {
  /** All that was given to the voice. */
  readonly text: string;
  /** Of it, what was sent: to the word where the voice tells of words, else by proportion. */
  readonly heard: string;
}

export interface SayingHost {
  readonly clock: Clock;
  readonly audio: CallAudio;
  play(source: SoundSource, options?: PlayOptions): Playout;
  /** The first audio of it has left. */
  onSounded(): void;
}

export class Saying {
  /** Rejects only when the voice fails before anything was heard of it. */
  readonly done: Promise<Said>;
  readonly isBargeable: boolean;
  readonly #host: SayingHost;
  readonly #spoken: SpokenText;
  #playout: Playout | undefined;
  #filler: Playout | undefined;
  #timer: Timer | undefined;
  #isStopped = false;

  /** @internal: `call.say` makes them. `before` is the saying in front of this one: its sound must be queued first. */
  constructor(
    host: SayingHost,
    spoken: SpokenText,
    options: { readonly isBargeable: boolean; readonly filler: Filler | undefined; readonly before: Promise<unknown> },
  ) {
    this.#host = host;
    this.#spoken = spoken;
    this.isBargeable = options.isBargeable;
    if (options.filler !== undefined) this.#fillAfter(options.filler, options.filler.afterMs ?? 800);
    this.queued = this.#queue(options.before);
    this.done = this.queued.then(() => this.#finish());
    this.done.catch(() => {});
  }

  /** @internal: resolves when its place in the queue is taken. */
  readonly queued: Promise<void>;

  get isSounding(): boolean {
    return this.#playout?.state === 'playing';
  }

  /** Stops it at once, whatever is left of it. */
  interrupt(): { readonly playedMs: number; readonly heard: string } {
    this.#isStopped = true;
    const playedMs = this.#playout?.interrupt().playedMs ?? 0;
    this.#stopFilling();
    this.#spoken.cancel();
    return { playedMs, heard: this.#spoken.heard(playedMs) };
  }

  /** @internal: the call is over. */
  cancel(): void {
    this.#stopFilling();
    this.#spoken.cancel();
  }

  async #queue(before: Promise<unknown>): Promise<void> {
    try {
      await this.#spoken.begun;
      await before;
    } finally {
      this.#stopFilling();
    }
    if (this.#isStopped) return;
    const playout = this.#host.play(this.#spoken);
    playout.onSounded = this.#onSounded;
    this.#playout = playout;
  }

  async #finish(): Promise<Said> {
    const spoken = this.#spoken;
    const result = (await this.#playout?.done) ?? { outcome: 'interrupted' as const, playedMs: 0 };
    spoken.cancel();
    return { ...result, text: spoken.text, heard: spoken.heard(result.playedMs) };
  }

  readonly #onSounded = (): void => this.#host.onSounded();

  #fillAfter(filler: Filler, ms: number): void {
    const { clock, audio } = this.#host;
    this.#timer = clock.at(clock.now() + ms, () => {
      // What was said before is still being heard: there is no gap to fill yet.
      if (audio.queuedMs > 0) this.#fillAfter(filler, audio.queuedMs + (filler.afterMs ?? 800));
      else this.#filler = this.#host.play(filler.sound, { loop: true, gain: filler.gain ?? 1 });
    });
  }

  #stopFilling(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#filler?.interrupt();
    this.#filler = undefined;
  }
}
