import { describe, expect, test } from 'vitest';
import { DigestServer, type DigestServerOptions } from '../../../src/sip/auth/digest-server.js';
import { SipRequest } from '../../../src/sip/message/message.js';
import { responseTo } from '../../../src/sip/message/response-to.js';
import { parseUri, type Uri } from '../../../src/sip/message/uri.js';
import type { SendOptions } from '../../../src/sip/ua/agent-core.js';
import type { IncomingRequest } from '../../../src/sip/ua/incoming-request.js';
import { isLocal } from '../../../src/sip/ua/local-response.js';
import type { UserAgent } from '../../../src/sip/ua/user-agent.js';
import { SeededRandom } from '../../../src/testing/seeded-random.js';
import { NOTHING_LEFT, Town, within } from './two-agents.js';

const A = '10.0.0.1';
const B = '10.0.0.2';
const C = '10.0.0.3';

const uri = (text: string): Uri => parseUri(text)!;

function invite(to = `sip:bob@${B}`, method = 'INVITE'): SipRequest {
  return new SipRequest(method, to, [
    ['From', `<sip:alice@${A}>;tag=a`],
    ['To', `<${to}>`],
    ['Call-ID', `${method}-1`],
    ['CSeq', `1 ${method}`],
    ['Contact', `<sip:alice@${A}>`],
  ]);
}

/** Sends, and writes down what comes of it and when. */
function follow(town: Town, agent: UserAgent, options: Partial<SendOptions> = {}) {
  const lines: string[] = [];
  const sent: SipRequest[] = [];
  const note = (text: string) => void lines.push(`${town.clock.now()} ${text}`);
  const exchange = agent.send({
    request: invite(),
    onSent: (request) => void sent.push(request),
    onResponse: (response, { local, flow }) => {
      expect(local).toBe(isLocal(response));
      expect(flow === undefined).toBe(local);
      note(`${response.status}${local ? ' ours' : ''}`);
    },
    ...options,
  });
  return { lines, sent, exchange };
}

/** The messages an agent gets, by method and CSeq. */
function overhear(agent: UserAgent): string[] {
  const heard: string[] = [];
  agent.on('trace', ({ direction, bytes }) => {
    if (direction === 'in') heard.push(new TextDecoder().decode(bytes).split(' ', 1)[0]!);
  });
  return heard;
}

const pool = (...hosts: string[]) => ({
  naptr: async () => [],
  srv: async (name: string) =>
    name.startsWith('_sip._udp') ? hosts.map((host, i) => ({ priority: i, weight: 0, port: 5060, name: `${host.at(-1)}.example` })) : [],
  a: async (name: string) => [`10.0.0.${name[0]}`],
  aaaa: async () => [],
});

