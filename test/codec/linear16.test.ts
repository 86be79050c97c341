import { expect, test } from 'vitest';
import { decoder, encoder } from '../../src/codec.js';

test('RFC 3551 §4.5.11 L16 is big endian and survives unchanged', () => {
  const samples = Int16Array.of(0, 1, -1, 256, 32767, -32768, 0x1234);
  const bytes = new Uint8Array(20);
  expect(encoder('l16', { sampleRate: 16000 }).encode(samples, 7, bytes, 2)).toBe(14);
  expect([...bytes.subarray(2, 16)]).toEqual([0, 0, 0, 1, 255, 255, 1, 0, 0x7f, 255, 0x80, 0, 0x12, 0x34]);
  const out = new Int16Array(8);
  expect(decoder('l16').decode(bytes, 2, 14, out, 1)).toBe(7);
  expect([...out]).toEqual([0, ...samples]);
});

test('RFC 3551 §4.1 two channels are interleaved, and mixed to one', () => {
  const bytes = new Uint8Array(8);
  expect(encoder('l16', { channels: 2 }).encode(Int16Array.of(5, -7), 2, bytes, 0)).toBe(8);
  expect([...bytes]).toEqual([0, 5, 0, 5, 255, 249, 255, 249]);
  const out = new Int16Array(2);
  expect(decoder('l16', { channels: 2 }).decode(Uint8Array.of(0, 4, 0, 8, 0x80, 0, 0x7f, 255), 0, 8, out, 0)).toBe(2);
  expect([...out]).toEqual([6, -1]);
});

test('a half sample at the end is left alone, a full array is not written past', () => {
  const out = new Int16Array(2);
  expect(decoder('l16').decode(Uint8Array.of(0, 1, 2), 0, 3, out, 0)).toBe(1);
  expect(decoder('l16').decode(new Uint8Array(10), 0, 10, out, 1)).toBe(1);
  expect(decoder('l16').samplesIn(new Uint8Array(10), 0, 7)).toBe(3);
});

test('rates and channels that L16 has not are refused', () => {
  expect(() => encoder('l16', { sampleRate: 100 })).toThrow(/sampleRate/);
  expect(() => decoder('l16', { channels: 3 })).toThrow(/channels/);
});
