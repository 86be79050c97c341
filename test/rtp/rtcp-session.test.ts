import { describe, expect, test } from 'vitest';
import { RtpHeader } from '../../src/rtp/header.js';
import { ReceiverStats } from '../../src/rtp/receiver-stats.js';
import { parseRtcp, type RtcpPacket, writeBye, writeCname, writeReport, writeXr } from '../../src/rtp/rtcp.js';
import { RtcpSession } from '../../src/rtp/rtcp-session.js';
import { writeVoipMetrics } from '../../src/rtp/rtcp-xr.js';
import type { LocalView } from '../../src/rtp/stream-seams.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';

const OURS = 0x0000a11c;
const THEIRS = 0x0000b0b0;
/** 2026-01-01, and the same since 1900. */
const WALL = 1_767_225_600_000;
const NTP = WALL / 1000 + 2_208_988_800;

const local: LocalView = {
  bufferDelayMs: 40,
  concealedFraction: 0,
  lateFraction: 0.01,
  levelDbov: -23,
  rFactor: 90,
  mos: 4.3,
  listeningMos: 4.4,
  packetMs: 20,
  bufferLimitMs: 300,
};

/** One end, with time and packets made by hand. */
class End {
  readonly receiver = new ReceiverStats(8000);
  readonly session: RtcpSession;
  readonly #bytes = new Uint8Array(1024);

  constructor({ ssrc = OURS, reducedSize = false, seed = 1 } = {}) {
    this.session = new RtcpSession({ ssrc, cname: 'here', random: new SeededRandom(seed), reducedSize, receiver: () => this.receiver });
  }

  /** One packet each way every 20 ms, from `from` to before `to`; what RTCP leaves meanwhile. */
  talk(from: number, to: number, way: 'both' | 'in' | 'out' = 'both', ssrc = THEIRS): { at: number; packets: RtcpPacket[] }[] {
    const left: { at: number; packets: RtcpPacket[] }[] = [];
    for (let now = from; now < to; now += 20) {
      if (way !== 'in') this.session.onSent((now * 8) >>> 0, 160, now, 8000);
      if (way !== 'out') this.hear(now / 20, now, ssrc);
      const packets = this.write(now);
      if (packets !== undefined) left.push({ at: now, packets });
    }
    return left;
  }

  hear(number: number, now: number, ssrc = THEIRS): void {
    const header = Object.assign(new RtpHeader(), { ssrc, sequence: number & 0xffff, timestamp: (number * 160) >>> 0 });
    if (this.receiver.onPacket(header, 160, now) === 'new') this.session.onReceived(ssrc, now);
  }

