import { expect, test } from 'vitest';
import { BoundAhead } from '../../src/rtp/bound-ahead.js';

function setUp(ports = 1000) {
  const asked: (readonly number[])[] = [];
  const released: number[] = [];
  let next = 10_000;
  const ahead = new BoundAhead({
    reserve: () => {
      if (next === 10_000 + 2 * ports) return undefined;
      next += 2;
      return next - 2;
    },
    release: (port) => released.push(port),
    bind: (wanted) => asked.push(wanted),
  });
  const bind = () => {
    for (const port of asked.splice(0).flat()) ahead.onBound({ port, address: '127.0.0.1' });
  };
  return { ahead, asked, released, bind };
}

test('nothing is bound before there was a call; then as many as calls came at a time, at most 64', () => {
  const { ahead, asked, bind } = setUp();
  expect(asked).toEqual([]);
  expect(ahead.take()).toBeUndefined();
  expect(asked).toEqual([[10_000, 10_002]]);
  bind();
  expect(ahead.take()).toEqual({ port: 10_000, address: '127.0.0.1' });
  for (let round = 0; round < 10; round++) {
    for (let call = 0; call < 100; call++) ahead.take();
    bind();
  }
  let ready = 0;
  while (ahead.take() !== undefined) ready++;
  expect(ready).toBe(64);
});

test('a port that somebody else sits on is given back, and none waits when the thread is gone', () => {
  const { ahead, asked, released } = setUp();
  ahead.take();
  ahead.onRefused(10_000);
  expect(released).toEqual([10_000]);
  ahead.onBound({ port: 10_002, address: '127.0.0.1' });
  ahead.take();
  ahead.take();
  ahead.end();
  expect(released.toSorted()).toEqual([10_000, ...asked.slice(1).flat()].toSorted());
  const before = asked.length;
  ahead.take();
  expect(asked.length).toBe(before);
});

test('where ports are scarce none lies idle', () => {
  const { ahead, asked } = setUp(0);
  expect(ahead.take()).toBeUndefined();
  expect(asked).toEqual([]);
});
