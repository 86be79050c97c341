/** What an attacker may send as RTCP: nothing throws, nothing grows, and the next report of ours goes out all the same. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ReceiverStats } from '../../src/rtp/receiver-stats.js';
import { parseRtcp, writeBye, writeCname, writeReport, writeXr } from '../../src/rtp/rtcp.js';
import { RtcpSession } from '../../src/rtp/rtcp-session.js';
import { writeVoipMetrics } from '../../src/rtp/rtcp-xr.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';

const RUNS = Number(process.env['SIPBOT_FUZZ_RUNS'] ?? 50_000);
const data = process.env['SIPBOT_TEST_DATA'];
const OURS = 0xa11c;
const WALL = 1_767_225_600_000;

const local = {
  bufferDelayMs: 40,
  concealedFraction: 0,
  lateFraction: 0,
  levelDbov: -20,
  rFactor: 90,
  mos: 4.3,
  listeningMos: 4.4,
  packetMs: 20,
  bufferLimitMs: 300,
};

function honest(): Uint8Array {
  const block = { ssrc: OURS, fractionLost: 1, cumulativeLost: 2, extendedHighest: 3, jitter: 4, lastSr: 5, delaySinceLastSr: 6 };
  const sender = { ntpSeconds: 1, ntpFraction: 2, timestamp: 3, packets: 4, bytes: 5 };
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
    signalLevelDbm0: -20,
    rFactor: 80,
    mosLq: 4,
    mosCq: 4,
    bufferMs: 0,
    bufferMaxMs: 0,
    bufferLimitMs: 0,
  };
  const bytes = new Uint8Array(512);
  let at = writeReport(bytes, 0, { ssrc: 0xb0b0, sender, block });
  at = writeCname(bytes, at, 0xb0b0, 'there');
  at = writeXr(bytes, at, 0xb0b0, (view, from) => writeVoipMetrics(view, from, metrics));
  return bytes.slice(0, writeBye(bytes, at, 0xb0b0));
}

test(`${RUNS} mutated RTCP compounds: no throw, at most 64 members, reports go on within their interval`, {
  timeout: 30_000 + RUNS,
}, () => {
  const random = new SeededRandom(9);
  const seeds: Uint8Array[] = [honest()];
  if (data !== undefined)
    for (const folder of ['fuzz-seeds-pjproject/fuzz-rtcp', 'rtp-rtcp-packets/aiortc'])
      for (const name of readdirSync(join(data, folder))) seeds.push(readFileSync(join(data, folder, name)));
  const below = (length: number) => random.uint32() % Math.max(1, length);
  const receiver = new ReceiverStats(8000);
  const session = new RtcpSession({ ssrc: OURS, cname: 'here', random, reducedSize: true, receiver: () => receiver });
  const into = new Uint8Array(2048);
  const outcomes = { taken: 0, bye: 0, invalid: 0 };
  let reports = 0;
  let longest = 0;
  let lastAt = 0;
  for (let run = 0; run < RUNS; run++) {
    const now = run * 2;
    if (run % 10 === 0) session.onSent(now * 8, 160, now, 8000);
    const packet = Uint8Array.from(seeds[below(seeds.length)]!);
    for (let changes = below(6); changes > 0; changes--) packet[below(packet.length)] = below(256);
    // Identifiers without end.
    if (packet.length >= 8 && below(2) === 0) new DataView(packet.buffer).setUint32(4, random.uint32());
    outcomes[session.onPacket(packet, below(4) === 0 ? below(packet.length + 1) : packet.length, now)]++;
    const length = session.due <= now ? session.write(into, now, WALL + now, local) : 0;
    if (length === 0) continue;
    expect(parseRtcp(into, length)?.[0]).toMatchObject({ type: 'sr', ssrc: OURS });
    reports++;
    longest = Math.max(longest, now - lastAt);
    lastAt = now;
  }
  for (const [outcome, count] of Object.entries(outcomes)) expect([outcome, count > RUNS / 200]).toEqual([outcome, true]);
  expect(reports).toBeGreaterThan(RUNS / 10_000);
  // §6.3.1: whoever else claims to take part, a quarter of the bandwidth is the senders', and we are the only one.
  expect(longest).toBeLessThan(7500 / 1.21828 + 10);
  const { rttMs, lossFraction, lost, jitterMs, rFactor } = session.remote;
  for (const value of [rttMs, lossFraction, lost, jitterMs, rFactor]) expect(Number.isNaN(value) || value >= 0).toBe(true);
  expect(Number.isNaN(rFactor) || rFactor <= 100).toBe(true);
});
