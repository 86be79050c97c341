import { describe, expect, test } from 'vitest';
import { DigestServer } from '../../../src/sip/auth/digest-server.js';
import { type SipMessage, SipRequest } from '../../../src/sip/message/message.js';
import { parse } from '../../../src/sip/message/parse.js';
import { isParseFailure, type ParseFailure } from '../../../src/sip/message/parse-failure.js';
import type { Admission } from '../../../src/sip/ua/admission.js';
import { isLocal } from '../../../src/sip/ua/local-response.js';
import type { TraceEntry } from '../../../src/sip/ua/user-agent-options.js';
import { SeededRandom } from '../../../src/testing/seeded-random.js';
import { NOTHING_LEFT, Town, within } from './two-agents.js';

const A = '10.0.0.1';
const B = '10.0.0.2';

/** A far end of bytes: sends what it is told, keeps what it gets. */
async function stranger(town: Town, host = '10.0.0.9') {
  const socket = await town.network.datagram({ host, port: 5060 });
  const got: SipMessage[] = [];
  socket.onMessage = (bytes) => {
    const message = parse(bytes);
    if (!isParseFailure(message)) got.push(message);
  };
  return {
    got,
    async say(text: string, to = B): Promise<SipMessage[]> {
      got.length = 0;
      const bytes = new TextEncoder().encode(text.replaceAll('\n', '\r\n'));
      socket.send(bytes, 0, bytes.length, 5060, to);
      await town.clock.run(100);
      return got;
    },
    close: () => socket.close(),
  };
}

let serial = 0;
const raw = (method: string, extra = '', { uri = `sip:bob@${B}`, toTag = '', body = '' } = {}) => {
  const id = ++serial;
  return `${method} ${uri} SIP/2.0
Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK${id};rport
Max-Forwards: 70
From: <sip:x@10.0.0.9>;tag=x${id}
To: <sip:bob@${B}>${toTag}
Call-ID: c${id}
CSeq: 1 ${method}
${extra}Content-Length: ${body.length}

${body}`;
};

