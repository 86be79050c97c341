import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CodecName } from '../../src/codec/codec.js';
import { type CryptoSuite, cryptoKeyLength, cryptoKeysFrom } from '../../src/rtp/srtp/crypto-line.js';
import { type Agreement, isRefusal, type Refusal } from '../../src/session/agreement.js';
import type { Capabilities, SrtpMode } from '../../src/session/capabilities.js';
import { type Answer, answer, applyAnswer, type Offer, offer } from '../../src/session/offer-answer.js';
import type { Direction } from '../../src/session/sdp.js';
import { sdpFiles, sdpFuzzSeeds, sdpInCaptures, testData } from './support/captures.js';

function keysOf(fill: number, ...suites: CryptoSuite[]) {
  return suites.map((suite) => cryptoKeysFrom(suite, new Uint8Array(cryptoKeyLength(suite)).fill(fill)));
}

const ourKeys = keysOf(1, 'AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32');
const theirKeys = keysOf(2, 'AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32');
const us: Capabilities = { address: '192.0.2.1', port: 4000, codecs: ['opus', 'g722', 'pcmu', 'pcma'], keys: ourKeys };
const them: Capabilities = { address: '192.0.2.2', port: 6000, codecs: ['pcma', 'pcmu'], keys: theirKeys };

const INLINE = 'inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR';

function sdp(...lines: string[]): string {
  return `${['v=0', 'o=- 7 1 IN IP4 192.0.2.2', 's=-', 'c=IN IP4 192.0.2.2', 't=0 0', ...lines].join('\r\n')}\r\n`;
}

function accepted(result: Answer | Refusal): Answer {
  if (result.kind === 'refusal') throw new Error(`refused: ${result.warning.text}`);
  return result;
}

function refused(result: Answer | Agreement | Refusal): [number, number] {
  if (!isRefusal(result)) throw new Error('not refused');
  return [result.status, result.warning.code];
}

function agreed(made: Offer, answered: string): Agreement {
  const result = applyAnswer(made, answered);
  if (isRefusal(result)) throw new Error(`refused: ${result.warning.text}`);
  return result;
}

/** A whole exchange: our offer, their answer, and what each side holds. */
function exchange(ours: Capabilities, theirs: Capabilities, before?: { ours: Agreement; theirs: Agreement }) {
  const made = offer(ours, before?.ours);
  const answered = accepted(answer(made.sdp, theirs, before?.theirs));
  return { ours: agreed(made, answered.sdp), theirs: answered as Agreement, offer: made.sdp, answer: answered.sdp };
}

const attributes = (text: string) => text.split('\r\n').filter((one) => one.startsWith('a=') || one.startsWith('m='));

describe('offer', () => {
  test('RFC 3264 §5.1 the whole of it: our codecs in our order, an event for each clock (RFC 4733 §2.1)', () => {
    expect(offer({ ...us, sessionId: '77', version: 3 }).sdp.split('\r\n')).toEqual([
      'v=0',
      'o=- 77 3 IN IP4 192.0.2.1',
      's=-',
      'c=IN IP4 192.0.2.1',
      't=0 0',
      'm=audio 4000 RTP/AVP 111 9 0 8 110 101',
      'a=rtpmap:111 opus/48000/2',
      'a=rtpmap:9 G722/8000',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:110 telephone-event/48000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:111 minptime=10;useinbandfec=1',
      'a=fmtp:110 0-16',
      'a=fmtp:101 0-16',
      'a=ptime:20',
      'a=sendrecv',
      '',
    ]);
  });

  test('IPv6, an RTCP port that is not the next one (RFC 3605), maxptime, comfort noise and rtcp-mux when wanted', () => {
    const text = offer({
      ...us,
      address: '2001:db8::1',
      rtcpPort: 5555,
      codecs: ['pcmu'],
      maxptimeMs: 60,
      ptimeMs: 30,
      comfortNoise: 'offer',
      telephoneEvent: false,
    }).sdp;
    expect(text).toContain('c=IN IP6 2001:db8::1\r\n');
    expect(text).toContain('o=- 1 1 IN IP6 2001:db8::1\r\n');
    expect(attributes(text)).toEqual([
      'm=audio 4000 RTP/AVP 0 13',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:13 CN/8000',
      'a=rtcp:5555',
      'a=ptime:30',
      'a=maxptime:60',
      'a=sendrecv',
    ]);
    expect(attributes(offer({ ...us, codecs: ['pcmu'], rtcpMux: 'offer' }).sdp)).toContain('a=rtcp-mux');
  });

  test.each<[SrtpMode, string, number]>([
    ['off', 'RTP/AVP', 0],
    ['accept', 'RTP/AVP', 0],
    ['optional', 'RTP/AVP', 2],
    ['required', 'RTP/SAVP', 2],
  ])('srtp %s offers %s with %i crypto lines', (srtp, protocol, lines) => {
    const text = offer({ ...us, srtp }).sdp;
    expect(text).toContain(`m=audio 4000 ${protocol} `);
    expect(attributes(text).filter((one) => one.startsWith('a=crypto:'))).toHaveLength(lines);
  });
});

