/** What offer and answer agreed about one media stream, and what can be known from it before a packet flows. All of it may change during a call. */
import type { CodecDescription, CodecName, CodecOptions } from '../codec/codec.js';
import { describeCodec } from '../codec/registry.js';
import { OptionError } from '../errors.js';
import type { CryptoKeys } from './srtp/crypto-line.js';

export interface PayloadFormat {
  readonly payloadType: number;
  readonly codec: CodecName;
  /** @default 20 */
  readonly ptimeMs?: number | undefined;
  /** Of the samples, where the codec leaves a choice (L16). */
  readonly sampleRate?: number | undefined;
  /** On the wire (L16). @default 1 */
  readonly channels?: number | undefined;
  readonly fmtp?: Readonly<Record<string, string>> | undefined;
}

export interface StreamParameters {
  /** An IP literal; with port 0, or without any, nothing is sent until the peer's own packets show where it is (`latch`). */
  readonly remote: { readonly address: string; readonly port: number; readonly rtcpPort: number } | undefined;
  /** False: no RTP (RTCP goes on), and what is written waits. */
  readonly send: boolean;
  /** False: no frames. */
  readonly receive: boolean;
  readonly codec: PayloadFormat;
  readonly accept: readonly PayloadFormat[];
  readonly telephoneEvent?:
    | { readonly sendPayloadType?: number | undefined; readonly receivePayloadTypes: readonly number[]; readonly clockRate: number }
    | undefined;
  readonly comfortNoise?: { readonly sendPayloadType?: number | undefined; readonly receivePayloadTypes: readonly number[] } | undefined;
  /** Listen for tones in the audio. @default false */
  readonly detectInbandDtmf?: boolean | undefined;
  /** RTCP on the RTP port (RFC 5761). @default false */
  readonly rtcpMux?: boolean | undefined;
  /** RFC 5506. @default false */
  readonly reducedSizeRtcp?: boolean | undefined;
  /** With it, no clear packet leaves or is taken. */
  readonly srtp?: { readonly send: CryptoKeys; readonly receive: CryptoKeys } | undefined;
  /** Send to where the peer's packets come from (RFC 4961). @default true */
  readonly latch?: boolean | undefined;
  /** Say `silent` when neither RTP nor RTCP came for this long; 0 never. @default 0 */
  readonly silentAfterMs?: number | undefined;
}

/** Turns fall on a grid of 10 ms, so packets are 10 to 60 ms long. */
const PTIMES_MS = [10, 20, 30, 40, 50, 60];

export function describeFormat(format: PayloadFormat): CodecDescription {
  return describeCodec(format.codec, {
    ...(format.sampleRate === undefined ? {} : { sampleRate: format.sampleRate }),
    ...(format.channels === undefined ? {} : { channels: format.channels }),
  });
}

/** How the codec is run for a bot of that rate: where it can speak the bot's rate by itself, it does, and nothing need be resampled. */
export function codecOptions(format: PayloadFormat, sampleRate: number): CodecOptions {
  const fmtp = format.fmtp === undefined ? {} : { fmtp: format.fmtp };
  if (format.codec === 'opus') return { ...fmtp, sampleRate };
  if (format.codec === 'g722') return { sampleRate: sampleRate === 8000 ? 8000 : 16000 };
  return {
    ...fmtp,
    ...(format.sampleRate === undefined ? {} : { sampleRate: format.sampleRate }),
    ...(format.channels === undefined ? {} : { channels: format.channels }),
  };
}

/** The packet length to send: the longest that codec and grid allow and that is not over what was agreed. */
export function packetMs(format: PayloadFormat, description: CodecDescription): number {
  const wanted = format.ptimeMs ?? description.defaultPtimeMs;
  const possible = PTIMES_MS.filter((ms) => description.ptimesMs.includes(ms));
  return possible.findLast((ms) => ms <= wanted) ?? possible[0]!;
}

/** The caller's mistakes, found at the door and not in the media thread. */
export function checkParameters(parameters: StreamParameters, localAddress: string): void {
  const { remote, accept, codec, telephoneEvent, comfortNoise } = parameters;
  if (remote !== undefined) {
    if (remote.address.includes(':') !== localAddress.includes(':'))
      throw new OptionError('remote.address', `of the same family as the socket's ${localAddress}, not ${remote.address}`);
    checkPort('remote.port', remote.port);
    checkPort('remote.rtcpPort', remote.rtcpPort);
  }
  if (accept.length === 0) throw new OptionError('accept', 'at least one payload format');
  for (const format of [codec, ...accept]) {
    checkPayloadType(format.payloadType);
    describeFormat(format);
  }
  for (const payloadType of telephoneEvent?.receivePayloadTypes ?? []) checkPayloadType(payloadType);
  for (const payloadType of comfortNoise?.receivePayloadTypes ?? []) checkPayloadType(payloadType);
  if (telephoneEvent?.sendPayloadType !== undefined) checkPayloadType(telephoneEvent.sendPayloadType);
  if (comfortNoise?.sendPayloadType !== undefined) checkPayloadType(comfortNoise.sendPayloadType);
}

function checkPort(option: string, port: number): void {
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new OptionError(option, 'a port, or 0 for none');
}

function checkPayloadType(payloadType: number): void {
  if (!Number.isInteger(payloadType) || payloadType < 0 || payloadType > 127)
    throw new OptionError('payloadType', `0 to 127, not ${payloadType}`);
}