  write(now: number): RtcpPacket[] | undefined {
    if (this.session.due > now) return undefined;
    const length = this.session.write(this.#bytes, now, WALL + now, local);
    return length === 0 ? undefined : parseRtcp(this.#bytes, length);
  }

  take(bytes: Uint8Array, now: number): string {
    return this.session.onPacket(bytes, bytes.length, now);
  }

  /** The same without a view of ours: as bytes. */
  raw(now: number): Uint8Array {
    for (; ; now += 20) {
      const length = this.session.write(this.#bytes, now, WALL + now, local);
      if (length > 0) return this.#bytes.slice(0, length);
    }
  }

  bye(now: number): RtcpPacket[] | undefined {
    const length = this.session.bye(this.#bytes, now, WALL + now);
    return length === 0 ? undefined : parseRtcp(this.#bytes, length);
  }
}

/** A report of theirs: bytes. */
function theirs(
  write: (bytes: Uint8Array, at: number) => number = (bytes, at) => writeReport(bytes, at, { ssrc: THEIRS }),
  ...more: ((bytes: Uint8Array, at: number) => number)[]
): Uint8Array {
  const bytes = new Uint8Array(512);
  return bytes.slice(
    0,
    [write, ...more].reduce((at, part) => part(bytes, at), 0),
  );
}

const blockAbout = (ssrc: number, more: object = {}) => ({
  ssrc,
  fractionLost: 64,
  cumulativeLost: 7,
  extendedHighest: 1,
  jitter: 80,
  lastSr: 0,
  delaySinceLastSr: 0,
  ...more,
});

describe('what we say', () => {
  test('§6.4.1, §6.1 a call both ways: SR with a block about them, CNAME, VoIP metrics; first after 1 to 3 s, then every 2 to 6 s', () => {
    const end = new End();
    const left = end.talk(0, 60_000);
    expect(left.length).toBeGreaterThan(8);
    expect(left[0]!.at).toBeGreaterThanOrEqual(1000);
    expect(left[0]!.at).toBeLessThan(3100);
    for (const { packets } of left) expect(packets.map(({ type }) => type)).toEqual(['sr', 'sdes', 'xr']);
    const { at, packets } = left.at(-1)!;
    const count = at / 20 + 1;
    expect(packets[0]).toMatchObject({
      ssrc: OURS,
      sender: {
        ntpSeconds: Math.floor(NTP + at / 1000),
        ntpFraction: Math.floor(((at % 1000) / 1000) * 2 ** 32),
        timestamp: at * 8,
        packets: count,
        bytes: count * 160,
      },
      reports: [{ ssrc: THEIRS, fractionLost: 0, cumulativeLost: 0, extendedHighest: at / 20, jitter: 0, lastSr: 0 }],
    });
    expect(packets[1]).toEqual({ type: 'sdes', chunks: [{ ssrc: OURS, items: [{ type: 1, text: 'here' }] }] });
    expect(packets[2]).toMatchObject({
      voip: [
        { ssrc: THEIRS, lossRate: 0, burstMs: 0, endSystemMs: 60, signalLevelDbm0: -20, rFactor: 90, mosCq: 4.3, mosLq: 4.4, bufferMs: 40 },
      ],
    });
  });

  test('§6.4.1 the timestamp of a sender report is that of its own moment, not of the last packet', () => {
    const end = new End();
    end.session.write(new Uint8Array(512), 0, WALL, local);
    end.session.onSent(1_000_000, 160, 1000, 8000);
    const [report] = end.write(10_000)!;
    expect(report).toMatchObject({ type: 'sr', sender: { timestamp: 1_000_000 + 9000 * 8 } });
  });

  test('§6.4 who only listens sends RR; who has stopped sending, SR twice more and then RR', () => {
    expect(new End().talk(0, 20_000, 'in').map(({ packets }) => packets[0]!.type)).toEqual(expect.arrayContaining(['rr']));
    const end = new End();
    const during = end.talk(0, 20_000);
    expect(during.every(({ packets }) => packets[0]!.type === 'sr')).toBe(true);
    const after = end.talk(20_000, 60_000, 'in').map(({ packets }) => packets[0]!.type);
    expect(after.slice(0, 2)).toEqual(['sr', 'sr']);
    expect(new Set(after.slice(2))).toEqual(new Set(['rr']));
  });

  test('§6.4 a source not heard since the last report has no block, and no metrics', () => {
    const end = new End();
    end.talk(0, 20_000);
    const later = end.talk(20_000, 60_000, 'out');
    expect(later.at(-1)!.packets.map(({ type }) => type)).toEqual(['sr', 'sdes']);
    expect(later.at(-1)!.packets[0]).toMatchObject({ reports: [] });
  });

  test('§6.4.1 "last SR" is the middle of their NTP time, with the delay since', () => {
    const end = new End();
    end.talk(0, 1000);
    const sender = { ntpSeconds: 0x1111aaaa, ntpFraction: 0xbbbb2222, timestamp: 1, packets: 1, bytes: 1 };
    expect(
      end.take(
        theirs((bytes, at) => writeReport(bytes, at, { ssrc: THEIRS, sender })),
        990,
      ),
    ).toBe('taken');
    const { at, packets } = end.talk(1000, 10_000)[0]!;
    expect(packets[0]).toMatchObject({ reports: [{ lastSr: 0xaaaabbbb, delaySinceLastSr: Math.round(((at - 990) * 65_536) / 1000) }] });
  });

  test('§6.6 BYE ends a compound; §6.3.7 who never spoke says none', () => {
    const end = new End();
    expect(end.bye(0)).toBeUndefined();
    end.talk(0, 1000);
    expect(end.bye(1000)!.map(({ type }) => type)).toEqual(['sr', 'sdes', 'bye']);
    expect(end.bye(1000)!.at(-1)).toEqual({ type: 'bye', ssrcs: [OURS], reason: undefined });
  });

  test('§8.2 with another identifier everything is counted anew', () => {
    const end = new End();
    end.talk(0, 10_000);
    end.session.restart(7);
    const { packets } = end.talk(10_000, 20_000)[0]!;
    expect(packets[0]).toMatchObject({ ssrc: 7 });
    expect((packets[0] as Extract<RtcpPacket, { type: 'sr' }>).sender.packets).toBeLessThan(500);
  });

  test('two sessions of one machine do not keep step (§6.3.1)', () => {
    const times = (seed: number) => new End({ seed }).talk(0, 60_000).map(({ at }) => at);
    expect(times(1)).not.toEqual(times(2));
  });
});

describe('what they say', () => {
  test('§6.4.1 loss and jitter of what we send', () => {
    const end = new End();
    end.talk(0, 100);
    end.take(
      theirs((bytes, at) => writeReport(bytes, at, { ssrc: THEIRS, block: blockAbout(OURS) })),
      100,
    );
    expect(end.session.remote).toMatchObject({ lossFraction: 0.25, lost: 7, jitterMs: 10, rttMs: NaN });
    end.take(
      theirs((bytes, at) => writeReport(bytes, at, { ssrc: THEIRS, block: blockAbout(OURS, { cumulativeLost: -3 }) })),
      100,
    );
    expect(end.session.remote.lost).toBe(0);
  });

  test('§6.4.1 two ends, 35 ms each way: both know that a round trip takes 70', () => {
    const here = new End({ ssrc: OURS, seed: 1 });
    const there = new End({ ssrc: THEIRS, seed: 2 });
    const wire: { at: number; bytes: Uint8Array; to: End }[] = [];
    for (let now = 0; now < 30_000; now += 5) {
      for (const [from, to, ssrc] of [
        [here, there, OURS],
        [there, here, THEIRS],
      ] as const) {
        if (now % 20 === 0) {
          from.session.onSent(now * 8, 160, now, 8000);
          to.hear(now / 20, now, ssrc);
        }
        const bytes = new Uint8Array(512);
        const length = from.session.due <= now ? from.session.write(bytes, now, WALL + now, local) : 0;
        if (length > 0) wire.push({ at: now + 35, bytes: bytes.slice(0, length), to });
      }
      for (const { at, bytes, to } of wire) if (at === now) expect(to.take(bytes, now)).toBe('taken');
    }
    expect(here.session.remote.rttMs).toBeCloseTo(70, 1);
    expect(there.session.remote.rttMs).toBeCloseTo(70, 1);
    expect(here.session.remote.rFactor).toBe(90);
  });

  test('a round trip of a report we never sent, or one shorter than nothing, is not believed', () => {
    const end = new End();
    const sent = end.talk(0, 10_000).at(-1)!;
    const { ntpSeconds, ntpFraction } = (sent.packets[0] as Extract<RtcpPacket, { type: 'sr' }>).sender;
    const lastSr = ((ntpSeconds << 16) | (ntpFraction >>> 16)) >>> 0;
    const report = (more: object) => theirs((bytes, at) => writeReport(bytes, at, { ssrc: THEIRS, block: blockAbout(OURS, more) }));
    end.take(report({ lastSr: lastSr + 1 }), 10_000);
    end.take(report({ lastSr, delaySinceLastSr: 0xffffffff }), 10_000);
    expect(end.session.remote.rttMs).toBeNaN();
    end.take(report({ lastSr, delaySinceLastSr: Math.round(((9950 - sent.at) * 65_536) / 1000) }), 10_000);
    expect(end.session.remote.rttMs).toBeCloseTo(50, 1);
  });

  test('a block about somebody else says nothing of us', () => {
    const end = new End();
    end.talk(0, 100);
    end.take(
      theirs((bytes, at) => writeReport(bytes, at, { ssrc: THEIRS, block: blockAbout(THEIRS) })),
      100,
    );
    expect(end.session.remote.lossFraction).toBeNaN();
  });

  test('RFC 3611 §4.7.5 how they rate us; what is over 100 is ignored', () => {
    const end = new End();
    end.talk(0, 100);
    const metrics = {
      ssrc: OURS,
      lossRate: 0,
      discardRate: 0,
      burstDensity: 0,
      gapDensity: 0,
      burstMs: 0,
      gapMs: 0,
      roundTripMs: 0,
      endSystemMs: 0,
      signalLevelDbm0: NaN,
      rFactor: 77,
      mosLq: NaN,
      mosCq: NaN,
      bufferMs: 0,
      bufferMaxMs: 0,
      bufferLimitMs: 0,
    };
    const report = theirs(undefined, (bytes, at) => writeXr(bytes, at, THEIRS, (view, from) => writeVoipMetrics(view, from, metrics)));
    end.take(report, 100);
    expect(end.session.remote.rFactor).toBe(77);
    report[report.length - 12] = 120;
    end.take(report, 100);
    expect(end.session.remote.rFactor).toBe(77);
  });

  test('§6.6 the BYE of the one who is heard is told; that of a former one is not, nor our own come back', () => {
    const end = new End();
    const bye = (ssrc: number) => theirs(undefined, (bytes, at) => writeBye(bytes, at, ssrc));
    expect(end.take(bye(5), 0)).toBe('bye');
    end.talk(0, 100);
    expect(end.take(bye(5), 100)).toBe('taken');
    expect(end.take(bye(OURS), 100)).toBe('taken');
    expect(end.take(bye(THEIRS), 100)).toBe('bye');
  });

  test('§8.2 our own reports, come back in a loop, change nothing', () => {
    const end = new End();
    end.talk(0, 1000);
    const own = end.raw(1000);
    expect(end.take(own, 5000)).toBe('taken');
    expect(end.session.remote).toMatchObject({ rttMs: NaN, lossFraction: NaN, rFactor: NaN });
    const [report] = end.talk(5000, 20_000)[0]!.packets;
    expect(report).toMatchObject({ reports: [{ ssrc: THEIRS, lastSr: 0 }] });
  });

  test('A.2 a compound begins with a report; RFC 5506 single packets only where that was agreed', () => {
    const single = theirs((bytes, at) => writeCname(bytes, at, THEIRS, 'there'));
    expect(new End().take(single, 0)).toBe('invalid');
    expect(new End({ reducedSize: true }).take(single, 0)).toBe('taken');
    expect(new End({ reducedSize: true }).take(single.subarray(0, 7), 0)).toBe('invalid');
  });

  test('a sender report of another than the one heard does not stand in for his', () => {
    const end = new End();
    end.talk(0, 1000);
    const sender = { ntpSeconds: 1, ntpFraction: 0, timestamp: 1, packets: 1, bytes: 1 };
    end.take(
      theirs((bytes, at) => writeReport(bytes, at, { ssrc: 99, sender })),
      990,
    );
    const { packets } = end.talk(1000, 10_000)[0]!;
    expect(packets[0]).toMatchObject({ reports: [{ lastSr: 0 }] });
  });
});
