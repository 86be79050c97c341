import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Frame, Framer } from '../../../src/sip/message/framer.js';

const message = (body: string, length = `${Buffer.byteLength(body)}`): string =>
  `OPTIONS sip:a@example.com SIP/2.0\r\nVia: SIP/2.0/TCP host;branch=z9hG4bK1\r\nContent-Length: ${length}\r\n\r\n${body}`;

const show = (frame: Frame): string =>
  frame.type === 'message' ? Buffer.from(frame.bytes).toString() : frame.type === 'broken' ? `broken: ${frame.why}` : frame.type;

const push = (framer: Framer, ...chunks: string[]): string[] => chunks.flatMap((chunk) => framer.push(Buffer.from(chunk)).map(show));

describe('Framer', () => {
  test('§18.3 messages by Content-Length, several in one chunk', () => {
    expect(push(new Framer(), message('one') + message('') + message('three'))).toEqual([message('one'), message(''), message('three')]);
  });

  test('§7.3.3, §7.3.1 the compact and the folded Content-Length count too', () => {
    const compact = 'OPTIONS sip:a@b SIP/2.0\r\nl:\r\n 3\r\n\r\nabc';
    expect(push(new Framer(), compact + message(''))).toEqual([compact, message('')]);
  });

  test('property: any split gives the same frames', () => {
    const piece = fc.constantFrom(message('v=0\r\n\r\n'), message(''), message('\r\n\r\n\r\n'), '\r\n\r\n');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.array(fc.nat(400), { maxLength: 12 }), (pieces, cuts) => {
        const stream = pieces.join('');
        const whole = push(new Framer(), stream).filter((frame) => frame !== 'pong');
        const at = [0, ...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length];
        const chunks = at.slice(1).map((to, i) => stream.slice(at[i], to));
        expect(push(new Framer(), ...chunks).filter((frame) => frame !== 'pong')).toEqual(whole);
      }),
    );
  });

  test('RFC 5626 §3.5.1 a double CRLF is a ping, a single one its answer; before a message it is nothing (§7.5)', () => {
    expect(push(new Framer(), '\r\n\r\n')).toEqual(['ping']);
    expect(push(new Framer(), '\r\n')).toEqual(['pong']);
    expect(push(new Framer(), `\r\n${message('')}`)).toEqual([message('')]);
    expect(push(new Framer(), '\r\n\r\n\r\n\r\n')).toEqual(['ping', 'ping']);
  });

  test('RFC 5626 §3.5.1 a ping cut in two is still seen', () => {
    expect(push(new Framer(), '\r\n', '\r\n')).toEqual(['pong', 'ping']);
    expect(push(new Framer(), '\r', '\n\r', '\n')).toEqual(['ping']);
  });

  test('a stream of another protocol ends with one `broken`, and then nothing', () => {
    for (const stream of ['GET / HTTP/1.1\r\nHost: x\r\n\r\n', '\u0016\u0003\u0001\u0002', ':::\r\n\r\n']) {
      const framer = new Framer();
      const [first, ...rest] = push(framer, stream, message(''), stream);
      expect(first).toMatch(/^broken: /);
      expect(rest).toEqual([]);
      expect(framer.pendingBytes).toBe(0);
    }
  });

  test('§18.3 a Content-Length that is no number, or two that differ, end the stream; the failure holds what a 400 needs', () => {
    const bad = message('', 'many').replace('Via', 'Call-ID: c1\r\nVia');
    const [frame] = new Framer().push(Buffer.from(bad));
    expect(frame).toMatchObject({ type: 'broken', why: 'Content-Length is malformed', failure: { callId: 'c1', status: 400 } });
    expect(push(new Framer(), message('', '1\r\nl: 2'))).toEqual(['broken: Content-Length is malformed']);
  });

  test('a head with a broken line in it is still a frame: the parser will say what is wrong, the stream lives on', () => {
    const bad = message('abc').replace('Via:', 'Via');
    expect(push(new Framer(), bad + message(''))).toEqual([bad, message('')]);
  });

  test('a head or a body past its limit ends the stream, before it is kept', () => {
    const framer = new Framer({ headBytes: 300, bodyBytes: 100 });
    expect(push(framer, 'OPTIONS sip:a SIP/2.0\r\n', 'X: '.padEnd(290, 'x'))).toEqual(['broken: the head is too long']);
    expect(push(new Framer({ bodyBytes: 100 }), message('', '101'))).toEqual(['broken: the body is too long']);
    expect(push(new Framer({ bodyBytes: 100 }), message('', '999999999999999999999999'))).toMatchObject(
      [/^broken/].map((why) => expect.stringMatching(why)),
    );
  });

  test('a byte at a time costs no more than its length: 300 kB of body in single bytes', () => {
    const framer = new Framer();
    const bytes = Buffer.from(message('x'.repeat(300_000)));
    let frames = 0;
    for (let i = 0; i < bytes.length; i++) frames += framer.push(bytes.subarray(i, i + 1)).length;
    expect(frames).toBe(1);
  });

  test('the pushed chunk may be used again when a message was held over', () => {
    const framer = new Framer();
    const chunk = Buffer.from(message('abc'));
    framer.push(chunk.subarray(0, 40));
    const rest = Buffer.from(chunk.subarray(40));
    const [frame] = framer.push(rest);
    rest.fill(0);
    expect(show(frame!)).toBe(message('abc'));
  });
});
