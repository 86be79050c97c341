import { expect, test } from 'vitest';
import { sdpBody, sdpIn } from '../../src/session/description.js';

const body = (contentType: string, text: string) => ({ contentType, bytes: Buffer.from(text) });

test('a bare description, whatever the case and parameters of its type', () => {
  expect(sdpIn(sdpBody('v=0\r\n'))).toBe('v=0\r\n');
  expect(sdpIn(body('Application/SDP;charset=utf-8', 'v=0\r\n'))).toBe('v=0\r\n');
});

test('no body is no description; another body is unsupported', () => {
  expect(sdpIn(undefined)).toBeUndefined();
  expect(sdpIn(body('application/sdp', ''))).toBeUndefined();
  expect(sdpIn(body('application/isup', 'x'))).toBe('unsupported');
  expect(sdpIn(body('nonsense', 'x'))).toBe('unsupported');
});

test('RFC 5621 §3: found in a multipart body, beside what a gateway sends', () => {
  const text = '--b\r\nContent-Type: application/isup\r\n\r\n\u0001\r\n--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b--\r\n';
  expect(sdpIn(body('multipart/mixed;boundary=b', text))).toBe('v=0\r\n');
  expect(sdpIn(body('multipart/mixed;boundary=c', text))).toBe('unsupported');
});
