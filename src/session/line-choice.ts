// Which of the offered lines a call takes (RFC 3264 §6), with which codecs and which key; and why none, when none will do.
import type { CodecName } from '../codec/codec.js';
import { type CryptoLine, type CryptoSuite, chooseCryptoLine, cryptoKeyLength, cryptoKeysFrom } from '../rtp/srtp/crypto-line.js';
import { type Agreement, badSdp, type Refusal, refusal } from './agreement.js';
import type { ResolvedCapabilities } from './capabilities.js';
import { codecOf } from './formats.js';
import {
  familyOf,
  hasKeys,
  isAddress,
  isMulticast,
  isRtp,
  isSdpFailure,
  isUnspecified,
  type MediaDescription,
  type RtpFormat,
  type SdpFailure,
  type SessionDescription,
} from './sdp.js';

/** What of ours it depends on. */
type LineCapabilities = Pick<ResolvedCapabilities, 'address' | 'codecs' | 'codecOrder' | 'srtp' | 'keys'>;

export interface Choice {
  readonly index: number;
  readonly line: MediaDescription;
  /** Of our codecs, in the order in which we answer them. */
  readonly codecs: readonly CodecName[];
  readonly rtp: readonly RtpFormat[];
  readonly crypto: CryptoLine | undefined;
}

/** The line that is already ours if it still serves, else a secure one, else the first that serves. */
export function chooseLine(remote: SessionDescription, capabilities: LineCapabilities, previous: Agreement | undefined): Choice | Refusal {
  let why: Refusal | undefined;
  let best: Choice | undefined;
  for (const [index, line] of remote.media.entries()) {
    const choice = consider(line, index, capabilities, previous?.media.codec.codec);
    if ('kind' in choice) {
      // The most telling reason is that of an audio line.
      if (why === undefined || line.kind === 'audio') why = choice;
      continue;
    }
    if (index === previous?.media.lineIndex) return choice;
    if (best === undefined || (best.crypto === undefined && choice.crypto !== undefined)) best = choice;
  }
  return best ?? why ?? refusal(304, 'no media line offered');
}

function consider(line: MediaDescription, index: number, capabilities: LineCapabilities, inUse: CodecName | undefined): Choice | Refusal {
  if (line.kind !== 'audio') return refusal(304, `audio only, not ${line.kind}`);
  if (line.port === 0) return refusal(304, 'the audio line is switched off');
  if (!isRtp(line.protocol)) return refusal(302, `RTP/AVP or RTP/SAVP only, not ${line.protocol}`);
  if (!hasUsableAddress(line, capabilities.address)) return refusal(300, 'no connection address that we can send to');
  const matches: { readonly codec: CodecName; readonly format: RtpFormat }[] = [];
  for (const format of line.rtp) {
    const codec = codecOf(format, capabilities.codecs);
    if (codec !== undefined) matches.push({ codec, format });
  }
  if (matches.length === 0) return refusal(305, `no codec in common; here: ${capabilities.codecs.join(', ')}`);
  if (capabilities.codecOrder === 'ours') {
    // Later in a call the codec in use is our favourite: a hold from their side must not change it.
    const rank = (codec: CodecName) => (codec === inUse ? -1 : capabilities.codecs.indexOf(codec));
    matches.sort((a, b) => rank(a.codec) - rank(b.codec));
  }
  const crypto =
    capabilities.srtp === 'off'
      ? undefined
      : chooseCryptoLine(
          line.crypto ?? [],
          capabilities.keys.map((key) => key.suite),
        );
  if (crypto === undefined) {
    if (/TLS/i.test(line.protocol)) return refusal(302, 'DTLS-SRTP is not spoken here');
    if (/SAVP/i.test(line.protocol))
      return capabilities.srtp === 'off' ? refusal(302, 'no SRTP here') : refusal(306, 'no crypto attribute that we can use');
    if (capabilities.srtp === 'required') return refusal(302, 'SRTP is required here');
  }
  return { index, line, codecs: matches.map(({ codec }) => codec), rtp: matches.map(({ format }) => format), crypto };
}

/** A name is possible, and is looked up later; the other family, or an address nobody can answer, is not. */
export function hasUsableAddress(line: MediaDescription, local: string): boolean {
  const { address } = line;
  if (address === undefined || isMulticast(address)) return false;
  return !isAddress(address) || isUnspecified(address) || familyOf(address) === familyOf(local);
}

/** Whether `answer` would refuse, before there is an address, a port or a key: what a call is refused for before anyone is bothered with it. */
export function examineOffer(
  remote: SessionDescription | SdpFailure,
  { codecs, srtp }: Pick<LineCapabilities, 'codecs' | 'srtp'>,
  suites: readonly CryptoSuite[],
): Refusal | undefined {
  if (isSdpFailure(remote)) return badSdp(remote.failure);
  const address = remote.media.find((line) => line.address !== undefined && isAddress(line.address))?.address ?? '0.0.0.0';
  const wanted = srtp === 'accept' && !hasKeys(remote) ? [] : suites;
  const keys = wanted.map((suite) => cryptoKeysFrom(suite, new Uint8Array(cryptoKeyLength(suite))));
  const choice = chooseLine(remote, { codecs, codecOrder: 'theirs', srtp, address, keys }, undefined);
  return 'kind' in choice ? choice : undefined;
}
