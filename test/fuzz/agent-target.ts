/**
 * The whole agent as a fuzz target: two bots and a registrar on a hand-turned clock, applications that do anything with their calls, and a wire that
 * changes messages in every state of every dialog. In the end the wire is good again: then every call ends, and nothing is left of any.
 */
import { LocalRegistrar } from '../../src/testing/local-registrar.js';
import { SeededRandom } from '../../src/testing/seeded-random.js';
import { actions, Walker } from '../bot/support/walker.js';
import { hostOf, World } from '../bot/support/world.js';
import { Tamper } from './tamper.js';
import { assert, Choices, type Target } from './target.js';

const WAITS = [0, 0, 5, 20, 60, 200, 600, 2000];
const MOST_STEPS = 24;
const REGISTRAR = '10.0.0.9';

/** What the library logs as errors when the wire lies: each is the end of that call, and said. */
const TOLD = /^the media of a call failed/;

export const agent: Target = {
  name: 'agent',
  // Dialling, answering, and then each action in turn; then noise.
  seeds: [
    ...actions.map((_, i) => Uint8Array.from([0, 0, 0, 3, 1, 3, 4, i, i % 2, 3, i, 5, 200 + (i % 50), i, 9, 3])),
    ...[1, 2, 3, 4, 5, 6, 7, 8].map((seed) => new SeededRandom(seed).bytes(120)),
  ],
  words: ['\x00\x00', '\x00\x03', '\xff\x00', '\xbe\x04\x03', '\xc8\x05\x06\x07', '\xdd\x07\x05'],
  batch: 1,
  share: 6,
  run: async (input) => {
    const choices = new Choices(input);
    const world = new World({ delayMs: 5, seed: 1 + choices.byte() });
    const tamper = new Tamper(choices);
    const network = tamper.around(world.network);
    const { clock } = world;
    const registrar = new LocalRegistrar({
      ...{ host: REGISTRAR, port: 5060, clock, network, random: new SeededRandom(3) },
      users: { a: 'secret' },
    });
    await world.until(registrar.start());
    const common = { network, maxCalls: 6, mediaTimeoutMs: 5000, ringTimeoutMs: 10_000 };
    const bots = [
      await world.bot(1, { ...common, uri: `sip:a@${REGISTRAR}`, password: 'secret', expiresS: 60, sessionExpiresS: 90 }),
      await world.bot(2, { ...common, srtp: 'optional' }),
    ] as const;
    const walkers = [new Walker(bots[0], `sip:x@${hostOf(2)}`), new Walker(bots[1], `sip:x@${hostOf(1)}`)] as const;
    tamper.isOn = true;
    for (let steps = 0; !choices.isOver && steps < MOST_STEPS; steps++) {
      const who = choices.byte();
      walkers[who % 2]!.act(who < 64 ? 'dial' : who < 128 ? 'answer' : choices.of(actions));
      await world.run(choices.of(WAITS));
    }
    tamper.isOn = false;
    await conclude(world, walkers);
    registrar.registrar.close();
    await world.until(registrar.close());
    assert(world.network.open === 0 && clock.pending === 0, `${world.network.open} sockets and ${clock.pending} timers are left`);
  },
};

async function conclude(world: World, walkers: readonly Walker[]): Promise<void> {
  await world.run(1000);
  const made = walkers.flatMap((walker) => walker.calls);
  for (const call of made) void call.hangup().catch(() => {});
  // As long as a REFER whose last NOTIFY was lost may keep its subscription.
  await world.run(240_000);
  const failures = walkers.flatMap((walker) => walker.failures);
  assert(failures.length === 0, `an application was told: ${String((failures[0] as Error)?.stack ?? failures[0])}`);
  const open = made.filter((call) => call.state !== 'ended');
  assert(open.length === 0, `a call is still ${open[0]?.state}`);
  for (const lines of walkers.flatMap((walker) => walker.logs)) {
    const ends = lines.filter((line) => line.startsWith('ended')).length;
    assert(ends === 1 && lines.at(-1)!.startsWith('ended'), `a call told: ${lines.join(', ')}`);
  }
  for (const bot of world.bots)
    assert(bot.stats().signalling.transport.handlerErrors === 0, `a message could not be handled: ${world.errors.join('; ')}`);
  const errors = world.errors.filter((error) => !TOLD.test(error));
  assert(errors.length === 0, `logged: ${errors[0]}`);
  const { calls, dialogs, ports, transactions } = await world.close();
  // A refresh of the registration may just have been answered.
  assert(calls + dialogs + ports === 0 && transactions <= 1, `left: ${JSON.stringify({ calls, dialogs, ports, transactions })}`);
}
