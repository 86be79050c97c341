import { describe, expect, test } from 'vitest';
import { OptionError, RegistrationError } from '../../../src/errors.js';
import type { HeaderEntry } from '../../../src/sip/message/headers.js';
import type { SipRequest } from '../../../src/sip/message/message.js';
import type { DatagramFlow } from '../../../src/sip/transport/flow.js';
import type { Resolver } from '../../../src/sip/transport/resolver.js';
import { Registrar, type RegistrarOptions } from '../../../src/sip/ua/registrar.js';
import { Registration } from '../../../src/sip/ua/registration.js';
import type { RegistrationOptions } from '../../../src/sip/ua/registration-options.js';
import type { UserAgent } from '../../../src/sip/ua/user-agent.js';
import type { UserAgentOptions } from '../../../src/sip/ua/user-agent-options.js';
import { NOTHING_LEFT, Town, within } from './two-agents.js';

const PBX = '192.0.2.100';
const PHONE = '192.0.2.1';
const ALICE = { uri: `sip:alice@${PBX}`, credentials: { user: 'alice', password: 'secret' } };

/** Events of a registration, each with the second it came at. */
function watch(town: Town, registration: Registration): string[] {
  const log: string[] = [];
  const at = (): number => Math.round(town.clock.now() / 1000);
  registration.on('registered', () => log.push(`${at()} registered`));
  registration.on('unregistered', (reason) => log.push(`${at()} unregistered ${reason}`));
  registration.on('failed', ({ status, willRetry }) => log.push(`${at()} failed ${status}${willRetry ? '' : ' for good'}`));
  return log;
}

const kinds = (log: readonly string[]): string[] => log.map((line) => line.slice(line.indexOf(' ') + 1));

interface Pbx {
  readonly agent: UserAgent;
  readonly registrar: Registrar;
}

async function pbx(town: Town, options: Partial<RegistrarOptions> = {}, agentOptions: UserAgentOptions = {}): Promise<Pbx> {
  const agent = await town.settle('pbx', PBX, agentOptions);
  const registrar = new Registrar({
    clock: agent.clock,
    random: agent.random,
    users: { alice: 'secret' },
    minExpiresS: 10,
    ...options,
  }).attach(agent);
  return { agent, registrar };
}

async function phone(
  town: Town,
  options: Partial<RegistrationOptions> = {},
  agentOptions: UserAgentOptions = {},
): Promise<{ agent: UserAgent; registration: Registration; log: string[] }> {
  const agent = await town.settle('phone', PHONE, agentOptions);
  const registration = new Registration(agent, { ...ALICE, ...options });
  return { agent, registration, log: watch(town, registration) };
}

/** A registrar that answers by script, and remembers what it was asked. */
async function scripted(
  town: Town,
  answer: (request: SipRequest, count: number) => { status: number; headers?: readonly HeaderEntry[] } | undefined,
  agentOptions: UserAgentOptions = {},
): Promise<SipRequest[]> {
  const agent = await town.settle('pbx', PBX, agentOptions);
  const asked: SipRequest[] = [];
  agent.handle('REGISTER', ({ request, ...incoming }) => {
    asked.push(request);
    const reply = answer(request, asked.length);
    if (reply !== undefined) incoming.transaction.reply(reply.status, reply.headers === undefined ? {} : { headers: reply.headers });
  });
  return asked;
}

/** 200 with the Contact as it was asked for. */
const granted = (request: SipRequest, headers: readonly HeaderEntry[] = []): { status: number; headers: HeaderEntry[] } => ({
  status: 200,
  headers: [
    ...request
      .headers('Contact')
      .filter((value) => !value.endsWith('expires=0'))
      .map((value): HeaderEntry => ['Contact', value]),
    ...headers,
  ],
});

