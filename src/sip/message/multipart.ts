/** Bodies of several parts, RFC 2046 §5.1 and RFC 5621: found by their boundary, told apart by their content type. */

import { headerName } from './header-name.js';
import { HeaderList } from './headers.js';
import { type Limits, resolveLimits } from './limits.js';
import { MediaType, parseMediaType } from './media-type.js';
import type { SipMessage } from './message.js';
import { scanHead } from './scan.js';

export interface BodyPart {
  readonly contentType: MediaType;
  readonly body: Uint8Array;
  header(name: string): string | undefined;
}

/** More parts than that are not looked at. */
const MAX_PARTS = 64;
const MAX_DEPTH = 4;
const lineEnd = Buffer.from('\r\n');
const plainText = new MediaType('text', 'plain');
const CONTENT_TYPE = headerName('Content-Type');

/** The parts of a multipart body; [] when the type has no boundary or the body does not hold it. */
export const parseMultipart = (contentType: MediaType, body: Uint8Array): BodyPart[] => {
  const boundary = contentType.params.get('boundary');
  if (contentType.type !== 'multipart' || boundary === undefined || boundary === '' || boundary.length > 70) return [];
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const delimiter = Buffer.from(`--${boundary}`, 'utf8');
  const parts: BodyPart[] = [];
  const limits = resolveLimits(undefined);
  let from = -1;
  for (let at = findDelimiter(buffer, delimiter, 0); at !== -1 && parts.length < MAX_PARTS; ) {
    if (from !== -1) {
      const part = readPart(buffer.subarray(from, endBefore(buffer, at)), limits);
      if (part) parts.push(part);
    }
    const after = at + delimiter.length;
    if (buffer[after] === 45 && buffer[after + 1] === 45) break;
    const end = buffer.indexOf(10, after);
    if (end === -1) break;
    from = end + 1;
    at = findDelimiter(buffer, delimiter, from);
  }
  return parts;
};

/** A delimiter stands at the beginning of a line and has nothing but blanks, or `--`, behind it. */
const findDelimiter = (buffer: Buffer, delimiter: Buffer, from: number): number => {
  for (let at = buffer.indexOf(delimiter, from); at !== -1; at = buffer.indexOf(delimiter, at + 1)) {
    const next = buffer[at + delimiter.length];
    const isEnd = next === undefined || next === 13 || next === 10 || next === 32 || next === 9 || next === 45;
    if ((at === 0 || buffer[at - 1] === 10) && isEnd) return at;
  }
  return -1;
};

/** The line end before a delimiter belongs to the delimiter. */
const endBefore = (buffer: Buffer, at: number): number => (buffer[at - 2] === 13 ? at - 2 : at - 1);

const readPart = (bytes: Buffer, limits: Limits): BodyPart | undefined => {
  // A part is headers and a body like a message's; it only lacks a start line.
  const whole = Buffer.concat([lineEnd, bytes.subarray(0, limits.headBytes)]);
  const head = scanHead(whole, 0, whole.toString('latin1'), false, limits);
  if (typeof head === 'string') return undefined;
  const list = HeaderList.scanned(head);
  const written = list.text(CONTENT_TYPE);
  const contentType = written === undefined ? plainText : parseMediaType(written);
  if (contentType === undefined) return undefined;
  const body = new Uint8Array(bytes.subarray(Math.min(head.end - lineEnd.length, bytes.length)));
  return { contentType, body, header: (name) => list.first(headerName(name)) };
};

/** The body of that type: the message's own, or the first such part of a multipart one, however deep within reason. */
export const findBody = (message: SipMessage, essence: string): BodyPart | undefined => {
  const { contentType } = message;
  if (contentType === undefined) return undefined;
  const whole: BodyPart = { contentType, body: message.body, header: (name) => message.header(name) };
  return findPart(whole, essence.toLowerCase(), MAX_DEPTH);
};

const findPart = (part: BodyPart, essence: string, depth: number): BodyPart | undefined => {
  if (part.contentType.essence === essence) return part;
  if (part.contentType.type !== 'multipart' || depth === 0) return undefined;
  for (const inner of parseMultipart(part.contentType, part.body)) {
    const found = findPart(inner, essence, depth - 1);
    if (found) return found;
  }
  return undefined;
};

/** A multipart body and the Content-Type to send with it. The boundary may stand in none of the parts: the caller draws it at random. */
export const writeMultipart = (
  subtype: string,
  boundary: string,
  parts: readonly { readonly contentType: string; readonly headers?: readonly (readonly [string, string])[]; readonly body: Uint8Array }[],
): { contentType: string; body: Uint8Array } => {
  const chunks: Uint8Array[] = [];
  for (const { contentType, headers, body } of parts) {
    const list = HeaderList.of([['Content-Type', contentType], ...(headers ?? [])]);
    const lines = list.entries().map(([name, value]) => `${name}: ${value}\r\n`);
    chunks.push(Buffer.from(`--${boundary}\r\n${lines.join('')}\r\n`), body, Buffer.from('\r\n'));
  }
  chunks.push(Buffer.from(`--${boundary}--\r\n`));
  return { contentType: `multipart/${subtype};boundary="${boundary}"`, body: Buffer.concat(chunks) };
};
