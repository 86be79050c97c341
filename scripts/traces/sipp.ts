/** A tool that says exactly what it is told to: callers and callees of few words, silent ones, strangers. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SipBotOptions } from '../../src/bot.js';
import { sleep } from '../../test/interop/peers/process.js';
import { sipp } from '../../test/interop/peers/sipp.js';
import { answered, asterisk, ended, expectTold, hangUpAfter, OUR_PORT, SIPP, scene, US, user, work } from './stage.js';

/** A caller who hears our answer and says nothing. */
const NO_ACK = `<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="no ack">
  <send retrans="500"><![CDATA[
    INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: sipp <sip:sipp@[local_ip]:[local_port]>;tag=[pid]SIPpTag00[call_number]
    To: <sip:[service]@[remote_ip]:[remote_port]>
    Call-ID: [call_id]
    CSeq: 1 INVITE
    Contact: <sip:sipp@[local_ip]:[local_port]>
    Max-Forwards: 70
    Content-Type: application/sdp
    Content-Length: [len]

    v=0
    o=user1 53655765 2353687637 IN IP[local_ip_type] [local_ip]
    s=-
    c=IN IP[media_ip_type] [media_ip]
    t=0 0
    m=audio [media_port] RTP/AVP 0
    a=rtpmap:0 PCMU/8000
  ]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="200"/>
  <recv request="BYE"/>
  <send><![CDATA[
    SIP/2.0 200 OK
    [last_Via:]
    [last_From:]
    [last_To:]
    [last_Call-ID:]
    [last_CSeq:]
    Content-Length: 0

  ]]></send>
</scenario>
`;

for (const version of ['3.6', '3.8'] as const) {
  scene(
    `sipp-${version}-calls-us`,
    `SIPp ${version}`,
    'a caller with a bare minimum of headers: answered, hung up by it',
    {},
    async (recording) => {
      recording.do('start');
      await sleep(200);
      const caller = sipp(version, join(work, 'uac'), [
        '-sn',
        'uac',
        `${US}:${OUR_PORT}`,
        '-i',
        SIPP,
        '-p',
        '5060',
        '-m',
        '1',
        '-d',
        '400',
        '-timeout',
        '20',
      ]);
      await expectTold(recording, /call 1 comes/);
      recording.do('ring 1');
      await sleep(100);
      recording.do('answer 1');
      await ended(recording);
      await caller.done;
      await sleep(200);
    },
  );
  scene(
    `sipp-${version}-is-called`,
    `SIPp ${version}`,
    'a callee whose answer names no port worth sending to: hung up by us',
    {},
    async (recording) => {
      const callee = sipp(version, join(work, 'uas'), ['-sn', 'uas', '-i', SIPP, '-p', '5060', '-m', '1', '-timeout', '20']);
      await sleep(500);
      recording.do('start');
      await sleep(100);
      recording.do(`dial sip:service@${SIPP}:5060`);
      await hangUpAfter(400)(recording);
      callee.stop();
    },
  );
}
scene(
  'sipp-3.6-vanishes',
  'SIPp 3.6',
  'a callee that is gone in the middle of a call: our BYE is sent eleven times, and the call is over',
  {},
  async (recording) => {
    const callee = sipp('3.6', join(work, 'gone'), ['-sn', 'uas', '-i', SIPP, '-p', '5060', '-m', '1', '-timeout', '20']);
    await sleep(500);
    recording.do('start');
    await sleep(100);
    recording.do(`dial sip:service@${SIPP}:5060`);
    await answered(recording);
    await sleep(300);
    process.kill(callee.pid, 'SIGSTOP');
    recording.do('hangup 1');
    await ended(recording, 40_000);
    await sleep(33_000);
    process.kill(callee.pid, 'SIGKILL');
  },
);
scene(
  'sipp-3.6-silent',
  'SIPp 3.6, stopped',
  'nobody answers at all: our INVITE is sent seven times, and given up after 32 s',
  {},
  async (recording) => {
    const callee = sipp('3.6', join(work, 'silent'), ['-sn', 'uas', '-i', SIPP, '-p', '5060', '-m', '1', '-timeout', '60']);
    await sleep(500);
    process.kill(callee.pid, 'SIGSTOP');
    recording.do('start');
    await sleep(100);
    recording.do(`dial sip:service@${SIPP}:5060`);
    await ended(recording, 40_000);
    process.kill(callee.pid, 'SIGKILL');
  },
);

