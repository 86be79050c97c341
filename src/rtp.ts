/** `sipbot/rtp`: what travels on the media ports, packet by packet. No socket, no clock. */
export type { RtpHeaderFields } from './rtp/header.js';
export { csrcAt, isRtcp, parseRtp, RTP_HEADER_BYTES, RtpHeader, writeRtp } from './rtp/header.js';
