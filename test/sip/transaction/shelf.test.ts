import { expect, test } from 'vitest';
import { Shelf } from '../../../src/sip/transaction/shelf.js';

const filled = (length: number, value: number) => new Uint8Array(length).fill(value);

test('what is kept is a copy, untouched by its source and its neighbours, whatever its size', () => {
  const shelf = new Shelf();
  const sources = [300, 8192, 8193, 70_000, 0, 1, ...Array.from({ length: 500 }, (_, i) => 200 + i)].map((length, i) =>
    filled(length, (i % 255) + 1),
  );
  const kept = sources.map((bytes) => shelf.keep(bytes));
  const expected = sources.map((bytes) => Uint8Array.from(bytes));
  for (const bytes of sources) bytes.fill(0);
  expect(kept.every((bytes, i) => Buffer.compare(bytes, expected[i]!) === 0)).toBe(true);
});

test('small ones share a slab, large ones have their own', () => {
  const shelf = new Shelf();
  const [a, b] = [shelf.keep(filled(300, 1)), shelf.keep(filled(300, 2))];
  expect(a.buffer).toBe(b.buffer);
  expect(shelf.keep(filled(9000, 3)).buffer.byteLength).toBe(9000);
});
