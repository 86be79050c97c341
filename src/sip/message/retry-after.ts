/** Retry-After, RFC 3261 §20.33: `18000 (in a meeting);duration=3600`. */
import { parseDigits } from './chars.js';
import { parseParams } from './params.js';

export interface RetryAfter {
  readonly seconds: number;
  readonly comment: string | undefined;
  /** How long the called party will be reachable after that. */
  readonly duration: number | undefined;
}

export const parseRetryAfter = (text: string): RetryAfter | undefined => {
  let at = 0;
  while (at < text.length && text.charCodeAt(at) >= 48 && text.charCodeAt(at) <= 57) at++;
  const seconds = parseDigits(text.slice(0, at), 0xffffffff);
  let rest = text.slice(at).trim();
  let comment: string | undefined;
  if (rest.startsWith('(')) {
    const close = endOfComment(rest);
    if (close === -1) return undefined;
    comment = rest.slice(1, close).replace(/\\([\s\S])/g, '$1');
    rest = rest.slice(close + 1);
  }
  const params = parseParams(rest);
  return params && seconds !== undefined
    ? { seconds, comment, duration: parseDigits(params.raw('duration') ?? '', 0xffffffff) }
    : undefined;
};

/** Comments nest (§25.1). */
const endOfComment = (text: string): number => {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 92) i++;
    else if (code === 40) depth++;
    else if (code === 41 && --depth === 0) return i;
  }
  return -1;
};
