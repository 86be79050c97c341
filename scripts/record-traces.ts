/** Records the traces of `recorded/` anew from real peers: `npx tsx scripts/record-traces.ts [name …]`. The peers are those of the interop suite. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SipBot, type SipBotOptions } from '../src/bot.js';
import { type Asterisk, startAsterisk } from '../test/interop/peers/asterisk.js';
import { type Baresip, type BaresipOptions, startBaresip } from '../test/interop/peers/baresip.js';
import { type Kamailio, startKamailio } from '../test/interop/peers/kamailio.js';
import { sleep } from '../test/interop/peers/process.js';
import { sipp } from '../test/interop/peers/sipp.js';
import { Recording } from '../test/traces/recording.js';

const US = '127.0.0.61';
const OUR_PORT = 5060;
const PBX = '127.0.0.62';
const PROXY = '127.0.0.63';
const PHONE = { host: '127.0.0.64', port: 5070 };
const SIPP = '127.0.0.65';
const work = mkdtempSync(join(tmpdir(), 'sipbot-traces-'));
const folder = fileURLToPath(new URL('../test/traces/recorded/', import.meta.url));

interface Scene {
  readonly name: string;
  readonly shows: string;
  readonly peer: string;
  readonly bot: SipBotOptions;
  readonly media: 'with media' | 'signalling only';
  readonly play: (recording: Recording) => Promise<void>;
}

const scenes: Scene[] = [];
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
const BASE: SipBotOptions = {
  listen: [{ transport: 'udp', host: US, port: OUR_PORT }],
  rtpHost: US,
  codecs: ['pcmu'],
  mediaTimeoutMs: 0,
  allow: ['127.0.0.0/8'],
};

function scene(name: string, peer: string, shows: string, bot: SipBotOptions, play: Scene['play']): void {
  const media = /ms of sound|RFC 4733/.test(shows) ? 'with media' : 'signalling only';
  scenes.push({ name, shows, peer, bot: { ...BASE, ...bot }, media, play });
}

async function expectTold(recording: Recording, pattern: RegExp, limitMs?: number): Promise<void> {
  if ((await recording.told(pattern, limitMs)) === undefined) throw new Error(`never told ${pattern}:\n${recording.story.join('\n')}`);
}

// ── Asterisk ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

let pbx: Asterisk | undefined;
const asterisk = async (): Promise<Asterisk> => {
  pbx ??= await startAsterisk({ host: PBX, folder: join(work, 'asterisk') });
  return pbx;
};

function user(number: string, more: SipBotOptions = {}): SipBotOptions {
  return { uri: `sip:${number}@${PBX}`, password: `pw${number}`, expiresS: 120, ...more };
}

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

const answered = (recording: Recording): Promise<void> => expectTold(recording, /call 1 answered/);
const ended = (recording: Recording, limitMs?: number): Promise<void> => expectTold(recording, /call 1 ended/, limitMs);
const hangUpAfter =
  (ms: number) =>
  async (recording: Recording): Promise<void> => {
    await answered(recording);
    await sleep(ms);
    recording.do('hangup 1');
    await ended(recording);
    await sleep(100);
  };

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

callOut('sound-pcmu', 'a tone of 1004 Hz in PCMU: 700 ms of sound', '6001', '601', {}, hangUpAfter(1000));
callOut('sound-g722', 'a tone in G.722: 700 ms of sound', '6001', '601', { codecs: ['g722'] }, hangUpAfter(1000));
callOut('sound-opus', 'a tone in Opus: 700 ms of sound', '6001', '601', { codecs: ['opus'] }, hangUpAfter(1000));
callOut('sound-early', 'early media before the answer: 500 ms of sound', '6001', '102', {}, (recording) => ended(recording, 20_000));
callOut('dtmf-events-in', 'keys of theirs as telephone events (RFC 4733), all ten', '6001', '602', {}, (recording) =>
  ended(recording, 20_000),
);

// ── Kamailio ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

let proxy: Kamailio | undefined;
const kamailio = async (): Promise<Kamailio> => {
  proxy ??= await startKamailio({ host: PROXY, folder: join(work, 'kamailio') });
  return proxy;
};
let strictProxy: Kamailio | undefined;
const kamailioSha256 = async (): Promise<Kamailio> => {
  strictProxy ??= await startKamailio({ host: '127.0.0.66', folder: join(work, 'kamailio256'), digest: 'SHA-256' });
  return strictProxy;
};
const member = (number: string, host = PROXY): SipBotOptions => ({
  uri: `sip:${number}@sip.test`,
  password: `pw${number}`,
  registrar: `sip:${host}:5060`,
  outboundProxy: `sip:${host}:5060`,
  expiresS: 120,
});

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

let phones = 0;
async function phone(options: Partial<BaresipOptions> = {}): Promise<Baresip> {
  phones++;
  return startBaresip({ ...PHONE, folder: join(work, `phone-${phones}`), user: 'phone', domain: PHONE.host, register: false, ...options });
}

/** Through the proxy to another member, whose agent is of our kind and elsewhere. */
function throughProxy(name: string, shows: string, play: (recording: Recording, other: SipBot) => Promise<void>): void {
  scene(`kamailio-${name}`, 'Kamailio', shows, member('7001'), async (recording) => {
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

// ── baresip ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

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

// ── SIPp ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

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

// ── Run ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

const wanted = process.argv.slice(2);
let failed = 0;
for (const { name, shows, peer, bot, media, play } of scenes) {
  if (wanted.length > 0 && !wanted.some((one) => name.includes(one))) continue;
  const recording = new Recording({ ...bot, threads: 0 }, media);
  try {
    await play(recording);
    recording.do('stop');
    await recording.actor.idle();
    const version = { Asterisk: pbx?.version, Kamailio: (proxy ?? strictProxy)?.version }[peer] ?? '';
    const date = new Date().toISOString().slice(0, 10);
    writeFileSync(join(folder, `${name}.trace`), recording.write(shows, `${`${peer} ${version}`.trim()}, recorded ${date}`));
    const pcap = recording.pcap();
    if (pcap !== undefined) writeFileSync(join(folder, `${name}.pcap`), pcap);
    console.log(`ok      ${name}: ${recording.story.length} events`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${name}: ${(error as Error).message}`);
    await recording.bot.stop();
  }
}
for (const peer of [pbx, proxy, strictProxy]) await peer?.stop();
console.log(`${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
