/** `call.answeredBy`: listens to an outbound call, from its early media on, until it is known who answered, and for a machine's beep. */
import type { AudioFrame, CallAudio } from '../audio.js';
import { AnswerDetector, type Answered, type AnswerOptions } from './answer-detector.js';

export interface AnswerListener extends Promise<Answered> {
  /** Resolves behind the beep of a machine: true, or false when none came in time or the call ended. */
  readonly beep: Promise<boolean>;
}

export interface AnsweringHost {
  readonly audio: CallAudio;
  readonly isAnswered: boolean;
  readonly isEnded: boolean;
  onAnswered(listener: () => void): () => void;
  onEnded(listener: () => void): () => void;
}

export function listenForAnswer(host: AnsweringHost, options: AnswerOptions): AnswerListener {
  const detector = new AnswerDetector(host.audio.sampleRate, options);
  let stop: () => void = () => {};
  let tellBeep: (heard: boolean) => void = () => {};
  const beep = new Promise<boolean>((resolve) => {
    tellBeep = resolve;
  });
  const verdict = new Promise<Answered>((resolve) => {
    const onFrame = (frame: AudioFrame): void => {
      detector.process(frame.samples);
      if (detector.verdict !== undefined) resolve(detector.verdict);
      if (detector.isOver) finish();
    };
    const finish = (): void => {
      stop();
      resolve(detector.end());
      tellBeep(detector.hasBeeped);
    };
    const quit = [host.onAnswered(() => detector.answered()), host.onEnded(finish)];
    stop = () => {
      for (const one of quit) one();
      host.audio.off('frame', onFrame);
    };
    if (host.isAnswered) detector.answered();
    host.audio.on('frame', onFrame, { borrow: true });
    if (host.isEnded) finish();
  });
  return Object.assign(verdict, { beep });
}
