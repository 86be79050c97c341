/** An exchange calls us: what we do with it. */
import { SipBot, type SipBotOptions } from '../../src/bot.js';
import type { Asterisk } from '../../test/interop/peers/asterisk.js';
import { sleep } from '../../test/interop/peers/process.js';
import type { Recording } from '../../test/traces/recording.js';
import { answered, asterisk, BASE, ended, expectTold, hangUpAfter, PBX, scene, user } from './stage.js';

/** It calls us: what we do with it. */
function callIn(
  name: string,
  shows: string,
  number: string,
  extension: string,
  more: SipBotOptions,
  then: (recording: Recording, pbx: Asterisk) => Promise<void>,
): void {
  scene(`asterisk-${name}`, 'Asterisk', shows, user(number, more), async (recording) => {
    const exchange = await asterisk();
    recording.do('start');
    await expectTold(recording, /registered/);
    exchange.cli(`channel originate PJSIP/${number} extension ${extension}@pbx`);
    await expectTold(recording, /call 1 comes/);
    await then(recording, exchange);
  });
}

callIn('in-answered', 'it calls us: rung, answered, hung up by us', '6001', '600', {}, async (recording) => {
  recording.do('ring 1');
  await sleep(200);
  recording.do('answer 1');
  await hangUpAfter(300)(recording);
});
callIn('in-they-hang-up', 'it calls us, and hangs up after a second', '6001', '906', {}, async (recording) => {
  recording.do('answer 1');
  await ended(recording);
});
callIn('in-busy', 'it calls us: 486', '6001', '600', {}, async (recording) => {
  recording.do('reject 1 486');
  await ended(recording);
  await sleep(200);
});
callIn('in-declined', 'it calls us: 603', '6001', '600', {}, async (recording) => {
  recording.do('reject 1 603');
  await ended(recording);
  await sleep(200);
});
callIn('in-cancelled', 'it calls us, and gives up while it rings', '6001', '600', {}, async (recording, exchange) => {
  recording.do('ring 1');
  await sleep(300);
  exchange.cli('channel request hangup all');
  await ended(recording);
  await sleep(200);
});
callIn('in-early-media', 'it calls us: 183 with early media, then the answer', '6001', '600', {}, async (recording) => {
  recording.do('progress 1');
  await sleep(400);
  recording.do('answer 1');
  await hangUpAfter(300)(recording);
});
callIn(
  'in-100rel',
  'it calls us and requires reliable responses: our 180 is acknowledged by PRACK',
  '6009',
  '600',
  {},
  async (recording) => {
    recording.do('ring 1 reliable');
    await sleep(400);
    recording.do('answer 1');
    await hangUpAfter(300)(recording);
  },
);
callIn('in-redirected', 'it calls us, and is sent elsewhere by our 302', '6001', '600', {}, async (recording) => {
  recording.do(`redirect 1 sip:600@${PBX}:5060`);
  await ended(recording);
  await sleep(200);
});
callIn('in-srtp', 'it calls us with SRTP, which we accept', '6003', '600', {}, async (recording) => {
  recording.do('answer 1');
  await hangUpAfter(300)(recording);
});
callIn(
  'in-g722',
  'it calls us, four codecs in its offer, G.722 is ours',
  '6013',
  '600',
  { codecs: ['g722', 'pcmu'] },
  async (recording) => {
    recording.do('answer 1');
    await hangUpAfter(300)(recording);
  },
);
callIn('in-session-timer', 'it calls us with session timers forced at 90 s', '6005', '600', {}, async (recording) => {
  recording.do('answer 1');
  await hangUpAfter(300)(recording);
});
callIn('in-held-by-us', 'it calls us, and we hold it and take it back', '6001', '600', {}, async (recording) => {
  recording.do('answer 1');
  await answered(recording);
  await sleep(200);
  recording.do('hold 1');
  await expectTold(recording, /held by local/);
  recording.do('resume 1');
  await expectTold(recording, /resumed by local/);
  recording.do('hangup 1');
  await ended(recording);
});
callIn('in-transferred', 'it calls us, and we send it on', '6001', '601', {}, async (recording) => {
  recording.do('answer 1');
  await answered(recording);
  await sleep(200);
  recording.do(`transfer 1 sip:600@${PBX}:5060`);
  await expectTold(recording, /call 1 transfer/);
  await sleep(200);
});
scene('asterisk-message', 'Asterisk', 'a MESSAGE out, and one that comes in', user('6002'), async (recording) => {
  await asterisk();
  recording.do('start');
  await expectTold(recording, /registered/);
  recording.do(`message sip:950@${PBX}:5060 good morning`);
  await expectTold(recording, /^message /);
  await sleep(200);
});

scene('asterisk-one-contact', 'Asterisk', 'an account that allows one contact, which another has: 403', user('6010'), async (recording) => {
  await asterisk();
  const other = new SipBot({
    ...BASE,
    ...user('6010'),
    instanceId: '00000000-0000-4000-8000-000000000001',
    listen: [{ transport: 'udp', host: '127.0.0.67', port: 5060 }],
    threads: 0,
  });
  await other.start();
  try {
    recording.do('start');
    await expectTold(recording, /failed start/);
  } finally {
    await other.stop();
  }
});
scene('asterisk-in-twice', 'Asterisk', 'two calls to us at once, each its own: the second is busy', user('6001'), async (recording) => {
  const exchange = await asterisk();
  recording.do('start');
  await expectTold(recording, /registered/);
  exchange.cli('channel originate PJSIP/6001 extension 600@pbx');
  await expectTold(recording, /call 1 comes/);
  recording.do('answer 1');
  await answered(recording);
  exchange.cli('channel originate PJSIP/6001 extension 600@pbx');
  await expectTold(recording, /call 2 comes/);
  recording.do('reject 2 486');
  await expectTold(recording, /call 2 ended/);
  recording.do('hangup 1');
  await ended(recording);
  await sleep(100);
});