describe('what an agent answers by itself, RFC 3261 §8.2 and §11.2', () => {
  const cases: readonly (readonly [name: string, request: string, status: number, header?: readonly [string, string]])[] = [
    ['§11.2 OPTIONS: what an INVITE would find', raw('OPTIONS'), 200, ['Accept', 'application/sdp']],
    [
      '§8.2.1 a method that exists and is not handled: 405',
      raw('REGISTER'),
      405,
      ['Allow', 'INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY, MESSAGE'],
    ],
    ['§8.2.1 a method that does not exist: 501', raw('FROBNICATE'), 501],
    ['§8.2.2.1 a scheme we do not know: 416', raw('OPTIONS', '', { uri: 'mailto:bob@example.com' }), 416],
    ['§8.2.2.3 an extension we do not know: 420', raw('OPTIONS', 'Require: 100rel, foo\nRequire: bar\n'), 420, ['Unsupported', 'foo']],
    ['§8.2.2.3 Proxy-Require is for proxies', raw('OPTIONS', 'Proxy-Require: foo\n'), 200],
    [
      '§8.2.3 a body type the handler does not take: 415',
      raw('MESSAGE', 'Content-Type: text/html\n', { body: '<b>' }),
      415,
      ['Accept', 'text/plain'],
    ],
    [
      '§8.2.3 a body that need not be understood',
      raw('MESSAGE', 'Content-Type: text/html\nContent-Disposition: render;handling=optional\n', { body: '<b>' }),
      200,
    ],
    [
      '§8.2.3 an encoding we do not know: 415',
      raw('MESSAGE', 'Content-Type: text/plain\nContent-Encoding: gzip\n', { body: 'x' }),
      415,
      ['Accept-Encoding', 'identity'],
    ],
    [
      '§8.2.3 an INVITE with a body that describes no session: 415',
      raw('INVITE', 'Contact: <sip:x@10.0.0.9>\nContent-Type: text/plain\n', { body: 'x' }),
      415,
      ['Accept', 'application/sdp'],
    ],
    ['§12.2.2 a request within a dialog nobody has: 481', raw('INFO', '', { toTag: ';tag=gone' }), 481],
    ['§15.1.2 a BYE without a dialog: 481', raw('BYE'), 481],
    ['RFC 6665 §4.1.3 a NOTIFY without a subscription: 481', raw('NOTIFY'), 481],
    ['§9.2 a CANCEL of nothing: 481', raw('CANCEL'), 481],
    ['an INVITE when nobody listens for calls: 480', raw('INVITE', 'Contact: <sip:x@10.0.0.9>\n'), 480],
    ['§8.1.1.8 an INVITE that does not say where its dialog is: 400', raw('INVITE'), 400],
    ['RFC 3515 §2.4.1 nor a REFER: 400', raw('REFER', 'Refer-To: <sip:c@d>\n'), 400],
    ['§8.1.1.1 without Call-ID: 400', raw('OPTIONS').replace(/Call-ID:.*\n/, ''), 400],
    ['§8.1.1.5 a CSeq of another method: 400', raw('OPTIONS').replace('1 OPTIONS', '1 INVITE'), 400],
    ['§18.3 a body shorter than its Content-Length: 400', raw('OPTIONS').replace('Content-Length: 0', 'Content-Length: 10'), 400],
    ['§7.1 another version of SIP: 505', raw('OPTIONS').replace('SIP/2.0\n', 'SIP/7.0\n'), 505],
    ['Max-Forwards 0 has arrived where it was going', raw('OPTIONS').replace('Max-Forwards: 70', 'Max-Forwards: 0'), 200],
  ];
  for (const [name, request, status, header] of cases)
    test(name, async () => {
      const town = new Town();
      const bob = await town.settle('bob', B);
      bob.handle('MESSAGE', (incoming) => incoming.reply(200), { accept: ['text/plain'] });
      const far = await stranger(town);
      const got = await far.say(request);
      expect(got.map((message) => (message.kind === 'response' ? message.status : message.method))).toEqual([status]);
      if (header !== undefined) expect(got[0]!.header(header[0])).toBe(header[0] === 'Allow' ? 'INVITE' : header[1]);
      if (header?.[0] === 'Allow') expect(got[0]!.allow.join(', ')).toBe(header[1]);
      expect(got[0]!.to?.tag === undefined).toBe(false);
      far.close();
      expect(await town.close()).toEqual(NOTHING_LEFT);
    });

  test('§8.2.2.3 every unknown extension is named', async () => {
    const town = new Town();
    await town.settle('bob', B);
    const far = await stranger(town);
    const [answer] = await far.say(raw('OPTIONS', 'Require: 100rel, foo\nRequire: bar\n'));
    expect(answer!.unsupported).toEqual(['foo', 'bar']);
  });

  test('a response nobody asked for, and bytes that are nothing, are dropped and counted', async () => {
    const town = new Town();
    const bob = await town.settle('bob', B);
    const far = await stranger(town);
    expect(
      await far.say(
        'SIP/2.0 200 OK\nVia: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bKx\nFrom: <sip:a@b>;tag=1\nTo: <sip:a@b>\nCall-ID: 1\nCSeq: 1 INVITE\n\n',
      ),
    ).toEqual([]);
    expect(await far.say('hello\n\n')).toEqual([]);
    const { transport, transactions, malformed } = bob.stats();
    expect(transport.notOurs + transactions.strayResponses).toBe(1);
    expect(malformed).toBe(1);
  });

  test('a handler that throws or rejects answers 500, and the agent lives', async () => {
    const town = new Town();
    const bob = await town.settle('bob', B);
    const far = await stranger(town);
    bob.handle('INFO', () => {});
    bob.handle('MESSAGE', () => {
      throw new Error('boom');
    });
    bob.handle('PUBLISH', async () => {
      throw new Error('boom');
    });
    for (const method of ['MESSAGE', 'PUBLISH']) expect((await far.say(raw(method)))[0]).toMatchObject({ status: 500 });
    expect((await far.say(raw('OPTIONS')))[0]).toMatchObject({ status: 200 });
  });
});

