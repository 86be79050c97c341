import { describe, expect, test } from 'vitest';
import { namesOf } from '../../src/cli/checks/names.js';
import type { Resolver } from '../../src/sip/transport/resolver.js';

const nothing: Resolver = { naptr: async () => [], srv: async () => [], a: async () => [], aaaa: async () => [] };
const verdicts = async (domain: string | undefined, resolver: Partial<Resolver>): Promise<string[]> =>
  (await namesOf(domain, { ...nothing, ...resolver })).map(({ verdict, what }) => `${verdict}: ${what}`);

describe('what doctor says of a domain', () => {
  test('RFC 3263 §4: SRV records, and the targets in the order in which we would try them', async () => {
    const found = await verdicts('sip:6001@pbx.example.com', {
      srv: async (name) => (name === '_sip._udp.pbx.example.com' ? [{ name: 'a.example.com', port: 5070, priority: 1, weight: 0 }] : []),
      a: async (name) => (name === 'a.example.com' ? ['192.0.2.7'] : []),
    });
    expect(found).toEqual([
      'note: no NAPTR records of pbx.example.com: most have none',
      'ok: SRV: _sip._udp (a.example.com:5070)',
      'ok: we would try: udp 192.0.2.7:5070',
    ]);
  });

  test('a name that leads nowhere is wrong; an address needs no DNS; no name is skipped', async () => {
    expect((await verdicts('nowhere.example.com', {})).at(-1)).toBe('wrong: nowhere.example.com leads nowhere');
    expect(await verdicts('192.0.2.1:5070', {})).toEqual(['ok: 192.0.2.1:5070 is an address: no DNS is needed']);
    expect(await verdicts(undefined, {})).toEqual(['skipped: DNS']);
    expect(await verdicts('not a host', {})).toEqual(["wrong: 'not a host' is no host"]);
  });

  test('a DNS that does not answer is told from a name that is not there', async () => {
    const failing = async (): Promise<never> => Promise.reject(new Error('queryNaptr ETIMEOUT'));
    expect(await verdicts('pbx.example.com', { naptr: failing })).toEqual([
      'wrong: the DNS does not answer for pbx.example.com: queryNaptr ETIMEOUT',
    ]);
  });
});