describe('answer: the codec', () => {
  const offered = sdp(
    'm=audio 6000 RTP/AVP 18 8 0 96 101',
    'a=rtpmap:96 opus/48000/2',
    'a=rtpmap:101 telephone-event/8000',
    'a=fmtp:101 0-15',
  );

  test('RFC 3264 §6.1 theirs first, all that both have, under their numbers', () => {
    const result = accepted(answer(offered, us));
    expect(result.media.codec).toEqual({ codec: 'pcma', payloadType: 8, clockRate: 8000, ptimeMs: 20 });
    expect(result.media.accept.map((format) => [format.payloadType, format.codec])).toEqual([
      [8, 'pcma'],
      [0, 'pcmu'],
      [96, 'opus'],
    ]);
    expect(attributes(result.sdp)).toEqual([
      'm=audio 4000 RTP/AVP 8 0 96 101',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:96 opus/48000/2',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:96 minptime=10;useinbandfec=1',
      'a=fmtp:101 0-15',
      'a=ptime:20',
      'a=sendrecv',
    ]);
  });

  test('codecOrder ours: our favourite that they have', () => {
    expect(accepted(answer(offered, { ...us, codecOrder: 'ours' })).media.codec.codec).toBe('opus');
  });

  test('Opus hears what its far end wrote in fmtp (RFC 7587 §6.1)', () => {
    const result = accepted(
      answer(sdp('m=audio 6000 RTP/AVP 96', 'a=rtpmap:96 OPUS/48000/2', 'a=fmtp:96 MaxAverageBitrate=16000; useinbandfec=1'), us),
    );
    expect(result.media.codec.fmtp).toEqual({ maxaveragebitrate: '16000', useinbandfec: '1' });
  });

  test('G722/16000, as some devices write it, is G.722 and comes back as they wrote it', () => {
    const result = accepted(answer(sdp('m=audio 6000 RTP/AVP 97', 'a=rtpmap:97 G722/16000'), us));
    expect(result.media.codec.codec).toBe('g722');
    expect(result.sdp).toContain('a=rtpmap:97 G722/16000');
  });

  test('L16 in one channel is taken at the rate offered, in two it is not', () => {
    const capabilities: Capabilities = { ...us, codecs: ['l16'] };
    expect(accepted(answer(sdp('m=audio 6000 RTP/AVP 97', 'a=rtpmap:97 L16/8000'), capabilities)).media.codec.clockRate).toBe(8000);
    expect(refused(answer(sdp('m=audio 6000 RTP/AVP 97', 'a=rtpmap:97 L16/16000/2'), capabilities))).toEqual([488, 305]);
  });

  test.each([
    ['nothing said: ours', [], 20],
    ['theirs', ['a=ptime:40'], 40],
    ['between two of ours: the shorter', ['a=ptime:35'], 30],
    ['shorter than any: the shortest', ['a=ptime:5'], 10],
    ['longer than any: the longest', ['a=ptime:200'], 60],
    ['maxptime rules', ['a=ptime:60', 'a=maxptime:30'], 30],
    ['maxptime alone', ['a=maxptime:10'], 10],
  ])('RFC 8866 §6.4 packet length, %s', (_what, lines, ptimeMs) => {
    const result = accepted(answer(sdp('m=audio 6000 RTP/AVP 0', ...lines), us));
    expect(result.media.codec.ptimeMs).toBe(ptimeMs);
    expect(result.sdp).toContain(`a=ptime:${ptimeMs}`);
  });

  test('telephone-event goes with the clock of the codec in use', () => {
    const both = ['a=rtpmap:96 opus/48000/2', 'a=rtpmap:97 telephone-event/8000', 'a=rtpmap:98 telephone-event/48000'];
    const opus = accepted(answer(sdp('m=audio 6000 RTP/AVP 96 0 97 98', ...both), us)).media.telephoneEvent;
    expect(opus).toEqual({ sendPayloadType: 98, receivePayloadTypes: [97, 98], clockRate: 48000 });
    const pcmu = accepted(answer(sdp('m=audio 6000 RTP/AVP 0 96 97 98', ...both), us)).media.telephoneEvent;
    expect(pcmu).toEqual({ sendPayloadType: 97, receivePayloadTypes: [97, 98], clockRate: 8000 });
    // Deviation: a peer with Opus and one clock for its events, Asterisk among them, is taken at its word.
    const odd = accepted(answer(sdp('m=audio 6000 RTP/AVP 96 97', ...both), us)).media.telephoneEvent;
    expect(odd).toEqual({ sendPayloadType: 97, receivePayloadTypes: [97], clockRate: 8000 });
    expect(accepted(answer(sdp('m=audio 6000 RTP/AVP 0'), us)).media.telephoneEvent).toBeUndefined();
    expect(
      accepted(answer(sdp('m=audio 6000 RTP/AVP 0 97', ...both), { ...us, telephoneEvent: false })).media.telephoneEvent,
    ).toBeUndefined();
  });

  test('RFC 3389: comfort noise is sent only when offered, understood under 13 always', () => {
    expect(accepted(answer(sdp('m=audio 6000 RTP/AVP 0 13'), us)).media.comfortNoise).toEqual({
      sendPayloadType: 13,
      receivePayloadTypes: [13],
    });
    expect(accepted(answer(sdp('m=audio 6000 RTP/AVP 0'), us)).media.comfortNoise).toEqual({ receivePayloadTypes: [13] });
    expect(accepted(answer(sdp('m=audio 6000 RTP/AVP 0 13'), { ...us, comfortNoise: 'off' })).sdp).not.toContain('CN');
  });
});

