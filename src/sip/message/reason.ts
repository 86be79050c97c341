/** Reason, RFC 3326 §2: `Q.850;cause=16;text="Terminated"`. */
import { isToken, parseDigits } from './chars.js';
import type { Params } from './params.js';
import { quote } from './quoted.js';
import { parseValued } from './valued.js';

export interface Reason {
  /** As written: 'SIP', 'Q.850', … */
  readonly protocol: string;
  readonly cause: number | undefined;
  readonly text: string | undefined;
  readonly params: Params;
}

export const parseReason = (text: string): Reason | undefined => {
  const valued = parseValued(text);
  if (!valued || !isToken(valued.word)) return undefined;
  const { params } = valued;
  return { protocol: valued.word, cause: parseDigits(params.raw('cause') ?? '', 0xffffffff), text: params.get('text'), params };
};

export const writeReason = (reason: {
  readonly protocol: string;
  readonly cause?: number | undefined;
  readonly text?: string | undefined;
}): string =>
  reason.protocol +
  (reason.cause === undefined ? '' : `;cause=${reason.cause}`) +
  (reason.text === undefined ? '' : `;text=${quote(reason.text)}`);
