/** Addresses of a run's own: a /24 of the loopback that no other run on this machine has, so that two can go on at once. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

const MOST = 100;
/** Whoever listens there has the network; it is free again when that process is gone, however it went. */
const CLAIM = { host: 1, port: 5059 };
/** Where the peers want to be. */
const SIP = { host: 21, port: 5060 };

export interface Loopback {
  /** `127.0.4`, say. */
  readonly net: string;
  release(): void;
}

export async function claimLoopback(): Promise<Loopback> {
  for (let n = 0; n < MOST; n++) {
    const net = `127.0.${n}`;
    const claim = await listen(`${net}.${CLAIM.host}`, CLAIM.port);
    if (claim === undefined) continue;
    if (await canBind(`${net}.${SIP.host}`, SIP.port)) return { net, release: () => claim.close() };
    claim.close();
  }
  throw new Error(
    `no free addresses on the loopback: does something on this machine take port ${SIP.port} of all of them? Then run this in a network of its own: sudo unshare -n sh -c 'ip link set lo up; npm run test:interop'`,
  );
}

async function listen(host: string, port: number): Promise<Server | undefined> {
  const server = createServer().unref();
  try {
    server.listen(port, host);
    await once(server, 'listening');
    return server;
  } catch {
    return undefined;
  }
}

async function canBind(host: string, port: number): Promise<boolean> {
  const socket = createSocket('udp4');
  try {
    socket.bind(port, host);
    await once(socket, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    socket.close();
  }
}

/** A port nobody has there just now. */
export async function freePort(host: string): Promise<number> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.bind(0, host);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}
