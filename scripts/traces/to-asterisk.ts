/** Calls of ours to an exchange, registrations, and keys and sounds that come of them. */
import type { SipBotOptions } from '../../src/bot.js';
import { sleep } from '../../test/interop/peers/process.js';
import type { Recording } from '../../test/traces/recording.js';
import { answered, asterisk, ended, expectTold, hangUpAfter, OUR_PORT, PBX, scene, US, user } from './stage.js';

/** Registered or not, a call out; what happens once it is up. */
/** Registered or not, a call out; what happens once it is up. */
function callOut(
  name: string,
  shows: string,
  number: string,
  extension: string,
  more: SipBotOptions,
  then: (recording: Recording) => Promise<void> = async () => {},
  dialOptions = '',
): void {
  scene(`asterisk-${name}`, 'Asterisk', shows, user(number, { register: false, ...more }), async (recording) => {
    await asterisk();
    recording.do('start');
    await sleep(100);
    recording.do(`dial sip:${extension}@${PBX}:5060${dialOptions}`);
    await then(recording);
  });
}

function registerScene(name: string, shows: string, bot: SipBotOptions, pattern = /registered/): void {
  scene(`asterisk-${name}`, 'Asterisk', shows, bot, async (recording) => {
    await asterisk();
    recording.do('start');
    await expectTold(recording, pattern);
    await sleep(200);
  });
}

registerScene('register-md5', 'registered with digest MD5 after a 401, and unregistered with the same nonce', user('6001'));
registerScene(
  'register-wrong-password',
  'a wrong password: 401 twice, and no third attempt',
  user('6001', { password: 'wrong' }),
  /failed start/,
);
registerScene('register-unknown-user', 'a user that nobody knows', user('7999', { password: 'x' }), /failed start/);
registerScene(
  'register-tcp',
  'registered over TCP, over one connection of ours',
  user('6001', { uri: `sip:6001@${PBX};transport=tcp`, listen: [{ transport: 'tcp', host: US, port: OUR_PORT }] }),
);
registerScene('register-short', 'asked for 15 s and granted: refreshed before they are over', user('6001', { expiresS: 15 }), /registered/);
scene(
  'asterisk-register-refresh',
  'Asterisk',
  'asked for 20 s: refreshed while they last, and again',
  user('6001', { expiresS: 20 }),
  async (recording) => {
    await asterisk();
    recording.do('start');
    await expectTold(recording, /registered/);
    await sleep(22_000);
  },
);

