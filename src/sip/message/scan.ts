/**
 * One pass over the head of a message, RFC 3261 §7: where the start line ends, where each header's name, colon and end are.
 * Nothing is copied and no value is read; a header costs four numbers until somebody asks for it.
 */
import { is, isSpace, TOKEN } from './chars.js';
import type { Limits } from './limits.js';
import { decodeText } from './text.js';

/** Offsets count bytes: `text` holds each byte as one character (Latin-1), and may hold the body too. */
export interface Head {
  readonly text: string;
  /** Whether all of `text` is ASCII; else what is read from it must be decoded. */
  readonly isAscii: boolean;
  /** End of the start line, without its line end. */
  readonly startLineEnd: number;
  readonly count: number;
  /** Two numbers a header: hash of its name, and where it begins; then where the last one ends. */
  readonly marks: readonly number[];
  /** Whether any header is folded over several lines (§7.3.1). */
  readonly isFolded: boolean;
  /** Where the body begins. */
  readonly end: number;
}

const isTokenByte = Uint8Array.from({ length: 256 }, (_, code) => (is(code, TOKEN) ? 1 : 0));

/** The head, or what is wrong with it. `bytes` from `base` on are what `text` holds. */
export const scanHead = (bytes: Uint8Array, base: number, text: string, isAscii: boolean, limits: Limits): Head | string => {
  const length = text.length;
  let lineEnd = text.indexOf('\n');
  if (lineEnd === -1) return 'no line end';
  const startLineEnd = lineEnd > 0 && bytes[base + lineEnd - 1] === 13 ? lineEnd - 1 : lineEnd;
  // Room for the usual message at once: an array that grows is copied again and again.
  const marks = new Array<number>(48);
  let count = 0;
  let isFolded = false;
  let at = lineEnd + 1;
  let end: number;
  for (;;) {
    // Deviation: the empty line is missing, but the last header is whole. RFC 4475 §3.1.2.15 (baddn, as published) and hand-made peers.
    end = at;
    if (at >= length) break;
    const first = bytes[base + at]!;
    end = first === 10 ? at + 1 : at + 2;
    if (first === 10 || (first === 13 && bytes[base + at + 1] === 10)) break;

    lineEnd = text.indexOf('\n', at);
    if (lineEnd === -1) return length >= limits.headBytes ? 'the head is too long' : 'the last header has no end';
    if (lineEnd > limits.headBytes) return 'the head is too long';

    if (first === 32 || first === 9) {
      if (count === 0) return 'a folded line before the first header';
      isFolded = true;
    } else {
      if (count === limits.headers) return 'too many headers';
      let hash = 0;
      let i = base + at;
      let code = first;
      while (isTokenByte[code] === 1) {
        hash = ((hash << 5) - hash + (code | 32)) | 0;
        code = bytes[++i]!;
      }
      if (i === base + at) return 'a header without a name';
      marks[count * 2] = hash;
      marks[count * 2 + 1] = at;
      count++;
      while (isSpace(code)) code = bytes[++i]!;
      if (code !== 58) return 'a header without a colon';
    }
    at = lineEnd + 1;
  }
  marks[count * 2] = 0;
  marks[count * 2 + 1] = at;
  return { text, isAscii, startLineEnd, count, marks, isFolded, end };
};

/** Where the header's name ends. */
export const nameEnd = (head: Head, index: number): number => {
  const from = head.marks[index * 2 + 1]!;
  let at = head.text.indexOf(':', from);
  while (at > from && isSpace(head.text.charCodeAt(at - 1))) at--;
  return at;
};

/** Where the header ends, without its line end. */
export const headerEnd = (head: Head, index: number): number => {
  const end = head.marks[index * 2 + 3]! - 1;
  return head.text.charCodeAt(end - 1) === 13 ? end - 1 : end;
};

// Deviation: a CR that no LF follows is not looked for here; whoever reads or writes a value makes a blank of it (`HeaderList`).

/** A piece of the head as text: UTF-8 undone (§7). */
export const cutHead = (head: Head, from: number, to: number): string => {
  const text = head.text.slice(from, to);
  return head.isAscii ? text : decodeText(Buffer.from(text, 'latin1'));
};
