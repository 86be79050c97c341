/** The response that a request asks for, RFC 3261 §8.2.6, §12.1.1: what must be copied is copied as it came. */
import { HeaderDraft } from './header-draft.js';
import { headerName } from './header-name.js';
import { type HeaderEntry, HeaderList } from './headers.js';
import { type SipRequest, SipResponse } from './message.js';
import type { ParseFailure } from './parse-failure.js';
import { reasonPhrase } from './status.js';
import { assertFieldText } from './text.js';

export interface ResponseOptions {
  readonly reason?: string;
  /** Put on To when it has no tag yet. */
  readonly toTag?: string;
  readonly headers?: readonly HeaderEntry[];
  readonly contentType?: string;
  readonly body?: Uint8Array | string;
}

const VIA = headerName('Via');
const RECORD_ROUTE = headerName('Record-Route');
const CONTENT_TYPE = headerName('Content-Type');
const FROM = headerName('From');
const TO = headerName('To');
const CALL_ID = headerName('Call-ID');
const CSEQ = headerName('CSeq');
const makesDialog = new Set(['INVITE', 'SUBSCRIBE', 'REFER', 'NOTIFY']);

export const responseTo = (request: SipRequest, status: number, options: ResponseOptions = {}): SipResponse => {
  const { reason, toTag, headers, contentType, body } = options;
  if (reason !== undefined) assertFieldText('reason', reason);
  const { list } = request;
  const draft = new HeaderDraft();
  draft.copy(list, VIA);
  // §12.1.1: the route set of the dialog that this response makes.
  if (status > 100 && status < 300 && makesDialog.has(request.method)) draft.copy(list, RECORD_ROUTE);
  draft.copy(list, FROM);
  if (toTag !== undefined && status > 100 && request.to !== undefined && request.to.tag === undefined) {
    assertFieldText('toTag', toTag);
    draft.copy(list, TO);
    draft.prolong(`;tag=${toTag}`);
  } else draft.copy(list, TO);
  draft.copy(list, CALL_ID);
  draft.copy(list, CSEQ);
  if (headers !== undefined)
    for (const [name, value] of headers) if (contentType === undefined || headerName(name) !== CONTENT_TYPE) draft.add(name, value);
  if (contentType !== undefined) draft.add('Content-Type', contentType);
  return new SipResponse(status, reason, HeaderList.drafted(draft.finish()), body);
};

/** The answer to a request that could not be read; undefined when it was no request, or an ACK, or too little is known to find the way back. */
export const responseToFailure = (failure: ParseFailure, toTag?: string): SipResponse | undefined => {
  const { kind, method, vias, from, to, callId, cseq, status } = failure;
  if (kind !== 'request' || method === 'ACK' || vias.length === 0) return undefined;
  const copied: HeaderEntry[] = vias.map((via) => ['Via', via]);
  if (from !== undefined) copied.push(['From', from]);
  if (to !== undefined) copied.push(['To', toTag === undefined || /;\s*tag\s*=/i.test(to) ? to : `${to};tag=${toTag}`]);
  if (callId !== undefined) copied.push(['Call-ID', callId]);
  if (cseq !== undefined) copied.push(['CSeq', cseq]);
  return new SipResponse(status, reasonPhrase(status), HeaderList.trusted(copied));
};
