/** A softphone, and one behind an exchange. */
import { join } from 'node:path';
import type { SipBotOptions } from '../../src/bot.js';
import type { Baresip, BaresipOptions } from '../../test/interop/peers/baresip.js';
import { sleep } from '../../test/interop/peers/process.js';
import { sipp } from '../../test/interop/peers/sipp.js';
import type { Recording } from '../../test/traces/recording.js';
import { answered, asterisk, ended, expectTold, hangUpAfter, OUR_PORT, PBX, PHONE, phone, SIPP, scene, US, user, work } from './stage.js';

function withPhone(
  name: string,
  shows: string,
  options: Partial<BaresipOptions>,
  bot: SipBotOptions,
  play: (recording: Recording, other: Baresip) => Promise<void>,
): void {
  scene(`baresip-${name}`, 'baresip', shows, bot, async (recording) => {
    const other = await phone(options);
    try {
      recording.do('start');
      await sleep(200);
      await play(recording, other);
    } finally {
      await other.stop();
    }
  });
}
const toPhone = `dial sip:phone@${PHONE.host}:${PHONE.port}`;

withPhone('call-pcmu', 'a call to a phone, hung up by us', {}, {}, async (recording) => {
  recording.do(toPhone);
  await hangUpAfter(400)(recording);
});
withPhone('call-g722', 'a call in G.722', { codecs: ['g722'] }, { codecs: ['g722'] }, async (recording) => {
  recording.do(toPhone);
  await hangUpAfter(400)(recording);
});
withPhone('call-opus', 'a call in Opus', { codecs: ['opus'] }, { codecs: ['opus'] }, async (recording) => {
  recording.do(toPhone);
  await hangUpAfter(400)(recording);
});
withPhone('srtp', 'SRTP it insists on', { accountParameters: 'mediaenc=srtp-mand' }, { srtp: 'required' }, async (recording) => {
  recording.do(toPhone);
  await hangUpAfter(400)(recording);
});
withPhone('hangs-up', 'a call to a phone, which hangs up', {}, {}, async (recording, other) => {
  recording.do(toPhone);
  await answered(recording);
  await sleep(300);
  other.command('hangup');
  await ended(recording);
  await sleep(100);
});
withPhone('holds-us', 'a phone calls us, holds us, takes us back, hangs up', {}, {}, async (recording, other) => {
  other.command('dial', `sip:bot@${US}:${OUR_PORT}`);
  await expectTold(recording, /call 1 comes/);
  recording.do('ring 1');
  await sleep(200);
  recording.do('answer 1');
  await other.sees('CALL_ESTABLISHED');
  await sleep(300);
  other.command('hold');
  await expectTold(recording, /held by remote/);
  await sleep(200);
  other.command('resume');
  await expectTold(recording, /resumed by remote/);
  await sleep(200);
  other.command('hangup');
  await ended(recording);
  await sleep(100);
});
withPhone('held-by-us', 'we hold a phone, and take it back', {}, {}, async (recording) => {
  recording.do(toPhone);
  await answered(recording);
  await sleep(200);
  recording.do('hold 1');
  await expectTold(recording, /held by local/);
  await sleep(200);
  recording.do('resume 1');
  await expectTold(recording, /resumed by local/);
  await sleep(200);
  recording.do('hangup 1');
  await ended(recording);
});
withPhone('transfers-us', 'a phone sends us on to somebody else (REFER), and we go', {}, {}, async (recording, other) => {
  const third = sipp('3.6', join(work, 'third'), ['-sn', 'uas', '-i', SIPP, '-p', '5060', '-m', '1', '-timeout', '30']);
  other.command('dial', `sip:bot@${US}:${OUR_PORT}`);
  await expectTold(recording, /call 1 comes/);
  recording.do('answer 1');
  await other.sees('CALL_ESTABLISHED');
  await sleep(300);
  other.command('transfer', `sip:third@${SIPP}:5060`);
  await expectTold(recording, /asked to go/);
  recording.do('accept 1');
  await expectTold(recording, /call 2 answered/);
  await sleep(500);
  recording.do('hangup 2');
  await expectTold(recording, /call 2 ended/);
  await sleep(300);
  third.stop();
});

withPhone('sound-g722', 'the tone of a phone in G.722: 700 ms of sound', { codecs: ['g722'] }, { codecs: ['g722'] }, async (recording) => {
  recording.do(toPhone);
  await hangUpAfter(1100)(recording);
});

/** A phone is on the other side of the exchange, so that a bridge holds the call and it can be sent on. */
function behindAsterisk(name: string, shows: string, play: (recording: Recording) => Promise<void>): void {
  scene(`asterisk-${name}`, 'Asterisk, a phone behind it', shows, user('6001', { register: false }), async (recording) => {
    await asterisk();
    const other = await phone({ user: '6002', password: 'pw6002', domain: PBX, register: true });
    try {
      await other.registered();
      recording.do('start');
      await sleep(100);
      recording.do(`dial sip:76002@${PBX}:5060`);
      await answered(recording);
      await sleep(500);
      await play(recording);
      await sleep(300);
    } finally {
      await other.stop();
    }
  });
}
behindAsterisk('attended-transfer', 'two calls of ours become one without us: REFER with Replaces', async (recording) => {
  recording.do(`dial sip:600@${PBX}:5060`);
  await expectTold(recording, /call 2 answered/);
  await sleep(500);
  recording.do('transfer 1 call 2');
  await expectTold(recording, /call 1 transfer completed/);
  await expectTold(recording, /call 2 ended/);
});
behindAsterisk('blind-transfer', 'the other side of our call is sent on: REFER, NOTIFY, and we are done', async (recording) => {
  recording.do(`transfer 1 sip:600@${PBX}:5060`);
  await expectTold(recording, /call 1 transfer completed/);
});
