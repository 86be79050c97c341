import { describe, expect, test } from 'vitest';
import { ListenError, OptionError, SipBotError } from '../../../src/errors.js';
import type { Network } from '../../../src/network.js';
import { type SipMessage, SipRequest, SipResponse } from '../../../src/sip/message/message.js';
import { responseTo } from '../../../src/sip/message/response-to.js';
import { write } from '../../../src/sip/message/write.js';
import type { Flow } from '../../../src/sip/transport/flow.js';
import type { TransportLimits, TransportName } from '../../../src/sip/transport/transport.js';
import { TransportLayer, type TransportLayerOptions } from '../../../src/sip/transport/transport-layer.js';
import { ManualClock } from '../../../src/testing/manual-clock.js';
import { MemoryNetwork } from '../../../src/testing/memory-network.js';
import { SeededRandom } from '../../../src/testing/seeded-random.js';

interface Heard {
  readonly message: SipMessage;
  readonly flow: Flow;
}

class Agent {
  readonly layer: TransportLayer;
  readonly heard: Heard[] = [];
  readonly closed: string[] = [];
  readonly failures: string[] = [];

  constructor(options: TransportLayerOptions) {
    this.layer = new TransportLayer(options);
    this.layer.onMessage = (message, flow) => this.heard.push({ message, flow });
    this.layer.onFlowClosed = (flow, error) => this.closed.push(`${flow.transport} ${error?.message ?? 'quietly'}`);
    this.layer.onSendFailure = (_flow, error) => this.failures.push(error.message);
  }
}

class World {
  readonly clock = new ManualClock();
  readonly network = new MemoryNetwork({ clock: this.clock });

  agent(options: Partial<TransportLayerOptions> = {}, limits: Partial<TransportLimits> = {}): Agent {
    return new Agent({ clock: this.clock, network: this.network, random: new SeededRandom(7), limits, ...options });
  }
}

const A = '192.0.2.1';
const B = '192.0.2.2';

function options(via: string): SipRequest {
  return new SipRequest('OPTIONS', `sip:${B}`, [
    ['Via', via],
    ['From', '<sip:a@example.com>;tag=1'],
    ['To', '<sip:b@example.com>'],
    ['Call-ID', 'c1'],
    ['CSeq', '1 OPTIONS'],
    ['Max-Forwards', '70'],
  ]);
}

async function pair(transport: TransportName, world = new World()): Promise<{ world: World; a: Agent; b: Agent; flow: Flow }> {
  const a = world.agent();
  const b = world.agent();
  await a.layer.listen({ transport, host: A, port: 5060 });
  await b.layer.listen({ transport, host: B, port: 5060 });
  const connecting = a.layer.flowTo({ transport, address: B, port: 5060, host: B });
  await world.clock.run(0);
  return { world, a, b, flow: await connecting };
}

