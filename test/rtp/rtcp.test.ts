import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { CompoundPacket, type SdesPacket, type SenderReportPacket, type VmExtendedReport, type XrPacket } from 'rtp.js/packets';
import { describe, expect, test } from 'vitest';
import { isRtcp } from '../../src/rtp/header.js';
import type { ReceptionReport } from '../../src/rtp/receiver-stats.js';
import { parseRtcp, writeBye, writeCname, writeReport, writeXr } from '../../src/rtp/rtcp.js';
import { type VoipMetrics, writeVoipMetrics } from '../../src/rtp/rtcp-xr.js';

const sharedData = process.env['SIPBOT_TEST_DATA'];
const fromHex = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));

const block: ReceptionReport = {
  ssrc: 0x01020304,
  fractionLost: 37,
  cumulativeLost: -5,
  extendedHighest: 0xfffe1234,
  jitter: 0xffffffff,
  lastSr: 0x80000001,
  delaySinceLastSr: 0x7fffffff,
};
const sender = { ntpSeconds: 0xe9000000, ntpFraction: 0x80000000, timestamp: 0xfedcba98, packets: 70_000, bytes: 0xfffffff0 };
const metrics: VoipMetrics = {
  ssrc: 0x01020304,
  lossRate: 12 / 256,
  discardRate: 3 / 256,
  burstDensity: 0.5,
  gapDensity: 10 / 256,
  burstMs: 120,
  gapMs: 520,
  roundTripMs: 43,
  endSystemMs: 61,
  signalLevelDbm0: -19,
  rFactor: 81,
  mosLq: 4.1,
  mosCq: 3.9,
  bufferMs: 41,
  bufferMaxMs: 300,
  bufferLimitMs: 300,
};

function compound(): Uint8Array {
  const bytes = new Uint8Array(512);
  let at = writeReport(bytes, 0, { ssrc: 0xcafebabe, sender, block });
  at = writeCname(bytes, at, 0xcafebabe, 'Zwölf Boxkämpfer');
  at = writeXr(bytes, at, 0xcafebabe, (view, from) => writeVoipMetrics(view, from, metrics));
  at = writeBye(bytes, at, 0xcafebabe);
  return bytes.slice(0, at);
}

describe('what is written', () => {
  test('is read back whole: SR with a block, SDES, XR, BYE', () => {
    expect(parseRtcp(compound())).toEqual([
      { type: 'sr', ssrc: 0xcafebabe, sender, reports: [block] },
      { type: 'sdes', chunks: [{ ssrc: 0xcafebabe, items: [{ type: 1, text: 'Zwölf Boxkämpfer' }] }] },
      { type: 'xr', ssrc: 0xcafebabe, voip: [metrics] },
      { type: 'bye', ssrcs: [0xcafebabe], reason: undefined },
    ]);
  });

  test('is read by rtp.js the same, but for the 24-bit loss, of which it takes 12 bits', () => {
    const bytes = compound();
    const packets = new CompoundPacket(new DataView(bytes.buffer)).getPackets();
    const report = packets[0] as SenderReportPacket;
    expect([report.getSsrc(), report.getNtpSeconds(), report.getNtpFraction(), report.getRtpTimestamp()]).toEqual([
      0xcafebabe,
      sender.ntpSeconds,
      sender.ntpFraction,
      sender.timestamp,
    ]);
    expect([report.getPacketCount(), report.getOctetCount()]).toEqual([sender.packets, sender.bytes]);
    const theirs = report.getReports()[0]!;
    expect([theirs.getSsrc(), theirs.getFractionLost(), theirs.getHighestSeqNumber()]).toEqual([block.ssrc, 37, 0xfffe1234]);
    expect([theirs.getJitter(), theirs.getLastSRTimestamp(), theirs.getDelaySinceLastSR()]).toEqual([0xffffffff, 0x80000001, 0x7fffffff]);
    expect((packets[1] as SdesPacket).getChunks()[0]!.getItems()).toEqual([{ type: 1, text: 'Zwölf Boxkämpfer' }]);
    const voip = (packets[2] as XrPacket).getReports()[0] as VmExtendedReport;
    expect(voip.dump()).toMatchObject({
      ssrc: metrics.ssrc,
      lossRate: 12,
      discardRate: 3,
      burstDensity: 128,
      gapDensity: 10,
      burstDuration: 120,
      gapDuration: 520,
      roundTripDelay: 43,
      endSystemDelay: 61,
      gmin: 16,
      rFactor: 81,
      extRFactor: 127,
      mosLq: 41,
      mosCq: 39,
      plc: 2,
      jba: 3,
      jbRate: 0,
      jbNominal: 41,
      jbMax: 300,
      jbAbsMax: 300,
    });
    expect(packets[3]!.getPacketType()).toBe(203);
  });

  test('RFC 3550 §6.4.1 loss of 24 bits with a sign, and what does not fit is cut to what does', () => {
    for (const cumulativeLost of [0, 1, 5000, 0x7fffff, -1, -0x800000]) {
      const bytes = new Uint8Array(32);
      expect(writeReport(bytes, 0, { ssrc: 1, block: { ...block, cumulativeLost } })).toBe(32);
      expect(parseRtcp(bytes)).toMatchObject([{ type: 'rr', reports: [{ cumulativeLost, fractionLost: 37 }] }]);
    }
    const bytes = new Uint8Array(100);
    const wild = {
      ...metrics,
      lossRate: 1,
      roundTripMs: 1e9,
      rFactor: Number.NaN,
      mosLq: Number.NaN,
      mosCq: 99,
      signalLevelDbm0: Number.NaN,
    };
    writeXr(bytes, 0, 1, (view, at) => writeVoipMetrics(view, at, { ...wild, burstMs: Number.NaN }));
    expect(parseRtcp(bytes, 44)).toMatchObject([
      { voip: [{ lossRate: 255 / 256, roundTripMs: 65_535, rFactor: NaN, mosLq: NaN, mosCq: 5, signalLevelDbm0: NaN, burstMs: 0 }] },
    ]);
  });

  test('§6.5 a CNAME of any length is ended by a zero and filled up to a word', () => {
    for (let length = 0; length <= 300; length++) {
      const bytes = new Uint8Array(400).fill(0xff);
      const end = writeCname(bytes, 0, 1, 'x'.repeat(length));
      expect(end % 4).toBe(0);
      expect(bytes[end - 1]).toBe(0);
      expect(parseRtcp(bytes, end)).toEqual([
        { type: 'sdes', chunks: [{ ssrc: 1, items: [{ type: 1, text: 'x'.repeat(Math.min(255, length)) }] }] },
      ]);
    }
  });
});

