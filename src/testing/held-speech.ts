/** Speech that takes real time (threads, services), made fit for a turned clock: it stands still while they work, so to the call they take none. */
import type { Recognition, RecognitionOptions, SpeechToText, Transcript } from '../bot/speech/speech-to-text.js';
import type { SpeakOptions, SpokenChunk, TextToSpeech } from '../bot/speech/text-to-speech.js';
import type { TestClock } from './test-caller.js';

export interface HeldSpeech {
  readonly voice?: TextToSpeech;
  readonly recogniser?: SpeechToText;
}

/** The same voice and recogniser; with a clock of real time, themselves. */
export function heldSpeech<T extends HeldSpeech>(clock: TestClock, speech: T): T {
  if (clock.hold === undefined) return speech;
  const { voice, recogniser } = speech;
  return {
    ...speech,
    ...(voice === undefined ? {} : { voice: new HeldVoice(clock, voice) }),
    ...(recogniser === undefined ? {} : { recogniser: new HeldRecogniser(clock, recogniser) }),
  };
}

class HeldVoice implements TextToSpeech {
  readonly #clock: TestClock;
  readonly #voice: TextToSpeech;

  constructor(clock: TestClock, voice: TextToSpeech) {
    this.#clock = clock;
    this.#voice = voice;
  }

  async *speak(text: string | AsyncIterable<string>, options: SpeakOptions): AsyncGenerator<SpokenChunk> {
    // Who is still writing may wait for the clock itself.
    if (typeof text !== 'string') {
      yield* this.#voice.speak(text, options);
      return;
    }
    const chunks = this.#voice.speak(text, options)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = chunks.next();
        this.#clock.hold?.(next);
        const { done, value } = await next;
        if (done === true) return;
        yield value;
      }
    } finally {
      await chunks.return?.();
    }
  }
}

class HeldRecogniser implements SpeechToText {
  readonly #clock: TestClock;
  readonly #recogniser: SpeechToText;

  constructor(clock: TestClock, recogniser: SpeechToText) {
    this.#clock = clock;
    this.#recogniser = recogniser;
  }

  recognise(options: RecognitionOptions): Recognition {
    return new HeldRecognition(this.#clock, this.#recogniser.recognise(options));
  }
}

/** Between the end of an utterance and its words the clock stands still. */
class HeldRecognition implements Recognition {
  readonly #clock: TestClock;
  readonly #recognition: Recognition;
  readonly #holding: (() => void)[] = [];

  constructor(clock: TestClock, recognition: Recognition) {
    this.#clock = clock;
    this.#recognition = recognition;
  }

  write(samples: Int16Array): void {
    this.#recognition.write(samples);
  }

  endUtterance(): void {
    this.#clock.hold?.(
      new Promise<void>((resolve) => {
        this.#holding.push(resolve);
      }),
    );
    this.#recognition.endUtterance();
  }

  end(): void {
    this.#recognition.end();
  }

  close(): void {
    this.#release();
    this.#recognition.close();
  }

  #release(): void {
    for (const release of this.#holding.splice(0)) release();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Transcript> {
    try {
      for await (const transcript of this.#recognition) {
        if (transcript.isFinal) this.#holding.shift()?.();
        yield transcript;
      }
    } finally {
      this.#release();
    }
  }
}
