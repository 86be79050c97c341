/** What an attacker may send to a stream with keys: nothing throws, nothing is taken, and the honest packets between are all opened. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeRtp } from '../../../src/rtp/header.js';
import { SrtpContext } from '../../../src/rtp/srtp/context.js';
import { type CryptoSuite, cryptoKeyLength, cryptoKeysFrom } from '../../../src/rtp/srtp/crypto-line.js';
import { SeededRandom } from '../../../src/testing/seeded-random.js';

const RUNS = Number(process.env['SIPBOT_FUZZ_RUNS'] ?? 20_000);
const SUITES: readonly CryptoSuite[] = [
  'AES_CM_128_HMAC_SHA1_80',
  'AES_CM_128_HMAC_SHA1_32',
  'AES_256_CM_HMAC_SHA1_80',
  'AEAD_AES_128_GCM',
];
const ROOM = 64;
const data = process.env['SIPBOT_TEST_DATA'];

function rtp(number: number): Buffer {
  const packet = Buffer.alloc(172 + ROOM, number & 0xff);
  const withExtension = number % 7 === 0;
  writeRtp(packet, { payloadType: 0, marker: false, sequence: number & 0xffff, timestamp: (number * 160) >>> 0, ssrc: 0x1234 });
  if (withExtension) packet.set([0x90], 0);
  if (withExtension) packet.set([0xbe, 0xde, 0, 1, 0x30, 0, 0, 0], 12);
  return packet;
}

function rtcp(number: number): Buffer {
  const packet = Buffer.alloc(28 + ROOM, number & 0xff);
  packet.set([0x80, 200, 0, 6, 0, 0, 0x12, 0x34]);
  return packet;
}

/** A few bytes changed, cut off or appended; often just the numbers of the header and the last bytes. */
function mutate(seed: Uint8Array, random: SeededRandom): Uint8Array {
  const at = (length: number) => random.uint32() % Math.max(1, length);
  let packet = seed.slice();
  for (let changes = 1 + at(3); changes > 0; changes--) {
    switch (at(6)) {
      case 0:
        packet = packet.slice(0, at(packet.length + 1));
        break;
      case 1: {
        const longer = new Uint8Array(packet.length + at(100));
        longer.set(packet);
        packet = longer;
        break;
      }
      case 2:
        if (packet.length > 3) packet[2 + at(2)] = at(256);
        break;
      case 3:
        if (packet.length > 20) packet[packet.length - 1 - at(20)]! ^= 1 << at(8);
        break;
      case 4:
        if (packet.length > 0) packet[0] = at(256);
        break;
      default:
        if (packet.length > 0) packet[at(packet.length)]! ^= 1 + at(255);
    }
  }
  return packet;
}

test(`${RUNS} mutated SRTP and SRTCP packets: no throw, none taken, none changed, every honest one opened`, {
  timeout: 30_000 + RUNS,
}, () => {
  const random = new SeededRandom(3);
  const seeds: Uint8Array[] = [];
  if (data !== undefined) {
    const folder = join(data, 'fuzz-seeds-pjproject', 'fuzz-srtp');
    for (const name of readdirSync(folder)) seeds.push(readFileSync(join(folder, name)));
    expect(seeds.length).toBeGreaterThan(100);
  }
  const lines = SUITES.map((suite) => {
    const keys = cryptoKeysFrom(suite, random.bytes(cryptoKeyLength(suite)));
    return { sender: new SrtpContext(keys), receiver: new SrtpContext(keys), sent: [] as Uint8Array[] };
  });
  let taken = 0;
  let changed = 0;
  let lost = 0;
  for (let run = 0, number = 1; run < RUNS; number++) {
    const { sender, receiver, sent } = lines[number % lines.length]!;
    const isReport = number % 20 < lines.length;
    const packet = isReport ? rtcp(number) : rtp(number);
    const clear = Buffer.from(packet);
    const clearLength = packet.length - ROOM;
    const length = isReport ? sender.protectRtcp(packet, clearLength) : sender.protectRtp(packet, clearLength);
    const sealed = Uint8Array.from(packet.subarray(0, length));
    const opened = isReport ? receiver.unprotectRtcp(packet, length) : receiver.unprotectRtp(packet, length);
    if (opened !== clearLength || !packet.subarray(0, clearLength).equals(clear.subarray(0, clearLength))) lost++;
    sent[(number % 64) >> 2] = sealed;
    // What has been taken once is what an attacker has; whole, it is a replay.
    for (let burst = 10; burst > 0 && run < RUNS; burst--, run++) {
      const isOther = seeds.length > 0 && random.uint32() % 4 === 0;
      const seed = isOther ? seeds[random.uint32() % seeds.length]! : sent[random.uint32() % sent.length]!;
      if (seed === undefined) continue;
      const attack = random.uint32() % 16 === 0 ? seed.slice() : mutate(seed, random);
      const before = Buffer.from(attack);
      for (const work of [receiver.unprotectRtp, receiver.unprotectRtcp]) if (work.call(receiver, attack, attack.length) >= 0) taken++;
      if (!before.equals(attack)) changed++;
    }
  }
  expect({ taken, changed, lost }).toEqual({ taken: 0, changed: 0, lost: 0 });
});
