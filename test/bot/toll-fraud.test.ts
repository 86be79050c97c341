/** Ways to make a bot call what it should not, or tell what it should not: each is tried, and the wire shows that nothing came of it. */
import { describe, expect, test } from 'vitest';
import type { Call } from '../../src/bot/call.js';
import type { SipBotOptions } from '../../src/bot/options.js';
import type { SipBot } from '../../src/bot/sip-bot.js';
import { hostOf, World } from './support/world.js';

const PBX = hostOf(2);
const EVIL = hostOf(9);
const ACCOUNT = { uri: `sip:6001@${PBX}`, password: 'secret', register: false };

/** A bot that talks to somebody at 10.0.0.2, a stranger's server at 10.0.0.9 that asks everybody for a password, and what was asked of it. */
async function house(options: SipBotOptions = {}, theirs: SipBotOptions = {}) {
  const world = new World();
  const bot = await world.bot(1, { ...ACCOUNT, ...options });
  const peer = await world.bot(2, theirs);
  const evil = await world.bot(9, { allow: [], users: { '6001': 'other' } });
  evil.on('call', (call) => call.answer());
  const asked = (): string[] => world.texts.filter((text) => text.startsWith('INVITE ') && text.includes(`@${EVIL}`));
  return { world, bot, peer, evil, asked };
}

async function talking(world: World, bot: SipBot, peer: SipBot): Promise<[Call, Call]> {
  peer.on('call', (call) => (call.to.user === 'away' ? call.redirect(`sip:x@${EVIL}`) : call.answer()));
  return world.talking(bot, 2);
}

describe('whoever asks for our password', () => {
  test('a host that a redirection names gets no answer made with it', async () => {
    const { world, bot, peer, asked } = await house();
    peer.on('call', (call) => call.redirect(`sip:x@${EVIL}`));
    expect(await world.failure(bot.dial(`sip:x@${PBX}`, { redirects: 'follow' }))).toMatchObject({ status: 401 });
    expect(asked()).toHaveLength(1);
    expect(world.texts.filter((text) => /^(?:Proxy-)?Authorization:/im.test(text))).toEqual([]);
    await world.close();
  });

  test('nor one that a REFER names', async () => {
    const { world, bot, peer, asked } = await house();
    const [ours, theirs] = await talking(world, bot, peer);
    ours.on('transferRequest', (request) => void request.accept());
    expect(await world.until(theirs.transfer(`sip:x@${EVIL}`))).toMatchObject({ outcome: 'failed', status: 401 });
    expect(asked()).toHaveLength(1);
    expect(world.texts.filter((text) => /^(?:Proxy-)?Authorization:/im.test(text))).toEqual([]);
    await world.close();
  });

  test('a redirection within the account’s own server is answered', async () => {
    const { world, bot, peer } = await house({ password: 'right' }, { allow: [], users: { '6001': 'right' } });
    peer.on('call', (call) => (call.to.user === 'x' ? call.redirect(`sip:y@${PBX}`) : call.answer()));
    const call = await world.until(bot.dial(`sip:x@${PBX}`, { redirects: 'follow' }));
    expect(call.state).toBe('answered');
    await world.close();
  });
});