describe.each(['udp', 'tcp', 'tls', 'ws', 'wss'] as const)('a message over %s', (transport) => {
  test('§18.1, §18.2: a request arrives stamped, and its response comes back on the flow it came by', async () => {
    const { world, a, b, flow } = await pair(transport);
    const { host, port } = a.layer.sentBy(flow);
    flow.send(write(options(`SIP/2.0/${transport.toUpperCase()} ${host}:${port};branch=z9hG4bKx;rport`)));
    await world.clock.run(10);
    const arrived = b.heard[0]!;
    expect(arrived.message.via?.received).toBe(A);
    expect(arrived.message.via?.rport).toBe(arrived.flow.remote.port);
    expect(arrived.flow.direction).toBe('in');
    arrived.flow.send(write(responseTo(arrived.message as SipRequest, 200, { toTag: 'b' })));
    await world.clock.run(10);
    expect(a.heard.map(({ message }) => (message as SipResponse).status)).toEqual([200]);
    expect(a.heard[0]!.flow).toBe(flow);
    await Promise.all([a.layer.close(), b.layer.close(), world.clock.run(1000)]);
    expect(world.network.open).toBe(0);
    expect(world.clock.pending).toBe(0);
  });

  test('a flow to the same target is the same flow', async () => {
    const { world, a, flow } = await pair(transport);
    const again = a.layer.flowTo({ transport, address: B, port: 5060, host: B });
    await world.clock.run(0);
    expect(await again).toBe(flow);
  });

  test('§18.1.2: a response whose top Via we never wrote is dropped and counted', async () => {
    const { world, a, b, flow } = await pair(transport);
    const { host, port } = a.layer.sentBy(flow);
    flow.send(write(options(`SIP/2.0/${transport.toUpperCase()} ${host}:${port};branch=z9hG4bKx`)));
    await world.clock.run(10);
    const { message, flow: back } = b.heard[0]!;
    back.send(write(responseTo(message as SipRequest, 200, { toTag: 'b' }).set('Via', 'SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bKx')));
    await world.clock.run(10);
    expect(a.heard).toEqual([]);
    expect(a.layer.counters.notOurs).toBe(1);
  });

  test('what is no SIP is counted and told, and the next message is heard', async () => {
    const { world, a, b, flow } = await pair(transport);
    const failures: string[] = [];
    b.layer.onParseFailure = (failure) => failures.push(failure.failure);
    flow.send(new TextEncoder().encode('OPTIONS sip:b SIP/2.0\r\nVia: x\r\nno colon here\r\n\r\n'));
    flow.send(write(options(`SIP/2.0/UDP ${A};branch=z9hG4bKy`)));
    await world.clock.run(10);
    expect(failures).toHaveLength(1);
    expect(b.heard).toHaveLength(1);
    expect(a.layer.counters.sent).toBe(2);
  });

  test('a handler that throws ends with its message, not with the process', async () => {
    const { world, b, flow } = await pair(transport);
    b.layer.onMessage = () => {
      throw new Error('a bug');
    };
    flow.send(write(options(`SIP/2.0/UDP ${A};branch=z9hG4bKy`)));
    await world.clock.run(10);
    expect(b.layer.counters.handlerErrors).toBe(1);
  });

  test('a tracer sees every message both ways', async () => {
    const { world, a, flow, b } = await pair(transport);
    const seen: string[] = [];
    a.layer.onTrace = (direction, bytes) => seen.push(`a ${direction} ${bytes.length > 100}`);
    b.layer.onTrace = (direction, bytes) => seen.push(`b ${direction} ${bytes.length > 100}`);
    flow.send(write(options(`SIP/2.0/UDP ${A};branch=z9hG4bKy`)));
    await world.clock.run(10);
    expect(seen).toEqual(['a out true', 'b in true']);
  });

  test('an address that is taken is a ListenError that names it', async () => {
    const world = new World();
    const a = world.agent();
    await a.layer.listen({ transport, host: A, port: 5060 });
    await expect(world.agent().layer.listen({ transport, host: A, port: 5060 })).rejects.toThrow(ListenError);
    await expect(world.agent().layer.listen({ transport, host: A, port: 5060 })).rejects.toThrow(`${transport} ${A}:5060`);
  });

  test('after close nothing is sent, and it is said so', async () => {
    const { world, a, flow } = await pair(transport);
    await Promise.all([a.layer.close(), world.clock.run(1000)]);
    expect(flow.isOpen).toBe(false);
    flow.send(write(options(`SIP/2.0/UDP ${A};branch=z9hG4bKy`)));
    expect(a.failures).toEqual([]);
    await world.clock.run(0);
    expect(a.failures).toHaveLength(1);
    await expect(a.layer.flowTo({ transport, address: B, port: 5060, host: B })).rejects.toThrow(SipBotError);
  });
});

