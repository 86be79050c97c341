/** Each typed header: what it reads, and that what is malformed reads as absent. */
import { describe, expect, test } from 'vitest';
import { AuthHeader, parseAuthHeader } from '../../../src/sip/message/auth-header.js';
import { contactExpires, contactInstance, contactQ, contactRegId } from '../../../src/sip/message/contact.js';
import { parseDate, writeDate } from '../../../src/sip/message/date.js';
import { writeReplaces } from '../../../src/sip/message/dialog-reference.js';
import { isIpv6 } from '../../../src/sip/message/host.js';
import { type SipMessage, SipRequest } from '../../../src/sip/message/message.js';
import { findBody, writeMultipart } from '../../../src/sip/message/multipart.js';
import { NameAddr, parseNameAddr } from '../../../src/sip/message/name-addr.js';
import { Params } from '../../../src/sip/message/params.js';
import { quote } from '../../../src/sip/message/quoted.js';
import { writeReason } from '../../../src/sip/message/reason.js';
import { writeSessionExpires } from '../../../src/sip/message/session-expires.js';
import { reasonPhrase } from '../../../src/sip/message/status.js';
import { parseUri } from '../../../src/sip/message/uri.js';
import { parseVia, Via } from '../../../src/sip/message/via.js';
import { writeWarning } from '../../../src/sip/message/warning.js';

const withHeader = (name: string, ...values: string[]): SipRequest =>
  new SipRequest(
    'INVITE',
    'sip:a@b',
    values.map((value) => [name, value] as const),
  );

/** header, value, getter, what it gives (matched as far as given). */
type Row = readonly [name: string, value: string, getter: keyof SipMessage, expected: unknown];

