/** parse(write(m)) equals m, RFC 3261 §7: for any message an application can build, and byte for byte for what nobody touched. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OptionError } from '../../../src/errors.js';
import { headerName } from '../../../src/sip/message/header-name.js';
import { type SipMessage, SipRequest, SipResponse } from '../../../src/sip/message/message.js';
import { NameAddr } from '../../../src/sip/message/name-addr.js';
import { Params } from '../../../src/sip/message/params.js';
import { parse } from '../../../src/sip/message/parse.js';
import { isParseFailure } from '../../../src/sip/message/parse-failure.js';
import { responseTo } from '../../../src/sip/message/response-to.js';
import { parseUri } from '../../../src/sip/message/uri.js';
import { write } from '../../../src/sip/message/write.js';

/** No lone surrogate: UTF-8 has none. */
const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text);

const read = (bytes: Uint8Array): SipMessage => {
  const message = parse(bytes);
  if (isParseFailure(message)) throw new Error(message.failure);
  return message;
};

const token = fc.stringMatching(/^[a-zA-Z0-9.!%*_+`'~-]{1,20}$/);
/** Any text that may stand in a header, blanks around it apart: they are not part of a value. */
const value = fc
  .string({ unit: 'grapheme', maxLength: 60 })
  .map((text) => text.replace(/[\r\n\0]/g, '').trim())
  .filter((text) => isWellFormed(text));
const name = fc
  .oneof(token, fc.constantFrom('Via', 'v', 'From', 'Call-ID', 'X-Custom', 'Subject'))
  .filter((text) => headerName(text).name !== 'Content-Length');
const headers = fc.array(fc.tuple(name, value), { maxLength: 12 });
const body = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.string({ unit: 'grapheme' }).filter((text) => isWellFormed(text)),
);
const uri = fc.constantFrom(
  'sip:a@example.com',
  'sips:b@[2001:db8::1]:5071;lr',
  'tel:+1-201-555-0123',
  'urn:service:sos',
  'sip:%00@h?Subject=x',
);

const request = fc.tuple(token, uri, headers, body).map(([method, to, entries, payload]) => new SipRequest(method, to, entries, payload));
const response = fc
  .tuple(fc.integer({ min: 100, max: 699 }), value, headers, body)
  .map(([status, reason, entries, payload]) => new SipResponse(status, reason, entries, payload));

const plain = (message: SipMessage): unknown => ({
  start: message.startLine,
  entries: message.entries.filter(([written]) => headerName(written).name !== 'Content-Length'),
  body: Buffer.from(message.body).toString('hex'),
});

describe('parse and write', () => {
  test('property: parse(write(m)) equals m', () => {
    fc.assert(
      fc.property(fc.oneof(request, response), (message) => {
        expect(plain(read(write(message)))).toEqual(plain(message));
      }),
      { numRuns: 500 },
    );
  });

  test('property: what was read is written byte for byte, and a change leaves the other lines as they were', () => {
    fc.assert(
      fc.property(request, (message) => {
        const bytes = Buffer.from(write(message));
        const again = read(bytes);
        expect(Buffer.from(write(again)).equals(bytes)).toBe(true);
        again.set('X-Last', 'new');
        expect(plain(read(write(again)))).toEqual(plain(again));
      }),
    );
  });

  test('unknown headers survive a change byte for byte: odd spacing, folds, and octets that are no UTF-8', () => {
    const head =
      'OPTIONS sip:a@b SIP/2.0\r\nX-ODD  :  a \t b\r\n   folded\r\nLatin: caf\xe9 \xff\r\nUtf: caf\xc3\xa9\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n';
    const message = read(Buffer.from(head, 'latin1'));
    expect([message.header('x-odd'), message.header('utf')]).toEqual(['a \t b folded', 'café']);
    message.set('Max-Forwards', '69');
    expect(Buffer.from(write(message)).toString('latin1')).toBe(head.replace('70', '69'));
    const copy = new SipRequest('OPTIONS', 'sip:a@b', [['Latin', message.header('Latin')!]]);
    expect(Buffer.from(write(copy)).toString('latin1')).toContain('Latin: caf\xe9 \xff\r\n');
  });

  test('§20.14 Content-Length is always that of the body, whatever was given, in its place', () => {
    const message = new SipRequest(
      'MESSAGE',
      'sip:a@b',
      [
        ['l', '999'],
        ['Content-Length', '5'],
        ['To', '<sip:x@y>'],
      ],
      'été',
    );
    expect(Buffer.from(write(message)).toString()).toBe('MESSAGE sip:a@b SIP/2.0\r\nl: 5\r\nTo: <sip:x@y>\r\n\r\nété');
    message.setBody('text/plain', 'longer body');
    expect(read(write(message)).bodyText).toBe('longer body');
  });

  test('a lone CR or LF in a message is read as a blank, and not handed on when the message is changed', () => {
    const message = read(Buffer.from('OPTIONS sip:a@b SIP/2.0\r\nSubject: a\rInjected: b\r\nTo: <sip:x@y>\r\n\r\n'));
    expect(message.header('Subject')).toBe('a Injected: b');
    expect(message.has('Injected')).toBe(false);
    expect(Buffer.from(write(message.set('X', 'y'))).toString()).toContain('Subject: a Injected: b\r\n');
  });
});

describe('no header injection through any public door', () => {
  const evil = ['a\r\nEvil: yes', 'a\nEvil: yes', 'a\rEvil: yes', 'a\0b'];

  test.each(evil)('%j', (text) => {
    const message = new SipRequest('OPTIONS', 'sip:a@b');
    const incoming = read(Buffer.from('INVITE sip:a@b SIP/2.0\r\nTo: <sip:x@y>\r\n\r\n')) as SipRequest;
    const doors: (() => unknown)[] = [
      () => message.set('Subject', text),
      () => message.add('Subject', text),
      () => message.prepend('Subject', text),
      () => message.replaceFirst('Subject', text),
      () => message.set(text, 'x'),
      () => message.add(text, 'x'),
      () => message.setBody(text, 'x'),
      () => new SipRequest('OPTIONS', 'sip:a@b', [['Subject', text]]),
      () => new SipRequest('OPTIONS', 'sip:a@b', [[text, 'x']]),
      () => new SipRequest(text, 'sip:a@b'),
      () => new SipRequest('OPTIONS', `sip:${text}`),
      () => message.withUri(`sip:${text}@h`),
      () => new SipResponse(200, text),
      () => responseTo(incoming, 200, { reason: text }),
      () => responseTo(incoming, 200, { toTag: text }),
      () => responseTo(incoming, 200, { headers: [['Contact', text]] }),
      () => responseTo(incoming, 200, { contentType: text }),
      () => new NameAddr(parseUri('sip:a@b')!, text),
      () => Params.none.with('tag', text),
      () => Params.none.with(text, 'x'),
      () => new NameAddr(`sip:${text}`),
      () => new SipRequest('OPTIONS', parseUri('sip:a@b')!.with({ params: new Params([['x', text]], 'uri') })),
    ];
    for (const door of doors) expect(door).toThrow(OptionError);
    expect(Buffer.from(write(message)).toString()).not.toContain('Evil');
  });

  test('what is escaped is no injection', () => {
    const built = parseUri('sip:a@b')!.with({ user: 'a\r\nEvil: yes' });
    expect(built.toString()).toBe('sip:a%0D%0AEvil%3A%20yes@b');
  });
});