describe.each(['udp', 'tcp'] as const)('over %s', (transport) => {
  const agentOptions = (host: string): UserAgentOptions => ({ listen: [{ transport, host, port: 5060 }] });
  const account = { uri: `sip:alice@${PBX};transport=${transport}` };

  test('§10.2: registers with digest, refreshes unasked, and takes the binding back; nothing is left', async () => {
    const town = new Town();
    const { registrar } = await pbx(town, {}, agentOptions(PBX));
    const { registration, log } = await phone(town, { ...account, expiresS: 60 }, agentOptions(PHONE));
    await within(town, registration.start());
    expect(registration.state).toBe('registered');
    const [location] = registrar.lookup('sip:alice@192.0.2.100');
    expect(location!.uri.user).toBe(registration.contactUser);
    expect(location!.uri.host).toBe(PHONE);
    const first = location!.expiresAt;
    await town.clock.run(600_000);
    expect(registrar.lookup(ALICE.uri)).toHaveLength(1);
    expect(registrar.lookup(ALICE.uri)[0]!.expiresAt).toBeGreaterThan(first + 500_000);
    await within(town, registration.stop());
    expect(registrar.lookup(ALICE.uri)).toEqual([]);
    expect(kinds(log)).toEqual(['registered', 'unregistered stopped']);
    registrar.close();
    expect(await town.close()).toEqual(NOTHING_LEFT);
  });

  test('a wrong password is a refusal that says what to check, and is asked once', async () => {
    const town = new Town();
    await pbx(town, {}, agentOptions(PBX));
    const { registration, log } = await phone(town, { ...account, credentials: { user: 'alice', password: 'guess' } }, agentOptions(PHONE));
    const refusal = within(town, registration.start());
    await expect(refusal).rejects.toThrow(RegistrationError);
    await expect(refusal).rejects.toMatchObject({
      status: 401,
      code: 'ERR_REGISTRATION',
      message: expect.stringContaining('password of sip:alice@192.0.2.100'),
    });
    await expect(refusal).rejects.not.toMatchObject({ message: expect.stringContaining('guess') });
    await town.clock.run(3_600_000);
    expect(kinds(log)).toEqual(['failed 401 for good']);
    expect(registration.state).toBe('refused');
  });
});

describe('what is sent', () => {
  test('§10.2: Request-URI without a user, To and From the address of record, one Call-ID, CSeq one higher each', async () => {
    const town = new Town();
    const asked = await scripted(town, (request) => granted(request));
    const { registration } = await phone(town, { displayName: 'Alice', expiresS: 60, headers: [['X-Site', '7']] });
    await within(town, registration.start());
    await town.clock.run(120_000);
    expect(asked.length).toBeGreaterThanOrEqual(3);
    const [first] = asked;
    expect(first!.uri.toString()).toBe(`sip:${PBX}`);
    expect([first!.to!.toString(), first!.from!.displayName, first!.header('X-Site')]).toEqual([`Alice <sip:alice@${PBX}>`, 'Alice', '7']);
    expect(new Set(asked.map(({ callId }) => callId)).size).toBe(1);
    expect(asked.map(({ cseq }) => cseq!.number)).toEqual(asked.map((_, i) => i + 1));
  });

  test('RFC 5626 §4.2: reg-id and instance; RFC 3327, RFC 5627: what we speak is in Supported', async () => {
    const town = new Town();
    const asked = await scripted(town, (request) => granted(request));
    const { registration } = await phone(town);
    await within(town, registration.start());
    const { contact, supported } = asked[0]!;
    expect(contact!.params.get('reg-id')).toBe('1');
    expect(contact!.params.get('+sip.instance')).toMatch(
      /^<urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}>$/,
    );
    expect(supported).toEqual(['path', 'outbound', 'gruu']);
  });

  test('with outbound off there is neither', async () => {
    const town = new Town();
    const asked = await scripted(town, (request) => granted(request));
    const { registration } = await phone(town, { outbound: 'off' });
    await within(town, registration.start());
    expect(asked[0]!.header('Contact')).not.toMatch(/reg-id|instance/);
    expect(asked[0]!.supported).toEqual(['path']);
  });

  test('through an outbound proxy, by a loose route', async () => {
    const town = new Town();
    const asked = await scripted(town, (request) => granted(request));
    const { registration } = await phone(town, { uri: 'sip:alice@example.com', outboundProxy: `sip:${PBX}` });
    await within(town, registration.start());
    expect([asked[0]!.uri.toString(), asked[0]!.header('Route')]).toEqual(['sip:example.com', `<sip:${PBX};lr>`]);
  });

  test('the Contact has a user nobody can guess, the same after a restart, another for another account, password or instance', async () => {
    const users: string[] = [];
    for (const options of [
      {},
      {},
      { uri: `sip:bob@${PBX}` },
      { credentials: { user: 'alice', password: 'other' } },
      { instanceId: 'b' },
      { regId: 2 },
    ]) {
      const { registration } = await phone(new Town(), options);
      expect(registration.contactUser).toMatch(/^[a-z2-7]{26}$/);
      users.push(registration.contactUser);
    }
    expect(users[0]).toBe(users[1]);
    expect(new Set(users).size).toBe(5);
  });

  test('options that make no sense are OptionErrors', async () => {
    for (const options of [
      { uri: 'alice' },
      { uri: 'sip:pbx.example.com' },
      { registrar: 'tel:+1' },
      { outboundProxy: 'a proxy' },
      { expiresS: 0 },
      { headers: [['X', 'a\r\nb']] as HeaderEntry[] },
    ]) {
      await expect(phone(new Town(), options)).rejects.toThrow(OptionError);
    }
  });
});

