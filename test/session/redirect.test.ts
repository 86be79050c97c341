import { describe, expect, test } from 'vitest';
import { RedirectTargets } from '../../src/session/redirect.js';
import { parseContacts } from '../../src/sip/message/contact.js';
import { parseUri } from '../../src/sip/message/uri.js';

function targets(first: string, limit = 5): RedirectTargets {
  return new RedirectTargets(parseUri(first)!, limit);
}

function all(redirects: RedirectTargets): string[] {
  const found: string[] = [];
  for (let uri = redirects.next(); uri !== undefined; uri = redirects.next()) found.push(String(uri));
  return found;
}

describe('3xx, RFC 3261 §8.1.3.4', () => {
  test('by q, best first; without q it is the best', () => {
    const redirects = targets('sip:a@x');
    redirects.add(parseContacts(['<sip:c@x>;q=0.2', '<sip:d@x>;q=0.7', '<sip:b@x>']));
    expect(all(redirects)).toEqual(['sip:b@x', 'sip:d@x', 'sip:c@x']);
  });

  test('never the same place twice, however often it is named', () => {
    const redirects = targets('sip:a@x');
    redirects.add(parseContacts(['<sip:b@x>', '<sip:b@X>;q=0.5', '<sip:a@x>']));
    expect(String(redirects.next())).toBe('sip:b@x');
    redirects.add(parseContacts(['<sip:a@x>', '<sip:b@x>']));
    expect(redirects.next()).toBeUndefined();
  });

  test('what a later 3xx names comes before what an earlier one left over', () => {
    const redirects = targets('sip:a@x');
    redirects.add(parseContacts(['<sip:b@x>', '<sip:c@x>;q=0.1']));
    redirects.next();
    redirects.add(parseContacts(['<sip:d@x>']));
    expect(all(redirects)).toEqual(['sip:d@x', 'sip:c@x']);
  });

  test('not for ever', () => {
    const redirects = targets('sip:a@x', 3);
    redirects.add(parseContacts(Array.from({ length: 100 }, (_, at) => `<sip:b${at}@x>`)));
    expect(all(redirects)).toHaveLength(3);
  });

  test('only to what can be called, and from sips: to nothing less', () => {
    const plain = targets('sip:a@x');
    plain.add(parseContacts(['<mailto:a@x>', '<tel:+123>', '<http://x/>', '<sip:b@x>']));
    expect(all(plain)).toEqual(['tel:+123', 'sip:b@x']);
    const secure = targets('sips:a@x');
    secure.add(parseContacts(['<sip:b@x>', '<sips:c@x>']));
    expect(all(secure)).toEqual(['sips:c@x']);
  });

  test('a * is no target', () => {
    expect(targets('sip:a@x').add('*')).toEqual([]);
  });
});
