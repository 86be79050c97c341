import { expect, test } from 'vitest';
import { ReadyQueue, readyQueueMemory } from '../../src/rtp/ready-queue.js';

const drain = (queue: ReadyQueue): number[] => {
  const out: number[] = [];
  queue.wake();
  for (let stream = queue.take(); stream >= 0; stream = queue.take()) out.push(stream);
  return out;
};

test('a stream is in it once, however often it is pushed, and comes out in the order of its first push', () => {
  const memory = readyQueueMemory(8);
  const [writer, reader] = [new ReadyQueue(memory), new ReadyQueue(memory)];
  for (const stream of [3, 1, 3, 7, 1]) writer.push(stream);
  expect(drain(reader)).toEqual([]); // Not before the tick is over.
  expect(writer.tell()).toBe(true);
  expect(drain(reader)).toEqual([3, 1, 7]);
  expect(drain(reader)).toEqual([]);
  writer.push(3);
  expect(writer.tell()).toBe(true);
  expect(drain(reader)).toEqual([3]);
});

test('one wake-up until the reader has woken, however many ticks pass', () => {
  const memory = readyQueueMemory(8);
  const [writer, reader] = [new ReadyQueue(memory), new ReadyQueue(memory)];
  expect(writer.tell()).toBe(false);
  writer.push(2);
  expect(writer.tell()).toBe(true);
  writer.push(5);
  expect(writer.tell()).toBe(false);
  expect(drain(reader)).toEqual([2, 5]);
  expect(writer.tell()).toBe(false);
  writer.push(2);
  expect(writer.tell()).toBe(true);
});

test('holds every stream there can be, many times over', () => {
  const memory = readyQueueMemory(5);
  const [writer, reader] = [new ReadyQueue(memory), new ReadyQueue(memory)];
  for (let round = 0; round < 20; round++) {
    for (const stream of [4, 0, 3, 1, 2]) writer.push(stream);
    expect(writer.tell()).toBe(true);
    expect(drain(reader)).toEqual([4, 0, 3, 1, 2]);
  }
});
