import { describe, expect, test } from 'vitest';
import { parseUri } from '../../../src/sip/message/uri.js';
import { parseServer, TargetResolver, type TargetResolverOptions } from '../../../src/sip/transport/resolve.js';
import type { AddressRecord, NaptrRecord, Resolver, SrvRecord } from '../../../src/sip/transport/resolver.js';
import type { Target } from '../../../src/sip/transport/transport.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { SeededRandom } from '../../../src/testing/seeded-random.js';

interface Zone {
  naptr?: Record<string, NaptrRecord[]>;
  srv?: Record<string, SrvRecord[]>;
  a?: Record<string, AddressRecord[]>;
  aaaa?: Record<string, AddressRecord[]>;
}

/** A DNS made of tables, that keeps a log and can be broken. */
class TableDns implements Resolver {
  readonly asked: string[] = [];
  broken = false;
  zone: Zone;

  constructor(zone: Zone) {
    this.zone = zone;
  }

  naptr = (name: string) => this.#answer('naptr', name, this.zone.naptr);
  srv = (name: string) => this.#answer('srv', name, this.zone.srv);
  a = (name: string) => this.#answer('a', name, this.zone.a);
  aaaa = (name: string) => this.#answer('aaaa', name, this.zone.aaaa);

  async #answer<T>(type: string, name: string, table: Record<string, T[]> = {}): Promise<T[]> {
    this.asked.push(`${type} ${name}`);
    if (this.broken) throw Object.assign(new Error('queryA ETIMEOUT'), { code: 'ETIMEOUT' });
    return table[name] ?? [];
  }
}

const naptr = (order: number, preference: number, service: string, replacement: string): NaptrRecord => ({
  order,
  preference,
  flags: 's',
  service,
  replacement,
});
const srv = (name: string, port = 5060, priority = 0, weight = 0): SrvRecord => ({ name, port, priority, weight });
const text = ({ transport, address, port }: Target): string => `${transport} ${address}:${port}`;

function world(zone: Zone, options: Partial<TargetResolverOptions> = {}) {
  const clock = new ManualClock();
  const dns = new TableDns(zone);
  const resolver = new TargetResolver({ resolver: dns, clock, random: new SeededRandom(1), ...options });
  const targets = async (uri: string): Promise<string[]> => (await resolver.resolve(parseUri(uri)!)).map(text);
  return { clock, dns, resolver, targets };
}

/** The domain of RFC 3263 §4.1's example. */
const EXAMPLE: Zone = {
  naptr: {
    'example.com': [
      naptr(50, 50, 'SIPS+D2T', '_sips._tcp.example.com'),
      naptr(90, 50, 'SIP+D2T', '_sip._tcp.example.com'),
      naptr(100, 50, 'SIP+D2U', '_sip._udp.example.com'),
    ],
  },
  srv: {
    '_sips._tcp.example.com': [srv('s1.example.com', 5061)],
    '_sip._tcp.example.com': [srv('server1.example.com', 5060, 0, 1), srv('server2.example.com', 5060, 0, 2)],
    '_sip._udp.example.com': [srv('u.example.com', 5070)],
  },
  a: {
    's1.example.com': ['192.0.2.10'],
    'server1.example.com': ['192.0.2.1'],
    'server2.example.com': ['192.0.2.2'],
    'u.example.com': ['192.0.2.3', '192.0.2.4'],
    'example.com': ['192.0.2.99'],
  },
  aaaa: { 'u.example.com': ['2001:db8::3'] },
};

describe('without the DNS', () => {
  test.each([
    ['§4.1: a numeric host of sip is UDP', 'sip:192.0.2.1', 'udp 192.0.2.1:5060'],
    ['§4.1: a numeric host of sips is TLS', 'sips:192.0.2.1', 'tls 192.0.2.1:5061'],
    ['§4.1: an explicit transport wins', 'sip:192.0.2.1;transport=tcp', 'tcp 192.0.2.1:5060'],
    ['transport in any case', 'sip:192.0.2.1;transport=TCP', 'tcp 192.0.2.1:5060'],
    ['§4.2: an explicit port is used', 'sip:192.0.2.1:5080', 'udp 192.0.2.1:5080'],
    ['§26.2.2: sips with transport=tcp is TLS', 'sips:192.0.2.1;transport=tcp', 'tls 192.0.2.1:5061'],
    ['RFC 7118: WebSocket', 'sip:192.0.2.1:8080;transport=ws', 'ws 192.0.2.1:8080'],
    ['RFC 7118: sips with transport=ws is secure WebSocket', 'sips:192.0.2.1;transport=ws', 'wss 192.0.2.1:443'],
    ['IPv6', 'sip:[2001:db8::1]:5070', 'udp 2001:db8::1:5070'],
    ['§4: maddr takes the place of the host', 'sip:a@example.com;maddr=192.0.2.7', 'udp 192.0.2.7:5060'],
    ['RFC 6761 §6.3: localhost', 'sip:localhost:5090', 'udp 127.0.0.1:5090 udp ::1:5090'],
  ])('%s', async (_rule, uri, expected) => {
    const { targets, dns } = world({});
    expect((await targets(uri)).join(' ')).toBe(expected);
    expect(dns.asked).toEqual([]);
  });

  test.each([
    ['§26.2.2: sips does not go over datagrams', 'sips:192.0.2.1;transport=udp'],
    ['a transport we do not know leads nowhere', 'sip:192.0.2.1;transport=sctp'],
  ])('%s', async (_rule, uri) => {
    expect(await world({}).targets(uri)).toEqual([]);
  });
});

