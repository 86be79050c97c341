/** Bytes to a message, RFC 3261 §7: one datagram, or one frame of a stream. Never throws; linear in the number of bytes. */
import { isAscii } from 'node:buffer';
import { codeAt, isToken, parseDigits } from './chars.js';
import { headerName } from './header-name.js';
import { HeaderList } from './headers.js';
import { type ParseLimits, resolveLimits } from './limits.js';
import { type SipMessage, SipRequest, SipResponse } from './message.js';
import { makeFailure, type ParseFailure } from './parse-failure.js';
import { cutHead, type Head, scanHead } from './scan.js';
import { isFieldText } from './text.js';
import { readUri } from './uri.js';

const CONTENT_LENGTH = headerName('Content-Length');

/** The message owns its bytes: `bytes` may be used again at once. Octets behind the body are left out (§18.3). */
export const parse = (bytes: Uint8Array, limits?: ParseLimits): SipMessage | ParseFailure => {
  const bounds = resolveLimits(limits);
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = skipLineEnds(buffer);
  const isAllAscii = isAscii(buffer);
  // A body that is not text is not made text of.
  const text = buffer.toString('latin1', start, isAllAscii ? buffer.length : Math.min(buffer.length, start + bounds.headBytes));
  let head = scanHead(buffer, start, text, isAllAscii, bounds);
  if (typeof head === 'string') return makeFailure(head, text, head === 'the head is too long' ? 513 : 400);
  if (!isAllAscii && isAscii(buffer.subarray(start, start + head.end))) head = { ...head, isAscii: true };
  const list = HeaderList.scanned(head);
  const available = buffer.length - start - head.end;
  const said = bodyLength(list);
  if (typeof said === 'string') return makeFailure(said, text);
  if (said !== undefined && said > available) return makeFailure('the body is shorter than Content-Length', text);
  const length = said ?? available;
  if (length > bounds.bodyBytes) return makeFailure('the body is too long', text, 513);
  const body = length === 0 ? undefined : isAllAscii ? text.slice(head.end, head.end + length) : copy(buffer, start + head.end, length);
  const line = cutHead(head, 0, head.startLineEnd);
  return isStatusLine(line) ? parseResponse(line, head, list, body) : parseRequest(line, head, list, body);
};

/** §7.5: line ends before the start line are nothing. */
const skipLineEnds = (buffer: Buffer): number => {
  let at = 0;
  while (buffer[at] === 13 || buffer[at] === 10) at++;
  return at;
};

/** Memory of its own: a body kept for long must not keep a shared block alive. */
const copy = (buffer: Buffer, from: number, length: number): Uint8Array => new Uint8Array(buffer.subarray(from, from + length));

/** §20.14; undefined when the message does not say. */
const bodyLength = (list: HeaderList): number | string | undefined => {
  const first = list.indexOf(CONTENT_LENGTH);
  if (first === -1) return undefined;
  const length = parseDigits(list.valueAt(first), 0xffffffff);
  if (length === undefined) return 'Content-Length is no number';
  for (let next = list.indexOf(CONTENT_LENGTH, first + 1); next !== -1; next = list.indexOf(CONTENT_LENGTH, next + 1)) {
    if (parseDigits(list.valueAt(next), 0xffffffff) !== length) return 'two Content-Lengths differ';
  }
  return length;
};

const isStatusLine = (line: string): boolean => line.startsWith('SIP/') || (line.startsWith('sip/') && line.indexOf(' ') === 7);

const parseRequest = (line: string, head: Head, list: HeaderList, body: Uint8Array | string | undefined): SipMessage | ParseFailure => {
  const first = line.indexOf(' ');
  const last = line.endsWith(' SIP/2.0') ? line.length - 8 : line.lastIndexOf(' ');
  const method = line.slice(0, first);
  if (first === -1 || !isToken(method)) return makeFailure('no request line', head.text);
  if (first === last) return makeFailure('the request line has no SIP version', head.text);
  const version = line.slice(last + 1);
  if (version !== 'SIP/2.0' && version.toUpperCase() !== 'SIP/2.0') {
    return /^SIP\/\d+\.\d+$/i.test(version)
      ? makeFailure('another SIP version', head.text, 505)
      : makeFailure('the request line does not end with the SIP version', head.text);
  }
  const uri = readUri(line.slice(first + 1, last));
  return uri === undefined ? makeFailure('the Request-URI is malformed', head.text) : new SipRequest(method, uri, list, body);
};

const parseResponse = (line: string, head: Head, list: HeaderList, body: Uint8Array | string | undefined): SipMessage | ParseFailure => {
  if (line.slice(0, 8).toUpperCase() !== 'SIP/2.0 ') return makeFailure('another SIP version', head.text, 505);
  const space = codeAt(line, 11);
  const status = parseDigits(line.slice(8, 11));
  if (status === undefined || status < 100 || status > 699 || !(space === 32 || line.length === 11)) {
    return makeFailure('the status code is not one of 100 to 699', head.text);
  }
  const reason = line.slice(12);
  if (!isFieldText(reason)) return makeFailure('a CR or NUL in the reason phrase', head.text);
  return new SipResponse(status, reason, list, body);
};
