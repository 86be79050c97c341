/** The transports on real sockets of this machine: ephemeral ports on the loopback, nothing else. */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { systemClock } from '../../../src/clock.js';
import { type SipMessage, SipRequest, type SipResponse } from '../../../src/sip/message/message.js';
import { responseTo } from '../../../src/sip/message/response-to.js';
import { write } from '../../../src/sip/message/write.js';
import type { Flow } from '../../../src/sip/transport/flow.js';
import { systemNetwork } from '../../../src/sip/transport/system-network.js';
import type { ListenAddress, TlsOptions, TransportName } from '../../../src/sip/transport/transport.js';
import { TransportLayer, type TransportLayerOptions } from '../../../src/sip/transport/transport-layer.js';

const pem = (name: string): string => readFileSync(new URL(`../../data/tls/${name}`, import.meta.url), 'utf8');
const shows = (name: string): TlsOptions => ({ cert: pem(`${name}.pem`), key: pem(`${name}.key`), ca: pem('ca.pem') });
const trusts: TlsOptions = { ca: pem('ca.pem') };

const layers: TransportLayer[] = [];
afterEach(async () => {
  await Promise.all(layers.splice(0).map((layer) => layer.close()));
});

function layer(options: TransportLayerOptions = {}): TransportLayer {
  const made = new TransportLayer(options);
  layers.push(made);
  return made;
}

/** A layer that answers every request with 200, on the flow it came by. */
function answering(options: TransportLayerOptions = {}): TransportLayer {
  const made = layer(options);
  made.onMessage = (message, flow) => {
    if (message.kind === 'request')
      flow.send(write(responseTo(message, 200, { toTag: 'b', headers: [['X-Seen', String(message.via?.rport)]] })));
  };
  return made;
}

function options(from: TransportLayer, flow: Flow, body = ''): Uint8Array {
  const { host, port } = from.sentBy(flow);
  const via = `SIP/2.0/${flow.transport.toUpperCase()} ${host}${port === undefined ? '' : `:${port}`};branch=z9hG4bK${counter++};rport`;
  const request = new SipRequest('OPTIONS', 'sip:b@example.com', [
    ['Via', via],
    ['From', '<sip:a@example.com>;tag=1'],
    ['To', '<sip:b@example.com>'],
    ['Call-ID', 'c1'],
    ['CSeq', '1 OPTIONS'],
    ['Max-Forwards', '70'],
  ]);
  if (body !== '') request.setBody('text/plain', body);
  return write(request);
}
let counter = 0;

function next(of: TransportLayer): Promise<SipMessage> {
  return new Promise((resolve) => {
    of.onMessage = (message) => resolve(message);
  });
}

async function ask(client: TransportLayer, address: ListenAddress, name: string, body?: string): Promise<SipResponse> {
  const flow = await client.flowTo({ transport: address.transport, address: address.host, port: address.port, host: name });
  const answer = next(client);
  flow.send(options(client, flow, body));
  return (await answer) as SipResponse;
}

const families = [
  ['IPv4', '127.0.0.1'],
  ['IPv6', '::1'],
] as const;
const transports: readonly TransportName[] = ['udp', 'tcp', 'tls', 'ws', 'wss'];

describe.each(families)('over %s', (_family, host) => {
  test.each(transports)('%s: a request and its response', async (transport) => {
    const server = answering({ tls: shows('server') });
    const address = await server.listen({ transport, host });
    const client = layer({ tls: trusts });
    const response = await ask(client, address, 'sip.example.com');
    expect(response.status).toBe(200);
    expect(Number(response.header('X-Seen'))).toBeGreaterThan(0);
    expect(client.addresses).toEqual([]);
  });

  test.each(transports.filter((name) => name !== 'udp'))('%s: a body of 200 kB arrives whole', async (transport) => {
    const server = answering({ tls: shows('server') });
    const address = await server.listen({ transport, host });
    let length = 0;
    const answer = server.onMessage;
    server.onMessage = (message, flow) => {
      length = message.body.length;
      answer(message, flow);
    };
    expect((await ask(layer({ tls: trusts }), address, 'sip.example.com', 'x'.repeat(200_000))).status).toBe(200);
    expect(length).toBe(200_000);
  });

  test.each(transports)('%s: a port that is taken is a ListenError', async (transport) => {
    const one = layer({ tls: shows('server') });
    const { port } = await one.listen({ transport, host });
    await expect(layer({ tls: shows('server') }).listen({ transport, host, port })).rejects.toMatchObject({ code: 'ERR_LISTEN', port });
  });

  test.each(transports.filter((name) => name !== 'udp'))('%s: nobody there is ERR_TRANSPORT', async (transport) => {
    const gone = layer({ tls: shows('server') });
    const { port } = await gone.listen({ transport, host });
    await gone.close();
    await expect(layer({ tls: trusts }).flowTo({ transport, address: host, port, host })).rejects.toMatchObject({ code: 'ERR_TRANSPORT' });
  });
});