describe('an INVITE as one exchange', () => {
  test('every 1xx but 100, the final, and every further 2xx until Timer M', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A);
    const bob = await town.settle('bob', B);
    bob.handle('INVITE', ({ transaction, request }) => {
      transaction.reply(100);
      transaction.reply(180);
      for (const toTag of ['one', 'two']) transaction.respond(responseTo(request, 200, { toTag }));
    });
    const { lines, exchange } = follow(town, alice);
    await town.clock.run(100);
    exchange.cancel();
    await town.clock.run(40_000);
    expect(lines).toEqual(['20 180', '20 200', '20 200']);
    expect(alice.stats().requests).toBe(0);
    expect(await town.close()).toEqual(NOTHING_LEFT);
  });

  test('§9.1 cancelled before anything was sent: 487 of ours at once, nothing on the wire', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A);
    const bob = await town.settle('bob', B);
    const heard = overhear(bob);
    const { lines, exchange } = follow(town, alice);
    exchange.cancel();
    exchange.cancel();
    await town.clock.run(1000);
    expect([lines, heard]).toEqual([['0 487 ours'], []]);
    expect(await town.close()).toEqual(NOTHING_LEFT);
  });

  test('§9.1 cancelled while it rings: CANCEL, and the 487 is theirs', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A);
    const bob = await town.settle('bob', B);
    bob.handle('INVITE', ({ transaction }) => transaction.reply(180));
    const heard = overhear(bob);
    const { lines, exchange } = follow(town, alice);
    await town.clock.run(1000);
    exchange.cancel([['Reason', 'SIP;cause=480']]);
    await town.clock.run(1000);
    expect([lines, heard]).toEqual([
      ['20 180', '1020 487'],
      ['INVITE', 'CANCEL', 'ACK'],
    ]);
    expect(await town.close()).toEqual(NOTHING_LEFT);
  });

  test('§9.1 cancelled, and the other side says no more: 487 of ours 64*T1 later; never another target', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A, { resolver: pool(B, C) });
    const bob = await town.settle('bob', B);
    const carol = await town.settle('carol', C);
    const heard = overhear(carol);
    bob.handle('INVITE', ({ transaction }) => {
      transaction.reply(180);
      transaction.onCancel = () => {};
    });
    const { lines, exchange } = follow(town, alice, { request: invite('sip:pool.example') });
    await town.clock.run(1000);
    exchange.cancel();
    await town.clock.run(40_000);
    expect([lines, heard]).toEqual([['20 180', '33000 487 ours'], []]);
  });

  test('§9.1 cancelled, and nobody ever answered: 487 of ours, no fail-over', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A, { resolver: pool('10.0.0.7', C) });
    const carol = await town.settle('carol', C);
    const heard = overhear(carol);
    const { lines, exchange } = follow(town, alice, { request: invite('sip:pool.example') });
    await town.clock.run(1000);
    exchange.cancel();
    await town.clock.run(40_000);
    expect([lines, heard]).toEqual([['32000 487 ours'], []]);
  });

  test('RFC 3263 §4.3 a target that rang and then fell silent is not left for another', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A, { resolver: pool(B, C), timers: { C: 60_000 } });
    const bob = await town.settle('bob', B);
    const carol = await town.settle('carol', C);
    const heard = overhear(carol);
    bob.handle('INVITE', ({ transaction }) => {
      transaction.reply(180);
      town.network.isolate(B);
    });
    const { lines } = follow(town, alice, { request: invite('sip:pool.example') });
    await town.clock.run(200_000);
    // Timer C, a CANCEL that nobody hears, and 64*T1.
    expect([lines, heard]).toEqual([['20 180', '92020 487 ours'], []]);
  });

  test('RFC 3263 §4.3 silence, then 503: the third target, each time with another branch and the same CSeq', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A, { resolver: pool('10.0.0.7', B, C) });
    const bob = await town.settle('bob', B);
    const carol = await town.settle('carol', C);
    bob.handle('INVITE', (incoming) => incoming.reply(503, { headers: [['Retry-After', '100']] }));
    carol.handle('INVITE', (incoming) => incoming.reply(486));
    const { lines, sent } = follow(town, alice, { request: invite('sip:pool.example') });
    await town.clock.run(40_000);
    expect(lines).toEqual(['32040 486']);
    expect(new Set(sent.map(({ via }) => via!.branch)).size).toBe(3);
    expect(sent.map(({ cseq }) => cseq!.number)).toEqual([1, 1, 1]);
  });

  test('RFC 3263 §4.3 503 from the last target is the answer', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A);
    const bob = await town.settle('bob', B);
    bob.handle('INVITE', (incoming) => incoming.reply(503));
    const { lines } = follow(town, alice);
    await town.clock.run(100);
    expect(lines).toEqual(['20 503']);
  });

  test('abandoned: its user hears no more, the tables empty all the same', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A);
    const bob = await town.settle('bob', B);
    bob.handle('INVITE', ({ transaction }) => {
      transaction.reply(180);
      town.clock.at(500, () => transaction.reply(486));
    });
    const { lines, exchange } = follow(town, alice);
    await town.clock.run(100);
    exchange.abandon();
    await town.clock.run(40_000);
    expect([lines, alice.stats().requests, alice.stats().transactions.clients]).toEqual([['20 180'], 0, 0]);
  });
});

