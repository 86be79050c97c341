/** What strangers try on a bot, over a network of memory: every byte that comes back to them is counted, and honest calls go on meanwhile. */
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { SipBotOptions } from '../../src/bot/options.js';
import type { DatagramSocket } from '../../src/network.js';
import { parse } from '../../src/sip/message/parse.js';
import { audible, hostOf, NOTHING_LEFT, World } from './support/world.js';

const BOT = hostOf(2);
const PHONE = { uri: `sip:phone@${BOT}`, authUser: 'phone', password: 'right', register: false };
/** Nobody is welcome but who shows who he is. */
const DOOR: SipBotOptions = { allow: [], users: { phone: 'right' }, srtp: 'accept' };

/** Somebody with a socket who is nobody's friend. */
class Stranger {
  sent = 0;
  heard = 0;
  readonly answers: string[] = [];
  readonly #world: World;
  readonly #socket: DatagramSocket;
  #count = 0;

  constructor(world: World, socket: DatagramSocket) {
    this.#world = world;
    this.#socket = socket;
    socket.onMessage = (bytes) => {
      this.heard += bytes.length;
      this.answers.push(Buffer.from(bytes).toString('latin1'));
    };
  }

  static async at(world: World, host: string, port = 5060): Promise<Stranger> {
    return new Stranger(world, await world.network.datagram({ host, port }));
  }

  say(text: string): void {
    const bytes = Buffer.from(text, 'latin1');
    this.sent += bytes.length;
    this.#socket.send(bytes, 0, bytes.length, 5060, BOT);
  }

  ask(method: string, headers: readonly string[] = [], user = 'bot'): void {
    const { address, port } = this.#socket.local;
    const n = this.#count++;
    const head = [
      `${method} sip:${user}@${BOT} SIP/2.0`,
      `Via: SIP/2.0/UDP ${address}:${port};branch=z9hG4bK${n}-${address};rport`,
      `From: <sip:eve@${address}>;tag=${n}`,
      `To: <sip:${user}@${BOT}>`,
      `Call-ID: ${n}@${address}`,
      `CSeq: 1 ${method}`,
      `Contact: <sip:eve@${address}:${port}>`,
      ...headers,
      'Content-Length: 0',
    ];
    this.say(`${head.join('\r\n')}\r\n\r\n`);
  }

  /** One password, as svcrack tries it; what came back. */
  async guess(password: string): Promise<'silence' | 'refused' | 'let in'> {
    const before = this.answers.length;
    this.ask('REGISTER');
    await this.#world.run(20);
    const challenge = this.answers[before];
    if (challenge === undefined) return 'silence';
    const nonce = /nonce="([^"]+)", algorithm=MD5/.exec(challenge)?.[1] ?? '';
    const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
    const uri = `sip:bot@${BOT}`;
    const response = md5(`${md5(`phone:sipbot:${password}`)}:${nonce}:00000001:c:auth:${md5(`REGISTER:${uri}`)}`);
    this.ask('REGISTER', [
      `Authorization: Digest username="phone", realm="sipbot", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="c"`,
    ]);
    await this.#world.run(20);
    const answer = this.answers[before + 1];
    if (answer === undefined) return 'silence';
    return answer.startsWith('SIP/2.0 401') ? 'refused' : 'let in';
  }
}

describe('guessing passwords', () => {
  test('stops at the tenth wrong one: the right one comes too late, and is not even heard', async () => {
    const world = new World();
    const bot = await world.bot(2, DOOR);
    const eve = await Stranger.at(world, '198.51.100.7');
    const outcomes: string[] = [];
    for (let i = 0; i < 30; i++) outcomes.push(await eve.guess(i === 20 ? 'right' : `wrong${i}`));
    expect(outcomes).toEqual([...Array<string>(10).fill('refused'), ...Array<string>(20).fill('silence')]);
    expect(bot.stats().guard).toMatchObject({ authFailures: 10, banned: 1, bans: { authentication: 1 } });
    expect(world.warnings).toEqual(['198.51.100.7 is not listened to for 600 s: it guesses passwords']);
    await world.run(600_000);
    expect(await eve.guess('right')).toBe('let in');
    expect(await world.close()).toEqual({ ...NOTHING_LEFT, sockets: 1 });
  });

  test('a nonce is for the address that it was given to: nobody can fail in another’s name', async () => {
    const world = new World();
    const bot = await world.bot(2, DOOR);
    const eve = await Stranger.at(world, '198.51.100.7');
    eve.ask('REGISTER');
    await world.run(20);
    const nonce = /nonce="([^"]+)"/.exec(eve.answers[0]!)![1];
    const victim = await Stranger.at(world, '192.0.2.1');
    for (let i = 0; i < 50; i++) {
      victim.ask('REGISTER', [
        `Authorization: Digest username="phone", realm="sipbot", nonce="${nonce}", uri="sip:bot@${BOT}", response="${'0'.repeat(32)}"`,
      ]);
      await world.run(100);
    }
    expect(new Set(victim.answers.map((answer) => /stale=true/.test(answer)))).toEqual(new Set([true]));
    expect(bot.stats().guard).toMatchObject({ authFailures: 0, banned: 0 });
    expect(bot.stats().signalling.transactions.servers).toBe(0);
    expect(await victim.guess('right')).toBe('let in');
    await world.close();
  });
});

