/** node:dns against a name server of a few lines on the loopback: what it says becomes records, and what it cannot say becomes the right kind of nothing. */
import { createSocket, type Socket } from 'node:dgram';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SystemResolver } from '../../../src/sip/transport/resolver.js';

const TYPES = { A: 1, AAAA: 28, SRV: 33, NAPTR: 35 } as const;
const name = (text: string): Buffer =>
  Buffer.concat([...text.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]), Buffer.from([0])]);
const word = (text: string): Buffer => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
const u16 = (...values: number[]): Buffer => Buffer.from(values.flatMap((value) => [value >> 8, value & 255]));

const ZONE: Record<string, Partial<Record<keyof typeof TYPES, Buffer[]>>> = {
  'sip.test': {
    A: [Buffer.from([192, 0, 2, 1]), Buffer.from([192, 0, 2, 2])],
    AAAA: [Buffer.from('20010db8000000000000000000000001', 'hex')],
    NAPTR: [Buffer.concat([u16(10, 20), word('s'), word('SIP+D2U'), word(''), name('_sip._udp.sip.test')])],
  },
  '_sip._udp.sip.test': { SRV: [Buffer.concat([u16(1, 2, 5070), name('sip.test')])] },
};

let server: Socket;
let resolver: SystemResolver;

beforeAll(async () => {
  server = createSocket('udp4');
  server.on('message', (query, from) => {
    const labels: string[] = [];
    let at = 12;
    for (; query[at]! > 0; at += query[at]! + 1) labels.push(query.toString('latin1', at + 1, at + 1 + query[at]!));
    const asked = labels.join('.').toLowerCase();
    const type = query.readUInt16BE(at + 1);
    const records = Object.entries(ZONE[asked] ?? {}).flatMap(([key, values]) => (TYPES[key as keyof typeof TYPES] === type ? values : []));
    // 0 no error, 2 server failure, 3 no such name.
    const code = asked.includes('broken') ? 2 : ZONE[asked] === undefined ? 3 : 0;
    const question = query.subarray(12, at + 5);
    const answers = records.map((data) => Buffer.concat([Buffer.from('c00c', 'hex'), u16(type, 1, 0, 77, data.length), data]));
    server.send(
      Buffer.concat([query.subarray(0, 2), u16(0x8180 | code, 1, answers.length, 0, 0), question, ...answers]),
      from.port,
      from.address,
    );
  });
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
  resolver = new SystemResolver({ servers: [`127.0.0.1:${server.address().port}`], timeoutMs: 500, tries: 1 });
});

afterAll(() => new Promise<void>((resolve) => server.close(() => resolve())));

test('addresses come with their TTL', async () => {
  expect(await resolver.a('sip.test')).toEqual([
    { address: '192.0.2.1', ttlS: 77 },
    { address: '192.0.2.2', ttlS: 77 },
  ]);
  expect(await resolver.aaaa('sip.test')).toEqual([{ address: '2001:db8::1', ttlS: 77 }]);
});

test('SRV and NAPTR as RFC 2782 and RFC 3403 name their fields', async () => {
  expect(await resolver.srv('_sip._udp.sip.test')).toEqual([{ name: 'sip.test', port: 5070, priority: 1, weight: 2 }]);
  expect(await resolver.naptr('sip.test')).toEqual([
    { order: 10, preference: 20, flags: 's', service: 'SIP+D2U', regexp: '', replacement: '_sip._udp.sip.test' },
  ]);
});

test('what does not exist is nothing, whether the name or the record is missing', async () => {
  expect(await resolver.srv('_sips._tcp.sip.test')).toEqual([]);
  expect(await resolver.naptr('_sip._udp.sip.test')).toEqual([]);
  expect(await resolver.a('nothing.sip.test')).toEqual([]);
});

test('a DNS that does not work is an error, not nothing', async () => {
  await expect(resolver.srv('_sip._udp.broken.test')).rejects.toMatchObject({ code: 'ESERVFAIL' });
  await expect(resolver.a('broken.test')).rejects.toMatchObject({ code: 'ESERVFAIL' });
});

test('a DNS that says nothing at all is an error, in time', async () => {
  const mute = createSocket('udp4');
  await new Promise<void>((resolve) => mute.bind(0, '127.0.0.1', resolve));
  const deaf = new SystemResolver({ servers: [`127.0.0.1:${mute.address().port}`], timeoutMs: 100, tries: 1 });
  await expect(deaf.srv('_sip._udp.sip.test')).rejects.toMatchObject({ code: 'ETIMEOUT' });
  mute.close();
});
