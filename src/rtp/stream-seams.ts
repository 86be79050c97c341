/** The two doors of a stream behind which other rooms live: RTCP (RFC 3550 §6) and SRTP (RFC 3711). */
import type { Random } from '../random.js';
import type { ReceiverStats } from './receiver-stats.js';

export interface RtcpSessionOptions {
  readonly ssrc: number;
  readonly cname: string;
  readonly random: Random;
  readonly reducedSize: boolean;
  /** Its report block is ours; it is told of each sender report. */
  /** What is known of the source that is heard; to be used at once. */
  readonly receiver: () => ReceiverStats;
}

/** What the RTCP of a peer says of us; NaN when not known. Updated in place. */
export interface RemoteView {
  readonly rttMs: number;
  readonly lossFraction: number;
  readonly lost: number;
  readonly jitterMs: number;
  /** How it rates what it hears of us, 0 to 100, when it says so (XR VoIP metrics). */
  readonly rFactor: number;
}

/** What XR VoIP metrics (RFC 3611 §4.7) say beyond the reception report. */
export interface LocalView {
  bufferDelayMs: number;
  concealedFraction: number;
  lateFraction: number;
  levelDbov: number;
  rFactor: number;
  mos: number;
  /** The same without the delay. */
  listeningMos: number;
  /** Of what we send. */
  packetMs: number;
  /** The most that the buffer may delay. */
  bufferLimitMs: number;
}

export interface RtcpSession {
  readonly remote: RemoteView;
  /** Monotonic milliseconds at which `write` is due next; Infinity: never. */
  readonly due: number;
  /** An RTP packet of ours left, or `packets` of them: timestamp and time are of the last. */
  onSent(timestamp: number, payloadBytes: number, now: number, clockRate: number, packets?: number): void;
  /** RTP of theirs came. */
  onReceived(ssrc: number, now: number): void;
  /** A compound packet, clear. Never throws. */
  onPacket(bytes: Uint8Array, length: number, now: number): 'taken' | 'bye' | 'invalid';
  /** The compound now due, into `into`; 0: not yet after all (§6.3.3), see `due`. */
  write(into: Uint8Array, now: number, wall: number, local: LocalView): number;
  /** RR or SR, SDES and BYE (§6.6), sent at once. */
  bye(into: Uint8Array, now: number, wall: number): number;
  /** Our source identifier changed (§8.2). */
  restart(ssrc: number): void;
}

/** One direction's cipher. Works in place; `bytes` has room for the overhead. */
export interface SrtpContext {
  /** What protecting adds to an RTP packet: tag and MKI. Constant, so that slots are exactly as long as packets. */
  readonly rtpOverhead: number;
  /** The same for RTCP: the index as well. */
  readonly rtcpOverhead: number;
  protectRtp(bytes: Uint8Array, length: number): number;
  /** The length of the clear packet, or -1: not authentic, replayed or malformed. */
  unprotectRtp(bytes: Uint8Array, length: number): number;
  protectRtcp(bytes: Uint8Array, length: number): number;
  unprotectRtcp(bytes: Uint8Array, length: number): number;
}