describe('REFER, 3xx and Replaces', () => {
  test('do nothing while nobody in the application listens', async () => {
    const { world, bot, peer, asked } = await house();
    const [, theirs] = await talking(world, bot, peer);
    expect(await world.until(theirs.transfer(`sip:x@${EVIL}`))).toMatchObject({ outcome: 'failed', status: 603 });
    expect(await world.failure(bot.dial(`sip:away@${PBX}`))).toMatchObject({ status: 302 });
    expect(asked()).toEqual([]);
    await world.close();
  });

  test('transferTargets: elsewhere is refused before the application is asked', async () => {
    const { world, bot, peer, asked } = await house({ transferTargets: ['6*', `*@${PBX}`] });
    const [ours, theirs] = await talking(world, bot, peer);
    const requests: string[] = [];
    ours.on('transferRequest', (request) => {
      requests.push(...request.targets);
      request.reject(486);
    });
    expect(await world.until(theirs.transfer(`sip:x@${EVIL}`))).toMatchObject({ status: 603 });
    expect(await world.until(theirs.transfer(`sip:x@${PBX}`))).toMatchObject({ status: 486 });
    expect(await world.until(theirs.transfer(`sip:601@${EVIL}`))).toMatchObject({ status: 486 });
    expect(requests).toEqual([`sip:x@${PBX}`, `sip:601@${EVIL}`]);
    expect(await world.failure(bot.dial(`sip:away@${PBX}`, { redirects: 'follow' }))).toMatchObject({ status: 302 });
    expect(asked()).toEqual([]);
    await world.close();
  });

  test('another method than INVITE (§19.1.1) is refused before the application is asked', async () => {
    const { world, bot, peer, asked } = await house();
    const [ours, theirs] = await talking(world, bot, peer);
    let isAsked = false;
    ours.on('transferRequest', (request) => {
      isAsked = true;
      request.accept();
    });
    expect(await world.until(theirs.transfer(`sip:x@${EVIL};method=BYE`))).toMatchObject({ outcome: 'failed', status: 501 });
    expect([isAsked, asked()]).toEqual([false, []]);
    await world.close();
  });

  test('a Refer-To smuggles no headers, no body and no route; Replaces alone is taken, and stays in its line', async () => {
    const { world, bot, peer, asked } = await house();
    const [ours, theirs] = await talking(world, bot, peer);
    ours.on('transferRequest', (request) => void request.accept());
    const smuggled = [
      'Route=%3Csip%3A10.0.0.66%3Blr%3E',
      'P-Asserted-Identity=%3Csip%3A%2B1900%40x%3E',
      'X-Admin=yes',
      'From=%3Csip%3Aboss%40x%3E',
      'body=v%3D0',
      'Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2',
    ];
    await world.until(theirs.transfer(`sip:x@${EVIL}?${smuggled.join('&')}`));
    expect(asked()).toHaveLength(1);
    const [invite] = asked();
    expect(invite).toMatch(/^Replaces: a@b;to-tag=1;from-tag=2\r$/m);
    for (const word of ['10.0.0.66', '1900', 'X-Admin', 'boss']) expect(invite).not.toContain(word);
    const before = asked().length;
    await world.until(theirs.transfer(`sip:x@${EVIL}?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2%0D%0AX-Admin%3A%20yes`).catch(() => {}));
    for (const text of asked().slice(before)) expect(text).not.toMatch(/^X-Admin/m);
    await world.close();
  });
});

describe('what is dialled', () => {
  test('blockNumbers: neither by dial, nor as a text, nor through a trunk that writes numbers otherwise, nor by REFER', async () => {
    const { world, bot, peer, asked } = await house({
      blockNumbers: ['+1900*', '1900*', `*@${EVIL}`],
      trunks: [{ name: 'carrier', hosts: [PBX], numbers: (dialled) => dialled.replace('00', '+') }],
    });
    for (const target of ['+1 900 555 0100', 'tel:+1-900-555-0100', `sip:+19005550100@${PBX}`, '001900555', `sip:x@${EVIL}`]) {
      expect(await world.failure(bot.dial(target)), target).toMatchObject({ code: 'ERR_CALL_BLOCKED', status: 603 });
      expect(await world.failure(bot.message(target, 'hello')), target).toMatchObject({ code: 'ERR_CALL_BLOCKED' });
    }
    const [ours, theirs] = await talking(world, bot, peer);
    let isAsked = false;
    ours.on('transferRequest', (request) => {
      isAsked = true;
      request.accept();
    });
    expect(await world.until(theirs.transfer(`sip:x@${EVIL}`))).toMatchObject({ status: 603 });
    expect([isAsked, asked()]).toEqual([false, []]);
    await world.close();
  });

  test.each([
    ['a line of its own in a target', (bot: SipBot) => bot.dial(`sip:x@${PBX}\r\nX-Admin: yes`)],
    ['headers behind a target', (bot: SipBot) => bot.dial(`sip:x@${PBX}?X-Admin=yes`).catch(() => {})],
    ['a line of its own in a header', (bot: SipBot) => bot.dial(`sip:x@${PBX}`, { headers: { 'X-A': '1\r\nX-Admin: yes' } })],
    ['a line of its own in a header’s name', (bot: SipBot) => bot.dial(`sip:x@${PBX}`, { headers: { 'X-A: 1\r\nX-Admin': 'yes' } })],
    ['a line of its own in a name', (bot: SipBot) => bot.dial(`sip:x@${PBX}`, { displayName: 'A\r\nX-Admin: yes' })],
    ['a line of its own in a caller id', (bot: SipBot) => bot.dial(`sip:x@${PBX}`, { callerId: '1>\r\nX-Admin: yes' }).catch(() => {})],
    ['a header of ours', (bot: SipBot) => bot.dial(`sip:x@${PBX}`, { headers: { Route: '<sip:10.0.0.66;lr>' } })],
  ])('%s does not reach the wire', async (_what, dial) => {
    const { world, bot } = await house();
    await world.until(
      dial(bot).then(
        () => {},
        () => {},
      ),
    );
    await world.run(1000);
    for (const text of world.texts) expect(text).not.toMatch(/^X-Admin:|10\.0\.0\.66/m);
    await world.close();
  });
});
