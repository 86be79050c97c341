/** Bots behind a router that changes ports, and outside an exchange and a proxy that they register with: all there for one file of tests. */
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { SipBotOptions } from '../../src/index.js';
import { answered, as, endOf, expectEcho, nextCall, peers, type TestBot } from './line.js';
import { type Asterisk, startAsterisk } from './peers/asterisk.js';
import { startKamailio } from './peers/kamailio.js';
import { type Nat, openNat } from './peers/nat.js';
import type { PeerAddress } from './setup.js';

const { whyNoNat } = peers;
export const title = `behind a NAT that changes ports${whyNoNat === undefined ? '' : ` (skipped: ${whyNoNat})`}`;
export const skip = { skip: whyNoNat !== undefined || peers.asterisk === undefined };

export let nat: Nat;
export let exchange: Asterisk;
export let proxy: PeerAddress;
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  if (skip.skip) return;
  nat = openNat();
  ends.unshift(nat.close);
  const folder = join(peers.work, nat.outside, String(Date.now()));
  const [namespace, hosts] = [nat.outside, { exchange: nat.outsideAt(2), proxy: nat.outsideAt(3) }];
  const start = async <P extends { stop(): Promise<void> }>(peer: Promise<P>): Promise<P> => {
    const started = await peer;
    ends.unshift(() => started.stop());
    return started;
  };
  const withProxy = peers.kamailio !== undefined;
  exchange = await start(
    startAsterisk({
      ...{ host: hosts.exchange, namespace, folder: join(folder, 'asterisk') },
      ...(withProxy ? { proxy: `${hosts.proxy}:5060` } : {}),
    }),
  );
  if (!withProxy) return;
  const started = await start(
    startKamailio({
      ...{ host: hosts.proxy, namespace, folder: join(folder, 'kamailio') },
      exchange: `${hosts.exchange}:5060`,
    }),
  );
  proxy = { ...started, wssPort: 0 };
});

afterAll(async () => {
  for (const end of ends) await end();
});

/** A bot at home, registered with somebody outside. */
export function behind(peer: PeerAddress, user: string, more: Parameters<typeof as>[2] = {}): SipBotOptions {
  const { transport = 'udp' } = more;
  const home = nat.moveIn();
  return { ...as(peer, user, { register: true, ...more }), listen: [{ transport, host: home }], rtpHost: home };
}

/** The router's memory of all flows of that bot is gone. */
export function forget(bot: TestBot): void {
  nat.forget(bot.addresses[0]!.host);
}

/** The exchange calls it, straight or through the proxy, and echoes what it says. */
export async function isCalled(bot: TestBot, user: string, through = ''): Promise<void> {
  const incoming = answered(nextCall(bot));
  exchange.cli(`channel originate PJSIP/${user}${through} application Echo`);
  const into = await incoming;
  await expectEcho(into);
  const ended = endOf(into);
  await into.hangup();
  await ended;
}

/** Contacts that it registered, oldest first: `host:port`. */
export function contacts(bot: TestBot): string[] {
  return bot.messages.flatMap(({ direction, text }) =>
    direction === 'out' && text.startsWith('REGISTER') ? (/^Contact: .*?@([^;>]+).*[^0]$/m.exec(text)?.[1] ?? []) : [],
  );
}
