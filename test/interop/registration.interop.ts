/** Registration, and what travels outside calls, against real registrars: every transport, MD5 and SHA-256, and a restart in between. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test as base, describe, expect, inject } from 'vitest';
import type { Credentials } from '../../src/sip/auth/digest-client.js';
import type { TransportName } from '../../src/sip/transport/transport.js';
import type { OutgoingInvite } from '../../src/sip/ua/invite-outgoing.js';
import { Registration } from '../../src/sip/ua/registration.js';
import type { RegistrationOptions } from '../../src/sip/ua/registration-options.js';
import { UserAgent } from '../../src/sip/ua/user-agent.js';
import type { UserAgentOptions } from '../../src/sip/ua/user-agent-options.js';
import { at, sleep, until } from './peers/process.js';
import type { PeerAddress } from './setup.js';

const peers = inject('peers');
/** Where we live on the loopback. */
const HERE = at(13);

/** Agents of one test, closed with it: tests run beside each other. */
type Settle = (peer: PeerAddress, options?: UserAgentOptions) => Promise<UserAgent>;

const test = base.extend<{ settle: Settle }>({
  // biome-ignore lint/correctness/noEmptyPattern: what a fixture depends on is read from its pattern
  settle: async ({}, use) => {
    const agents: UserAgent[] = [];
    await use(async (peer, options) => {
      const agent = await agentFor(peer, options);
      agents.push(agent);
      return agent;
    });
    await Promise.all(agents.map((agent) => agent.close()));
  },
});

async function agentFor(peer: PeerAddress, options: UserAgentOptions = {}): Promise<UserAgent> {
  const agent = new UserAgent({ listen: [{ transport: 'udp', host: HERE }], tls: { ca: readFileSync(peer.caFile) }, ...options });
  await agent.start();
  return agent;
}

function portOf(peer: PeerAddress, transport: TransportName): number {
  return { udp: peer.port, tcp: peer.port, tls: peer.tlsPort, ws: peer.wsPort, wss: peer.wssPort }[transport];
}

/** sips leads to wss; `transport=ws` says the same of both (RFC 7118 §5.4). */
function registrarOf(peer: PeerAddress, transport: TransportName): string {
  const scheme = transport === 'wss' ? 'sips' : 'sip';
  return `${scheme}:${peer.host}:${portOf(peer, transport)};transport=${transport === 'wss' ? 'ws' : transport}`;
}

function account(peer: PeerAddress, user: string, transport: TransportName, password = `pw${user}`): RegistrationOptions {
  return { uri: `sip:${user}@${peer.host}`, registrar: registrarOf(peer, transport), credentials: { user, password } };
}

/** What the registrar itself says is bound (§10.2.3): the user parts of all Contacts. */
async function bound(
  agent: UserAgent,
  peer: PeerAddress,
  user: string,
  credentials: Credentials = { user, password: `pw${user}` },
): Promise<(string | undefined)[]> {
  const aor = `sip:${user}@${peer.host}`;
  const response = await agent.request({ method: 'REGISTER', uri: `sip:${peer.host}:${peer.port}`, from: aor, to: aor, credentials });
  expect(response.status).toBe(200);
  return response.contacts === '*' ? [] : response.contacts.map(({ uri }) => uri.user);
}

const sdp = {
  contentType: 'application/sdp',
  bytes: new TextEncoder().encode(
    ['v=0', `o=- 1 1 IN IP4 ${HERE}`, 's=-', `c=IN IP4 ${HERE}`, 't=0 0', 'm=audio 40000 RTP/AVP 0', ''].join('\r\n'),
  ),
};

function answered(call: OutgoingInvite): Promise<void> {
  return new Promise((resolve, reject) => {
    call.handler = {
      onSuccess: () => {
        resolve();
        return undefined;
      },
      onFailure: ({ status, reason }) => reject(new Error(`${status} ${reason}`)),
    };
  });
}

