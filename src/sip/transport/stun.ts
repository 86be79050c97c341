/** STUN, the Binding method only (RFC 8489), as it shares a SIP port (RFC 5626 §4.4.2, §8): bytes in, bytes out. */
import type { SocketAddress } from '../../network.js';
import { isIP, plainAddress } from './ip.js';

/*
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * |0 0|     STUN Message Type     |         Message Length        |
 * |                  Magic Cookie = 0x2112A442                    |
 * |                     Transaction ID (96 bits)                  |
 * then attributes: type (16), length (16), value padded to 32 bits
 */
const HEADER = 20;
const COOKIE = 0x2112a442;
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const BINDING_ERROR = 0x0111;
const MAPPED_ADDRESS = 0x0001;
const ERROR_CODE = 0x0009;
const UNKNOWN_ATTRIBUTES = 0x000a;
const XOR_MAPPED_ADDRESS = 0x0020;
/** USERNAME, MESSAGE-INTEGRITY, REALM, NONCE, PRIORITY, USE-CANDIDATE: understood enough to be passed over, as nothing here is authenticated. */
const PASSED_OVER: ReadonlySet<number> = new Set([
  MAPPED_ADDRESS,
  0x0006,
  0x0008,
  0x0014,
  0x0015,
  0x001c,
  XOR_MAPPED_ADDRESS,
  0x0024,
  0x0025,
]);
const MAX_ATTRIBUTES = 32;

export type StunMessage =
  | { readonly type: 'request'; readonly transactionId: Uint8Array; readonly unknown: readonly number[] }
  | { readonly type: 'success'; readonly transactionId: Uint8Array; readonly mapped: SocketAddress | undefined }
  | { readonly type: 'error'; readonly transactionId: Uint8Array; readonly code: number };

/** No SIP message begins with a byte below 4: they begin with a letter. */
export function isStun(bytes: Uint8Array): boolean {
  return bytes.length >= HEADER && bytes[0]! < 4 && viewOf(bytes).getUint32(4) === COOKIE;
}

export function writeBindingRequest(transactionId: Uint8Array): Uint8Array {
  return writeMessage(BINDING_REQUEST, transactionId, new Uint8Array(0));
}

/** The answer to a Binding request from `remote`: its address, or 420 when it needs what we do not know (§6.3.1). */
export function writeBindingResponse(request: StunMessage & { type: 'request' }, remote: SocketAddress): Uint8Array {
  if (request.unknown.length > 0) {
    const size = request.unknown.length * 2;
    const body = new Uint8Array(8 + 4 + pad(size));
    const view = viewOf(body);
    view.setUint16(0, ERROR_CODE);
    view.setUint16(2, 4);
    view.setUint16(6, (4 << 8) | 20);
    view.setUint16(8, UNKNOWN_ATTRIBUTES);
    view.setUint16(10, size);
    for (const [i, type] of request.unknown.entries()) view.setUint16(12 + i * 2, type);
    return writeMessage(BINDING_ERROR, request.transactionId, body);
  }
  const address = addressBytes(plainAddress(remote.address));
  const body = new Uint8Array(8 + address.length);
  const view = viewOf(body);
  view.setUint16(0, XOR_MAPPED_ADDRESS);
  view.setUint16(2, 4 + address.length);
  body[5] = address.length === 4 ? 1 : 2;
  view.setUint16(6, remote.port ^ (COOKIE >>> 16));
  body.set(xored(address, request.transactionId), 8);
  return writeMessage(BINDING_SUCCESS, request.transactionId, body);
}

/** undefined for what is not a well-formed Binding message. */
export function parseStun(bytes: Uint8Array): StunMessage | undefined {
  if (!isStun(bytes)) return undefined;
  const view = viewOf(bytes);
  const length = view.getUint16(2);
  if (length % 4 !== 0 || HEADER + length !== bytes.length) return undefined;
  const transactionId = bytes.slice(8, HEADER);
  let mapped: SocketAddress | undefined;
  let isXored = false;
  let code = 0;
  const unknown: number[] = [];
  let at = HEADER;
  for (let count = 0; at < bytes.length; count++) {
    if (count === MAX_ATTRIBUTES) return undefined;
    const type = view.getUint16(at);
    const size = view.getUint16(at + 2);
    const start = at + 4;
    at = start + pad(size);
    if (at > bytes.length) return undefined;
    const value = bytes.subarray(start, start + size);
    if (type === XOR_MAPPED_ADDRESS) {
      mapped = readAddress(value, transactionId);
      isXored = mapped !== undefined;
    } else if (type === MAPPED_ADDRESS) {
      if (!isXored) mapped = readAddress(value, undefined);
    } else if (type === ERROR_CODE) code = size >= 4 ? (value[2]! & 7) * 100 + value[3]! : 0;
    else if (type < 0x8000 && !PASSED_OVER.has(type)) unknown.push(type);
  }
  switch (view.getUint16(0)) {
    case BINDING_REQUEST:
      return { type: 'request', transactionId, unknown };
    case BINDING_SUCCESS:
      return { type: 'success', transactionId, mapped };
    case BINDING_ERROR:
      return { type: 'error', transactionId, code };
    default:
      return undefined;
  }
}

function writeMessage(type: number, transactionId: Uint8Array, attributes: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER + attributes.length);
  const view = viewOf(bytes);
  view.setUint16(0, type);
  view.setUint16(2, attributes.length);
  view.setUint32(4, COOKIE);
  bytes.set(transactionId, 8);
  bytes.set(attributes, HEADER);
  return bytes;
}

function readAddress(value: Uint8Array, transactionId: Uint8Array | undefined): SocketAddress | undefined {
  const size = value[1] === 1 ? 4 : value[1] === 2 ? 16 : 0;
  if (size === 0 || value.length !== 4 + size) return undefined;
  const port = viewOf(value).getUint16(2);
  const bytes = value.subarray(4);
  if (transactionId === undefined) return { address: addressText(bytes), port };
  return { address: addressText(xored(bytes, transactionId)), port: port ^ (COOKIE >>> 16) };
}

/** §14.2: IPv4 with the cookie, IPv6 with the cookie and the transaction id. */
function xored(address: Uint8Array, transactionId: Uint8Array): Uint8Array {
  return address.map((byte, i) => byte ^ (i < 4 ? (COOKIE >>> (24 - 8 * i)) & 0xff : transactionId[i - 4]!));
}

function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const view = viewOf(bytes);
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(i * 2).toString(16));
  // The URL parser writes the canonical form of RFC 5952.
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

function addressBytes(address: string): Uint8Array {
  if (isIP(address) === 4) return Uint8Array.from(address.split('.'), Number);
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = '', tail] = canonical.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...new Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return Uint8Array.from(groups.flatMap((group) => [Number.parseInt(group, 16) >>> 8, Number.parseInt(group, 16) & 0xff]));
}

function pad(length: number): number {
  return (length + 3) & ~3;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