describe('floods', () => {
  test('a call of who has a password goes on while its address is forged for a flood, and ends as it should', async () => {
    const world = new World();
    const bot = await world.bot(2, DOOR);
    bot.on('call', (call) => call.answer());
    const caller = await world.bot(1, PHONE);
    const [call, other] = await world.talking(caller, 2, { account: 'phone' });
    const forged = await Stranger.at(world, hostOf(1), 5999);
    for (let i = 0; i < 3000; i++) {
      forged.ask(i % 2 ? 'OPTIONS' : 'INVITE', ['User-Agent: friendly-scanner']);
      forged.say(`nonsense ${i} and more of it`);
      if (i % 10 === 0) await world.run(5);
    }
    expect(bot.stats().guard.banned).toBe(0);
    expect(await audible(world, call, other)).toBe('hears/hears');
    await world.until(call.hangup());
    const [again] = await world.talking(caller, 2, { account: 'phone' });
    await world.until(again.hangup());
    expect(await world.close()).toEqual({ ...NOTHING_LEFT, sockets: 1 });
  });

  test('five thousand sources, one request each: tables as large as they may be, and nothing left of the requests', async () => {
    const world = new World({ delayMs: 0 });
    const bot = await world.bot(2, { ...DOOR, guard: { maxSources: 500 } });
    for (let i = 0; i < 5000; i++) {
      const socket = await world.network.datagram({ host: `11.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, port: 5060 });
      new Stranger(world, socket).ask(['INVITE', 'REGISTER', 'OPTIONS', 'SUBSCRIBE', 'MESSAGE'][i % 5]!);
      if (i % 100 === 99) await world.run(1);
      socket.close();
    }
    const { guard, signalling, calls } = bot.stats();
    expect(guard.sources).toBe(500);
    expect([calls, signalling.dialogs, signalling.transactions.servers]).toEqual([0, 0, 0]);
    await world.close();
  });
});

describe('what is said to strangers', () => {
  const junk = [
    'x',
    'OPTIONS',
    'GET / HTTP/1.1\r\n\r\n',
    '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0',
    'SIP/2.0 200 OK\r\n\r\n',
    'INVITE sip:x SIP/2.0\r\n\r\n',
  ];

  test.each([
    ['where there are users', DOOR],
    ['where there are none', { allow: ['192.0.2.0/24'] }],
  ])('%s: never more than three times what they said, repetitions of half a minute included', async (_where, options) => {
    const world = new World();
    const bot = await world.bot(2, options);
    const askers: Stranger[] = [];
    for (const [i, method] of ['INVITE', 'REGISTER', 'OPTIONS', 'SUBSCRIBE', 'MESSAGE', 'CANCEL', 'ACK', 'FROB'].entries()) {
      for (const headers of [
        [],
        ['Authorization: Digest username="x", realm="sipbot", nonce="n", uri="u", response="r"'],
        ['Require: foo'],
      ]) {
        const asker = await Stranger.at(world, `198.51.100.${i * 3 + askers.length}`, 5060 + askers.length);
        askers.push(asker);
        asker.ask(method, headers);
      }
    }
    for (const [i, text] of junk.entries()) {
      const asker = await Stranger.at(world, `198.51.101.${i}`);
      askers.push(asker);
      asker.say(text);
    }
    await world.run(40_000);
    for (const { heard, sent, answers } of askers) expect(heard, answers.join('')).toBeLessThanOrEqual(3 * sent);
    expect(Math.max(...askers.map(({ answers }) => answers.length))).toBe(1);
    expect(bot.stats().signalling.transactions.servers).toBe(0);
    await world.close();
  });

  test('a wrong password is refused by a transaction, whose repetitions end with the credit of who asked', async () => {
    const world = new World();
    await world.bot(2, DOOR);
    const eve = await Stranger.at(world, '198.51.100.7');
    eve.ask('INVITE');
    await world.run(20);
    const nonce = /nonce="([^"]+)"/.exec(eve.answers[0]!)![1];
    eve.ask('INVITE', [
      `Authorization: Digest username="phone", realm="sipbot", nonce="${nonce}", uri="sip:bot@${BOT}", response="${'0'.repeat(32)}"`,
    ]);
    await world.run(40_000);
    expect(eve.answers.length).toBeGreaterThan(2);
    expect(eve.answers.length).toBeLessThan(8);
    expect(eve.heard).toBeLessThanOrEqual(3 * eve.sent);
    await world.close();
  });

  test('nothing at all to scanners, nor to whom `deny` names, whatever they send', async () => {
    const world = new World();
    const bot = await world.bot(2, { ...DOOR, deny: ['203.0.113.0/24'] });
    const scanner = await Stranger.at(world, '198.51.100.7');
    scanner.ask('OPTIONS', ['User-Agent: friendly-scanner']);
    scanner.ask('OPTIONS');
    const denied = await Stranger.at(world, '203.0.113.9');
    denied.ask('OPTIONS');
    for (const text of junk) denied.say(text);
    denied.say('\u0000\u0001\u0000\u0000\u0021\u0012\u00a4\u0042123456789012');
    const received = bot.stats().signalling.transport.received;
    await world.run(1000);
    expect([scanner.heard, denied.heard]).toEqual([0, 0]);
    expect(bot.stats().signalling.transport.received - received).toBe(1);
    expect(bot.stats().guard).toMatchObject({ denied: 8, scanners: 1, shutOut: 1, bans: { scanner: 1 } });
    await world.close();
  });

  test('who is known is told everything: a trunk gets its answers again and again', async () => {
    const world = new World();
    const bot = await world.bot(2, { allow: [], trunks: [{ name: 'carrier', hosts: ['192.0.2.1'] }] });
    bot.on('call', (call) => void call.reject(486));
    const carrier = await Stranger.at(world, '192.0.2.1');
    carrier.say(
      `${[
        `INVITE sip:bot@${BOT} SIP/2.0`,
        'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport',
        'From: <sip:+1@192.0.2.1>;tag=1',
        `To: <sip:bot@${BOT}>`,
        'Call-ID: 1',
        'CSeq: 1 INVITE',
        'Contact: <sip:192.0.2.1>',
      ].join('\r\n')}\r\n\r\n`,
    );
    await world.run(33_000);
    expect(carrier.answers.map((text) => (parse(Buffer.from(text, 'latin1')) as { status: number }).status)).toEqual(
      Array<number>(11).fill(486),
    );
    await world.close();
  });
});

describe('how many, and who', () => {
  test('maxCallsPerSource and maxCallsPerAccount, each with its own', async () => {
    for (const [limits, third] of [
      [{ maxCallsPerSource: 2 }, 503],
      [{ maxCallsPerAccount: 2 }, 200],
    ] as const) {
      const world = new World();
      const bot = await world.bot(2, limits);
      bot.on('call', (call) => call.answer());
      const callers = [await world.bot(1), await world.bot(3)] as const;
      for (let i = 0; i < 2; i++) await world.until(callers[0].dial(`sip:bot@${BOT}`));
      const more = callers[0].dial(`sip:bot@${BOT}`);
      if (third === 503) expect(await world.failure(more)).toMatchObject({ status: 503 });
      else await world.until(more);
      await world.until(callers[1].dial(`sip:bot@${BOT}`));
      expect(bot.stats().turnedAway.full).toBe(third === 503 ? 1 : 0);
      await world.close();
    }
  });

  test('maxCallsPerAccount counts the user who calls in, and the account that is dialled through', async () => {
    const world = new World();
    const bot = await world.bot(2, { ...DOOR, maxCallsPerAccount: 1 });
    bot.on('call', (call) => call.answer());
    const caller = await world.bot(1, PHONE);
    await world.until(caller.dial(`sip:bot@${BOT}`, { account: 'phone' }));
    expect(await world.failure(caller.dial(`sip:bot@${BOT}`, { account: 'phone' }))).toMatchObject({
      status: 503,
      code: 'ERR_CALL_REJECTED',
    });
    await world.close();
  });

  test('maxCallsPerAccount of calls out: those that are dialled at once count each other', async () => {
    const world = new World();
    const bot = await world.bot(2);
    bot.on('call', (call) => call.answer());
    const caller = await world.bot(1, { ...PHONE, maxCallsPerAccount: 2 });
    const dialled = Array.from({ length: 5 }, () => caller.dial(`sip:bot@${BOT}`, { account: 'phone' }).then(String, String));
    const outcomes = await world.until(Promise.all(dialled));
    expect(outcomes.filter((text) => /maxCallsPerAccount calls are up already/.test(text))).toHaveLength(3);
    await world.close();
  });

  test('blockCallers: 603, by what From and P-Asserted-Identity say', async () => {
    const world = new World();
    const bot = await world.bot(2, { blockCallers: ['+1900*', 'anonymous'] });
    bot.on('call', (call) => call.answer());
    const caller = await world.bot(1);
    for (const callerId of ['+19005550100', 'sip:anonymous@anonymous.invalid'])
      expect(await world.failure(caller.dial(`sip:bot@${BOT}`, { callerId }))).toMatchObject({ status: 603 });
    const asserted = { callerId: '+15550100', headers: { 'P-Asserted-Identity': '<sip:+19005550100@x>' } };
    expect(await world.failure(caller.dial(`sip:bot@${BOT}`, asserted))).toMatchObject({ status: 603 });
    await world.until(caller.dial(`sip:bot@${BOT}`, { callerId: '+15550100' }));
    expect(bot.stats().turnedAway.blocked).toBe(3);
    await world.close();
  });
});
