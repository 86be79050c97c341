import { describe, expect, test } from 'vitest';
import { digestResponse, ha1Of, parseVariant } from '../../../src/sip/auth/digest.js';
import { type CredentialSource, DigestClient } from '../../../src/sip/auth/digest-client.js';
import type { HeaderEntry } from '../../../src/sip/message/headers.js';
import { SipRequest, SipResponse } from '../../../src/sip/message/message.js';
import { SeededRandom } from '../../../src/testing/seeded-random.js';

const alice = { user: 'alice', password: 'secret' };
const www = (text: string): HeaderEntry => ['WWW-Authenticate', `Digest ${text}`];
const proxy = (text: string): HeaderEntry => ['Proxy-Authenticate', `Digest ${text}`];
const challenged = (...headers: HeaderEntry[]): SipResponse =>
  new SipResponse(headers.some(([name]) => name.startsWith('WWW')) ? 401 : 407, undefined, headers);

function client(prefer?: 'topmost' | 'strongest'): DigestClient {
  return new DigestClient({ random: new SeededRandom(1), ...(prefer === undefined ? {} : { prefer }) });
}

function request(uri = 'sip:example.com', method = 'REGISTER', headers: HeaderEntry[] = []): SipRequest {
  return new SipRequest(method, uri, headers);
}

/** What a server that knows the password would say of the answer for `realm`. */
function isRight(sent: SipRequest, realm: string, user = 'alice', password = 'secret'): boolean {
  const header = [...sent.authorization, ...sent.proxyAuthorization].find((one) => one.get('realm') === realm)!;
  const variant = parseVariant(header.get('algorithm'))!;
  const expected = digestResponse({
    variant,
    ha1: ha1Of(variant.algorithm, user, realm, password),
    nonce: header.get('nonce')!,
    method: sent.method,
    uri: header.get('uri')!,
    qop: header.get('qop') as 'auth' | 'auth-int' | undefined,
    nc: header.get('nc') ?? '',
    cnonce: header.get('cnonce') ?? '',
    body: sent.body,
  });
  return header.get('response') === expected && header.get('username') === user && header.get('uri') === sent.uri.toString();
}

function answer(
  response: SipResponse,
  credentials: CredentialSource = alice,
  digest = client(),
  sent = request(),
): { sent: SipRequest; why: string | undefined } {
  const retry = sent.clone();
  const why = digest.answer(retry, response, credentials);
  return { sent: retry, why };
}

