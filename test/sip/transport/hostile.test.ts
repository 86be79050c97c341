/** Strangers at the door, on real sockets of this machine: junk, floods and half-finished greetings. Whatever comes, who speaks SIP is still answered. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { responseTo } from '../../../src/sip/message/response-to.js';
import { write } from '../../../src/sip/message/write.js';
import { systemNetwork } from '../../../src/sip/transport/system-network.js';
import type { ListenAddress, TransportLimits, TransportName } from '../../../src/sip/transport/transport.js';
import { TransportLayer } from '../../../src/sip/transport/transport-layer.js';
import { SeededRandom } from '../../../src/testing/seeded-random.js';

const pem = (name: string): string => readFileSync(new URL(`../../data/tls/${name}`, import.meta.url), 'utf8');

const layers: TransportLayer[] = [];
afterEach(async () => {
  await Promise.all(layers.splice(0).map((layer) => layer.close()));
});

async function serve(
  transport: TransportName,
  limits: Partial<TransportLimits> = {},
): Promise<{ server: TransportLayer; address: ListenAddress }> {
  const server = new TransportLayer({ tls: { cert: pem('server.pem'), key: pem('server.key') }, limits });
  layers.push(server);
  server.onMessage = (message, flow) => {
    if (message.kind === 'request') flow.send(write(responseTo(message, 200, { toTag: 'b' })));
  };
  return { server, address: await server.listen({ transport, host: '127.0.0.1' }) };
}

/** A request of somebody well-behaved, and its answer. */
async function stillAnswers({ transport, host, port }: ListenAddress): Promise<number> {
  const client = new TransportLayer({ tls: { ca: pem('ca.pem') } });
  layers.push(client);
  const flow = await client.flowTo({ transport, address: host, port, host: 'sip.example.com' });
  const own = client.sentBy(flow);
  const answer = new Promise<number>((resolve) => {
    client.onMessage = (message) => resolve(message.kind === 'response' ? message.status : 0);
  });
  const via = `SIP/2.0/${transport.toUpperCase()} ${own.host}${own.port === undefined ? '' : `:${own.port}`};branch=z9hG4bK1`;
  const lines = [
    'OPTIONS sip:b SIP/2.0',
    `Via: ${via}`,
    'From: <sip:a@x>;tag=1',
    'To: <sip:b@x>',
    'Call-ID: 1',
    'CSeq: 1 OPTIONS',
    'Max-Forwards: 70',
  ];
  flow.send(new TextEncoder().encode(`${lines.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`));
  return answer;
}

/** Says it, and waits until the other side hangs up. */
function say(port: number, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port }, () => socket.end(bytes));
    socket.on('error', () => {});
    socket.on('close', () => resolve());
    socket.resume();
  });
}

test.each(['tcp', 'tls', 'ws', 'wss'] as const)('%s: a hundred connections of random bytes', async (transport) => {
  const { server, address } = await serve(transport);
  const random = new SeededRandom(5);
  await Promise.all(Array.from({ length: 100 }, () => say(address.port, random.bytes(1 + (random.uint32() % 3000)))));
  while (server.connections > 0) await new Promise((resolve) => setImmediate(resolve));
  expect(await stillAnswers(address)).toBe(200);
  expect(server.counters.handlerErrors).toBe(0);
});

test('udp: twenty thousand datagrams of random bytes, STUN-like ones among them', async () => {
  const { server, address } = await serve('udp');
  const random = new SeededRandom(6);
  const attacker = await systemNetwork.datagram({ host: '127.0.0.1', port: 0 });
  for (let i = 0; i < 20_000; i++) {
    const bytes = random.bytes(random.uint32() % 200);
    if (i % 3 === 0 && bytes.length >= 20) bytes.set([0, 1, 0, bytes.length - 20, 0x21, 0x12, 0xa4, 0x42]);
    attacker.send(bytes, 0, bytes.length, address.port, address.host);
    if (i % 100 === 99) await new Promise((resolve) => setImmediate(resolve));
  }
  attacker.close();
  expect(await stillAnswers(address)).toBe(200);
  expect(server.counters.malformed).toBeGreaterThan(1000);
  expect(server.counters.handlerErrors).toBe(0);
});

test('tls: handshakes that are begun and not finished are bounded, and then given up', async () => {
  const { server, address } = await serve('tls', { maxHalfOpen: 10, halfOpenMs: 300 });
  const closed: Promise<void>[] = [];
  for (let i = 0; i < 30; i++) {
    closed.push(
      new Promise((resolve) => {
        const socket = connect({ host: '127.0.0.1', port: address.port }, () => socket.write(Uint8Array.of(22, 3, 1)));
        socket.on('error', () => {});
        socket.on('close', () => resolve());
        socket.resume();
      }),
    );
  }
  await Promise.all(closed);
  expect(await stillAnswers(address)).toBe(200);
  expect(server.counters.refusedHandshakes).toBeGreaterThan(0);
});

test('tcp: a message longer than the limits ends its connection and no other', async () => {
  const { server, address } = await serve('tcp', { message: { headBytes: 2000, bodyBytes: 2000 } });
  await say(address.port, new TextEncoder().encode(`OPTIONS sip:b SIP/2.0\r\nX: ${'x'.repeat(5000)}`));
  await say(address.port, new TextEncoder().encode('OPTIONS sip:b SIP/2.0\r\nContent-Length: 3000\r\n\r\n'));
  expect(server.counters.malformed).toBe(2);
  expect(await stillAnswers(address)).toBe(200);
});
