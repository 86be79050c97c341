/** Warning, RFC 3261 §20.43: `307 isi.edu "Session parameter 'foo' not understood"`. */
import { parseDigits } from './chars.js';
import { quote, unquote } from './quoted.js';

export interface Warning {
  readonly code: number;
  readonly agent: string;
  readonly text: string;
}

export const parseWarning = (value: string): Warning | undefined => {
  const first = value.indexOf(' ');
  const second = value.indexOf(' ', first + 1);
  if (first === -1 || second === -1) return undefined;
  const code = parseDigits(value.slice(0, first), 999);
  const agent = value.slice(first + 1, second);
  const quoted = value.slice(second + 1).trim();
  if (first !== 3 || code === undefined || agent === '' || quoted.charCodeAt(0) !== 34 || quoted.length < 2) return undefined;
  return { code, agent, text: unquote(quoted) };
};

export const writeWarning = ({ code, agent, text }: Warning): string => `${code} ${agent} ${quote(text)}`;
