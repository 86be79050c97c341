import { describe, expect, test } from 'vitest';
import { natByStun } from '../../src/cli/checks/nat.js';
import { UsageError } from '../../src/cli/command.js';
import type { SocketAddress } from '../../src/network.js';
import { systemDatagram } from '../../src/rtp/socket.js';
import { parseStun, writeBindingResponse } from '../../src/sip/transport/stun.js';

const HOST = '127.0.0.1';

/** STUN servers that each see us as they are told to; what is said of their answers. */
async function seenAs(...seen: readonly ((port: number) => SocketAddress)[]): Promise<string[]> {
  const sockets = await Promise.all(seen.map(() => systemDatagram({ host: HOST, port: 0 })));
  for (const [i, socket] of sockets.entries())
    socket.onMessage = (bytes, address, port) => {
      const request = parseStun(bytes);
      if (request?.type !== 'request') return;
      const answer = writeBindingResponse(request, seen[i]!(port));
      socket.send(answer, 0, answer.length, port, address);
    };
  const findings = await natByStun(
    sockets.map(({ local }) => `${HOST}:${local.port}`),
    HOST,
  );
  for (const socket of sockets) socket.close();
  return findings.map(({ verdict, what }) => `${verdict}: ${what.replaceAll(/:\d{4,5}/g, ':PORT').replace(/port \d+/, 'port PORT')}`);
}

describe('what doctor says of a NAT', () => {
  const outside = (port: number): SocketAddress => ({ address: '203.0.113.9', port });

  test('none, one that keeps the port, one that changes it', async () => {
    expect(await seenAs((port) => ({ address: HOST, port }))).toEqual(['ok: seen from outside as 127.0.0.1:PORT: no NAT']);
    expect(await seenAs(outside, outside)).toEqual(['note: seen from outside as 203.0.113.9:PORT; the port is kept']);
    expect(await seenAs(() => outside(40_000))).toEqual(['note: behind NAT: seen from outside as 203.0.113.9:PORT, here it is port PORT']);
  });

  test('RFC 4787 §4.1: a port for each that we talk to cannot be told beforehand', async () => {
    expect(
      await seenAs(
        () => outside(40_000),
        () => outside(40_001),
      ),
    ).toEqual(['wrong: behind NAT that changes with whom we talk to: 203.0.113.9:PORT, then 203.0.113.9:PORT']);
  });

  test('no server is skipped, no host is refused', async () => {
    expect(await natByStun([])).toMatchObject([{ verdict: 'skipped' }]);
    await expect(natByStun(['stun.example.com:many'], HOST)).rejects.toThrow(UsageError);
  });
});
