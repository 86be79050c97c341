/** Behind a router that changes ports: what the exchange sees of us, how we are called, and what happens when the router forgets. */
import { join } from 'node:path';
import type { SipBotOptions } from '../../src/bot.js';
import { startAsterisk } from '../../test/interop/peers/asterisk.js';
import { startKamailio } from '../../test/interop/peers/kamailio.js';
import { type Nat, openNat } from '../../test/interop/peers/nat.js';
import { sleep } from '../../test/interop/peers/process.js';
import { answered, atEnd, ended, expectTold, scene, shared, work } from './stage.js';

let opened: Nat | undefined;
const nat = (): Nat => {
  if (opened === undefined) {
    opened = openNat();
    atEnd(opened.close);
  }
  return opened;
};
const [EXCHANGE, PROXY] = [() => nat().outsideAt(2), () => nat().outsideAt(3)];
const exchange = shared('Asterisk behind a NAT', () =>
  startAsterisk({ host: EXCHANGE(), namespace: nat().outside, proxy: `${PROXY()}:5060`, folder: join(work, 'asterisk-outside') }),
);
const proxy = shared('Kamailio behind a NAT', () =>
  startKamailio({ host: PROXY(), namespace: nat().outside, exchange: `${EXCHANGE()}:5060`, folder: join(work, 'kamailio-outside') }),
);

let home = '';
const at =
  (host: () => string, user: string, more: SipBotOptions = {}): (() => SipBotOptions) =>
  () => {
    home = nat().moveIn();
    return {
      ...{ listen: [{ transport: 'udp', host: home, port: 5060 }], rtpHost: home, allow: [] },
      ...{ uri: `sip:${user}@${host()}`, password: `pw${user}`, outboundProxy: `sip:${host()};lr`, expiresS: 120, ...more },
    };
  };

const ASTERISK = 'Asterisk behind a NAT';
scene(
  'asterisk-nat-register',
  ASTERISK,
  'what it sees of us is registered in place of what we said',
  at(EXCHANGE, '6001'),
  async (recording) => {
    await exchange();
    recording.do('start');
    await expectTold(recording, /registered/);
    await sleep(200);
  },
);
scene(
  'asterisk-nat-calls',
  ASTERISK,
  'publicAddress auto: it calls us at the port of the router, we call it, and our descriptions name the router',
  at(EXCHANGE, '6002', { publicAddress: 'auto' }),
  async (recording) => {
    const pbx = await exchange();
    recording.do('start');
    await expectTold(recording, /registered/);
    pbx.cli('channel originate PJSIP/6002 extension 906@pbx');
    await expectTold(recording, /call 1 comes/);
    recording.do('answer 1');
    await ended(recording);
    recording.do(`dial sip:906@${EXCHANGE()}`);
    await expectTold(recording, /call 2 ended/);
    await sleep(100);
  },
);
scene(
  'asterisk-nat-forgotten',
  ASTERISK,
  'the router forgets: the next refresh comes from another port, is registered there, and the old one taken back',
  at(EXCHANGE, '6003', { expiresS: 10 }),
  async (recording) => {
    await exchange();
    recording.do('start');
    await expectTold(recording, /registered/);
    await sleep(1000);
    nat().forget(home);
    await sleep(9000);
  },
);
scene(
  'kamailio-nat-calls',
  'Kamailio behind a NAT',
  'a call through a record-routing proxy that knows us by an alias, and one that comes by it',
  at(PROXY, '7001'),
  async (recording) => {
    const pbx = await exchange();
    await proxy();
    recording.do('start');
    await expectTold(recording, /registered/);
    recording.do(`dial sip:906@${PROXY()}`);
    await answered(recording);
    await ended(recording);
    pbx.cli('channel originate PJSIP/7001@proxy extension 600@pbx');
    await expectTold(recording, /call 2 comes/);
    recording.do('answer 2');
    await expectTold(recording, /call 2 answered/);
    await sleep(300);
    recording.do('hangup 2');
    await expectTold(recording, /call 2 ended/);
    await sleep(100);
  },
);
