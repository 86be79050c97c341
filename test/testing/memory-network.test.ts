import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../src/testing/manual-clock.js';
import { type Impairment, MemoryNetwork } from '../../src/testing/memory-network.js';

/** Sends `count` numbered datagrams, one each 20 ms, and says which arrived when. */
async function datagrams(
  count: number,
  impairment: Impairment,
  seed = 1,
): Promise<{ arrivals: [id: number, at: number][]; network: MemoryNetwork }> {
  const clock = new ManualClock();
  const network = new MemoryNetwork({ clock, seed, ...impairment });
  const a = await network.datagram({ host: '10.0.0.1', port: 0 });
  const b = await network.datagram({ host: '10.0.0.2', port: 5004 });
  const arrivals: [number, number][] = [];
  b.onMessage = (bytes) => arrivals.push([new DataView(bytes.buffer).getUint16(0), clock.now()]);
  const packet = new Uint8Array(2);
  for (let i = 0; i < count; i++) {
    clock.at(i * 20, () => {
      new DataView(packet.buffer).setUint16(0, i);
      a.send(packet, 0, 2, 5004, '10.0.0.2');
    });
  }
  clock.advance(count * 20 + 5000);
  a.close();
  b.close();
  return { arrivals, network };
}

describe('datagrams', () => {
  test('a perfect network delivers each once, in order, after the delay; the sender may reuse its buffer', async () => {
    const { arrivals, network } = await datagrams(50, { delayMs: 30 });
    expect(arrivals).toEqual(Array.from({ length: 50 }, (_, i) => [i, i * 20 + 30]));
    expect(network.open).toBe(0);
  });

  test('loss, its bursts and duplicates come in the share asked for', async () => {
    const { arrivals, network } = await datagrams(20_000, { loss: 0.1, lossBurst: 4, duplicate: 0.05 });
    expect(network.stats.lost / 20_000).toBeGreaterThan(0.08);
    expect(network.stats.lost / 20_000).toBeLessThan(0.12);
    const distinct = [...new Set(arrivals.map(([id]) => id))];
    expect((arrivals.length - distinct.length) / distinct.length).toBeCloseTo(0.05, 1);
    let bursts = 0;
    for (let i = 1; i < distinct.length; i++) if (distinct[i]! > distinct[i - 1]! + 1) bursts++;
    expect(network.stats.lost / bursts).toBeGreaterThan(3);
    expect(network.stats.lost / bursts).toBeLessThan(5);
  });

  test('jitter alone never reorders; reorder does', async () => {
    const calm = await datagrams(2000, { delayMs: 10, jitterMs: 150 });
    const ids = calm.arrivals.map(([id]) => id);
    expect(ids).toEqual([...ids].sort((x, y) => x - y));
    const wild = await datagrams(2000, { delayMs: 10, reorder: 0.1, reorderMs: 50 });
    const swapped = wild.arrivals.filter(([id], i) => i > 0 && id < wild.arrivals[i - 1]![0]).length;
    expect(swapped).toBeGreaterThan(100);
  });

  test('the same seed gives the same network; another gives another', async () => {
    const bad: Impairment = { delayMs: 20, jitterMs: 100, loss: 0.2, duplicate: 0.1, reorder: 0.1 };
    const one = await datagrams(500, bad, 7);
    expect((await datagrams(500, bad, 7)).arrivals).toEqual(one.arrivals);
    expect((await datagrams(500, bad, 8)).arrivals).not.toEqual(one.arrivals);
  });

  test('a port is bound once, and free again when closed; nobody at home is counted', async () => {
    const clock = new ManualClock();
    const network = new MemoryNetwork({ clock });
    const socket = await network.datagram({ host: '10.0.0.1', port: 5060 });
    await expect(network.datagram({ host: '10.0.0.1', port: 5060 })).rejects.toThrow('EADDRINUSE');
    socket.close();
    const again = await network.datagram({ host: '10.0.0.1', port: 5060 });
    again.send(Uint8Array.of(1), 0, 1, 9, '10.0.0.2');
    clock.advance(1);
    expect(network.stats).toMatchObject({ sent: 1, delivered: 0, unreachable: 1 });
  });

  test('an isolated host hears nothing until it is restored', async () => {
    const clock = new ManualClock();
    const network = new MemoryNetwork({ clock });
    const a = await network.datagram({ host: '10.0.0.1', port: 1 });
    const b = await network.datagram({ host: '0.0.0.0', port: 2 });
    const heard: string[] = [];
    b.onMessage = (bytes, address, port) => heard.push(`${bytes[0]} from ${address}:${port}`);
    network.isolate('10.0.0.2');
    a.send(Uint8Array.of(1), 0, 1, 2, '10.0.0.2');
    clock.advance(10);
    network.restore('10.0.0.2');
    a.send(Uint8Array.of(2), 0, 1, 2, '10.0.0.2');
    clock.advance(10);
    expect(heard).toEqual(['2 from 10.0.0.1:1']);
  });
});

describe('byte streams', () => {
  test('bytes arrive in order after the delay, also those sent before anybody listened; close is told once to each end', async () => {
    const clock = new ManualClock();
    const network = new MemoryNetwork({ clock, delayMs: 25, loss: 0.5 });
    const heard: string[] = [];
    const closed: string[] = [];
    await network.listen({ host: '10.0.0.2', port: 5060 }, (stream) => {
      stream.onBytes = (bytes) => {
        heard.push(`${clock.now()} ${Buffer.from(bytes)}`);
        stream.write(Buffer.from('pong'));
      };
      stream.onClose = () => closed.push('there');
    });
    const connecting = network.connect({ host: '10.0.0.2', port: 5060, localAddress: '10.0.0.1' });
    clock.advance(50);
    const stream = await connecting;
    stream.onClose = () => closed.push('here');
    stream.write(Buffer.from('ping'));
    clock.advance(100);
    stream.onBytes = (bytes) => heard.push(`${clock.now()} ${Buffer.from(bytes)}`);
    stream.end();
    stream.end();
    clock.advance(100);
    expect(heard).toEqual(['75 ping', '150 pong']);
    expect(closed).toEqual(['here', 'there']);
    expect(network.open).toBe(1);
  });

  test('nobody listening refuses; a cut wire times out', async () => {
    const clock = new ManualClock();
    const network = new MemoryNetwork({ clock });
    const refused = network.connect({ host: '10.0.0.9', port: 1 });
    clock.advance(1);
    await expect(refused).rejects.toThrow('ECONNREFUSED');
    network.isolate('10.0.0.9');
    const lost = network.connect({ host: '10.0.0.9', port: 1, timeoutMs: 3000 });
    clock.advance(3000);
    await expect(lost).rejects.toThrow('ETIMEDOUT');
  });
});
