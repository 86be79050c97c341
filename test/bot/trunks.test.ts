/** Trunks at work, against carriers that are bots themselves: who they think calls, digest without REGISTER, fail-over, health. */
import { describe, expect, test } from 'vitest';
import type { Call } from '../../src/bot/call.js';
import type { TrunkOptions } from '../../src/bot/options.js';
import { hostOf, NOTHING_LEFT, World } from './support/world.js';

const carrier = (more: Partial<TrunkOptions> = {}): TrunkOptions => ({ name: 'carrier', hosts: [hostOf(8)], ...more });

/** What the carrier sees of a call through the trunk. */
async function seen(trunk: TrunkOptions, dial: Parameters<import('../../src/bot/sip-bot.js').SipBot['dial']>[1] = {}) {
  const world = new World();
  const carrierBot = await world.bot(8);
  const bot = await world.bot(1, { trunks: [trunk], allow: [] });
  const calls: Call[] = [];
  carrierBot.on('call', (call) => {
    calls.push(call);
    return call.answer();
  });
  const call = await world.until(bot.dial('+1 (555) 0100', dial));
  await world.until(call.hangup());
  expect(await world.close()).toEqual(NOTHING_LEFT);
  return calls[0]!;
}

describe('who calls, RFC 3325 and RFC 3323', () => {
  test('the trunk’s caller id in From; the number as it was dialled', async () => {
    const call = await seen(carrier({ callerId: '+15550199' }));
    expect([call.from.uri, call.requestUri, call.asserted]).toEqual(['sip:+15550199@10.0.0.1', 'sip:+15550100@10.0.0.8', undefined]);
  });

  test('`callerId` and `displayName` of dial win; `numbers` writes the number the trunk’s way', async () => {
    const call = await seen(carrier({ callerId: '1', numbers: (dialled) => dialled.replace('+', '00') }), {
      callerId: '+15550123',
      displayName: 'Ann "A"',
    });
    expect([call.from.user, call.from.displayName, call.to.user]).toEqual(['+15550123', 'Ann "A"', '0015550100']);
  });

  test.each([
    ['pai', 'P-Asserted-Identity', 'P-Preferred-Identity'],
    ['ppi', 'P-Preferred-Identity', 'P-Asserted-Identity'],
  ] as const)('identity: %s says it in %s too', async (identity, here, notHere) => {
    const call = await seen(carrier({ callerId: '+15550199', identity }));
    expect(call.headers.get(here)).toBe('<sip:+15550199@10.0.0.1>');
    expect(call.headers.has(notHere)).toBe(false);
    expect(call.asserted?.user).toBe(identity === 'pai' ? '+15550199' : undefined);
  });

  test('privacy: the callee must not see it, the carrier does (RFC 3323 §4.2)', async () => {
    const call = await seen(carrier({ callerId: '+15550199', identity: 'pai', privacy: true }));
    expect([call.from.uri, call.headers.get('Privacy'), call.asserted?.user]).toEqual([
      'sip:anonymous@anonymous.invalid',
      'id',
      '+15550199',
    ]);
  });

  test('codecs and srtp of the trunk; those of dial win', async () => {
    expect((await seen(carrier({ codecs: ['pcma'] }))).codec).toBe('pcma');
    expect((await seen(carrier({ codecs: ['pcma'] }), { codecs: ['g722'] })).codec).toBe('g722');
  });
});

describe('digest without REGISTER', () => {
  test('the carrier asks who it is, and is content; nothing is registered', async () => {
    const world = new World();
    const carrierBot = await world.bot(8, { users: { customer: 'pass phrase' }, allow: [] });
    carrierBot.on('call', (call) => call.answer());
    const bot = await world.bot(1, { trunks: [carrier({ authUser: 'customer', password: 'pass phrase', callerId: '1' })] });
    const call = await world.until(bot.dial('5550100'));
    expect(world.ladder.slice(0, 4)).toEqual(['1>8 INVITE', '8>1 401', '1>8 ACK', '1>8 INVITE']);
    expect(world.ladder.join()).not.toContain('REGISTER');
    await world.until(call.hangup());
    const wrong = await world.bot(2, { trunks: [carrier({ authUser: 'customer', password: 'wrong', callerId: '1' })] });
    expect(await world.failure(wrong.dial('5550100'))).toMatchObject({ code: 'ERR_CALL_REJECTED', status: 401 });
    expect(await world.close()).toEqual(NOTHING_LEFT);
  });
});

