/** The one file that asks by HTTP, against real servers on this machine. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type HttpRequest, post, postForJson } from '../../../src/bot/wire/http.js';
import { systemClock } from '../../../src/clock.js';
import { SipBotError } from '../../../src/errors.js';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/speak?key=in-the-query`;
}

const request = (url: string, more: Partial<HttpRequest> = {}): HttpRequest => ({
  service: 'A service',
  url,
  headers: { Authorization: 'Bearer secret' },
  body: '{"text":"hello"}',
  ...more,
});

const options = { clock: systemClock, timeoutMs: 2000 };

async function all(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const out: Uint8Array[] = [];
  for await (const chunk of chunks) out.push(chunk);
  return Buffer.concat(out).toString();
}

describe('requests', () => {
  test('what is asked, and the answer as it comes', async () => {
    const seen: unknown[] = [];
    const url = await serve((incoming, response) => {
      let body = '';
      incoming.on('data', (data: Buffer) => (body += data));
      incoming.on('end', () => {
        seen.push(incoming.method, incoming.headers.authorization, body);
        response.write('one ');
        setImmediate(() => response.end('two'));
      });
    });
    expect(await all(post(request(url), options))).toBe('one two');
    expect(seen).toEqual(['POST', 'Bearer secret', '{"text":"hello"}']);
  });

  test('one that breaks off at first is asked again; one that breaks off in the middle is an error', async () => {
    let count = 0;
    const url = await serve((_incoming, response) => {
      if (++count === 1) response.destroy();
      else response.end('{"ok":true}');
    });
    expect(await postForJson(request(url), options)).toEqual({ ok: true });
    const broken = await serve((_incoming, response) => {
      response.write('some');
      setImmediate(() => response.destroy());
    });
    await expect(all(post(request(broken), options))).rejects.toMatchObject({ code: 'ERR_SERVICE' });
  });

  test('errors name the service, the host and the status, and neither key, query nor the answer', async () => {
    const url = await serve((_incoming, response) => response.writeHead(403).end('you said Bearer secret'));
    const error: unknown = await all(post(request(url), options)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SipBotError);
    expect((error as Error).message).toMatch(/^A service at 127\.0\.0\.1:\d+ failed: it answered 403$/);
  });

  test('leaving the loop, or the signal, ends the request at the service', async () => {
    for (const how of ['leave', 'abort'] as const) {
      let closed!: () => void;
      const isClosed = new Promise<void>((resolve) => {
        closed = resolve;
      });
      const url = await serve((_incoming, response) => {
        response.on('close', closed);
        response.write('x'.repeat(1000));
      });
      const abort = new AbortController();
      for await (const _chunk of post(request(url, { signal: abort.signal }), options)) {
        if (how === 'leave') break;
        abort.abort();
      }
      await isClosed;
    }
  });

  test('a service that says nothing is an error in time', async () => {
    const url = await serve(() => {});
    await expect(all(post(request(url), { ...options, timeoutMs: 50 }))).rejects.toThrow('nothing came for 50 ms');
  });

  test('a redirection is not followed: the key would go along', async () => {
    const url = await serve((_incoming, response) => response.writeHead(302, { Location: 'http://127.0.0.1:1/' }).end());
    await expect(all(post(request(url), options))).rejects.toMatchObject({ code: 'ERR_SERVICE' });
  });
});
