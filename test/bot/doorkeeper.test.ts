import { describe, expect, test } from 'vitest';
import { Doorkeeper } from '../../src/bot/doorkeeper.js';
import type { SipBotOptions } from '../../src/bot/options.js';
import { resolveOptions } from '../../src/bot/resolve-options.js';
import { silentLogger } from '../../src/log.js';

function door(options: SipBotOptions): {
  keeper: Doorkeeper;
  lines: string[];
  ask: (address: string, now?: number, user?: string) => string;
} {
  const lines: string[] = [];
  const keeper = new Doorkeeper(resolveOptions(options), { ...silentLogger, warn: (_fields, message) => lines.push(message) });
  return { keeper, lines, ask: (address, now = 0, user) => keeper.ask({ address, method: 'INVITE', requestedUser: user }, now) };
}

const account = { uri: 'sip:6001@pbx.example.com', password: 'x' };

describe('who may call', () => {
  test('loopback when nothing else is configured, and only then', () => {
    expect(door({}).ask('127.0.0.1')).toBe('accept');
    expect(door({}).ask('::1')).toBe('accept');
    expect(door({}).ask('192.0.2.1')).toBe('refuse');
    for (const options of [account, { trunks: [{ name: 't', hosts: ['192.0.2.9'] }] }, { allow: ['192.0.2.0/24'] }])
      expect(door(options).ask('127.0.0.1')).toBe('refuse');
    expect(door({ users: { a: 'b' } }).ask('127.0.0.1')).toBe('challenge');
  });

  test('registrars and proxies we are registered through, for as long as we are', () => {
    const { keeper, ask } = door(account);
    keeper.trust('192.0.2.5');
    keeper.trust('192.0.2.5');
    keeper.distrust('192.0.2.5');
    expect(ask('192.0.2.5')).toBe('accept');
    keeper.distrust('192.0.2.5');
    expect(ask('192.0.2.5')).toBe('refuse');
  });

  test('whoever asks for a Contact that we registered: providers call from other edges', () => {
    const { keeper, ask } = door(account);
    keeper.addContact('unguessable');
    expect(ask('198.51.100.1', 0, 'unguessable')).toBe('accept');
    keeper.removeContact('unguessable');
    expect(ask('198.51.100.2', 0, 'unguessable')).toBe('refuse');
  });

  test('a trunk’s sources, presets included; without sources its own addresses', () => {
    const { keeper, ask } = door({
      trunks: [
        { name: 'a', hosts: ['x.example'], sources: ['twilio', '203.0.113.0/28'] },
        { name: 'b', hosts: ['192.0.2.9:5080', '[2001:db8::9]'] },
      ],
    });
    expect(['54.172.60.3', '203.0.113.15', '192.0.2.9', '2001:db8::9'].map((address) => ask(address))).toEqual(Array(4).fill('accept'));
    expect(['54.172.60.4', '203.0.113.16', '192.0.2.8'].map((address) => ask(address))).toEqual(Array(3).fill('refuse'));
    expect([keeper.trunkAt('54.172.60.3'), keeper.trunkAt('192.0.2.9'), keeper.trunkAt('192.0.2.8')]).toEqual([0, 1, undefined]);
  });

  test('deny is stronger than all else', () => {
    const { keeper, ask } = door({ allow: ['192.0.2.0/24'], deny: ['192.0.2.66'] });
    keeper.trust('192.0.2.66');
    expect([ask('192.0.2.65'), ask('192.0.2.66')]).toEqual(['accept', 'drop']);
    expect(keeper.counts).toEqual({ refused: 0, dropped: 1 });
  });

  test('a stranger gets 401 where there are users', () => {
    expect(door({ ...account, users: { alice: 'secret' } }).ask('192.0.2.1')).toBe('challenge');
  });

  test('else one 403 a second and one log line that names what to add', () => {
    const { ask, lines, keeper } = door(account);
    expect([0, 10, 999, 1000, 1500].map((now) => ask('192.0.2.1', now))).toEqual(['refuse', 'drop', 'drop', 'refuse', 'drop']);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`add '192.0.2.1' to \`allow\``);
    expect(keeper.counts).toEqual({ refused: 2, dropped: 3 });
  });

  test('a flood from many sources gets 20 answers a second, and its table is bounded', () => {
    const { ask } = door(account);
    const verdicts = Array.from({ length: 10_000 }, (_, i) => ask(`10.0.${i >> 8}.${i & 255}`, i / 10));
    expect(verdicts.filter((verdict) => verdict === 'refuse')).toHaveLength(20);
  });
});
