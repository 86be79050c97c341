/** A bot behind a router that changes ports, registered with an exchange and with a proxy outside: called, and calling, and with the router forgetting it. */
import { describe, expect } from 'vitest';
import { sipbot } from '../cli/capture-terminal.js';
import { behind, contacts, exchange, forget, isCalled, nat, proxy, skip, title } from './behind-nat.js';
import { dial, endOf, expectEcho, peers, test } from './line.js';
import { sleep, until } from './peers/process.js';

describe.concurrent('Asterisk 22', skip, () => {
  describe.concurrent(title, () => {
    test('registers, and is called', async ({ bot }) => {
      const one = await bot(behind(exchange, '6021'));
      expect(contacts(one).at(-1)).toMatch(new RegExp(`^${nat.router}:\\d+$`));
      expect(contacts(one).at(-1)).not.toBe(`${nat.router}:${one.addresses[0]!.port}`);
      await isCalled(one, '6021');
    });

    test('calls: heard both ways, held, resumed, hung up by us', async ({ bot }) => {
      const one = await bot(behind(exchange, '6022', { register: false }));
      const call = await dial(one, exchange, '600');
      await expectEcho(call);
      await call.hold();
      await call.resume();
      await expectEcho(call, 700);
      const ended = endOf(call);
      await call.hangup();
      expect(await ended).toMatchObject({ reason: 'hangup', by: 'local', status: 200 });
    });

    test('they hang up: their BYE comes through', async ({ bot }) => {
      const one = await bot(behind(exchange, '6023', { register: false }));
      expect(await endOf(await dial(one, exchange, '906'))).toMatchObject({ reason: 'hangup', by: 'remote' });
    });

    test('publicAddress auto: our descriptions name the router, calls in and out are heard', async ({ bot }) => {
      const one = await bot(behind(exchange, '6024', { publicAddress: 'auto' }));
      await isCalled(one, '6024');
      const call = await dial(one, exchange, '600');
      await expectEcho(call);
      const offer = one.messages.find(({ direction, text }) => direction === 'out' && text.startsWith('INVITE'))!.text;
      expect(offer).toContain(`c=IN IP4 ${nat.router}\r\n`);
    });

    test('over TCP: called over the connection we opened', async ({ bot }) => {
      const one = await bot(behind(exchange, '6025', { transport: 'tcp' }));
      await isCalled(one, '6025');
      expect(one.messages.every(({ text }) => !/^Via: SIP\/2\.0\/UDP/im.test(text))).toBe(true);
    });

    test('doctor says what the router makes of us, and that audio goes both ways', async () => {
      const args = ['--uri', `sip:6027@${exchange.host}`, '--password', 'pw6027', '--host', nat.moveIn(), '--echo', '600'];
      const { code, out } = await sipbot('doctor', ...args);
      expect(out).toMatch(new RegExp(`note +the registrar sees us at ${nat.router}:\\d+, we said 192\\.168\\..*\n +-> NAT between`));
      expect(out).toMatch(/audio goes both ways/);
      expect(code).toBe(0);
    });

    test('silent for longer than the router remembers: kept open, and called', { timeout: 90_000 }, async ({ bot }) => {
      const one = await bot(behind(exchange, '6026', { expiresS: 300 }));
      const before = one.messages.length;
      await sleep(nat.remembersMs + 10_000);
      const since = one.messages.slice(before).map(({ direction, text }) => `${direction} ${text.trim()}`);
      expect(new Set(since)).toEqual(new Set(['out ']));
      await isCalled(one, '6026');
    });
  });
});

describe.concurrent('Kamailio', { skip: skip.skip || peers.kamailio === undefined }, () => {
  describe.concurrent(title, () => {
    for (const publicAddress of [undefined, 'auto'] as const) {
      const [user, how] = publicAddress === undefined ? ['7021', ''] : ['7022', ', publicAddress auto'];
      const options = publicAddress === undefined ? {} : { publicAddress };

      test(`registers, and is called through it${how}`, async ({ bot }) => {
        await isCalled(await bot(behind(proxy, user, options)), user, '@proxy');
      });

      test(`calls through it: held, resumed, and their BYE comes by the route set and the alias${how}`, async ({ bot }) => {
        const one = await bot(behind(proxy, user, { register: false, ...options }));
        const call = await dial(one, proxy, '600');
        await expectEcho(call);
        await call.hold();
        await call.resume();
        await expectEcho(call, 700);
        const ended = endOf(call);
        await call.hangup();
        expect(await ended).toMatchObject({ reason: 'hangup', by: 'local', status: 200 });
        expect(await endOf(await dial(one, proxy, '906'))).toMatchObject({ reason: 'hangup', by: 'remote' });
      });
    }
  });
});

for (const [name, isThere, at] of [
  ['Asterisk 22', true, () => ({ peer: exchange, user: '6031', caller: '6032', through: '' })],
  ['Kamailio', peers.kamailio !== undefined, () => ({ peer: proxy, user: '7023', caller: '7024', through: '@proxy' })],
] as const) {
  describe.concurrent(name, { skip: skip.skip || !isThere }, () => {
    describe.concurrent(title, () => {
      test('the router forgets us: registered at the new port with the next refresh, and called there', async ({ bot }) => {
        const { peer, user, through } = at();
        const one = await bot(behind(peer, user, { expiresS: 15 }));
        const before = contacts(one).at(-1);
        forget(one);
        await until('registered anew', () => contacts(one).at(-1) !== before, 20_000);
        expect(contacts(one).at(-1)).toMatch(new RegExp(`^${nat.router}:`));
        await sleep(500);
        await isCalled(one, user, through);
      });

      test('the router forgets a call: it goes on from another port, heard both ways', async ({ bot }) => {
        const { peer, caller } = at();
        const one = await bot(behind(peer, caller, { register: false }));
        const call = await dial(one, peer, '600');
        await expectEcho(call);
        forget(one);
        // The exchange believes the new port once enough has come from there.
        await sleep(1000);
        await expectEcho(call, 700);
        await call.hold();
        await call.resume();
        await expectEcho(call, 1300);
        const ended = endOf(call);
        await call.hangup();
        expect(await ended).toMatchObject({ reason: 'hangup', by: 'local', status: 200 });
      });
    });
  });
}
