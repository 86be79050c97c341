/** %-escapes of URIs, RFC 3261 §19.1.2 and RFC 3986 §2.1. */
import { is } from './chars.js';

/** Undoes the escapes, as UTF-8; a `%` that begins none stays. */
export const unescapeUri = (text: string): string => {
  if (text.indexOf('%') === -1) return text;
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'));
};

/** Escapes what is in none of the classes, and `%` itself. */
export const escapeUri = (text: string, bits: number): string => {
  let out = '';
  for (const char of text) {
    const code = char.codePointAt(0)!;
    if (code !== 37 && is(code, bits)) out += char;
    else for (const byte of Buffer.from(char, 'utf8')) out += `%${byte < 16 ? '0' : ''}${byte.toString(16).toUpperCase()}`;
  }
  return out;
};

/** Whether each `%` begins an escape. */
export const isEscaped = (text: string): boolean => {
  for (let at = text.indexOf('%'); at !== -1; at = text.indexOf('%', at + 1)) {
    if (!/^[0-9a-f]{2}/i.test(text.slice(at + 1, at + 3))) return false;
  }
  return true;
};
