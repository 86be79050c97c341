/** A registrar behind a guard: who guesses passwords at it is banned, phones that know theirs are not, and nothing is kept of those who only ask. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { silentLogger } from '../../../src/log.js';
import type { DatagramSocket } from '../../../src/network.js';
import { Guard } from '../../../src/sip/ua/guard/guard.js';
import { Registrar } from '../../../src/sip/ua/registrar.js';
import type { UserAgent } from '../../../src/sip/ua/user-agent.js';
import { SeededRandom } from '../../../src/testing/seeded-random.js';
import { NOTHING_LEFT, Town } from './two-agents.js';

const HOUSE = '10.0.0.2';
const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

class House {
  readonly town = new Town();
  readonly guard = new Guard({}, { logger: silentLogger, isDenied: () => false, isKnown: () => false });
  registrar!: Registrar;
  agent!: UserAgent;

  async open(): Promise<this> {
    this.agent = await this.town.settle('house', HOUSE, { guard: this.guard });
    const { clock } = this.town;
    this.registrar = new Registrar({ clock, random: new SeededRandom(5), users: { phone: 'right' }, domains: [HOUSE] }).attach(this.agent);
    return this;
  }
}

class Phone {
  readonly answers: string[] = [];
  readonly #town: Town;
  readonly #socket: DatagramSocket;
  #count = 0;

  constructor(town: Town, socket: DatagramSocket) {
    this.#town = town;
    this.#socket = socket;
    socket.onMessage = (bytes) => void this.answers.push(Buffer.from(bytes).toString('latin1'));
  }

  static async at(town: Town, host: string): Promise<Phone> {
    return new Phone(town, await town.network.datagram({ host, port: 5060 }));
  }

  register(more: readonly string[] = []): void {
    const { address, port } = this.#socket.local;
    const n = this.#count++;
    const head = [
      `REGISTER sip:${HOUSE} SIP/2.0`,
      `Via: SIP/2.0/UDP ${address}:${port};branch=z9hG4bK${n}-${address};rport`,
      `From: <sip:phone@${HOUSE}>;tag=${n}`,
      `To: <sip:phone@${HOUSE}>`,
      `Call-ID: ${address}`,
      `CSeq: ${n + 1} REGISTER`,
      `Contact: <sip:phone@${address}:${port}>`,
      'Expires: 120',
      ...more,
      'Content-Length: 0',
    ];
    const bytes = Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1');
    this.#socket.send(bytes, 0, bytes.length, 5060, HOUSE);
  }

  say(text: string): void {
    const bytes = Buffer.from(text, 'latin1');
    this.#socket.send(bytes, 0, bytes.length, 5060, HOUSE);
  }

  /** The status of the last answer, or that there was none. */
  async logIn(password: string): Promise<string> {
    const before = this.answers.length;
    this.register();
    await this.#town.clock.run(50);
    const nonce = /nonce="([^"]+)", algorithm=MD5/.exec(this.answers[before] ?? '')?.[1];
    if (nonce === undefined) return 'silence';
    const uri = `sip:${HOUSE}`;
    const response = md5(`${md5(`phone:${HOUSE}:${password}`)}:${nonce}:00000001:c:auth:${md5(`REGISTER:${uri}`)}`);
    this.register([
      `Authorization: Digest username="phone", realm="${HOUSE}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="c"`,
    ]);
    await this.#town.clock.run(50);
    return this.answers[before + 1]?.slice(8, 11) ?? 'silence';
  }
}

test('ten wrong passwords are a ban; the right one is not heard before it is over, and another’s phone is registered meanwhile', async () => {
  const { town, guard, registrar } = await new House().open();
  const eve = await Phone.at(town, '198.51.100.7');
  const outcomes: string[] = [];
  for (let i = 0; i < 20; i++) outcomes.push(await eve.logIn(i === 15 ? 'right' : `wrong${i}`));
  expect(outcomes).toEqual([...Array<string>(10).fill('401'), ...Array<string>(10).fill('silence')]);
  expect(guard.counters(town.clock.now())).toMatchObject({ authFailures: 10, banned: 1, bans: { authentication: 1 } });
  const phone = await Phone.at(town, '192.0.2.1');
  expect(await phone.logIn('right')).toBe('200');
  expect(phone.answers.at(-1)).toMatch(/^Authentication-Info: qop=auth, rspauth="/m);
  expect(registrar.lookup(`sip:phone@${HOUSE}`).map(({ uri }) => String(uri))).toEqual(['sip:phone@192.0.2.1:5060']);
  registrar.close();
  expect(await town.close()).toEqual({ ...NOTHING_LEFT, sockets: 2 });
});

test('who only asks costs no transaction; who mistypes now and then is not banned', async () => {
  const { town, guard, registrar, agent } = await new House().open();
  const phone = await Phone.at(town, '192.0.2.1');
  for (let i = 0; i < 20; i++) {
    phone.register();
    await town.clock.run(50);
  }
  expect(phone.answers).toHaveLength(20);
  expect(agent.stats().transactions.servers).toBe(0);
  for (let i = 0; i < 9; i++) expect(await phone.logIn('mistyped')).toBe('401');
  for (let i = 0; i < 30; i++) expect(await phone.logIn('right')).toBe('200');
  expect(guard.counters(town.clock.now())).toMatchObject({ authFailures: 9, banned: 0 });
  registrar.close();
  await town.close();
});

const stray = (n: number): string =>
  [
    'SIP/2.0 200 OK',
    `Via: SIP/2.0/UDP ${n % 2 ? HOUSE : '192.0.2.77'};branch=z9hG4bK${n}`,
    `From: <sip:a@x>;tag=${n}`,
    'To: <sip:b@x>;tag=2',
    `Call-ID: ${n}`,
    'CSeq: 1 INVITE',
    'Content-Length: 0',
    '\r\n',
  ].join('\r\n');

test('responses to nothing, ours by their Via or not, count like requests: a flood of them is a ban, but not for who has shown who he is', async () => {
  const { town, guard, registrar } = await new House().open();
  const eve = await Phone.at(town, '198.51.100.7');
  const phone = await Phone.at(town, '192.0.2.1');
  expect(await phone.logIn('right')).toBe('200');
  for (let i = 0; i < 1500; i++) {
    eve.say(stray(i));
    phone.say(stray(i));
    if (i % 10 === 0) await town.clock.run(20);
  }
  await town.clock.run(2000);
  expect(guard.isShut('198.51.100.7', town.clock.now())).toBe(true);
  expect(guard.isShut('192.0.2.1', town.clock.now())).toBe(false);
  expect(guard.counters(town.clock.now())).toMatchObject({ bans: { flood: 1 }, banned: 1 });
  expect(await phone.logIn('right')).toBe('200');
  expect([eve.answers.length, guard.counters(town.clock.now()).strays > 1500]).toEqual([0, true]);
  registrar.close();
  await town.close();
});