describe('which challenge is answered', () => {
  test.each(['MD5', 'SHA-256', 'SHA-512-256', 'MD5-sess', 'SHA-256-sess', 'SHA-512-256-sess'])(
    'RFC 7616 §3.4: %s with qop',
    (algorithm) => {
      const { sent, why } = answer(challenged(www(`realm="r", nonce="n", algorithm=${algorithm}, qop="auth", opaque="o"`)));
      expect(why).toBeUndefined();
      expect(isRight(sent, 'r')).toBe(true);
      const header = sent.authorization[0]!;
      expect([header.get('algorithm'), header.get('opaque'), header.get('nc'), header.params.raw('qop')]).toEqual([
        algorithm,
        'o',
        '00000001',
        'auth',
      ]);
    },
  );

  test('RFC 2069: no qop, no algorithm: neither nc nor cnonce nor algorithm is written', () => {
    const { sent } = answer(challenged(www('realm="r", nonce="n"')));
    expect(isRight(sent, 'r')).toBe(true);
    expect(sent.header('Authorization')).not.toMatch(/qop|nc=|cnonce|algorithm|opaque/);
  });

  test('auth is chosen of auth and auth-int; auth-int where nothing else is offered, over the body', () => {
    expect(answer(challenged(www('realm="r", nonce="n", qop="auth-int,auth"'))).sent.authorization[0]!.get('qop')).toBe('auth');
    const { sent } = answer(
      challenged(www('realm="r", nonce="n", qop="auth-int"')),
      alice,
      client(),
      request().setBody('text/plain', 'hello'),
    );
    expect(sent.authorization[0]!.get('qop')).toBe('auth-int');
    expect(isRight(sent, 'r')).toBe(true);
  });

  const three = challenged(
    www('realm="r", nonce="n0", algorithm=AKAv2-SHA-512, qop="auth"'),
    www('realm="r", nonce="n1", algorithm=MD5, qop="auth"'),
    www('realm="r", nonce="n2", algorithm=SHA-256, qop="auth"'),
  );

  test('RFC 8760 §2.4: of several for one realm, the topmost that we know', () => {
    const { sent } = answer(three);
    expect(sent.authorization.map((header) => header.get('algorithm'))).toEqual(['MD5']);
  });

  test('the strongest, by option', () => {
    expect(answer(three, alice, client('strongest')).sent.authorization.map((header) => header.get('algorithm'))).toEqual(['SHA-256']);
  });

  test('a stored MD5 hash answers the MD5 challenge, though SHA-256 stands above it', () => {
    const above = challenged(
      www('realm="r", nonce="n2", algorithm=SHA-256, qop="auth"'),
      www('realm="r", nonce="n1", algorithm=MD5, qop="auth"'),
    );
    const { sent } = answer(above, { user: 'alice', ha1: ha1Of('MD5', 'alice', 'r', 'secret') });
    expect(sent.authorization[0]!.get('algorithm')).toBe('MD5');
    expect(isRight(sent, 'r')).toBe(true);
  });

  test('RFC 8760 §2.4: two realms are both answered', () => {
    const { sent } = answer(challenged(www('realm="a", nonce="1", qop="auth"'), www('realm="b", nonce="2", qop="auth"')));
    expect([isRight(sent, 'a'), isRight(sent, 'b'), sent.authorization.length]).toEqual([true, true, 2]);
  });

  test('RFC 3261 §16.7: 401 and 407 gathered in one response are both answered', () => {
    const { sent } = answer(challenged(www('realm="a", nonce="1", qop="auth"'), proxy('realm="p", nonce="2", qop="auth"')));
    expect([isRight(sent, 'a'), isRight(sent, 'p')]).toEqual([true, true]);
    expect([sent.authorization.length, sent.proxyAuthorization.length]).toEqual([1, 1]);
  });

  test('RFC 3261 §22.3: the answer to a 407 stays when a 401 comes after it', () => {
    const digest = client();
    const first = answer(challenged(proxy('realm="p", nonce="2", qop="auth"')), alice, digest).sent;
    const second = answer(challenged(www('realm="a", nonce="1", qop="auth"')), alice, digest, first).sent;
    expect([isRight(second, 'a'), isRight(second, 'p')]).toEqual([true, true]);
  });

  test.each([
    ['no challenge at all', [], 'no-challenge'],
    ['Basic is never answered', [['WWW-Authenticate', 'Basic realm="r"']], 'no-challenge'],
    ['an algorithm we do not know', [www('realm="r", nonce="n", algorithm=AKAv1-MD5')], 'unsupported'],
    ['a qop we do not know', [www('realm="r", nonce="n", qop="future"')], 'unsupported'],
    ['no nonce', [www('realm="r"')], 'no-challenge'],
  ] as const)('%s: it is not sent again', (_rule, headers, why) => {
    const result = answer(new SipResponse(401, undefined, headers as readonly HeaderEntry[]));
    expect(result.why).toBe(why);
    expect(result.sent.has('Authorization')).toBe(false);
  });

  test('quotes and backslashes in realm, nonce and user survive', () => {
    const { sent } = answer(challenged(www('realm="a \\"quoted\\" \\\\ realm", nonce="n\\"1", qop="auth"')), {
      user: 'al"ice',
      password: 'secret',
    });
    expect(isRight(sent, 'a "quoted" \\ realm', 'al"ice')).toBe(true);
  });
});

