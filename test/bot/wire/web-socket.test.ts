/** The one file that opens WebSockets, against real ones on this machine. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import {
  hostOf,
  type Message,
  type MessageWire,
  type WireClosed,
  type WireTarget,
  withoutKeys,
} from '../../../src/bot/wire/message-wire.js';
import { checkSocketUrl, openWebSocket } from '../../../src/bot/wire/web-socket.js';
import { OptionError } from '../../../src/errors.js';

interface Seen {
  readonly wire: MessageWire;
  readonly told: (Message | 'open' | 'pong')[];
  readonly closed: Promise<WireClosed>;
  next(): Promise<void>;
}

const servers: { close(): void }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function serve(onSocket: (socket: WebSocket) => void): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  servers.push(server);
  server.on('connection', (socket) => {
    // Whoever leaves with something unread resets the connection.
    socket.on('error', () => {});
    onSocket(socket);
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

async function http(onRequest: Parameters<typeof createServer>[1]): Promise<string> {
  const server: Server = createServer(onRequest);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

function open(target: WireTarget): Seen {
  const told: Seen['told'] = [];
  let wake = (): void => {};
  let close!: (closed: WireClosed) => void;
  const closed = new Promise<WireClosed>((resolve) => {
    close = resolve;
  });
  const tell = (what: Message): void => {
    told.push(what);
    wake();
  };
  const wire = openWebSocket(target, { onOpen: () => tell('open'), onMessage: tell, onPong: () => tell('pong'), onClose: close });
  return { wire, told, closed, next: () => new Promise((resolve) => (wake = resolve)) };
}

describe('a WebSocket as a wire', () => {
  test('text and bytes both ways, pings, headers and subprotocol, a good-bye with its code', async () => {
    const server: unknown[] = [];
    const url = await serve((socket) => {
      server.push(socket.protocol);
      socket.on('message', (data, isBinary) => {
        server.push(isBinary ? data : String(data));
        if (!isBinary) socket.send('text');
        else socket.send(Buffer.from([1, 2, 3]));
      });
    });
    const seen = open({ url, protocols: ['audio.jambonz.org'], headers: { Authorization: 'Basic x' } });
    await seen.next();
    seen.wire.send('hello');
    await seen.next();
    seen.wire.send(new Uint8Array([9]));
    await seen.next();
    seen.wire.ping();
    await seen.next();
    expect(seen.told).toEqual(['open', 'text', Buffer.from([1, 2, 3]), 'pong']);
    expect(server).toEqual(['audio.jambonz.org', 'hello', Buffer.from([9])]);
    seen.wire.close();
    expect((await seen.closed).code).toBe(1000);
    seen.wire.send('too late');
  });

  test('what a service says in the same breath as its handshake is not lost', async () => {
    const url = await serve((socket) => socket.send('at once'));
    const seen = open({ url });
    while (seen.told.length < 2) await seen.next();
    expect(seen.told).toEqual(['open', 'at once']);
    seen.wire.destroy();
    await seen.closed;
  });

  test('refused: the HTTP status, and no second word', async () => {
    const url = await http((_request, response) => response.writeHead(401).end('who are you?'));
    expect(await open({ url }).closed).toEqual({ code: 401, reason: 'refused with 401 Unauthorized' });
  });

  test('nobody there, a message too long, a connection that breaks: lost', async () => {
    const nowhere = await http(() => {});
    servers.pop()!.close();
    expect(await open({ url: nowhere }).closed).toMatchObject({ code: 1006, reason: expect.stringContaining('ECONNREFUSED') });
    const long = await serve((socket) => socket.send('x'.repeat(2000)));
    expect((await open({ url: long, maxMessageBytes: 1000 }).closed).code).toBe(1006);
    const breaking = await serve((socket) => socket.terminate());
    expect((await open({ url: breaking }).closed).code).toBe(1006);
  });

  test('a handshake that is never answered ends', async () => {
    const url = await http(() => {});
    const server = servers.at(-1) as Server;
    server.on('upgrade', () => {});
    const { code, reason } = await open({ url, timeoutMs: 50 }).closed;
    expect([code, reason]).toEqual([1006, expect.stringContaining('timed out')]);
    server.closeAllConnections();
  });

  test('a reader that does not read shows in what is queued', async () => {
    const url = await serve((socket) => socket.pause());
    const seen = open({ url });
    await seen.next();
    const chunk = new Uint8Array(1024 * 1024);
    for (let i = 0; i < 64; i++) seen.wire.send(chunk);
    expect(seen.wire.queuedBytes).toBeGreaterThan(1024 * 1024);
    seen.wire.destroy();
    expect((await seen.closed).code).toBe(1006);
  });

  test('URLs are checked at the door; for logs there is the host alone', () => {
    expect(checkSocketUrl('url', 'wss://x/y')).toBe('wss://x/y');
    for (const url of ['http://x', 'x', '']) expect(() => checkSocketUrl('url', url)).toThrow(OptionError);
    expect(withoutKeys('conversation_already_has_active_response for sk-proj-0123456789abcdef')).toBe(
      'conversation_already_has_active_response for …',
    );
    expect(hostOf('wss://user:secret@x.example:8443/path?key=secret')).toBe('x.example:8443');
  });
});
