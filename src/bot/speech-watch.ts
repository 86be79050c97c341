/** Passes on what the ears of a call hear, while somebody listens to it. */
import type { Ears } from './turns/ears.js';
import type { Utterance } from './turns/utterance.js';

export interface SpeechEvents {
  /** `timeMs`: media time, as in AudioFrame. */
  onStart(timeMs: number): void;
  onEnd(utterance: Utterance): void;
  onSilence(durationMs: number): void;
}

export class SpeechWatch {
  readonly #events: SpeechEvents;
  #stop: (() => void) | undefined;

  constructor(events: SpeechEvents) {
    this.#events = events;
  }

  start(ears: Ears): void {
    if (this.#stop !== undefined) return;
    const onStart = (timeMs: number): void => this.#events.onStart(timeMs);
    const onEnd = (utterance: Utterance): void => this.#events.onEnd(utterance);
    const onSilence = (durationMs: number): void => this.#events.onSilence(durationMs);
    ears.on('start', onStart).on('end', onEnd).on('silence', onSilence);
    const close = ears.open();
    this.#stop = () => {
      ears.off('start', onStart).off('end', onEnd).off('silence', onSilence);
      close();
    };
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }
}
