/** SIP over WebSocket and secure WebSocket, both ends (RFC 7118), by way of `ws`: one message a WebSocket message, the subprotocol `sip`. */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { RawData, WebSocket } from 'ws';
import type { SocketAddress, StreamListener } from '../../network.js';
import { type ParseLimits, resolveLimits } from '../message/limits.js';
import type { Reception } from './carriers.js';
import type { Channel, ChannelEvents } from './flow.js';
import { hostTextOf, plainAddress } from './ip.js';
import { boundHandshakes, clientTls, serverTls } from './tls.js';
import type { ListenOptions, Target, TlsOptions, TransportLimits } from './transport.js';

const SUBPROTOCOL = 'sip';
/** `WebSocket.OPEN`. The package, and HTTP with it, is loaded with the first WebSocket: a fifth of what importing the library would cost. */
const OPEN = 1;
export const DEFAULT_WS_PATH = '/ws';

export class WsChannel implements Channel {
  readonly transport: 'ws' | 'wss';
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  readonly identities: readonly string[];
  readonly #ws: WebSocket;
  #events: ChannelEvents | undefined;
  #early: Uint8Array[] = [];
  #error: Error | undefined;
  #isClosed = false;

  constructor(transport: 'ws' | 'wss', ws: WebSocket, socket: Socket, identities: readonly string[]) {
    this.transport = transport;
    this.local = { address: plainAddress(socket.localAddress ?? ''), port: socket.localPort ?? 0 };
    this.remote = { address: plainAddress(socket.remoteAddress ?? ''), port: socket.remotePort ?? 0 };
    this.identities = identities;
    this.#ws = ws;
    socket.setNoDelay(true);
    ws.on('message', (data: RawData) => this.#onMessage(data as Buffer));
    ws.on('ping', () => this.#events?.onActivity(false));
    ws.on('pong', () => {
      this.#events?.onPong();
      this.#events?.onActivity(false);
    });
    ws.on('error', (error) => {
      this.#error = error;
    });
    ws.on('close', () => {
      this.#isClosed = true;
      this.#events?.onClose(this.#error);
    });
  }

  get queuedBytes(): number {
    return this.#ws.bufferedAmount;
  }

  get events(): ChannelEvents | undefined {
    return this.#events;
  }

  /** What came before anybody listened is delivered now. */
  set events(events: ChannelEvents | undefined) {
    this.#events = events;
    for (const bytes of this.#early.splice(0)) this.#onMessage(bytes);
    if (this.#isClosed) events?.onClose(this.#error);
  }

  /** Text frames: every RFC 7118 peer takes them, and some browsers' peers take nothing else. A body that is not UTF-8 goes as binary. */
  send(bytes: Uint8Array): void {
    if (this.#ws.readyState === OPEN) this.#ws.send(bytes, { binary: !isUtf8(bytes), compress: false });
  }

  ping(): void {
    if (this.#ws.readyState === OPEN) this.#ws.ping();
  }

  /** RFC 7118 §6: a CRLF ping may come as a message of its own. */
  pong(): void {
    if (this.#ws.readyState === OPEN) this.#ws.send('\r\n');
  }

  end(): void {
    this.#ws.close(1000);
  }

  destroy(): void {
    this.#ws.terminate();
  }

  #onMessage(bytes: Uint8Array): void {
    const events = this.#events;
    if (events === undefined) {
      if (this.#early.length < 16) this.#early.push(bytes);
      return;
    }
    if (bytes.length === 4 && isCrlf(bytes)) events.onPing();
    else if (bytes.length === 2 && isCrlf(bytes)) events.onPong();
    else events.onMessage(bytes);
    events.onActivity(false);
  }
}

export async function connectWs(
  target: Target,
  tls: TlsOptions,
  options: { readonly localAddress?: string; readonly timeoutMs: number; readonly message: ParseLimits },
): Promise<WsChannel> {
  const { WebSocket } = await import('ws');
  const transport = target.transport === 'wss' ? 'wss' : 'ws';
  const local = options.localAddress === undefined ? {} : { localAddress: options.localAddress };
  const ws = new WebSocket(`${transport}://${hostTextOf(target.address)}:${target.port}${target.path ?? DEFAULT_WS_PATH}`, SUBPROTOCOL, {
    handshakeTimeout: options.timeoutMs,
    maxPayload: largest(options.message),
    perMessageDeflate: false,
    followRedirects: false,
    headers: { Host: `${hostTextOf(target.host)}:${target.port}` },
    ...local,
    ...(transport === 'wss' ? clientTls(tls, target.host) : {}),
  });
  return new Promise((resolve, reject) => {
    let socket: Socket | undefined;
    ws.once('upgrade', (response: IncomingMessage) => {
      socket = response.socket;
    });
    // Stays on: a second error must not be nobody's; rejecting twice is nothing.
    ws.on('error', reject);
    ws.once('close', () => reject(new Error('WebSocket closed during its handshake')));
    ws.once('open', () => {
      // The channel listens from here on; what is still rejected is nobody's.
      if (socket !== undefined) resolve(new WsChannel(transport, ws, socket, transport === 'wss' ? [target.host] : []));
    });
  });
}

export async function listenWs(
  options: ListenOptions & { readonly host: string; readonly port: number },
  tls: TlsOptions,
  limits: TransportLimits,
  reception: Reception,
): Promise<StreamListener> {
  const [{ WebSocketServer }, { createServer: createHttpServer }, { createServer: createHttpsServer }] = await Promise.all([
    import('ws'),
    import('node:http'),
    import('node:https'),
  ]);
  const transport = options.transport === 'wss' ? 'wss' : 'ws';
  const http = transport === 'wss' ? createHttpsServer({ ...serverTls(tls), handshakeTimeout: limits.halfOpenMs }) : createHttpServer();
  http.headersTimeout = limits.halfOpenMs;
  http.requestTimeout = limits.halfOpenMs;
  http.maxConnections = limits.maxConnections + limits.maxHalfOpen;
  const server = new WebSocketServer({
    server: http,
    maxPayload: largest(limits.message),
    perMessageDeflate: false,
    clientTracking: false,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
    verifyClient: ({ req, origin }, done) => {
      const { path, origins } = options;
      if (path !== undefined && new URL(req.url ?? '/', 'http://x').pathname !== path) return done(false, 404);
      if (origins !== undefined && !origins.includes(origin)) return done(false, 403);
      const offered = (req.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
      // RFC 7118 §4.1: without the subprotocol there is no telling what would be spoken.
      return offered.includes(SUBPROTOCOL) ? done(true) : done(false, 400);
    },
  });
  // Anything that is not an upgrade.
  http.on('request', (_request, response) => response.writeHead(426, { Upgrade: 'websocket', Connection: 'close' }).end());
  http.on('tlsClientError', (error) => reception.onRefused(error));
  const done = boundHandshakes(http, limits, reception);
  server.on('wsClientError', (error, socket) => {
    reception.onRefused(error);
    socket.destroy();
  });
  server.on('connection', (ws, request) => {
    done(request.socket);
    reception.accept(new WsChannel(transport, ws, request.socket, []));
  });
  // The server repeats the errors of the http server it sits on.
  server.on('error', (error) => reception.onRefused(error));
  return new Promise((resolve, reject) => {
    http.once('error', reject);
    http.listen({ host: options.host, port: options.port, exclusive: true, ipv6Only: true }, () => {
      http.off('error', reject);
      const { address, port } = http.address() as { address: string; port: number };
      const close = (): void => {
        server.close();
        http.close();
        http.closeAllConnections();
      };
      resolve({ local: { address, port }, close });
    });
  });
}

function largest(limits: ParseLimits): number {
  const { headBytes, bodyBytes } = resolveLimits(limits);
  return headBytes + bodyBytes;
}

function isCrlf(bytes: Uint8Array): boolean {
  return bytes.every((byte, i) => byte === (i % 2 === 0 ? 13 : 10));
}
