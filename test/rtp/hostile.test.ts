/** What an attacker may send: nothing throws, nothing grows, and the stream next door plays every sample as if nothing were. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Concealer } from '../../src/codec/concealment.js';
import { decoder } from '../../src/codec/registry.js';
import { DtmfReceiver } from '../../src/rtp/dtmf-receiver.js';
import { isRtcp, parseRtp, RtpHeader, writeRtp } from '../../src/rtp/header.js';
import { Playout } from '../../src/rtp/playout.js';
import { ReceiverStats } from '../../src/rtp/receiver-stats.js';
import { RtpSource } from '../../src/rtp/source.js';
import { SymmetricRtp } from '../../src/rtp/symmetric.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';

const RUNS = Number(process.env['SIPBOT_FUZZ_RUNS'] ?? 30_000);
const PEER = '192.0.2.1';

/** All rooms of the receive side, as a stream has them. */
class Line {
  readonly header = new RtpHeader();
  readonly symmetric = new SymmetricRtp();
  readonly source = new RtpSource(99);
  readonly stats = new ReceiverStats(8000);
  readonly playout = new Playout({
    frameMs: 20,
    formats: [
      { payloadType: 0, clockRate: 8000, sampleRate: 8000, decoder: decoder('pcmu'), concealer: new Concealer(8000) },
      { payloadType: 9, clockRate: 8000, sampleRate: 16_000, decoder: decoder('g722'), concealer: new Concealer(16_000) },
    ],
    noisePayloadTypes: [13],
    eventPayloadTypes: [101],
  });
  digits = 0;
  readonly dtmf = new DtmfReceiver(8000, { onDigit: () => this.digits++ });

  constructor() {
    this.symmetric.expect(PEER, 4000);
  }

  take(packet: Uint8Array, address: string, port: number, now: number): void {
    if (isRtcp(packet)) return;
    const header = parseRtp(packet, packet.length, this.header);
    if (header === undefined) return;
    if (this.symmetric.accept(address, port, header, now, 'plain') === 'drop') return;
    const verdict = this.source.accept(header, now);
    if (verdict === 'probation') return;
    if (verdict === 'changed' || verdict === 'restarted') {
      this.stats.reset();
      this.playout.restart();
      this.dtmf.reset();
    }
    if (this.stats.onPacket(header, header.payloadLength, now) === 'duplicate') return;
    if (header.payloadType === 101) this.dtmf.onPacket(header, packet, now);
    this.playout.put(header, packet, now);
  }
}

function honest(number: number): Uint8Array {
  const packet = new Uint8Array(172);
  writeRtp(packet, { payloadType: 0, marker: number === 0, sequence: number & 0xffff, timestamp: (number * 160) >>> 0, ssrc: 0x1234 });
  for (let i = 12; i < 172; i++) packet[i] = (number * 31 + i * 7) & 0xff;
  return packet;
}

/** A few bytes changed, cut off or appended; often just the numbers of the header, which hurt most. */
function mutate(seed: Uint8Array, random: SeededRandom): Uint8Array {
  const at = (length: number) => random.uint32() % Math.max(1, length);
  let packet = seed.slice();
  for (let changes = 1 + at(4); changes > 0; changes--) {
    switch (at(6)) {
      case 0:
        packet = packet.slice(0, at(packet.length + 1));
        break;
      case 1: {
        const longer = new Uint8Array(packet.length + at(1400));
        longer.set(packet);
        packet = longer;
        break;
      }
      case 2:
        if (packet.length > 3) packet[2 + at(2)] = at(256);
        break;
      case 3:
        if (packet.length > 7) packet[4 + at(4)] = at(256);
        break;
      case 4:
        if (packet.length > 1) packet[1] = [0, 9, 13, 101, 0x80, 0x80 | 101][at(6)]!;
        break;
      default:
        if (packet.length > 0) packet[at(packet.length)] = at(256);
    }
  }
  return packet;
}

function attack(seeds: readonly Uint8Array[], runs: number): { line: Line; neighbour: Line; played: Int16Array[] } {
  const random = new SeededRandom(42);
  const line = new Line();
  const neighbour = new Line();
  const out = new Int16Array(960);
  const played: Int16Array[] = [];
  let now = 0;
  for (let i = 0, number = 0; i < runs; number++) {
    now = 20 * number;
    line.take(honest(number), PEER, 4000, now);
    neighbour.take(honest(number), PEER, 4000, now);
    for (let burst = random.uint32() % 20; burst > 0 && i < runs; burst--, i++) {
      const isSpoofed = random.uint32() % 2 === 0;
      const seed = random.uint32() % 3 === 0 ? honest(number) : seeds[random.uint32() % seeds.length]!;
      line.take(
        mutate(seed, random),
        isSpoofed ? PEER : '198.51.100.66',
        isSpoofed ? 4000 : random.uint32() % 65_536,
        now + random.fraction() * 10,
      );
    }
    line.playout.frame(now + 10, out);
    line.dtmf.onTick(now + 10);
    expect(line.playout.buffer.depth).toBeLessThanOrEqual(64);
    if (number < 500) {
      neighbour.playout.frame(now + 10, out);
      played.push(out.slice(0, 160));
    } else neighbour.playout.frame(now + 10, out);
  }
  return { line, neighbour, played };
}