describe('answer: direction and hold', () => {
  test.each<[Direction, Direction, Direction]>([
    ['sendrecv', 'sendrecv', 'sendrecv'],
    ['sendrecv', 'sendonly', 'recvonly'],
    ['sendrecv', 'recvonly', 'sendonly'],
    ['sendrecv', 'inactive', 'inactive'],
    ['sendonly', 'sendrecv', 'sendonly'],
    ['sendonly', 'sendonly', 'inactive'],
    ['sendonly', 'recvonly', 'sendonly'],
    ['recvonly', 'sendrecv', 'recvonly'],
    ['recvonly', 'recvonly', 'inactive'],
    ['inactive', 'sendrecv', 'inactive'],
  ])('RFC 3264 §6.1 we want %s, they offer %s: we answer %s', (ours, theirs, result) => {
    const answered = accepted(answer(sdp('m=audio 6000 RTP/AVP 0', `a=${theirs}`), { ...us, direction: ours }));
    expect(answered.media.direction).toBe(result);
    expect(answered.sdp).toContain(`a=${result}\r\n`);
  });

  test.each([
    ['c=IN IP4 0.0.0.0', 'sendrecv', 'recvonly'],
    ['c=IN IP4 0.0.0.0', 'sendonly', 'recvonly'],
    ['c=IN IP4 0.0.0.0', 'inactive', 'inactive'],
    ['c=IN IP6 ::', 'sendrecv', 'recvonly'],
  ])('RFC 3264 §8.4 the old style, %s with %s: we send nowhere', (address, direction, result) => {
    const { media } = accepted(answer(sdp('m=audio 6000 RTP/AVP 0', address, `a=${direction}`), us));
    expect(media.remote).toBeUndefined();
    expect(media.direction).toBe(result);
  });
});

