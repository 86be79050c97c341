/** Host names and addresses as they stand in URIs and Vias, RFC 3261 §25.1 host. */
import { HOST, isAll, parseDigits } from './chars.js';

/** A name, an IPv4 address, or an IPv6 address with or without its brackets. */
export const isHost = (text: string): boolean =>
  isAll(text, HOST) || isIpv6(text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text);

/** RFC 4291 §2.2, with the zone of RFC 6874 kindly taken. */
export const isIpv6 = (text: string): boolean => {
  if (text.length > 64 || !text.includes(':')) return false;
  const zone = text.indexOf('%');
  const address = zone === -1 ? text : text.slice(0, zone);
  const halves = address.split('::');
  if (halves.length > 2) return false;
  let groups = 0;
  for (const [index, half] of halves.entries()) {
    if (half === '') continue;
    const parts = half.split(':');
    for (const [at, part] of parts.entries()) {
      const isLast = at === parts.length - 1 && index === halves.length - 1;
      if (isLast && part.includes('.')) {
        if (!isIpv4(part)) return false;
        groups += 2;
      } else {
        if (!/^[0-9a-f]{1,4}$/i.test(part)) return false;
        groups++;
      }
    }
  }
  return halves.length === 2 ? groups < 8 : groups === 8;
};

export const isIpv4 = (text: string): boolean => {
  const parts = text.split('.', 5);
  return parts.length === 4 && parts.every((part) => part.length <= 3 && parseDigits(part, 255) !== undefined);
};

/** Names and addresses in any case; brackets say nothing. */
export const sameHost = (a: string, b: string): boolean => a === b || bare(a) === bare(b);

const bare = (host: string): string => {
  const lower = host.toLowerCase();
  return lower.startsWith('[') ? lower.slice(1, -1) : lower;
};

/** As it stands in a URI or a Via: an IPv6 address gets its brackets. */
export const writeHost = (host: string): string => (host.includes(':') && !host.startsWith('[') ? `[${host}]` : host);
