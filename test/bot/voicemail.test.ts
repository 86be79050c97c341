import { describe, expect, test } from 'vitest';
import type { Voicemail } from '../../src/bot/sip-bot.js';
import { parseMessageSummary } from '../../src/bot/voicemail.js';
import { pbx } from './support/pbx.js';
import { NOTHING_LEFT, World } from './support/world.js';

const SUMMARY = 'application/simple-message-summary';
const parse = (body: string, type = SUMMARY) => parseMessageSummary(type, Buffer.from(body));

describe('a message summary, RFC 3842 §5.2', () => {
  test('the example of §3.5, and what servers really send', () => {
    expect(parse('Messages-Waiting: yes\r\nMessage-Account: sip:alice@vmail.example.com\r\nVoice-Message: 2/8 (0/2)\r\n')).toEqual({
      isWaiting: true,
      newMessages: 2,
      oldMessages: 8,
    });
    expect(parse('Messages-Waiting: no\n', `${SUMMARY}; charset=utf-8`)).toEqual({
      isWaiting: false,
      newMessages: undefined,
      oldMessages: undefined,
    });
    expect(parse('messages-waiting:YES\r\nvoice-message: 1 / 0\r\n')).toEqual({ isWaiting: true, newMessages: 1, oldMessages: 0 });
    expect(parse('Messages-Waiting: yes\r\nFax-Message: 4/0\r\n')).toMatchObject({ isWaiting: true, newMessages: undefined });
  });

  test('what is none: another type, nothing said, too long, counts that are no numbers', () => {
    expect(parse('Messages-Waiting: yes\r\n', 'text/plain')).toBeUndefined();
    expect(parse('Voice-Message: 1/0\r\n')).toBeUndefined();
    expect(parse('')).toBeUndefined();
    expect(parse(`Messages-Waiting: yes\r\nX: ${'x'.repeat(9000)}\r\n`)).toBeUndefined();
    expect(parse('Messages-Waiting: yes\r\nVoice-Message: 9999999999/1\r\n')).toMatchObject({ newMessages: undefined });
  });
});

async function stage(voicemail: boolean) {
  const world = new World();
  const house = await pbx(world, 9, { '6001': 'secret' });
  const told: Voicemail[] = [];
  const bot = world.make(1, { uri: 'sip:6001@10.0.0.9', password: 'secret', voicemail });
  bot.on('voicemail', (one) => told.push(one));
  await world.until(bot.start());
  await world.run(500);
  const close = async () => {
    await world.until(bot.stop());
    await world.until(house.agent.close());
    return { ...NOTHING_LEFT, timers: world.clock.pending, sockets: world.network.open };
  };
  return { world, house, bot, told, close };
}

describe('the event `voicemail`', () => {
  test('with `voicemail: true`: subscribed once registered, told at first and when it changes, ended with the bot', async () => {
    const { world, house, told, close } = await stage(true);
    expect(house.subscriptions).toHaveLength(1);
    const { request } = house.subscriptions[0]!;
    expect([String(request.uri), request.header('Accept'), request.header('Event')]).toEqual([
      'sip:6001@10.0.0.9',
      SUMMARY,
      'message-summary',
    ]);
    const account = 'sip:6001@10.0.0.9';
    expect(told).toEqual([{ account, isWaiting: false, newMessages: 0, oldMessages: 3 }]);
    house.mailbox = 'Messages-Waiting: yes\r\nVoice-Message: 1/3 (0/0)\r\n';
    house.subscriptions[0]!.notify();
    await world.run(100);
    house.subscriptions[0]!.notify();
    await world.run(100);
    expect(told.slice(1)).toEqual([{ account, isWaiting: true, newMessages: 1, oldMessages: 3 }]);
    expect(await close()).toEqual(NOTHING_LEFT);
    expect(house.subscriptions[0]!.state).toBe('terminated');
  });

  test('a server without it is logged once, and the bot goes on', async () => {
    const world = new World();
    const house = await pbx(world, 9, { '6001': 'secret' }, { eventPackages: ['presence'] });
    const bot = await world.bot(1, { uri: 'sip:6001@10.0.0.9', password: 'secret', voicemail: true });
    await world.run(60_000);
    expect(world.warnings.filter((line) => line.includes('voicemail'))).toHaveLength(1);
    expect(bot.stats().accounts).toEqual([{ account: 'sip:6001@10.0.0.9', isRegistered: true }]);
    await world.until(bot.stop());
    await world.until(house.agent.close());
  });

  test('told unasked, as Asterisk does: taken for the account that it is sent to; any other NOTIFY gets 481', async () => {
    const { world, house, told, close } = await stage(false);
    expect(house.subscriptions).toHaveLength(0);
    const contact = house.registrar.lookup('sip:6001@10.0.0.9')[0]!.uri;
    const notify = (event: string, body: string, type = SUMMARY) =>
      world.until(
        house.agent.request({
          method: 'NOTIFY',
          uri: contact,
          from: '<sip:asterisk@10.0.0.9>',
          headers: [
            ['Event', event],
            ['Subscription-State', 'terminated'],
          ],
          contentType: type,
          body,
        }),
      );
    expect((await notify('message-summary', 'Messages-Waiting: yes\r\nVoice-Message: 5/0\r\n')).status).toBe(200);
    expect(told).toEqual([{ account: 'sip:6001@10.0.0.9', isWaiting: true, newMessages: 5, oldMessages: 0 }]);
    expect((await notify('presence', '')).status).toBe(481);
    expect((await notify('message-summary', 'nonsense', 'text/plain')).status).toBe(481);
    expect(told).toHaveLength(1);
    expect(await close()).toEqual(NOTHING_LEFT);
  });
});