describe('who may talk to us', () => {
  test('the guard is asked once for each new request and each unreadable one, before anything is kept', async () => {
    const town = new Town();
    const asked: (SipRequest | ParseFailure)[] = [];
    let verdict: Admission = 'accept';
    const bob = await town.settle('bob', B, {
      admit: (what) => {
        asked.push(what);
        return verdict;
      },
    });
    const far = await stranger(town);
    const once = raw('OPTIONS');
    await far.say(once);
    await far.say(once);
    expect([asked.length, asked[0] instanceof SipRequest]).toEqual([1, true]);
    verdict = 'drop';
    expect(await far.say(raw('OPTIONS'))).toEqual([]);
    expect(await far.say(raw('OPTIONS').replace(/Call-ID:.*\n/, ''))).toEqual([]);
    verdict = { status: 403, headers: [['Warning', '399 b "no"']] };
    expect((await far.say(raw('INVITE')))[0]!.header('Warning')).toBe('399 b "no"');
    expect([asked.length, bob.stats().transactions.servers]).toEqual([4, 1]);
  });

  test('a challenge is stateless; whoever answers it is known by name to the handler', async () => {
    const town = new Town();
    const users: (string | undefined)[] = [];
    const bob = await town.settle('bob', B, {
      admit: () => 'challenge',
      authenticate: {
        challenge: () => ({ status: 401, headers: [['WWW-Authenticate', 'Digest realm="x", nonce="1"']] }),
        check: async (request) =>
          request.header('Authorization')?.includes('right') === true
            ? { type: 'accepted', user: 'x' }
            : { type: 'challenge', status: 401, headers: [['WWW-Authenticate', 'Digest realm="x", nonce="2"']] },
      },
    });
    bob.handle('MESSAGE', (incoming) => {
      users.push(incoming.user);
      incoming.reply(202);
    });
    const far = await stranger(town);
    expect((await far.say(raw('MESSAGE')))[0]!.header('WWW-Authenticate')).toContain('nonce="1"');
    expect(bob.stats().transactions.servers).toBe(0);
    expect((await far.say(raw('MESSAGE', 'Authorization: Digest wrong="1"\n')))[0]!.header('WWW-Authenticate')).toContain('nonce="2"');
    expect((await far.say(raw('MESSAGE', 'Authorization: Digest right="1"\n')))[0]).toMatchObject({ status: 202 });
    expect(users).toEqual(['x']);
  });
});