describe('the flow of a dialog', () => {
  const tcp = (host: string) => ({ listen: [{ transport: 'tcp' as const, host, port: 5060 }] });

  test('is taken while it is open; closed, what the next hop resolves to', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A, tcp(A));
    const bob = await town.settle('bob', B, tcp(B));
    const flows: string[] = [];
    bob.handle('INFO', (incoming) => {
      flows.push(incoming.flow.id);
      incoming.reply(200);
    });
    const flow = await within(town, alice.transports.flowTo({ transport: 'tcp', address: B, port: 5060, host: B }));
    const way = { request: invite(`sip:bob@${B}`, 'INFO'), flow, nextHop: uri(`sip:${B};transport=tcp`) };
    const first = follow(town, alice, way);
    await town.clock.run(200);
    flow.close();
    await town.clock.run(200);
    const second = follow(town, alice, way);
    await town.clock.run(500);
    expect([...first.lines, ...second.lines].map((line) => line.split(' ')[1])).toEqual(['200', '200']);
    expect(new Set(flows).size).toBe(2);
  });

  test('breaks before an answer: the next hop is resolved and tried', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A, tcp(A));
    const bob = await town.settle('bob', B, tcp(B));
    const carol = await town.settle('carol', C, tcp(C));
    carol.handle('INFO', (incoming) => incoming.flow.close());
    bob.handle('INFO', (incoming) => incoming.reply(200));
    const flow = await within(town, alice.transports.flowTo({ transport: 'tcp', address: C, port: 5060, host: C }));
    const { lines } = follow(town, alice, { request: invite(`sip:bob@${B}`, 'INFO'), flow, nextHop: uri(`sip:${B};transport=tcp`) });
    await town.clock.run(1000);
    expect(lines.map((line) => line.split(' ')[1])).toEqual(['200']);
  });

  test('an ACK is the same bytes each time its 2xx comes again, and needs no answer', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A);
    await town.settle('bob', B);
    const acks: string[] = [];
    town.network.onDatagram = (bytes) => void acks.push(new TextDecoder().decode(bytes));
    const ack = invite(`sip:bob@${B}`, 'ACK');
    alice.sendAck(ack, { nextHop: uri(`sip:${B}`) });
    await town.clock.run(100);
    alice.sendAck(ack, { nextHop: uri(`sip:${B}`) });
    await town.clock.run(100);
    expect([acks.length, acks[0], acks[0]!.startsWith(`ACK sip:bob@${B} SIP/2.0\r\nVia: SIP/2.0/UDP ${A}:5060;branch=z9hG4bK`)]).toEqual([
      2,
      acks[1],
      true,
    ]);
    alice.sendAck(invite('sip:nowhere.example', 'ACK'), { nextHop: uri('sip:10.0.0.250;transport=tcp') });
    await town.clock.run(100);
    expect(await town.close()).toEqual(NOTHING_LEFT);
  });
});

