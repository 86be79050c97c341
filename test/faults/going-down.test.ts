/** Going down well: a drain under load, and processes that are asked to end while somebody talks to them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import type { Call } from '../../src/bot/call.js';
import { LocalRegistrar } from '../../src/testing/local-registrar.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';
import { hostOf, NOTHING_LEFT, World } from '../bot/support/world.js';
import { closeAll, HOST, isEchoed, later, startBot, startRegistrar, until } from './bots.js';

afterEach(closeAll);

describe('stop({ drainMs }) under load', () => {
  test('12 calls: new ones get 503 and the registrar sends no more, each call ends by itself, what is left at the end is hung up', async () => {
    const world = new World();
    const { clock, network } = world;
    const registrar = new LocalRegistrar({
      host: '10.0.0.9',
      port: 5060,
      clock,
      network,
      random: new SeededRandom(5),
      users: { bot: 'secret' },
    });
    await world.until(registrar.start());
    const callee = await world.bot(2, { uri: 'sip:bot@10.0.0.9', password: 'secret', rtpPorts: [20_000, 21_000] });
    const caller = await world.bot(1, { rtpPorts: [20_000, 21_000] });
    callee.on('call', (call) => call.answer());
    const calls = await world.until(Promise.all(Array.from({ length: 12 }, () => caller.dial(`sip:bot@${hostOf(2)}`))));
    const bindings = (): number => registrar.registrar.lookup('sip:bot@10.0.0.9').length;
    expect(bindings()).toBe(1);

    const stopping = callee.stop({ drainMs: 5000 });
    await world.run(200);
    expect(bindings()).toBe(0);
    expect(await world.failure(caller.dial(`sip:bot@${hostOf(2)}`))).toMatchObject({ status: 503 });
    // Four hang up, four go on hold and come back, four stay.
    for (const call of calls.slice(0, 4)) await world.until(call.hangup());
    for (const call of calls.slice(4, 8)) await world.until(call.hold().then(() => call.resume()));
    expect(calls.map((call) => call.state)).toEqual([...Array(4).fill('ended'), ...Array(8).fill('answered')]);
    await world.until(stopping);
    await world.run(1000);
    const ends = calls.map((call) => `${call.end?.reason} ${call.end?.by}`);
    expect(ends).toEqual([...Array(4).fill('hangup local'), ...Array(8).fill('hangup remote')]);
    registrar.registrar.close();
    await world.until(registrar.close());
    expect(await world.close()).toEqual(NOTHING_LEFT);
  });
});

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A program of ours from source, its account in the environment. */
function program(args: readonly string[], registrar: LocalRegistrar): ChildProcess {
  const child = spawn(process.execPath, ['--import', 'tsx', ...args], {
    cwd: root,
    env: { ...process.env, SIP_URI: `sip:bot@${registrar.address}`, SIP_PASSWORD: 'secret' },
    stdio: 'ignore',
  });
  later(() => child.kill('SIGKILL'));
  return child;
}

const exitOf = (child: ChildProcess): Promise<number | null> => new Promise((resolve) => child.once('exit', resolve));

const programs = {
  'an example': ['examples/01-echo.ts'],
  'the command': ['--eval', "import('./src/cli.ts').then(({ main }) => main())", 'sipbot', 'listen', '--echo', '--host', HOST],
} as const;

describe('SIGTERM', () => {
  test.each(Object.entries(programs))(
    '%s: unregisters, lets the call that is up end by itself, and exits with 0',
    { timeout: 90_000 },
    async (_name, args) => {
      const registrar = await startRegistrar();
      const child = program(args, registrar);
      const isBound = (): boolean => registrar.registrar.lookup(`sip:bot@${registrar.address}`).length > 0;
      await until(isBound, 'it is registered', 30_000);
      const caller = await startBot();
      const call: Call = await caller.dial(`sip:bot@${registrar.address}`, { redirects: 'follow' });
      expect(await isEchoed(call)).toBe(true);
      const exited = exitOf(child);
      child.kill('SIGTERM');
      await until(() => !isBound(), 'it is unregistered');
      expect(await isEchoed(call)).toBe(true);
      await call.hangup();
      expect(await exited).toBe(0);
    },
  );

  test('a second one ends at once', { timeout: 60_000 }, async () => {
    const registrar = await startRegistrar();
    const child = program(programs['an example'], registrar);
    const isBound = (): boolean => registrar.registrar.lookup(`sip:bot@${registrar.address}`).length > 0;
    await until(isBound, 'it is registered', 30_000);
    const caller = await startBot();
    await caller.dial(`sip:bot@${registrar.address}`, { redirects: 'follow' });
    const exited = exitOf(child);
    child.kill('SIGTERM');
    await until(() => !isBound(), 'it is unregistered');
    child.kill('SIGTERM');
    expect(await exited).toBe(130);
  });
});
