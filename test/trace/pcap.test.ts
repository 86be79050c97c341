import { describe, expect, test } from 'vitest';
import { LINKTYPE_RAW, readCapture, writePcap } from '../../src/trace/pcap.js';
import { alice, bob, pcap, pcapng, sip, udp } from './captures.js';

describe('capture files', () => {
  test('what is written is read again: in the order of time, to the microsecond', () => {
    const wall = 1_790_000_000_123.456;
    const file = writePcap([
      { from: bob, to: alice, bytes: sip(2), wall: wall + 20.001 },
      { from: alice, to: bob, bytes: sip(1), wall },
    ]);
    const { frames, damage } = readCapture(file);
    expect(damage).toBeUndefined();
    expect(frames.map(({ linkType }) => linkType)).toEqual([LINKTYPE_RAW, LINKTYPE_RAW]);
    expect(frames[0]!.wall).toBeCloseTo(wall, 3);
    expect(frames[1]!.wall).toBeCloseTo(wall + 20.001, 3);
    expect(Buffer.from(frames[0]!.bytes.subarray(28)).toString()).toContain('CSeq: 1');
  });

  test('no packets: an empty capture, which is one all the same', () => {
    expect(readCapture(writePcap([]))).toEqual({ frames: [], damage: undefined });
  });

  test.each([
    { little: true, nano: false },
    { little: false, nano: false },
    { little: true, nano: true },
    { little: false, nano: true },
  ])('pcap of others: little-endian $little, nanoseconds $nano', (kind) => {
    const { frames } = readCapture(pcap(1, [Buffer.from('one'), Buffer.from('two')], kind));
    expect(frames.map(({ wall, linkType, bytes }) => [wall, linkType, Buffer.from(bytes).toString()])).toEqual([
      [1_000_500, 1, 'one'],
      [1_001_500, 1, 'two'],
    ]);
  });

  test('pcapng: each interface has its link and its resolution', () => {
    const file = pcapng(
      [{ linkType: 1 }, { linkType: 101, resolution: 9 }, { linkType: 101, resolution: 0x8a }],
      [
        [0, 1_790_000_000_000_000, udp(sip(1))],
        [1, 1_790_000_000_000_000_000, udp(sip(2))],
        [2, 1_790_000_000 * 1024, udp(sip(3))],
      ],
    );
    const { frames, damage } = readCapture(file);
    expect(damage).toBeUndefined();
    expect(frames.map(({ linkType }) => linkType)).toEqual([1, 101, 101]);
    for (const { wall } of frames) expect(wall).toBeCloseTo(1_790_000_000_000, -1);
  });

  test('what is no capture says so', () => {
    expect(readCapture(new Uint8Array(3)).damage).toMatch(/too short/);
    expect(readCapture(Buffer.from('RIFF and so on, a sound file')).damage).toMatch(/neither pcap nor pcapng/);
  });

  test('cut off anywhere: what stands before the cut is there, and never more than was written', () => {
    for (const file of [
      pcap(101, [udp(sip(1)), udp(sip(2))]),
      pcapng(
        [{ linkType: 101 }],
        [
          [0, 1, udp(sip(1))],
          [0, 2, udp(sip(2))],
        ],
      ),
    ]) {
      const whole = readCapture(file).frames.length;
      expect(whole).toBe(2);
      for (let length = 0; length < file.length; length++) {
        const { frames, damage } = readCapture(file.subarray(0, length));
        expect(frames.length).toBeLessThanOrEqual(whole);
        if (frames.length === 0 && length < 24) expect(damage).toBeDefined();
      }
    }
  });

  test('lengths that lie end the reading, and no length is believed past the end', () => {
    for (const file of [pcap(101, [udp(sip(1))]), pcapng([{ linkType: 101, resolution: 6 }], [[0, 1, udp(sip(1))]])]) {
      for (let at = 0; at < Math.min(file.length, 120); at++) {
        for (const value of [0x00, 0x7f, 0x80, 0xff]) {
          const bad = Buffer.from(file);
          bad[at] = value;
          for (const { bytes } of readCapture(bad).frames) expect(bytes.length).toBeLessThanOrEqual(file.length);
        }
      }
    }
    const huge = pcap(101, [udp(sip(1))]);
    huge.writeUInt32LE(0xffff_ffff, 32);
    expect(readCapture(huge)).toEqual({ frames: [], damage: 'cut off at byte 24' });
  });
});
