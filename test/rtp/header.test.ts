import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { csrcAt, isRtcp, parseRtp, RtpHeader, writeRtp } from '../../src/rtp/header.js';

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replace(/\s/g, ''), 'hex'));
const fixed = '80 00 0001 00000002 00000003';

describe('RFC 3550 §5.1 the fixed header', () => {
  test('every field is read from its bits', () => {
    const header = parseRtp(bytes('80e5 5e58 efb0f6bc a6a144f2 018a03c0'))!;
    expect(header).toMatchObject({
      marker: true,
      payloadType: 101,
      sequence: 0x5e58,
      timestamp: 0xefb0f6bc,
      ssrc: 0xa6a144f2,
      csrcCount: 0,
      extensionProfile: -1,
      payloadOffset: 12,
      payloadLength: 4,
      paddingLength: 0,
    });
  });

  test('what is written reads back, and is twelve bytes', () => {
    const fields = fc.record({
      payloadType: fc.nat(127),
      marker: fc.boolean(),
      sequence: fc.nat(0xffff),
      timestamp: fc.nat(0xffffffff),
      ssrc: fc.nat(0xffffffff),
    });
    fc.assert(
      fc.property(fields, fc.uint8Array({ maxLength: 200 }), (wanted, payload) => {
        const packet = new Uint8Array(12 + payload.length);
        expect(writeRtp(packet, wanted)).toBe(12);
        packet.set(payload, 12);
        const header = parseRtp(packet)!;
        expect(header).toMatchObject(wanted);
        expect(packet.subarray(header.payloadOffset, header.payloadOffset + header.payloadLength)).toEqual(payload);
      }),
    );
  });

  test('CSRCs are counted, skipped, and readable', () => {
    const packet = bytes(`82${fixed.slice(2)} 00000010 fffffff0 aabb`);
    expect(parseRtp(packet)).toMatchObject({ csrcCount: 2, payloadOffset: 20, payloadLength: 2 });
    expect([csrcAt(packet, 0), csrcAt(packet, 1)]).toEqual([0x10, 0xfffffff0]);
  });

  test('§5.3.1 a header extension is skipped, and its place told', () => {
    expect(parseRtp(bytes(`90${fixed.slice(2)} bede 0001 30000000 aa`))).toMatchObject({
      extensionProfile: 0xbede,
      extensionOffset: 16,
      extensionLength: 4,
      payloadOffset: 20,
      payloadLength: 1,
    });
    // A header of its own with nothing in it is allowed.
    expect(parseRtp(bytes(`90${fixed.slice(2)} bede 0000`))).toMatchObject({ extensionLength: 0, payloadLength: 0 });
  });

  test('padding is taken off, and may be all there is', () => {
    expect(parseRtp(bytes(`a0${fixed.slice(2)} aabb 0002`))).toMatchObject({ payloadLength: 2, paddingLength: 2 });
    expect(parseRtp(bytes(`a0${fixed.slice(2)} 000003`))).toMatchObject({ payloadLength: 0, paddingLength: 3 });
  });

  test('a reused header keeps nothing of the packet before', () => {
    const into = new RtpHeader();
    parseRtp(bytes(`b1${fixed.slice(2)} 00000007 bede 0001 30000000 aa 01`), undefined, into);
    expect(parseRtp(bytes(fixed), undefined, into)).toBe(into);
    expect(into).toEqual(parseRtp(bytes(fixed)));
  });

  test('a length below the array’s is obeyed: SRTP leaves its tag behind the packet', () => {
    expect(parseRtp(bytes(`${fixed} aabbccdd`), 14)).toMatchObject({ payloadLength: 2 });
  });
});