function told(registration: Registration): string[] {
  const log: string[] = [];
  registration.on('registered', () => log.push('registered'));
  registration.on('unregistered', (reason) => log.push(`unregistered ${reason}`));
  registration.on('failed', ({ status }) => log.push(`failed ${status}`));
  return log;
}

/** Resolves when so many 2xx to REGISTER have come. */
function accepted(agent: UserAgent, count: number): Promise<void> {
  return new Promise((resolve) => {
    let seen = 0;
    agent.on('trace', ({ direction, bytes }) => {
      const text = Buffer.from(bytes).toString('latin1');
      if (direction === 'in' && text.startsWith('SIP/2.0 200') && /^CSeq: *\d+ REGISTER/im.test(text) && ++seen === count) resolve();
    });
  });
}

interface Way {
  readonly transport: TransportName;
  readonly user: string;
  readonly digest: string;
}

const asteriskWays: readonly Way[] = (['udp', 'tcp', 'tls', 'ws', 'wss'] as const).flatMap((transport) => [
  { transport, user: '6001', digest: 'MD5' },
  { transport, user: '6008', digest: 'SHA-256' },
]);
const kamailioWays = (digest: string): Way[] =>
  (['udp', 'tcp', 'tls', 'ws'] as const).map((transport) => ({ transport, user: '7001', digest }));

const registrars = [
  ['Asterisk 22', peers.asterisk, asteriskWays],
  ['Kamailio', peers.kamailio, kamailioWays('MD5')],
  ['Kamailio', peers.kamailioSha256, kamailioWays('SHA-256')],
] as const;

for (const [name, peer, ways] of registrars) {
  // Beside each other: each waits for a refresh.
  describe.concurrent(name, { skip: peer === undefined }, () => {
    for (const { transport, user, digest } of ways) {
      test(`registers over ${transport}, ${digest}: bound, refreshed unasked, taken back; each told once`, async ({ settle }) => {
        const agent = await settle(peer!);
        const watcher = await settle(peer!);
        const registration = new Registration(agent, { ...account(peer!, user, transport), instanceId: transport, expiresS: 10 });
        const log = told(registration);
        const refreshed = accepted(agent, 2);
        await registration.start();
        expect(registration.state).toBe('registered');
        expect(registration.registered!.flow.transport).toBe(transport);
        expect(await bound(watcher, peer!, user)).toContain(registration.contactUser);
        await refreshed;
        await registration.stop();
        expect(await bound(watcher, peer!, user)).not.toContain(registration.contactUser);
        expect(log).toEqual(['registered', 'unregistered stopped']);
      });

      test(`refuses a wrong password over ${transport}, ${digest}, and we ask once`, async ({ settle }) => {
        const agent = await settle(peer!);
        let asked = 0;
        agent.on('trace', ({ direction }) => {
          if (direction === 'out') asked++;
        });
        const registration = new Registration(agent, account(peer!, user, transport, 'wrong'));
        await expect(registration.start()).rejects.toMatchObject({ code: 'ERR_REGISTRATION', status: 401 });
        expect(registration.state).toBe('refused');
        // Once without and once with the answer: a third would be a guess.
        expect(asked).toBe(2);
      });
    }
  });
}

