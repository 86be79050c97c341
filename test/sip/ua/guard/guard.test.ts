/** The guard alone: who is tolerated, who is banned, whom no ban may hit, and that nothing it remembers grows without end. */
import { describe, expect, test } from 'vitest';
import { silentLogger } from '../../../../src/log.js';
import { SipRequest } from '../../../../src/sip/message/message.js';
import { Guard, type GuardOptions } from '../../../../src/sip/ua/guard/guard.js';

const METHODS = ['INVITE', 'ACK', 'BYE', 'CANCEL', 'OPTIONS', 'REGISTER', 'SUBSCRIBE', 'MESSAGE', 'REFER', 'NOTIFY', 'PUBLISH', 'FROB'];
const request = (method = 'OPTIONS', agent = 'phone'): SipRequest =>
  new SipRequest(method, 'sip:100@192.0.2.9', [
    ['User-Agent', agent],
    ['From', '<sip:a@x>;tag=1'],
    ['To', '<sip:b@x>'],
  ]);

function post(options: GuardOptions = {}) {
  const lines: string[] = [];
  const known = new Set(['192.0.2.50']);
  const guard = new Guard(options, {
    logger: { ...silentLogger, warn: (_fields, message) => void lines.push(message) },
    isDenied: (address) => address.startsWith('203.0.113.'),
    isKnown: (address) => known.has(address),
  });
  const banned: string[] = [];
  guard.onBan = (address) => void banned.push(address);
  /** So many, evenly over so long; how many got through. */
  const flood = (
    address: string,
    count: number,
    { from = 0, ms = 1000, method = (i: number) => METHODS[i % METHODS.length]! } = {},
  ): number =>
    Array.from({ length: count }, (_, i) => {
      const now = from + (i * ms) / count;
      return !guard.isShut(address, now) && guard.isTolerated(request(method(i)), address, now);
    }).filter(Boolean).length;
  return { guard, lines, banned, flood, known };
}

const A = '198.51.100.1';

describe('rates', () => {
  test('20 a second and 100 at once from one stranger, whatever the methods', () => {
    const { flood, banned } = post();
    expect(flood(A, 100, { ms: 1 })).toBe(100);
    expect(flood(A, 100, { from: 1, ms: 1 })).toBe(0);
    expect(flood(A, 40, { from: 1002, ms: 1000 })).toBeGreaterThanOrEqual(38);
    expect(banned).toEqual([]);
  });

  test.each(METHODS)('%s is counted', (method) => {
    const { flood } = post();
    expect(flood(A, 200, { ms: 1, method: () => method })).toBe(100);
  });

  test('each source has its own; the addresses of one IPv6 subnet are one source', () => {
    const { flood, guard } = post();
    flood('2001:db8::1', 100, { ms: 1 });
    expect(guard.isTolerated(request(), '2001:db8::2', 1)).toBe(false);
    expect(guard.isTolerated(request(), '2001:db8:0:1::2', 1)).toBe(true);
    expect(guard.isTolerated(request(), A, 1)).toBe(true);
  });

  test('no rate for trunks and registrars; ten times as much for who has shown who he is', () => {
    const { flood, guard, banned } = post();
    expect(flood('192.0.2.50', 100_000)).toBe(100_000);
    guard.spare(A, 'proven', 0);
    expect(flood(A, 5000, { ms: 1 })).toBe(1000);
    expect(banned).toEqual([]);
  });
});

describe('questions who somebody is', () => {
  test('a thousand a second to all strangers together; those who have shown who they are do not wait for them', () => {
    const { guard } = post();
    guard.spare('192.0.2.8', 'proven', 0);
    const asked = Array.from({ length: 10_000 }, (_, i) => guard.mayAsk(`10.${i >> 8}.${i & 255}.1`, i / 10)).filter(Boolean);
    // Not in one go: fifty at once, and then one a millisecond.
    expect(asked.length).toBeGreaterThanOrEqual(1049);
    expect(asked.length).toBeLessThanOrEqual(1051);
    expect([guard.mayAsk(A, 1000), guard.mayAsk(A, 1000)].at(-1)).toBe(false);
    expect([guard.mayAsk('192.0.2.8', 1000), guard.mayAsk('192.0.2.50', 1000), guard.mayAsk(A, 1100)]).toEqual([true, true, true]);
    expect(guard.counters(1000)).toMatchObject({ banned: 0, sources: 0 });
  });
});

describe('responses to nothing', () => {
  test('are counted with the requests of their source', () => {
    const { guard, flood } = post();
    for (let i = 0; i < 60; i++) guard.onStray(A, 0);
    expect(flood(A, 60, { ms: 1 })).toBe(40);
    expect(guard.counters(0)).toMatchObject({ strays: 60, limited: 20 });
  });

  test('ban nobody we are known to, have a call with or asked something', () => {
    const { guard, banned } = post();
    guard.isEngaged = (address) => address === '192.0.2.7';
    guard.spare('192.0.2.8', 'asked', 0);
    for (let i = 0; i < 3000; i++) for (const source of ['192.0.2.50', '192.0.2.7', '192.0.2.8', A]) guard.onStray(source, i / 10);
    expect(new Set(banned)).toEqual(new Set([A]));
  });
});