describe('answer: where to', () => {
  test.each([
    ['the next port', [], { address: '192.0.2.2', port: 6000, rtcpPort: 6001 }],
    ['a=rtcp (RFC 3605)', ['a=rtcp:7777'], { address: '192.0.2.2', port: 6000, rtcpPort: 7777 }],
    ['rtcp-mux (RFC 5761)', ['a=rtcp-mux', 'a=rtcp:7777'], { address: '192.0.2.2', port: 6000, rtcpPort: 6000 }],
    ['an address of its own', ['c=IN IP4 198.51.100.9'], { address: '198.51.100.9', port: 6000, rtcpPort: 6001 }],
    ['a name, to be looked up', ['c=IN IP4 media.example.com'], { address: 'media.example.com', port: 6000, rtcpPort: 6001 }],
  ])('%s', (_what, lines, remote) => {
    expect(accepted(answer(sdp('m=audio 6000 RTP/AVP 0', ...lines), us)).media.remote).toEqual(remote);
  });

  test('rtcp-mux is answered when offered, unless it is off', () => {
    expect(accepted(answer(sdp('m=audio 6000 RTP/AVP 0', 'a=rtcp-mux'), us)).sdp).toContain('a=rtcp-mux');
    expect(accepted(answer(sdp('m=audio 6000 RTP/AVP 0', 'a=rtcp-mux'), { ...us, rtcpMux: 'off' })).sdp).not.toContain('a=rtcp-mux');
  });
});

describe('answer: which line', () => {
  test('§6 lines we do not do come back in their place with port 0', () => {
    const result = accepted(
      answer(sdp('m=image 5000 udptl t38', 'm=audio 6000 RTP/AVP 0', 'm=video 6002 RTP/AVP 31', 'm=audio 6004 RTP/AVP 0'), us),
    );
    expect(attributes(result.sdp).filter((one) => one.startsWith('m='))).toEqual([
      'm=image 0 udptl t38',
      'm=audio 4000 RTP/AVP 0',
      'm=video 0 RTP/AVP 31',
      'm=audio 0 RTP/AVP 0',
    ]);
    expect(result.media.lineIndex).toBe(1);
  });

  test('of two audio lines, the one that we can do; the secure one when it can be had', () => {
    const lines = ['m=audio 6000 RTP/AVP 0', 'm=audio 6002 RTP/SAVP 0', `a=crypto:1 AES_CM_128_HMAC_SHA1_80 ${INLINE}`];
    expect(accepted(answer(sdp(...lines), { ...us, srtp: 'accept' })).media.lineIndex).toBe(1);
    expect(accepted(answer(sdp(...lines), { ...us, srtp: 'off' })).media.lineIndex).toBe(0);
    expect(accepted(answer(sdp('m=audio 6000 RTP/AVP 18', 'm=audio 6002 RTP/AVP 0'), us)).media.lineIndex).toBe(1);
  });

  test('RFC 8843 §7.3: mid comes back, and the BUNDLE group with what is left of it', () => {
    const result = accepted(
      answer(sdp('a=group:BUNDLE v a', 'm=video 6002 RTP/AVP 31', 'a=mid:v', 'm=audio 6000 RTP/AVP 0', 'a=mid:a'), us),
    );
    expect(attributes(result.sdp)).toContain('a=group:BUNDLE a');
    expect(attributes(result.sdp)).toContain('a=mid:a');
  });

  test.each([
    ['T.38 alone', ['m=image 5000 udptl t38'], [488, 304]],
    ['no line at all', [], [488, 304]],
    ['audio switched off', ['m=audio 0 RTP/AVP 0'], [488, 304]],
    ['no codec of ours', ['m=audio 6000 RTP/AVP 18 4'], [488, 305]],
    ['events alone', ['m=audio 6000 RTP/AVP 101', 'a=rtpmap:101 telephone-event/8000'], [488, 305]],
    ['DTLS', ['m=audio 6000 UDP/TLS/RTP/SAVPF 0', 'a=fingerprint:sha-256 00'], [488, 302]],
    ['a transport nobody knows', ['m=audio 6000 TCP/MRCPv2 0'], [488, 302]],
    ['IPv6 only, where we have IPv4', ['c=IN IP6 2001:db8::1', 'm=audio 6000 RTP/AVP 0', 'c=IN IP6 2001:db8::1'], [488, 300]],
    ['multicast', ['m=audio 6000 RTP/AVP 0', 'c=IN IP4 224.2.1.1/127'], [488, 300]],
  ])('%s: refused, and why (RFC 3261 §20.43)', (_what, lines, expected) => {
    expect(refused(answer(sdp(...lines), us))).toEqual(expected);
  });

  test('what is no SDP: 400', () => {
    expect(refused(answer('hello', us))).toEqual([400, 399]);
  });
});