describe('with the DNS', () => {
  test('§4.1: NAPTR by order, then SRV, then addresses of both families, all services as fall-back', async () => {
    const { targets } = world(EXAMPLE);
    const found = await targets('sip:user@example.com');
    expect(found[0]).toBe('tls 192.0.2.10:5061');
    expect(found.slice(1, 3).sort()).toEqual(['tcp 192.0.2.1:5060', 'tcp 192.0.2.2:5060']);
    expect(found.slice(3)).toEqual(['udp 192.0.2.3:5070', 'udp 192.0.2.4:5070', 'udp 2001:db8::3:5070']);
  });

  test('§4.1: services we do not speak are left out', async () => {
    expect(await world(EXAMPLE, { transports: ['udp'] }).targets('sip:example.com')).toEqual([
      'udp 192.0.2.3:5070',
      'udp 192.0.2.4:5070',
      'udp 2001:db8::3:5070',
    ]);
  });

  test('§4.1: sips takes SIPS services alone', async () => {
    expect(await world(EXAMPLE).targets('sips:example.com')).toEqual(['tls 192.0.2.10:5061']);
  });

  test('§4.1: without NAPTR, the SRV records of each transport in our order', async () => {
    const { naptr: _none, ...zone } = EXAMPLE;
    const found = await world(zone, { families: [4] }).targets('sip:example.com');
    expect(found.map((target) => target.split(' ')[0])).toEqual(['udp', 'udp', 'tcp', 'tcp', 'tls']);
  });

  test('§4.2: with a transport, the SRV of that transport, and no NAPTR is asked for', async () => {
    const { targets, dns } = world(EXAMPLE);
    expect((await targets('sip:example.com;transport=tcp')).sort()).toEqual(['tcp 192.0.2.1:5060', 'tcp 192.0.2.2:5060']);
    expect(dns.asked.filter((line) => line.startsWith('naptr'))).toEqual([]);
  });

  test('§4.2: with a port, addresses alone', async () => {
    const { targets, dns } = world(EXAMPLE);
    expect(await targets('sip:example.com:5066')).toEqual(['udp 192.0.2.99:5066']);
    expect(dns.asked).toEqual(['a example.com', 'aaaa example.com']);
  });

  test('§4.2: no SRV at all: the addresses of the name, at the port of the transport', async () => {
    const { targets } = world({ a: { 'pbx.example.net': ['192.0.2.50'] } });
    expect(await targets('sip:pbx.example.net')).toEqual(['udp 192.0.2.50:5060']);
    expect(await targets('sips:pbx.example.net')).toEqual(['tls 192.0.2.50:5061']);
    expect(await targets('sip:pbx.example.net;transport=tcp')).toEqual(['tcp 192.0.2.50:5060']);
  });

  test('RFC 2782: lower priority numbers first, whatever their weight', async () => {
    const { targets } = world({
      srv: { '_sip._udp.example.com': [srv('b', 5060, 20, 100), srv('a', 5060, 10, 0)] },
      a: { a: ['192.0.2.1'], b: ['192.0.2.2'] },
    });
    expect(await targets('sip:example.com;transport=udp')).toEqual(['udp 192.0.2.1:5060', 'udp 192.0.2.2:5060']);
  });

  test('RFC 2782: within a priority, the share of first places follows the weights', async () => {
    const { resolver } = world({
      srv: { '_sip._udp.example.com': [srv('a', 5060, 0, 10), srv('b', 5060, 0, 30), srv('c', 5060, 0, 60)] },
      a: { a: ['192.0.2.1'], b: ['192.0.2.2'], c: ['192.0.2.3'] },
    });
    const first: Record<string, number> = {};
    for (let i = 0; i < 2000; i++) {
      const [target] = await resolver.resolve(parseUri('sip:example.com;transport=udp')!);
      first[target!.address] = (first[target!.address] ?? 0) + 1;
    }
    expect(first['192.0.2.1']! / 2000).toBeCloseTo(0.1, 1);
    expect(first['192.0.2.2']! / 2000).toBeCloseTo(0.3, 1);
    expect(first['192.0.2.3']! / 2000).toBeCloseTo(0.6, 1);
  });

  test('RFC 2782: a target of "." says that the service is not there', async () => {
    expect(
      await world({ srv: { '_sip._udp.example.com': [srv('.')] }, a: { 'example.com': ['192.0.2.1'] } }).targets(
        'sip:example.com;transport=udp',
      ),
    ).toEqual([]);
  });

  test('RFC 5922 §4: what the certificate must name is the domain asked for, not the server the DNS named', async () => {
    const [target] = await world(EXAMPLE).resolver.resolve(parseUri('sips:Example.COM')!);
    expect(target!.host).toBe('example.com');
  });

  test('a domain of a thousand servers gives 32 targets', async () => {
    const many = Array.from({ length: 1000 }, (_, i) => srv(`s${i}`));
    const a = Object.fromEntries(many.map(({ name }, i) => [name, [`192.0.${i >> 8}.${i & 255}`]]));
    expect(await world({ srv: { '_sip._udp.example.com': many }, a }).targets('sip:example.com;transport=udp')).toHaveLength(32);
  });
});

