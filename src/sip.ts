/** `sipbot/sip`: public names only. */
export { check } from './sip/message/check.js';
export { type Frame, Framer } from './sip/message/framer.js';
export type { HeaderEntry } from './sip/message/headers.js';
export type { ParseLimits } from './sip/message/limits.js';
export { type SipMessage, SipRequest, SipResponse } from './sip/message/message.js';
export { findBody, parseMultipart } from './sip/message/multipart.js';
export { NameAddr, parseNameAddr } from './sip/message/name-addr.js';
export { Params } from './sip/message/params.js';
export { parse } from './sip/message/parse.js';
export { isParseFailure, type ParseFailure } from './sip/message/parse-failure.js';
export { type ResponseOptions, responseTo, responseToFailure } from './sip/message/response-to.js';
export { parseUri, Uri, type UriParts } from './sip/message/uri.js';
export { parseVia, Via } from './sip/message/via.js';
export { write } from './sip/message/write.js';
