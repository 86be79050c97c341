import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ownPlace, type Place } from '../../src/rtp/cells.js';
import { RtpHeader } from '../../src/rtp/header.js';
import { PacketRing } from '../../src/rtp/packet-ring.js';

function packetOf(payload: readonly number[], payloadType = 0): [RtpHeader, Uint8Array] {
  const header = Object.assign(new RtpHeader(), { payloadOffset: 12, payloadLength: payload.length, payloadType });
  const packet = new Uint8Array(12 + payload.length);
  packet.set(payload, 12);
  return [header, packet];
}

function payloadAt(ring: PacketRing, slot: number): number[] {
  const at = ring.offsetOf(slot);
  return [...ring.bytesOf(slot).subarray(at, at + ring.lengthOf(slot))];
}

test('what is stored is found by its number, with all that it was', () => {
  const ring = new PacketRing(8);
  ring.store(1_000_003, 480, 'audio', ...packetOf([1, 2, 3], 9));
  ring.store(1_000_005, 800, 'noise', ...packetOf([4], 13));
  ring.store(1_000_006, 960, 'event', ...packetOf([5, 6, 7, 8], 101));
  const first = ring.find(1_000_000, 1_000_006);
  expect([ring.sequenceOf(first), ring.timeOf(first), ring.payloadTypeOf(first), payloadAt(ring, first)]).toEqual([
    1_000_003,
    480,
    9,
    [1, 2, 3],
  ]);
  ring.free(first);
  const second = ring.find(1_000_000, 1_000_006);
  expect([ring.sequenceOf(second), ring.isNoise(second), ring.isAudio(second)]).toEqual([1_000_005, true, false]);
  ring.free(second);
  const third = ring.find(1_000_000, 1_000_006);
  expect([ring.isEvent(third), payloadAt(ring, third), ring.waiting]).toEqual([true, [5, 6, 7, 8], 1]);
  expect(ring.find(1_000_000, 1_000_005)).toBe(-1);
});

test('a packet that has gone is known until another takes its slot', () => {
  const ring = new PacketRing(4);
  ring.store(5, 0, 'audio', ...packetOf([1]));
  ring.free(ring.find(5, 5));
  expect([ring.hasSeen(5), ring.hasSeen(1), ring.hasSeen(9)]).toEqual([true, false, false]);
  ring.store(9, 0, 'audio', ...packetOf([1]));
  expect([ring.hasSeen(5), ring.hasSeen(9)]).toEqual([false, true]);
});

test('a search is never longer than the ring', () => {
  const ring = new PacketRing(4);
  ring.store(5, 0, 'audio', ...packetOf([1]));
  expect(ring.find(-1e15, 5)).toBe(-1);
});

test('widening keeps every payload', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 16 }), (payloads) => {
      const ring = new PacketRing(16);
      payloads.forEach((payload, i) => {
        ring.store(i, i, 'audio', ...packetOf([...payload]));
      });
      payloads.forEach((payload, i) => {
        expect(payloadAt(ring, ring.find(i, i))).toEqual([...payload]);
      });
    }),
  );
});

test('memory made for a bad moment is given up when the packets have long been as they mostly are, and made again in the next', () => {
  const place: Place = { ...ownPlace(PacketRing.cells(32)) };
  const ring = new PacketRing(32, place);
  let next = 0;
  const pass = (count: number): void => {
    for (let i = 0; i < count; i++, next++) {
      ring.store(next, next, 'audio', ...packetOf([next & 255]));
      ring.free(ring.find(next, next));
    }
  };
  for (let moment = 0; moment < 2; moment++) {
    const burst = Array.from({ length: 31 }, (_, i) => next + i);
    for (const sequence of burst) ring.store(sequence, sequence, 'audio', ...packetOf([sequence & 255]));
    for (const sequence of burst) {
      const slot = ring.find(sequence, sequence);
      expect(payloadAt(ring, slot)).toEqual([sequence & 255]);
      ring.free(slot);
    }
    next += burst.length;
    // 32 slots of 32 bytes: the packets are 13 long.
    expect(place.more).toHaveLength(1024);
    pass(256);
    expect(place.more).toHaveLength(1024);
    pass(1);
    expect(place.more).toBeUndefined();
  }
});
