/** The response that a request asks for, RFC 3261 §8.2.6.2, §12.1.1, and what becomes of its lines when somebody asks or changes them. */
import { expect, test } from 'vitest';
import { type SipMessage, SipRequest } from '../../../src/sip/message/message.js';
import { parse } from '../../../src/sip/message/parse.js';
import { isParseFailure } from '../../../src/sip/message/parse-failure.js';
import { responseTo } from '../../../src/sip/message/response-to.js';
import { write } from '../../../src/sip/message/write.js';

const read = (text: string): SipMessage => {
  const message = parse(Buffer.from(text, 'latin1'));
  if (isParseFailure(message)) throw new Error(message.failure);
  return message;
};
const textOf = (message: SipMessage): string => Buffer.from(write(message)).toString('latin1');

const lines = [
  'INVITE sip:bob@b.example SIP/2.0',
  'v: SIP/2.0/UDP a.example;branch=z9hG4bK1',
  'Record-Route: <sip:p1.example;lr>',
  'Max-Forwards: 70',
  'VIA:SIP/2.0/UDP c.example\r\n  ;branch=z9hG4bK2',
  'f: Andr\xe9 <sip:a@a.example>;tag=1',
  'To:   <sip:bob@b.example>',
  'X-Other: not copied',
  'i: call-1',
  'CSeq: 7 INVITE',
  'Record-Route: <sip:p2.example;lr>',
  '',
  '',
];
const invite = read(lines.join('\r\n')) as SipRequest;

test('§8.2.6.2, §12.1.1: Via, Record-Route, From, To, Call-ID and CSeq as they came, a tag on To, then what is ours', () => {
  const response = responseTo(invite, 200, { toTag: 'x', headers: [['Contact', '<sip:b@h>']], contentType: 'text/plain', body: 'hello' });
  const wanted = [
    'SIP/2.0 200 OK',
    ...[1, 4, 2, 10, 5].map((at) => lines[at]!),
    'To:   <sip:bob@b.example>;tag=x',
    'i: call-1',
    'CSeq: 7 INVITE',
    'Contact: <sip:b@h>',
    'Content-Type: text/plain',
    'Content-Length: 5',
    '',
    'hello',
  ];
  expect(textOf(response)).toBe(wanted.join('\r\n'));
});

test('§12.1.1: no Record-Route where no dialog begins', () => {
  expect(responseTo(invite, 486, { toTag: 'x' }).has('Record-Route')).toBe(false);
  expect(responseTo(invite, 100).recordRoutes).toEqual([]);
});

test('§8.2.6.2: a tag that the request has is kept, and a 100 gets none', () => {
  const inside = new SipRequest('BYE', 'sip:b@h', [['To', '<sip:b@h>;tag=here']]);
  expect(responseTo(inside, 200, { toTag: 'x' }).to?.tag).toBe('here');
  expect(responseTo(invite, 100, { toTag: 'x' }).to?.tag).toBeUndefined();
});

test('whoever asks for a header of a response reads what would have been written', () => {
  const made = responseTo(invite, 180, {
    toTag: 'x',
    headers: [
      ['Allow', 'INVITE, ACK'],
      ['X-Own', ''],
    ],
  });
  const sent = read(
    textOf(
      responseTo(invite, 180, {
        toTag: 'x',
        headers: [
          ['Allow', 'INVITE, ACK'],
          ['X-Own', ''],
        ],
      }),
    ),
  );
  expect([...made.entries, ['Content-Length', '0']]).toEqual(sent.entries);
  expect(made.vias.map(({ branch }) => branch)).toEqual(['z9hG4bK1', 'z9hG4bK2']);
  expect(made.from?.displayName).toBe('Andr\udce9');
  expect(textOf(made)).toBe(textOf(sent as typeof made));
});

test('a response that is changed after it was made', () => {
  const response = responseTo(invite, 200, { toTag: 'x', contentType: 'text/plain', body: 'hello' });
  const copy = response.clone();
  response.removeFirst('Via').set('Content-Type', 'text/html').prepend('Record-Route', '<sip:us.example;lr>').add('Server', 'ours');
  expect(response.vias).toHaveLength(1);
  expect(response.headers('Record-Route')).toEqual(['<sip:us.example;lr>', '<sip:p1.example;lr>', '<sip:p2.example;lr>']);
  expect(textOf(response)).toMatch(/Content-Type: text\/html\r\nServer: ours\r\nContent-Length: 5\r\n\r\nhello$/);
  expect(copy.vias).toHaveLength(2);
  expect(copy.header('Content-Type')).toBe('text/plain');
});

test('the type of the body is what is said beside it, and its length is counted', () => {
  const given: [string, string][] = [
    ['content-type', 'text/html'],
    ['Content-length', '99'],
    ['c', 'text/html'],
    ['l', '98'],
  ];
  const response = responseTo(invite, 200, { headers: given, contentType: 'text/plain', body: 'été' });
  expect([response.headers('Content-Type'), response.headers('Content-Length')]).toEqual([['text/plain'], []]);
  expect(textOf(responseTo(invite, 200, { headers: given.slice(0, 2), body: 'été' }))).toMatch(
    /content-type: text\/html\r\nContent-Length: 5\r\n\r\n/,
  );
});

// The length was counted of the text, in which a byte that is not UTF-8 is a character of three bytes, and not of the bytes that were written.
test('§20.14 a body that is not UTF-8, read as text and sent on, keeps its length', () => {
  const message = read('MESSAGE sip:a@b SIP/2.0\r\nTo: <sip:a@b>\r\nContent-Length: 3\r\n\r\na\xe9\xff');
  expect(message.bodyText).toBe('a\udce9\udcff');
  expect(textOf(message.add('X', 'y'))).toBe('MESSAGE sip:a@b SIP/2.0\r\nTo: <sip:a@b>\r\nContent-Length: 3\r\nX: y\r\n\r\na\xe9\xff');
});
