import { expect, test } from 'vitest';
import { Recent, sourceKey } from '../../../../src/sip/ua/guard/recent.js';

test('a million made-up addresses are as many entries as the limit says; what is touched stays', () => {
  const recent = new Recent<number>(100);
  recent.set('mine', 0);
  for (let i = 0; i < 1_000_000; i++) {
    recent.set(`10.${i}`, i);
    if (i % 50 === 0) recent.touch('mine', () => 1);
  }
  expect(recent.size).toBe(100);
  expect(recent.peek('mine')).toBe(0);
  expect(recent.peek('10.999999')).toBe(999_999);
  expect(recent.peek('10.0')).toBeUndefined();
});

test('peek does not make an entry younger, touch does', () => {
  const recent = new Recent<string>(2);
  recent.set('a', 'a');
  recent.set('b', 'b');
  recent.peek('a');
  recent.set('c', 'c');
  expect([...recent.entries()].map(([key]) => key)).toEqual(['b', 'c']);
  recent.touch('b', () => 'new');
  recent.set('d', 'd');
  expect([...recent.entries()]).toEqual([
    ['b', 'b'],
    ['d', 'd'],
  ]);
});

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
  ['2001:0db8:0001:0002::', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
])('the source of %s is %s: whoever has one IPv6 address has its whole /64', (address, key) => {
  expect(sourceKey(address)).toBe(key);
});
