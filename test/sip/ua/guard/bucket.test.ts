import { expect, test } from 'vitest';
import { Bucket } from '../../../../src/sip/ua/guard/bucket.js';

test('so much at once, so much a second; what is refused is not counted', () => {
  const bucket = new Bucket();
  const take = (now: number): boolean => bucket.take(now, 5, 2 / 1000);
  expect([1, 2, 3, 4, 5, 6, 7].map(() => take(0))).toEqual([true, true, true, true, true, false, false]);
  expect([take(499), take(500), take(501)]).toEqual([false, true, false]);
  expect(Array.from({ length: 100 }, (_, i) => take(1000 + i * 100)).filter(Boolean)).toHaveLength(20);
});

test('what is given back can be taken again', () => {
  const bucket = new Bucket();
  expect([bucket.take(0, 1, 0), bucket.isFull(1), bucket.take(0, 1, 0)]).toEqual([true, true, false]);
  bucket.giveBack();
  expect([bucket.isFull(1), bucket.take(0, 1, 0)]).toEqual([false, true]);
});
