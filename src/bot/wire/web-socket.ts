/** A MessageWire over WebSocket (RFC 6455), by way of `ws`, which is loaded with the first. The one place where bridges and adapters open one. */
import type { WebSocket } from 'ws';
import { OptionError } from '../../errors.js';
import { given } from '../../session/given.js';
import { lostCode, type MessageWire, type WireClosed, type WireEvents, type WireTarget } from './message-wire.js';

const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
const TIMEOUT_MS = 10_000;
/** What an HTTP server adds to its refusal is of interest to whoever reads the log, up to here. */
const MAX_REASON = 200;
/** `WebSocket.OPEN`. */
const OPEN = 1;

export function checkSocketUrl(option: string, url: string): string {
  if (URL.canParse(url) && /^wss?:$/.test(new URL(url).protocol)) return url;
  throw new OptionError(option, 'must be a ws:// or wss:// URL');
}

class SocketWire implements MessageWire {
  #ws: WebSocket | undefined;
  readonly #events: WireEvents;
  #why: WireClosed | undefined;
  #isClosed = false;

  constructor(target: WireTarget, events: WireEvents) {
    this.#events = events;
    import('ws').then((loaded) => this.#connect(loaded, target)).catch((error: Error) => this.#fail(error));
  }

  #connect({ WebSocket }: Pick<typeof import('ws'), 'WebSocket'>, target: WireTarget): void {
    // Given up before there was anything to give up.
    if (this.#isClosed) return;
    const events = this.#events;
    const ws = new WebSocket(target.url, [...(target.protocols ?? [])], {
      handshakeTimeout: target.timeoutMs ?? TIMEOUT_MS,
      maxPayload: target.maxMessageBytes ?? MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
      followRedirects: false,
      ...given({ headers: target.headers === undefined ? undefined : { ...target.headers } }),
    });
    this.#ws = ws;
    ws.on('open', () => events.onOpen());
    ws.on('message', (data, isBinary) => events.onMessage(isBinary ? (data as Buffer) : (data as Buffer).toString('utf8')));
    ws.on('pong', () => events.onPong?.());
    ws.on('unexpected-response', (request, response) => {
      this.#why = {
        code: response.statusCode ?? lostCode,
        reason: `refused with ${response.statusCode} ${response.statusMessage ?? ''}`.trim(),
      };
      response.resume();
      request.destroy();
      this.#close(this.#why);
    });
    ws.on('error', (error) => {
      this.#why ??= { code: lostCode, reason: error.message.slice(0, MAX_REASON) };
    });
    ws.on('close', (code, reason) => this.#close(this.#why ?? { code, reason: reason.toString('utf8') }));
  }

  #fail(error: Error): void {
    this.#close({ code: lostCode, reason: error.message.slice(0, MAX_REASON) });
  }

  get queuedBytes(): number {
    return this.#ws?.bufferedAmount ?? 0;
  }

  send(message: string | Uint8Array): void {
    if (this.#ws?.readyState === OPEN) this.#ws.send(message, ignored);
  }

  ping(): void {
    if (this.#ws?.readyState === OPEN) this.#ws.ping(undefined, undefined, ignored);
  }

  pause(): void {
    if (this.#ws?.readyState === OPEN) this.#ws.pause();
  }

  resume(): void {
    if (this.#ws?.readyState === OPEN) this.#ws.resume();
  }

  close(code = 1000): void {
    this.resume();
    if (this.#ws === undefined) this.#leave();
    else this.#ws.close(code);
  }

  destroy(): void {
    if (this.#ws === undefined) this.#leave();
    else this.#ws.terminate();
  }

  /** Before it was begun; told in a turn of its own, as an end always is. */
  #leave(): void {
    queueMicrotask(() => this.#fail(new Error('closed before it was connected')));
  }

  #close(closed: WireClosed): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#events.onClose(closed);
  }
}

/** A send that fails is a connection that closes, and that is told. */
const ignored = (): void => {};

export function openWebSocket(target: WireTarget, events: WireEvents): MessageWire {
  return new SocketWire(target, events);
}
