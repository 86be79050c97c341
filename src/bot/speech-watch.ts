/** Says when the caller begins and stops speaking; runs only while somebody listens. What was concealed, silent or a key is no speech. */
import { VoiceActivity, type VoiceDetector } from '../codec/voice-activity.js';
import type { AudioFrame, CallAudio } from './audio.js';

export interface SpeechEvents {
  /** `timeMs`: media time, as in AudioFrame. */
  onStart(timeMs: number): void;
  onEnd(timeMs: number, durationMs: number): void;
}

export class SpeechWatch {
  readonly #audio: CallAudio;
  readonly #events: SpeechEvents;
  readonly #detector: VoiceDetector;
  readonly #listener = (frame: AudioFrame): void => this.#hear(frame);
  readonly #silence: Int16Array;
  #startedAt: number | undefined;
  #isRunning = false;

  constructor(audio: CallAudio, events: SpeechEvents) {
    this.#audio = audio;
    this.#events = events;
    this.#detector = new VoiceActivity({ sampleRate: audio.sampleRate });
    this.#silence = new Int16Array((audio.sampleRate / 1000) * audio.frameMs);
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#audio.on('frame', this.#listener, { borrow: true });
  }

  stop(): void {
    this.#isRunning = false;
    this.#audio.off('frame', this.#listener);
    this.#detector.reset();
    this.#startedAt = undefined;
  }

  #hear(frame: AudioFrame): void {
    const samples = frame.source === 'heard' ? frame.samples : this.#silence;
    const isSpeech = this.#detector.process(samples, samples.length);
    const endMs = frame.timeMs + (samples.length * 1000) / this.#audio.sampleRate;
    if (isSpeech && this.#startedAt === undefined) {
      this.#startedAt = frame.timeMs;
      this.#events.onStart(frame.timeMs);
    } else if (!isSpeech && this.#startedAt !== undefined) {
      const startedAt = this.#startedAt;
      this.#startedAt = undefined;
      this.#events.onEnd(endMs, endMs - startedAt);
    }
  }
}