describe('requests of ours', () => {
  test('any method to any agent: the promise is the final response; Via, Max-Forwards, User-Agent, Contact are put in', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A);
    const bob = await town.settle('bob', B);
    const seen: SipRequest[] = [];
    bob.handle('FROB', (incoming) => {
      seen.push(incoming.request);
      incoming.reply(299, { reason: 'Frobbed', body: 'yes', contentType: 'text/plain' });
    });
    const response = await within(
      town,
      alice.request({ method: 'FROB', uri: `sip:bob@${B};x=1?Subject=no`, body: 'please', contact: true, headers: [['X-A', 'b']] }),
    );
    expect([response.status, response.reason, response.bodyText, isLocal(response)]).toEqual([299, 'Frobbed', 'yes', false]);
    const request = seen[0]!;
    expect(`${request.uri}`).toBe(`sip:bob@${B};x=1`);
    expect(request.header('Contact')).toBe('<sip:alice@10.0.0.1:5060>');
    expect([request.maxForwards, request.userAgent, request.header('X-A'), request.bodyText]).toEqual([70, 'sipbot', 'b', 'please']);
    expect(request.via).toMatchObject({ host: A, port: 5060, transport: 'UDP' });
    expect(await town.close()).toEqual(NOTHING_LEFT);
  });

  test('§8.1.2 a loose route is where it goes; a strict one changes places with the Request-URI', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A);
    const bob = await town.settle('bob', B);
    const seen: SipRequest[] = [];
    bob.handle('FROB', (incoming) => {
      seen.push(incoming.request);
      incoming.reply(200);
    });
    const far = { method: 'FROB', uri: 'sip:carol@10.9.9.9' };
    await within(town, alice.request({ ...far, route: [`<sip:${B};lr>`, '<sip:p2.example;lr>'] }));
    await within(town, alice.request({ ...far, route: [`<sip:${B}>`, '<sip:p2.example;lr>'] }));
    expect(seen.map(({ uri }) => `${uri}`)).toEqual(['sip:carol@10.9.9.9', `sip:${B}`]);
    expect(seen.map((request) => request.headers('Route'))).toEqual([
      [`<sip:${B};lr>`, '<sip:p2.example;lr>'],
      ['<sip:p2.example;lr>', '<sip:carol@10.9.9.9>'],
    ]);
  });

  test('§8.1.3.1 no answer is a 408 of ours after Timer F, and the tables are empty', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A);
    const response = await within(town, alice.request({ method: 'OPTIONS', uri: 'sip:nobody@10.0.0.77' }));
    expect([response.status, isLocal(response), town.clock.now()]).toEqual([408, true, 32_000]);
    expect(await town.close()).toEqual(NOTHING_LEFT);
  });

  test('a name that leads nowhere is a 404 of ours, a DNS that fails a 503', async () => {
    const town = new Town();
    const none = async () => [];
    let dns: () => Promise<never[]> = none;
    const resolver = { naptr: () => dns(), srv: () => dns(), a: () => dns(), aaaa: () => dns() };
    const alice = await town.settle('alice', A, { resolver });
    expect((await within(town, alice.request({ method: 'OPTIONS', uri: 'sip:nowhere.example' }))).status).toBe(404);
    dns = async () => {
      throw new Error('SERVFAIL');
    };
    expect((await within(town, alice.request({ method: 'OPTIONS', uri: 'sip:broken.example' }))).status).toBe(503);
  });

  test('RFC 3263 §4.3 no answer, then 503, then the third: each with a branch of its own, the rest the same', async () => {
    const town = new Town();
    const resolver = {
      naptr: async () => [],
      srv: async (name: string) =>
        name.startsWith('_sip._udp') ? [3, 2, 4].map((n, i) => ({ priority: i, weight: 0, port: 5060, name: `s${n}.example` })) : [],
      a: async (name: string) => [`10.0.0.${name[1]}`],
      aaaa: async () => [],
    };
    const alice = await town.settle('alice', A, { resolver, timers: { F: 2000 } });
    const bob = await town.settle('bob', B);
    const carol = await town.settle('carol', '10.0.0.4');
    const seen: SipRequest[] = [];
    for (const [agent, status] of [
      [bob, 503],
      [carol, 200],
    ] as const)
      agent.handle('MESSAGE', (incoming) => {
        seen.push(incoming.request);
        incoming.reply(status);
      });
    const sent: string[] = [];
    const onSent = (request: SipRequest) => sent.push(`${request.via!.branch} ${request.callId} ${request.cseq!.number}`);
    const response = await within(town, alice.request({ method: 'MESSAGE', uri: 'sip:pool.example', body: 'hi', onSent }));
    expect([response.status, seen.length, sent.length, new Set(sent).size]).toEqual([200, 2, 3, 3]);
    expect(new Set(sent.map((line) => line.split(' ').slice(1).join(' '))).size).toBe(1);
    // Those that failed are remembered: the next request goes to the third at once.
    await within(town, alice.request({ method: 'MESSAGE', uri: 'sip:pool.example', body: 'hi' }));
    expect(seen.length).toBe(3);
    expect(await town.close()).toEqual(NOTHING_LEFT);
  });

  test('§18.1.1 more than 1300 bytes go over TCP, Via says so, and back to UDP where nobody takes TCP', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A);
    const bob = await town.settle('bob', B, {
      listen: [
        { transport: 'udp', host: B, port: 5060 },
        { transport: 'tcp', host: B, port: 5060 },
      ],
    });
    const carol = await town.settle('carol', '10.0.0.3');
    const ways: string[] = [];
    for (const agent of [bob, carol])
      agent.handle('MESSAGE', (incoming) => {
        ways.push(`${incoming.flow.transport} ${incoming.request.via!.transport} ${incoming.request.header('Contact')}`);
        incoming.reply(200);
      });
    for (const [host, size] of [
      [B, 1400],
      [B, 10],
      ['10.0.0.3', 1400],
      ['10.0.0.3', 1400],
    ] as const)
      await within(town, alice.request({ method: 'MESSAGE', uri: `sip:x@${host}`, body: 'x'.repeat(size), contact: true }));
    expect(ways).toEqual([
      'tcp TCP <sip:alice@10.0.0.1:5060>',
      'udp UDP <sip:alice@10.0.0.1:5060>',
      'udp UDP <sip:alice@10.0.0.1:5060>',
      'udp UDP <sip:alice@10.0.0.1:5060>',
    ]);
    expect(await town.close()).toEqual(NOTHING_LEFT);
  });

  test('§18.1.1 where TCP is swallowed, UDP goes out after a second, and the next time at once', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A);
    const bob = await town.settle('bob', B);
    bob.handle('MESSAGE', (incoming) => incoming.reply(200));
    const { connect } = town.network;
    town.network.connect = () => new Promise(() => {});
    const large = { method: 'MESSAGE', uri: `sip:x@${B}`, body: 'x'.repeat(1400) };
    await within(town, alice.request(large));
    const first = town.clock.now();
    await within(town, alice.request(large));
    expect([first >= 1000 && first < 1200, town.clock.now() - first < 200]).toEqual([true, true]);
    town.network.connect = connect;
    expect(await town.close()).toEqual(NOTHING_LEFT);
  });

  test('§18.1.1 what no datagram can carry and nobody takes over TCP is a 503 of ours at once, and harms no other request', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A);
    const bob = await town.settle('bob', B);
    bob.handle('MESSAGE', (incoming) => void town.clock.at(town.clock.now() + 300, () => incoming.reply(200)));
    const other = alice.request({ method: 'MESSAGE', uri: `sip:x@${B}`, body: 'x' });
    const response = await within(town, alice.request({ method: 'MESSAGE', uri: `sip:x@${B}`, body: 'x'.repeat(70_000) }));
    expect([response.status, isLocal(response), town.clock.now() < 100]).toEqual([503, true, true]);
    expect((await within(town, other)).status).toBe(200);
  });

  test('an aborted request is a 487 of ours, and nobody waits', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A);
    const stop = new AbortController();
    const response = alice.request({ method: 'OPTIONS', uri: 'sip:nobody@10.0.0.77', signal: stop.signal });
    await town.clock.run(100);
    stop.abort();
    expect(await response).toMatchObject({ status: 487 });
    expect(await within(town, alice.request({ method: 'OPTIONS', uri: `sip:${B}`, signal: stop.signal }))).toMatchObject({ status: 487 });
    expect(await town.close()).toEqual(NOTHING_LEFT);
  });

  test('a flow that is closed is not replaced behind the caller’s back', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A);
    await town.settle('bob', B, { listen: [{ transport: 'tcp', host: B, port: 5060 }] });
    const flow = await within(town, alice.transports.flowTo({ transport: 'tcp', address: B, port: 5060, host: B }));
    expect((await within(town, alice.request({ method: 'OPTIONS', uri: `sip:${B}`, flow }))).status).toBe(200);
    flow.close();
    await town.clock.run(100);
    expect((await within(town, alice.request({ method: 'OPTIONS', uri: `sip:${B}`, flow }))).status).toBe(503);
  });

  test('§17.1.4 the connection breaks before an answer: 503 of ours at once', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A);
    const bob = await town.settle('bob', B, { listen: [{ transport: 'tcp', host: B, port: 5060 }] });
    bob.handle('MESSAGE', (incoming) => incoming.flow.close());
    const response = await within(town, alice.request({ method: 'MESSAGE', uri: `sip:${B};transport=tcp`, body: 'x' }));
    expect([response.status, isLocal(response), town.clock.now() < 1000]).toEqual([503, true, true]);
  });
});

