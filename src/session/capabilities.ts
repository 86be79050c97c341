// What our side of a call can and wants to do with audio: the input of every offer and every answer. One door, one set of defaults.
import type { CodecName } from '../codec/codec.js';
import { OptionError } from '../errors.js';
import type { CryptoKeys } from '../rtp/srtp/crypto-line.js';
import { type Direction, isAddress } from './sdp.js';

/**
 * 'off': RTP/AVP only. 'accept': offers plain, takes SRTP when it is offered. 'required': RTP/SAVP only.
 * 'optional': offers one RTP/AVP line with a=crypto and takes either. (Deviation from RFC 4568 §7.1.1, which wants RTP/SAVP; what most PBXs do.)
 */
export type SrtpMode = 'off' | 'accept' | 'optional' | 'required';

export interface Capabilities {
  /** Where our media arrives, as the peer must write it: an IP address. */
  readonly address: string;
  readonly port: number;
  /** @default port + 1 */
  readonly rtcpPort?: number;
  /** In our order of preference. @default ['g722', 'pcmu', 'pcma'] */
  readonly codecs?: readonly CodecName[];
  /** Whose order the codecs of an answer follow (RFC 3264 §6.1 prefers theirs). @default 'theirs' */
  readonly codecOrder?: 'theirs' | 'ours';
  /** @default 'off' */
  readonly srtp?: SrtpMode;
  /** Keys we would send with, one a suite, in our order of preference; the same ones for as long as the call lasts. Needed unless `srtp` is 'off'. */
  readonly keys?: readonly CryptoKeys[];
  /** What we want; an answer may get less. @default 'sendrecv' */
  readonly direction?: Direction;
  /** Packet length we like to receive. @default 20 */
  readonly ptimeMs?: number;
  /** Longest packet we take; said only when given. */
  readonly maxptimeMs?: number;
  /** Offer and take telephone-event (RFC 4733). @default true */
  readonly telephoneEvent?: boolean;
  /** Comfort noise (RFC 3389). @default 'accept' */
  readonly comfortNoise?: 'off' | 'accept' | 'offer';
  /** RTP and RTCP on one port (RFC 5761). @default 'accept' */
  readonly rtcpMux?: 'off' | 'accept' | 'offer';
  /** Of the o= line: one for the whole call. @default '1' */
  readonly sessionId?: string;
  /** Of the o= line: where to begin, and in a re-offer the last one sent. @default 1 */
  readonly version?: number;
}

export type ResolvedCapabilities = Required<Omit<Capabilities, 'maxptimeMs'>> & { readonly maxptimeMs: number | undefined };

const DEFAULTS = {
  codecs: ['g722', 'pcmu', 'pcma'],
  codecOrder: 'theirs',
  srtp: 'off',
  keys: [],
  direction: 'sendrecv',
  ptimeMs: 20,
  telephoneEvent: true,
  comfortNoise: 'accept',
  rtcpMux: 'accept',
  sessionId: '1',
  version: 1,
} as const satisfies Partial<Capabilities>;

export function resolveCapabilities(capabilities: Capabilities): ResolvedCapabilities {
  const { address, port } = capabilities;
  if (!isAddress(address)) throw new OptionError('capabilities.address', 'must be an IP address');
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new OptionError('capabilities.port', 'must be a port from 1 to 65535');
  // Written out: this is done for every call, and a spread over a spread takes ten times as long.
  const resolved: ResolvedCapabilities = {
    address,
    port,
    rtcpPort: capabilities.rtcpPort ?? port + 1,
    codecs: capabilities.codecs ?? DEFAULTS.codecs,
    codecOrder: capabilities.codecOrder ?? DEFAULTS.codecOrder,
    srtp: capabilities.srtp ?? DEFAULTS.srtp,
    keys: capabilities.keys ?? DEFAULTS.keys,
    direction: capabilities.direction ?? DEFAULTS.direction,
    ptimeMs: capabilities.ptimeMs ?? DEFAULTS.ptimeMs,
    maxptimeMs: capabilities.maxptimeMs,
    telephoneEvent: capabilities.telephoneEvent ?? DEFAULTS.telephoneEvent,
    comfortNoise: capabilities.comfortNoise ?? DEFAULTS.comfortNoise,
    rtcpMux: capabilities.rtcpMux ?? DEFAULTS.rtcpMux,
    sessionId: capabilities.sessionId ?? DEFAULTS.sessionId,
    version: capabilities.version ?? DEFAULTS.version,
  };
  if (resolved.codecs.length === 0) throw new OptionError('capabilities.codecs', 'must name at least one codec');
  if (resolved.keys.length === 0 && (resolved.srtp === 'optional' || resolved.srtp === 'required'))
    throw new OptionError('capabilities.keys', `must hold at least one key when srtp is '${resolved.srtp}'`);
  return resolved;
}
