/** CSeq, RFC 3261 §20.16; RSeq and RAck of reliable provisional responses, RFC 3262 §7.1, §7.2. */
import { DIGIT, isToken, parseDigits, parseDigitsIn, skipAll, skipSpace } from './chars.js';

export interface CSeq {
  readonly number: number;
  readonly method: string;
}

export interface RAck {
  readonly rseq: number;
  readonly cseq: number;
  readonly method: string;
}

/** §8.1.1.5: less than 2^31. */
const MAX_CSEQ = 0x7fffffff;
/** RFC 3262 §7.1: less than 2^32. */
const MAX_RSEQ = 0xffffffff;

export const parseCSeq = (text: string): CSeq | undefined => {
  const digitsEnd = skipAll(text, 0, DIGIT);
  const number = parseDigitsIn(text, 0, digitsEnd, MAX_CSEQ);
  const methodFrom = skipSpace(text, digitsEnd);
  if (number === undefined || methodFrom === digitsEnd) return undefined;
  const method = text.slice(methodFrom);
  return isToken(method) ? { number, method } : undefined;
};

export const parseRAck = (text: string): RAck | undefined => {
  const words = splitWords(text);
  const [first = '', second = '', method = ''] = words;
  const rseq = parseDigits(first, MAX_RSEQ);
  const cseq = parseDigits(second, MAX_CSEQ);
  return words.length === 3 && rseq !== undefined && cseq !== undefined && isToken(method) ? { rseq, cseq, method } : undefined;
};

export const parseRSeq = (text: string): number | undefined => parseDigits(text, MAX_RSEQ);

const splitWords = (text: string): string[] => text.split(/[ \t]/).filter((word) => word !== '');