callOut('call-pcmu', 'a call to an echo in PCMU, the challenge answered, hung up by us', '6001', '600', {}, hangUpAfter(500));
callOut('call-pcma', 'a call in PCMA', '6001', '600', { codecs: ['pcma'] }, hangUpAfter(300));
callOut('call-g722', 'a call in G.722, whose clock is 8000', '6001', '600', { codecs: ['g722'] }, hangUpAfter(300));
callOut('call-opus', 'a call in Opus, payload type 96 and its parameters', '6001', '600', { codecs: ['opus'] }, hangUpAfter(300));
callOut(
  'call-four-codecs',
  'four codecs offered, one chosen',
  '6001',
  '600',
  { codecs: ['opus', 'g722', 'pcma', 'pcmu'] },
  hangUpAfter(300),
);
callOut(
  'call-tcp',
  'a call over TCP',
  '6001',
  '600',
  { uri: `sip:6001@${PBX};transport=tcp`, listen: [{ transport: 'tcp', host: US, port: OUR_PORT }] },
  hangUpAfter(300),
  ';transport=tcp',
);
callOut('no-common-codec', 'no codec in common: 488', '6012', '600', { codecs: ['g722'] }, ended);
callOut('they-hang-up', 'answered, and after a second the exchange hangs up', '6001', '906', {}, (recording) => ended(recording));
callOut('busy', 'busy: 486 with cause 17', '6001', '900', {}, ended);
callOut('congestion', 'congestion: 503 with cause 34', '6001', '901', {}, ended);
callOut('forbidden', 'declined: 403 with cause 21', '6001', '903', {}, ended);
callOut('not-found', 'no such extension: 404', '6001', '999', {}, ended);
callOut('wrong-password', 'a call with a wrong password', '6001', '600', { password: 'wrong' }, ended);
callOut('rung-and-cancelled', 'rings, and we give up: CANCEL, 200, 487, ACK', '6001', '902', {}, async (recording) => {
  await expectTold(recording, /call 1 ringing/);
  await sleep(500);
  recording.do('hangup 1');
  await ended(recording);
  await sleep(100);
});
callOut('no-answer', 'rings past our patience: cancelled by our timer', '6001', '902', {}, ended, ' {"timeoutMs":2000}');
callOut('redirected', 'sent elsewhere by a 302, and followed', '6001', '904', {}, hangUpAfter(300), ' {"redirects":"follow"}');
callOut('redirect-asked', 'sent elsewhere by a 302, and the application says no', '6001', '904', {}, async (recording) => {
  await expectTold(recording, /asked to go/);
  recording.do('refuse 1');
  await ended(recording);
});
callOut('early-media', 'early media in a 183, then the answer, then hung up by the exchange', '6001', '102', {}, (recording) =>
  ended(recording, 20_000),
);
callOut('100rel', 'provisional responses it requires to be reliable: PRACK', '6009', '102', {}, (recording) => ended(recording, 20_000));
callOut('session-timer', 'session timers forced at 90 s: one refresh', '6005', '600', {}, hangUpAfter(50_000));
callOut('hold-resume', 'we hold and take back: re-INVITE sendonly, then sendrecv', '6001', '601', {}, async (recording) => {
  await answered(recording);
  await sleep(300);
  recording.do('hold 1');
  await expectTold(recording, /held by local/);
  await sleep(300);
  recording.do('resume 1');
  await expectTold(recording, /resumed by local/);
  await sleep(300);
  recording.do('hangup 1');
  await ended(recording);
});
callOut('dtmf-info-out', 'keys as INFO, one after the other', '6005', '603', {}, async (recording) => {
  await answered(recording);
  await sleep(500);
  recording.do('dtmf 1 2508 info');
  await sleep(2500);
  recording.do('hangup 1');
  await ended(recording);
});
callOut('dtmf-info-in', 'keys of theirs as INFO, all ten', '6005', '602', {}, (recording) => ended(recording, 20_000));
callOut('referred-by-them', 'it refers us on (REFER), we go, and tell how it went (NOTIFY)', '6001', '905', {}, async (recording) => {
  await expectTold(recording, /asked to go/);
  recording.do('accept 1');
  await expectTold(recording, /call 2 answered/);
  await ended(recording);
  await sleep(300);
  recording.do('hangup 2');
  await expectTold(recording, /call 2 ended/);
});
callOut('refer-refused', 'it refers us on, and we refuse: 603', '6001', '905', {}, async (recording) => {
  await expectTold(recording, /asked to go/);
  recording.do('refuse 1');
  await ended(recording, 20_000);
});
callOut('srtp', 'SRTP by SDES, required on both sides', '6003', '600', { srtp: 'required' }, hangUpAfter(300));
callOut('srtp-refused', 'SRTP required there, none here: 488', '6003', '600', { srtp: 'off' }, ended);
callOut('conference', 'a conference bridge, alone', '6001', '800', {}, hangUpAfter(500));
callOut(
  'attended-transfer-refused',
  'an attended transfer of two calls that no bridge holds: REFER with Replaces, refused by its NOTIFY',
  '6001',
  '601',
  {},
  async (recording) => {
    await answered(recording);
    recording.do(`dial sip:600@${PBX}:5060`);
    await expectTold(recording, /call 2 answered/);
    await sleep(300);
    recording.do('transfer 1 call 2');
    await expectTold(recording, /call 1 transfer/);
    recording.do('hangup 1');
    recording.do('hangup 2');
    await expectTold(recording, /call 2 ended/);
    await sleep(100);
  },
);
callOut(
  'transfer-of-a-tone',
  'a call that no bridge holds is sent on all the same: REFER, NOTIFY, BYE',
  '6001',
  '601',
  {},
  async (recording) => {
    await answered(recording);
    await sleep(300);
    recording.do(`transfer 1 sip:600@${PBX}:5060`);
    await expectTold(recording, /call 1 transfer/);
    await sleep(200);
  },
);

callOut('sound-pcmu', 'a tone of 1004 Hz in PCMU: 700 ms of sound', '6001', '601', {}, hangUpAfter(1000));
callOut('sound-g722', 'a tone in G.722: 700 ms of sound', '6001', '601', { codecs: ['g722'] }, hangUpAfter(1000));
callOut('sound-opus', 'a tone in Opus: 700 ms of sound', '6001', '601', { codecs: ['opus'] }, hangUpAfter(1000));
callOut('sound-early', 'early media before the answer: 500 ms of sound', '6001', '102', {}, (recording) => ended(recording, 20_000));
callOut('dtmf-events-in', 'keys of theirs as telephone events (RFC 4733), all ten', '6001', '602', {}, (recording) =>
  ended(recording, 20_000),
);