describe('what is read', () => {
  test.each([
    ['a report block more than there is', `82c9000700000001${'00'.repeat(24)}`],
    ['a version that is not 2', '41c9000100000001'],
    ['a length beyond the datagram', '80c9000200000001'],
    ['half a word', '80c90001000000'],
    ['SR without its sender', '80c8000100000001'],
    ['padding of nothing', 'a0c900020000000100000000'],
    ['padding beyond the packet', 'a0c900020000000100000010'],
    ['padding of half a word', 'a0c900020000000100000003'],
    ['padding on a packet that is not the last', 'a0c90002000000010000000480c9000100000001'],
    ['an SDES item beyond its packet', '81ca00020000000101ff4141'],
    ['an SDES chunk without an end', '81ca0002000000010102414'.padEnd(24, '1')],
    ['a BYE reason beyond its packet', '80cb000105414141'],
    ['an XR block beyond its packet', '80cf00020000000107000008'],
    ['a type that is no RTCP', '80bf000100000001'],
  ])('A.2 refused: %s', (_, hex) => expect(parseRtcp(fromHex(hex))).toBeUndefined());

  test('an XR block of VoIP metrics with the wrong length is passed over, and so is a block that is not known', () => {
    expect(parseRtcp(fromHex('80cf00060000000107000001deadbeef630000020000000000000000'))).toEqual([{ type: 'xr', ssrc: 1, voip: [] }]);
  });

  test('§6.4.3 what a profile adds to a report is passed over', () => {
    expect(parseRtcp(fromHex('80c900030000000111111111 22222222'))).toEqual([{ type: 'rr', ssrc: 1, reports: [] }]);
  });

  test('§6.6 BYE says why, to whom it may concern', () => {
    expect(parseRtcp(fromHex('81cb000300000001 0563616d65726100'))).toEqual([{ type: 'bye', ssrcs: [1], reason: 'camer' }]);
  });

  test('at most 32 packets in one datagram', () => {
    const many = (count: number) => fromHex('80cb0000'.repeat(count));
    expect(parseRtcp(many(32))).toHaveLength(32);
    expect(parseRtcp(many(33))).toBeUndefined();
    expect(parseRtcp(many(16_000))).toBeUndefined();
  });

  test('any bytes: a value, and no throw', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void parseRtcp(bytes)));
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 200 }),
        fc.integer({ min: 0, max: 255 }),
        fc.integer({ min: 0, max: 200 }),
        (at, byte, length) => {
          const bytes = compound();
          bytes[at % bytes.length] = byte;
          parseRtcp(bytes.subarray(0, length), Math.min(length, bytes.length));
        },
      ),
      { numRuns: 2000 },
    );
  });

  test.skipIf(sharedData === undefined)('every RTCP packet of aiortc as its name says (needs SIPBOT_TEST_DATA)', () => {
    const folder = join(sharedData!, 'rtp-rtcp-packets');
    const { files } = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8')) as { files: Record<string, { expected: string }> };
    const names = Object.keys(files).filter((name) => name.includes('/rtcp_'));
    expect(names.length).toBe(15);
    const verdicts = names.map((name) => [name, parseRtcp(readFileSync(join(folder, name))) === undefined ? 'reject/ignore' : 'parse ok']);
    expect(verdicts).toEqual(names.map((name) => [name, files[name]!.expected]));
  });

  test.skipIf(sharedData === undefined)('the RTCP seeds of PJSIP: no throw, and ours agrees with isRtcp (needs SIPBOT_TEST_DATA)', () => {
    const folder = join(sharedData!, 'fuzz-seeds-pjproject', 'fuzz-rtcp');
    const names = readdirSync(folder);
    expect(names.length).toBeGreaterThan(5);
    let read = 0;
    for (const name of names) {
      const bytes = readFileSync(join(folder, name));
      const packets = parseRtcp(bytes);
      if (packets === undefined) continue;
      read++;
      expect(isRtcp(bytes)).toBe(true);
      expect(packets.length).toBeGreaterThan(0);
    }
    expect(read).toBeGreaterThan(5);
  });
});
