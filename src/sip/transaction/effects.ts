/** What a transaction machine (RFC 3261 §17) asks for: it does nothing itself, the layer carries these out in order. */
import type { SipMessage, SipRequest, SipResponse } from '../message/message.js';

/**
 * A to M are Table 4 of RFC 3261 and RFC 6026 §8.11. Four more are bounds the RFCs state without a letter:
 * `trying`: the 100 we owe (§17.2.1, RFC 4320 §4.1); `cancelled`: no final 64*T1 after CANCEL (§9.1);
 * `expired`: a non-INVITE nobody answered (RFC 4320 §4.2).
 */
export type TimerName = 'A' | 'B' | 'C' | 'D' | 'E' | 'F' | 'G' | 'H' | 'I' | 'J' | 'K' | 'L' | 'M' | 'trying' | 'cancelled' | 'expired';

/** `done` is the natural end; the others are what the transaction user must hear of. */
export type EndReason = 'done' | 'timeout' | 'transport' | 'cancelled' | 'stopped';

export type Effect =
  | { readonly type: 'send'; readonly message: SipMessage }
  /** §17.1.1.2: what was sent last is passed to the transport once more. */
  | { readonly type: 'resend' }
  /** Absolute, monotonic milliseconds. Arming a timer again moves it. */
  | { readonly type: 'arm'; readonly timer: TimerName; readonly at: number }
  | { readonly type: 'disarm'; readonly timer: TimerName }
  /** Client: a response for the transaction user. */
  | { readonly type: 'deliver'; readonly response: SipResponse }
  /** Client: CANCEL goes out now, as a transaction of its own. */
  | { readonly type: 'cancel' }
  /** Server: an ACK that is the transaction user's (RFC 6026 §7.1). */
  | { readonly type: 'ack'; readonly request: SipRequest }
  /** Server: a response could not be sent anywhere; the machine stays (RFC 6026 §8.8). */
  | { readonly type: 'failed' }
  /** The last one: the machine is gone, and every timer with it. */
  | { readonly type: 'end'; readonly reason: EndReason };

export type Reliability = 'reliable' | 'unreliable';

export const NOTHING: readonly Effect[] = [];