describe('fail-over among hosts', () => {
  test('a host that says 503, one that says nothing, and one that answers: to the application one call', async () => {
    const world = new World();
    const ids: string[] = [];
    (await world.bot(7)).on('call', (call) => {
      ids.push(call.callId);
      call.reject(503);
    });
    (await world.bot(9)).on('call', (call) => call.answer());
    const bot = await world.bot(1, { trunks: [carrier({ hosts: [hostOf(7), hostOf(8), hostOf(9)] })] });
    const tried: Call[] = [];
    const call = await world.until(bot.dial('1', { timeoutMs: 10_000, onCall: (one) => void tried.push(one) }));
    expect(call.remote?.address).toBe(hostOf(9));
    expect([tried, ids, [...bot.calls]]).toEqual([[call], [call.callId], [[call.id, call]]]);
    const told: string[] = [];
    call.on('ended', ({ reason, by }) => told.push(`${reason} by ${by}`));
    await world.until(call.hangup());
    expect(told).toEqual(['hangup by local']);
    expect(await world.close()).toEqual(NOTHING_LEFT);
  });

  test('a host whose name leads nowhere is passed over; one that rang is the last', async () => {
    const world = new World();
    const callee = await world.bot(7);
    callee.on('call', (call) => call.ring());
    (await world.bot(9)).on('call', (call) => call.answer());
    const bot = await world.bot(1, { trunks: [carrier({ hosts: ['no-such-name.invalid', hostOf(7), hostOf(9)] })] });
    const tried: Call[] = [];
    expect(await world.failure(bot.dial('1', { timeoutMs: 5000, onCall: (one) => void tried.push(one) }))).toMatchObject({
      code: 'ERR_CALL_TIMEOUT',
    });
    expect(tried.map((one) => one.end?.status)).toEqual([408]);
    expect(await world.close()).toEqual(NOTHING_LEFT);
  });

  test('hung up while one host after the other is tried: no further one is, and it ends once', async () => {
    const world = new World();
    (await world.bot(9)).on('call', (call) => call.answer());
    const bot = await world.bot(1, { trunks: [carrier({ hosts: [hostOf(7), hostOf(8), hostOf(9)] })] });
    const abort = new AbortController();
    const ends: string[] = [];
    const dialled = bot.dial('1', {
      timeoutMs: 1000,
      signal: abort.signal,
      onCall: (call) => void call.on('ended', ({ reason }) => ends.push(reason)),
    });
    const failure = world.failure(dialled);
    await world.run(1500);
    expect([bot.calls.size, world.ladder.filter((line) => line.endsWith('INVITE')).at(-1)]).toEqual([1, '1>8 INVITE']);
    abort.abort();
    expect(await failure).toMatchObject({ code: 'ERR_CALL_CANCELLED' });
    expect([ends, world.ladder.includes('1>9 INVITE')]).toEqual([['cancelled'], false]);
    expect(await world.close()).toEqual(NOTHING_LEFT);
  });

  test('a host that answers after it was given up: its answer is acknowledged and released, the call is the next host’s', async () => {
    const world = new World();
    const slow = await world.bot(7);
    const late: string[] = [];
    slow.on('call', (call) => {
      world.clock.at(world.clock.now() + 3000, () => call.answer());
      call.on('ended', ({ reason, by }) => late.push(`${reason} by ${by}`));
    });
    (await world.bot(9)).on('call', (call) => call.answer());
    const bot = await world.bot(1, { trunks: [carrier({ hosts: [hostOf(7), hostOf(9)] })] });
    const call = await world.until(bot.dial('1', { timeoutMs: 2000 }));
    await world.run(5000);
    expect([call.state, call.remote?.address, late.length]).toEqual(['answered', hostOf(9), 1]);
    await world.until(call.hangup());
    expect(await world.close()).toEqual(NOTHING_LEFT);
  });

  test('the callee’s own answer is final: 486 tries nobody else', async () => {
    const world = new World();
    (await world.bot(7)).on('call', (call) => call.reject(486));
    (await world.bot(9)).on('call', (call) => call.answer());
    const bot = await world.bot(1, { trunks: [carrier({ hosts: [hostOf(7), hostOf(9)] })] });
    expect(await world.failure(bot.dial('1'))).toMatchObject({ status: 486 });
    expect(world.ladder.some((line) => line === '1>9 INVITE')).toBe(false);
    expect(await world.close()).toEqual(NOTHING_LEFT);
  });

  test('OPTIONS health: a silent host is passed over, and taken again when it is back', async () => {
    const world = new World();
    for (const number of [7, 8]) (await world.bot(number)).on('call', (call) => call.answer());
    const bot = await world.bot(1, { trunks: [carrier({ hosts: [hostOf(7), hostOf(8)], optionsPingS: 10 })] });
    const up = () => bot.stats().trunks[0]!.hosts.map(({ isUp }) => isUp);
    const reach = async (): Promise<string | undefined> => {
      const call = await world.until(bot.dial('1'));
      await world.until(call.hangup());
      return call.remote?.address;
    };
    await world.run(1000);
    expect([up(), await reach()]).toEqual([[true, true], hostOf(7)]);
    world.network.isolate(hostOf(7));
    await world.run(45_000);
    expect([up(), await reach()]).toEqual([[false, true], hostOf(8)]);
    expect(world.warnings).toContain('trunk host is down');
    world.network.restore(hostOf(7));
    await world.run(45_000);
    expect([up(), await reach()]).toEqual([[true, true], hostOf(7)]);
    await world.until(bot.stop());
    expect(await world.close()).toEqual(NOTHING_LEFT);
  });
});
