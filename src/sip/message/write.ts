/** A message to bytes, RFC 3261 §7. What nobody changed leaves byte for byte as it came; Content-Length is always right (§20.14). */
import type { SipMessage } from './message.js';
import { encodeText } from './text.js';

export const write = (message: SipMessage): Uint8Array => {
  const { list, bodySource: body } = message;
  const head = list.untouched;
  if (head !== undefined && !message.isBodyTouched) {
    if (typeof body === 'string' && head.isAscii) return encodeText(head.text.slice(0, head.end) + body);
    return join(Buffer.from(head.text.slice(0, head.end), 'latin1'), message.body);
  }
  if (typeof body === 'string') {
    const text = `${message.startLine}${list.write(body.length)}\r\n\r\n${body}`;
    const bytes = encodeText(text);
    // A byte for each character: then the body has as many of both, and the length said of it is right.
    if (bytes.length === text.length) return bytes;
  }
  const { body: bytes } = message;
  return join(encodeText(`${message.startLine}${list.write(bytes.length)}\r\n\r\n`), bytes);
};

const join = (head: Buffer, body: Uint8Array): Uint8Array => {
  if (body.length === 0) return head;
  const bytes = Buffer.allocUnsafe(head.length + body.length);
  bytes.set(head, 0);
  bytes.set(body, head.length);
  return bytes;
};