describe('udp', () => {
  test('a flow of a socket bound to everything knows the address its remote sees', async () => {
    const client = layer();
    await client.listen({ transport: 'udp', host: '0.0.0.0' });
    const flow = await client.flowTo({ transport: 'udp', address: '127.0.0.1', port: 5060, host: 'x' });
    expect(flow.local.address).toBe('127.0.0.1');
    expect(client.sentBy(flow).host).toBe('127.0.0.1');
  });

  test('one buffer reused for many sends in one turn goes out with what it held each time', async () => {
    const receiver = await systemNetwork.datagram({ host: '127.0.0.1', port: 0, receiveBufferBytes: 1_048_576 });
    const sender = await systemNetwork.datagram({ host: '127.0.0.1', port: 0 });
    const got: number[] = [];
    const done = new Promise<void>((resolve) => {
      receiver.onMessage = (bytes) => {
        if (got.push(bytes[0]!) === 5) resolve();
      };
    });
    const buffer = new Uint8Array(20);
    for (let i = 1; i <= 5; i++) {
      buffer[0] = i;
      sender.send(buffer, 0, 20, receiver.local.port, '127.0.0.1');
    }
    await done;
    expect(got).toEqual([1, 2, 3, 4, 5]);
    receiver.close();
    sender.close();
  });

  test('2000 datagrams, a hundred of them under way at a time, are received whole', async () => {
    const server = layer();
    const address = await server.listen({ transport: 'udp', host: '127.0.0.1' });
    let heard = 0;
    const all = new Promise<void>((resolve) => {
      server.onMessage = () => {
        if (++heard === 2000) resolve();
      };
    });
    const client = layer();
    const flow = await client.flowTo({ transport: 'udp', address: address.host, port: address.port, host: address.host });
    const bytes = options(client, flow);
    // In slices that the least buffer a system grants (212992 bytes where nobody raised the limit) can hold.
    for (let i = 0; i < 2000; i++) {
      flow.send(bytes);
      while (i - heard > 100) await new Promise((resolve) => setImmediate(resolve));
    }
    await all;
    expect(server.counters.received).toBe(2000);
  });

  test('what cannot be sent is told of its flow, later', async () => {
    const client = layer();
    const flow = await client.flowTo({ transport: 'udp', address: '127.0.0.1', port: 5060, host: 'x' });
    const failed = new Promise<[Flow, Error]>((resolve) => {
      client.onSendFailure = (of, error) => resolve([of, error]);
    });
    flow.send(new Uint8Array(70_000));
    const [of, error] = await failed;
    expect(of).toBe(flow);
    expect(error.message).toContain('EMSGSIZE');
  });

  test('RFC 8489: a STUN server on the SIP port says how we are seen', async () => {
    const server = layer();
    const address = await server.listen({ transport: 'udp', host: '127.0.0.1' });
    const client = layer({ publicAddress: 'auto', localNetworks: [] });
    const own = await client.listen({ transport: 'udp', host: '127.0.0.1' });
    expect(await client.discoverPublicAddress({ address: address.host, port: address.port })).toEqual({
      address: '127.0.0.1',
      port: own.port,
    });
  });
});