describe('connections', () => {
  test('nobody there: the flow is refused with ERR_TRANSPORT', async () => {
    const world = new World();
    const a = world.agent();
    const connecting = a.layer.flowTo({ transport: 'tcp', address: B, port: 5060, host: B });
    const refused = expect(connecting).rejects.toMatchObject({ code: 'ERR_TRANSPORT' });
    await world.clock.run(10);
    await refused;
  });

  test('a target behind a pulled cable is given up after connectMs', async () => {
    const world = new World();
    const a = world.agent({}, { connectMs: 2000 });
    world.network.isolate(B);
    const refused = expect(a.layer.flowTo({ transport: 'tcp', address: B, port: 5060, host: B })).rejects.toMatchObject({
      code: 'ERR_TRANSPORT',
    });
    await world.clock.run(2000);
    await refused;
    expect(world.clock.pending).toBe(0);
  });

  test('two who ask for the same target at once share one connection', async () => {
    const world = new World();
    const a = world.agent();
    const b = world.agent();
    await b.layer.listen({ transport: 'tcp', host: B, port: 5060 });
    const target = { transport: 'tcp', address: B, port: 5060, host: B } as const;
    const both = Promise.all([a.layer.flowTo(target), a.layer.flowTo(target)]);
    await world.clock.run(10);
    const [one, two] = await both;
    expect(one).toBe(two);
    expect(b.layer.connections).toBe(1);
  });

  test('a connection that the peer ends is told once, and the next flow is a new one', async () => {
    const { world, a, b, flow } = await pair('tcp');
    flow.send(write(options(`SIP/2.0/TCP ${A};branch=z9hG4bKx`)));
    await world.clock.run(10);
    b.heard[0]!.flow.close();
    await world.clock.run(10);
    expect(a.closed).toEqual(['tcp quietly']);
    const again = a.layer.flowTo({ transport: 'tcp', address: B, port: 5060, host: B });
    await world.clock.run(10);
    expect(await again).not.toBe(flow);
  });

  test('a connection that says nothing for halfOpenMs is closed, one that spoke is not', async () => {
    const world = new World();
    const b = world.agent({}, { halfOpenMs: 4000 });
    const a = world.agent();
    await b.layer.listen({ transport: 'tcp', host: B, port: 5060 });
    const silent = await Promise.all([world.network.connect({ host: B, port: 5060, localAddress: A }), world.clock.run(1)]);
    const flow = (await Promise.all([a.layer.flowTo({ transport: 'tcp', address: B, port: 5060, host: B }), world.clock.run(1)]))[0];
    flow.send(write(options(`SIP/2.0/TCP ${A};branch=z9hG4bKx`)));
    let closedAt = 0;
    silent[0].onClose = () => {
      closedAt = world.clock.now();
    };
    await world.clock.run(10_000);
    expect(closedAt).toBeGreaterThanOrEqual(4000);
    expect(closedAt).toBeLessThanOrEqual(5100);
    expect(b.closed).toEqual([`tcp tcp ${A}:${silent[0].local.port} said nothing`]);
    expect(b.layer.connections).toBe(1);
  });

  test('a message that is not finished within halfOpenMs ends the connection', async () => {
    const { world, flow, b } = await pair('tcp');
    flow.send(write(options(`SIP/2.0/TCP ${A};branch=z9hG4bKx`)));
    flow.send(new TextEncoder().encode('OPTIONS sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/TC'));
    await world.clock.run(19_000);
    expect(b.closed).toEqual([]);
    await world.clock.run(7_000);
    expect(b.closed[0]).toContain('did not finish its message');
  });

  test('a connection on which nothing moves for idleMs is ended', async () => {
    const world = new World();
    const b = world.agent({}, { idleMs: 60_000 });
    const a = world.agent();
    await b.layer.listen({ transport: 'tcp', host: B, port: 5060 });
    const [flow] = await Promise.all([a.layer.flowTo({ transport: 'tcp', address: B, port: 5060, host: B }), world.clock.run(1)]);
    flow.send(write(options(`SIP/2.0/TCP ${A};branch=z9hG4bKx`)));
    await world.clock.run(50_000);
    expect(b.layer.connections).toBe(1);
    await world.clock.run(20_000);
    expect(b.layer.connections).toBe(0);
    expect(a.closed).toEqual(['tcp quietly']);
  });

  test('past maxConnectionsPerAddress newcomers are turned away, past maxHalfOpen the one that has been silent longest makes room', async () => {
    const world = new World();
    const b = world.agent({}, { maxConnectionsPerAddress: 2, maxHalfOpen: 3, maxConnections: 5 });
    await b.layer.listen({ transport: 'tcp', host: B, port: 5060 });
    const open = async (localAddress: string) =>
      (await Promise.all([world.network.connect({ host: B, port: 5060, localAddress }), world.clock.run(1)]))[0];
    const first = await open(A);
    await open(A);
    await open(A);
    expect([b.layer.connections, b.layer.counters.refusedConnections]).toEqual([2, 1]);
    let isFirstOpen = true;
    first.onClose = () => {
      isFirstOpen = false;
    };
    await open('192.0.2.3');
    await open('192.0.2.4');
    expect([b.layer.connections, b.layer.counters.refusedConnections, isFirstOpen]).toEqual([3, 2, false]);
    await open(A);
    expect([b.layer.connections, b.layer.counters.refusedConnections]).toEqual([3, 3]);
  });

  test('past maxConnections newcomers are turned away, and places come free again', async () => {
    const world = new World();
    const b = world.agent({}, { maxConnections: 2 });
    await b.layer.listen({ transport: 'tcp', host: B, port: 5060 });
    const open = async (localAddress: string) =>
      (await Promise.all([world.network.connect({ host: B, port: 5060, localAddress }), world.clock.run(1)]))[0];
    const first = await open(A);
    await open('192.0.2.3');
    await open('192.0.2.4');
    expect([b.layer.connections, b.layer.counters.refusedConnections]).toEqual([2, 1]);
    first.destroy();
    await world.clock.run(1);
    await open('192.0.2.5');
    expect([b.layer.connections, b.layer.counters.refusedConnections]).toEqual([2, 1]);
  });

  test('a peer that does not read is cut off past maxQueuedBytes', async () => {
    const world = new World();
    const a = world.agent({}, { maxQueuedBytes: 5000 });
    const b = world.agent();
    await b.layer.listen({ transport: 'tcp', host: B, port: 5060 });
    const [flow] = await Promise.all([a.layer.flowTo({ transport: 'tcp', address: B, port: 5060, host: B }), world.clock.run(1)]);
    world.network.isolate(B);
    for (let i = 0; i < 30 && flow.isOpen; i++) flow.send(write(options(`SIP/2.0/TCP ${A};branch=z9hG4bK${i}`)));
    expect(flow.isOpen).toBe(false);
    expect(a.closed[0]).toContain('does not read');
  });

  test('RFC 5626 §4.4.1: CRLF CRLF is answered with CRLF', async () => {
    const world = new World();
    const b = world.agent();
    await b.layer.listen({ transport: 'tcp', host: B, port: 5060 });
    const [stream] = await Promise.all([world.network.connect({ host: B, port: 5060 }), world.clock.run(1)]);
    let got = '';
    stream.onBytes = (bytes) => {
      got += new TextDecoder().decode(bytes);
    };
    stream.write(new TextEncoder().encode('\r\n\r\n'));
    await world.clock.run(1);
    expect(got).toBe('\r\n');
  });

  test('a stream that cannot be framed is told as a parse failure, may be answered, and is closed', async () => {
    const { world, b, flow, a } = await pair('tcp');
    b.layer.onParseFailure = (failure, back) => {
      expect(failure.status).toBe(400);
      back.send(write(new SipResponse(400, 'Bad Request', [['Via', `SIP/2.0/TCP ${A}:5060;branch=z9hG4bKx`]])));
    };
    a.layer.sentBy(flow);
    flow.send(new TextEncoder().encode('OPTIONS sip:b@example.com SIP/2.0\r\nContent-Length: many\r\n\r\n'));
    await world.clock.run(10);
    expect(a.heard.map(({ message }) => (message as SipResponse).status)).toEqual([400]);
    expect(a.closed).toHaveLength(1);
    expect(b.closed[0]).toContain('cannot be framed');
  });
});

describe('options', () => {
  test('an injected network carries udp and tcp only, unless it says that it never leaves the process', async () => {
    const world = new World();
    const network: Network = {
      datagram: (options) => world.network.datagram(options),
      connect: (options) => world.network.connect(options),
      listen: (options, accept) => world.network.listen(options, accept),
    };
    const { layer } = world.agent({ network });
    await expect(layer.listen({ transport: 'ws', host: A, port: 80 })).rejects.toThrow(OptionError);
    await expect(layer.flowTo({ transport: 'tls', address: B, port: 5061, host: B })).rejects.toThrow(/udp and tcp/);
  });

  test('a host that is no address, a public address that is a name, a block that is none: OptionError', async () => {
    await expect(new World().agent().layer.listen({ transport: 'udp', host: 'localhost', port: 0 })).rejects.toThrow(OptionError);
    expect(() => new World().agent({ publicAddress: 'example.com' })).toThrow(OptionError);
    expect(() => new World().agent({ localNetworks: ['10.0.0.0/40'] })).toThrow(OptionError);
  });
});
