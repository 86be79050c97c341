// A session description as text (RFC 8866 §5), line by line in the order of its grammar: what `sdp-transform` writes, without its search through
// every attribute there is for each of the few that we have, which cost more than all else of an answer.
import { familyOf, type MediaDescription, type SessionDescription } from './sdp.js';

/** With CRLF after every line. What it writes, `parseSdp` reads back as the same. */
export function writeSdp({ origin, media, bundles }: SessionDescription): string {
  const shared = media.find((line) => line.port !== 0 && line.address !== undefined)?.address ?? origin.address;
  // Ours are below 2^53; one of others that is larger is rounded here, and one that is no number is 0: nobody writes those.
  const version = Number(origin.version) || 0;
  let text = `v=0\r\no=${origin.username} ${origin.sessionId} ${version} ${inOf(origin.address)}\r\ns=-\r\nc=${inOf(shared)}\r\nt=0 0\r\n`;
  for (const mids of bundles ?? []) text += `a=group:BUNDLE ${mids.join(' ')}\r\n`;
  for (const line of media) text += mediaText(line, shared);
  return text;
}

function mediaText(line: MediaDescription, shared: string): string {
  const { port, address } = line;
  const isRejected = port === 0;
  let text = `m=${line.kind} ${port} ${line.protocol} ${line.formats.join(' ')}\r\n`;
  if (!isRejected && address !== undefined && address !== shared) text += `c=${inOf(address)}\r\n`;
  for (const { payloadType, encoding, clockRate, channels } of line.rtp)
    text += `a=rtpmap:${payloadType} ${encoding}/${clockRate}${channels > 1 ? `/${channels}` : ''}\r\n`;
  for (const { payloadType, fmtp } of line.rtp) if (fmtp !== undefined) text += `a=fmtp:${payloadType} ${fmtp}\r\n`;
  const { rtcp } = line;
  if (!isRejected && rtcp !== undefined) text += `a=rtcp:${rtcp.port}${rtcp.address === undefined ? '' : ` ${inOf(rtcp.address)}`}\r\n`;
  if (line.mid !== undefined) text += `a=mid:${line.mid}\r\n`;
  if (isRejected) return text;
  if (line.ptimeMs !== undefined) text += `a=ptime:${line.ptimeMs}\r\n`;
  if (line.maxptimeMs !== undefined) text += `a=maxptime:${line.maxptimeMs}\r\n`;
  text += `a=${line.direction}\r\n`;
  if (line.rtcpMux) text += 'a=rtcp-mux\r\n';
  if (line.reducedSizeRtcp) text += 'a=rtcp-rsize\r\n';
  for (const value of line.crypto ?? []) text += `a=crypto:${value}\r\n`;
  return text;
}

function inOf(address: string): string {
  return `IN IP${familyOf(address)} ${address}`;
}