describe('tls', () => {
  const refusal = async (shown: string, name: string, tls: TlsOptions): Promise<string> => {
    const server = answering({ tls: shows(shown) });
    const address = await server.listen({ transport: 'tls', host: '127.0.0.1' });
    return layer({ tls })
      .flowTo({ transport: 'tls', address: address.host, port: address.port, host: name })
      .then(
        () => 'taken',
        (error: Error) => error.message,
      );
  };

  test.each([
    ['RFC 5922 §7.2: a DNS name that is the domain is taken', 'server', 'sip.example.com', trusts, 'taken'],
    ['names are compared in any case', 'server', 'SIP.Example.COM', trusts, 'taken'],
    ['another domain is refused', 'server', 'example.org', trusts, 'certificate is for sip.example.com, not for example.org'],
    ['RFC 5922 §7.1: a sip: URI speaks for its domain', 'domain', 'example.com', trusts, 'taken'],
    ['RFC 5922 §7.1: with a sip: URI there, DNS names do not count', 'domain', 'edge7.example.com', trusts, 'not for edge7.example.com'],
    ['RFC 5922 §7.2: a wildcard matches nothing', 'wildcard', 'sip.example.com', trusts, 'tls.allowWildcard'],
    ['a wildcard is taken when the option says so', 'wildcard', 'sip.example.com', { ...trusts, allowWildcard: true }, 'taken'],
    ['a wildcard stands for one label', 'wildcard', 'a.sip.example.com', { ...trusts, allowWildcard: true }, 'not for a.sip.example.com'],
    ['an address is matched with an address', 'server', '127.0.0.1', trusts, 'taken'],
    ['an expired certificate is refused', 'expired', 'sip.example.com', trusts, 'certificate has expired'],
    ['a certificate nobody vouches for is refused', 'stranger', 'sip.example.com', trusts, 'self-signed certificate'],
    ['without the authority pinned, ours is nobody', 'server', 'sip.example.com', {}, 'self-signed certificate'],
    ['rejectUnauthorized: false takes anything', 'stranger', 'whoever', { rejectUnauthorized: false }, 'taken'],
  ] as const)('%s', async (_rule, shown, name, tls, outcome) => {
    expect(await refusal(shown, name, tls)).toContain(outcome);
  });

  test('wss verifies as tls does', async () => {
    const server = answering({ tls: shows('server') });
    const { host, port } = await server.listen({ transport: 'wss', host: '127.0.0.1' });
    const client = layer({ tls: trusts });
    await expect(client.flowTo({ transport: 'wss', address: host, port, host: 'example.org' })).rejects.toThrow('not for example.org');
    await expect(client.flowTo({ transport: 'wss', address: host, port, host: 'sip.example.com' })).resolves.toBeDefined();
  });

  test('a server that requires a certificate takes ours, and refuses none', async () => {
    const server = answering({ tls: { ...shows('server'), requestClientCert: 'require' } });
    const address = await server.listen({ transport: 'tls', host: '127.0.0.1' });
    const clientCert = { cert: pem('client.pem'), key: pem('client.key') };
    expect((await ask(layer({ tls: { ...trusts, clientCert } }), address, 'sip.example.com')).status).toBe(200);
    const bare = layer({ tls: trusts });
    // TLS 1.3 tells the client after its handshake: the flow opens, and closes at once.
    const closed = new Promise<void>((resolve) => {
      bare.onFlowClosed = () => resolve();
    });
    await bare.flowTo({ transport: 'tls', address: address.host, port: address.port, host: 'sip.example.com' }).then(
      () => closed,
      () => undefined,
    );
    expect(server.counters.refusedHandshakes).toBe(1);
    expect(server.connections).toBe(1);
  });

  test('RFC 5923 §8.2: an alias proved by a certificate is used for requests the other way; the sent-by is its port', async () => {
    const server = answering({ tls: { ...shows('server'), requestClientCert: 'ask' } });
    const address = await server.listen({ transport: 'tls', host: '127.0.0.1' });
    const client = layer({ tls: { ...shows('client'), clientCert: { cert: pem('client.pem'), key: pem('client.key') } } });
    await client.listen({ transport: 'tls', host: '127.0.0.1' });
    const flow = await client.flowTo({ transport: 'tls', address: address.host, port: address.port, host: 'sip.example.com' });
    expect(client.sentBy(flow).alias).toBe(true);
    const via = `SIP/2.0/TLS peer.example.org:5061;branch=z9hG4bKalias;alias`;
    const heard = new Promise<Flow>((resolve) => {
      server.onMessage = (_message, from) => resolve(from);
    });
    flow.send(new TextEncoder().encode(new TextDecoder().decode(options(client, flow)).replace(/Via: [^\r]*/, `Via: ${via}`)));
    const inbound = await heard;
    const back = await server.flowTo({ transport: 'tls', address: '127.0.0.1', port: 5061, host: 'peer.example.org' });
    expect(back).toBe(inbound);
    await expect(server.flowTo({ transport: 'tls', address: '127.0.0.1', port: 5061, host: 'other.example.org' })).rejects.toMatchObject({
      code: 'ERR_TRANSPORT',
    });
  });

  test('a connection is not shared between two names of one address', async () => {
    const server = answering({ tls: shows('server') });
    const { host, port } = await server.listen({ transport: 'tls', host: '127.0.0.1' });
    const client = layer({ tls: trusts });
    const one = await client.flowTo({ transport: 'tls', address: host, port, host: 'sip.example.com' });
    const two = await client.flowTo({ transport: 'tls', address: host, port, host: '127.0.0.1' });
    expect(one).not.toBe(two);
  });

  test('a listener without a certificate is an OptionError', async () => {
    await expect(layer().listen({ transport: 'tls', host: '127.0.0.1' })).rejects.toMatchObject({ code: 'ERR_OPTION' });
  });

  test('a handshake that never comes is given up on both sides', async () => {
    const server = await systemNetwork.listen({ host: '127.0.0.1', port: 0 }, () => {});
    const client = layer({ tls: trusts, limits: { connectMs: 100 } });
    const start = systemClock.now();
    await expect(client.flowTo({ transport: 'tls', address: '127.0.0.1', port: server.local.port, host: 'x' })).rejects.toThrow(
      'ETIMEDOUT',
    );
    expect(systemClock.now() - start).toBeGreaterThanOrEqual(100);
    server.close();
  });
});

