// Our side of a session description: the audio line, lines that are switched off, keys, groups, and the version of it all.
import { type CryptoLine, parseCryptoLine, writeCryptoLine } from '../rtp/srtp/crypto-line.js';
import type { Agreement } from './agreement.js';
import type { ResolvedCapabilities } from './capabilities.js';
import type { Direction, MediaDescription, RtpFormat, SessionDescription } from './sdp.js';
import { writeSdp } from './sdp-writer.js';

export function localLine(
  capabilities: ResolvedCapabilities,
  said: {
    readonly protocol: string;
    readonly rtp: readonly RtpFormat[];
    readonly direction: Direction;
    readonly ptimeMs: number;
    readonly rtcpMux: boolean;
    readonly crypto: readonly CryptoLine[];
    readonly mid: string | undefined;
    readonly reducedSizeRtcp?: boolean | undefined;
  },
): MediaDescription {
  const { address, port, rtcpPort, maxptimeMs } = capabilities;
  const oddPort = rtcpPort !== port + 1 && !said.rtcpMux;
  return {
    kind: 'audio',
    port,
    protocol: said.protocol,
    formats: said.rtp.map((format) => String(format.payloadType)),
    rtp: said.rtp,
    address,
    direction: said.direction,
    ptimeMs: said.ptimeMs,
    ...(maxptimeMs === undefined ? {} : { maxptimeMs }),
    ...(oddPort ? { rtcp: { port: rtcpPort } } : {}),
    ...(said.rtcpMux ? { rtcpMux: true } : {}),
    ...(said.reducedSizeRtcp ? { reducedSizeRtcp: true } : {}),
    ...(said.crypto.length > 0 ? { crypto: said.crypto.map(writeCryptoLine) } : {}),
    ...(said.mid === undefined ? {} : { mid: said.mid }),
  };
}

/** RFC 3264 §6: a line that is not wanted stays in its place, with port 0. */
export function switchedOff(line: MediaDescription): MediaDescription {
  const { kind, protocol, formats, mid } = line;
  return { kind, port: 0, protocol, formats, rtp: [], direction: 'inactive', ...(mid === undefined ? {} : { mid }) };
}

/** One line a suite; later in a call what was agreed, the suite under its tag or none, so that a hold neither weakens it nor turns its keys. */
export function cryptoToOffer({ srtp, keys }: ResolvedCapabilities, previous: Agreement | undefined): CryptoLine[] {
  const agreed = previous?.media.srtp?.send;
  if (agreed !== undefined) {
    const said = previous?.local.media[previous.media.lineIndex]?.crypto ?? [];
    const tag = said.map(parseCryptoLine).find((line) => line?.keys.suite === agreed.suite)?.tag ?? 1;
    return [{ tag, keys: agreed }];
  }
  if (previous !== undefined) return [];
  return srtp === 'optional' || srtp === 'required' ? keys.map((key, at) => ({ tag: at + 1, keys: key })) : [];
}

export function originOf({ sessionId, version, address }: ResolvedCapabilities): SessionDescription['origin'] {
  return { username: '-', sessionId, version: String(version), address };
}

export function bundlesOf(local: SessionDescription | undefined): Pick<SessionDescription, 'bundles'> {
  return local?.bundles ? { bundles: local.bundles } : {};
}

/** RFC 8843 §7.3: the group comes back with the one line that was taken out of it. */
export function echoedBundles(remote: SessionDescription, line: MediaDescription): string[][] | undefined {
  const { mid } = line;
  return mid !== undefined && remote.bundles?.some((mids) => mids.includes(mid)) ? [[mid]] : undefined;
}

/**
 * RFC 3264 §8: one more than the version before when anything has changed, the same when nothing has (a session refresh). The version before is
 * the last one sent, which an offer that was refused has used up too: `capabilities.version`.
 */
export function numbered(
  description: SessionDescription,
  before: SessionDescription | undefined,
  { version }: ResolvedCapabilities,
): SessionDescription {
  if (before === undefined) return description;
  const same = writeSdp({ ...description, origin: before.origin }) === writeSdp(before);
  const next = Math.max(Number(before.origin.version), version) + 1;
  return { ...description, origin: { ...before.origin, version: same ? before.origin.version : String(next) } };
}
