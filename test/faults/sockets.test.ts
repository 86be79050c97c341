/** Socket errors: what the application is told, and that no more is lost than what they hit. Over the sockets of this machine. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { DatagramSocket, Network } from '../../src/network.js';
import { systemNetwork } from '../../src/sip/transport/system-network.js';
import { closeAll, descriptors, HOST, isEchoed, later, pause, startBot, startEcho, until, uriOf, whenEnded } from './bots.js';

afterEach(closeAll);

async function occupy(port = 0): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind({ port, address: HOST, exclusive: true });
  await once(socket, 'listening');
  later(() => socket.close());
  return socket.address().port;
}

describe('EADDRINUSE', () => {
  test.skipIf(process.platform !== 'linux')(
    'of the SIP port: start() rejects with ListenError that names it, and no descriptor is left',
    async () => {
      const port = await occupy();
      await expect(startBot({ listen: [{ transport: 'udp', host: HOST, port }] })).rejects.toMatchObject({
        code: 'ERR_LISTEN',
        host: HOST,
        port,
      });
      const before = descriptors();
      for (let i = 0; i < 5; i++) await startBot({ threads: 0, listen: [{ transport: 'udp', host: HOST, port }] }).catch(() => {});
      await until(() => descriptors() <= before, 'no descriptor is left');
    },
  );

  test('of media ports: others are tried, and the call is made', async () => {
    const echo = await startEcho();
    for (const port of [33_000, 33_002, 33_004]) await occupy(port);
    const caller = await startBot({ rtpPorts: [33_000, 33_007] });
    const call = await caller.dial(uriOf(echo));
    expect(await isEchoed(call)).toBe(true);
  });
});

/** A way between two bots that can be cut in the middle: every connection is reset. */
async function breakable(port: number): Promise<{ readonly port: number; cut(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, HOST);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('data', (bytes) => other.write(bytes));
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
  });
  server.listen(0, HOST);
  await once(server, 'listening');
  const cut = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  later(() => {
    cut();
    server.close();
  });
  return { port: (server.address() as { port: number }).port, cut };
}

describe('ECONNRESET', () => {
  const tcp = { listen: [{ transport: 'tcp', host: HOST }] } as const;

  test('in the middle of a call over TCP: nothing is heard of it, and the next request finds another way', async () => {
    const echo = await startEcho(tcp);
    const caller = await startBot(tcp);
    const way = await breakable(echo.addresses[0]!.port);
    const call = await caller.dial(`sip:x@${HOST}:${way.port};transport=tcp`);
    const callee = [...echo.calls.values()][0]!;
    way.cut();
    await pause(100);
    expect(await isEchoed(call)).toBe(true);
    await call.hold();
    await call.resume();
    await callee.message('still there');
    expect(await isEchoed(call)).toBe(true);
    await call.hangup();
    expect((await whenEnded(callee)).by).toBe('remote');
  });

  test('while it rings: that call fails, at once, and another one goes through', async () => {
    const callee = await startBot(tcp);
    callee.on('call', (call) => (call.to.user === 'ring' ? call.ring() : call.answer()));
    const caller = await startBot(tcp);
    const way = await breakable(callee.addresses[0]!.port);
    const failed = caller.dial(`sip:ring@${HOST}:${way.port};transport=tcp`, { onCall: (call) => void call.once('ringing', way.cut) });
    await expect(failed).rejects.toMatchObject({ name: 'CallError', status: 503 });
    const call = await caller.dial(`sip:x@${HOST}:${way.port};transport=tcp`);
    expect(call.state).toBe('answered');
  });
});

describe('nobody there', () => {
  test('ECONNREFUSED over TCP: dial rejects with 503 at once', async () => {
    const server = createServer().listen(0, HOST);
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    server.close();
    const caller = await startBot();
    const before = performance.now();
    await expect(caller.dial(`sip:x@${HOST}:${port};transport=tcp`)).rejects.toMatchObject({ name: 'CallError', status: 503 });
    expect(performance.now() - before).toBeLessThan(5000);
  });

  test('ICMP port unreachable over UDP: sent again like a loss, 408 when the time is over, and other calls go on', async () => {
    const echo = await startEcho();
    const caller = await startBot();
    const call = await caller.dial(uriOf(echo));
    const gone = createSocket('udp4').bind(0, HOST);
    await once(gone, 'listening');
    const { port } = gone.address();
    gone.close();
    await expect(caller.dial(`sip:x@${HOST}:${port}`, { timeoutMs: 1500 })).rejects.toMatchObject({ name: 'CallError', status: 408 });
    expect(await isEchoed(call)).toBe(true);
  });
});

/** A system that refuses to send, for as long as it is told to. */
class Refusing implements Network {
  code: string | undefined;
  refused = 0;

  async datagram(options: Parameters<Network['datagram']>[0]): Promise<DatagramSocket> {
    const socket = await systemNetwork.datagram(options);
    const send = socket.send.bind(socket);
    socket.send = (bytes, offset, length, port, address) => {
      const { code } = this;
      if (code === undefined) return send(bytes, offset, length, port, address);
      this.refused++;
      queueMicrotask(() => socket.onError?.(Object.assign(new Error(`send ${code} ${address}:${port}`), { code, address, port })));
    };
    return socket;
  }

  connect: Network['connect'] = (options) => systemNetwork.connect(options);
  listen: Network['listen'] = (options, accept) => systemNetwork.listen(options, accept);
}

describe('the system refuses to send', () => {
  test.each(['ENOBUFS', 'ENETUNREACH', 'EHOSTUNREACH', 'EPERM'])(
    '%s in the middle of a call: a second without sound, and it goes on',
    async (code) => {
      const echo = await startEcho();
      const network = new Refusing();
      const caller = await startBot({ network, threads: 0 });
      const call = await caller.dial(uriOf(echo));
      network.code = code;
      await pause(1000);
      expect(network.refused).toBeGreaterThan(20);
      network.code = undefined;
      expect(call.end).toBeUndefined();
      expect(await isEchoed(call)).toBe(true);
      await call.hold();
      await call.resume();
      await call.hangup();
    },
  );

  test('ENOBUFS for the INVITE itself: sent again like a loss, and the call is made', async () => {
    const echo = await startEcho();
    const network = new Refusing();
    const caller = await startBot({ network, threads: 0 });
    network.code = 'ENOBUFS';
    const dialling = caller.dial(uriOf(echo));
    await until(() => network.refused > 0, 'a refusal');
    network.code = undefined;
    expect((await dialling).state).toBe('answered');
  });

  test('ENETUNREACH for the INVITE: no way there is no loss; dial rejects with 503 at once', async () => {
    const network = new Refusing();
    const caller = await startBot({ network, threads: 0 });
    network.code = 'ENETUNREACH';
    await expect(caller.dial(`sip:x@${HOST}:9`)).rejects.toMatchObject({ name: 'CallError', status: 503 });
  });
});

test('a connection that is torn while it is written to is no exception of ours', async () => {
  const echo = await startEcho({ listen: [{ transport: 'tcp', host: HOST }] });
  for (let i = 0; i < 20; i++) {
    const socket = connect(echo.addresses[0]!.port, HOST);
    socket.on('error', () => {});
    await once(socket, 'connect');
    socket.write(`OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP ${HOST};branch=z9hG4bK${i}\r\n`.repeat(40));
    socket.resetAndDestroy();
  }
  await pause(200);
  const caller = await startBot({ listen: [{ transport: 'tcp', host: HOST }] });
  expect((await caller.dial(uriOf(echo, 'tcp'))).state).toBe('answered');
});
