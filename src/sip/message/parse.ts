/** Bytes to a message, RFC 3261 §7: one datagram, or one frame of a stream. Never throws; linear in the number of bytes. */
import { isAscii } from 'node:buffer';
import { isToken, parseDigits } from './chars.js';
import { headerName } from './header-name.js';
import { HeaderList } from './headers.js';
import { type Limits, type ParseLimits, resolveLimits } from './limits.js';
import { type SipMessage, SipRequest, SipResponse } from './message.js';
import { makeFailure, type ParseFailure } from './parse-failure.js';
import { type Head, scanHead } from './scan.js';
import { decodeText } from './text.js';
import { parseUri } from './uri.js';

const CONTENT_LENGTH = headerName('Content-Length');

/** The message owns its bytes: `bytes` may be used again at once. Octets behind the body are left out (§18.3). */
export const parse = (bytes: Uint8Array, limits?: ParseLimits): SipMessage | ParseFailure => {
  const bounds = resolveLimits(limits);
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = skipLineEnds(buffer);
  let text = buffer.toString('latin1', start, Math.min(buffer.length, start + bounds.headBytes));
  let head = scanHead(text, bounds);
  if (typeof head === 'string') return failed(head, buffer, start, bounds);
  const bodyFrom = start + head.end;
  if (!isAscii(buffer.subarray(start, bodyFrom))) {
    text = decodeText(buffer.subarray(start, bodyFrom));
    head = scanHead(text, bounds);
    if (typeof head === 'string') return failed(head, buffer, start, bounds);
  }
  return assemble(head, buffer, bodyFrom, bounds);
};

/** §7.5: line ends before the start line are nothing. */
const skipLineEnds = (buffer: Buffer): number => {
  let at = 0;
  while (buffer[at] === 13 || buffer[at] === 10) at++;
  return at;
};

const failed = (why: string, buffer: Buffer, start: number, limits: Limits): ParseFailure => {
  const isLong = buffer.length - start > limits.headBytes && why === 'the last header has no end';
  const text = decodeText(buffer.subarray(start, start + 16_384));
  return isLong ? makeFailure('the head is too long', text, 513) : makeFailure(why, text);
};

const assemble = (head: Head, buffer: Buffer, bodyFrom: number, limits: Limits): SipMessage | ParseFailure => {
  const list = HeaderList.scanned(head);
  const available = buffer.length - bodyFrom;
  const lengths = list.all(CONTENT_LENGTH);
  let length = available;
  if (lengths.length > 0) {
    const said = parseDigits(lengths[0]!, 0xffffffff);
    if (said === undefined) return makeFailure('Content-Length is no number', head.text);
    if (lengths.length > 1 && lengths.some((other) => parseDigits(other, 0xffffffff) !== said))
      return makeFailure('two Content-Lengths differ', head.text);
    if (said > available) return makeFailure('the body is shorter than Content-Length', head.text);
    length = said;
  }
  if (length > limits.bodyBytes) return makeFailure('the body is too long', head.text, 513);
  const body = length === 0 ? undefined : Uint8Array.prototype.slice.call(buffer, bodyFrom, bodyFrom + length);
  const line = head.text.slice(0, head.startLineEnd);
  return isStatusLine(line) ? parseResponse(line, head, list, body) : parseRequest(line, head, list, body);
};

const isStatusLine = (line: string): boolean => line.startsWith('SIP/') || (line.startsWith('sip/') && line.charCodeAt(7) === 32);

const parseRequest = (line: string, head: Head, list: HeaderList, body: Uint8Array | undefined): SipMessage | ParseFailure => {
  const first = line.indexOf(' ');
  const last = line.lastIndexOf(' ');
  const method = line.slice(0, first);
  if (first === -1 || !isToken(method)) return makeFailure('no request line', head.text);
  if (first === last) return makeFailure('the request line has no SIP version', head.text);
  const version = line.slice(last + 1);
  if (version !== 'SIP/2.0' && version.toUpperCase() !== 'SIP/2.0') {
    return /^SIP\/\d+\.\d+$/i.test(version)
      ? makeFailure('another SIP version', head.text, 505)
      : makeFailure('the request line does not end with the SIP version', head.text);
  }
  const uri = parseUri(line.slice(first + 1, last));
  return uri === undefined ? makeFailure('the Request-URI is malformed', head.text) : new SipRequest(method, uri, list, body);
};

const parseResponse = (line: string, head: Head, list: HeaderList, body: Uint8Array | undefined): SipMessage | ParseFailure => {
  if (line.slice(0, 8).toUpperCase() !== 'SIP/2.0 ') return makeFailure('another SIP version', head.text, 505);
  const space = line.charCodeAt(11);
  const status = parseDigits(line.slice(8, 11));
  if (status === undefined || status < 100 || status > 699 || !(space === 32 || line.length === 11)) {
    return makeFailure('the status code is not one of 100 to 699', head.text);
  }
  const reason = line.slice(12);
  if (reason.indexOf('\0') !== -1) return makeFailure('a NUL in the reason phrase', head.text);
  return new SipResponse(status, reason, list, body);
};
