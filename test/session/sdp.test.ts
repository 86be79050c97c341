import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isSdpFailure, isUnspecified, type MediaDescription, parseSdp, type SessionDescription } from '../../src/session/sdp.js';
import { writeSdp } from '../../src/session/sdp-writer.js';
import { sdpFiles, sdpFuzzSeeds, sdpInCaptures, testData } from './support/captures.js';

function read(...lines: string[]): SessionDescription {
  const result = parseSdp(`${['v=0', 'o=- 1 1 IN IP4 192.0.2.1', 's=-', 'c=IN IP4 192.0.2.1', 't=0 0', ...lines].join('\r\n')}\r\n`);
  if (isSdpFailure(result)) throw new Error(result.failure);
  return result;
}

function line(...lines: string[]): MediaDescription {
  return read(...lines).media[0]!;
}

describe('reading, RFC 8866', () => {
  test('§5.14 one payload type is a list of one, and static ones need no rtpmap (RFC 3551 §6)', () => {
    expect(line('m=audio 4000 RTP/AVP 0')).toEqual({
      kind: 'audio',
      port: 4000,
      protocol: 'RTP/AVP',
      formats: ['0'],
      rtp: [{ payloadType: 0, encoding: 'PCMU', clockRate: 8000, channels: 1 }],
      address: '192.0.2.1',
      direction: 'sendrecv',
    });
  });

  test('§5.7 a c= of the media line wins over that of the session; IPv6 is read', () => {
    expect(line('m=audio 4000 RTP/AVP 0', 'c=IN IP6 2001:db8::7').address).toBe('2001:db8::7');
    expect(line('m=audio 4000 RTP/AVP 0', 'c=IN IP4 224.2.1.1/127/3').address).toBe('224.2.1.1');
  });

  test('§6.7 the direction of the session holds for every line that says none of its own', () => {
    const { media } = read('a=sendonly', 'm=audio 4000 RTP/AVP 0', 'm=audio 4002 RTP/AVP 0', 'a=recvonly');
    expect(media.map((one) => one.direction)).toEqual(['sendonly', 'recvonly']);
  });

  test('§5.14 a port with a count: the first port, and its attributes stay its own', () => {
    const { media } = read('m=audio 49170/2 RTP/AVP 8', 'a=ptime:30', 'm=video 51372 RTP/AVP 31', 'a=ptime:40');
    expect(media.map((one) => [one.kind, one.port, one.ptimeMs])).toEqual([
      ['audio', 49170, 30],
      ['video', 51372, 40],
    ]);
  });

  test('§6.6 rtpmap with clock, channels and fmtp, in the order of the m= line; a dynamic number that nothing explains is left out', () => {
    const { rtp, formats } = line(
      'm=audio 4000 RTP/AVP 111 96 0 101',
      'a=fmtp:111 minptime=10;useinbandfec=1',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'a=rtpmap:111 opus/48000/2',
    );
    expect(formats).toEqual(['111', '96', '0', '101']);
    expect(rtp).toEqual([
      { payloadType: 111, encoding: 'opus', clockRate: 48000, channels: 2, fmtp: 'minptime=10;useinbandfec=1' },
      { payloadType: 0, encoding: 'PCMU', clockRate: 8000, channels: 1 },
      { payloadType: 101, encoding: 'telephone-event', clockRate: 8000, channels: 1, fmtp: '0-15' },
    ]);
  });

  test('RFC 3605, RFC 5761, RFC 5506: where RTCP goes', () => {
    const found = line('m=audio 4000 RTP/AVP 0', 'a=rtcp:53020 IN IP4 192.0.2.9', 'a=rtcp-mux', 'a=rtcp-rsize');
    expect(found.rtcp).toEqual({ port: 53020, address: '192.0.2.9' });
    expect([found.rtcpMux, found.reducedSizeRtcp]).toEqual([true, true]);
    expect(line('m=audio 4000 RTP/AVP 0', 'a=rtcp:70000').rtcp).toBeUndefined();
  });

  test('RFC 4568: crypto lines keep all of their session parameters, and those of the session hold for every line', () => {
    const value = '1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR WSH=64 UNENCRYPTED_SRTCP';
    expect(line('m=audio 4000 RTP/SAVP 0', `a=crypto:${value}`).crypto).toEqual([value]);
    expect(line(`a=crypto:${value}`, 'm=audio 4000 RTP/SAVP 0').crypto).toEqual([value]);
  });

  test('§6.4 a packet length is whole milliseconds from 1 to 1000, anything else is none', () => {
    const ptimes = ['20', '20.0', '0', '0.125', '-20', 'abc', ''].map(
      (ptime) => line('m=audio 4000 RTP/AVP 0', `a=ptime:${ptime}`).ptimeMs,
    );
    expect(ptimes).toEqual([20, 20, undefined, undefined, undefined, undefined, undefined]);
  });
});

