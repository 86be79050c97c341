import { describe, expect, test } from 'vitest';
import { Link, type LinkOptions } from '../../../src/bot/wire/link.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { SeededRandom } from '../../../src/testing/seeded-random.js';
import { FakeService } from './fake-service.js';

function linked(service: FakeService, options: Partial<LinkOptions> = {}) {
  const clock = new ManualClock();
  const told: string[] = [];
  const link = new Link(
    {
      clock,
      random: new SeededRandom(1),
      patienceMs: 30_000,
      open: (events) => service.connect({ url: 'ws://service' }, events),
      ...options,
    },
    {
      onUp: (connects) => void told.push(`up ${connects}`),
      onMessage: (message) => void told.push(`message ${String(message)}`),
      onDown: ({ code }) => void told.push(`down ${code}`),
      onOver: ({ code }) => void told.push(`over ${code}`),
    },
  );
  return { clock, link, told };
}

describe('a wire kept up', () => {
  test('a lost connection is made again, after a pause that grows while it fails', async () => {
    const service = new FakeService();
    const { clock, link, told } = linked(service);
    await clock.run(0);
    service.last.lose();
    service.refusals = 3;
    await clock.run(3000);
    service.last.say('hello');
    expect(told).toEqual(['up 1', 'down 1006', 'up 2', 'message hello']);
    expect(service.connections).toHaveLength(5);
    expect(link.stats).toMatchObject({ state: 'up', connects: 2 });
    expect(link.stats.awayMs).toBeGreaterThan(0.5 * (100 + 200 + 400 + 800));
    expect(link.stats.awayMs).toBeLessThan(100 + 200 + 400 + 800);
  });

  test('a service that says good-bye, or refuses us for good, is not called again', async () => {
    for (const code of [1000, 1005, 1008, 401, 403, 404]) {
      const service = new FakeService();
      const { clock, told } = linked(service);
      await clock.run(0);
      service.last.lose(code);
      await clock.run(60_000);
      expect(told).toEqual(['up 1', `down ${code}`, `over ${code}`]);
      expect(service.connections).toHaveLength(1);
      expect(clock.pending).toBe(0);
    }
  });

  test('one that is overloaded, restarting or away is called until patience ends', async () => {
    for (const code of [1001, 1006, 1011, 1012, 1013, 429, 500, 503]) {
      const service = new FakeService();
      const { clock, told, link } = linked(service, { patienceMs: 10_000 });
      await clock.run(0);
      service.refusals = 1000;
      service.refusedWith = code;
      service.last.lose(code);
      await clock.run(60_000);
      expect(told).toEqual(['up 1', `down ${code}`, `over ${code}`]);
      expect(service.connections.length).toBeGreaterThan(5);
      expect(link.stats.awayMs).toBeLessThanOrEqual(10_000);
      expect(clock.pending).toBe(0);
    }
  });

  test('one that accepts and drops at once is not called in a tight circle', async () => {
    const service = new FakeService();
    service.onConnection = (connection) => queueMicrotask(() => connection.lose());
    const { clock } = linked(service);
    await clock.run(10_000);
    expect(service.connections.length).toBeLessThan(12);
  });

  test('pings measure how far behind it reads; without an answer for 15 s nobody is there', async () => {
    const service = new FakeService();
    const { clock, link, told } = linked(service);
    await clock.run(2000);
    expect(link.stats.roundTripMs).toEqual({ last: 0, max: 0 });
    service.last.answers = false;
    await clock.run(2000);
    await clock.run(700);
    service.last.pong();
    expect(link.stats.roundTripMs).toEqual({ last: 700, max: 700 });
    await clock.run(40_000);
    expect(told.slice(0, 3)).toEqual(['up 1', 'down 1006', 'up 2']);
    expect(service.connections[0]!.closedWith).toBe('destroyed');
  });

  test('messages that nobody reads are not kept for ever: the connection is given up, and made again', async () => {
    const service = new FakeService();
    const { clock, link, told } = linked(service);
    await clock.run(0);
    const first = service.last;
    first.queuedBytes = 4 * 1024 * 1024;
    expect(link.send('one more')).toBe(true);
    first.queuedBytes++;
    expect(link.send('and another')).toBe(false);
    expect(first.closedWith).toBe('destroyed');
    await clock.run(1000);
    expect(told).toEqual(['up 1', 'down 1006', 'up 2']);
  });

  test('closed by us: nothing is told, nothing is armed, a late open of the wire is nobody’s', async () => {
    const service = new FakeService();
    const { clock, link, told } = linked(service);
    link.close();
    await clock.run(60_000);
    expect(told).toEqual([]);
    expect(clock.pending).toBe(0);
    expect(service.last.closedWith).toBe(1000);
    expect(link.send('x')).toBe(false);
  });

  test('what cannot even be opened is over, and throws at nobody', async () => {
    const { clock, told } = linked(new FakeService(), {
      open: () => {
        throw new TypeError('Invalid character in header content');
      },
    });
    await clock.run(1000);
    expect(told).toEqual(['over 1008']);
  });
});