describe('calls and subscriptions, wired', () => {
  test('RFC 6665 §4 a package we know reaches the listener, its NOTIFY the subscriber; another gets 489; no packages: 405', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A);
    const bob = await town.settle('bob', B, { eventPackages: ['presence'] });
    await town.settle('carol', '10.0.0.3');
    bob.on('subscribe', (incoming) => incoming.accept(() => ({ contentType: 'text/plain', bytes: new TextEncoder().encode('open') })));
    const heard: string[] = [];
    const subscribe = (name: string, host: string, event: string) => {
      const subscription = alice.subscribe({ uri: `sip:${host}`, from: `<sip:alice@${A}>`, event });
      subscription.on('notified', (_notify, body) => void heard.push(`${name} notified ${new TextDecoder().decode(body?.bytes)}`));
      subscription.on('ended', ({ reason, response }) => void heard.push(`${name} ended ${reason} ${response?.status}`));
      return subscription;
    };
    subscribe('presence', B, 'presence');
    subscribe('dialog', B, 'dialog');
    subscribe('carol', '10.0.0.3', 'presence');
    await town.clock.run(1000);
    expect(heard.sort()).toEqual(['carol ended refused 405', 'dialog ended refused 489', 'presence notified open']);
    expect((await within(town, alice.request({ method: 'OPTIONS', uri: `sip:${B}` }))).header('Allow-Events')).toBe('presence');
    expect(await town.close()).toEqual(NOTHING_LEFT);
  });

  test('a listener that throws costs its own call or subscription, not the agent', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A);
    const bob = await town.settle('bob', B, { eventPackages: ['presence'] });
    for (const event of ['invite', 'subscribe'] as const)
      bob.on(event, () => {
        throw new Error('boom');
      });
    const statuses: number[] = [];
    alice.invite({ uri: `sip:${B}`, from: `<sip:alice@${A}>`, handler: { onFailure: ({ status }) => void statuses.push(status) } });
    const subscription = alice.subscribe({ uri: `sip:${B}`, from: `<sip:alice@${A}>`, event: 'presence', keep: false });
    subscription.on('ended', ({ response }) => void statuses.push(response!.status));
    await town.clock.run(1000);
    expect([statuses.length, statuses.every((status) => status >= 400)]).toEqual([2, true]);
    expect(bob.stats().dialogs).toBe(0);
    expect(await town.close()).toEqual(NOTHING_LEFT);
  });

  test('who answered the challenge is told to the listener of a call', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A, { credentials: { user: 'alice', password: 'secret' } });
    const bob = await town.settle('bob', B, {
      admit: () => 'challenge',
      authenticate: new DigestServer({ realm: 'b', users: { alice: 'secret' }, random: new SeededRandom(1), clock: town.clock }),
    });
    const users: (string | undefined)[] = [];
    bob.on('invite', (incoming, user) => {
      users.push(user);
      incoming.reject(486);
    });
    alice.invite({ uri: `sip:${B}`, from: `<sip:alice@${A}>` });
    await town.clock.run(1000);
    expect(users).toEqual(['alice']);
  });

  test('publicAddress auto: what the first answer says of us is what the next request says', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A, { publicAddress: 'auto', localNetworks: [] });
    const bob = await town.settle('bob', B);
    const contacts: string[] = [];
    bob.handle('INFO', (incoming) => {
      contacts.push(incoming.request.header('Contact')!);
      const via = incoming.request.via!;
      // A NAT between the two would have made bob see, and say, another address.
      const params = via.params.with('received', '198.51.100.9').with('rport', '40001');
      incoming.request.replaceFirst('Via', via.with({ params }).toString());
      incoming.reply(200);
    });
    for (let i = 0; i < 2; i++) await within(town, alice.request({ method: 'INFO', uri: `sip:${B}`, contact: true }));
    expect(contacts).toEqual([`<sip:alice@${A}:5060>`, '<sip:alice@198.51.100.9:40001>']);
  });
});

