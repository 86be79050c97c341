/** Quoted strings, RFC 3261 §25.1: `"a \"b\""`. */

/** Index just past the closing quote of the quoted string that opens at `at`; -1 when it never closes. */
export const endOfQuoted = (text: string, at: number): number => {
  for (let i = at + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 92) i++;
    else if (code === 34) return i + 1;
  }
  return -1;
};

/** The text inside the quotes, escapes undone; what is not quoted comes back as it is. */
export const unquote = (text: string): string => {
  if (text.length < 2 || text.charCodeAt(0) !== 34 || text.charCodeAt(text.length - 1) !== 34) return text;
  const inner = text.slice(1, -1);
  return inner.indexOf('\\') === -1 ? inner : inner.replace(/\\([\s\S])/g, '$1');
};

export const quote = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