describe('SRTP, RFC 4568', () => {
  const plain = ['m=audio 6000 RTP/AVP 0'];
  const secure = ['m=audio 6000 RTP/SAVP 0', `a=crypto:4 AES_CM_128_HMAC_SHA1_32 ${INLINE}`];
  const best = ['m=audio 6000 RTP/AVP 0', `a=crypto:4 AES_CM_128_HMAC_SHA1_32 ${INLINE}`];
  const foreign = ['m=audio 6000 RTP/SAVP 0', `a=crypto:1 F8_128_HMAC_SHA1_80 ${INLINE}`];
  test.each<[SrtpMode, string, string[], 'plain' | 'secure' | 'refused']>([
    ['off', 'RTP/AVP', plain, 'plain'],
    ['off', 'RTP/SAVP', secure, 'refused'],
    ['off', 'RTP/AVP with crypto', best, 'plain'],
    ['accept', 'RTP/AVP', plain, 'plain'],
    ['accept', 'RTP/SAVP', secure, 'secure'],
    ['accept', 'RTP/AVP with crypto', best, 'secure'],
    ['accept', 'RTP/SAVP with a foreign suite', foreign, 'refused'],
    ['optional', 'RTP/AVP', plain, 'plain'],
    ['optional', 'RTP/SAVP', secure, 'secure'],
    ['optional', 'RTP/AVP with crypto', best, 'secure'],
    ['required', 'RTP/AVP', plain, 'refused'],
    ['required', 'RTP/SAVP', secure, 'secure'],
    ['required', 'RTP/AVP with crypto', best, 'secure'],
    ['required', 'RTP/SAVP with a foreign suite', foreign, 'refused'],
  ])('srtp %s, offered %s: %s', (srtp, _what, lines, expected) => {
    const result = answer(sdp(...lines), { ...us, srtp });
    const outcome = result.kind === 'refusal' ? 'refused' : result.media.srtp ? 'secure' : 'plain';
    expect(outcome).toBe(expected);
    if (result.kind === 'refusal' || outcome === 'plain') return;
    // §5.1.2: the tag of the line taken, our key in it, and each direction under the key of its sender.
    expect(attributes(result.sdp).filter((one) => one.startsWith('a=crypto'))).toEqual([
      `a=crypto:4 AES_CM_128_HMAC_SHA1_32 inline:${Buffer.alloc(30, 1).toString('base64')}`,
    ]);
    expect(Buffer.from(result.media.srtp!.send.masterKey)).toEqual(Buffer.alloc(16, 1));
    expect(Buffer.from(result.media.srtp!.receive.masterKey).toString('base64')).toBe('PS1uQCVeeCFCanVmcjkpPw==');
  });

  test('without keys SRTP cannot be taken, and the refusal says so', () => {
    expect(refused(answer(sdp(...secure), { ...us, srtp: 'accept', keys: [] }))).toEqual([488, 306]);
  });

  test('an answer without crypto: plain where we offered plain too, refused where we required it', () => {
    expect(agreed(offer({ ...us, srtp: 'optional' }), sdp(...plain)).media.srtp).toBeUndefined();
    expect(refused(applyAnswer(offer({ ...us, srtp: 'required' }), sdp(...plain)))).toEqual([488, 306]);
    expect(refused(applyAnswer(offer({ ...us, srtp: 'accept' }), sdp(...secure)))).toEqual([488, 306]);
  });

  test('a re-offer keeps the agreed suite, key and tag, and an answer that drops them is refused', () => {
    const first = exchange({ ...us, srtp: 'optional' }, { ...them, srtp: 'accept' });
    const again = offer({ ...us, srtp: 'optional', direction: 'sendonly' }, first.ours);
    expect(attributes(again.sdp).filter((one) => one.startsWith('a=crypto'))).toEqual(
      attributes(first.offer).filter((one) => one.startsWith('a=crypto:1')),
    );
    expect(refused(applyAnswer(again, sdp(...plain)))).toEqual([488, 306]);
  });
});