/** Over IPv6, brackets and all. */
const SIX: SipBotOptions = { listen: [{ transport: 'udp', host: '::1', port: OUR_PORT }], rtpHost: '::1', allow: ['::1'] };
scene('sipp-3.6-ipv6-is-called', 'SIPp 3.6', 'a call over IPv6', SIX, async (recording) => {
  const callee = sipp('3.6', join(work, 'six'), ['-sn', 'uas', '-i', '[::1]', '-p', '5070', '-m', '1', '-timeout', '20']);
  await sleep(500);
  recording.do('start');
  await sleep(100);
  recording.do('dial sip:service@[::1]:5070');
  await hangUpAfter(400)(recording);
  callee.stop();
});
scene('sipp-3.6-ipv6-calls-us', 'SIPp 3.6', 'a call over IPv6 that comes in', SIX, async (recording) => {
  recording.do('start');
  await sleep(200);
  const caller = sipp('3.6', join(work, 'six'), [
    '-sn',
    'uac',
    `[::1]:${OUR_PORT}`,
    '-i',
    '[::1]',
    '-p',
    '5070',
    '-m',
    '1',
    '-d',
    '400',
    '-timeout',
    '20',
  ]);
  await expectTold(recording, /call 1 comes/);
  recording.do('answer 1');
  await ended(recording);
  await caller.done;
  await sleep(200);
});
scene('sipp-3.8-stranger', 'SIPp 3.8', 'a stranger calls who may not: 403, once', { ...user('6001'), allow: [] }, async (recording) => {
  await asterisk();
  recording.do('start');
  await expectTold(recording, /registered/);
  const caller = sipp('3.8', join(work, 'stranger'), [
    '-sn',
    'uac',
    `${US}:${OUR_PORT}`,
    '-i',
    SIPP,
    '-p',
    '5060',
    '-m',
    '1',
    '-timeout',
    '5',
  ]);
  await caller.done;
  await sleep(200);
});
scene(
  'sipp-3.8-other-edge',
  'SIPp 3.8 and Asterisk',
  'registered with one address, called from another, at the Contact that only it was told',
  { ...user('6001'), allow: [] },
  async (recording) => {
    await asterisk();
    let contact = '';
    recording.bot.on('trace', ({ direction, bytes }) => {
      if (direction === 'out') contact = /Contact: <sip:([^@]+)@/.exec(Buffer.from(bytes).toString())?.[1] ?? contact;
    });
    recording.do('start');
    await expectTold(recording, /registered/);
    const caller = sipp('3.8', join(work, 'edge'), [
      '-sn',
      'uac',
      `${US}:${OUR_PORT}`,
      '-s',
      contact,
      '-i',
      SIPP,
      '-p',
      '5060',
      '-m',
      '1',
      '-d',
      '400',
      '-timeout',
      '20',
    ]);
    await expectTold(recording, /call 1 comes/);
    recording.do('answer 1');
    await ended(recording);
    await caller.done;
    await sleep(200);
  },
);
scene(
  'sipp-3.8-no-ack',
  'SIPp 3.8',
  'a caller who never acknowledges: our 200 is sent again until 32 s have passed, then BYE',
  {},
  async (recording) => {
    const scenario = join(work, 'no-ack.xml');
    writeFileSync(scenario, NO_ACK);
    recording.do('start');
    await sleep(200);
    const caller = sipp('3.8', join(work, 'no-ack'), [
      '-sf',
      scenario,
      `${US}:${OUR_PORT}`,
      '-i',
      SIPP,
      '-p',
      '5060',
      '-m',
      '1',
      '-timeout',
      '60',
      '-aa',
    ]);
    await expectTold(recording, /call 1 comes/);
    recording.do('answer 1');
    await ended(recording, 45_000);
    await caller.done;
    await sleep(200);
  },
);
