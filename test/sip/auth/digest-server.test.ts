import { describe, expect, test } from 'vitest';
import { ha1Of } from '../../../src/sip/auth/digest.js';
import { type Credentials, DigestClient } from '../../../src/sip/auth/digest-client.js';
import { DigestServer, type DigestServerOptions, type DigestVerdict } from '../../../src/sip/auth/digest-server.js';
import { NonceCounts } from '../../../src/sip/auth/nonce-counts.js';
import { SipRequest, SipResponse } from '../../../src/sip/message/message.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { SeededRandom } from '../../../src/testing/seeded-random.js';

const alice: Credentials = { user: 'alice', password: 'secret' };

function world(options: Partial<DigestServerOptions> = {}) {
  const clock = new ManualClock({ now: 1_000_000 });
  const server = new DigestServer({ realm: 'r', users: { alice: 'secret' }, random: new SeededRandom(1), clock, ...options });
  const client = new DigestClient({ random: new SeededRandom(2) });
  return { clock, server, client };
}

function invite(uri = 'sip:100@example.com'): SipRequest {
  return new SipRequest('INVITE', uri).setBody('application/sdp', 'v=0');
}

function text(verdict: DigestVerdict): string {
  return verdict.type === 'accepted'
    ? `accepted ${verdict.user}`
    : verdict.type === 'challenge'
      ? `${verdict.status} ${verdict.why}`
      : `refused ${verdict.status}`;
}

/** Sends, answers the challenge once, sends again: the verdict on the second. */
async function login(
  server: DigestServer,
  client: DigestClient,
  credentials: Credentials,
  request = invite(),
): Promise<{ verdict: DigestVerdict; sent: SipRequest }> {
  const asked = await server.check(request);
  if (asked.type !== 'challenge') return { verdict: asked, sent: request };
  const sent = request.clone();
  client.answer(sent, new SipResponse(asked.status, undefined, asked.headers), credentials);
  return { verdict: await server.check(sent), sent };
}

describe('who gets in', () => {
  test.each(['MD5', 'SHA-256', 'SHA-512-256'] as const)('RFC 7616: with the password, by %s', async (algorithm) => {
    const { server, client } = world({ algorithms: [algorithm] });
    expect(text((await login(server, client, alice)).verdict)).toBe('accepted alice');
  });

  test('RFC 8760 §2.3: one challenge an algorithm, dearest on top, each with qop', async () => {
    const { server } = world();
    const { headers, status } = server.challenge();
    expect(status).toBe(401);
    expect(headers.map(([name, value]) => `${name} ${/algorithm=([^,]+), qop="auth"/.exec(value)?.[1]}`)).toEqual([
      'WWW-Authenticate SHA-256',
      'WWW-Authenticate MD5',
    ]);
  });

  test('with a stored hash, by a function, by a promise', async () => {
    const ha1 = ha1Of('SHA-256', 'alice', 'r', 'secret');
    for (const users of [() => ({ 'SHA-256': ha1 }), async () => 'secret', async () => ({ 'SHA-256': ha1 })]) {
      const { server, client } = world({ users });
      expect(text((await login(server, client, alice)).verdict)).toBe('accepted alice');
    }
  });

  test('auth-int: a body changed on the way is noticed', async () => {
    const { server, client } = world({ qop: ['auth-int'] });
    const { verdict, sent } = await login(server, client, alice);
    expect(text(verdict)).toBe('accepted alice');
    sent.setBody('application/sdp', 'v=1');
    expect(text(await server.check(sent))).toBe('401 wrong');
  });

  test('a proxy asks with 407', async () => {
    const { server, client } = world({ role: 'proxy' });
    const { verdict, sent } = await login(server, client, alice);
    expect(text(verdict)).toBe('accepted alice');
    expect(sent.has('Proxy-Authorization')).toBe(true);
  });

  test('RFC 7616 §3.5: the answer proves that we know the secret too', async () => {
    const { server, client } = world();
    const { verdict } = await login(server, client, alice);
    expect(verdict.type === 'accepted' && verdict.headers[0]![0]).toBe('Authentication-Info');
    expect(verdict.type === 'accepted' && verdict.headers[0]![1]).toMatch(
      /^qop=auth, rspauth="[0-9a-f]{64}", cnonce="[a-z2-7]{26}", nc=00000001$/,
    );
  });
});

