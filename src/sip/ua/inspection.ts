/** What a request must pass before anybody looks at what it wants: RFC 3261 §8.2.1 to §8.2.3, in that order. */
import type { SipRequest } from '../message/message.js';
import type { Refusal } from '../transaction/layer.js';

export interface Abilities {
  /** Methods that are handled, in the order of Allow. */
  readonly allow: readonly string[];
  /** Option tags understood in Require, lower case. */
  readonly extensions: ReadonlySet<string>;
  /** Body types a method takes, lower case; undefined: its handler will see. */
  accepts(method: string): readonly string[] | undefined;
}

/** Methods that exist: the others are not implemented (501) rather than not allowed (405). */
const KNOWN = new Set([
  ...['INVITE', 'ACK', 'BYE', 'CANCEL', 'OPTIONS', 'REGISTER', 'PRACK', 'UPDATE'],
  ...['INFO', 'REFER', 'SUBSCRIBE', 'NOTIFY', 'MESSAGE', 'PUBLISH'],
]);

/** §8.1.1.8, RFC 6665 §3.1.1, RFC 3515 §2.4.1: they can make a dialog, and must say where its requests shall go. */
const NEED_CONTACT = new Set(['INVITE', 'SUBSCRIBE', 'REFER']);

const SCHEMES = new Set(['sip', 'sips', 'tel']);

/** Undefined: nothing is wrong with it. A request within a dialog is only asked for what it requires; its method and body are the dialog's. */
export function inspect(request: SipRequest, abilities: Abilities): Refusal | undefined {
  const { method } = request;
  const isInDialog = request.to?.tag !== undefined;
  if (!isInDialog && !abilities.allow.includes(method))
    return { status: KNOWN.has(method) ? 405 : 501, headers: [['Allow', abilities.allow.join(', ')]] };
  if (!SCHEMES.has(request.uri.scheme)) return { status: 416 };
  if (method !== 'CANCEL' && method !== 'ACK') {
    const unknown = request.require.filter((tag) => !abilities.extensions.has(tag.toLowerCase()));
    if (unknown.length > 0) return { status: 420, headers: [['Unsupported', unknown.join(', ')]] };
  }
  if (!isInDialog && NEED_CONTACT.has(method) && !request.has('Contact')) return { status: 400, reason: 'Missing Contact' };
  return request.body.length === 0 ? undefined : inspectBody(request, isInDialog ? undefined : abilities.accepts(method));
}

/** §8.2.3: a body that need not be understood (handling=optional) may be anything. */
function inspectBody(request: SipRequest, accepted: readonly string[] | undefined): Refusal | undefined {
  if (request.contentDisposition?.params.get('handling')?.toLowerCase() === 'optional') return undefined;
  if (request.contentEncoding.some((coding) => coding.toLowerCase() !== 'identity'))
    return { status: 415, headers: [['Accept-Encoding', 'identity']] };
  const type = request.contentType;
  if (accepted === undefined || type === undefined) return undefined;
  return accepted.includes(type.essence) || type.type === 'multipart'
    ? undefined
    : { status: 415, headers: [['Accept', accepted.join(', ')]] };
}
