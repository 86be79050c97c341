/** What every message must have, RFC 3261 §8.1.1, §8.2.2, §20: asked once, at the door. After it `via!`, `from!`, `to!`, `callId!`, `cseq!` are safe. */
import { headerName } from './header-name.js';
import type { SipMessage } from './message.js';
import { parseNameAddr } from './name-addr.js';
import { makeFailure, type ParseFailure } from './parse-failure.js';
import { isFieldText } from './text.js';

const CONTACT = headerName('Contact');
/** Nobody binds so many; a list of thousands is there to keep us busy. */
const MAX_CONTACTS = 100;
const single = ['From', 'To', 'Call-ID', 'CSeq', 'Max-Forwards'].map(headerName);

/** What deserves a 400; undefined when the message is fit to be used. */
export const check = (message: SipMessage): ParseFailure | undefined => {
  const why = whatIsWrong(message);
  return why === undefined ? undefined : makeFailure(why, headText(message));
};

const whatIsWrong = (message: SipMessage): string | undefined => {
  if (!message.via) return message.has('Via') ? 'Via is malformed' : 'Via is missing';
  if (!message.from) return message.has('From') ? 'From is malformed' : 'From is missing';
  if (!message.to) return message.has('To') ? 'To is malformed' : 'To is missing';
  if (!message.callId) return message.has('Call-ID') ? 'Call-ID is malformed' : 'Call-ID is missing';
  const cseq = message.cseq;
  if (!cseq) return message.has('CSeq') ? 'CSeq is malformed' : 'CSeq is missing';
  if (message.kind === 'request') {
    // §8.1.1.5: the two must agree, or a transaction cannot be told from another.
    if (cseq.method !== message.method) return 'CSeq names another method';
    if (message.has('Max-Forwards') && message.maxForwards === undefined) return 'Max-Forwards is malformed';
  }
  if (message.kind === 'request' && message.has('Contact') && isContactBroken(message)) return 'Contact is malformed';
  for (const header of single) {
    const first = message.list.indexOf(header);
    if (first !== -1 && message.list.indexOf(header, first + 1) !== -1) return `${header.name} stands twice`;
  }
  const head = message.list.untouched;
  if (head !== undefined && head.text.indexOf('\0') !== -1 && message.entries.some(([, value]) => !isFieldText(value))) {
    return 'a NUL outside a quoted pair';
  }
  return undefined;
};

/** RFC 4475 §3.1.2.13: a binding to what was not meant is worse than none. A response is not refused for it. */
const isContactBroken = (message: SipMessage): boolean => {
  const { list } = message;
  const index = list.indexOf(CONTACT);
  const isOnly = list.indexOf(CONTACT, index + 1) === -1;
  const text = list.valueAt(index);
  if (message.contact === undefined) return text !== '*' || !isOnly;
  // One value, and it was read: no list to look through.
  if (isOnly && text.indexOf(',') === -1) return false;
  const values = list.all(CONTACT);
  return values.length > MAX_CONTACTS || values.some((value) => parseNameAddr(value) === undefined);
};

const headText = (message: SipMessage): string =>
  message.list.untouched?.text ?? [message.startLine, ...message.entries.map(([name, value]) => `${name}: ${value}`)].join('\r\n');
