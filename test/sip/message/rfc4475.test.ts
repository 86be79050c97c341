/** RFC 4475, all 49 messages: what the RFC says of each, and what we make of it. A disagreement is a row with its reason. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { check } from '../../../src/sip/message/check.js';
import { Framer } from '../../../src/sip/message/framer.js';
import type { SipMessage, SipRequest } from '../../../src/sip/message/message.js';
import { parseMultipart } from '../../../src/sip/message/multipart.js';
import type { NameAddr } from '../../../src/sip/message/name-addr.js';
import { parse } from '../../../src/sip/message/parse.js';
import { isParseFailure, type ParseFailure } from '../../../src/sip/message/parse-failure.js';
import { responseToFailure } from '../../../src/sip/message/response-to.js';
import { write } from '../../../src/sip/message/write.js';

const folder = new URL('../../data/rfc4475/', import.meta.url);
const read = (name: string): Buffer => readFileSync(new URL(`${name}.dat`, folder));

const verdict = (bytes: Uint8Array): string => {
  const message = parse(bytes);
  if (isParseFailure(message)) return `${message.kind === 'response' ? 'discard' : `reject ${message.status}`}: ${message.failure}`;
  const failure = check(message);
  if (failure) return `${message.kind === 'response' ? 'discard' : `reject ${failure.status}`}: ${failure.failure}`;
  return 'accept';
};

type Row = readonly [name: string, section: string, rfc: string, ours: string];

// Where the RFC leaves a choice it is written out. What a user agent answers to a well-formed request (415, 416, 420, 501 …) is its own affair, above this room.
const table: readonly Row[] = [
  ['wsinv', '3.1.1.1', 'accept', 'accept'],
  ['intmeth', '3.1.1.2', 'accept', 'accept'],
  ['esc01', '3.1.1.3', 'accept', 'accept'],
  ['escnull', '3.1.1.4', 'accept', 'accept'],
  ['esc02', '3.1.1.5', 'accept', 'accept'],
  ['lwsdisp', '3.1.1.6', 'accept', 'accept'],
  ['longreq', '3.1.1.7', 'accept', 'accept'],
  ['dblreq', '3.1.1.8', 'accept the first, ignore the octets behind it', 'accept'],
  ['semiuri', '3.1.1.9', 'accept', 'accept'],
  ['transports', '3.1.1.10', 'accept', 'accept'],
  ['mpart01', '3.1.1.11', 'accept', 'accept'],
  ['unreason', '3.1.1.12', 'accept', 'accept'],
  ['noreason', '3.1.1.13', 'accept', 'accept'],
  ['badinv01', '3.1.2.1', 'reject 400', 'reject 400: Via is malformed'],
  ['clerr', '3.1.2.2', 'reject 400 (UDP)', 'reject 400: the body is shorter than Content-Length'],
  ['ncl', '3.1.2.3', 'reject 400', 'reject 400: Content-Length is no number'],
  ['scalar02', '3.1.2.4', 'reject 400', 'reject 400: CSeq is malformed'],
  ['scalarlg', '3.1.2.5', 'discard', 'discard: CSeq is malformed'],
  ['quotbal', '3.1.2.6', 'reject 400, or infer the quote', 'reject 400: To is malformed'],
  ['ltgtruri', '3.1.2.7', 'reject 400, or ignore the brackets', 'reject 400: the Request-URI is malformed'],
  ['lwsruri', '3.1.2.8', 'reject 400, or ignore the blanks', 'reject 400: the Request-URI is malformed'],
  ['lwsstart', '3.1.2.9', 'reject 400, or ignore the blanks', 'reject 400: the Request-URI is malformed'],
  ['trws', '3.1.2.10', 'reject 400, or ignore the blank', 'reject 400: the request line does not end with the SIP version'],
  ['escruri', '3.1.2.11', 'reject 400, or ignore the headers in the Request-URI', 'accept'],
  ['baddate', '3.1.2.12', 'ignore the Date; rejecting is not advised', 'accept'],
  ['regbadct', '3.1.2.13', 'reject 400, or infer the brackets', 'reject 400: Contact is malformed'],
  ['badaspec', '3.1.2.14', 'reject 400, or ignore the blanks', 'reject 400: To is malformed'],
  // The RFC lets us infer the quotes, and so we do: senders that forget them around a comma are many. (The published file also lacks its last empty line.)
  ['baddn', '3.1.2.15', 'reject 400, or infer the quotes', 'accept'],
  ['badvers', '3.1.2.16', 'reject 505', 'reject 505: another SIP version'],
  ['mismatch01', '3.1.2.17', 'reject 400', 'reject 400: CSeq names another method'],
  ['mismatch02', '3.1.2.18', 'reject 501 or 400', 'reject 400: CSeq names another method'],
  ['bigcode', '3.1.2.19', 'discard', 'discard: the status code is not one of 100 to 699'],
  ['badbranch', '3.2.1', 'reject 400, or match as RFC 2543 does', 'accept'],
  ['insuf', '3.3.1', 'reject 400', 'reject 400: From is missing'],
  ['unkscm', '3.3.2', 'accept (then 416)', 'accept'],
  ['novelsc', '3.3.3', 'accept (then 416)', 'accept'],
  ['unksm2', '3.3.4', 'accept (a registrar: 400)', 'accept'],
  ['bext01', '3.3.5', 'accept (then 420)', 'accept'],
  ['invut', '3.3.6', 'accept (then 415)', 'accept'],
  ['regaut01', '3.3.7', 'accept', 'accept'],
  ['multi01', '3.3.8', 'reject 400', 'reject 400: From stands twice'],
  ['mcl01', '3.3.9', 'reject 400', 'reject 400: two Content-Lengths differ'],
  ['bcast', '3.3.10', 'accept (a user agent discards it)', 'accept'],
  ['zeromf', '3.3.11', 'accept', 'accept'],
  ['cparam01', '3.3.12', 'accept', 'accept'],
  ['cparam02', '3.3.13', 'accept', 'accept'],
  ['regescrt', '3.3.14', 'accept', 'accept'],
  ['sdp01', '3.3.15', 'accept (then 406 or 400)', 'accept'],
  ['inv2543', '3.4.1', 'accept', 'accept'],
];

const message = (name: string): SipMessage => {
  const parsed = parse(read(name));
  if (isParseFailure(parsed)) throw new Error(parsed.failure);
  return parsed;
};

const request = (name: string): SipRequest => message(name) as SipRequest;

describe('RFC 4475', () => {
  test('the table has every message of the RFC', () => {
    const files = readdirSync(folder).map((file) => file.replace('.dat', ''));
    expect(table.map(([name]) => name).sort()).toEqual(files.sort());
    expect(table.length).toBe(49);
  });

  test.each(table)('%s (§%s): the RFC: %s; we: %s', (name, _section, rfc, ours) => {
    expect(verdict(read(name))).toBe(ours);
    // Each of our verdicts is one that the RFC gives.
    const [word] = ours.split(':');
    const allowed =
      rfc.includes(word!) || rfc.includes(word!.replace('reject', 'or')) || (word === 'accept' && /infer|ignore|match as/.test(rfc));
    expect(allowed).toBe(true);
  });

  test.each(table.filter(([, , , ours]) => ours === 'accept'))('%s is written byte for byte as it came', (name) => {
    const bytes = read(name);
    const written = write(message(name));
    expect(Buffer.compare(written, bytes.subarray(0, written.length))).toBe(0);
    expect(bytes.length - written.length).toBe(name === 'dblreq' ? 450 : 0);
  });

  test.each(table.filter(([, , , ours]) => ours.startsWith('reject')))('%s: a server can answer it, as far as it could be read', (name) => {
    const parsed = parse(read(name));
    const failure = (isParseFailure(parsed) ? parsed : check(parsed)) as ParseFailure;
    const response = responseToFailure(failure, 'abc');
    expect(response?.status).toBe(name === 'badvers' ? 505 : 400);
    expect(response?.has('Via')).toBe(true);
  });
});

describe('RFC 4475, what the text says of single messages', () => {
  test('§3.1.1.1 wsinv: folds, blanks and compact forms mean what they mean; an unknown header is kept', () => {
    const invite = request('wsinv');
    expect(invite.vias.map((via) => [via.transport, via.host, via.branch])).toEqual([
      ['UDP', '192.0.2.2', '390skdjuw'],
      ['TCP', 'spindle.example.com', 'z9hG4bK9ikj8'],
      ['UDP', '192.168.255.111', 'z9hG4bK30239'],
    ]);
    expect(invite.from?.displayName).toBe('J Rosenberg \\"');
    expect(invite.to?.tag).toBe('1918181833n');
    expect(invite.maxForwards).toBe(68);
    expect(invite.cseq).toEqual({ number: 9, method: 'INVITE' });
    expect(invite.header('NewFangledHeader')).toBe('newfangled value continued newfangled value');
    expect(invite.header('UnknownHeaderWithUnusualValue')).toBe(';;,,;;,;');
    expect(invite.routes.map((route) => route.uriText)).toEqual(['sip:services.example.com;lr;unknownwith=value;unknown-no-value']);
    expect(invite.contact?.displayName).toBe('Quoted string ""');
    expect(invite.contact?.params.get('newparam')).toBe('newvalue');
    expect(invite.contact?.params.has('secondparam')).toBe(true);
    expect(invite.contact?.params.get('q')).toBe('0.33');
  });

  test('§3.1.1.2 intmeth: any token is a method; quoted pairs and UTF-8 come through', () => {
    const wild = request('intmeth');
    expect(wild.method).toBe("!interesting-Method0123456789_*+`.%indeed'~");
    expect(wild.uri.user).toBe("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
    expect(wild.uri.password).toBe("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");
    expect(wild.to?.displayName).toBe('BEL:\u0007 NUL:\0 DEL:\u007f');
    expect([wild.from?.uri.user, wild.from?.tag]).toEqual(['mundane', "_token~1'+`*%!-."]);
    expect(wild.header("extensionHeader-!.%*+_`'~")).toBe('\ufeff大停電');
  });

  test('§3.1.1.3 esc01: escapes are undone once', () => {
    const invite = request('esc01');
    expect(invite.uri.user).toBe('sips:user@example.com');
    expect(invite.to?.uri.user).toBe('user');
    expect(invite.contact?.uri.params.get('name')).toBe('value%41');
    expect(invite.contact?.uri.params.has('lr')).toBe(true);
  });

  test('§3.1.1.4 escnull: %00 is a character of the user, and the two contacts differ', () => {
    const [first, second] = request('escnull').contacts as readonly NameAddr[];
    expect([first?.uri.user, second?.uri.user]).toEqual(['\0', '\0\0']);
    expect(first?.uri.equals(second!.uri)).toBe(false);
    expect(request('escnull').to?.uri.user).toBe('null-\0-null');
  });

  test('§3.1.1.5 esc02: a method is never unescaped, nor a display name; two contacts, not three', () => {
    const strange = request('esc02');
    expect(strange.method).toBe('RE%47IST%45R');
    expect(strange.to?.displayName).toBe('%Z%45');
    expect(strange.contacts.length).toBe(2);
  });

  test('§3.1.1.7 longreq: 34 Vias', () => {
    expect(request('longreq').vias.length).toBe(34);
  });

  test('§3.1.1.8 dblreq: on a stream the octets behind the body are the next request', () => {
    const methods = new Framer()
      .push(read('dblreq'))
      .flatMap((frame) => (frame.type === 'message' ? [(parse(frame.bytes) as SipRequest).method] : []));
    expect(methods).toEqual(['REGISTER', 'INVITE']);
  });

  test('§3.1.1.9 semiuri: a semicolon may be part of the user', () => {
    expect(request('semiuri').uri.user).toBe('user;par=u@example.net');
  });

  test('§3.1.1.11 mpart01: parts are told apart by the boundary, whatever octets they hold', () => {
    const wrapped = request('mpart01');
    const parts = parseMultipart(wrapped.contentType!, wrapped.body);
    expect(parts.map((part) => part.contentType.essence)).toEqual(['text/plain', 'application/octet-stream']);
    expect(Buffer.from(parts[0]!.body).toString()).toBe('Hello');
    expect(parts[1]!.body.includes(0)).toBe(true);
  });

  test('§3.1.1.12 unreason: UTF-8 in the reason phrase', () => {
    const response = message('unreason');
    expect(response.kind === 'response' && response.reason).toBe('= 2**3 * 5**2 но сто девяносто девять - простое');
  });

  test('§3.1.2.12 baddate: the header is as good as absent', () => {
    expect([request('baddate').date, request('baddate').has('Date')]).toEqual([undefined, true]);
  });

  test('§3.3.12, §3.3.13: a parameter without brackets is the header’s, inside them the URI’s', () => {
    expect(request('cparam01').contact?.params.has('unknownparam')).toBe(true);
    expect(request('cparam01').contact?.uri.params.has('unknownparam')).toBe(false);
    expect(request('cparam02').contact?.uri.params.has('unknownparam')).toBe(true);
  });

  test('§3.3.14 regescrt: headers in a contact’s URI are kept', () => {
    expect(request('regescrt').contact?.uri.headers.get('Route')).toBe('<sip:sip.example.com>');
  });
});