describe('challenges, RFC 3261 §22', () => {
  async function guarded(options: Partial<DigestServerOptions> = {}) {
    const town = new Town();
    const bob = await town.settle('bob', B, {
      admit: (what) => ('method' in what && what.method === 'ACK' ? 'accept' : 'challenge'),
      authenticate: new DigestServer({
        realm: 'b.example',
        users: { alice: 'secret' },
        random: new SeededRandom(9),
        clock: town.clock,
        ...options,
      }),
    });
    const users: (string | undefined)[] = [];
    const answer = (incoming: IncomingRequest) => {
      users.push(incoming.user);
      incoming.reply(200);
    };
    bob.handle('MESSAGE', answer);
    bob.handle('INVITE', answer);
    return { town, bob, users };
  }

  test('§22.2 the same request again, with credentials, a CSeq one higher and a branch of its own', async () => {
    const { town, users } = await guarded();
    const alice = await town.settle('alice', A, { credentials: { user: 'alice', password: 'secret' } });
    const { lines, sent } = follow(town, alice, { request: invite(undefined, 'MESSAGE') });
    await town.clock.run(200);
    expect([lines, users]).toEqual([['40 200'], ['alice']]);
    expect(sent.map(({ cseq, callId }) => `${cseq!.number} ${callId}`)).toEqual(['1 MESSAGE-1', '2 MESSAGE-1']);
    expect(sent.map((request) => request.headers('Via').length)).toEqual([1, 1]);
    expect(sent[0]!.via!.branch).not.toBe(sent[1]!.via!.branch);
    expect(sent.map(({ from }) => from!.tag)).toEqual(['a', 'a']);
    expect(await town.close()).toEqual(NOTHING_LEFT);
  });

  test('an INVITE: the 401 is ACKed inside, the CSeq of the retry is the dialog’s to say', async () => {
    const { town, bob } = await guarded();
    const alice = await town.settle('alice', A);
    const heard = overhear(bob);
    const { lines, sent } = follow(town, alice, { credentials: { user: 'alice', password: 'secret' }, nextCSeq: () => 17 });
    await town.clock.run(200);
    expect(lines).toEqual(['40 200']);
    expect([sent.map(({ cseq }) => cseq!.number), heard]).toEqual([
      [1, 17],
      ['INVITE', 'ACK', 'INVITE'],
    ]);
  });

  test('a wrong password, no credentials, another realm: the 401 is the answer, and is not asked for again', async () => {
    const { town, bob } = await guarded();
    const heard = overhear(bob);
    const alice = await town.settle('alice', A);
    for (const credentials of [
      { user: 'alice', password: 'guess' },
      { user: 'alice', password: 'secret', realm: 'c.example' },
      undefined,
    ]) {
      heard.length = 0;
      const request = { method: 'MESSAGE', uri: `sip:bob@${B}`, body: 'x', ...(credentials === undefined ? {} : { credentials }) };
      expect((await within(town, alice.request(request))).status).toBe(401);
      expect(heard.length).toBe(credentials?.password === 'guess' ? 2 : 1);
    }
  });

  test('a server that is never content is left after a few rounds', async () => {
    const town = new Town();
    const bob = await town.settle('bob', B);
    let nonce = 0;
    bob.handle('MESSAGE', (incoming) =>
      incoming.reply(401, { headers: [['WWW-Authenticate', `Digest realm="b", nonce="${++nonce}", stale=true, qop="auth"`]] }),
    );
    const alice = await town.settle('alice', A, { credentials: { user: 'alice', password: 'x' } });
    const response = await within(town, alice.request({ method: 'MESSAGE', uri: `sip:bob@${B}`, body: 'x' }));
    expect([response.status, nonce <= 6]).toEqual([401, true]);
  });

  test('a cancelled INVITE does not come back with credentials', async () => {
    const town = new Town();
    const bob = await town.settle('bob', B);
    const heard = overhear(bob);
    bob.handle('INVITE', ({ transaction }) => {
      transaction.reply(180);
      transaction.onCancel = () => transaction.reply(401, { headers: [['WWW-Authenticate', 'Digest realm="b", nonce="1", qop="auth"']] });
    });
    const alice = await town.settle('alice', A, { credentials: { user: 'alice', password: 'x' } });
    const { lines, exchange } = follow(town, alice);
    await town.clock.run(100);
    exchange.cancel();
    await town.clock.run(1000);
    expect([lines, heard]).toEqual([
      ['20 180', '120 401'],
      ['INVITE', 'CANCEL', 'ACK'],
    ]);
  });
});

describe('where we say that we are', () => {
  test('publicAddress towards strangers, our own address towards localNetworks', async () => {
    const town = new Town();
    const alice = await town.settle('alice', A, { publicAddress: '203.0.113.7', localNetworks: ['10.0.0.0/30'] });
    const seen: string[] = [];
    for (const [name, host] of [
      ['near', B],
      ['far', '10.0.0.9'],
    ] as const) {
      const agent = await town.settle(name, host);
      agent.handle('INFO', (incoming) => {
        seen.push(`${name} ${incoming.request.via!.host} ${incoming.request.contact!.uri}`);
        incoming.reply(200);
      });
    }
    for (const host of [B, '10.0.0.9'])
      await within(town, alice.request({ method: 'INFO', uri: `sip:${host}`, contact: true, headers: [['Info-Package', 'x']] }));
    expect(seen).toEqual([`near ${A} sip:alice@${A}:5060`, 'far 203.0.113.7 sip:alice@203.0.113.7:5060']);
  });
});