describe('what devices send wrong is read all the same', () => {
  test.each([
    ['bare LF', 'v=0\no=- 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 4000 RTP/AVP 0\n'],
    ['no line end after the last line', 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0'],
    ['no v=, s= or t=', 'o=- 1 1 IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n'],
    ['spaces at both ends', ' v=0 \r\no=- 1 1 IN IP4 192.0.2.1 \r\nc=IN IP4 192.0.2.1 \r\nm=audio 4000 RTP/AVP 0 \r\n'],
    ['two spaces between words', 'o=-  1  1  IN  IP4  192.0.2.1\r\nc=IN  IP4  192.0.2.1\r\nm=audio  4000  RTP/AVP  0\r\n'],
    ['a username of two words', 'o=Front Desk 1 1 IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n'],
    ['words where numbers belong in o=', 'o=- x1 -7 IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n'],
    ['o= without network type', 'o=- 1 1 192.0.2.1\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n'],
    ['lower case', 'o=- 1 1 in ip4 192.0.2.1\r\nc=in ip4 192.0.2.1\r\nm=AUDIO 4000 rtp/avp 0\r\n'],
    ['a payload type twice', 'o=- 1 1 IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0 0 0\r\n'],
    ['lines of no known letter', 'o=- 1 1 IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n?\r\nf=v/////a/1/8/1\r\n'],
    ['a number past the last payload type', 'o=- 1 1 IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0 200\r\n'],
  ])('%s', (_what, text) => {
    const found = parseSdp(text);
    if (isSdpFailure(found)) throw new Error(found.failure);
    expect(found.media[0]).toMatchObject({ kind: 'audio', port: 4000, address: '192.0.2.1' });
    expect(found.media[0]?.rtp).toEqual([{ payloadType: 0, encoding: 'PCMU', clockRate: 8000, channels: 1 }]);
  });

  test('an rtpmap without its clock rate has that of the static type', () => {
    expect(line('m=audio 4000 RTP/AVP 0', 'a=rtpmap:0 PCMU').rtp[0]?.clockRate).toBe(8000);
  });

  test('RFC 3264 §8.4, RFC 6157: the addresses that mean nowhere', () => {
    const addresses = ['0.0.0.0', '::', '0:0:0:0:0:0:0:0', 'anonymous.invalid', '192.0.2.1', '::1', 'media.example.com', '10.0.0.0'];
    expect(addresses.map(isUnspecified)).toEqual([true, true, true, true, false, false, false, false]);
  });
});

describe('hostile text is a value, in bounded time', () => {
  const head = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.1\r\n';
  test.each([
    ['nothing', ''],
    ['no o= line', 'v=0\r\nm=audio 4000 RTP/AVP 0\r\n'],
    ['a port past 65535', `${head}m=audio 70000 RTP/AVP 0\r\n`],
    ['a port that is no number', `${head}m=audio x RTP/AVP 0\r\n`],
    ['no formats', `${head}m=audio 4000 RTP/AVP\r\n`],
    ['33 media lines', head + 'm=audio 4000 RTP/AVP 0\r\n'.repeat(33)],
    ['2001 lines', head + 'a=x\r\n'.repeat(2001)],
    ['more than 64 KiB', head + 'a'.repeat(70_000)],
  ])('%s: refused with a reason', (_what, text) => {
    const result = parseSdp(text);
    expect(isSdpFailure(result) && result.failure.length > 10).toBe(true);
  });

  test('a line of 60 000 characters is passed over, those around it are read', () => {
    expect(line('m=audio 4000 RTP/AVP 0', `a=rtpmap:0 ${'('.repeat(60_000)}`, 'a=ptime:30').ptimeMs).toBe(30);
  });

  test('names of object properties do no harm', () => {
    const found = line(
      'm=audio 4000 RTP/AVP 96 __proto__',
      'a=rtpmap:96 __proto__/8000',
      'a=__proto__:x',
      'a=constructor:y',
      'a=mid:__proto__',
    );
    expect(found.rtp[0]?.encoding).toBe('__proto__');
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  test('any bytes, and any mutation of a good text, are read or refused, never a throw', () => {
    const good = `${head}m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=crypto:1 X inline:Y\r\na=rtcp:1 IN IP4 1.1.1.1\r\n`;
    fc.assert(
      fc.property(
        fc.nat(good.length),
        fc.nat(20),
        fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
        (at, drop, insert) => {
          const result = parseSdp(good.slice(0, at) + insert + good.slice(at + drop));
          if (!isSdpFailure(result)) expect(result.media.length).toBeLessThanOrEqual(32);
        },
      ),
      { numRuns: 500 },
    );
  });

  test.skipIf(testData === undefined)('recorded and third-party descriptions are read or refused (SIPBOT_TEST_DATA)', () => {
    const samples = [...sdpFiles(), ...sdpInCaptures(), ...sdpFuzzSeeds()];
    expect(samples.length).toBeGreaterThan(60);
    const refused = samples.filter((sample) => isSdpFailure(parseSdp(sample.text))).map((sample) => sample.name);
    expect(refused.filter((name) => !name.startsWith('fuzz-'))).toEqual([]);
  });
});

describe('writing', () => {
  test('§9 what is written is read back as the same', () => {
    const format = fc.record({
      payloadType: fc.integer({ min: 96, max: 127 }),
      encoding: fc.constantFrom('opus', 'telephone-event', 'L16', 'CN'),
      clockRate: fc.constantFrom(8000, 16000, 48000),
      channels: fc.constantFrom(1, 2),
    });
    const media = fc
      .record({
        port: fc.integer({ min: 1, max: 65535 }),
        protocol: fc.constantFrom('RTP/AVP', 'RTP/SAVP', 'RTP/AVPF'),
        rtp: fc.uniqueArray(format, { minLength: 1, maxLength: 8, selector: (one) => one.payloadType }),
        direction: fc.constantFrom('sendrecv' as const, 'sendonly' as const, 'recvonly' as const, 'inactive' as const),
        address: fc.constantFrom('192.0.2.1', '2001:db8::1', '198.51.100.7'),
        more: fc.constantFrom(
          {},
          { ptimeMs: 20, maxptimeMs: 60 },
          { rtcp: { port: 9 }, mid: 'a' },
          { rtcpMux: true, reducedSizeRtcp: true, crypto: ['1 A inline:B', '2 C inline:D'] },
        ),
      })
      .map(({ rtp, more, ...rest }) => ({ kind: 'audio', formats: rtp.map((one) => String(one.payloadType)), rtp, ...rest, ...more }));
    const description = fc.record({
      origin: fc.constantFrom({ username: '-', sessionId: '18446744073709551615', version: '7', address: '192.0.2.1' }),
      media: fc.array(media, { minLength: 1, maxLength: 3 }),
    });
    fc.assert(
      fc.property(description, (one) => {
        expect(parseSdp(writeSdp(one))).toEqual(one);
      }),
    );
  });

  test('§5 the lines come in the order of the RFC, with CRLF; a rejected line keeps its place and loses the rest', () => {
    const audio = read('m=audio 4000 RTP/AVP 0', 'a=ptime:20').media[0]!;
    const text = writeSdp({
      origin: { username: '-', sessionId: '5', version: '6', address: '192.0.2.1' },
      media: [{ kind: 'video', port: 0, protocol: 'RTP/AVP', formats: ['31'], rtp: [], direction: 'inactive' }, audio],
    });
    expect(text.split('\r\n')).toEqual([
      'v=0',
      'o=- 5 6 IN IP4 192.0.2.1',
      's=-',
      'c=IN IP4 192.0.2.1',
      't=0 0',
      'm=video 0 RTP/AVP 31',
      'm=audio 4000 RTP/AVP 0',
      'a=rtpmap:0 PCMU/8000',
      'a=ptime:20',
      'a=sendrecv',
      '',
    ]);
  });
});
