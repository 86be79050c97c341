/** Whole processes: suspended, killed, starved of descriptors, without a network, on a disk of a megabyte. Real signals, real limits. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { closeAll, HOST, isEchoed, pause, startBot, startEcho, uriOf, whenEnded } from './bots.js';
import { alone, Child, hasNamespaces } from './process.js';

afterEach(closeAll);

const local = { rtpHost: HOST, threads: 1, allow: ['127.0.0.0/8'] };

describe('a process is suspended (SIGSTOP)', () => {
  const seconds = Number(process.env['SIPBOT_STOP_SECONDS'] ?? 3);

  test(`for ${seconds} s in the middle of a call: the call goes on, and what was missed is not made up for in a burst`, {
    timeout: 120_000,
  }, async () => {
    const child = new Child({ bot: { ...local, rtpPorts: [34_000, 34_100] } });
    const port = await child.listening();
    const caller = await startBot();
    const call = await caller.dial(`sip:x@${HOST}:${port}`);
    expect(await isEchoed(call)).toBe(true);
    child.signal('SIGSTOP');
    await pause(seconds * 1000);
    const before = call.stats()!.receivedPackets;
    child.signal('SIGCONT');
    const resumed = performance.now();
    expect(await isEchoed(call)).toBe(true);
    const made = call.stats()!.receivedPackets - before;
    // What is due since, and the 60 ms of arrears that are sent at once, with two packets to spare; not the seconds that were slept through.
    expect(made).toBeLessThan((performance.now() - resumed) / 20 + 3 + 2);
    await call.hold();
    await call.resume();
    await call.hangup();
    await child.says('ended');
    expect(child.facts.filter((fact) => 'stray' in fact || 'failed' in fact)).toEqual([]);
  });
});

describe('the peer is killed and started again (SIGKILL)', () => {
  test('its call ends with mediaTimeout, others go on, and the next call to it goes through', { timeout: 60_000 }, async () => {
    const echo = await startEcho();
    const caller = await startBot({ mediaTimeoutMs: 2000 });
    const child = new Child({ bot: { ...local, rtpPorts: [34_200, 34_300] } });
    const port = await child.listening();
    const other = await caller.dial(uriOf(echo));
    const call = await caller.dial(`sip:x@${HOST}:${port}`);
    child.signal('SIGKILL');
    await child.exited();
    expect(await whenEnded(call)).toMatchObject({ reason: 'mediaTimeout', by: 'network' });
    expect(await isEchoed(other)).toBe(true);
    const again = new Child({ port, bot: { ...local, rtpPorts: [34_200, 34_300] } });
    await again.listening();
    expect(await isEchoed(await caller.dial(`sip:x@${HOST}:${port}`))).toBe(true);
  });
});

describe.skipIf(process.platform !== 'linux')('out of file descriptors (EMFILE)', () => {
  test('calls past the limit are refused, those that are up go on, and there is room again when they end', {
    timeout: 90_000,
  }, async () => {
    const bot = {
      ...local,
      rtpPorts: [34_400, 34_700],
      listen: [
        { transport: 'udp', host: HOST },
        { transport: 'tcp', host: HOST },
      ],
    };
    const child = new Child({ bot });
    const port = await child.listening();
    // Only now: to load the sources, Node opens more files at once than the calls are to have.
    const limit = readdirSync(`/proc/${child.pid}/fd`).length + 40;
    execFileSync('prlimit', ['--pid', `${child.pid}`, `--nofile=${limit}:${limit}`]);
    const caller = await startBot();
    const calls = [];
    let refused: unknown;
    while (refused === undefined && calls.length < 60) {
      try {
        calls.push(await caller.dial(`sip:x@${HOST}:${port}`));
      } catch (error) {
        refused = error;
      }
    }
    expect(calls.length).toBeGreaterThan(3);
    expect(refused).toMatchObject({ name: 'CallError', status: expect.toSatisfy((status: number) => status >= 500 && status < 600) });
    child.tell(`dial ${uriOf(caller)}`);
    expect((await child.says('refused')).refused).toMatchObject({ name: 'CallError' });
    for (const call of [calls[0]!, calls.at(-1)!]) expect(await isEchoed(call)).toBe(true);
    for (const call of calls.splice(0)) await call.hangup();
    await pause(200);
    expect(await isEchoed(await caller.dial(`sip:x@${HOST}:${port}`))).toBe(true);
    expect(child.facts.filter((fact) => 'stray' in fact)).toEqual([]);
  });
});

describe.skipIf(!hasNamespaces)('in a namespace (skipped where the system gives none)', () => {
  test('ENETUNREACH: dial rejects with 503 and says so; the bot is well', { timeout: 60_000 }, async () => {
    const child = new Child({ bot: { ...local, listen: [{ transport: 'udp' }], rtpHost: '0.0.0.0' }, wrapper: alone('ip link set lo up') });
    const port = await child.listening();
    child.tell('dial sip:x@203.0.113.1');
    expect((await child.says('refused')).refused).toMatchObject({ name: 'CallError', status: 503 });
    child.tell(`dial sip:x@${HOST}:${port}`);
    await child.says('dialled');
    expect(child.facts.filter((fact) => 'stray' in fact)).toEqual([]);
  });

  test('a disk of one megabyte fills while a call is recorded: ENOSPC is told, and the call goes on', { timeout: 90_000 }, async () => {
    // 16 kHz stereo is 64 kB a second; most of the disk is full already.
    const setup = 'ip link set lo up; mount -t tmpfs -o size=1m none /mnt; head -c 900k /dev/zero > /mnt/full';
    const child = new Child({ bot: local, wrapper: alone(setup) });
    const port = await child.listening();
    child.tell(`dial sip:x@${HOST}:${port}`);
    await child.says('dialled');
    child.tell('record /mnt/call.wav');
    expect((await child.says('notRecorded')).notRecorded).toBe('ENOSPC');
    await pause(500);
    child.tell('stats');
    expect((await child.says('stats')).stats).toMatchObject({ calls: 2 });
    expect(child.facts.filter((fact) => 'ended' in fact || 'stray' in fact)).toEqual([]);
    child.tell('hangup');
    await child.says('ended');
  });
});
