// What an exchange of offer and answer leaves both sides with, and what it says when it fails.
import type { CryptoKeys } from '../rtp/srtp/crypto-line.js';
import type { AgreedFormat } from './formats.js';
import type { Direction, SessionDescription } from './sdp.js';

/** What both sides now hold about the one audio stream, seen from ours. */
export interface AgreedMedia {
  /** Which m= line it is. */
  readonly lineIndex: number;
  /** Ours: 'sendonly' means that we may send and they do not. */
  readonly direction: Direction;
  /** Where we send. `address` may be a name; undefined: nowhere (old-style hold, or the stream is switched off). */
  readonly remote: { readonly address: string; readonly port: number; readonly rtcpPort: number } | undefined;
  /** What we send. */
  readonly codec: AgreedFormat;
  /** What we take, by payload type. */
  readonly accept: readonly AgreedFormat[];
  readonly telephoneEvent?: {
    readonly sendPayloadType?: number;
    readonly receivePayloadTypes: readonly number[];
    readonly clockRate: number;
  };
  readonly comfortNoise?: { readonly sendPayloadType?: number; readonly receivePayloadTypes: readonly number[] };
  readonly rtcpMux: boolean;
  readonly reducedSizeRtcp: boolean;
  readonly srtp?: { readonly send: CryptoKeys; readonly receive: CryptoKeys };
}

/** One completed exchange: the ground on which the next one stands. */
export interface Agreement {
  readonly local: SessionDescription;
  readonly remote: SessionDescription;
  readonly media: AgreedMedia;
}

export interface Refusal {
  readonly kind: 'refusal';
  readonly status: 400 | 488;
  readonly reason: string;
  readonly warning: { readonly code: number; readonly text: string };
}

export function isRefusal(result: Agreement | Refusal): result is Refusal {
  return 'kind' in result && result.kind === 'refusal';
}

/** True when we may send by what they said: not when they hold us, in either style. */
export function maySend(media: AgreedMedia): boolean {
  return media.remote !== undefined && media.direction.startsWith('send');
}

export function mayReceive(media: AgreedMedia): boolean {
  return media.direction === 'sendrecv' || media.direction === 'recvonly';
}

export function badSdp(text: string): Refusal {
  return { kind: 'refusal', status: 400, reason: 'Bad Session Description', warning: { code: 399, text } };
}

export function refusal(code: number, text: string): Refusal {
  return { kind: 'refusal', status: 488, reason: 'Not Acceptable Here', warning: { code, text } };
}