const good: readonly Row[] = [
  ['CSeq', '4711  INVITE', 'cseq', { number: 4711, method: 'INVITE' }],
  ['RSeq', '4294967295', 'rseq', 4294967295],
  ['RAck', '776656 1 INVITE', 'rack', { rseq: 776656, cseq: 1, method: 'INVITE' }],
  ['Max-Forwards', '0070', 'maxForwards', 70],
  ['Expires', '4294967295', 'expires', 4294967295],
  ['Min-Expires', '60', 'minExpires', 60],
  ['x', '1800;refresher=UAS', 'sessionExpires', { seconds: 1800, refresher: 'uas' }],
  ['Session-Expires', '1800;x=y', 'sessionExpires', { seconds: 1800, refresher: undefined }],
  ['Min-SE', '90;lr', 'minSe', 90],
  ['c', 'Application/SDP;charset="utf-8"', 'contentType', { type: 'application', subtype: 'sdp', essence: 'application/sdp' }],
  ['Content-Disposition', 'early-session;handling=optional', 'contentDisposition', { word: 'early-session' }],
  ['e', 'gzip, identity', 'contentEncoding', ['gzip', 'identity']],
  ['k', '100rel,timer,, replaces', 'supported', ['100rel', 'timer', 'replaces']],
  ['Require', '100rel', 'require', ['100rel']],
  ['Proxy-Require', 'sec-agree', 'proxyRequire', ['sec-agree']],
  ['Unsupported', 'foo', 'unsupported', ['foo']],
  ['Allow', 'INVITE, ACK', 'allow', ['INVITE', 'ACK']],
  ['u', 'refer, presence.winfo', 'allowEvents', ['refer', 'presence.winfo']],
  ['Recv-Info', 'conference, foo', 'recvInfo', ['conference', 'foo']],
  ['Info-Package', 'foo;x=y', 'infoPackage', 'foo'],
  [
    'r',
    '"Bob" <sip:bob@h?Replaces=a%40b%3Bto-tag%3D1>',
    'referTo',
    { displayName: 'Bob', uriText: 'sip:bob@h?Replaces=a%40b%3Bto-tag%3D1' },
  ],
  ['b', '<sip:ref@h>;cid="2UWQFN309shb3@h"', 'referredBy', { uriText: 'sip:ref@h' }],
  ['Refer-Sub', 'false', 'referSub', false],
  [
    'Replaces',
    '98732@sip.example.com;from-tag=r33th4x0r;to-tag=ff87ff',
    'replaces',
    { callId: '98732@sip.example.com', toTag: 'ff87ff', fromTag: 'r33th4x0r', earlyOnly: false },
  ],
  ['Replaces', 'c;to-tag=7743;from-tag=6472;early-only', 'replaces', { earlyOnly: true }],
  ['Join', 'c@h;from-tag=f;to-tag=t', 'join', { callId: 'c@h', toTag: 't', fromTag: 'f' }],
  ['Target-Dialog', 'c@h;local-tag=l;remote-tag=r', 'targetDialog', { callId: 'c@h', toTag: 'r', fromTag: 'l' }],
  ['o', 'refer;id=93809824', 'event', { type: 'refer', id: '93809824' }],
  [
    'Subscription-State',
    'Terminated;reason=NoResource;expires=5;retry-after=60',
    'subscriptionState',
    { state: 'terminated', reason: 'noresource', expires: 5, retryAfter: 60 },
  ],
  [
    'Reason',
    'Q.850;cause=16;text="Terminated", SIP;cause=200',
    'reasons',
    [
      { protocol: 'Q.850', cause: 16, text: 'Terminated' },
      { protocol: 'SIP', cause: 200, text: undefined },
    ],
  ],
  [
    'P-Asserted-Identity',
    '"Cullen" <sip:fluffy@cisco.com>, <tel:+14085264000>',
    'assertedIdentities',
    [{ displayName: 'Cullen' }, { uriText: 'tel:+14085264000' }],
  ],
  ['P-Preferred-Identity', '<sip:x@y>', 'preferredIdentities', [{ uriText: 'sip:x@y' }]],
  ['P-Associated-URI', '<sip:x@y>, <tel:+1>', 'associatedUris', [{ uriText: 'sip:x@y' }, { uriText: 'tel:+1' }]],
  ['P-Called-Party-ID', '<sip:x@y>', 'calledPartyId', { uriText: 'sip:x@y' }],
  ['Privacy', 'ID; Critical', 'privacy', ['id', 'critical']],
  ['Diversion', '<sip:a@b>;reason=No-Answer;counter=2;privacy=full', 'diversions', [{ reason: 'no-answer', counter: 2, privacy: 'full' }]],
  [
    'History-Info',
    '<sip:a@b?Reason=SIP%3Bcause%3D302>;index=1.1',
    'historyInfo',
    [{ index: '1.1', reasons: [{ protocol: 'SIP', cause: 302 }] }],
  ],
  [
    'Authorization',
    'Digest username="Ali\\"ce", realm="a, b", nonce="n", uri="sip:h", response="r", algorithm=MD5, nc=00000001',
    'authorization',
    [{ scheme: 'Digest', isDigest: true }],
  ],
  ['WWW-Authenticate', 'Bearer dG9rZW4=', 'wwwAuthenticate', [{ scheme: 'Bearer', token: 'dG9rZW4=' }]],
  ['Proxy-Authorization', 'digest a=b', 'proxyAuthorization', [{ isDigest: true }]],
  ['Proxy-Authenticate', 'Digest realm=""', 'proxyAuthenticate', [{ scheme: 'Digest' }]],
  ['Authentication-Info', 'nextnonce="47364c23432d2e131a5fb210812c", qop=auth', 'authenticationInfo', { scheme: '' }],
  ['User-Agent', 'x/1 (comment)', 'userAgent', 'x/1 (comment)'],
  ['Server', 'y', 'server', 'y'],
  ['s', 'Tech Support', 'subject', 'Tech Support'],
  ['Date', 'Sat, 13 Nov 2010 23:29:00 GMT', 'date', new Date('2010-11-13T23:29:00Z')],
  [
    'Retry-After',
    "18000 (I'm in a (long) meeting);duration=3600",
    'retryAfter',
    { seconds: 18000, comment: "I'm in a (long) meeting", duration: 3600 },
  ],
  ['Retry-After', '120', 'retryAfter', { seconds: 120, comment: undefined, duration: undefined }],
  [
    'Warning',
    '307 isi.edu "Session parameter \'foo\' not, understood", 301 h "x"',
    'warnings',
    [{ code: 307, agent: 'isi.edu', text: "Session parameter 'foo' not, understood" }, { code: 301 }],
  ],
  [
    'Call-Info',
    '<http://wwww.example.com/alice/photo.jpg> ;purpose=icon',
    'callInfo',
    [{ uriText: 'http://wwww.example.com/alice/photo.jpg' }],
  ],
  ['Alert-Info', '<http://www.example.com/sounds/moo.wav>', 'alertInfo', [{ uriText: 'http://www.example.com/sounds/moo.wav' }]],
  ['Error-Info', '<sip:announcement@h>', 'errorInfo', [{ uriText: 'sip:announcement@h' }]],
  ['Reply-To', 'Bob <sip:bob@h>', 'replyTo', { displayName: 'Bob' }],
  ['Flow-Timer', '95', 'flowTimer', 95],
  ['SIP-ETag', 'dx200xyz', 'sipEtag', 'dx200xyz'],
  ['SIP-If-Match', 'dx200xyz', 'sipIfMatch', 'dx200xyz'],
  ['a', '*;audio;require;methods="INVITE,BYE"', 'acceptContact', [{ require: true, explicit: false }]],
  ['j', '*;actor="msg-taker"', 'rejectContact', [{ require: false }]],
  ['d', 'proxy, fork', 'requestDisposition', ['proxy', 'fork']],
  [
    'Accept',
    'application/sdp;level=1, text/*;q=0.5, */*;q=0',
    'accept',
    [{ essence: 'application/sdp', q: 1 }, { essence: 'text/*', q: 0.5 }, { q: 0 }],
  ],
  ['Record-Route', '<sip:p1;lr>,<sip:p2>', 'recordRoutes', [{ uriText: 'sip:p1;lr' }, { uriText: 'sip:p2' }]],
  ['Path', '<sip:p;lr;ob>', 'paths', [{ uriText: 'sip:p;lr;ob' }]],
  ['Service-Route', '<sip:p;lr>', 'serviceRoutes', [{ uriText: 'sip:p;lr' }]],
  ['m', '*', 'contacts', '*'],
];

