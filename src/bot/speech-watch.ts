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
  #ears: Ears | undefined;
  #close: (() => void) | undefined;

  constructor(events: SpeechEvents) {
    this.#events = events;
  }

  start(ears: Ears): void {
    if (this.#ears !== undefined) return;
    this.#ears = ears.on('start', this.#onStart).on('end', this.#onEnd).on('silence', this.#onSilence);
    this.#close = ears.open();
  }

  stop(): void {
    this.#ears?.off('start', this.#onStart).off('end', this.#onEnd).off('silence', this.#onSilence);
    this.#ears = undefined;
    this.#close?.();
    this.#close = undefined;
  }

  readonly #onStart = (timeMs: number): void => this.#events.onStart(timeMs);
  readonly #onEnd = (utterance: Utterance): void => this.#events.onEnd(utterance);
  readonly #onSilence = (durationMs: number): void => this.#events.onSilence(durationMs);
}
