import { expect, test } from 'vitest';
import { withoutSecrets } from '../../src/bot/secrets.js';

const shown = (text: string): string => Buffer.from(withoutSecrets(Buffer.from(text, 'latin1'))).toString('latin1');

test('a digest is blanked where it is an answer, and everything else stays in its place', () => {
  const authorization =
    'Authorization: Digest username="6001", realm="pbx", nonce="abc123", uri="sip:pbx", response="0123456789abcdef", cnonce="c0", qop=auth, nc=00000001';
  const text = `REGISTER sip:pbx SIP/2.0\r\nCSeq: 2 REGISTER\r\n${authorization}\r\nContent-Length: 0\r\n\r\n`;
  const blank = shown(text);
  expect(blank).toHaveLength(text.length);
  expect(blank).not.toMatch(/0123456789abcdef|abc123|"c0"/);
  expect(blank).toContain('username="6001", realm="pbx", nonce="******", uri="sip:pbx", response="****************", cnonce="**"');
  expect(blank.replace(/\*/g, '')).toContain('\r\nContent-Length: 0\r\n\r\n');
});

test('folded lines, any case, Proxy-Authorization, and values without quotes', () => {
  expect(shown('proxy-authorization : digest response=0123,\r\n nonce=abc\r\nVia: x\r\n')).toBe(
    'proxy-authorization : digest response=****,\r\n nonce=***\r\nVia: x\r\n',
  );
});

test('RFC 4568 §9.2: the keys of a=crypto; lifetime and MKI stay', () => {
  expect(shown('a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj|2^20|1:4\r\na=sendrecv\r\n')).toBe(
    `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${'*'.repeat(40)}|2^20|1:4\r\na=sendrecv\r\n`,
  );
});

test('what holds no secret is handed on as it is, the same bytes', () => {
  const bytes = Buffer.from('OPTIONS sip:x SIP/2.0\r\nWWW-Authenticate: Digest realm="x"\r\n\r\n', 'latin1');
  expect(withoutSecrets(bytes)).toBe(bytes);
});