describe('memory', () => {
  test('SRV and NAPTR are remembered for 60 s, addresses for their TTL', async () => {
    const { clock, dns, targets } = world({
      srv: { '_sip._udp.example.com': [srv('a')] },
      a: { a: [{ address: '192.0.2.1', ttlS: 300 }] },
      aaaa: { a: [{ address: '2001:db8::1', ttlS: 10 }] },
    });
    const ask = async (): Promise<string[]> => {
      dns.asked.length = 0;
      await targets('sip:example.com;transport=udp');
      return [...dns.asked];
    };
    expect(await ask()).toEqual(['srv _sip._udp.example.com', 'a a', 'aaaa a']);
    expect(await ask()).toEqual([]);
    clock.advance(10_000);
    expect(await ask()).toEqual(['aaaa a']);
    clock.advance(50_000);
    expect(await ask()).toEqual(['srv _sip._udp.example.com', 'aaaa a']);
    clock.advance(240_000);
    expect(await ask()).toContain('a a');
  });

  test('those who ask the same at once share one question', async () => {
    const { dns, targets } = world({ a: { 'h.example': ['192.0.2.1'] } });
    await Promise.all([targets('sip:h.example:5060'), targets('sip:h.example:5060')]);
    expect(dns.asked).toEqual(['a h.example', 'aaaa h.example']);
  });

  test('RFC 8767: when the DNS fails, what it said before is still used; what was never known is ERR_TRANSPORT', async () => {
    const { clock, dns, targets } = world(EXAMPLE, { families: [4] });
    const before = await targets('sips:example.com');
    dns.broken = true;
    clock.advance(3_600_000);
    expect(await targets('sips:example.com')).toEqual(before);
    await expect(targets('sip:other.example')).rejects.toMatchObject({ code: 'ERR_TRANSPORT' });
    dns.broken = false;
    expect(await targets('sip:other.example')).toEqual([]);
  });

  test('§4.3: a target that is down comes last until its time is over or it answers again', async () => {
    const { clock, resolver, targets } = world({ a: { 'h.example': ['192.0.2.1', '192.0.2.2', '192.0.2.3'] } }, { families: [4] });
    const [one, two] = await resolver.resolve(parseUri('sip:h.example:5060')!);
    const order = async (): Promise<string> => (await targets('sip:h.example:5060')).map((line) => line.at(-6)).join('');
    resolver.markDown(one!);
    expect(await order()).toBe('231');
    resolver.markDown(two!, 120_000);
    expect(await order()).toBe('312');
    clock.advance(30_000);
    expect(await order()).toBe('132');
    resolver.markUp(two!);
    expect(await order()).toBe('123');
  });
});

describe('a server as people write it', () => {
  test.each([
    ['sip:pbx.example.com;transport=tcp', 'sip:pbx.example.com;transport=tcp', undefined],
    ['pbx.example.com', 'sip:pbx.example.com', undefined],
    ['192.0.2.1:5080', 'sip:192.0.2.1:5080', undefined],
    ['[2001:db8::1]:5080', 'sip:[2001:db8::1]:5080', undefined],
    ['wss://pbx.example.com', 'sips:pbx.example.com;transport=ws', undefined],
    ['ws://pbx.example.com:8088/asterisk/ws', 'sip:pbx.example.com:8088;transport=ws', '/asterisk/ws'],
    ['WSS://pbx.example.com/', 'sips:pbx.example.com;transport=ws', '/'],
  ])('%s', (text, uri, path) => {
    const parsed = parseServer(text)!;
    expect([parsed.uri.toString(), parsed.wsPath]).toEqual([uri, path]);
  });

  test.each(['', 'tel:+1', 'a proxy', 'https://pbx.example.com', 'ws://', 'ws://host/path?query', 'sip:'])('%s is none', (text) => {
    expect(parseServer(text)).toBeUndefined();
  });

  test('the path of a WebSocket goes with the targets of its host, and with no other', async () => {
    const { resolver } = world({ a: { 'edge.example': ['192.0.2.1'], 'other.example': ['192.0.2.2'] } });
    resolver.useWsPath('Edge.example', '/sip');
    const paths = async (uri: string) => (await resolver.resolve(parseUri(uri)!)).map(({ path }) => path);
    expect(await paths('sips:edge.example;transport=ws')).toEqual(['/sip']);
    expect(await paths('sips:edge.example')).toEqual([undefined]);
    expect(await paths('sips:other.example;transport=ws')).toEqual([undefined]);
  });
});
