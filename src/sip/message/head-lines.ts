/** Headers read out of a scanned head, and lines of it written again, RFC 3261 §7.3.1. */
import { cutHead, type Head, headerEnd, nameEnd } from './scan.js';

export const readName = (head: Head, index: number): string => head.text.slice(head.marks[index * 2 + 1]!, nameEnd(head, index));

/** One line, and the line end before it. A lone CR or LF may be read, but is not handed on. */
export const readLine = (head: Head, index: number): string => {
  const from = head.marks[index * 2 + 1]!;
  const isCrlf = head.text.charCodeAt(from - 2) === 13;
  const line = cutHead(head, isCrlf ? from - 2 : from, headerEnd(head, index));
  const isFit = isCrlf && (head.isFolded ? isClean(line) : line.indexOf('\r', 2) === -1);
  return isFit ? line : `\r\n${readName(head, index)}: ${readValue(head, index)}`;
};

/** Lines that are not folded, each with the CR of its line end and no other. */
const areFit = (head: Head, first: number, last: number): boolean => {
  if (head.isFolded) return false;
  const { text, marks } = head;
  for (let index = first; index <= last; index++) if (text.indexOf('\r', marks[index * 2 + 1]!) !== marks[index * 2 + 3]! - 2) return false;
  return true;
};

/** A run of lines, as they came where they are fit to be written. */
export const readLines = (head: Head, first: number, last: number): string => {
  if (first === last) return readLine(head, first);
  const from = head.marks[first * 2 + 1]! - 2;
  if (head.text.charCodeAt(from) === 13 && areFit(head, first, last)) return cutHead(head, from, head.marks[last * 2 + 3]! - 2);
  let text = '';
  for (let index = first; index <= last; index++) text += readLine(head, index);
  return text;
};

export const readValue = (head: Head, index: number): string => {
  const { text } = head;
  let from = text.indexOf(':', head.marks[index * 2 + 1]!) + 1;
  let to = headerEnd(head, index);
  while (from < to && isBlank(text.charCodeAt(from))) from++;
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--;
  const value = cutHead(head, from, to);
  return value.indexOf('\r') !== -1 || (head.isFolded && value.indexOf('\n') !== -1) ? unfold(value) : value;
};

/** Each CR with its LF, each LF with its CR. */
const isClean = (lines: string): boolean => {
  let at = 0;
  for (;;) {
    const lf = lines.indexOf('\n', at);
    const cr = lines.indexOf('\r', at);
    if (cr !== lf - 1) return cr === -1 && lf === -1;
    if (lf === -1) return false;
    at = lf + 1;
  }
};

const isBlank = (code: number): boolean => code === 32 || code === 9 || code === 13 || code === 10;

/** §7.3.1: a fold and the blanks around it are as good as one blank; so, kindly, is a CR that stands alone. */
const unfold = (value: string): string =>
  value
    .split(/[\r\n][\r\n\t ]*/)
    .map((line) => line.trimEnd())
    .join(' ')
    .trim();
