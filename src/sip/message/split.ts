/** Lists: one header line with commas is as good as several lines, RFC 3261 §7.3.1. Commas in quotes and in <> do not split. */
import { endOfQuoted } from './quoted.js';

/** Index of the first `separator` that is neither quoted nor in angle brackets; the text's length when there is none. */
export const indexOfTop = (text: string, separator: ',' | ';', from = 0): number => {
  const simple = text.indexOf(separator, from);
  if (simple === -1) return text.length;
  const code = separator.charCodeAt(0);
  let inAngle = false;
  for (let i = from; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 34 && !inAngle) {
      i = endOfQuoted(text, i) - 1;
      if (i < 0) return text.length;
    } else if (c === 60) inAngle = true;
    else if (c === 62) inAngle = false;
    else if (c === code && !inAngle) return i;
  }
  return text.length;
};

/** The elements, trimmed; empty ones (`a,,b`) are dropped. */
export const splitTop = (text: string, separator: ',' | ';'): string[] => {
  const parts: string[] = [];
  if (text.indexOf('"') === -1 && text.indexOf('<') === -1) {
    for (const piece of text.split(separator)) {
      const part = piece.trim();
      if (part !== '') parts.push(part);
    }
    return parts;
  }
  for (let from = 0; from <= text.length; ) {
    const to = indexOfTop(text, separator, from);
    const part = text.slice(from, to).trim();
    if (part !== '') parts.push(part);
    from = to + 1;
  }
  return parts;
};

/** The first element, trimmed. */
export const firstTop = (text: string): string => {
  if (text.indexOf(',') === -1) return text;
  for (let from = 0; from <= text.length; ) {
    const to = indexOfTop(text, ',', from);
    const part = text.slice(from, to).trim();
    if (part !== '') return part;
    from = to + 1;
  }
  return '';
};
