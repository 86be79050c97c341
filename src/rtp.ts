/** `sipbot/rtp`: what travels on the media ports, packet by packet; and the engine that turns it into PCM on time. */
export type { DtmfDigit } from './codec/dtmf-keypad.js';
export { DtmfReceiver, type DtmfSink } from './rtp/dtmf-receiver.js';
export { DtmfSender, type DtmfSenderOptions, type KeyTiming } from './rtp/dtmf-sender.js';
export { type EngineOptions, type EngineStats, MediaEngine, type ThreadStats } from './rtp/engine.js';
export { FrameCursor, FrameRing } from './rtp/frame-ring.js';
export { csrcAt, isRtcp, parseRtp, RTP_HEADER_BYTES, RtpHeader, type RtpHeaderFields, writeRtp } from './rtp/header.js';
export { JitterBuffer, type JitterStats, type PacketKind, type PutOutcome, type Take } from './rtp/jitter-buffer.js';
export type { JitterOptions } from './rtp/jitter-options.js';
export {
  type DtmfSendOptions,
  type FrameMs,
  MediaStream,
  MediaStream as RtpStream,
  type OpenStream,
  type SampleRate,
  type StreamEvent,
} from './rtp/media-stream.js';
export { type FrameSource, type LossConcealer, Playout, type PlayoutFormat, type PlayoutOptions } from './rtp/playout.js';
export { PlayoutRing } from './rtp/playout-ring.js';
export { type Impairment, impairment, mosFromR, type QualityInput, rFactor } from './rtp/quality.js';
export { ReceiverStats, type ReceptionReport } from './rtp/receiver-stats.js';
export { parseRtcp, type RtcpPacket, type SdesChunk, type SenderInfo } from './rtp/rtcp.js';
export type { VoipMetrics } from './rtp/rtcp-xr.js';
export { add16, add32, diff16, diff32 } from './rtp/sequence.js';
export { RtpSource, type SourceVerdict } from './rtp/source.js';
export { SrtpContext } from './rtp/srtp/context.js';
export {
  type CryptoKeys,
  type CryptoLine,
  type CryptoSuite,
  cryptoKeyLength,
  cryptoKeysFrom,
  parseCryptoLine,
  writeCryptoLine,
} from './rtp/srtp/crypto-line.js';
export type { StreamNews } from './rtp/stream.js';
export type { PayloadFormat, StreamParameters } from './rtp/stream-parameters.js';
export type { StreamStats } from './rtp/stream-stats.js';
export { type AddressVerdict, type SymmetricOptions, SymmetricRtp } from './rtp/symmetric.js';
export { TimeScale } from './rtp/time-scale.js';
