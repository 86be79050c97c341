import { describe, expect, test } from 'vitest';
import { SipRequest } from '../../../src/sip/message/message.js';
import { write } from '../../../src/sip/message/write.js';
import type { Flow } from '../../../src/sip/transport/flow.js';
import { KeepAlive, type KeepAliveEffect } from '../../../src/sip/transport/keep-alive.js';
import { parseStun, writeBindingResponse } from '../../../src/sip/transport/stun.js';
import { TransportLayer } from '../../../src/sip/transport/transport-layer.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { MemoryNetwork } from '../../../src/testing/memory-network.js';
import { SeededRandom } from '../../../src/testing/seeded-random.js';

/** Drives the machine alone: what it did, and when. `answers`: when the peer gives a sign of life. */
function transcript(answer: 'expected' | 'none', answers: readonly number[], until = 400_000): string[] {
  const machine = new KeepAlive({ intervalMs: 100_000, answer, fraction: () => 0.5 });
  const log: string[] = [];
  let due: number | undefined;
  let now = 0;
  const apply = (effects: KeepAliveEffect[]): void => {
    for (const effect of effects) {
      if (effect.type === 'arm') due = effect.at;
      else if (effect.type === 'disarm') due = undefined;
      else log.push(`${now} ${effect.type}`);
    }
  };
  apply(machine.start(0));
  const alive = [...answers];
  for (;;) {
    const next = Math.min(due ?? Number.POSITIVE_INFINITY, alive[0] ?? Number.POSITIVE_INFINITY);
    if (next > until) return log;
    now = next;
    if (alive[0] === now) {
      alive.shift();
      apply(machine.onAlive(now));
    } else {
      due = undefined;
      apply(machine.onTimer(now));
    }
  }
}

describe('RFC 5626 §4.4.1: the machine', () => {
  test('a ping at 80 to 100 % of the interval; no answer in 10 s: dead', () => {
    expect(transcript('expected', [])).toEqual(['90000 ping', '100000 dead']);
  });

  test('an answer within 10 s starts the next interval', () => {
    expect(transcript('expected', [95_000, 185_001])).toEqual(['90000 ping', '185000 ping', '275001 ping', '285001 dead']);
  });

  test('a sign of life nobody asked for changes nothing', () => {
    expect(transcript('expected', [1, 2, 3, 50_000])).toEqual(['90000 ping', '100000 dead']);
  });

  test('where no answer is promised, pings go on', () => {
    expect(transcript('none', [])).toEqual(['90000 ping', '180000 ping', '270000 ping', '360000 ping']);
  });

  test('the interval is drawn anew each time, between 80 and 100 %', () => {
    const draws = [0, 1, 0.25];
    const machine = new KeepAlive({ intervalMs: 100, answer: 'none', fraction: () => draws.shift() ?? 0 });
    const at = (effects: KeepAliveEffect[]): number[] => effects.flatMap((effect) => (effect.type === 'arm' ? [effect.at] : []));
    expect([...at(machine.start(0)), ...at(machine.onTimer(80)), ...at(machine.onTimer(180))]).toEqual([80, 180, 265]);
  });

  test('stopped, it does nothing, whatever happens', () => {
    const machine = new KeepAlive({ intervalMs: 100, answer: 'expected', fraction: () => 0 });
    machine.start(0);
    expect(machine.stop()).toEqual([{ type: 'disarm' }]);
    expect([machine.onTimer(1), machine.onAlive(1), machine.onLost()]).toEqual([[], [], []]);
  });
});

interface Pair {
  readonly clock: ManualClock;
  readonly network: MemoryNetwork;
  readonly a: TransportLayer;
  readonly b: TransportLayer;
  readonly flow: Flow;
  readonly closed: string[];
}

async function pair(transport: 'udp' | 'tcp'): Promise<Pair> {
  const clock = new ManualClock();
  const network = new MemoryNetwork({ clock });
  const [a, b] = [1, 2].map((seed) => new TransportLayer({ clock, network, random: new SeededRandom(seed) })) as [
    TransportLayer,
    TransportLayer,
  ];
  await a.listen({ transport, host: '192.0.2.1', port: 5060 });
  await b.listen({ transport, host: '192.0.2.2', port: 5060 });
  const connecting = a.flowTo({ transport, address: '192.0.2.2', port: 5060, host: 'b' });
  await clock.run(0);
  const flow = await connecting;
  if (transport === 'tcp') flow.send(write(new SipRequest('OPTIONS', 'sip:b', [['Via', 'SIP/2.0/TCP x;branch=z9hG4bK1']])));
  const closed: string[] = [];
  a.onFlowClosed = (of, error) => closed.push(`${Math.round(clock.now() / 1000)} ${of === flow} ${error?.message}`);
  return { clock, network, a, b, flow, closed };
}

