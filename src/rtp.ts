/** `sipbot/rtp`: what travels on the media ports, packet by packet. No socket, no clock. */
export type { RtpHeaderFields } from './rtp/header.js';
export { csrcAt, isRtcp, parseRtp, RTP_HEADER_BYTES, RtpHeader, writeRtp } from './rtp/header.js';
export type { JitterOptions, JitterStats, PacketKind, PutOutcome, Take } from './rtp/jitter-buffer.js';
export { JitterBuffer } from './rtp/jitter-buffer.js';
export type { FrameSource, LossConcealer, NoiseSource, PlayoutFormat, PlayoutOptions } from './rtp/playout.js';
export { Playout } from './rtp/playout.js';
export { TimeScale } from './rtp/time-scale.js';
