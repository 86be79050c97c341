/** What a call holds while it is up, exactly, and that it holds nothing afterwards. */
import { expect, test } from 'vitest';
import { World } from './support/world.js';

test('a call has two sockets at each end and no timer of its own for its media; when it has ended, nothing is left', async () => {
  const world = new World();
  const caller = await world.bot(1);
  const callee = await world.bot(2);
  callee.on('call', (call) => void call.answer());
  const held = () => {
    const stats = [caller.stats(), callee.stats()];
    return {
      sockets: world.network.open,
      timers: world.clock.pending,
      ports: stats.map(({ media }) => media.ports.used),
      streams: stats.map(({ media }) => media.threads.reduce((sum, { streams }) => sum + streams, 0)),
      dialogs: stats.map(({ signalling }) => signalling.dialogs),
      transactions: stats.map(({ signalling }) => signalling.transactions.clients + signalling.transactions.servers),
    };
  };
  const idle = held();
  const calls = [];
  for (let number = 1; number <= 5; number++) {
    calls.push(await world.until(caller.dial('sip:bot@10.0.0.2')));
    await world.run(1000);
    const { sockets, timers, ports, streams, dialogs } = held();
    expect({ sockets, ports, streams, dialogs }).toEqual({
      sockets: idle.sockets + 4 * number,
      ports: [number, number],
      streams: [number, number],
      dialogs: [number, number],
    });
    // One for the media and one for the transactions of each agent, however many calls there are; the rest are the calls' own.
    expect(timers - idle.timers).toBeLessThanOrEqual(4 + 2 * number);
  }
  for (const call of calls) await world.until(call.hangup());
  await world.run(40_000);
  expect(held()).toEqual(idle);
  await world.close();
});
