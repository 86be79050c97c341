import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DtmfReceiver } from '../../src/rtp/dtmf-receiver.js';
import { DtmfSender } from '../../src/rtp/dtmf-sender.js';
import { RtpHeader } from '../../src/rtp/header.js';

interface Report {
  readonly event: number;
  readonly start: number;
  readonly duration: number;
  readonly end?: boolean;
}

function receiver() {
  const told: string[] = [];
  const dtmf = new DtmfReceiver(8000, {
    onDigitBegin: (digit) => told.push(`${digit} down`),
    onDigit: (digit, durationMs) => told.push(`${digit} ${durationMs}`),
  });
  const header = new RtpHeader();
  header.payloadOffset = 12;
  const give = (now: number, ...reports: readonly Report[]) => {
    const packet = new Uint8Array(12 + 4 * reports.length);
    reports.forEach((report, i) => {
      packet.set([report.event, (report.end ? 0x80 : 0) | 10, report.duration >> 8, report.duration], 12 + 4 * i);
    });
    header.timestamp = reports[0]?.start ?? 0;
    header.payloadLength = packet.length - 12;
    dtmf.onPacket(header, packet, now);
  };
  return { dtmf, told, give };
}

/** The packets of a press of 100 ms, as they would be sent. */
function press(event: number, start: number): Report[] {
  const at = (duration: number, end = false): Report => ({ event, start: start >>> 0, duration, end });
  return [at(160), at(320), at(480), at(640), at(800, true), at(800, true), at(800, true)];
}

describe('RFC 4733 §2.5.2 a key press', () => {
  test('is told when the key goes down, and once when it is up', () => {
    const { told, give, dtmf } = receiver();
    press(5, 0xffffff00).forEach((report, i) => {
      expect(dtmf.isActive).toBe(i > 0 && i < 5);
      give(20 * i, report);
    });
    expect(told).toEqual(['5 down', '5 100']);
  });

  test('every key has its event', () => {
    const { told, give } = receiver();
    for (let event = 0; event < 16; event++) give(100 * event, press(event, 2000 * event)[4]!);
    expect(told.map((text) => text[0]).join('')).toBe('0123456789*#ABCD');
  });

  test('of which only one packet came is still told, whichever it was', () => {
    for (let kept = 0; kept < 7; kept++) {
      const { told, give, dtmf } = receiver();
      give(0, press(1, 1000)[kept]!);
      dtmf.onTick(500);
      expect(told.filter((text) => !text.includes('down'))).toHaveLength(1);
    }
  });

  test('whose ends are all lost ends when its packets stop', () => {
    const { told, give, dtmf } = receiver();
    for (const [i, report] of press(7, 1000).slice(0, 4).entries()) give(20 * i, report);
    dtmf.onTick(200);
    expect(told).toEqual(['7 down']);
    dtmf.onTick(261);
    expect(told).toEqual(['7 down', '7 80']);
    // An end that comes after all changes nothing.
    give(300, press(7, 1000)[6]!);
    expect(told).toHaveLength(2);
  });

  test('ends at the latest when the next begins', () => {
    const { told, give } = receiver();
    give(0, press(1, 1000)[0]!);
    give(160, press(1, 2280)[0]!);
    expect(told).toEqual(['1 down', '1 20', '1 down']);
  });

  test('the same key twice is two presses', () => {
    const { told, give } = receiver();
    for (const [i, report] of [...press(3, 1000), ...press(3, 2600)].entries()) give(20 * i, report);
    expect(told).toEqual(['3 down', '3 100', '3 down', '3 100']);
  });

  test('that comes whole after the next one is told, late', () => {
    const { told, give } = receiver();
    give(0, press(2, 5000)[0]!);
    give(10, press(1, 3400)[4]!);
    give(20, press(1, 3400)[5]!);
    give(30, press(2, 5000)[4]!);
    expect(told).toEqual(['2 down', '1 100', '2 100']);
  });
});

