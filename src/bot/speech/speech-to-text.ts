/** Words out of the caller's speech: what a recogniser must be for `call.listen`, whatever service or machine is behind it. */

export interface SpeechToText {
  /** Opens one recognition, for one stretch of listening. What the service cannot do rejects or ends the iteration with the error, never throws here. */
  recognise(options: RecognitionOptions): Recognition;
}

export interface RecognitionOptions {
  /** Of what `write` will bring. The adapter resamples when its service wants another. */
  readonly sampleRate: number;
  /** BCP 47. @default the adapter's own */
  readonly language?: string;
  /** Words and phrases to expect; a small grammar for those who know no more. */
  readonly phrases?: readonly string[];
  /** Closes it, as `close` does. */
  readonly signal?: AbortSignal;
}

/** Transcripts as they come: interim ones replace each other, a final one stays. Ends after `close`, and after `end` once the last final is out. */
export interface Recognition extends AsyncIterable<Transcript> {
  /** The caller's next samples. Takes them at once and keeps none of the array; what a slow service leaves lying is bounded, and the oldest dropped. */
  write(samples: Int16Array): void;
  /** The caller has stopped speaking: say what was said, now. More may be written afterwards. */
  endUtterance(): void;
  /** No more will be written. */
  end(): void;
  /** Nobody wants to know any more. Idempotent. */
  close(): void;
}

export interface Transcript {
  readonly text: string;
  /** False: a guess, replaced by the next transcript. */
  readonly isFinal: boolean;
  /** 0 to 1. */
  readonly confidence?: number;
  /** The recogniser's own ear says that the caller's turn is over. */
  readonly isEndOfTurn?: boolean;
}