describe.each(['udp', 'tcp'] as const)('RFC 5626 §4.4: over %s', (transport) => {
  test('a peer that answers keeps the flow for an hour', async () => {
    const { clock, a, flow, closed } = await pair(transport);
    a.keepAlive(flow, { answer: 'expected' });
    await clock.run(3_600_000);
    expect(closed).toEqual([]);
    expect(flow.isOpen).toBe(true);
    expect(a.counters.sendFailures).toBe(0);
  });

  test('a peer that vanished: the flow is closed, once, ten seconds after the ping', async () => {
    const { clock, network, a, flow, closed } = await pair(transport);
    a.keepAlive(flow, { intervalMs: 30_000, answer: 'expected' });
    await clock.run(60_000);
    network.isolate('192.0.2.2');
    await clock.run(120_000);
    expect(closed).toEqual([expect.stringMatching(/^\d+ true .*no sign of life$/)]);
    expect(Number(closed[0]!.split(' ')[0])).toBeLessThanOrEqual(60 + 30 + 10);
    expect(flow.isOpen).toBe(false);
    network.restore('192.0.2.2');
    const again = a.flowTo({ transport, address: '192.0.2.2', port: 5060, host: 'b' });
    await clock.run(10);
    expect(await again).not.toBe(flow);
  });

  test('where no answer is promised, a silent peer loses nothing', async () => {
    const { clock, network, a, flow, closed } = await pair(transport);
    a.keepAlive(flow, { intervalMs: 30_000, answer: 'none' });
    network.isolate('192.0.2.2');
    await clock.run(600_000);
    expect(closed).toEqual([]);
    expect(flow.isOpen).toBe(true);
  });

  test('stopped, or closed, no timer stays', async () => {
    const { clock, a, b, flow } = await pair(transport);
    const keeping = a.keepAlive(flow, { answer: 'expected' });
    keeping.stop();
    a.keepAlive(flow, { answer: 'none' });
    await Promise.all([a.close(), b.close(), clock.run(1000)]);
    expect(clock.pending).toBe(0);
  });
});

describe('the public address', () => {
  test('RFC 5626 §4.4.2: a NAT that gives the flow another address has lost it', async () => {
    const clock = new ManualClock();
    const network = new MemoryNetwork({ clock });
    const layer = new TransportLayer({ clock, network, random: new SeededRandom(5), publicAddress: 'auto', localNetworks: [] });
    await layer.listen({ transport: 'udp', host: '192.0.2.1', port: 5060 });
    // Answers as a server behind a NAT's far side would: first with one mapping, then with another.
    const mappings = ['203.0.113.1', '203.0.113.1', '203.0.113.2'];
    const nat = await network.datagram({ host: '192.0.2.2', port: 5060 });
    nat.onMessage = (bytes, address, port) => {
      const request = parseStun(bytes);
      if (request?.type !== 'request') return;
      const answer = writeBindingResponse(request, { address: mappings.shift()!, port: 4000 });
      nat.send(answer, 0, answer.length, port, address);
    };
    const lost: string[] = [];
    layer.onFlowClosed = () => lost.push(layer.sentBy(natted).host);
    const natted = await layer.flowTo({ transport: 'udp', address: '192.0.2.2', port: 5060, host: 'b' });
    expect(layer.sentBy(natted)).toMatchObject({ host: '192.0.2.1', port: 5060 });
    layer.keepAlive(natted, { answer: 'expected' });
    await clock.run(70_000);
    expect(lost).toEqual([]);
    expect(layer.sentBy(natted)).toMatchObject({ host: '203.0.113.1', port: 4000 });
    await clock.run(30_000);
    expect(lost).toEqual(['203.0.113.2']);
  });

  test('a fixed public address is for strangers; who is in localNetworks is told our own', async () => {
    const clock = new ManualClock();
    const layer = new TransportLayer({ clock, network: new MemoryNetwork({ clock }), publicAddress: '203.0.113.7' });
    await layer.listen({ transport: 'udp', host: '10.0.0.5', port: 5062 });
    const stranger = await layer.flowTo({ transport: 'udp', address: '198.51.100.1', port: 5060, host: 'x' });
    const neighbour = await layer.flowTo({ transport: 'udp', address: '10.0.0.9', port: 5060, host: 'x' });
    expect(layer.sentBy(stranger)).toEqual({ host: '203.0.113.7', port: 5062, alias: false });
    expect(layer.sentBy(neighbour)).toEqual({ host: '10.0.0.5', port: 5062, alias: false });
  });
});