describe('the end, and what is seen', () => {
  test('close with requests under way both ways: each is answered, everything is empty', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A);
    const bob = await town.settle('bob', B);
    bob.handle('MESSAGE', () => {});
    const pending = [
      alice.request({ method: 'MESSAGE', uri: `sip:${B}`, body: 'x' }),
      alice.request({ method: 'OPTIONS', uri: 'sip:10.0.0.77' }),
      alice.request({ method: 'OPTIONS', uri: 'sip:10.0.0.78;transport=tcp' }),
    ];
    await town.clock.run(50);
    expect(await town.close()).toEqual(NOTHING_LEFT);
    expect((await Promise.all(pending)).map((response) => [response.status, isLocal(response)])).toEqual([
      [503, true],
      [503, true],
      [503, true],
    ]);
    expect(town.clock.pending).toBe(0);
  });

  test('closing twice is closing once; an address that is taken rejects start and leaves nothing open', async () => {
    const town = new Town();
    await town.settle('bob', B);
    await expect(
      town.settle('bob again', A, {
        listen: [
          { transport: 'udp', host: A, port: 5060 },
          { transport: 'udp', host: B, port: 5060 },
        ],
      }),
    ).rejects.toMatchObject({ code: 'ERR_LISTEN' });
    const [bob] = town.agents;
    expect(bob!.close()).toBe(bob!.close());
    expect(await town.close()).toEqual(NOTHING_LEFT);
  });

  test('the tracer sees every message, both ways, and is not asked for when nobody listens', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A);
    const bob = await town.settle('bob', B);
    const seen: TraceEntry[] = [];
    const listener = (entry: TraceEntry) => void seen.push(entry);
    bob.on('trace', listener);
    await within(town, alice.request({ method: 'OPTIONS', uri: `sip:${B}` }));
    expect(
      seen.map(({ direction, bytes, remote }) => [direction, new TextDecoder().decode(bytes).split(' ', 1)[0], remote.address]),
    ).toEqual([
      ['in', 'OPTIONS', A],
      ['out', 'SIP/2.0', A],
    ]);
    bob.off('trace', listener);
    await within(town, alice.request({ method: 'OPTIONS', uri: `sip:${B}` }));
    expect([seen.length, alice.transports.onTrace, bob.transports.onTrace]).toEqual([2, undefined, undefined]);
  });
});