describe('what is answered', () => {
  test('§10.2.8: 423 is asked again with what the registrar wants', async () => {
    const town = new Town();
    const { registrar } = await pbx(town, { minExpiresS: 600, maxExpiresS: 7200 });
    const { registration, log } = await phone(town, { expiresS: 60 });
    await within(town, registration.start());
    expect(registrar.lookup(ALICE.uri)[0]!.expiresAt - town.clock.now()).toBeGreaterThan(590_000);
    expect(kinds(log)).toEqual(['registered']);
  });

  test('a registrar that wants for ever longer is given up', async () => {
    const town = new Town();
    const asked = await scripted(town, (_request, count) => ({ status: 423, headers: [['Min-Expires', String(600 * count)]] }));
    const { registration, log } = await phone(town);
    await within(town, registration.start());
    expect(asked).toHaveLength(6);
    expect(kinds(log)).toEqual(['failed 423']);
  });

  test('§10.2.4: what the registrar granted counts, not what was asked', async () => {
    const town = new Town();
    const asked = await scripted(town, (request) => ({ status: 200, headers: [['Contact', `<${request.contact!.uri}>;expires=20`]] }));
    const { registration } = await phone(town, { expiresS: 3600 });
    await within(town, registration.start());
    expect(registration.registered!.expiresS).toBe(20);
    await town.clock.run(18_100);
    expect(asked.length).toBe(2);
  });

  test('a 200 without a Contact is a 200; with Expires, that counts', async () => {
    const town = new Town();
    await scripted(town, () => ({ status: 200, headers: [['Expires', '77']] }));
    const { registration } = await phone(town);
    await within(town, registration.start());
    expect([registration.state, registration.registered!.expiresS]).toEqual(['registered', 77]);
  });

  test('RFC 3608, RFC 5627, RFC 7315: routes, GRUUs and other identities are there to be used', async () => {
    const town = new Town();
    await scripted(town, (request) => ({
      status: 200,
      headers: [
        ['Contact', `<${request.contact!.uri}>;expires=300;pub-gruu="sip:alice@${PBX};gr=urn:x";temp-gruu="sip:t.1@${PBX};gr"`],
        ['Service-Route', '<sip:a.example;lr>, <sip:b.example;lr>'],
        ['P-Associated-URI', '<sip:+15551234@example.com>'],
      ],
    }));
    const { registration } = await phone(town);
    await within(town, registration.start());
    expect(registration.registered).toMatchObject({
      serviceRoute: ['<sip:a.example;lr>', '<sip:b.example;lr>'],
      publicGruu: `sip:alice@${PBX};gr=urn:x`,
      temporaryGruu: `sip:t.1@${PBX};gr`,
      associatedUris: ['sip:+15551234@example.com'],
      isOutbound: false,
    });
  });

  test.each([403, 404, 405, 416, 501, 604])('%i is final, and says what to check', async (status) => {
    const town = new Town();
    const asked = await scripted(town, () => ({ status }));
    const { registration } = await phone(town);
    const failure = await within(town, registration.start()).catch((error: unknown) => error);
    expect(failure).toMatchObject({ status, code: 'ERR_REGISTRATION' });
    await town.clock.run(3_600_000);
    // A 403 is followed by one question: which bindings are there?
    expect(asked.length).toBe(status === 403 ? 2 : 1);
  });

  test.each([480, 500, 503, 600])('%i passes: it is tried again, and the promise of start is kept', async (status) => {
    const town = new Town();
    await scripted(town, (request, count) => (count < 4 ? { status } : granted(request)));
    const { registration, log } = await phone(town);
    await within(town, registration.start());
    expect([registration.state, registration.failure!.willRetry]).toEqual(['retrying', true]);
    await town.clock.run(120_000);
    expect(kinds(log)).toEqual([`failed ${status}`, 'registered']);
    expect(registration.failure).toBeUndefined();
  });

  test('§21.5.4: Retry-After is kept', async () => {
    const town = new Town();
    const at: number[] = [];
    await scripted(town, (request, count) => {
      at.push(Math.round(town.clock.now() / 1000));
      return count === 1 ? { status: 503, headers: [['Retry-After', '100']] } : granted(request);
    });
    const { registration } = await phone(town);
    await within(town, registration.start());
    await town.clock.run(120_000);
    expect(at).toEqual([0, 100]);
  });

  test('RFC 5626 §11.6: 439 is answered without outbound', async () => {
    const town = new Town();
    const asked = await scripted(town, (request) => (request.supported.includes('outbound') ? { status: 439 } : granted(request)));
    const { registration } = await phone(town);
    await within(town, registration.start());
    expect([registration.state, asked.length]).toEqual(['registered', 2]);
  });
});

