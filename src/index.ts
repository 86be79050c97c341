/** `sipbot`: everything an application needs. */
export * from './bot.js';
export { type Clock, systemClock, type Timer } from './clock.js';
export type { CodecName } from './codec/codec.js';
export { dtmfTone, progressTone, sineTone, type Tone } from './codec/tones.js';
export { CallError, type ErrorCode, ListenError, OptionError, RegistrationError, SipBotError } from './errors.js';
export type { Logger } from './log.js';
export type { Network } from './network.js';
export { type Random, systemRandom } from './random.js';
export type { StreamStats } from './rtp/stream-stats.js';
export type { Resolver } from './sip/transport/resolver.js';
export type { ListenAddress, ListenOptions, TlsOptions } from './sip/transport/transport.js';
export type { TraceEntry } from './sip/ua/user-agent-options.js';
export { CallTrace, type CallTraceOptions, type TracedPacket } from './trace/call-trace.js';
export { type CapturedSip, sipOfCapture } from './trace/captured-sip.js';
export { type Arrow, Ladder, type LadderOptions, type TracedMessage } from './trace/ladder.js';
export { type Datagram, readCapture, writePcap } from './trace/pcap.js';
