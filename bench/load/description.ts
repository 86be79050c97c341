/** The offer of one G.711 call, plain or with one SRTP key, and what an answer says. */
import { systemRandom } from '../../src/random.js';
import { SrtpContext } from '../../src/rtp/srtp/context.js';
import { type CryptoKeys, cryptoKeyLength, cryptoKeysFrom, parseCryptoLine, writeCryptoLine } from '../../src/rtp/srtp/crypto-line.js';
import type { Remote, Seal } from './far-end.js';

export type Media = 'plain' | 'srtp';

const SUITE = 'AES_CM_128_HMAC_SHA1_80';

export function offer(host: string, port: number, keys?: CryptoKeys): string {
  return [
    'v=0',
    `o=- 1 1 IN IP4 ${host}`,
    's=-',
    `c=IN IP4 ${host}`,
    't=0 0',
    `m=audio ${port} RTP/${keys === undefined ? 'AVP' : 'SAVP'} 0 101`,
    'a=rtpmap:0 PCMU/8000',
    // As every telephone and carrier: without it keys would have to be listened for in the sound, which costs.
    'a=rtpmap:101 telephone-event/8000',
    'a=fmtp:101 0-16',
    'a=ptime:20',
    ...(keys === undefined ? [] : [`a=crypto:${writeCryptoLine({ tag: 1, keys })}`]),
    'a=sendrecv',
    '',
  ].join('\r\n');
}

export function newKeys(media: Media): CryptoKeys | undefined {
  return media === 'srtp' ? cryptoKeysFrom(SUITE, systemRandom.bytes(cryptoKeyLength(SUITE))) : undefined;
}

export function remoteOf(answer: string): Remote {
  const address = /^c=IN IP4 (\S+)/m.exec(answer)?.[1];
  const port = /^m=audio (\d+)/m.exec(answer)?.[1];
  if (address === undefined || port === undefined) throw new Error(`no address in the answer:\n${answer}`);
  return { address, port: Number(port) };
}

export function sealOf(ours: CryptoKeys | undefined, answer: string): Seal | undefined {
  if (ours === undefined) return undefined;
  const theirs = parseCryptoLine(/^a=crypto:(.*?)\r?$/m.exec(answer)?.[1] ?? '');
  if (theirs === undefined) throw new Error('SRTP was offered, and no key came back');
  return { protect: new SrtpContext(ours), unprotect: new SrtpContext(theirs.keys) };
}