describe('ws', () => {
  test('RFC 7118 §5.2.2: a client without a listener calls itself something that ends in .invalid', async () => {
    const server = answering();
    const { host, port } = await server.listen({ transport: 'ws', host: '127.0.0.1' });
    const client = layer();
    const flow = await client.flowTo({ transport: 'ws', address: host, port, host });
    expect(client.sentBy(flow)).toMatchObject({ host: expect.stringMatching(/^[a-z2-7]{26}\.invalid$/), port: undefined });
  });

  const status = (url: string, protocols: string[], origin?: string): Promise<number> =>
    new Promise((resolve) => {
      const ws = new WebSocket(url, protocols, origin === undefined ? {} : { origin });
      ws.on('open', () => {
        resolve(ws.protocol === 'sip' ? 101 : 0);
        ws.close();
      });
      ws.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
      ws.on('error', () => {});
    });

  test('RFC 7118 §4: the subprotocol sip is demanded; the path and the origin where they are given', async () => {
    const server = answering();
    const { host, port } = await server.listen({ transport: 'ws', host: '127.0.0.1', path: '/sip', origins: ['https://app.example'] });
    const url = `ws://${host}:${port}`;
    expect(await status(`${url}/sip`, ['sip'], 'https://app.example')).toBe(101);
    expect(await status(`${url}/sip?token=1`, ['chat', 'sip'], 'https://app.example')).toBe(101);
    expect(await status(`${url}/sip`, ['chat'], 'https://app.example')).toBe(400);
    expect(await status(`${url}/sip`, [], 'https://app.example')).toBe(400);
    expect(await status(`${url}/other`, ['sip'], 'https://app.example')).toBe(404);
    expect(await status(`${url}/sip`, ['sip'], 'https://evil.example')).toBe(403);
  });

  test('RFC 7118 §5.1: a message of text or of binary is one message; CRLF CRLF is answered', async () => {
    const server = answering();
    const { host, port } = await server.listen({ transport: 'ws', host: '127.0.0.1' });
    const ws = new WebSocket(`ws://${host}:${port}/`, 'sip');
    await new Promise((resolve) => ws.once('open', resolve));
    const said = (): Promise<string> => new Promise((resolve) => ws.once('message', (bytes) => resolve(String(bytes))));
    const request = [
      'OPTIONS sip:b@example.com SIP/2.0',
      'Via: SIP/2.0/WS x.invalid;branch=z9hG4bK1',
      'From: <sip:a@example.com>;tag=1',
      'To: <sip:b@example.com>',
      'Call-ID: 1',
      'CSeq: 1 OPTIONS',
      'Max-Forwards: 70',
      '',
      '',
    ].join('\r\n');
    for (const form of [request, Buffer.from(request)]) {
      const answer = said();
      ws.send(form);
      expect(await answer).toContain('SIP/2.0 200');
    }
    const pong = said();
    ws.send('\r\n\r\n');
    expect(await pong).toBe('\r\n');
    ws.terminate();
  });
});

describe.each(['tcp', 'tls', 'ws', 'wss'] as const)('keep-alive over %s', (transport) => {
  test('RFC 5626 §4.4.1: a peer that answers keeps the flow', async () => {
    const server = answering({ tls: shows('server') });
    const { host, port } = await server.listen({ transport, host: '127.0.0.1' });
    const client = layer({ tls: trusts });
    const flow = await client.flowTo({ transport, address: host, port, host: 'sip.example.com' });
    let closed = 0;
    client.onFlowClosed = () => closed++;
    client.keepAlive(flow, { intervalMs: 20, answer: 'expected' });
    await new Promise((resolve) => systemClock.at(systemClock.now() + 150, () => resolve(undefined)));
    expect(flow.isOpen).toBe(true);
    expect(closed).toBe(0);
  });
});
