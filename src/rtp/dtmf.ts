/** The keys of a telephone as events 0 to 15: RFC 4733 §3.2, Table 3; and the four bytes that carry them, §2.3. */

import type { DtmfDigit } from '../codec/dtmf-keypad.js';

const DIGITS: readonly DtmfDigit[] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '*', '#', 'A', 'B', 'C', 'D'];

/** The key of an event; undefined for the other events there are. */
export function digitOfEvent(event: number): DtmfDigit | undefined {
  return DIGITS[event];
}

/** The event of a key, in either case; -1 when it is none. */
export function eventOfDigit(key: string): number {
  return (DIGITS as readonly string[]).indexOf(key.toUpperCase());
}

/**
 * ```
 *  0                   1                   2                   3
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |     event     |E|R| volume    |          duration             |
 * ```
 */
export const EVENT_BYTES = 4;
/** The longest duration that can be said: longer events go in segments (§2.5.1.3). */
export const LONGEST_SEGMENT = 0xffff;
