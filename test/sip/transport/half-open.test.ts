import { expect, test } from 'vitest';
import { HalfOpen } from '../../../src/sip/transport/half-open.js';

class Door {
  isOpen = true;
  destroy(): void {
    this.isOpen = false;
  }
}

test('a thousand that say nothing, from one address, keep nobody else out', () => {
  const halfOpen = new HalfOpen<Door>(10, 4);
  const honest = new Door();
  halfOpen.add(honest, '192.0.2.1');
  const silent = Array.from({ length: 1000 }, () => {
    const door = new Door();
    halfOpen.add(door, '198.51.100.1');
    return door;
  });
  expect(silent.filter(({ isOpen }) => isOpen)).toEqual(silent.slice(-4));
  expect([honest.isOpen, halfOpen.size]).toEqual([true, 5]);
});

test('from many addresses the oldest makes room for the newest, and who has spoken is out of it', () => {
  const halfOpen = new HalfOpen<Door>(10, 4);
  const spoken = new Door();
  halfOpen.add(spoken, '192.0.2.1');
  halfOpen.delete(spoken);
  const silent = Array.from({ length: 100 }, (_, i) => {
    const door = new Door();
    halfOpen.add(door, `198.51.100.${i}`);
    return door;
  });
  expect(silent.filter(({ isOpen }) => isOpen)).toEqual(silent.slice(-10));
  expect([spoken.isOpen, halfOpen.size]).toEqual([true, 10]);
  for (const door of silent) halfOpen.delete(door);
  expect(halfOpen.size).toBe(0);
});
