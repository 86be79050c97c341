/** Speech from a service that takes whole texts by HTTP and streams the sound of them. */
import { type HttpRequest, post } from '../wire/http.js';
import type { Service } from './service.js';
import type { SpeakOptions, SpokenChunk } from './text-to-speech.js';

/** A text that is still being written is waited for: `call.say` cuts it into sentences before it comes here. */
export async function wholeText(text: string | AsyncIterable<string>): Promise<string> {
  if (typeof text === 'string') return text;
  let whole = '';
  for await (const piece of text) whole += piece;
  return whole;
}

export async function* speakOverHttp(
  service: Service,
  request: Omit<HttpRequest, 'service' | 'signal'>,
  sampleRate: number,
  { signal }: SpeakOptions,
): AsyncGenerator<SpokenChunk> {
  for await (const samples of post({ ...request, service: service.name, ...(signal && { signal }) }, service))
    yield { samples, sampleRate };
}
