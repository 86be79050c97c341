/** Character classes of the SIP grammar, RFC 3261 §25.1, as one table: a lookup and a mask decide what a byte may be. */

export const TOKEN = 1; // token: methods, header names, parameter names
export const HOST = 2; // hostname and IPv4; the underscore is not in the RFC but in many networks
export const USER = 4; // user and password of a URI, besides %-escapes
export const VALUE = 8; // an unquoted parameter value, kindly read: whatever cannot end it
export const URI_PARAM = 16; // paramchar and hvalue, besides %-escapes
export const DIGIT = 32;

const table = new Uint8Array(128);

const mark = (chars: string, bits: number): void => {
  for (const char of chars) table[char.charCodeAt(0)]! |= bits;
};

const alphanumeric = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
mark(alphanumeric, TOKEN | HOST | USER | VALUE | URI_PARAM);
mark('0123456789', DIGIT);
mark("-.!%*_+`'~", TOKEN);
mark('-._', HOST);
mark("-_.!~*'()&=+$,;?/#%", USER); // '#' is not in the RFC, but sent by many switches for dialled feature codes
mark("-_.!~*'()[]/:&+$?%", URI_PARAM);
for (let code = 0x21; code < 0x7f; code++) if (!'";,<>'.includes(String.fromCharCode(code))) table[code]! |= VALUE;

/** Whether the character is in one of the classes. What is not ASCII is in none. */
export const is = (code: number, bits: number): boolean => code < 128 && (table[code]! & bits) !== 0;

/** Whether `text` is not empty and all of it is in one of the classes. */
export const isAll = (text: string, bits: number): boolean => {
  for (let i = 0; i < text.length; i++) if (!is(text.charCodeAt(i), bits)) return false;
  return text.length > 0;
};

export const isToken = (text: string): boolean => isAll(text, TOKEN);

export const isSpace = (code: number): boolean => code === 32 || code === 9;

// Reading past the end of a string makes every later read of that function slow (a NaN is no small integer): so nothing here does.

/** The character's code; -1 past the end. */
export const codeAt = (text: string, at: number): number => (at < text.length ? text.charCodeAt(at) : -1);

/** Index of the first character at or behind `at` that is no blank. */
export const skipSpace = (text: string, at: number): number => {
  while (at < text.length && isSpace(text.charCodeAt(at))) at++;
  return at;
};

/** Index of the first character at or behind `at` that is in none of the classes. */
export const skipAll = (text: string, at: number, bits: number): number => {
  while (at < text.length && is(text.charCodeAt(at), bits)) at++;
  return at;
};

/** A decimal number of at most `max`, or undefined: no sign, no blank, nothing else. RFC 3261 §25.1 1*DIGIT; leading zeros are legal and may be many. */
export const parseDigits = (text: string, max = Number.MAX_SAFE_INTEGER): number | undefined => parseDigitsIn(text, 0, text.length, max);

/** The same of a part of a text. */
export const parseDigitsIn = (text: string, from: number, to: number, max: number): number | undefined => {
  if (from >= to) return undefined;
  let number = 0;
  for (let i = from; i < to; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return undefined;
    // Past `max` it only grows: the rest is still looked at, but no digit is lost to rounding below it.
    number = number > max ? number : number * 10 + digit;
  }
  return number <= max ? number : undefined;
};

/** delta-seconds (§25.1), as many as 32 bits hold. */
export const parseSeconds = (text: string): number | undefined => parseDigits(text, 0xffffffff);

export const parseToken = (text: string): string | undefined => (isToken(text) ? text : undefined);
