/** Requests to speech services, by the platform's `fetch`: tried again where that helps, and errors that say what happened without repeating what was sent. */
import type { Clock } from '../../clock.js';
import { SipBotError } from '../../errors.js';
import { asJson, type Json } from './json.js';
import { hostOf } from './message-wire.js';

export type Fetch = typeof globalThis.fetch;

export interface HttpOptions {
  readonly clock: Clock;
  readonly fetch?: Fetch;
  /** Until the answer begins, and then for each piece of it. @default 15000 */
  readonly timeoutMs?: number;
}

export interface HttpRequest {
  readonly service: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | FormData;
  readonly signal?: AbortSignal;
}

const TIMEOUT_MS = 15_000;
const PAUSES_MS = [200, 800];
const MAX_JSON_BYTES = 32 * 1024 * 1024;

/** The answer's bytes as they come, after it was a good one. Leaving the loop stops it there. */
export async function* post(request: HttpRequest, options: HttpOptions): AsyncGenerator<Uint8Array> {
  const { clock, timeoutMs = TIMEOUT_MS } = options;
  const abort = new AbortController();
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  const stop = (): void => {
    abort.abort();
    reader?.cancel().catch(() => {});
  };
  request.signal?.addEventListener('abort', stop, { once: true });
  if (request.signal?.aborted === true) stop();
  let patience = clock.at(clock.now() + timeoutMs, stop);
  const wait = (): void => {
    patience.cancel();
    patience = clock.at(clock.now() + timeoutMs, stop);
  };
  try {
    const response = await answered(request, options, abort.signal, wait);
    if (response.body === null) return;
    reader = response.body.getReader();
    for (;;) {
      wait();
      const { done, value } = await reader.read();
      // How long the listener takes is no time of the service's.
      patience.cancel();
      if (abort.signal.aborted) throw new Error('aborted');
      if (done) return;
      yield value;
    }
  } catch (error) {
    if (request.signal?.aborted === true) return;
    throw error instanceof SipBotError
      ? error
      : failed(request, abort.signal.aborted ? `nothing came for ${timeoutMs} ms` : (error as Error).message, error);
  } finally {
    patience.cancel();
    request.signal?.removeEventListener('abort', stop);
    stop();
  }
}

/** A whole answer, as JSON; undefined when `signal` stopped it. */
export async function postForJson(request: HttpRequest, options: HttpOptions): Promise<Json | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of post(request, options)) {
    length += chunk.length;
    if (length > MAX_JSON_BYTES) throw failed(request, 'its answer is too long');
    chunks.push(chunk);
  }
  if (request.signal?.aborted === true) return undefined;
  try {
    const json = asJson(JSON.parse(Buffer.concat(chunks).toString('utf8')));
    if (json !== undefined) return json;
  } catch {
    // Told below.
  }
  throw failed(request, 'its answer is no JSON object');
}

async function answered(request: HttpRequest, options: HttpOptions, signal: AbortSignal, wait: () => void): Promise<Response> {
  const { fetch = globalThis.fetch } = options;
  const { url, headers, body } = request;
  for (let attempt = 0; ; attempt++) {
    wait();
    const pause = PAUSES_MS[attempt];
    try {
      const response = await fetch(url, { method: 'POST', headers, body, signal, redirect: 'error' });
      if (response.ok) return response;
      await response.body?.cancel();
      if (pause === undefined || !isPassing(response.status)) throw failed(request, `it answered ${response.status}`);
    } catch (error) {
      if (pause === undefined || signal.aborted || error instanceof SipBotError) throw error;
    }
    await pauseFor(options.clock, pause!, signal);
  }
}

function isPassing(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

function pauseFor(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.at(clock.now() + ms, resolve);
    signal.addEventListener(
      'abort',
      () => {
        timer.cancel();
        resolve();
      },
      { once: true },
    );
  });
}

/** Never the answer's body: services repeat keys in it. */
function failed({ service, url }: HttpRequest, why: string, cause?: unknown): SipBotError {
  return new SipBotError('ERR_SERVICE', `${service} at ${hostOf(url)} failed: ${why}`, cause === undefined ? {} : { cause });
}
