// Offer and answer (RFC 3264) for one audio stream, as pure functions: what to offer, what to answer, and what an answer to our offer means.
// Every outcome is a value: a Refusal carries the status and the Warning (RFC 3261 §20.43) that explain it.
import type { CodecName } from '../codec/codec.js';
import { type CryptoLine, matchCryptoAnswer } from '../rtp/srtp/crypto-line.js';
import { type AgreedMedia, type Agreement, badSdp, type Refusal, refusal } from './agreement.js';
import { type Capabilities, type ResolvedCapabilities, resolveCapabilities } from './capabilities.js';
import { agreedFormat, answeredFormat, codecOf, isComfortNoise, isSameFormat, isTelephoneEvent, offeredFormats } from './formats.js';
import { chooseLine, hasUsableAddress } from './line-choice.js';
import { bundlesOf, cryptoToOffer, echoedBundles, localLine, numbered, originOf, switchedOff } from './local-description.js';
import {
  type Direction,
  isRtp,
  isSdpFailure,
  isUnspecified,
  type MediaDescription,
  parseSdp,
  type RtpFormat,
  type SdpFailure,
  type SessionDescription,
} from './sdp.js';
import { writeSdp } from './sdp-writer.js';

export interface Offer {
  readonly kind: 'offer';
  readonly sdp: string;
  readonly description: SessionDescription;
  /** Which of its lines is the audio, and the crypto lines in it: needed to read the answer. */
  readonly lineIndex: number;
  readonly crypto: readonly CryptoLine[];
  readonly capabilities: ResolvedCapabilities;
  readonly previous: Agreement | undefined;
}

export interface Answer extends Agreement {
  readonly kind: 'answer';
  readonly sdp: string;
}

/** An offer; `previous` when the call has agreed on something before (RFC 3264 §8: same lines in the same order, same numbers). */
export function offer(capabilities: Capabilities, previous?: Agreement): Offer {
  const resolved = resolveCapabilities(capabilities);
  const lineIndex = previous?.media.lineIndex ?? 0;
  const before = previous?.local.media[lineIndex];
  const rtp = offeredFormats(
    resolved.codecs,
    { telephoneEvent: resolved.telephoneEvent, comfortNoise: resolved.comfortNoise === 'offer' },
    { local: before?.rtp ?? [], remote: previous?.remote.media[lineIndex]?.rtp ?? [] },
  );
  const crypto = cryptoToOffer(resolved, previous);
  const line = localLine(resolved, {
    protocol: before?.protocol ?? (resolved.srtp === 'required' ? 'RTP/SAVP' : 'RTP/AVP'),
    rtp,
    direction: resolved.direction,
    ptimeMs: resolved.ptimeMs,
    rtcpMux: resolved.rtcpMux === 'offer' || (previous?.media.rtcpMux ?? false),
    crypto,
    mid: before?.mid,
  });
  const media = (previous?.local.media ?? [line]).map((old, index) => (index === lineIndex ? line : switchedOff(old)));
  const description = numbered({ origin: originOf(resolved), media, ...bundlesOf(previous?.local) }, previous?.local, resolved);
  return { kind: 'offer', sdp: writeSdp(description), description, lineIndex, crypto, capabilities: resolved, previous };
}

