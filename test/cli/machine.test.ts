import { describe, expect, test } from 'vitest';
import { localAddresses, mediaPorts, runtime, signallingPorts } from '../../src/cli/checks/machine.js';
import { UsageError } from '../../src/cli/command.js';
import { systemDatagram } from '../../src/rtp/socket.js';

const HOST = '127.0.0.1';

describe('what doctor says of this machine', () => {
  test('Node, Opus and addresses are told, whatever they are', async () => {
    expect((await runtime()).what).toContain(`Node ${process.versions.node}`);
    expect(localAddresses().every(({ verdict }) => verdict === 'ok' || verdict === 'note')).toBe(true);
  });

  test('a port that another program has is told as such, a host that is not ours and a range that is none too', async () => {
    const taken = await systemDatagram({ host: HOST, port: 0 });
    const [udp, tcp] = await signallingPorts(HOST, String(taken.local.port));
    taken.close();
    expect(udp).toMatchObject({ verdict: 'note', what: `UDP port ${taken.local.port} cannot be had: EADDRINUSE` });
    expect(udp!.advice).toMatch(/another program/);
    expect(tcp).toEqual({ verdict: 'ok', what: `TCP port ${taken.local.port} is free` });
    expect(await signallingPorts('192.0.2.1', '5060')).toMatchObject([
      { verdict: 'wrong', advice: 'that host is no address of this machine' },
      { verdict: 'wrong', advice: 'that host is no address of this machine' },
    ]);
    for (const range of ['10000', '20000-10000', '0-9', '70000-70010']) await expect(mediaPorts(HOST, range)).rejects.toThrow(UsageError);
  });

  test('media ports: free, a pair taken, all taken', async () => {
    const low = 24_000;
    const range = `${low}-${low + 3}`;
    expect(await mediaPorts(HOST, range)).toMatchObject({ verdict: 'ok', what: `media ports ${range} are free (2 pairs tried)` });
    // The port of its RTCP is enough.
    const one = await systemDatagram({ host: HOST, port: low + 1 });
    expect(await mediaPorts(HOST, range)).toMatchObject({ verdict: 'note', what: expect.stringMatching(/^1 of 2 pairs .*EADDRINUSE$/) });
    const other = await systemDatagram({ host: HOST, port: low + 2 });
    expect(await mediaPorts(HOST, range)).toMatchObject({ verdict: 'wrong', advice: 'give another range: option rtpPorts' });
    for (const socket of [one, other]) socket.close();
  });
});
