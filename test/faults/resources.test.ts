/** What runs out: ports, the disk, media threads, descriptors; and time that jumps. Each costs the call that meets it, and no other. */
import type { Worker, WorkerOptions } from 'node:worker_threads';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { audible, hostOf, NOTHING_LEFT, World } from '../bot/support/world.js';
import { closeAll, descriptors, isEchoed, pause, startBot, startEcho, until, uriOf, whenEnded } from './bots.js';

const { workers } = vi.hoisted(() => ({ workers: [] as Worker[] }));

vi.mock('../../src/rtp/engine-thread.js', async (importOriginal) => {
  const { startThread } = await importOriginal<typeof import('../../src/rtp/engine-thread.js')>();
  return {
    startThread: (options: WorkerOptions) => {
      const worker = startThread(options);
      workers.push(worker);
      return worker;
    },
  };
});

afterEach(closeAll);

describe('a media thread crashes', () => {
  test('its calls end with a reason, both sides told; those of the other thread go on; a new thread takes the next', async () => {
    const echo = await startEcho();
    workers.length = 0;
    const caller = await startBot({ threads: 2 });
    const calls = [await caller.dial(uriOf(echo)), await caller.dial(uriOf(echo))];
    const far = [...echo.calls.values()];
    await workers[0]!.terminate();
    const ends = await Promise.race(calls.map(async (call) => ({ call, end: await whenEnded(call) })));
    expect(ends.end).toMatchObject({ reason: 'failed', by: 'network', cause: 47, text: expect.stringContaining('media thread') });
    const [alive] = calls.filter((call) => call.end === undefined);
    expect(await isEchoed(alive!)).toBe(true);
    const twin = far.find((call) => call.callId === ends.call.callId)!;
    expect((await whenEnded(twin)).by).toBe('remote');
    const next = await caller.dial(uriOf(echo));
    expect(await isEchoed(next)).toBe(true);
    expect(workers).toHaveLength(3);
    expect(caller.stats().media.ports.used).toBe(2);
  });

  test('while a call is being answered: the caller gets an answer, and the next call is taken', async () => {
    const callee = await startBot();
    const worker = workers.at(-1)!;
    callee.on('call', async (call) => {
      if (call.to.user === 'x') {
        await worker.terminate();
      }
      await call.answer();
    });
    callee.on('error', () => {});
    const caller = await startBot();
    await caller.dial(uriOf(callee)).catch(() => {});
    const call = await caller.dial(uriOf(callee).replace('x@', 'y@'));
    expect(call.state).toBe('answered');
  });
});

describe('the disk is full', () => {
  test.skipIf(process.platform !== 'linux')(
    'while recording: `done` rejects with ENOSPC, no descriptor is left, the call goes on',
    async () => {
      const echo = await startEcho();
      const caller = await startBot();
      const call = await caller.dial(uriOf(echo));
      // What the system has for this: every write to it fails with ENOSPC.
      const recordings = Array.from({ length: 5 }, () => call.record('/dev/full'));
      for (const recording of recordings) await expect(recording.done).rejects.toMatchObject({ code: 'ENOSPC' });
      await expect(recordings[0]!.stop()).rejects.toMatchObject({ code: 'ENOSPC' });
      await until(() => descriptors('/dev/full') === 0, 'its descriptors are closed');
      expect(await isEchoed(call)).toBe(true);
      await call.hangup();
    },
  );

  test('a folder that is not there: told by `done`, and nothing else happens', async () => {
    const echo = await startEcho();
    const caller = await startBot();
    const call = await caller.dial(uriOf(echo));
    await expect(call.record('/nowhere/at/all.wav').done).rejects.toMatchObject({ code: 'ENOENT' });
    expect(call.end).toBeUndefined();
  });
});

describe('a bot writes faster than time', () => {
  test('past a minute write() throws: that call ends and is told as an error, the one beside it hears nothing of it', async () => {
    const world = new World();
    const caller = await world.bot(1);
    const callee = await world.bot(2);
    const failures: unknown[] = [];
    callee.on('error', (error) => failures.push(error));
    callee.on('call', async (call) => {
      await call.answer();
      while (call.to.user === 'greedy') call.audio.write(new Int16Array(16_000));
    });
    const [call, other] = await world.talking(caller, 2);
    const greedy = await world.until(caller.dial(`sip:greedy@${hostOf(2)}`));
    await world.run(1000);
    expect(greedy.end).toMatchObject({ by: 'remote' });
    expect(failures).toHaveLength(1);
    expect(await audible(world, call, other)).toBe('hears/hears');
    await world.until(call.hangup());
    await world.run(1000);
    expect(await world.close()).toEqual(NOTHING_LEFT);
  });
});