/** The answer to an offer, or why there is none. With `previous`, a re-offer: a Refusal leaves the call as it was (RFC 3261 §14.2). */
export function answer(
  offered: SessionDescription | SdpFailure | string,
  capabilities: Capabilities,
  previous?: Agreement,
): Answer | Refusal {
  const resolved = resolveCapabilities(capabilities);
  const remote = typeof offered === 'string' ? parseSdp(offered) : offered;
  if (isSdpFailure(remote)) return badSdp(remote.failure);
  if (remote.media.length === 0) return refusal(304, 'no media line offered');
  if (previous && remote.media.every((line) => line.port === 0)) return answerSilence(remote, resolved, previous);
  const choice = chooseLine(remote, resolved, previous);
  if ('kind' in choice) return choice;
  const { index, line, rtp, codecs, crypto } = choice;
  const events = resolved.telephoneEvent ? eventsFor(line, codecs) : [];
  const noise = resolved.comfortNoise === 'off' ? [] : line.rtp.filter((format) => isComfortNoise(format) && hasClockOf(format, rtp));
  const direction = answerDirection(line, resolved.direction);
  const keys = crypto && resolved.keys.find((key) => key.suite === crypto.keys.suite);
  const rtcpMux = resolved.rtcpMux !== 'off' && line.rtcpMux === true;
  const formats = [...rtp, ...noise, ...events].map(answeredFormat);
  const [codec] = codecs;
  const accept = codecs.map((name, at) => agreedFormat(rtp[at]!, name, line, resolved.ptimeMs));
  const ours = localLine(resolved, {
    protocol: line.protocol,
    rtp: formats,
    direction,
    ptimeMs: accept[0]!.ptimeMs,
    rtcpMux,
    crypto: crypto && keys ? [{ tag: crypto.tag, keys }] : [],
    mid: line.mid,
    reducedSizeRtcp: line.reducedSizeRtcp,
  });
  const media = remote.media.map((other, at) => (at === index ? ours : switchedOff(other)));
  const bundles = echoedBundles(remote, line);
  const local = numbered({ origin: originOf(resolved), media, ...(bundles ? { bundles } : {}) }, previous?.local, resolved);
  const event = events.find((format) => format.clockRate === rtp[0]!.clockRate) ?? events[0];
  return {
    kind: 'answer',
    sdp: writeSdp(local),
    local,
    remote,
    media: {
      lineIndex: index,
      direction,
      remote: remoteOf(line, rtcpMux),
      codec: agreedFormat(rtp[0]!, codec!, line, resolved.ptimeMs),
      accept,
      ...(event
        ? {
            telephoneEvent: {
              sendPayloadType: event.payloadType,
              receivePayloadTypes: events.map((format) => format.payloadType),
              clockRate: event.clockRate,
            },
          }
        : {}),
      ...comfortNoiseOf(noise[0]?.payloadType, formats),
      rtcpMux,
      reducedSizeRtcp: line.reducedSizeRtcp ?? false,
      ...(crypto && keys ? { srtp: { send: keys, receive: crypto.keys } } : {}),
    },
  };
}

/** §8.2: the call goes on with every stream switched off, until a later offer brings one back. */
function answerSilence(remote: SessionDescription, capabilities: ResolvedCapabilities, previous: Agreement): Answer {
  const local = numbered({ origin: originOf(capabilities), media: remote.media.map(switchedOff) }, previous.local, capabilities);
  return { kind: 'answer', sdp: writeSdp(local), local, remote, media: silenced(previous.media) };
}

/** What the answer to our offer means (RFC 3264 §7). A Refusal here is the far end's answer being no answer to what we asked. */
export function applyAnswer(made: Offer, answered: SessionDescription | string): Agreement | Refusal {
  const remote = typeof answered === 'string' ? parseSdp(answered) : answered;
  if (isSdpFailure(remote)) return refusal(399, remote.failure);
  const { capabilities, lineIndex } = made;
  const ours = made.description.media[lineIndex]!;
  const line = remote.media[lineIndex];
  if (line === undefined) return refusal(304, 'the answer has no line for the audio offered');
  if (line.port === 0) {
    // §8.2: in the middle of a call the stream may be switched off; at its beginning there would be no call without it.
    return made.previous
      ? { local: made.description, remote, media: silenced(made.previous.media) }
      : refusal(304, 'the audio offered was rejected');
  }
  if (line.kind !== 'audio' || !isRtp(line.protocol))
    return refusal(302, `the answer to audio over RTP is ${line.kind} over ${line.protocol}`);
  if (!hasUsableAddress(line, capabilities.address)) return refusal(300, 'the answer has no address that we can send to');
  const formats = formatsAnswered(line, ours);
  const codecs = formats.flatMap((format) => {
    const codec = codecOf(format, capabilities.codecs);
    return codec !== undefined && ours.rtp.some((own) => isSameFormat(own, format)) ? [{ codec, format }] : [];
  });
  const first = codecs[0];
  if (first === undefined) return refusal(305, 'the answer holds none of the codecs offered');
  const taken = matchCryptoAnswer(made.crypto, line.crypto ?? []);
  if (
    taken === undefined &&
    (capabilities.srtp === 'required' ||
      made.previous?.media.srtp !== undefined ||
      /SAVP/i.test(line.protocol) ||
      /SAVP/i.test(ours.protocol))
  )
    return refusal(306, 'the answer has no crypto attribute that fits');

  // Offered is what may arrive, at our numbers, before and after the answer (§5.1). Deviation: the answer's numbers too, where they are
  // free: some agents send with their own.
  const accept = ours.rtp.flatMap((format) => {
    const codec = codecOf(format, capabilities.codecs);
    return codec === undefined ? [] : [agreedFormat(format, codec, line, capabilities.ptimeMs)];
  });
  const used = new Set(ours.rtp.map((format) => format.payloadType));
  for (const { codec, format } of codecs)
    if (!used.has(format.payloadType)) accept.push(agreedFormat(format, codec, line, capabilities.ptimeMs));

  const events = formats.filter((format) => isTelephoneEvent(format) && ours.rtp.some((own) => isSameFormat(own, format)));
  const event = events.find((format) => format.clockRate === first.format.clockRate) ?? events[0];
  const noise = formats.find((format) => isComfortNoise(format) && ours.rtp.some((own) => isSameFormat(own, format)));
  const rtcpMux = ours.rtcpMux === true && line.rtcpMux === true;
  return {
    local: made.description,
    remote,
    media: {
      lineIndex,
      direction: answerDirection(line, ours.direction),
      remote: remoteOf(line, rtcpMux),
      codec: agreedFormat(first.format, first.codec, line, capabilities.ptimeMs),
      accept,
      ...(event
        ? {
            telephoneEvent: {
              sendPayloadType: event.payloadType,
              receivePayloadTypes: ours.rtp.filter(isTelephoneEvent).map((format) => format.payloadType),
              clockRate: event.clockRate,
            },
          }
        : {}),
      ...comfortNoiseOf(noise?.payloadType, ours.rtp),
      rtcpMux,
      reducedSizeRtcp: ours.reducedSizeRtcp === true && line.reducedSizeRtcp === true,
      ...(taken ? { srtp: { send: taken.ours.keys, receive: taken.theirs.keys } } : {}),
    },
  };
}