describe('who does not', () => {
  test.each([
    ['a wrong password', { user: 'alice', password: 'guess' }, '401 wrong'],
    ['a user nobody knows', { user: 'mallory', password: 'secret' }, '401 wrong'],
    ['a user named like a property of every object', { user: 'constructor', password: 'secret' }, '401 wrong'],
    ['an empty password where there is none', { user: 'toString', password: '' }, '401 wrong'],
  ])('%s', async (_who, credentials, outcome) => {
    const { server, client } = world();
    expect(text((await login(server, client, credentials)).verdict)).toBe(outcome);
  });

  test('an answer for one request does not fit another method', async () => {
    const { server, client } = world();
    const { sent } = await login(server, client, alice);
    const other = new SipRequest('MESSAGE', sent.uri, [['Authorization', sent.header('Authorization')!]]);
    expect(text(await server.check(other))).toBe('401 wrong');
  });

  test('RFC 3261 §22.4: a request that a proxy has forwarded elsewhere is answered for where it was sent; what was signed must be what is said', async () => {
    for (const uri of ['sip:900@example.com', 'sip:k3j2h4@192.0.2.9:5080;transport=tcp', 'tel:+15550100']) {
      const { server, client } = world();
      const asked = (await server.check(invite())) as DigestVerdict & { type: 'challenge' };
      const sent = invite();
      client.answer(sent, new SipResponse(asked.status, undefined, asked.headers), alice);
      expect(text(await server.check(sent.withUri(uri)))).toBe('accepted alice');
      expect(text(await server.check(sent.withUri(uri))), 'and once only').toBe('401 stale');
      const other = invite();
      client.answer(other, new SipResponse(asked.status, undefined, asked.headers), alice);
      const signed = other.header('Authorization')!;
      other.set('Authorization', signed.replace(/uri="[^"]*"/, `uri="${uri}"`));
      expect(text(await server.check(other))).toBe('401 wrong');
    }
  });

  test.each([
    ['no nonce', 'Digest username="alice", realm="r", uri="sip:100@example.com", response="x"', 'refused 400'],
    [
      'qop we did not offer',
      'Digest username="alice", realm="r", nonce="n", uri="sip:100@example.com", response="x", qop=auth-int, nc=00000001, cnonce="c"',
      'refused 400',
    ],
    [
      'qop without nc',
      'Digest username="alice", realm="r", nonce="n", uri="sip:100@example.com", response="x", qop=auth, cnonce="c"',
      'refused 400',
    ],
    [
      'a nonce that is not ours',
      'Digest username="alice", realm="r", nonce="n", uri="sip:100@example.com", response="x", qop=auth, nc=00000001, cnonce="c"',
      '401 stale',
    ],
    [
      'an algorithm we did not offer',
      'Digest username="alice", realm="r", nonce="n", uri="sip:100@example.com", response="x", algorithm=AKAv1-MD5',
      '401 wrong',
    ],
    ['another realm', 'Digest username="alice", realm="other", nonce="n", uri="sip:100@example.com", response="x"', '401 missing'],
    ['Basic', 'Basic YWxpY2U6c2VjcmV0', '401 missing'],
    ['nonsense', 'nonsense', '401 missing'],
  ])('%s', async (_what, authorization, outcome) => {
    expect(text(await world().server.check(invite().set('Authorization', authorization)))).toBe(outcome);
  });
});

describe('nonces', () => {
  test('RFC 7616 §5.12: the same answer twice is stale the second time', async () => {
    const { server, client } = world();
    const { verdict, sent } = await login(server, client, alice);
    expect(text(verdict)).toBe('accepted alice');
    expect(text(await server.check(sent))).toBe('401 stale');
  });

  test('RFC 7616 §3.4.5: the next count with the same nonce is taken, without a challenge', async () => {
    const { server, client } = world();
    await login(server, client, alice);
    for (let i = 0; i < 100; i++) {
      const next = invite();
      client.prime(next, alice);
      expect(text(await server.check(next))).toBe('accepted alice');
    }
  });

  test('after its time a nonce is stale, and the client that hears so gets in with a new one', async () => {
    const { clock, server, client } = world();
    await login(server, client, alice);
    clock.advance(300_001);
    const next = invite();
    client.prime(next, alice);
    const verdict = await server.check(next);
    expect(text(verdict)).toBe('401 stale');
    const { headers, status } = verdict as DigestVerdict & { type: 'challenge' };
    expect(headers.every(([, value]) => value.endsWith('stale=true'))).toBe(true);
    const retry = next.clone();
    expect(client.answer(retry, new SipResponse(status, undefined, headers), alice)).toBeUndefined();
    expect(text(await server.check(retry))).toBe('accepted alice');
  });

  test('a wrong password on an old nonce is wrong, not stale: stale would say that it was right', async () => {
    const { clock, server, client } = world();
    const asked = (await server.check(invite())) as DigestVerdict & { type: 'challenge' };
    clock.advance(300_001);
    const sent = invite();
    client.answer(sent, new SipResponse(401, undefined, asked.headers), { user: 'alice', password: 'guess' });
    expect(text(await server.check(sent))).toBe('401 wrong');
  });

  test('a nonce of another server, or changed by a bit, is not ours', async () => {
    const { server, client } = world();
    const other = world({ random: new SeededRandom(9) });
    const { sent } = await login(other.server, client, alice);
    expect(text(await server.check(sent))).toBe('401 stale');
    const asked = server.challenge();
    const bent = asked.headers.map(
      ([name, value]) => [name, value.replace(/nonce="(.)/, (_all, first) => `nonce="${first === 'A' ? 'B' : 'A'}`)] as const,
    );
    const retry = invite();
    client.answer(retry, new SipResponse(401, undefined, bent), alice);
    expect(text(await server.check(retry))).toBe('401 stale');
  });

  test('5000 challenges carry 5000 different nonces', () => {
    const { server } = world({ algorithms: ['MD5'] });
    const seen = new Set<string>();
    for (let i = 0; i < 5000; i++) seen.add(/nonce="([^"]+)"/.exec(server.challenge().headers[0]![1])![1]!);
    expect(seen.size).toBe(5000);
  });
});

describe('counts', () => {
  test('each count once, in any order within 32', () => {
    const counts = new NonceCounts(10);
    const take = (n: number): boolean => counts.take('n', 1, n);
    expect([1, 3, 2, 2, 3, 1, 40, 9, 8, 10, 40, 1000, 968, 969, 969].map(take)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
      true,
      true,
      false,
      true,
      false,
      true,
      false,
      true,
      false,
    ]);
  });

  test('zero is no count; without counts a nonce is good once', () => {
    const counts = new NonceCounts(10);
    expect(counts.take('zero', 1, 0)).toBe(false);
    expect([counts.take('n', 1, undefined), counts.take('n', 1, undefined), counts.take('n', 1, 1)]).toEqual([true, false, false]);
  });

  test('the table is bounded, and what it forgot it does not take again', () => {
    const counts = new NonceCounts(3);
    for (let i = 1; i <= 10; i++) expect(counts.take(`n${i}`, i, 1)).toBe(true);
    expect(counts.size).toBe(3);
    for (let i = 1; i <= 7; i++) expect(counts.take(`n${i}`, i, 1)).toBe(false);
    expect(counts.take('n10', 10, 2)).toBe(true);
    expect(counts.take('n11', 11, 1)).toBe(true);
  });
});