const bad: readonly (readonly [name: string, value: string, getter: keyof SipMessage])[] = [
  ['CSeq', '2147483648 INVITE', 'cseq'],
  ['CSeq', 'INVITE', 'cseq'],
  ['CSeq', '1INVITE', 'cseq'],
  ['CSeq', '1 IN VITE', 'cseq'],
  ['CSeq', '-1 INVITE', 'cseq'],
  ['RSeq', '4294967296', 'rseq'],
  ['RAck', '1 INVITE', 'rack'],
  ['Max-Forwards', '256', 'maxForwards'],
  ['Expires', '10 s', 'expires'],
  ['Expires', '4294967296', 'expires'],
  ['Session-Expires', 'soon', 'sessionExpires'],
  ['Content-Type', 'sdp', 'contentType'],
  ['Content-Type', 'a/b;c="', 'contentType'],
  ['Replaces', 'c;to-tag=t', 'replaces'],
  ['Event', 'a b', 'event'],
  ['Subscription-State', ';x', 'subscriptionState'],
  ['Date', 'Sat, 31 Feb 2010 23:29:00 GMT', 'date'],
  ['Date', 'Sat, 13 Nov 2010 23:29:00 EST', 'date'],
  ['Retry-After', '5 (open', 'retryAfter'],
  ['Retry-After', 'x', 'retryAfter'],
  ['From', '"a <sip:b@c>', 'from'],
  ['From', '<sip:b@c', 'from'],
  ['From', 'sip:a@b?c=d', 'from'],
  ['From', '<sip:b@c>;;tag=1', 'from'],
  ['Call-ID', 'a b', 'callId'],
  ['Via', 'SIP/3.0/UDP h', 'via'],
  ['Via', 'SIP/2.0/UDP', 'via'],
  ['Via', 'SIP/2.0/UDP h:x', 'via'],
  ['Via', 'SIP/2.0/UDP h:66000', 'via'],
  ['Via', 'SIP/2.0/UDP [::1', 'via'],
  ['Refer-To', 'nowhere', 'referTo'],
  ['Flow-Timer', '-1', 'flowTimer'],
  ['SIP-ETag', 'a b', 'sipEtag'],
  ['Refer-Sub', 'perhaps', 'referSub'],
  ['Authentication-Info', 'x', 'authenticationInfo'],
];

const badInList: readonly (readonly [name: string, value: string, getter: keyof SipMessage])[] = [
  ['Route', '<sip:p>, <>', 'routes'],
  ['Warning', '307 h "x", 1 h "x"', 'warnings'],
  ['Reason', 'SIP;cause=1, ;x', 'reasons'],
  ['Supported', 'a, b c', 'supported'],
  ['Accept-Contact', '*;a, b', 'acceptContact'],
  ['Authorization', 'Digest', 'authorization'],
];