describe('out of ports', () => {
  test('503 for that call, in and out, and the way out says why; a call that ends makes room', async () => {
    const world = new World();
    const caller = await world.bot(1);
    const callee = await world.bot(2, { rtpPorts: [20_000, 20_003] });
    callee.on('call', (call) => call.answer());
    callee.on('error', () => {});
    const target = `sip:x@${hostOf(2)}`;
    const first = await world.until(caller.dial(target));
    await world.until(caller.dial(target));
    expect(await world.failure(caller.dial(target))).toMatchObject({ name: 'CallError', status: 503 });
    expect(await world.failure(callee.dial(`sip:x@${hostOf(1)}`))).toMatchObject({
      status: 503,
      message: expect.stringContaining('no media port is free'),
    });
    expect(callee.calls.size).toBe(2);
    await world.until(first.hangup());
    // The ports of a call rest before they are lent again.
    await world.run(6000);
    expect((await world.until(caller.dial(target))).state).toBe('answered');
    for (const call of caller.calls.values()) await world.until(call.hangup());
    await world.run(1000);
    expect(await world.close()).toEqual(NOTHING_LEFT);
  });
});

describe('the clock on the wall jumps', () => {
  afterEach(() => vi.restoreAllMocks());

  test.each([3600e3, -3600e3, 86_400e3 * 365])('by %i ms: sound, registration and timers do not notice', async (jump) => {
    const echo = await startEcho({ threads: 0 });
    const caller = await startBot({ threads: 0 });
    const call = await caller.dial(uriOf(echo));
    const real = Date.now.bind(Date);
    vi.spyOn(Date, 'now').mockImplementation(() => real() + jump);
    const before = call.audio.playedMs;
    expect(await isEchoed(call)).toBe(true);
    await pause(300);
    expect(call.audio.playedMs).toBeGreaterThan(before);
    await call.hold();
    await call.resume();
    const { lateness } = caller.stats().media.threads[0]!;
    expect(lateness.count).toBeGreaterThan(10);
    const second = await caller.dial(uriOf(echo));
    expect(second.state).toBe('answered');
    await call.hangup();
    expect(call.end).toMatchObject({ reason: 'hangup', by: 'local' });
  });
});

describe('the DNS', () => {
  const failures = [
    ['ESERVFAIL', { code: 'ERR_CALL_FAILED', status: 503 }],
    ['ETIMEOUT', { code: 'ERR_CALL_FAILED', status: 503 }],
    ['ECONNREFUSED', { code: 'ERR_CALL_FAILED', status: 503 }],
  ] as const;

  test.each(failures)('%s: dial rejects with 503, at once and for that name only', async (code, told) => {
    const world = new World();
    const fail = async (): Promise<never> => {
      throw Object.assign(new Error(`query ${code} pbx.example.com`), { code });
    };
    const caller = await world.bot(1, { resolver: { naptr: fail, srv: fail, a: fail, aaaa: fail } });
    const callee = await world.bot(2);
    callee.on('call', (call) => call.answer());
    expect(await world.failure(caller.dial('sip:x@pbx.example.com'))).toMatchObject(told);
    const call = await world.until(caller.dial(`sip:x@${hostOf(2)}`));
    await world.until(call.hangup());
    expect(await world.close()).toEqual(NOTHING_LEFT);
  });

  test('NXDOMAIN: dial rejects with 404 and says that the name leads nowhere', async () => {
    const world = new World();
    const nothing = async () => [];
    const caller = await world.bot(1, { resolver: { naptr: nothing, srv: nothing, a: nothing, aaaa: nothing } });
    expect(await world.failure(caller.dial('sip:x@pbx.example.com'))).toMatchObject({
      status: 404,
      message: expect.stringContaining('nowhere'),
    });
    expect(await world.close()).toEqual(NOTHING_LEFT);
  });
});
