import { describe, expect, test } from 'vitest';
import { DigestClient } from '../../../src/sip/auth/digest-client.js';
import type { HeaderEntry } from '../../../src/sip/message/headers.js';
import { SipRequest, SipResponse } from '../../../src/sip/message/message.js';
import type { Flow } from '../../../src/sip/transport/flow.js';
import { Registrar, type RegistrarOptions } from '../../../src/sip/ua/registrar.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { SeededRandom } from '../../../src/testing/seeded-random.js';

const AOR = 'sip:alice@example.com';
const flow = { id: 'f', reliable: false, isOpen: true, remote: { address: '192.0.2.1', port: 5060 } } as Flow;

class Bench {
  readonly clock = new ManualClock();
  readonly registrar: Registrar;
  readonly log: string[] = [];
  #cseq = 0;

  constructor(options: Partial<RegistrarOptions> = {}) {
    this.registrar = new Registrar({ clock: this.clock, random: new SeededRandom(1), ...options });
    this.registrar.on('registered', (aor, { uri }) => this.log.push(`+ ${aor} ${uri}`));
    this.registrar.on('unregistered', (aor, { uri }, why) => this.log.push(`- ${aor} ${uri} ${why}`));
  }

  request(
    contacts: readonly string[],
    headers: readonly HeaderEntry[] = [],
    over: { aor?: string; callId?: string; cseq?: number; vias?: number } = {},
  ): SipRequest {
    const { aor = AOR, callId = 'c1', cseq = ++this.#cseq, vias = 1 } = over;
    return new SipRequest('REGISTER', 'sip:example.com', [
      ...Array.from({ length: vias }, (_, i): HeaderEntry => ['Via', `SIP/2.0/UDP 192.0.2.${i};branch=z9hG4bK${cseq}`]),
      ['From', `<${aor}>;tag=1`],
      ['To', `<${aor}>`],
      ['Call-ID', callId],
      ['CSeq', `${cseq} REGISTER`],
      ...contacts.map((contact): HeaderEntry => ['Contact', contact]),
      ...headers,
    ]);
  }

  /** The status, and the Contacts that came back. */
  async register(
    contacts: readonly string[],
    headers: readonly HeaderEntry[] = [],
    over: Parameters<Bench['request']>[2] = {},
    on: Flow = flow,
  ): Promise<string[]> {
    const { status, headers: answer = [] } = await this.registrar.answer(this.request(contacts, headers, over), on);
    return [
      String(status),
      ...answer.filter(([name]) => name !== 'Date').map(([name, value]) => (name === 'Contact' ? value : `${name}: ${value}`)),
    ];
  }

  at(aor = AOR): string[] {
    return this.registrar.lookup(aor).map(({ uri }) => uri.toString());
  }
}

describe('RFC 3261 §10.3', () => {
  test('a binding is put, listed, refreshed, and goes when its time is over', async () => {
    const bench = new Bench();
    expect(await bench.register(['<sip:alice@192.0.2.1>;expires=100'])).toEqual(['200', '<sip:alice@192.0.2.1>;expires=100']);
    bench.clock.advance(50_000);
    expect(await bench.register([])).toEqual(['200', '<sip:alice@192.0.2.1>;expires=50']);
    expect(await bench.register(['<sip:alice@192.0.2.1>;expires=100'])).toEqual(['200', '<sip:alice@192.0.2.1>;expires=100']);
    bench.clock.advance(99_999);
    expect(bench.at()).toEqual(['sip:alice@192.0.2.1']);
    bench.clock.advance(1);
    expect(bench.at()).toEqual([]);
    expect(bench.log).toEqual([`+ ${AOR} sip:alice@192.0.2.1`, `- ${AOR} sip:alice@192.0.2.1 expired`]);
    expect([bench.registrar.size, bench.clock.pending]).toEqual([0, 0]);
  });

  test.each([
    ['the Contact parameter', '<sip:a@x>;expires=70', '90', '70'],
    ['else the Expires header', '<sip:a@x>', '90', '90'],
    ['else the default', '<sip:a@x>', undefined, '3600'],
    ['never more than the longest', '<sip:a@x>;expires=999999', undefined, '7200'],
  ])('how long: %s', async (_rule, contact, expires, granted) => {
    const [, listed] = await new Bench().register([contact], expires === undefined ? [] : [['Expires', expires]]);
    expect(listed).toBe(`<sip:a@x>;expires=${granted}`);
  });

  test('too brief is 423 with Min-Expires', async () => {
    expect(await new Bench().register(['<sip:a@x>;expires=5'])).toEqual(['423', 'Min-Expires: 60']);
  });

  test('expires=0 removes one, * with Expires: 0 all, * without it is 400', async () => {
    const bench = new Bench();
    await bench.register(['<sip:a@x>', '<sip:b@x>', '<sip:c@x>']);
    expect(await bench.register(['<sip:b@x>;expires=0'])).toEqual(['200', '<sip:a@x>;expires=3600', '<sip:c@x>;expires=3600']);
    expect((await bench.register(['*']))[0]).toBe('400');
    expect(bench.at()).toHaveLength(2);
    expect(await bench.register(['*'], [['Expires', '0']])).toEqual(['200']);
    expect(bench.clock.pending).toBe(0);
  });

  test('several contacts are looked up by q, of equals the latest first', async () => {
    const bench = new Bench();
    await bench.register(['<sip:low@x>;q=0.1', '<sip:high@x>;q=0.9', '<sip:mid@x>;q=0.5']);
    bench.clock.advance(1000);
    await bench.register(['<sip:late@x>;q=0.5']);
    expect(bench.at()).toEqual(['sip:high@x', 'sip:late@x', 'sip:mid@x', 'sip:low@x']);
  });

  test('an address is the same however it is spelled (§19.1.4)', async () => {
    const bench = new Bench();
    await bench.register(['<sip:a@EXAMPLE.com;transport=tcp>']);
    await bench.register(['<sip:a@example.COM;transport=TCP>']);
    expect(bench.at()).toHaveLength(1);
    expect(bench.registrar.lookup('sips:alice@Example.com:5061;x=y')).toHaveLength(1);
  });

  test('an older CSeq of the same Call-ID changes nothing; another Call-ID may', async () => {
    const bench = new Bench();
    await bench.register(['<sip:a@x>'], [], { cseq: 5 });
    expect((await bench.register(['<sip:a@x>;expires=0'], [], { cseq: 4 }))[0]).toBe('500');
    expect((await bench.register(['*'], [['Expires', '0']], { cseq: 5 }))[0]).toBe('500');
    expect(bench.at()).toHaveLength(1);
    expect((await bench.register(['<sip:a@x>;expires=0'], [], { cseq: 1, callId: 'c2' }))[0]).toBe('200');
    expect(bench.at()).toEqual([]);
  });

  test('all of a request or nothing', async () => {
    const bench = new Bench({ maxContacts: 2 });
    expect((await bench.register(['<sip:a@x>', '<sip:b@x>;expires=5']))[0]).toBe('423');
    expect((await bench.register(['<sip:a@x>', '<sip:b@x>', '<sip:c@x>']))[0]).toBe('403');
    expect((await bench.register(['<sip:a@x>', '<not a uri>']))[0]).toBe('400');
    expect(bench.at()).toEqual([]);
  });

  test('tables are bounded: contacts of a user, users, contacts in one request', async () => {
    const bench = new Bench({ maxContacts: 2, maxUsers: 2 });
    await bench.register(['<sip:a@x>', '<sip:b@x>']);
    expect((await bench.register(['<sip:c@x>']))[0]).toBe('403');
    expect((await bench.register(['<sip:c@x>', '<sip:a@x>;expires=0']))[0]).toBe('200');
    await bench.register(['<sip:a@x>'], [], { aor: 'sip:bob@example.com', callId: 'b' });
    expect((await bench.register(['<sip:a@x>'], [], { aor: 'sip:carol@example.com', callId: 'c' }))[0]).toBe('503');
    expect((await bench.register(Array.from({ length: 33 }, (_, i) => `<sip:a@${i}.x>`)))[0]).toBe('403');
    expect(bench.registrar.size).toBe(2);
  });

  test('only our domains, and only addresses with a user', async () => {
    const bench = new Bench({ domains: ['Example.com'] });
    expect((await bench.register(['<sip:a@x>']))[0]).toBe('200');
    expect((await bench.register(['<sip:a@x>'], [], { aor: 'sip:alice@example.org', callId: 'o' }))[0]).toBe('404');
    expect((await bench.register(['<sip:a@x>'], [], { aor: 'sip:example.com', callId: 'n' }))[0]).toBe('400');
    expect((await bench.register(['<sip:a@x>'], [], { aor: 'tel:+1', callId: 't' }))[0]).toBe('400');
  });
});

describe('who may register', () => {
  const users = { alice: 'secret', bob: 'hidden' };
  const login = async (bench: Bench, user: string, password: string): Promise<number> => {
    const request = bench.request(['<sip:a@x>']);
    const asked = await bench.registrar.answer(request, flow);
    expect(asked.status).toBe(401);
    const retry = request.clone();
    new DigestClient({ random: new SeededRandom(2) }).answer(retry, new SipResponse(401, undefined, asked.headers), { user, password });
    return (await bench.registrar.answer(retry, flow)).status;
  };

  test('who knows the password of the address of record', async () => {
    const bench = new Bench({ users });
    expect(await login(bench, 'alice', 'secret')).toBe(200);
    expect(bench.at()).toEqual(['sip:a@x']);
  });

  test('not who does not, and not one user for another, unless it is said so', async () => {
    const bench = new Bench({ users });
    expect(await login(bench, 'alice', 'guess')).toBe(401);
    expect(await login(bench, 'bob', 'hidden')).toBe(403);
    expect(bench.at()).toEqual([]);
    expect(await login(new Bench({ users, mayRegister: (user) => user === 'bob' }), 'bob', 'hidden')).toBe(200);
  });
});

describe('RFC 5626 §6, RFC 5627, RFC 3327, RFC 3608', () => {
  const outbound: HeaderEntry[] = [['Supported', 'outbound, gruu, path']];
  const instance = '+sip.instance="<urn:uuid:1>"';

  test('the same instance and reg-id is the same binding, wherever it is now', async () => {
    const bench = new Bench();
    await bench.register([`<sip:a@192.0.2.1:1000>;reg-id=1;${instance}`], outbound);
    const answer = await bench.register([`<sip:a@192.0.2.1:2000>;reg-id=1;${instance}`], outbound, { callId: 'after a restart', cseq: 1 });
    expect(bench.at()).toEqual(['sip:a@192.0.2.1:2000']);
    expect(answer).toContain('Require: outbound');
    expect(answer).toContain('Flow-Timer: 120');
    await bench.register([`<sip:a@192.0.2.1:3000>;reg-id=2;${instance}`], outbound);
    expect(bench.at()).toHaveLength(2);
  });

  test('without outbound in Supported, or behind a proxy that does not keep the flow, reg-id says nothing', async () => {
    const bench = new Bench();
    expect(await bench.register([`<sip:a@192.0.2.1>;reg-id=1;${instance}`])).not.toContain('Require: outbound');
    expect(await bench.register([`<sip:a@192.0.2.1>;reg-id=1;${instance}`], outbound, { vias: 2 })).not.toContain('Require: outbound');
    const edge: HeaderEntry[] = [...outbound, ['Path', '<sip:edge.example;lr;ob>']];
    expect(await bench.register([`<sip:a@192.0.2.1>;reg-id=1;${instance}`], edge, { vias: 2 })).toContain('Require: outbound');
  });

  test('a public GRUU is given and leads to its own agent alone', async () => {
    const bench = new Bench();
    const answer = await bench.register([`<sip:a@192.0.2.1>;${instance}`], outbound);
    expect(answer[1]).toContain('pub-gruu="sip:alice@example.com;gr=urn:uuid:1"');
    await bench.register(['<sip:b@192.0.2.2>;+sip.instance="<urn:uuid:2>"'], outbound);
    expect(bench.at()).toHaveLength(2);
    expect(bench.at('sip:alice@example.com;gr=urn:uuid:2')).toEqual(['sip:b@192.0.2.2']);
    expect(bench.at('sip:alice@example.com;gr=urn:uuid:3')).toEqual([]);
  });

  test('Path is kept for the way back, and echoed; Service-Route is given', async () => {
    const bench = new Bench({ serviceRoute: ['<sip:home.example;lr>'] });
    const answer = await bench.register(['<sip:a@x>'], [...outbound, ['Path', '<sip:p1.example;lr>, <sip:p2.example;lr>']], { vias: 2 });
    expect(answer).toEqual(
      expect.arrayContaining(['Path: <sip:p1.example;lr>', 'Path: <sip:p2.example;lr>', 'Service-Route: <sip:home.example;lr>']),
    );
    const [location] = bench.registrar.lookup(AOR);
    expect(location!.path).toEqual(['<sip:p1.example;lr>', '<sip:p2.example;lr>']);
    expect(location!.flow).toBeUndefined();
  });
});

test('§10.3: a flood of REGISTERs of one user in any order leaves at most maxContacts bindings and one timer', async () => {
  const bench = new Bench({ maxContacts: 5 });
  const random = new SeededRandom(4);
  for (let i = 0; i < 2000; i++) {
    const expires = random.uint32() % 3 === 0 ? 0 : 60 + (random.uint32() % 100);
    await bench.register([`<sip:a@192.0.2.${random.uint32() % 20}>;expires=${expires}`], [], {
      callId: `c${random.uint32() % 10}`,
      cseq: random.uint32() % 1000,
    });
    bench.clock.advance(random.uint32() % 2000);
    expect(bench.at().length).toBeLessThanOrEqual(5);
    expect(bench.clock.pending).toBeLessThanOrEqual(1);
  }
  bench.clock.advance(200_000);
  expect([bench.registrar.size, bench.clock.pending]).toEqual([0, 0]);
});
