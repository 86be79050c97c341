import fc from 'fast-check';
import { expect, test } from 'vitest';
import { add16, add32, diff16, diff32, Unwrapper16, Unwrapper32 } from '../../src/rtp/sequence.js';

test('a difference goes the short way round the wrap', () => {
  expect([diff16(1, 65535), diff16(65535, 1), diff16(5, 5), diff16(32768, 0), diff16(0, 32769)]).toEqual([2, -2, 0, -32768, 32767]);
  expect([diff32(1, 0xffffffff), diff32(0xffffffff, 1), diff32(0x80000000, 0)]).toEqual([2, -2, -0x80000000]);
});

test('adding and taking the difference undo each other, anywhere on the circle', () => {
  fc.assert(
    fc.property(fc.nat(0xffff), fc.integer({ min: -32768, max: 32767 }), (a, n) => {
      expect(diff16(add16(a, n), a)).toBe(n);
    }),
  );
  fc.assert(
    fc.property(fc.nat(0xffffffff), fc.integer({ min: -0x80000000, max: 0x7fffffff }), (a, n) => {
      expect(diff32(add32(a, n), a)).toBe(n);
    }),
  );
});

test('an unwrapped number counts on through many wraps, forwards and a little back', () => {
  const steps = fc.array(fc.integer({ min: -1000, max: 30000 }), { maxLength: 200 });
  fc.assert(
    fc.property(fc.nat(0xffff), steps, (first, walk) => {
      const unwrapper = new Unwrapper16();
      let truth = first;
      const start = unwrapper.unwrap(first);
      for (const step of walk) {
        truth += step;
        expect(unwrapper.unwrap(((truth % 65536) + 65536) % 65536) - start).toBe(truth - first);
      }
    }),
  );
  const unwrapper = new Unwrapper32();
  expect([0xffffff00, 0x100, 0xffffffff, 0x7ffffffe].map((value) => unwrapper.unwrap(value))).toEqual([
    0xffffff00, 0x1_0000_0100, 0xffffffff, 0x1_7fff_fffe,
  ]);
  unwrapper.reset();
  expect(unwrapper.unwrap(7)).toBe(7);
});