describe('not RTP', () => {
  test.each([
    ['nothing', ''],
    ['eleven bytes', '80 00 0001 00000002 000000'],
    ['version 0', `00${fixed.slice(2)}`],
    ['version 1', `40${fixed.slice(2)}`],
    ['version 3', `c0${fixed.slice(2)}`],
    ['CSRCs that are not there', `81${fixed.slice(2)} 000000`],
    ['an extension without its length', `90${fixed.slice(2)} bede`],
    ['an extension longer than the packet', `90${fixed.slice(2)} bede 0002 00000000`],
    ['padding of zero', `a0${fixed.slice(2)} 00`],
    ['padding longer than the packet', `a0${fixed.slice(2)} 0005`],
    ['padding that eats the header extension', `b0${fixed.slice(2)} bede 0001 00000005`],
    ['padding without a byte to say so', `a0${fixed.slice(2)}`],
  ])('%s', (_, hex) => {
    expect(parseRtp(bytes(hex))).toBeUndefined();
  });

  test('a length beyond the array', () => {
    expect(parseRtp(bytes(fixed), 13)).toBeUndefined();
  });

  test('any bytes: a value, never a throw, and offsets that lie within the packet', () => {
    const into = new RtpHeader();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.boolean(), (packet, rtpLike) => {
        if (rtpLike && packet.length > 0) packet[0] = 0x80 | (packet[0]! & 0x3f);
        const header = parseRtp(packet, packet.length, into);
        if (header === undefined) return;
        expect(header.payloadOffset).toBeGreaterThanOrEqual(12);
        expect(header.payloadLength).toBeGreaterThanOrEqual(0);
        expect(header.payloadOffset + header.payloadLength + header.paddingLength).toBe(packet.length);
        expect(header.extensionOffset + header.extensionLength).toBeLessThanOrEqual(header.payloadOffset);
      }),
      { numRuns: 2000 },
    );
  });
});

test('RFC 5761 §4 RTCP is told from RTP by its second byte', () => {
  expect(isRtcp(bytes('80c8 0006'))).toBe(true);
  expect(isRtcp(bytes('81cf 0001'))).toBe(true);
  expect(isRtcp(bytes('80c0 0001'))).toBe(true);
  expect(isRtcp(bytes('80df 0001'))).toBe(true);
  expect(isRtcp(bytes('80e0 0001'))).toBe(false); // PT 96 with a marker
  expect(isRtcp(bytes('8080 0001'))).toBe(false); // PCMU with a marker
  expect(isRtcp(bytes('80c8'))).toBe(false);
  expect(isRtcp(bytes('00c8 0001'))).toBe(false);
});

const data = process.env['SIPBOT_TEST_DATA'];
describe.skipIf(data === undefined)('third-party RTP packets (needs SIPBOT_TEST_DATA)', () => {
  const folder = join(data ?? '', 'rtp-rtcp-packets');
  const manifest = data === undefined ? { files: {} } : JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
  const rtp = Object.entries(manifest.files as Record<string, { bytes: number; expected: string }>).filter(([name]) =>
    name.includes('/rtp'),
  );
  const expected: Record<string, object> = {
    'aiortc/rtp.bin': { payloadType: 0, csrcCount: 0, payloadLength: 160 },
    'aiortc/rtp_dtmf.bin': { payloadType: 101, marker: true, payloadLength: 4 },
    'aiortc/rtp_only_padding.bin': { payloadLength: 0, paddingLength: 224 },
    'aiortc/rtp_only_padding_with_header_extensions.bin': { payloadLength: 0, paddingLength: 224, extensionProfile: 0xbede },
    'aiortc/rtp_with_csrc.bin': { csrcCount: 2, payloadLength: 160 },
    'aiortc/rtp_with_sdes_mid.bin': { payloadType: 111, extensionProfile: 0xbede, extensionLength: 4, payloadLength: 54 },
  };

  test('every one of the set is here', () => {
    expect(rtp.map(([name]) => name).sort()).toEqual(Object.keys(expected).sort());
  });

  test.each(rtp)('%s', (name, entry) => {
    const packet = readFileSync(join(folder, name));
    expect(packet.length).toBe(entry.bytes);
    expect(entry.expected).toBe('parse ok');
    expect(parseRtp(packet)).toMatchObject(expected[name]!);
    expect(isRtcp(packet)).toBe(false);
  });
});