describe('bindings of ours', () => {
  test('a PBX that allows one contact takes us after a restart on another port, and our old binding is gone', async () => {
    const town = new Town();
    const { registrar } = await pbx(town, { maxContacts: 1 });
    const before = await phone(town, { outbound: 'off' });
    await within(town, before.registration.start());
    town.network.isolate(PHONE);
    await within(town, before.agent.close());
    town.network.restore(PHONE);
    const agent = await town.settle('phone', PHONE, { listen: [{ transport: 'udp', host: PHONE, port: 5099 }] });
    const registration = new Registration(agent, { ...ALICE, outbound: 'off' });
    const log = watch(town, registration);
    await within(town, registration.start());
    expect(registrar.lookup(ALICE.uri).map(({ uri }) => uri.toString())).toEqual([`sip:${registration.contactUser}@${PHONE}:5099`]);
    expect(kinds(log)).toEqual(['registered']);
  });

  test('where several are allowed, what an earlier life of ours left is taken back; what others registered is not', async () => {
    const town = new Town();
    const { registrar } = await pbx(town);
    const other = new Registration(await town.settle('other', '192.0.2.7'), { ...ALICE, instanceId: 'other' });
    await within(town, other.start());
    const before = await phone(town, { outbound: 'off' });
    await within(town, before.registration.start());
    const agent = await town.settle('phone', '192.0.2.2', {});
    const registration = new Registration(agent, { ...ALICE, outbound: 'off' });
    await within(town, registration.start());
    expect(
      registrar
        .lookup(ALICE.uri)
        .map(({ uri }) => uri.host)
        .sort(),
    ).toEqual(['192.0.2.2', '192.0.2.7']);
  });

  test('a 403 for another reason stays a refusal', async () => {
    const town = new Town();
    const { registrar } = await pbx(town, { maxContacts: 1 });
    const other = new Registration(await town.settle('other', '192.0.2.7'), { ...ALICE, instanceId: 'other' });
    await within(town, other.start());
    const { registration } = await phone(town, { outbound: 'off' });
    await expect(within(town, registration.start())).rejects.toMatchObject({ status: 403 });
    expect(registrar.lookup(ALICE.uri).map(({ uri }) => uri.host)).toEqual(['192.0.2.7']);
  });
});

describe('behind a NAT', () => {
  test('RFC 3581 §4: the Contact is corrected to what the registrar sees, the wrong one taken back, and told once', async () => {
    const town = new Town();
    // A NAT of sorts: the registrar says in received and rport that we come from elsewhere.
    const asked = await scripted(town, (request) => {
      request.replaceFirst('Via', request.via!.withParam('received', '203.0.113.5').withParam('rport', '40001').toString());
      return granted(request);
    });
    const { registration, log } = await phone(town);
    await within(town, registration.start());
    await town.clock.run(1000);
    expect(
      asked.map((request) => request.headers('Contact').map((value) => /@([^>;]+)[>;].*expires=(\d+)/.exec(value)!.slice(1).join(' '))),
    ).toEqual([[`${PHONE}:5060 300`], ['203.0.113.5:40001 300', `${PHONE}:5060 0`]]);
    expect(registration.registered!.contact).toContain('203.0.113.5:40001');
    expect(kinds(log)).toEqual(['registered']);
  });

  test.each([
    ['rewriteContact off', { rewriteContact: 'off' as const }, {}],
    ['a fixed public address', {}, { publicAddress: '198.51.100.1', localNetworks: [] }],
  ])('with %s it is left alone', async (_rule, options, agentOptions) => {
    const town = new Town();
    const asked = await scripted(town, (request) => {
      request.replaceFirst('Via', request.via!.withParam('received', '203.0.113.5').withParam('rport', '40001').toString());
      return granted(request);
    });
    const { registration } = await phone(town, options, agentOptions);
    await within(town, registration.start());
    await town.clock.run(1000);
    expect(asked).toHaveLength(1);
  });

  test('a NAT that changes its mind with every request does not make us register for ever', async () => {
    const town = new Town();
    const asked = await scripted(town, (request, count) => {
      request.replaceFirst(
        'Via',
        request
          .via!.withParam('received', '203.0.113.5')
          .withParam('rport', String(40_000 + count))
          .toString(),
      );
      return granted(request);
    });
    const { registration } = await phone(town);
    await within(town, registration.start());
    await town.clock.run(100_000);
    expect(asked.length).toBeLessThanOrEqual(2);
  });
});

