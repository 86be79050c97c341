/** Through a record-routing proxy. */
import { SipBot, type SipBotOptions } from '../../src/bot.js';
import { sleep } from '../../test/interop/peers/process.js';
import type { Recording } from '../../test/traces/recording.js';
import { BASE, ended, expectTold, hangUpAfter, kamailio, kamailioSha256, member, scene } from './stage.js';

scene(
  'kamailio-register',
  'Kamailio',
  'registered with digest MD5 through its address, for a domain that is in no DNS',
  member('7001'),
  async (recording) => {
    await kamailio();
    recording.do('start');
    await expectTold(recording, /registered/);
    await sleep(200);
  },
);
scene('kamailio-register-sha256', 'Kamailio', 'registered with digest SHA-256', member('7001', '127.0.0.66'), async (recording) => {
  await kamailioSha256();
  recording.do('start');
  await expectTold(recording, /registered/);
  await sleep(200);
});
scene('kamailio-unavailable', 'Kamailio', 'a user who is not registered', member('7001'), async (recording) => {
  await kamailio();
  recording.do('start');
  await expectTold(recording, /registered/);
  recording.do('dial sip:7003@sip.test');
  await ended(recording);
  await sleep(100);
});

/** Through the proxy to another member, whose agent is of our kind and elsewhere. */
export function throughProxy(
  name: string,
  shows: string,
  play: (recording: Recording, other: SipBot) => Promise<void>,
  bot: SipBotOptions | (() => SipBotOptions) = member('7001'),
): void {
  scene(`kamailio-${name}`, 'Kamailio', shows, bot, async (recording) => {
    await kamailio();
    const elsewhere = '127.0.0.67';
    const other = new SipBot({
      ...BASE,
      ...member('7002'),
      listen: [{ transport: 'udp', host: elsewhere, port: 5060 }],
      rtpHost: elsewhere,
      threads: 0,
    });
    await other.start();
    try {
      recording.do('start');
      await expectTold(recording, /registered/);
      await play(recording, other);
      await sleep(300);
    } finally {
      await other.stop();
    }
  });
}

throughProxy('record-route-out', 'a call through a record-routing proxy, loose routed to the end', async (recording, other) => {
  other.on('call', (call) => call.answer());
  recording.do('dial sip:7002@sip.test');
  await hangUpAfter(400)(recording);
});
throughProxy(
  'record-route-in',
  'a call that comes through a record-routing proxy: our answer copies its routes, our BYE goes back by them',
  async (recording, other) => {
    void other.dial('sip:7001@sip.test');
    await expectTold(recording, /call 1 comes/);
    recording.do('ring 1');
    await sleep(200);
    recording.do('answer 1');
    await hangUpAfter(400)(recording);
  },
);
throughProxy('hold-through-proxy', 'held and taken back by the other side, through the proxy', async (recording, other) => {
  other.on('call', async (call) => {
    await call.answer();
    await sleep(300);
    await call.hold();
    await sleep(300);
    await call.resume();
    await sleep(300);
    await call.hangup();
  });
  recording.do('dial sip:7002@sip.test');
  await ended(recording);
});
throughProxy('busy-through-proxy', 'a busy callee behind the proxy: its 486 comes through', async (recording, other) => {
  other.on('call', (call) => call.reject(486));
  recording.do('dial sip:7002@sip.test');
  await ended(recording);
});
throughProxy('cancelled-through-proxy', 'rings behind the proxy, and we give up: CANCEL goes hop by hop', async (recording, other) => {
  other.on('call', (call) => void call.ring());
  recording.do('dial sip:7002@sip.test');
  await expectTold(recording, /call 1 ringing/);
  await sleep(300);
  recording.do('hangup 1');
  await ended(recording);
});
throughProxy('message', 'a MESSAGE through the proxy, and one that comes back', async (recording, other) => {
  other.on('message', (message) => void other.message('sip:7001@sip.test', `you said: ${message.text}`));
  recording.do('message sip:7002@sip.test good morning');
  await expectTold(recording, /^message /);
});
