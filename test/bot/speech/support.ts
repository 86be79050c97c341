/** What the tests of all speech services share: a caller's samples, a listener, a server made of a function, a key that must not be seen. */
import type { Recognition, Transcript } from '../../../src/bot/speech/speech-to-text.js';
import type { SpokenChunk } from '../../../src/bot/speech/text-to-speech.js';
import type { Logger } from '../../../src/log.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { SeededRandom } from '../../../src/testing/seeded-random.js';
import { FakeService } from '../wire/fake-service.js';

export const KEY = 'sk-0123456789-secret';

export interface Asked {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string | FormData;
}

export function services() {
  const clock = new ManualClock();
  const service = new FakeService();
  const logged: string[] = [];
  const log = (fields: object, message: string): void => void logged.push(message + JSON.stringify(fields));
  const logger: Logger = { debug: log, info: log, warn: log, error: log };
  const asked: Asked[] = [];
  let answer: (asked: Asked) => Response = () => new Response('', { status: 404 });
  const options = {
    apiKey: KEY,
    clock,
    random: new SeededRandom(1),
    logger,
    connect: service.connect,
    fetch: (async (url: string, init: RequestInit) => {
      const one = { url, headers: init.headers as Record<string, string>, body: init.body as string | FormData };
      asked.push(one);
      if (init.signal?.aborted === true) throw new Error('aborted');
      return answer(one);
    }) as typeof globalThis.fetch,
  };
  const answerWith = (how: typeof answer): void => {
    answer = how;
  };
  return { clock, service, logged, asked, options, answerWith };
}

/** All transcripts, and how it ended. */
export async function heard(recognition: Recognition): Promise<{ transcripts: Transcript[]; error?: Error }> {
  const transcripts: Transcript[] = [];
  try {
    for await (const transcript of recognition) transcripts.push(transcript);
    return { transcripts };
  } catch (error) {
    return { transcripts, error: error as Error };
  }
}

/** All of what was spoken, as samples. */
export async function spoken(
  chunks: AsyncIterable<SpokenChunk>,
): Promise<{ sampleRate: number; bytes: Buffer; words: unknown[]; error?: Error }> {
  const out = { sampleRate: 0, words: [] as unknown[] };
  const bytes: Uint8Array[] = [];
  try {
    for await (const chunk of chunks) {
      out.sampleRate = chunk.sampleRate;
      out.words.push(...(chunk.words ?? []));
      const { samples } = chunk;
      bytes.push(
        samples instanceof Int16Array ? new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength) : (samples as Uint8Array),
      );
    }
    return { ...out, bytes: Buffer.concat(bytes) };
  } catch (error) {
    return { ...out, bytes: Buffer.concat(bytes), error: error as Error };
  }
}

export const speech = (ms: number, sampleRate = 16_000): Int16Array =>
  Int16Array.from({ length: (ms * sampleRate) / 1000 }, (_, i) => Math.round(8000 * Math.sin(i / 7)));

export async function* pieces(...all: string[]): AsyncGenerator<string> {
  for (const piece of all) yield piece;
}
