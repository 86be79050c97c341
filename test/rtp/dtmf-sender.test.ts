import { describe, expect, test } from 'vitest';
import { OptionError } from '../../src/errors.js';
import { DtmfSender } from '../../src/rtp/dtmf-sender.js';

/** What goes out, departure by departure, until the sender is done: [timestamp, M, event, E, duration], or '-' for nothing. */
function transcript(sender: DtmfSender, options: { ticks?: number; from?: number; limit?: number } = {}): string[] {
  const { ticks = 160, from = 0, limit = 10_000 } = options;
  const out = new Uint8Array(6);
  const lines: string[] = [];
  for (let i = 0; sender.isActive && i < limit; i++) {
    const length = sender.next((from + i * ticks) >>> 0, out, 2);
    if (length === 0) lines.push('-');
    else lines.push(`${sender.timestamp}${sender.marker ? ' M' : ''} ${out[2]}${out[3]! >= 0x80 ? ' E' : ''} ${(out[4]! << 8) | out[5]!}`);
  }
  return lines;
}

describe('RFC 4733 §2.5.1 a key sent', () => {
  test('marker first, the duration grows, the end three times, the timestamp is the beginning’s', () => {
    const sender = new DtmfSender({ clockRate: 8000, packetMs: 20 });
    sender.send('5');
    expect(transcript(sender, { from: 1600 })).toEqual([
      '1600 M 5 160',
      '1600 5 320',
      '1600 5 480',
      '1600 5 640',
      '1600 5 E 800',
      '1600 5 E 800',
      '1600 5 E 800',
    ]);
  });

  test('two keys stand a gap apart, and the timestamp wraps', () => {
    const sender = new DtmfSender({ clockRate: 8000, packetMs: 20, durationMs: 60, gapMs: 80 });
    sender.send('1#');
    expect(transcript(sender, { from: 0xffffff60 })).toEqual([
      '4294967136 M 1 160',
      '4294967136 1 320',
      '4294967136 1 E 480',
      '4294967136 1 E 480',
      '4294967136 1 E 480',
      '-',
      '-',
      '960 M 11 160',
      '960 11 320',
      '960 11 E 480',
      '960 11 E 480',
      '960 11 E 480',
    ]);
  });

  test('a duration that is no number of packets is told to the tick', () => {
    const sender = new DtmfSender({ clockRate: 48000, packetMs: 20, durationMs: 50 });
    sender.send('D');
    expect(transcript(sender, { ticks: 960 })).toEqual(['0 M 15 960', '0 15 1920', '0 15 E 2400', '0 15 E 2400', '0 15 E 2400']);
  });

  test('the gap is never shorter than the repetitions of the end', () => {
    const sender = new DtmfSender({ clockRate: 8000, packetMs: 20, durationMs: 40, gapMs: 0 });
    sender.send('12');
    expect(transcript(sender).map((line) => line.split(' ').at(-1))).toEqual(['160', '320', '320', '320', '160', '320', '320', '320']);
  });

  test('a comma is half a second of nothing', () => {
    const sender = new DtmfSender({ clockRate: 8000, packetMs: 20, durationMs: 40 });
    sender.send('1,2');
    expect(transcript(sender).filter((line) => line === '-')).toHaveLength(25 + 1);
  });

  test('the volume stands in its six bits', () => {
    const out = new Uint8Array(4);
    const sender = new DtmfSender({ clockRate: 8000, packetMs: 20, volume: 63 });
    sender.send('0');
    sender.next(0, out, 0);
    expect(out[1]).toBe(63);
  });

  test('a departure that was skipped is in the duration', () => {
    const out = new Uint8Array(4);
    const sender = new DtmfSender({ clockRate: 8000, packetMs: 20 });
    sender.send('0');
    sender.next(0, out, 0);
    sender.next(480, out, 0);
    expect((out[2]! << 8) | out[3]!).toBe(640);
  });
});

test('§2.5.1.3 a key held for 20 s goes in segments, each end three times, one marker, no E before the last', () => {
  const sender = new DtmfSender({ clockRate: 8000, packetMs: 20, durationMs: 20_000 });
  sender.send('8');
  const lines = transcript(sender);
  const segments = [...new Set(lines.map((line) => line.split(' ')[0]))];
  expect(segments).toEqual(['0', '65535', '131070']);
  expect(lines.filter((line) => line.endsWith(' 65535') && !line.includes('E'))).toHaveLength(6);
  expect(lines.filter((line) => line.includes('M'))).toEqual(['0 M 8 160']);
  expect(lines.filter((line) => line.includes('E'))).toEqual(Array(3).fill(`131070 8 E ${160_000 - 131_070}`));
  const durations = lines.map((line) => Number(line.split(' ')[0]) + Number(line.split(' ').at(-1)));
  expect(durations).toEqual([...durations].sort((a, b) => a - b));
});

test('done is told after the last end, once', () => {
  const sender = new DtmfSender({ clockRate: 8000, packetMs: 20 });
  let done = 0;
  sender.send('12', {}, () => done++);
  const out = new Uint8Array(4);
  let last = 0;
  for (let i = 0; sender.isActive; i++) {
    expect(done).toBe(0);
    last = sender.next(160 * i, out, 0);
  }
  expect([done, last, out[1]! & 0x80]).toEqual([1, 4, 0x80]);
});

test('cancelled: the key that is down is let go in three ends, the rest forgotten, and each told done', () => {
  const sender = new DtmfSender({ clockRate: 8000, packetMs: 20, durationMs: 5000 });
  const done: string[] = [];
  sender.send('1', {}, () => done.push('1'));
  sender.send('23', {}, () => done.push('23'));
  const lines = transcript(sender, { limit: 3 });
  sender.cancel();
  expect(done).toEqual(['23']);
  expect([...lines, ...transcript(sender, { from: 480 })]).toEqual([
    '0 M 1 160',
    '0 1 320',
    '0 1 480',
    '0 1 E 640',
    '0 1 E 640',
    '0 1 E 640',
  ]);
  expect(done).toEqual(['23', '1']);
});

test('what is no key, and times that are none, are refused', () => {
  const sender = new DtmfSender({ clockRate: 8000, packetMs: 20 });
  expect(() => sender.send('12x')).toThrow(OptionError);
  expect(() => sender.send('')).toThrow(OptionError);
  expect(() => sender.send('1', { durationMs: 5 })).toThrow(OptionError);
  expect(() => sender.send('1', { gapMs: -1 })).toThrow(OptionError);
  expect(sender.isActive).toBe(false);
});