describe('§2.5.2.3 a key held for longer than a packet can say', () => {
  const long = (segments: number): Report[] => {
    const reports: Report[] = [];
    let start = 1000;
    for (let i = 0; i < segments; i++) {
      for (const duration of [400, 30_000, 0xffff, 0xffff, 0xffff]) reports.push({ event: 9, start: start >>> 0, duration });
      start += 0xffff;
    }
    for (const end of [false, true, true, true]) reports.push({ event: 9, start: start >>> 0, duration: 800, end });
    return reports;
  };

  test('is one press, as long as all its segments', () => {
    const { told, give } = receiver();
    for (const report of long(3)) give(0, report);
    expect(told).toEqual(['9 down', `9 ${(3 * 0xffff + 800) / 8}`]);
  });

  test('even when the ends of segments, or nearly all of it, are lost', () => {
    const { told, give, dtmf } = receiver();
    const reports = long(3);
    for (const kept of [0, 6, 10, 18]) give(0, reports[kept]!);
    dtmf.onTick(1000);
    expect(told).toEqual(['9 down', `9 ${(3 * 0xffff + 800) / 8}`]);
  });

  test('even when so much was lost that it was thought to be over', () => {
    const { told, give, dtmf } = receiver();
    const reports = long(1);
    give(0, reports[1]!);
    dtmf.onTick(5000);
    give(8200, reports[6]!);
    give(8300, reports[8]!);
    expect(told).toEqual(['9 down', '9 3750']);
  });
});

describe('what is no key', () => {
  test.each([
    ['another event', { event: 16, start: 0, duration: 800, end: true }],
    ['§2.3.5 no duration', { event: 1, start: 0, duration: 0 }],
  ])('%s', (_, report) => {
    const { told, give } = receiver();
    give(0, report);
    expect(told).toEqual([]);
  });

  test('a packet too short', () => {
    const { told, dtmf } = receiver();
    dtmf.onPacket(Object.assign(new RtpHeader(), { payloadOffset: 12, payloadLength: 3 }), new Uint8Array(15), 0);
    expect(told).toEqual([]);
  });
});

test('§2.5.1.5 two keys in one packet', () => {
  const { told, give } = receiver();
  give(0, { event: 1, start: 1000, duration: 800, end: true }, { event: 2, start: 0, duration: 400, end: true });
  expect(told).toEqual(['1 100', '2 50']);
});

test('a new source: the key that was down is up, and timestamps mean something else', () => {
  const { told, give, dtmf } = receiver();
  give(0, press(1, 1000)[0]!);
  dtmf.reset();
  give(20, press(1, 1000)[4]!);
  expect(told).toEqual(['1 down', '1 20', '1 100']);
});

test('one event per key press whatever is lost, repeated or out of order, so long as something of each comes', () => {
  const keys = fc.array(fc.constantFrom(...'0123456789*#ABCD'), { minLength: 1, maxLength: 8 });
  const fates = fc.infiniteStream(
    fc.record({ lost: fc.double({ min: 0, max: 1, noNaN: true }), copies: fc.integer({ min: 1, max: 3 }), delay: fc.nat(60) }),
  );
  fc.assert(
    fc.property(keys, fates, fc.nat(0xffffffff), (digits, network, first) => {
      const sender = new DtmfSender({ clockRate: 8000, packetMs: 20 });
      sender.send(digits.join(''));
      const payload = new Uint8Array(4);
      const sent: { at: number; report: Report }[] = [];
      const starts = new Map<number, Report[]>();
      for (let at = 0; sender.isActive; at += 20) {
        if (sender.next((first + at * 8) >>> 0, payload, 0) === 0) continue;
        const report = {
          event: payload[0]!,
          start: sender.timestamp,
          duration: (payload[2]! << 8) | payload[3]!,
          end: payload[1]! >= 0x80,
        };
        starts.set(report.start, [...(starts.get(report.start) ?? []), report]);
        sent.push({ at, report });
      }
      expect(starts.size).toBe(digits.length);
      const arrivals: { at: number; report: Report }[] = [];
      for (const { at, report } of sent) {
        const fate = network.next().value!;
        const isLast = starts.get(report.start)!.at(-1) === report && !arrivals.some((arrival) => arrival.report.start === report.start);
        if (fate.lost < 0.5 && !isLast) continue;
        for (let copy = 0; copy < fate.copies; copy++) arrivals.push({ at: at + fate.delay * (copy + 1), report });
      }
      arrivals.sort((a, b) => a.at - b.at);
      const heard: string[] = [];
      const dtmf = new DtmfReceiver(8000, { onDigit: (digit) => heard.push(digit) });
      const packet = new Uint8Array(16);
      for (const { at, report } of arrivals) {
        dtmf.onTick(at);
        packet.set([report.event, report.end ? 0x80 : 0, report.duration >> 8, report.duration], 12);
        dtmf.onPacket(Object.assign(new RtpHeader(), { payloadOffset: 12, payloadLength: 4, timestamp: report.start }), packet, at);
      }
      dtmf.onTick(1e9);
      expect([...heard].sort()).toEqual([...digits].sort());
    }),
    { numRuns: 300 },
  );
});
