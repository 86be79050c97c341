import { expect, test } from 'vitest';
import { OptionError } from '../../src/errors.js';
import { PortPool } from '../../src/rtp/port-pool.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';

const pool = (low: number, high: number) => new PortPool([low, high], 5000, new SeededRandom(1));

test('RFC 3550 §11: lends even ports whose odd neighbour is in the range too', () => {
  const ports = pool(10_001, 10_008);
  const lent = [ports.take(0), ports.take(0), ports.take(0)];
  expect(lent.toSorted()).toEqual([10_002, 10_004, 10_006]);
  expect(ports.take(0)).toBeUndefined();
  expect([ports.free, ports.used, ports.resting]).toEqual([0, 3, 0]);
});

test('a port given back rests while there are others', () => {
  const ports = pool(10_000, 10_005);
  const first = ports.take(0)!;
  const second = ports.take(0)!;
  ports.giveBack(first, 100);
  ports.giveBack(second, 2000);
  const third = ports.take(5099);
  expect([first, second]).not.toContain(third);
  expect([ports.free, ports.used, ports.resting]).toEqual([0, 1, 2]);
  expect(ports.take(5100)).toBe(first);
  expect([ports.free, ports.used, ports.resting]).toEqual([0, 2, 1]);
});

// 2000 calls a second of two seconds each went through 5000 pairs faster than these rested, and every second call was refused with 503.
test('when no other is left, the port that has rested longest is lent: no call is refused for the sake of a stray packet', () => {
  const ports = pool(10_000, 10_005);
  const lent = [ports.take(0)!, ports.take(0)!, ports.take(0)!];
  ports.giveBack(lent[1]!, 10);
  ports.giveBack(lent[0]!, 20);
  expect([ports.take(30), ports.take(30), ports.take(30)]).toEqual([lent[1], lent[0], undefined]);
  expect([ports.free, ports.used, ports.resting]).toEqual([0, 3, 0]);
});

test('draws at random: two pools give other orders', () => {
  const order = (seed: number) => {
    const ports = new PortPool([20_000, 20_400], 0, new SeededRandom(seed));
    return Array.from({ length: 50 }, () => ports.take(0));
  };
  expect(order(1)).not.toEqual(order(2));
  expect(new Set(order(1)).size).toBe(50);
});

test.each([
  [0, 100],
  [10_000, 70_000],
  [10_001, 10_002],
  [10_000, 10_000],
  [1.5, 100],
])('refuses a range of %d to %d', (low, high) => {
  expect(() => pool(low, high)).toThrow(OptionError);
});

test('ports are bound ahead of calls only while there are plenty; until a call has come they count as free', () => {
  expect(pool(10_000, 10_100).reserve(0)).toBeUndefined();
  const ports = pool(10_000, 10_999);
  const port = ports.reserve(0)!;
  ports.reserve(0);
  expect([ports.free, ports.used, ports.resting]).toEqual([500, 0, 0]);
  ports.useReserved();
  ports.giveBackReserved(port, 0);
  expect([ports.free, ports.used, ports.resting]).toEqual([498, 1, 1]);
});
