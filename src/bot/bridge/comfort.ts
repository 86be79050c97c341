/** What a caller hears while the platform is away: first silence, then a soft sign of life, never a broken piece of speech. */
import type { Clock, Timer } from '../../clock.js';
import type { Tone } from '../../codec/tones.js';
import type { Call } from '../call.js';
import type { Playout } from '../playout.js';
import type { SoundSource } from '../sound.js';

/** Two soft notes every three seconds. */
export const comfortTone: Tone = {
  parts: [
    { ms: 120, components: [{ hz: 440, dbm0: -30 }] },
    { ms: 80, components: [] },
    { ms: 120, components: [{ hz: 550, dbm0: -30 }] },
    { ms: 2680, components: [] },
  ],
  repeat: 'forever',
};

export class Comfort {
  readonly #call: Call;
  readonly #clock: Clock;
  readonly #sound: SoundSource | false;
  readonly #afterMs: number;
  #timer: Timer | undefined;
  #playout: Playout | undefined;

  constructor(call: Call, clock: Clock, sound: SoundSource | false, afterMs: number) {
    this.#call = call;
    this.#clock = clock;
    this.#sound = sound;
    this.#afterMs = afterMs;
  }

  /** Nobody is there: begins after a while, and not before what was said has been heard. */
  begin(): void {
    const sound = this.#sound;
    if (sound === false || this.#timer !== undefined || this.#playout !== undefined) return;
    this.#timer = this.#clock.at(this.#clock.now() + this.#afterMs + this.#call.audio.queuedMs, () => {
      this.#timer = undefined;
      this.#playout = this.#call.play(sound, { mode: 'mix', loop: true });
    });
  }

  end(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#playout?.interrupt();
    this.#playout = undefined;
  }
}