describe('whose credentials', () => {
  test('RFC 3261 §22.1: those of one realm are never shown to another', () => {
    expect(answer(challenged(www('realm="evil", nonce="n"')), { ...alice, realm: 'good' }).why).toBe('no-credentials');
    const list = [
      { user: 'a', password: '1', realm: 'one' },
      { user: 'b', password: '2', realm: 'two' },
    ];
    const { sent } = answer(challenged(www('realm="two", nonce="n"')), list);
    expect(isRight(sent, 'two', 'b', '2')).toBe(true);
    expect(answer(challenged(www('realm="three", nonce="n"')), list).why).toBe('no-credentials');
  });

  describe('a realm that nobody named', () => {
    const call = (uri = 'sip:bob@example.com'): SipRequest => request(uri, 'INVITE');
    /** Asked in `realm`, answered, and taken. */
    const taken = (digest: DigestClient, realm: string, method = 'INVITE', uri = 'sip:bob@example.com'): void => {
      const { sent } = answer(challenged(www(`realm="${realm}", nonce="n"`)), alice, digest, request(uri, method));
      digest.learn(sent, new SipResponse(200, 'OK', []));
    };
    const ask = (digest: DigestClient, realm: string, sent: SipRequest): string | undefined =>
      answer(challenged(www(`realm="${realm}", nonce="m"`)), alice, digest, sent).why;

    test('is answered when it is the first to ask at its place; whoever asks in another name later is not', () => {
      const digest = client();
      taken(digest, 'pbx');
      expect(ask(digest, 'pbx', call())).toBeUndefined();
      expect(ask(digest, 'evil', call())).toBe('other-realm');
      expect(ask(digest, 'other', call('sip:bob@other.example'))).toBeUndefined();
      expect(answer(challenged(www('realm="evil", nonce="m"')), { ...alice, realm: 'evil' }, digest, call()).why).toBeUndefined();
    });

    test('a registrar may call itself otherwise from now on', () => {
      const digest = client();
      taken(digest, 'old', 'REGISTER');
      taken(digest, 'new', 'REGISTER');
      expect([ask(digest, 'new', call()), ask(digest, 'old', call())]).toEqual([undefined, 'other-realm']);
    });

    test('within a dialog the place is the other side’s to name: only a realm counts that is known from a place of ours', () => {
      const digest = client();
      taken(digest, 'pbx');
      const bye = request('sip:evil@192.0.2.66', 'BYE');
      bye.set('To', '<sip:bob@example.com>;tag=b');
      expect([ask(digest, 'evil', bye), ask(digest, 'pbx', bye)]).toEqual(['other-realm', undefined]);
    });
  });

  test('those named for the realm go before those for any', () => {
    const { sent } = answer(challenged(www('realm="r", nonce="n"')), [
      { user: 'any', password: 'x' },
      { user: 'alice', password: 'secret', realm: 'r' },
    ]);
    expect(isRight(sent, 'r')).toBe(true);
  });

  test('a function is asked by realm', () => {
    const { sent } = answer(challenged(www('realm="r", nonce="n"')), (realm) => (realm === 'r' ? alice : undefined));
    expect(isRight(sent, 'r')).toBe(true);
  });

  test('no secret is in what is written', () => {
    expect(answer(challenged(www('realm="r", nonce="n", qop="auth"'))).sent.header('Authorization')).not.toContain('secret');
  });
});

