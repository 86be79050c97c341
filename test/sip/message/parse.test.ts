import { describe, expect, test } from 'vitest';
import { check } from '../../../src/sip/message/check.js';
import type { SipRequest, SipResponse } from '../../../src/sip/message/message.js';
import { parse } from '../../../src/sip/message/parse.js';
import { isParseFailure, type ParseFailure } from '../../../src/sip/message/parse-failure.js';
import { responseTo } from '../../../src/sip/message/response-to.js';
import { write } from '../../../src/sip/message/write.js';

const lines = (...text: string[]): Buffer => Buffer.from(text.join('\r\n'));

const invite = lines(
  'INVITE sip:bob@biloxi.example.com;transport=udp SIP/2.0',
  'Via: SIP/2.0/UDP pc33.atlanta.example.com:5070;branch=z9hG4bK776asdhds;rport',
  'v: SIP/2.0/TCP [2001:db8::9]:5061;branch=z9hG4bK1, SIP/2.0/TLS third.example.com',
  'Max-Forwards: 70',
  'To: Bob <sip:bob@biloxi.example.com>',
  'f: "Alice, \\"A\\"" <sip:alice@atlanta.example.com;lr>;tag=1928301774',
  'Call-ID: a84b4c76e66710@pc33.atlanta.example.com',
  'CSeq: 314159 INVITE',
  'Contact: <sip:alice@[2001:db8::1]:5066>',
  'Subject: folded',
  '\t and  unfolded',
  'Content-Type: application/sdp',
  'Content-Length: 4',
  '',
  'v=0\nrest that belongs to nobody',
);

const request = (bytes: Uint8Array): SipRequest => {
  const message = parse(bytes);
  if (isParseFailure(message) || message.kind !== 'request') throw new Error('no request');
  return message;
};

describe('parse', () => {
  test('§7.1, §7.3: a request, its compact forms, lists and folds read as values', () => {
    const message = request(invite);
    expect(message.method).toBe('INVITE');
    expect([message.uri.user, message.uri.host, message.uri.params.get('transport')]).toEqual(['bob', 'biloxi.example.com', 'udp']);
    expect(message.vias.map((via) => [via.transport, via.host, via.port, via.branch, via.rport])).toEqual([
      ['UDP', 'pc33.atlanta.example.com', 5070, 'z9hG4bK776asdhds', true],
      ['TCP', '2001:db8::9', 5061, 'z9hG4bK1', undefined],
      ['TLS', 'third.example.com', undefined, undefined, undefined],
    ]);
    expect([message.from?.displayName, message.from?.uri.user, message.from?.tag]).toEqual(['Alice, "A"', 'alice', '1928301774']);
    expect([message.to?.displayName, message.to?.tag]).toEqual(['Bob', undefined]);
    expect(message.contact?.uri.host).toBe('2001:db8::1');
    expect(message.cseq).toEqual({ number: 314159, method: 'INVITE' });
    expect(message.header('s')).toBe('folded and  unfolded');
    expect(message.maxForwards).toBe(70);
    expect(message.contentType?.essence).toBe('application/sdp');
    expect(message.bodyText).toBe('v=0\n');
    expect(check(message)).toBeUndefined();
  });

  test('§18.3: what nobody touched is written byte for byte, without the octets behind the body', () => {
    expect(Buffer.from(write(request(invite))).toString()).toBe(invite.toString().replace('rest that belongs to nobody', ''));
  });

  test('§8.2.6, §12.1.1: a response copies Via, From, To, Call-ID, CSeq, and tags To', () => {
    const response = responseTo(request(invite), 200, { toTag: 'xyz' });
    const again = parse(write(response)) as SipResponse;
    expect(again.status).toBe(200);
    expect(again.vias.map(String)).toEqual(request(invite).vias.map(String));
    expect(again.to?.tag).toBe('xyz');
    expect(again.header('from')).toBe(request(invite).header('From'));
    expect(again.contentLength).toBe(0);
  });

  test('§8.1.1: a request without From is a failure that a 400 can be made from', () => {
    const failure = check(request(Buffer.from(invite.toString().replace(/^f: .*\r\n/m, '')))) as ParseFailure;
    expect(failure.failure).toBe('From is missing');
    expect([failure.vias.length, failure.callId, failure.cseq]).toEqual([2, 'a84b4c76e66710@pc33.atlanta.example.com', '314159 INVITE']);
  });
});