describe('the answer to our offer, RFC 3264 §7', () => {
  const made = offer({ ...us, codecs: ['opus', 'pcmu'] });

  test('their numbers to send, ours to receive, when the two differ', () => {
    const { media } = agreed(made, sdp('m=audio 6000 RTP/AVP 96 97', 'a=rtpmap:96 opus/48000/2', 'a=rtpmap:97 telephone-event/48000'));
    expect(media.codec.payloadType).toBe(96);
    expect(media.accept.filter((format) => format.codec === 'opus').map((format) => format.payloadType)).toEqual([111, 96]);
    expect(media.telephoneEvent).toEqual({ sendPayloadType: 97, receivePayloadTypes: [110, 101], clockRate: 48000 });
  });

  test('a dynamic number of ours that comes back bare means what we said', () => {
    const { media } = agreed(made, sdp('m=audio 6000 RTP/AVP 111 101'));
    expect(media.codec).toMatchObject({ codec: 'opus', payloadType: 111 });
    expect(media.telephoneEvent?.sendPayloadType).toBe(101);
  });

  test('the first codec of the answer is the one to send; the rest of the offer may still arrive (§5.1)', () => {
    const { media } = agreed(made, sdp('m=audio 6000 RTP/AVP 0'));
    expect(media.codec.codec).toBe('pcmu');
    expect(media.accept.map((format) => format.codec)).toEqual(['opus', 'pcmu']);
    expect(media.telephoneEvent).toBeUndefined();
  });

  test.each([
    ['a rejected line', ['m=audio 0 RTP/AVP 0'], [488, 304]],
    ['no line', [], [488, 304]],
    ['a codec never offered', ['m=audio 6000 RTP/AVP 8'], [488, 305]],
    ['events alone', ['m=audio 6000 RTP/AVP 101', 'a=rtpmap:101 telephone-event/8000'], [488, 305]],
    ['another kind of media', ['m=video 6000 RTP/AVP 0'], [488, 302]],
    ['no address', ['m=audio 6000 RTP/AVP 0', 'c=IN IP4 239.1.1.1'], [488, 300]],
  ])('%s is no answer', (_what, lines, expected) => {
    expect(refused(applyAnswer(made, sdp(...lines)))).toEqual(expected);
  });

  test('an answer that gives more direction than was asked is read as less', () => {
    expect(agreed(offer({ ...us, direction: 'sendonly' }), sdp('m=audio 6000 RTP/AVP 0', 'a=sendrecv')).media.direction).toBe('sendonly');
    expect(agreed(offer({ ...us, direction: 'inactive' }), sdp('m=audio 6000 RTP/AVP 0')).media.direction).toBe('inactive');
  });
});