describe.skipIf(peers.asterisk === undefined)('Asterisk 22', () => {
  test('one contact allowed: our process restarts without a word, and is registered at once', async ({ settle }) => {
    const peer = peers.asterisk!;
    const before = await settle(peer);
    const first = new Registration(before, account(peer, '6010', 'udp'));
    await first.start();
    await before.close();
    const after = await settle(peer);
    const second = new Registration(after, account(peer, '6010', 'udp'));
    const log = told(second);
    await second.start();
    expect(log).toEqual(['registered']);
    expect(second.contactUser).toBe(first.contactUser);
    expect(await bound(after, peer, '6010')).toEqual([second.contactUser]);
    await second.stop();
    expect(await bound(after, peer, '6010')).toEqual([]);
  });

  test('offers SHA-256 above MD5: the topmost is answered (RFC 8760 §2.4)', async ({ settle }) => {
    const peer = peers.asterisk!;
    const agent = await settle(peer);
    const algorithms: (string | undefined)[] = [];
    agent.on('trace', ({ direction, bytes }) => {
      const text = Buffer.from(bytes).toString('latin1');
      if (direction === 'out' && text.includes('Authorization: ')) algorithms.push(/algorithm=([\w-]+)/.exec(text)?.[1]);
    });
    const registration = new Registration(agent, account(peer, '6007', 'tcp'));
    await registration.start();
    expect(algorithms).toEqual(['SHA-256']);
    await registration.stop();
  });

  const as = (peer: PeerAddress, user: string) => ({ from: `sip:${user}@${peer.host}`, credentials: { user, password: `pw${user}` } });

  test('answers OPTIONS', async ({ settle }) => {
    const peer = peers.asterisk!;
    const agent = await settle(peer);
    const response = await agent.request({ method: 'OPTIONS', uri: `sip:600@${peer.host}:${peer.port}`, ...as(peer, '6001') });
    expect(response.status).toBe(200);
    expect(response.allow).toContain('INVITE');
  });

  test('carries MESSAGE to an agent registered there', async ({ settle }) => {
    const peer = peers.asterisk!;
    const callee = await settle(peer);
    const registration = new Registration(callee, account(peer, '6002', 'tcp'));
    await registration.start();
    const heard = new Promise<string>((resolve) => {
      callee.handle('MESSAGE', (incoming) => {
        incoming.reply(200);
        resolve(incoming.request.bodyText);
      });
    });
    const caller = await settle(peer);
    const response = await caller.request({
      method: 'MESSAGE',
      uri: `sip:950@${peer.host}:${peer.port}`,
      body: 'hello',
      ...as(peer, '6001'),
    });
    expect(response.status).toBe(202);
    expect(await heard).toBe('hello');
    await registration.stop();
  });

  test('takes DTMF by INFO', async ({ settle }) => {
    const peer = peers.asterisk!;
    const agent = await settle(peer);
    const call = agent.invite({
      uri: `sip:603@${peer.host}:${peer.port}`,
      body: sdp,
      ...as(peer, '6005'),
      from: `<sip:6005@${peer.host}>`,
    });
    await answered(call);
    // Keys that come before Read() listens are nobody's.
    await sleep(300);
    for (const digit of '4711') {
      const response = await call.info({ contentType: 'application/dtmf-relay', body: `Signal=${digit}\r\nDuration=160\r\n` });
      expect(response.status).toBe(200);
    }
    const log = join(peer.folder, 'dtmf.log');
    await until('Asterisk has read the digits', () => existsSync(log) && readFileSync(log, 'utf8').includes(`${call.callId} 4711`));
    await call.bye();
  });

  test.for([
    ['message-summary', '6001', 'application/simple-message-summary', 'Messages-Waiting'],
    ['presence', '700', 'application/pidf+xml', '<presence'],
    ['dialog', '700', 'application/dialog-info+xml', '<dialog-info'],
  ] as const)('notifies of %s', async ([event, user, type, content], { settle }) => {
    const peer = peers.asterisk!;
    const agent = await settle(peer);
    const subscription = agent.subscribe({
      uri: `sip:${user}@${peer.host}:${peer.port}`,
      event,
      accept: [type],
      expiresS: 60,
      ...as(peer, '6001'),
    });
    const ended = new Promise<string>((resolve) => subscription.on('ended', ({ reason }) => resolve(reason)));
    const body = await new Promise<string>((resolve, reject) => {
      subscription.on('notified', (notify) => {
        if (notify.body.length > 0) resolve(`${notify.header('Content-Type')} ${notify.bodyText}`);
      });
      void ended.then((reason) => reject(new Error(reason)));
    });
    expect(body.startsWith(type)).toBe(true);
    expect(body).toContain(content);
    subscription.unsubscribe();
    await ended;
  });
});

