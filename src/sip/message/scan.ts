/**
 * One pass over the head of a message, RFC 3261 §7: where the start line ends, where each header's name, colon and end are.
 * Nothing is copied and no value is read; a header costs four numbers until somebody asks for it.
 */
import { is, isSpace, TOKEN } from './chars.js';
import type { Limits } from './limits.js';

export interface Head {
  readonly text: string;
  /** End of the start line, without its line end. */
  readonly startLineEnd: number;
  /** Four numbers a header: hash of the name, start, end of the name, end of the value (with all its folded lines, without the last line end). */
  readonly marks: readonly number[];
  /** Whether any header is folded over several lines (§7.3.1). */
  readonly isFolded: boolean;
  /** Where the body begins. */
  readonly end: number;
}

/** The head, or what is wrong with it. `text` may hold the body too. */
export const scanHead = (text: string, limits: Limits): Head | string => {
  const length = text.length;
  let lineEnd = text.indexOf('\n');
  if (lineEnd === -1) return 'no line end';
  let carriage = text.indexOf('\r');
  const startLineEnd = carriage === lineEnd - 1 ? carriage : lineEnd;
  if (carriage !== -1 && carriage < startLineEnd) return 'a CR without LF';
  const marks: number[] = [];
  const maxMarks = limits.headers * 4;
  let isFolded = false;
  let at = lineEnd + 1;
  for (;;) {
    if (at >= length) {
      // Deviation: the empty line is missing, but the last header is whole. RFC 4475 §3.1.2.16 (baddn, as published) and hand-made peers.
      return { text, startLineEnd, marks, isFolded, end: at };
    }
    const first = text.charCodeAt(at);
    if (first === 13 && text.charCodeAt(at + 1) === 10) return { text, startLineEnd, marks, isFolded, end: at + 2 };
    if (first === 10) return { text, startLineEnd, marks, isFolded, end: at + 1 };

    lineEnd = text.indexOf('\n', at);
    if (lineEnd === -1) return 'the last header has no end';
    if (carriage !== -1 && carriage < at) carriage = text.indexOf('\r', at);
    const end = carriage === lineEnd - 1 ? carriage : lineEnd;
    if (carriage !== -1 && carriage < end) return 'a CR without LF';
    if (end > limits.headBytes) return 'the head is too long';

    if (first === 32 || first === 9) {
      if (marks.length === 0) return 'a folded line before the first header';
      marks[marks.length - 1] = end;
      isFolded = true;
    } else {
      if (marks.length === maxMarks) return 'too many headers';
      let hash = 0;
      let i = at;
      let code = first;
      while (is(code, TOKEN)) {
        hash = (hash * 31 + (code | 32)) & 0x3fffffff;
        code = text.charCodeAt(++i);
      }
      if (i === at) return 'a header without a name';
      marks.push(hash, at, i, end);
      while (isSpace(code)) code = text.charCodeAt(++i);
      if (code !== 58) return 'a header without a colon';
    }
    at = lineEnd + 1;
  }
};