describe('typed headers', () => {
  test.each(good)('%s: %s', (name, value, getter, expected) => {
    const got = withHeader(name, value)[getter];
    if (typeof expected === 'object' && expected !== null && !(expected instanceof Date)) {
      if (Array.isArray(expected)) expect((got as unknown[]).length).toBe(expected.length);
      expect(got).toMatchObject(expected);
    } else expect(got).toEqual(expected);
  });

  test('what was read is read again when it has been forgotten', () => {
    for (const [name, value, getter] of good) {
      const message = withHeader(name, value);
      const before = message[getter];
      message.forget();
      expect(message[getter]).toEqual(before);
    }
    const invite = withHeader('From', '<sip:a@b>;tag=1');
    const { from } = invite;
    expect(invite.from).toBe(from);
    invite.forget();
    expect(invite.from).not.toBe(from);
  });

  test.each(bad)('%s: %s is as good as absent', (name, value, getter) => {
    expect(withHeader(name, value)[getter]).toBeUndefined();
  });

  test.each(badInList)('%s: %s gives the well-formed values alone', (name, value, getter) => {
    expect((withHeader(name, value)[getter] as unknown[]).length).toBe(name === 'Authorization' ? 0 : 1);
  });

  test('every getter is undefined or empty on a message without headers', () => {
    const message = new SipRequest('INVITE', 'sip:a@b');
    for (const [, , getter] of good)
      expect(message[getter] === undefined || (message[getter] as unknown[]).length === 0, getter).toBe(true);
  });

  test('§7.3.1 lists over several lines keep their order; commas in quotes and brackets do not split', () => {
    const message = withHeader('Contact', '"a,b" <sip:x@h;p=1,2>, <sip:y@h>', '<sip:z@h>');
    expect(message.headers('m')).toEqual(['"a,b" <sip:x@h;p=1,2>', '<sip:y@h>', '<sip:z@h>']);
    expect(message.header('CONTACT')).toBe('"a,b" <sip:x@h;p=1,2>');
  });

  test('a change is seen by every getter at once', () => {
    const message = withHeader('From', '<sip:a@b>;tag=1');
    expect(message.from?.tag).toBe('1');
    message.set('f', '<sip:a@b>;tag=2');
    expect([message.from?.tag, message.headers('From').length]).toEqual(['2', 1]);
  });

  test('prepend, removeFirst and replaceFirst work on values, not on lines', () => {
    const message = withHeader('Via', 'SIP/2.0/UDP a, SIP/2.0/UDP b', 'SIP/2.0/UDP c');
    message.prepend('Via', 'SIP/2.0/UDP z').replaceFirst('v', 'SIP/2.0/UDP y');
    expect(message.vias.map((via) => via.host)).toEqual(['y', 'a', 'b', 'c']);
    message.removeFirst('Via').removeFirst('Via');
    expect(message.vias.map((via) => via.host)).toEqual(['b', 'c']);
    message.removeFirst('Via').removeFirst('Via').removeFirst('Via');
    expect(message.has('Via')).toBe(false);
  });

  test('clone and withUri share nothing that can change', () => {
    const message = withHeader('Subject', 'one');
    const [copy, moved] = [message.clone().set('Subject', 'two'), message.withUri('sip:c@d').set('Subject', 'three')];
    expect([message, copy, moved].map((one) => [one.uri.toString(), one.subject])).toEqual([
      ['sip:a@b', 'one'],
      ['sip:a@b', 'two'],
      ['sip:c@d', 'three'],
    ]);
  });
});

