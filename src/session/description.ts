// Session descriptions in message bodies: bare, or a part of a multipart one (RFC 5621 §3), as gateways that carry ISUP beside it send.
import { parseMediaType } from '../sip/message/media-type.js';
import { parseMultipart } from '../sip/message/multipart.js';
import type { Body } from '../sip/ua/invite-usage.js';
import { parseSdp, type SdpFailure, type SessionDescription } from './sdp.js';

export const SDP_TYPE = 'application/sdp';

export function sdpBody(sdp: string): Body {
  // Kept as long as its transaction: not a slice of a pool, which it would keep whole.
  return { contentType: SDP_TYPE, bytes: new TextEncoder().encode(sdp) };
}

/** 'unsupported' when there is a body and none of it is SDP: what a 415 is for. */
export function sdpIn(body: Body | undefined): string | 'unsupported' | undefined {
  if (body === undefined || body.bytes.length === 0) return undefined;
  if (body.contentType === SDP_TYPE) return textOf(body.bytes);
  const type = parseMediaType(body.contentType);
  if (type === undefined) return 'unsupported';
  if (isSdp(type.type, type.subtype)) return textOf(body.bytes);
  const part = parseMultipart(type, body.bytes).find(({ contentType }) => isSdp(contentType.type, contentType.subtype));
  return part === undefined ? 'unsupported' : textOf(part.body);
}

/** The same, read. */
export function descriptionIn(body: Body | undefined): SessionDescription | SdpFailure | 'unsupported' | undefined {
  const sdp = sdpIn(body);
  return sdp === undefined || sdp === 'unsupported' ? sdp : parseSdp(sdp);
}

function isSdp(type: string, subtype: string): boolean {
  return type.toLowerCase() === 'application' && subtype.toLowerCase() === 'sdp';
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
