/** Speech out of words: what a voice must be for `call.say`, whatever service or machine is behind it. */
import type { PcmChunk } from '../pcm-input.js';

export interface TextToSpeech {
  /**
   * Speaks a text, or one that is still being written (a language model's), and hands it out as it is made. Nothing is asked of the service
   * before the first `next`; leaving the loop, or `signal`, stops it there.
   */
  speak(text: string | AsyncIterable<string>, options: SpeakOptions): AsyncIterable<SpokenChunk>;
}

export interface SpeakOptions {
  /** The call's: what it would be best to get. The voice may answer at another. */
  readonly sampleRate: number;
  /** BCP 47. @default the adapter's own */
  readonly language?: string;
  readonly signal?: AbortSignal;
}

export interface SpokenChunk {
  /** Int16Array, or bytes of little-endian 16-bit PCM cut anywhere. */
  readonly samples: PcmChunk;
  /** Any, the same in all chunks of one text. */
  readonly sampleRate: number;
  /** Words that begin in or after this chunk, or were cut by its beginning, where the voice can tell; in order, each once. */
  readonly words?: readonly WordMark[];
}

export interface WordMark {
  /** As it was written in the text. */
  readonly text: string;
  /** From the beginning of the speech. */
  readonly atMs: number;
}
