/** A connection to somebody's service, as bridges and speech adapters see it: messages both ways, and how it ended. WebSockets, and what is like them. */

export type Message = string | Uint8Array;

export interface WireClosed {
  /** RFC 6455 §7.4; 1006 when it was lost, or never came to be. Below 1000: the HTTP status with which the handshake was refused. */
  readonly code: number;
  /** The far end's own words, or the system's. */
  readonly reason: string;
}

export interface WireEvents {
  onOpen(): void;
  onMessage(message: Message): void;
  /** The answer to a ping: all that was sent before it has been read. */
  onPong?(): void;
  /** Exactly once, and the last, whether it ever opened or not. */
  onClose(closed: WireClosed): void;
}

export interface MessageWire {
  /** Text or bytes, taken at once; nothing happens when it is not open. The bytes are the wire's from then on. */
  send(message: Message): void;
  /** Taken, and not yet handed to the system. */
  readonly queuedBytes: number;
  ping(): void;
  /** Reads no more until `resume`: the far end learns to wait. */
  pause(): void;
  resume(): void;
  /** Says good-bye, and waits for the far end a while. */
  close(code?: number): void;
  /** Is gone at once. */
  destroy(): void;
}

/** Begins to connect. No event comes before it has returned. */
export type WireOpener = (target: WireTarget, events: WireEvents) => MessageWire;

export interface WireTarget {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocols?: readonly string[];
  /** How long the handshake may take. @default 10000 */
  readonly timeoutMs?: number;
  /** A longer message closes the wire. @default 16 MiB */
  readonly maxMessageBytes?: number;
}

export const lostCode = 1006;
export const refusedCode = 1008;

/** The far end has finished, or will never have us: calling again would change nothing. */
export function isFinal({ code }: WireClosed): boolean {
  if (code < 1000) return code >= 400 && code < 500 && code !== 408 && code !== 425 && code !== 429;
  return code === 1000 || code === 1005 || code === refusedCode;
}

/** Where it leads, for logs: neither user, path nor query, where keys are found. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : 'an address that is no URL';
}

const MAX_WORDS = 300;

/** The far end's words, for a log or an error: services repeat keys in their refusals, and a key is a long word with digits in it. */
export function withoutKeys(words: string): string {
  return words.slice(0, MAX_WORDS).replace(/(?=[\w+/=.~-]*\d)[\w+/=.~-]{20,}/g, '…');
}
