/** Contact, RFC 3261 §20.10; `+sip.instance` and `reg-id` of RFC 5626 §4.1. A value is a NameAddr, or `*` alone. */
import { parseDigits } from './chars.js';
import { type NameAddr, parseNameAddr } from './name-addr.js';

export type Contacts = readonly NameAddr[] | '*';

/** The well-formed ones of the values; `*` only when it is alone (§10.2.2). */
export const parseContacts = (values: readonly string[]): Contacts => {
  if (values.length === 1) {
    if (values[0] === '*') return '*';
    const contact = parseNameAddr(values[0]!);
    return contact === undefined ? [] : [contact];
  }
  return values.map(parseNameAddr).filter((contact) => contact !== undefined);
};

/** Seconds of its `expires`; undefined when there is none or it is no number (§10.2.1.1). */
export const contactExpires = (contact: NameAddr): number | undefined => parseDigits(contact.params.raw('expires') ?? '', 0xffffffff);

/** 0 to 1; 1 where there is none. */
export const contactQ = (contact: NameAddr): number => {
  const raw = contact.params.raw('q');
  return raw !== undefined && /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(raw) ? +raw : 1;
};

export const contactInstance = (contact: NameAddr): string | undefined => contact.params.get('+sip.instance');

export const contactRegId = (contact: NameAddr): number | undefined => parseDigits(contact.params.raw('reg-id') ?? '', 0x7fffffff);