describe('it comes back by itself, and each state is told once', () => {
  test('the registrar is restarted and has forgotten everything: the next refresh registers anew', async () => {
    const town = new Town();
    const first = await pbx(town);
    const { registration, log } = await phone(town, { expiresS: 60 });
    await within(town, registration.start());
    first.registrar.close();
    await within(town, first.agent.close());
    await town.clock.run(10_000);
    const { registrar } = await pbx(town);
    expect(registrar.size).toBe(0);
    await town.clock.run(60_000);
    expect(registrar.lookup(ALICE.uri)).toHaveLength(1);
    expect(kinds(log)).toEqual(['registered']);
  });

  test('the registrar is away longer than the binding lasts', async () => {
    const town = new Town();
    const first = await pbx(town);
    const { registration, log } = await phone(town, { expiresS: 60 });
    await within(town, registration.start());
    first.registrar.close();
    await within(town, first.agent.close());
    await town.clock.run(600_000);
    expect(registration.registered).toBeUndefined();
    const { registrar } = await pbx(town);
    await town.clock.run(300_000);
    expect(registrar.lookup(ALICE.uri)).toHaveLength(1);
    expect(kinds(log)).toEqual(['registered', 'unregistered expired', 'failed 0', 'registered']);
  });

  test.each(['udp', 'tcp'] as const)('over %s: the network is away for two minutes', async (transport) => {
    const town = new Town();
    const listen = (host: string): UserAgentOptions => ({ listen: [{ transport, host, port: 5060 }] });
    const { registrar } = await pbx(town, {}, listen(PBX));
    const { registration, log } = await phone(town, { uri: `sip:alice@${PBX};transport=${transport}`, expiresS: 60 }, listen(PHONE));
    await within(town, registration.start());
    town.network.isolate(PHONE);
    await town.clock.run(120_000);
    expect(registration.state).toBe('retrying');
    expect(registrar.lookup(ALICE.uri)).toEqual([]);
    town.network.restore(PHONE);
    const restored = town.clock.now();
    await town.clock.runUntil(() => registration.state === 'registered', 130_000);
    expect(town.clock.now() - restored).toBeLessThanOrEqual(120_000);
    await town.clock.run(300_000);
    expect(registrar.lookup(ALICE.uri)).toHaveLength(1);
    expect(kinds(log)).toEqual(['registered', 'unregistered expired', 'failed 0', 'registered']);
  });

  test('the DNS fails: nothing is lost while it is remembered; at the start it is retried', async () => {
    const town = new Town();
    const { registrar } = await pbx(town, { domains: ['pbx.example'] });
    let works = false;
    const answer = async <T>(records: T[]): Promise<T[]> => {
      if (!works) throw Object.assign(new Error('queryA ESERVFAIL pbx.example'), { code: 'ESERVFAIL' });
      return records;
    };
    const resolver: Resolver = { naptr: () => answer([]), srv: () => answer([]), a: () => answer([PBX]), aaaa: () => answer([]) };
    const { registration, log } = await phone(town, { uri: 'sip:alice@pbx.example', expiresS: 60 }, { resolver });
    await within(town, registration.start());
    expect(registration.failure).toMatchObject({ status: 0, reason: expect.stringContaining('DNS'), willRetry: true });
    works = true;
    await town.clock.run(60_000);
    expect(registration.state).toBe('registered');
    works = false;
    await town.clock.run(3_600_000);
    expect(registrar.lookup('sip:alice@pbx.example')).toHaveLength(1);
    expect(kinds(log)).toEqual(['failed 0', 'registered']);
  });

  test('§4.3 of RFC 3263: of two servers, the one that answers; when it dies the other, without a word to the application', async () => {
    const town = new Town();
    const servers = ['192.0.2.101', '192.0.2.102'];
    const registrars: Registrar[] = [];
    for (const host of servers) {
      const agent = await town.settle('pbx', host);
      registrars.push(
        new Registrar({ clock: agent.clock, random: agent.random, users: { alice: 'secret' }, minExpiresS: 10 }).attach(agent),
      );
    }
    const resolver: Resolver = {
      naptr: async () => [],
      srv: async (name) =>
        name === '_sip._udp.pbx.example' ? servers.map((_server, i) => ({ name: `s${i}`, port: 5060, priority: i, weight: 0 })) : [],
      a: async (name) => (name.startsWith('s') ? [servers[Number(name[1])]!] : []),
      aaaa: async () => [],
    };
    const { registration, log } = await phone(town, { uri: 'sip:alice@pbx.example', expiresS: 300 }, { resolver });
    await within(town, registration.start());
    const at = (): string => registrars.map((registrar) => registrar.lookup('sip:alice@pbx.example').length).join(' ');
    expect(at()).toBe('1 0');
    town.network.isolate(servers[0]!);
    await town.clock.run(310_000);
    expect(at()).toBe('0 1');
    expect(kinds(log)).toEqual(['registered']);
  });

  test('RFC 5626 §4.4, §4.5: with an outbound registrar a flow that dies is noticed and replaced before the binding is', async () => {
    const town = new Town();
    const tcp = (host: string): UserAgentOptions => ({ listen: [{ transport: 'tcp', host, port: 5060 }] });
    const { registrar } = await pbx(town, { flowTimerS: 30 }, tcp(PBX));
    const { registration, log } = await phone(town, { uri: `sip:alice@${PBX};transport=tcp`, expiresS: 3600 }, tcp(PHONE));
    await within(town, registration.start());
    expect(registration.registered!.isOutbound).toBe(true);
    const before = registration.registered!.flow;
    town.network.isolate(PHONE);
    await town.clock.run(45_000);
    town.network.restore(PHONE);
    await town.clock.run(30_000);
    expect(before.isOpen).toBe(false);
    expect(registration.registered!.flow.isOpen).toBe(true);
    expect(registrar.lookup(ALICE.uri)).toHaveLength(1);
    expect(registrar.lookup(ALICE.uri)[0]!.flow!.isOpen).toBe(true);
    expect(kinds(log)).toEqual(['registered', 'failed 0', 'registered']);
  });

  test('stopped while nobody answers, it is over after stopWithinMs, and nothing is left', async () => {
    const town = new Town();
    await pbx(town);
    const { registration, log } = await phone(town);
    await within(town, registration.start());
    town.network.isolate(PBX);
    const start = town.clock.now();
    await within(town, registration.stop());
    expect(town.clock.now() - start).toBe(4000);
    expect(kinds(log)).toEqual(['registered', 'unregistered stopped']);
    expect(registration.state).toBe('unregistered');
  });

  test('stopped and started again, it is registered again', async () => {
    const town = new Town();
    const { registrar } = await pbx(town);
    const { registration, log } = await phone(town);
    await within(town, registration.start());
    void registration.stop();
    await within(town, registration.start());
    expect(registrar.lookup(ALICE.uri)).toHaveLength(1);
    expect(kinds(log)).toEqual(['registered', 'unregistered stopped', 'registered']);
  });

  test('this machine has another address: registered anew at once; the same one: nothing is sent', async () => {
    const town = new Town();
    const asked = await scripted(town, (request) => granted(request));
    const { agent, registration } = await phone(town);
    await within(town, registration.start());
    const flow = registration.registered!.flow as DatagramFlow;
    await registration.onNetworkChanged(new Set([PHONE]));
    await town.clock.run(1000);
    expect(asked).toHaveLength(1);
    // As if it had been another so far.
    flow.local = { address: '192.0.2.77', port: 5060 };
    expect(agent.contactFor(flow)).toContain('@192.0.2.77:5060');
    await registration.onNetworkChanged(new Set([PHONE]));
    await town.clock.run(1000);
    expect(asked.map((request) => request.contact?.uri?.host)).toEqual([PHONE, PHONE]);
    expect(agent.contactFor(flow)).toContain(`@${PHONE}:5060`);
  });

  test('a listener that throws ends nothing', async () => {
    const town = new Town();
    const { registrar } = await pbx(town);
    const { registration } = await phone(town, { expiresS: 60 });
    registration.on('registered', () => {
      throw new Error('a bug');
    });
    await within(town, registration.start());
    await town.clock.run(300_000);
    expect(registrar.lookup(ALICE.uri)).toHaveLength(1);
  });
});
