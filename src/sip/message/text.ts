/**
 * Bytes to text and back without loss, RFC 3261 §7 (UTF-8). A byte that is not UTF-8 becomes a lone surrogate U+DC80..U+DCFF
 * and is written back as the byte it was, so that an unknown header survives whatever its author's character set.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { OptionError } from '../../errors.js';

const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export const decodeText = (bytes: Uint8Array): string => {
  const buffer = asBuffer(bytes);
  if (isAscii(buffer)) return buffer.toString('latin1');
  return isUtf8(buffer) ? buffer.toString('utf8') : decodeBroken(buffer);
};

/** Valid runs are decoded as they are, bytes that belong to none are escaped one by one. */
const decodeBroken = (buffer: Buffer): string => {
  const parts: string[] = [];
  let from = 0;
  let at = 0;
  while (at < buffer.length) {
    const length = sequenceLength(buffer, at);
    if (length > 0) {
      at += length;
      continue;
    }
    if (at > from) parts.push(buffer.toString('utf8', from, at));
    parts.push(String.fromCharCode(0xdc00 | buffer[at]!));
    from = ++at;
  }
  if (at > from) parts.push(buffer.toString('utf8', from, at));
  return parts.join('');
};

/** How many bytes the well-formed UTF-8 sequence at `at` has (RFC 3629 §4); 0 when there is none. */
const sequenceLength = (buffer: Buffer, at: number): number => {
  const first = buffer[at]!;
  if (first < 0x80) return 1;
  const length = first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
  if (length === 0 || at + length > buffer.length) return 0;
  const second = buffer[at + 1]!;
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (let i = 2; i < length; i++) if ((buffer[at + i]! & 0xc0) !== 0x80) return 0;
  return length;
};

const escapedByte = /[\udc80-\udcff]/;

/** Messages are cut from larger blocks, as Node cuts small buffers: a block of its own for each costs more than writing it. */
const BLOCK = 65_536;
let block = Buffer.alloc(0);
let used = 0;

export const encodeText = (text: string): Buffer => {
  const most = text.length * 3;
  if (most > BLOCK / 4) return escapedByte.test(text) ? encodeEscaped(text) : Buffer.from(text, 'utf8');
  if (used + most > block.length) {
    block = Buffer.allocUnsafeSlow(BLOCK);
    used = 0;
  }
  const from = used;
  const length = block.write(text, from, 'utf8');
  // As many bytes as characters: all of it was ASCII, and nothing can have been escaped.
  if (length !== text.length && escapedByte.test(text)) return encodeEscaped(text);
  used += length;
  return block.subarray(from, used);
};

const encodeEscaped = (text: string): Buffer => {
  const parts: Buffer[] = [];
  let from = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0xd800 && code < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      i++;
    } else if (code >= 0xdc80 && code <= 0xdcff) {
      if (i > from) parts.push(Buffer.from(text.slice(from, i), 'utf8'));
      parts.push(Buffer.of(code & 0xff));
      from = i + 1;
    }
  }
  parts.push(Buffer.from(text.slice(from), 'utf8'));
  return Buffer.concat(parts);
};

/** Whether the text may stand in a header: no CR, no LF, and a NUL only as the quoted pair that §25.1 allows. */
export const isFieldText = (text: string): boolean => {
  if (text.indexOf('\n') !== -1 || text.indexOf('\r') !== -1) return false;
  for (let at = text.indexOf('\0'); at !== -1; at = text.indexOf('\0', at + 1)) if (text.charCodeAt(at - 1) !== 92) return false;
  return true;
};

/** The door against header injection: every text that an application gives passes here. */
export const assertFieldText = (option: string, text: string): void => {
  if (!isFieldText(text)) throw new OptionError(option, 'may hold no CR, LF or NUL');
};