describe('asked again', () => {
  const first = challenged(www('realm="r", nonce="n1", qop="auth"'));

  test('RFC 3261 §22.2: a second challenge after a right try is a refusal', () => {
    const digest = client();
    const { sent } = answer(first, alice, digest);
    expect(answer(challenged(www('realm="r", nonce="n2", qop="auth"')), alice, digest, sent).why).toBe('refused');
    expect(answer(first, alice, digest, sent).why).toBe('refused');
  });

  test('RFC 7616 §3.3: stale=true with a new nonce is tried again', () => {
    const digest = client();
    const { sent } = answer(first, alice, digest);
    const again = answer(challenged(www('realm="r", nonce="n2", qop="auth", stale=TRUE')), alice, digest, sent);
    expect(again.why).toBeUndefined();
    expect(again.sent.authorization.map((header) => header.get('nonce'))).toEqual(['n2']);
    expect(answer(challenged(www('realm="r", nonce="n2", qop="auth", stale=true')), alice, digest, again.sent).why).toBe('refused');
  });

  test('RFC 7616 §3.4.5: what is primed counts up; a challenge to it is not a refusal, as the nonce may only have aged', () => {
    const digest = client();
    answer(first, alice, digest);
    const primed = request();
    digest.prime(primed, alice);
    expect(primed.authorization[0]!.get('nc')).toBe('00000002');
    expect(isRight(primed, 'r')).toBe(true);
    const again = answer(challenged(www('realm="r", nonce="n2", qop="auth"')), alice, digest, primed);
    expect(again.why).toBeUndefined();
    expect(isRight(again.sent, 'r')).toBe(true);
    expect(answer(challenged(www('realm="r", nonce="n3", qop="auth"')), alice, digest, again.sent).why).toBe('refused');
  });

  test('RFC 7616 §3.4: requests that share a nonce overtake each other; a right password is not called wrong for that', () => {
    const digest = client();
    const again = (nonce: string, sent: SipRequest) =>
      answer(challenged(www(`realm="r", nonce="${nonce}", qop="auth"`)), alice, digest, sent);
    const { sent: registered } = answer(first, alice, digest);
    digest.learn(registered, new SipResponse(200));
    const [one, other] = [request(), request()];
    digest.prime(one, alice);
    digest.prime(other, alice);
    expect([one, other].map((sent) => sent.authorization[0]!.get('nc'))).toEqual(['00000002', '00000003']);
    // The other came first; ours is refused after the other has been challenged as well.
    const { sent: second, why } = again('n3', other);
    expect(why).toBeUndefined();
    const retried = again('n2', one);
    expect(retried.why).toBeUndefined();
    // A third uses n2 before our answer to it is there.
    digest.prime(request(), alice);
    expect(again('n4', retried.sent).why).toBeUndefined();
    expect(again('n5', second).why).toBeUndefined();
  });

  test('a wrong password stays refused, whoever else was challenged meanwhile', () => {
    const digest = client();
    const { sent } = answer(first, alice, digest);
    answer(challenged(www('realm="r", nonce="n2", qop="auth"')), alice, digest, request());
    expect(answer(challenged(www('realm="r", nonce="n3", qop="auth"')), alice, digest, sent).why).toBe('refused');
  });

  test('only the place that asked is answered beforehand', () => {
    const digest = client();
    answer(first, alice, digest);
    const elsewhere = request('sip:example.org');
    digest.prime(elsewhere, alice);
    expect(elsewhere.has('Authorization')).toBe(false);
    const through = request('sip:example.com', 'REGISTER', [['Route', '<sip:proxy.example.net;lr>']]);
    digest.prime(through, alice);
    expect(through.has('Authorization')).toBe(false);
  });

  test('RFC 7616 §3.5: nextnonce is used next, counted from one', () => {
    const digest = client();
    const { sent } = answer(first, alice, digest);
    digest.learn(sent, new SipResponse(200, undefined, [['Authentication-Info', 'nextnonce="n9"']]));
    const next = request();
    digest.prime(next, alice);
    expect([next.authorization[0]!.get('nonce'), next.authorization[0]!.get('nc')]).toEqual(['n9', '00000001']);
  });

  test('a thousand realms are not remembered for ever', () => {
    const digest = client();
    for (let i = 0; i < 1000; i++) answer(challenged(www(`realm="r${i}", nonce="n"`)), alice, digest);
    const primed = request();
    digest.prime(primed, alice);
    expect(primed.authorization).toHaveLength(256);
  });
});