describe('again in the same call, RFC 3264 §8', () => {
  const version = (text: string) => /o=- \d+ (\d+)/.exec(text)?.[1];

  test('nothing changed: the same version; anything changed: one more', () => {
    const first = exchange(us, them);
    const same = exchange(us, them, first);
    expect([version(same.offer), version(same.answer)]).toEqual([version(first.offer), version(first.answer)]);
    const held = exchange({ ...us, direction: 'sendonly' }, them, first);
    expect([version(held.offer), version(held.answer)]).toEqual(['2', '2']);
    const after = offer({ ...us, direction: 'inactive', version: 5 }, first.ours);
    expect(version(after.sdp)).toBe('6');
  });

  test('§8.3.2 numbers keep their meaning when the offerer changes sides', () => {
    const offered = sdp('m=audio 6000 RTP/AVP 96 97', 'a=rtpmap:96 opus/48000/2', 'a=rtpmap:97 telephone-event/48000');
    const first = accepted(answer(offered, us));
    const again = offer(us, first);
    expect(again.sdp).toContain('a=rtpmap:96 opus/48000/2');
    expect(again.sdp).toContain('a=rtpmap:97 telephone-event/48000');
    expect(again.sdp).toContain('a=rtpmap:101 telephone-event/8000');
  });

  test('a number that the far end uses is not given to anything new', () => {
    const first = accepted(answer(sdp('m=audio 6000 RTP/AVP 0 101 111', 'a=rtpmap:101 G726-32/8000', 'a=rtpmap:111 speex/16000'), us));
    const { rtp } = offer(us, first).description.media[0]!;
    expect(rtp.filter((format) => format.payloadType === 101 || format.payloadType === 111)).toEqual([]);
    expect(new Set(rtp.map((format) => format.payloadType)).size).toBe(rtp.length);
  });

  test('the codecs keep their order, so that a hold does not change the one in use', () => {
    const first = accepted(answer(sdp('m=audio 6000 RTP/AVP 8 0 9'), us));
    expect(offer({ ...us, direction: 'sendonly' }, first).description.media[0]?.formats.slice(0, 4)).toEqual(['8', '0', '9', '111']);
  });

  test('§8 every line of before keeps its place', () => {
    const first = accepted(answer(sdp('m=video 6002 RTP/AVP 31', 'm=audio 6000 RTP/AVP 0'), us));
    const again = offer({ ...us, direction: 'sendonly' }, first);
    expect(attributes(again.sdp).filter((one) => one.startsWith('m='))[0]).toBe('m=video 0 RTP/AVP 31');
    expect(again.lineIndex).toBe(1);
  });

  test('hold and resume: what each side may do at each step', () => {
    const steps: string[] = [];
    let state = exchange(us, them);
    for (const direction of ['sendonly', 'sendrecv', 'inactive', 'sendrecv'] as const) {
      state = exchange({ ...us, direction }, them, state);
      steps.push(`${direction}: ${state.ours.media.direction} / ${state.theirs.media.direction}`);
    }
    expect(steps).toEqual([
      'sendonly: sendonly / recvonly',
      'sendrecv: sendrecv / sendrecv',
      'inactive: inactive / inactive',
      'sendrecv: sendrecv / sendrecv',
    ]);
  });

  test('§8.2 the stream is switched off and comes back', () => {
    const first = accepted(answer(sdp('m=audio 6000 RTP/AVP 0'), us));
    const off = accepted(answer(sdp('m=audio 0 RTP/AVP 0'), us, first));
    expect(off.media).toMatchObject({ direction: 'inactive', remote: undefined });
    expect(off.sdp).toContain('m=audio 0 RTP/AVP 0');
    const on = accepted(answer(sdp('m=audio 6008 RTP/AVP 0'), us, off));
    expect(on.media).toMatchObject({ direction: 'sendrecv', remote: { port: 6008 } });
    expect(agreed(offer({ ...us, direction: 'sendonly' }, first), sdp('m=audio 0 RTP/AVP 0')).media.remote).toBeUndefined();
  });

  test('§14.2 of RFC 3261: T.38 in the middle of a call is refused', () => {
    const first = accepted(answer(sdp('m=audio 6000 RTP/AVP 0'), us));
    expect(refused(answer(sdp('m=audio 0 RTP/AVP 0', 'm=image 5000 udptl t38'), us, first))).toEqual([488, 304]);
    expect(refused(answer(sdp('m=image 5000 udptl t38'), us, first))).toEqual([488, 304]);
  });
});