for (const [name, peer] of [
  ['Kamailio', peers.kamailio],
  ['Kamailio', peers.kamailioSha256],
] as const) {
  const digest = peer === peers.kamailio ? 'MD5' : 'SHA-256';
  describe.skipIf(peer === undefined)(name, () => {
    test(`answers OPTIONS, ${digest}`, async ({ settle }) => {
      const agent = await settle(peer!);
      expect((await agent.request({ method: 'OPTIONS', uri: `sip:${peer!.host}:${peer!.port}` })).status).toBe(200);
    });

    for (const transport of ['udp', 'tcp', 'tls', 'ws'] as const) {
      test(`carries INFO within a call to an agent registered over ${transport}, ${digest}`, async ({ settle }) => {
        const callee = await settle(peer!);
        const registration = new Registration(callee, account(peer!, '7003', transport));
        await registration.start();
        let accepted: Promise<unknown> | undefined;
        const heard = new Promise<string>((resolve) => {
          callee.on('invite', (incoming) => {
            incoming.handler = {
              onRequest: (request) => {
                resolve(`${request.method} ${request.bodyText}`);
                return { status: 200 };
              },
            };
            accepted = incoming.accept({ body: sdp });
          });
        });
        const caller = await settle(peer!);
        const call = caller.invite({
          uri: `sip:7003@${peer!.host}:${peer!.port}`,
          from: `<sip:7001@${peer!.host}>`,
          credentials: { user: '7001', password: 'pw7001' },
          body: sdp,
        });
        await answered(call);
        await accepted;
        expect((await call.info({ contentType: 'text/plain', body: 'hello' })).status).toBe(200);
        expect(await heard).toBe('INFO hello');
        await call.bye();
        await registration.stop();
      });

      test(`carries MESSAGE, PUBLISH and SUBSCRIBE with its NOTIFY to an agent registered over ${transport}, ${digest}`, async ({
        settle,
      }) => {
        const callee = await settle(peer!, { listen: [{ transport: 'udp', host: HERE }], eventPackages: ['presence'] });
        const registration = new Registration(callee, account(peer!, '7002', transport));
        await registration.start();
        const caller = await settle(peer!);
        const uri = `sip:7002@${peer!.host}:${peer!.port}`;
        const common = { uri, from: `sip:7001@${peer!.host}`, credentials: { user: '7001', password: 'pw7001' } };
        const bodies: string[] = [];
        for (const method of ['MESSAGE', 'PUBLISH']) {
          callee.handle(method, (incoming) => {
            bodies.push(`${method} ${incoming.request.bodyText}`);
            incoming.reply(
              200,
              method === 'PUBLISH'
                ? {
                    headers: [
                      ['SIP-ETag', 'e1'],
                      ['Expires', '60'],
                    ],
                  }
                : {},
            );
          });
        }
        const message = await caller.request({ method: 'MESSAGE', body: 'hello', ...common });
        const publish = await caller.request({
          method: 'PUBLISH',
          body: '<presence/>',
          contentType: 'application/pidf+xml',
          headers: [
            ['Event', 'presence'],
            ['Expires', '60'],
          ],
          ...common,
        });
        expect([message.status, publish.status, publish.header('SIP-ETag')]).toEqual([200, 200, 'e1']);
        expect(bodies).toEqual(['MESSAGE hello', 'PUBLISH <presence/>']);

        callee.on('subscribe', (incoming) => {
          incoming.accept(() => ({ contentType: 'application/pidf+xml', bytes: new TextEncoder().encode('<presence>here</presence>') }));
        });
        const subscription = caller.subscribe({ event: 'presence', expiresS: 60, ...common });
        const ended = new Promise<string>((resolve) => subscription.on('ended', ({ reason }) => resolve(reason)));
        const notified = await new Promise<string>((resolve) => {
          subscription.on('notified', (notify) => {
            if (notify.body.length > 0) resolve(notify.bodyText);
          });
        });
        expect(notified).toBe('<presence>here</presence>');
        subscription.unsubscribe();
        await ended;
        await registration.stop();
      });
    }
  });
}
