/** TLS over Node's sockets: names verified as RFC 5922 says, trust and certificates as the options say. */
import type { Server, Socket } from 'node:net';
import { type ConnectionOptions, createServer, type TlsOptions as ServerOptions, type TLSSocket, connect as tlsConnect } from 'node:tls';
import type { ByteStream, StreamListener } from '../../network.js';
import { HalfOpen } from './half-open.js';
import { type CertificateNames, checkIdentity, sipIdentities } from './identity.js';
import { isIP, plainAddress, withoutBrackets } from './ip.js';
import { type ConnectOptions, SocketStream, whenReady } from './tcp.js';
import type { Pem, TlsOptions, TransportLimits } from './transport.js';

export interface SecureStream {
  readonly stream: ByteStream;
  /** Whom the peer's certificate, if it showed one that we trust, speaks for. */
  readonly identities: readonly string[];
}

/** What a client needs to know to trust the server it meant: for TLS, and for wss by way of ws. */
export function clientTls(tls: TlsOptions, host: string): ConnectionOptions {
  const name = withoutBrackets(host);
  const { clientCert } = tls;
  return {
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ...(tls.ca === undefined ? {} : { ca: pems(tls.ca) }),
    ...(clientCert === undefined
      ? {}
      : {
          cert: pems(clientCert.cert),
          key: pem(clientCert.key),
          ...(clientCert.passphrase === undefined ? {} : { passphrase: clientCert.passphrase }),
        }),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: tls.rejectUnauthorized ?? true,
    checkServerIdentity: (_host, certificate) => {
      const why = checkIdentity(host, certificate as CertificateNames, tls.allowWildcard === true ? 'one-label' : 'exact');
      return why === undefined ? undefined : Object.assign(new Error(why), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    },
  };
}

export function serverTls(tls: TlsOptions): ServerOptions {
  const request = tls.requestClientCert ?? 'never';
  return {
    ...(tls.cert === undefined ? {} : { cert: pems(tls.cert) }),
    ...(tls.key === undefined ? {} : { key: pem(tls.key) }),
    ...(tls.passphrase === undefined ? {} : { passphrase: tls.passphrase }),
    ...(tls.ca === undefined ? {} : { ca: pems(tls.ca) }),
    minVersion: 'TLSv1.2',
    requestCert: request !== 'never',
    rejectUnauthorized: request === 'require',
  };
}

export async function connectTls(options: ConnectOptions & { readonly name: string }, tls: TlsOptions): Promise<SecureStream> {
  const { host, port, localAddress, timeoutMs, name } = options;
  const local = localAddress === undefined ? {} : { localAddress };
  const socket = tlsConnect({ host, port, ...local, ...clientTls(tls, name) } as ConnectionOptions);
  await whenReady(socket, 'secureConnect', `${host}:${port}`, timeoutMs);
  return { stream: new SocketStream(socket), identities: [name] };
}

export function listenTls(
  options: { readonly host: string; readonly port: number; readonly limits: TransportLimits },
  tls: TlsOptions,
  reception: { accept(secure: SecureStream): void; onRefused(error: Error): void; isShut(address: string): boolean },
): Promise<StreamListener> {
  return new Promise((resolve, reject) => {
    const settings = { ...serverTls(tls), handshakeTimeout: options.limits.halfOpenMs, allowHalfOpen: true };
    const server = createServer(settings, (socket) => {
      done(socket);
      reception.accept({ stream: new SocketStream(socket), identities: peerIdentities(socket) });
    });
    const done = boundHandshakes(server, options.limits, reception);
    server.on('tlsClientError', (error, socket) => {
      // Node tells of a handshake that took too long, and leaves it open.
      socket.destroy();
      reception.onRefused(error);
    });
    server.once('error', reject);
    server.listen({ host: options.host, port: options.port, exclusive: true, ipv6Only: true }, () => {
      server.off('error', reject);
      server.on('error', () => {});
      const { address, port } = server.address() as { address: string; port: number };
      resolve({ local: { address, port }, close: () => server.close() });
    });
  });
}

/** Handshakes under way cost memory before anybody has said a word: bounded, as half-open connections are. What is returned tells of one that is done. */
export function boundHandshakes(
  server: Server,
  limits: TransportLimits,
  reception: { onRefused(error: Error): void; isShut(address: string): boolean },
): (socket: Socket) => void {
  const waiting = new HalfOpen<Socket>(limits.maxHalfOpen, limits.maxHalfOpenPerAddress);
  // TLS wraps the socket that was accepted: both are known by where they come from.
  const byPeer = new Map<string, Socket>();
  const done = (socket: Socket): void => {
    const accepted = byPeer.get(peerOf(socket));
    if (accepted === undefined) return;
    byPeer.delete(peerOf(socket));
    waiting.delete(accepted);
  };
  server.on('connection', (socket: Socket) => {
    const address = plainAddress(socket.remoteAddress ?? '');
    if (reception.isShut(address)) {
      socket.destroy();
      return;
    }
    const peer = peerOf(socket);
    byPeer.set(peer, socket);
    socket.once('close', () => {
      if (byPeer.get(peer) === socket) byPeer.delete(peer);
      waiting.delete(socket);
    });
    if (waiting.add(socket, address) !== undefined) reception.onRefused(new Error('too many handshakes'));
  });
  return done;
}

function peerOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}

function peerIdentities(socket: TLSSocket): readonly string[] {
  return socket.authorized ? sipIdentities(socket.getPeerCertificate() as CertificateNames) : [];
}

function pem(value: Pem): string | Buffer {
  return typeof value === 'string' ? value : Buffer.from(value);
}

function pems(value: Pem | readonly Pem[]): (string | Buffer)[] {
  return typeof value === 'string' || value instanceof Uint8Array ? [pem(value)] : value.map(pem);
}