describe('values that are built', () => {
  test('NameAddr: quotes where needed, brackets always, tags and parameters', () => {
    const bob = new NameAddr(parseUri('sip:bob@h;lr')!, 'Bob "B" Ö').withTag('x').withParam('q', 'a b');
    expect(bob.toString()).toBe('"Bob \\"B\\" Ö" <sip:bob@h;lr>;tag=x;q="a b"');
    expect(parseNameAddr(bob.toString())?.displayName).toBe('Bob "B" Ö');
    expect(bob.withoutTag().withDisplayName(undefined).toString()).toBe('<sip:bob@h;lr>;q="a b"');
    expect(parseNameAddr('Anna Maria <sip:a@b>')?.withUri(parseUri('sip:c@d')!).toString()).toBe('Anna Maria <sip:c@d>');
    expect(parseNameAddr('sip:a@b;tag=1')?.withParam('x', true).toString()).toBe('<sip:a@b>;tag=1;x');
  });

  test('Via: RFC 3581 rport and received are put in; an IPv6 sent-by gets its brackets', () => {
    const via = parseVia('SIP/2.0/udp [2001:db8::1]:5060;rport;branch=z9hG4bK1;ttl=16;maddr=224.2.0.1')!;
    expect([via.transport, via.host, via.rport, via.ttl, via.maddr]).toEqual(['UDP', '2001:db8::1', true, 16, '224.2.0.1']);
    const stamped = via.withParam('rport', '9988').withParam('received', '2001:db8::2');
    expect(stamped.toString()).toBe(
      'SIP/2.0/UDP [2001:db8::1]:5060;rport=9988;branch=z9hG4bK1;ttl=16;maddr=224.2.0.1;received=2001:db8::2',
    );
    expect([stamped.rport, stamped.received]).toEqual([9988, '2001:db8::2']);
    expect(new Via('TLS', 'h', undefined, Params.of({ branch: 'z9hG4bKx', rport: true })).with({ port: 5061 }).toString()).toBe(
      'SIP/2.0/TLS h:5061;branch=z9hG4bKx;rport',
    );
  });

  test('Contact: expires, q, instance and reg-id', () => {
    const contact = parseNameAddr('<sip:a@b>;expires=60;q=0.7;reg-id=1;+sip.instance="<urn:uuid:0>"')!;
    expect([contactExpires(contact), contactQ(contact), contactRegId(contact), contactInstance(contact)]).toEqual([
      60,
      0.7,
      1,
      '<urn:uuid:0>',
    ]);
    const odd = parseNameAddr('<sip:a@b>;expires=soon;q=7')!;
    expect([contactExpires(odd), contactQ(odd), contactRegId(odd), contactInstance(odd)]).toEqual([undefined, 1, undefined, undefined]);
  });

  test('AuthHeader: what is quoted stays quoted, and reads without its quotes', () => {
    const header = parseAuthHeader('Digest realm="a \\"b\\", c", nonce=n, stale=FALSE')!;
    expect([header.get('REALM'), header.get('nonce'), header.get('stale')]).toEqual(['a "b", c', 'n', 'FALSE']);
    expect(
      new AuthHeader('Digest', [
        ['realm', quote('x"y')],
        ['qop', 'auth'],
      ]).toString(),
    ).toBe('Digest realm="x\\"y", qop=auth');
  });

  test('the writers give what the parsers read', () => {
    expect(writeSessionExpires({ seconds: 90, refresher: 'uac' })).toBe('90;refresher=uac');
    expect(writeReplaces({ callId: 'c', toTag: 't', fromTag: 'f', earlyOnly: true })).toBe('c;to-tag=t;from-tag=f;early-only');
    expect(writeReason({ protocol: 'SIP', cause: 486, text: 'Busy "here"' })).toBe('SIP;cause=486;text="Busy \\"here\\""');
    expect(writeWarning({ code: 399, agent: 'h', text: 'x' })).toBe('399 h "x"');
    expect(writeDate(parseDate('Sat, 13 Nov 2010 23:29:00 GMT')!)).toBe('Sat, 13 Nov 2010 23:29:00 GMT');
    expect([reasonPhrase(486), reasonPhrase(199), reasonPhrase(499), reasonPhrase(250)]).toEqual([
      'Busy Here',
      'Early Dialog Terminated',
      'Bad Request',
      'OK',
    ]);
  });

  test('multipart: a part is found by its type, however deep; a body of that type is itself', () => {
    const inner = writeMultipart('alternative', 'in', [
      { contentType: 'text/plain', body: Buffer.from('hi') },
      { contentType: 'application/sdp', body: Buffer.from('v=0\r\n') },
    ]);
    const outer = writeMultipart('mixed', 'out', [
      { contentType: inner.contentType, headers: [['Content-ID', '<x>']], body: inner.body },
      { contentType: 'application/isup', body: Buffer.of(0, 13, 10, 255) },
    ]);
    const message = new SipRequest('INVITE', 'sip:a@b').setBody(outer.contentType, outer.body);
    expect(Buffer.from(findBody(message, 'application/SDP')!.body).toString()).toBe('v=0\r\n');
    expect([...findBody(message, 'application/isup')!.body]).toEqual([0, 13, 10, 255]);
    expect(findBody(message, 'application/pidf+xml')).toBeUndefined();
    expect(findBody(new SipRequest('INVITE', 'sip:a@b').setBody('application/sdp', 'v=0'), 'application/sdp')?.contentType.essence).toBe(
      'application/sdp',
    );
  });

  test.each(['::', '::1', '2001:db8::8:800:200c:417a', '1:2:3:4:5:6:7:8', '::ffff:192.0.2.1', 'fe80::1%eth0'])(
    '%s is an IPv6 address',
    (text) => {
      expect(isIpv6(text)).toBe(true);
    },
  );

  test.each(['', ':', '1:2', '1:2:3:4:5:6:7:8:9', '1::2::3', '12345::', 'g::', '::1.2.3', '1:2:3:4:5:6:7:8::'])('%j is none', (text) => {
    expect(isIpv6(text)).toBe(false);
  });
});
