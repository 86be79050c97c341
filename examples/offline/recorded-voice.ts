/** The voice of last resort: recordings in a folder, one for each sentence it knows, else one for each word; what was never recorded is a beep. */
import { readFile } from 'node:fs/promises';
import type { SpokenChunk, TextToSpeech } from 'sipbot';
import { readWav } from 'sipbot/codec';

const BEEP_MS = 120;

export class RecordedVoice implements TextToSpeech {
  readonly #folder: URL;

  /** Of WAV files named as `fileOf` says. */
  constructor(folder: URL) {
    this.#folder = folder;
  }

  async *speak(text: string | AsyncIterable<string>): AsyncGenerator<SpokenChunk> {
    for await (const sentence of typeof text === 'string' ? [text] : text) {
      const whole = await this.#recording(sentence);
      if (whole !== undefined) yield whole;
      else for (const word of sentence.split(/\s+/).filter((one) => fileOf(one) !== '.wav')) yield (await this.#recording(word)) ?? beep();
    }
  }

  async #recording(text: string): Promise<SpokenChunk | undefined> {
    try {
      const { samples, sampleRate } = readWav(await readFile(new URL(fileOf(text), this.#folder)));
      return { samples, sampleRate };
    } catch {
      return undefined;
    }
  }
}

/** 'Good morning!' → 'good-morning.wav' */
export function fileOf(text: string): string {
  const words = text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return `${words.join('-').slice(0, 80)}.wav`;
}

function beep(): SpokenChunk {
  const sampleRate = 8000;
  const samples = Int16Array.from(
    { length: (BEEP_MS * sampleRate) / 1000 },
    (_, i) => 4000 * Math.sin((2 * Math.PI * 660 * i) / sampleRate),
  );
  return { samples, sampleRate };
}