describe('bans', () => {
  test('who goes on far beyond the rate is not listened to for ten minutes, and that is said once', () => {
    const { flood, guard, lines, banned } = post();
    expect(flood(A, 1000)).toBeLessThan(125);
    expect(banned).toEqual([A]);
    expect(guard.isShut(A, 599_000)).toBe(true);
    expect(guard.isShut(A, 602_000)).toBe(false);
    expect(lines).toEqual([`${A} is not listened to for 600 s: it sends more requests than a stranger may`]);
    expect(guard.counters(1000).bans).toEqual({ flood: 1, authentication: 0, unreadable: 0, scanner: 0 });
  });

  test('a scanner gets no answer at all, and is banned at its first word', () => {
    const { guard, banned } = post();
    expect(guard.isTolerated(request('OPTIONS', 'friendly-scanner'), A, 0)).toBe(false);
    expect([guard.isShut(A, 1), banned]).toEqual([true, [A]]);
  });

  test('twenty unreadable messages in a minute', () => {
    const { guard, banned } = post();
    expect(Array.from({ length: 21 }, () => guard.isForgiven(A, 0)).lastIndexOf(true)).toBe(19);
    expect(banned).toEqual([A]);
  });

  test('ten wrong passwords; what is on its way counts, so that asking much at once gains nothing', () => {
    const { guard, banned } = post();
    expect(Array.from({ length: 50 }, () => guard.mayTry(A, 0)).filter(Boolean)).toHaveLength(10);
    guard.onWrong(A, 1);
    expect(banned).toEqual([A]);
    expect(guard.counters(1)).toMatchObject({ authFailures: 1, authRefused: 40, banned: 1 });
  });

  test('who answers rightly, or answers an old question, has not failed', () => {
    const { guard, banned } = post();
    for (let i = 0; i < 100; i++) {
      expect(guard.mayTry(A, i)).toBe(true);
      if (i % 2 === 0) guard.onProof(A, i);
      else guard.onNothingTried(A);
    }
    expect(banned).toEqual([]);
  });

  test('a phone with a wrong password that tries every two minutes is never banned', () => {
    const { guard, banned } = post();
    for (let i = 0; i < 1000; i++) {
      expect(guard.mayTry(A, i * 120_000)).toBe(true);
      guard.onWrong(A, i * 120_000);
    }
    expect(banned).toEqual([]);
  });

  test.each([
    ['a trunk or a registrar', '192.0.2.50', () => {}],
    ['who has shown who he is', A, (guard: Guard) => guard.spare(A, 'proven', 0)],
    ['whom we are asking something', A, (guard: Guard) => guard.spare(A, 'asked', 0)],
    [
      'who has a call with us',
      A,
      (guard: Guard) => {
        guard.isEngaged = (address) => address === A;
      },
    ],
  ])('never on %s: the source of a datagram can be forged', (_who, address, prepare) => {
    const { guard, flood, banned } = post();
    prepare(guard);
    flood(address, 20_000);
    for (let i = 0; i < 1000; i++) guard.isForgiven(address, 1000);
    for (let i = 0; i < 100; i++) guard.isTolerated(request('OPTIONS', 'sipvicious'), address, 1000);
    expect(banned).toEqual([]);
    expect(guard.isShut(address, 2000)).toBe(false);
  });

  test('guessing from behind a source that is spared goes no further than ten either', () => {
    const { guard, banned } = post();
    guard.spare(A, 'proven', 0);
    let tried = 0;
    for (let now = 0; now < 60_000; now += 10) {
      if (!guard.mayTry(A, now)) continue;
      tried++;
      guard.onWrong(A, now);
    }
    expect([tried, banned]).toEqual([10, []]);
  });

  test('one that has fallen is lifted when we ask something there ourselves', () => {
    const { guard, flood } = post();
    flood(A, 1000);
    expect(guard.isShut(A, 1500)).toBe(true);
    guard.spare(A, 'asked', 1500);
    expect(guard.isShut(A, 1500)).toBe(false);
  });

  test('banS 0: rates, but no bans', () => {
    const { flood, banned } = post({ banS: 0 });
    expect(flood(A, 10_000)).toBeLessThan(125);
    expect(banned).toEqual([]);
  });

  test('deny is asked first, and counted apart', () => {
    const { guard } = post();
    expect([guard.isShut('203.0.113.7', 0), guard.isShut(A, 0)]).toEqual([true, false]);
    expect(guard.counters(0)).toMatchObject({ denied: 1, shutOut: 0 });
  });
});

describe('bounds', () => {
  test('a hundred thousand forged sources: as many entries as maxSources, ten lines and one a second, and no ban forgotten', () => {
    const { guard, lines, flood } = post({ maxSources: 1000 });
    flood(A, 1000);
    for (let i = 0; i < 100_000; i++) guard.isTolerated(request(), `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, 1000 + i / 100);
    expect(guard.counters(2000).sources).toBe(1000);
    expect(guard.isShut(A, 2000)).toBe(true);
    for (let i = 0; i < 5000; i++) guard.isTolerated(request('OPTIONS', 'sipcli'), `11.0.${i >> 8}.${i & 255}`, 3000 + i / 10);
    expect(lines.length).toBeLessThan(12);
    expect(guard.counters(3500).banned).toBeLessThanOrEqual(1000);
    guard.isTolerated(request('OPTIONS', 'sipcli'), '11.1.0.1', 9000);
    expect(lines.at(-1)).toMatch(/and \d{4} others before it$/);
  });

  test('passwords to be checked, of all strangers together: 2000 at once, 100 a second', () => {
    const { guard } = post();
    const tried = Array.from({ length: 10_000 }, (_, i) => guard.mayTry(`10.0.${i >> 8}.${i & 255}`, i / 10)).filter(Boolean).length;
    expect(tried).toBe(2000 + 99);
  });
});
