// DTMF in INFO: `application/dtmf-relay` (Signal=5, Duration=160) and `application/dtmf` (the bare key), both older than any RFC, and one key an event
// whichever way, or both ways, it came.
import type { DtmfDigit } from '../codec/dtmf-keypad.js';

export type DtmfWay = 'telephone-event' | 'in-band' | 'info';

export interface RelayedDigit {
  readonly digit: DtmfDigit;
  /** 0 when it was not said. */
  readonly durationMs: number;
}

const RELAY = 'application/dtmf-relay';
const BARE = 'application/dtmf';

/** The bodies an INFO may bring, as an Accept header says them. */
export const RELAY_TYPES: readonly string[] = [RELAY, BARE];

/** Undefined when it is none. Events are numbers too: 10 is the star, 11 the hash (RFC 4733 §3.2). */
export function parseDtmfRelay(contentType: string, text: string): RelayedDigit | undefined {
  const type = contentType.split(';', 1)[0]!.trim().toLowerCase();
  if (text.length > 256) return undefined;
  if (type === BARE) return relayed(text.trim(), '');
  if (type !== RELAY) return undefined;
  const signal = /^[ \t]*signal[ \t]*[=:][ \t]*(\S{1,2})[ \t]*\r?$/im.exec(text)?.[1];
  const duration = /^[ \t]*duration[ \t]*[=:][ \t]*(\d{1,5})/im.exec(text)?.[1];
  return signal === undefined ? undefined : relayed(signal, duration ?? '');
}

export function writeDtmfRelay(digit: DtmfDigit, durationMs: number): { readonly contentType: string; readonly body: string } {
  return { contentType: RELAY, body: `Signal=${digit}\r\nDuration=${durationMs}\r\n` };
}

function relayed(signal: string, duration: string): RelayedDigit | undefined {
  const named: Readonly<Record<string, string>> = { '10': '*', '11': '#', '12': 'A', '13': 'B', '14': 'C', '15': 'D' };
  const digit = (named[signal] ?? signal).toUpperCase();
  return /^[0-9*#A-D]$/.test(digit) ? { digit: digit as DtmfDigit, durationMs: Number(duration) || 0 } : undefined;
}

/** Silence after which two presses cannot be one press that came twice. */
const QUIET_MS = 2000;

/**
 * Merges the ways: of each key, as many presses count as its most talkative way has brought. So a gateway that sends both RFC 4733 and INFO presses
 * once, and a key pressed twice in a hurry is still two.
 */
export class DtmfMerge {
  readonly #counts = new Map<string, Map<DtmfWay, number>>();
  #last = Number.NEGATIVE_INFINITY;

  /** True when this is a press that has not been told yet. */
  isNew(digit: DtmfDigit, way: DtmfWay, now: number): boolean {
    if (now - this.#last > QUIET_MS) this.#counts.clear();
    this.#last = now;
    const ways = this.#counts.get(digit) ?? new Map<DtmfWay, number>();
    this.#counts.set(digit, ways);
    const told = Math.max(0, ...ways.values());
    const count = (ways.get(way) ?? 0) + 1;
    ways.set(way, count);
    return count > told;
  }
}