const wellFormed = [
  honest(7),
  Uint8Array.of(0x80, 0xe5, 0, 9, 0, 0, 5, 0xa0, 0, 0, 0x12, 0x34, 5, 0x8a, 3, 0x20),
  Uint8Array.of(0x80, 13, 0, 10, 0, 0, 6, 0x40, 0, 0, 0x12, 0x34, 60, 127, 127),
  Uint8Array.of(0xb1, 0, 0, 11, 0, 0, 6, 0xe0, 0, 0, 0x12, 0x34, 0, 0, 0, 7, 0xbe, 0xde, 0, 1, 0x30, 0, 0, 0, 1, 2, 3, 2),
];

test(`${RUNS} mutated packets, half of them from the peer's own address: no throw, no growth, the neighbour unharmed`, {
  timeout: 30_000 + RUNS,
}, () => {
  const { line, neighbour, played } = attack(wellFormed, RUNS);
  const alone = new Line();
  const out = new Int16Array(960);
  for (let number = 0; number < played.length; number++) {
    alone.take(honest(number), PEER, 4000, 20 * number);
    alone.playout.frame(20 * number + 10, out);
    expect(played[number]).toEqual(out.slice(0, 160));
  }
  expect(neighbour.playout.buffer.stats).toMatchObject({ missing: 0, late: 0, concealedMs: 0 });
  // 64 slots of the largest payload that is voice, whatever came.
  expect(line.playout.buffer.bytes.length).toBeLessThanOrEqual(64 * (2048 + 128));
  expect([line.symmetric.address, line.symmetric.port]).toEqual([PEER, 4000]);
});

test('a flood from elsewhere costs the stream under attack not one sample', () => {
  const line = new Line();
  const alone = new Line();
  const random = new SeededRandom(7);
  const flooded = new Int16Array(960);
  const quiet = new Int16Array(960);
  for (let number = 0; number < 300; number++) {
    line.take(honest(number), PEER, 4000, 20 * number);
    alone.take(honest(number), PEER, 4000, 20 * number);
    // The right SSRC, a sequence number just ahead, from the wrong address.
    for (let i = 0; i < 50; i++)
      line.take(honest(number + 1 + (i % 3)), '198.51.100.66', 4000 + (random.uint32() % 3), 20 * number + i / 10);
    line.playout.frame(20 * number + 10, flooded);
    alone.playout.frame(20 * number + 10, quiet);
    expect(flooded).toEqual(quiet);
  }
  expect(line.symmetric.dropped).toBe(300 * 50);
});

test('spoofed address, wrong SSRC: a stranger in the peer’s name is not heard while the peer talks', () => {
  const line = new Line();
  const alone = new Line();
  const flooded = new Int16Array(960);
  const quiet = new Int16Array(960);
  for (let number = 0; number < 300; number++) {
    line.take(honest(number), PEER, 4000, 20 * number);
    alone.take(honest(number), PEER, 4000, 20 * number);
    for (let i = 0; i < 3; i++) {
      const forged = honest(5000 + 3 * number + i);
      forged[11] = 0x99;
      line.take(forged, PEER, 4000, 20 * number + 2 * i + 1);
    }
    line.playout.frame(20 * number + 10, flooded);
    alone.playout.frame(20 * number + 10, quiet);
    expect(flooded).toEqual(quiet);
  }
  expect([line.source.ssrc, line.source.foreign]).toEqual([0x1234, 900]);
});

const data = process.env['SIPBOT_TEST_DATA'];
describe.skipIf(data === undefined)('fuzzing seeds of others (needs SIPBOT_TEST_DATA)', () => {
  const seeds: Uint8Array[] = [];
  for (const folder of data === undefined ? [] : ['fuzz-rtp', 'fuzz-rtcp', 'fuzz-srtp']) {
    const path = join(data!, 'fuzz-seeds-pjproject', folder);
    for (const name of readdirSync(path)) {
      const bytes = readFileSync(join(path, name));
      // Whole, and from every version 2 header in it on.
      seeds.push(bytes);
      for (let at = bytes.indexOf(0x80); at >= 0; at = bytes.indexOf(0x80, at + 1)) seeds.push(bytes.subarray(at));
    }
  }

  test('as they are and mutated: no throw, no growth', { timeout: 30_000 + RUNS }, () => {
    expect(seeds.length).toBeGreaterThan(10);
    const line = new Line();
    for (const [i, seed] of seeds.entries()) line.take(seed, PEER, 4000, i);
    const { line: attacked } = attack(seeds, Math.min(RUNS, 100_000));
    expect(attacked.symmetric.address).toBe(PEER);
  });
});
