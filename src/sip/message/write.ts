/** A message to bytes, RFC 3261 §7. What nobody changed leaves byte for byte as it came; Content-Length is always right (§20.14). */
import { headerName } from './header-name.js';
import type { SipMessage } from './message.js';
import { encodeText } from './text.js';

const CONTENT_LENGTH = headerName('Content-Length');

export const write = (message: SipMessage): Uint8Array => {
  const { list, body } = message;
  const head = list.untouched;
  if (head !== undefined && !message.isBodyTouched) return join(head.text.slice(0, head.end), body);
  let text = `${message.startLine}\r\n`;
  const at = list.indexOf(CONTENT_LENGTH);
  for (let i = 0; i < list.size; i++) {
    if (at === -1 || i < at) text += `${list.lineAt(i)}\r\n`;
    else if (i === at) text += `${list.nameAt(i)}: ${body.length}\r\n`;
    else if (list.indexOf(CONTENT_LENGTH, i) !== i) text += `${list.lineAt(i)}\r\n`;
  }
  if (at === -1) text += `Content-Length: ${body.length}\r\n`;
  return join(`${text}\r\n`, body);
};

const join = (text: string, body: Uint8Array): Uint8Array => {
  const head = encodeText(text);
  if (body.length === 0) return head;
  const bytes = Buffer.allocUnsafe(head.length + body.length);
  bytes.set(head, 0);
  bytes.set(body, head.length);
  return bytes;
};