describe('both sides agree, whatever they can do', () => {
  const codecs = fc.shuffledSubarray<CodecName>(['opus', 'g722', 'pcmu', 'pcma', 'l16'], { minLength: 1 });
  const direction = fc.constantFrom<Direction>('sendrecv', 'sendonly', 'recvonly', 'inactive');
  const side = (address: string, fill: number) =>
    fc.record({
      address: fc.constant(address),
      port: fc.integer({ min: 1024, max: 65000 }),
      codecs,
      codecOrder: fc.constantFrom('theirs' as const, 'ours' as const),
      srtp: fc.constantFrom<SrtpMode>('off', 'accept', 'optional', 'required'),
      keys: fc
        .shuffledSubarray<CryptoSuite>(['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32', 'AEAD_AES_256_GCM'], { minLength: 1 })
        .map((suites) => keysOf(fill, ...suites)),
      direction,
      ptimeMs: fc.constantFrom(10, 20, 30, 40, 60),
      telephoneEvent: fc.boolean(),
      comfortNoise: fc.constantFrom('off' as const, 'accept' as const, 'offer' as const),
      rtcpMux: fc.constantFrom('off' as const, 'accept' as const, 'offer' as const),
    });

  const mirror: Record<Direction, Direction> = { sendrecv: 'sendrecv', sendonly: 'recvonly', recvonly: 'sendonly', inactive: 'inactive' };

  function expectAgreement(a: Agreement, b: Agreement): void {
    for (const [from, to] of [
      [a.media, b.media],
      [b.media, a.media],
    ] as const) {
      const heard = to.accept.find((format) => format.payloadType === from.codec.payloadType);
      expect([heard?.codec, heard?.clockRate]).toEqual([from.codec.codec, from.codec.clockRate]);
      expect(mirror[from.direction]).toBe(to.direction);
      expect(from.rtcpMux).toBe(to.rtcpMux);
      expect(from.srtp?.send).toEqual(to.srtp?.receive);
      if (from.telephoneEvent?.sendPayloadType !== undefined)
        expect(to.telephoneEvent?.receivePayloadTypes).toContain(from.telephoneEvent.sendPayloadType);
      expect(from.telephoneEvent?.clockRate).toBe(to.telephoneEvent?.clockRate);
      if (from.comfortNoise?.sendPayloadType !== undefined)
        expect(to.comfortNoise?.receivePayloadTypes).toContain(from.comfortNoise.sendPayloadType);
    }
    expect(a.media.codec.codec).toBe(b.media.codec.codec);
    expect(a.media.remote).toMatchObject({ port: b.local.media[b.media.lineIndex]!.port });
    expect(b.media.remote).toMatchObject({ port: a.local.media[a.media.lineIndex]!.port });
  }

  test('on codec, payload type, direction, events, keys and ports; and again after re-offers from either side', () => {
    fc.assert(
      fc.property(
        side('192.0.2.1', 1),
        side('192.0.2.2', 2),
        fc.array(fc.tuple(fc.boolean(), direction), { maxLength: 4 }),
        (a, b, steps) => {
          const made = offer(a);
          const first = answer(made.sdp, b);
          if (first.kind === 'refusal') {
            const common = a.codecs.some((codec) => b.codecs.includes(codec));
            const secure = [a.srtp, b.srtp].includes('required');
            expect(!common || secure).toBe(true);
            return;
          }
          const applied = applyAnswer(made, first.sdp);
          if (isRefusal(applied)) throw new Error(applied.warning.text);
          let [ours, theirs]: Agreement[] = [applied, first];
          expectAgreement(ours!, theirs!);
          for (const [weOffer, wanted] of steps) {
            const [offerer, answerer] = weOffer ? [a, b] : [b, a];
            const again = offer({ ...offerer, direction: wanted }, weOffer ? ours : theirs);
            const answered = accepted(answer(again.sdp, answerer, weOffer ? theirs : ours));
            const result = agreed(again, answered.sdp);
            [ours, theirs] = weOffer ? [result, answered] : [answered, result];
            expectAgreement(ours, theirs);
            expect(ours.media.srtp?.send.suite).toBe(applied.media.srtp?.send.suite);
            expect(ours.media.codec.codec).toBe(applied.media.codec.codec);
          }
        },
      ),
      { numRuns: Number(process.env['SIPBOT_FUZZ_RUNS'] ?? 0) || 400 },
    );
  });
});

describe.skipIf(testData === undefined)('every recorded and third-party description (SIPBOT_TEST_DATA)', () => {
  const capabilities: Capabilities = { ...us, srtp: 'accept', codecs: ['opus', 'g722', 'pcmu', 'pcma', 'l16'] };

  test.each([...sdpFiles(), ...sdpInCaptures(), ...sdpFuzzSeeds()].map((sample) => [sample.name, sample.text] as const))(
    '%s: an answer that fits it, or a refusal with its reason',
    (_name, text) => {
      const result = answer(text, capabilities);
      if (result.kind === 'refusal') {
        expect([400, 488]).toContain(result.status);
        expect(result.warning.text.length).toBeGreaterThan(10);
        return;
      }
      expect(result.local.media).toHaveLength(result.remote.media.length);
      expect(result.local.media.filter((line) => line.port !== 0)).toHaveLength(1);
      const offered = result.remote.media[result.media.lineIndex]!;
      const answered = result.local.media[result.media.lineIndex]!;
      expect(answered.protocol).toBe(offered.protocol);
      for (const format of answered.rtp) expect(offered.formats).toContain(String(format.payloadType));
      // And as the answer to an offer of ours it never throws either.
      applyAnswer(offer(capabilities), text);
    },
  );

  test('of the telephones recorded, all but the GSM one can be talked to', () => {
    const outcomes = sdpInCaptures().map((sample) => [sample.name, answer(sample.text, capabilities).kind] as const);
    expect(outcomes.length).toBeGreaterThan(25);
    expect(outcomes.filter(([, kind]) => kind === 'refusal').map(([name]) => name.split(' ')[0])).toEqual([
      'ws-sip-rtp-gsm.pcap',
      'ws-sip-rtp-gsm.pcap',
    ]);
  });
});