/** All events at the clock of a codec we answer with; when there are none, the first (a few peers have one clock for all). */
function eventsFor(line: MediaDescription, codecs: readonly CodecName[]): RtpFormat[] {
  const events = line.rtp.filter(isTelephoneEvent);
  const clocks = new Set(line.rtp.filter((format) => codecOf(format, codecs) !== undefined).map((format) => format.clockRate));
  const fitting = events.filter((format) => clocks.has(format.clockRate));
  return fitting.length > 0 ? fitting : events.slice(0, 1);
}

function hasClockOf(format: RtpFormat, codecs: readonly RtpFormat[]): boolean {
  return codecs.some((codec) => codec.clockRate === format.clockRate);
}

/** RFC 3551 gave comfort noise the number 13, RFC 1890's drafts 19; devices send it unasked, so 13 is always understood. */
function comfortNoiseOf(sendPayloadType: number | undefined, local: readonly RtpFormat[]): Pick<AgreedMedia, 'comfortNoise'> {
  const receivePayloadTypes = local.filter(isComfortNoise).map((format) => format.payloadType);
  if (!local.some((format) => format.payloadType === 13)) receivePayloadTypes.push(13);
  return { comfortNoise: { receivePayloadTypes, ...(sendPayloadType === undefined ? {} : { sendPayloadType }) } };
}

/** RFC 3264 §6.1: what they want, mirrored, and no more than what we want. An unspecified address is a hold in the old style (§8.4). */
function answerDirection(theirs: MediaDescription, ours: Direction): Direction {
  const held = theirs.address !== undefined && isUnspecified(theirs.address);
  const theySend = theirs.direction === 'sendrecv' || theirs.direction === 'sendonly';
  const theyReceive = !held && (theirs.direction === 'sendrecv' || theirs.direction === 'recvonly');
  const send = theyReceive && (ours === 'sendrecv' || ours === 'sendonly');
  const receive = theySend && (ours === 'sendrecv' || ours === 'recvonly');
  return send ? (receive ? 'sendrecv' : 'sendonly') : receive ? 'recvonly' : 'inactive';
}

function remoteOf(line: MediaDescription, rtcpMux: boolean): AgreedMedia['remote'] {
  if (line.address === undefined || isUnspecified(line.address)) return undefined;
  const rtcpPort = rtcpMux ? line.port : (line.rtcp?.port ?? Math.min(line.port + 1, 65535));
  return { address: line.address, port: line.port, rtcpPort };
}

/** Deviation: a dynamic number of ours that comes back without its rtpmap still means what we said it means. */
function formatsAnswered(line: MediaDescription, ours: MediaDescription): RtpFormat[] {
  return line.formats.flatMap((text) => {
    const payloadType = Number(text);
    const said =
      line.rtp.find((format) => format.payloadType === payloadType) ?? ours.rtp.find((format) => format.payloadType === payloadType);
    return said ? [said] : [];
  });
}

function silenced(media: AgreedMedia): AgreedMedia {
  return { ...media, direction: 'inactive', remote: undefined };
}
