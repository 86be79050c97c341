import { expect, test } from 'vitest';
import { Table } from '../../../src/sip/transaction/table.js';

test('set, get, has, replace, delete, values, size: a map', () => {
  const table = new Table<number>();
  for (let i = 0; i < 100; i++) table.set(`key ${i}`, i);
  table.set('key 7', 700);
  table.delete('key 8');
  table.delete('key 8');
  expect([table.size, table.get('key 7'), table.get('key 8'), table.has('key 8'), table.has('key 9'), table.get('other')]).toEqual([
    99,
    700,
    undefined,
    false,
    true,
    undefined,
  ]);
  expect(table.values().reduce((sum, value) => sum + value, 0)).toBe(4950 - 7 - 8 + 700);
});

test('the values are those of the moment: the table may change while they are gone through', () => {
  const table = new Table<string>();
  for (const name of ['a', 'b', 'c']) table.set(name, name);
  const seen: string[] = [];
  for (const value of table.values()) {
    seen.push(value);
    table.delete(value);
    table.set(`${value}${value}`, 'late');
  }
  expect([seen, table.size]).toEqual([['a', 'b', 'c'], 3]);
});
