/** Headers as applications give them, made into what is sent. What would break out of its line, or is the house's own to write, is refused at the door. */
import { OptionError } from '../errors.js';
import type { HeaderEntry } from '../sip/message/headers.js';

export type HeaderValues = Readonly<Record<string, string | readonly string[]>>;

/** Written by the transactions, the dialogs and the body: an application that could set them would break the call, or forge another. */
const OURS = new Set([
  'via',
  'v',
  'from',
  'f',
  'to',
  't',
  'call-id',
  'i',
  'cseq',
  'max-forwards',
  'contact',
  'm',
  'route',
  'record-route',
  'content-length',
  'l',
  'content-type',
  'c',
  'authorization',
  'proxy-authorization',
  'www-authenticate',
  'proxy-authenticate',
]);

export function headerEntries(path: string, headers: HeaderValues | undefined): readonly HeaderEntry[] {
  if (headers === undefined) return [];
  return Object.entries(headers).flatMap(([name, value]) => {
    if (!/^[A-Za-z0-9.!%*_+`'~-]+$/.test(name)) throw new OptionError(`${path}.${JSON.stringify(name)}`, 'is no header name');
    if (OURS.has(name.toLowerCase())) throw new OptionError(`${path}.${name}`, 'is written by sipbot itself');
    return (typeof value === 'string' ? [value] : value).map((text): HeaderEntry => {
      if (typeof text !== 'string' || /[\r\n\0]/.test(text)) throw new OptionError(`${path}.${name}`, 'must be text without line breaks');
      return [name, text];
    });
  });
}
