/**
 * SIPp's own scenarios and those of two other SIP projects, and what a SipBot is told to do for each. A scenario that asks for something else
 * than a user agent has the reason beside it; where it can be run all the same, the answer that we give instead is checked.
 */
import type { Call } from '../../src/bot/call.js';
import type { SipBotOptions } from '../../src/bot/options.js';
import type { SipBot } from '../../src/bot/sip-bot.js';
import { patternsInSrtp } from './peers/sipp-srtp.js';

/** A bot, and where SIPp is. */
export interface Stage {
  readonly bot: SipBot;
  /** `host:port` of SIPp. */
  readonly sipp: string;
  sleep(ms: number): Promise<void>;
}

interface Common {
  readonly file: string;
  readonly version?: '3.8';
  readonly args?: readonly string[];
  readonly options?: (sipp: string) => SipBotOptions;
  /** Not a user agent's business, or SIPp's own mistake: why. */
  readonly reason?: string;
  /** What we answer where the scenario wants another status. */
  readonly instead?: number;
  /** What SIPp complains of then, where it is no answer of ours: nothing else may be wrong. */
  readonly complaint?: RegExp;
  /** What SIPp must have written down all the same; says what it shows. `folder`: where it wrote. */
  readonly proof?: (folder: string) => string;
}

/** SIPp calls. */
export interface Incoming extends Common {
  readonly role: 'callee';
  readonly onCall?: (call: Call) => unknown;
  /** Looks at what came of it. */
  readonly check?: (call: Call | undefined) => void | Promise<void>;
}

/** We call, or register, or ask. */
export interface Outgoing extends Common {
  readonly role: 'caller';
  readonly act: (stage: Stage) => Promise<unknown>;
}

/** Cannot be run against one bot at all. */
export interface Unfit {
  readonly file: string;
  readonly role: 'unfit';
  readonly reason: string;
  /** What SIPp says when it is given the file. */
  readonly complaint?: RegExp;
}

export type Scenario = Incoming | Outgoing | Unfit;

const answer = (call: Call): Promise<void> => call.answer();
const ringAndAnswer = async (call: Call): Promise<void> => {
  await call.ring();
  await call.answer();
};
const listening = async (call: Call): Promise<void> => {
  call.on('message', () => {});
  await call.answer();
};
const letIn = (): never => {
  throw new Error('a call was let in');
};
const refuse = (status: number) => (call: Call) => call.reject(status);
const answerThenHangup = async (call: Call): Promise<void> => {
  await call.answer();
  setTimeout(() => void call.hangup(), 500);
};

const callee = (file: string, onCall: Incoming['onCall'] = answer, more: Partial<Incoming> = {}): Incoming => ({
  file,
  role: 'callee',
  ...(onCall === undefined ? {} : { onCall }),
  ...more,
});
const caller = (file: string, act: Outgoing['act'], more: Partial<Outgoing> = {}): Outgoing => ({ file, role: 'caller', act, ...more });
const unfit = (file: string, reason: string, complaint?: RegExp): Unfit => ({
  file,
  role: 'unfit',
  reason,
  ...(complaint === undefined ? {} : { complaint }),
});
const malformed = (file: string): Unfit => unfit(file, 'the file is not well-formed XML, and SIPp refuses it', /./);

/** Dials, does something with the call, hangs up. */
const dialled =
  (during: (call: Call, stage: Stage) => unknown = () => {}, target = 'service') =>
  async (stage: Stage): Promise<void> => {
    const call = await stage.bot.dial(`sip:${target}@${stage.sipp}`, { timeoutMs: 8000 });
    await during(call, stage);
    await stage.sleep(200);
    await call.hangup();
  };

const refused =
  (status: number) =>
  async ({ bot, sipp }: Stage): Promise<void> => {
    const error = await bot.dial(`sip:service@${sipp}`, { timeoutMs: 8000 }).then(
      () => undefined,
      (one: { status: number }) => one,
    );
    if (error?.status !== status) throw new Error(`dial was answered ${error?.status}`);
  };

/** It ends for us with the first BYE, whatever that is answered. */
const endedByOneBye = async (stage: Stage): Promise<void> => {
  const byes = new Set<string>();
  stage.bot.on('trace', ({ bytes }) => {
    const text = Buffer.from(bytes).toString('latin1');
    if (text.startsWith('BYE ')) byes.add(/^CSeq:.*$/im.exec(text)![0]);
  });
  await dialled()(stage);
  await stage.sleep(500);
  if (byes.size !== 1 || stage.bot.calls.size !== 0) throw new Error(`${[...byes]}; ${stage.bot.calls.size} calls`);
};

const account =
  (password: string, user = '1234') =>
  (sipp: string) =>
    ({ accounts: [{ uri: `sip:${user}@${sipp}`, password, register: false }] }) satisfies SipBotOptions;
const registered = (user: string, password: string | undefined) => (sipp: string) =>
  ({ accounts: [{ uri: `sip:${user}@${sipp}`, register: true, ...(password === undefined ? {} : { password }) }] }) satisfies SipBotOptions;
/** SIPp 3.6 can only answer the first of our two challenges if it is MD5. */
const john: Partial<Incoming> = { version: '3.8', options: () => ({ users: { john: '1234' }, allow: [] }) };

const POLITE = 'wants 403 for a wrong password or user at once; RFC 3261 §22.1 asks again, and says no more of who is known';

const POLICY = 'wants jambonz’s own 480 to every request that is no INVITE';
const policy = (folder: string): Incoming[] =>
  (
    [
      ['info', 481],
      ['message', 200],
      ['options', 200],
      ['publish', 405],
      ['register', 405],
      ['subscribe', 405],
    ] as const
  ).map(([method, instead]) => callee(`${folder}uac-${method}-expect-480.xml`, undefined, { reason: POLICY, instead }));

const spoken = (what: string) => async (call: Call | undefined) => {
  if (call === undefined) throw new Error('no call came');
  const packets = call.stats()?.receivedPackets ?? 0;
  if (packets < 50) throw new Error(`${what}: only ${packets} packets were heard`);
};

export const scenarios: Readonly<Record<string, readonly Scenario[]>> = {
  'sipp-builtin': [
    callee('docs/uac.xml', ringAndAnswer),
    callee('docs/regexp.xml', answer, {
      reason: 'the whole exchange passes; its example regexp wants letters in o=, where `-` is what RFC 8866 §5.2 has for no user',
      complaint: /Failed regexp match.*'SIP\/2\.0 200 OK[\s\S]*o=- \d+ 1 IN IP4[\s\S]*with regexp 'o=\(\[\[:alnum:\]\]\*\)/,
    }),
    callee('docs/uac_pcap.xml', answer, { check: spoken('an A-law capture and a key') }),
    caller('docs/uas.xml', dialled()),
    caller('docs/ooc_default.xml', ({ bot, sipp }) => bot.message(`sip:x@${sipp}`, 'anything gets 200')),
    caller('docs/3pcc-A.xml', dialled()),
    caller('docs/3pcc-B.xml', dialled()),
    unfit('docs/3pcc-C-A.xml', 'half of a controller: run as a pair with 3pcc-C-B, below'),
    unfit('docs/3pcc-C-B.xml', 'half of a controller: run as a pair with 3pcc-C-A, below'),
    callee('docs/branchc.xml', undefined, {
      reason: 'the tested side is a registrar and proxy (REGISTER, then INVITE to a third party)',
      instead: 405,
    }),
    unfit('docs/branchs.xml', 'wants REGISTER and INVITE under one Call-ID: a test of SIPp’s own branching'),
    caller('sipp_scenarios/mcd_register.xml', async () => {}, { options: registered('16001', undefined) }),
    ...(['g711a', 'g711u', 'g722', 'crypto_simple', 'crypto_simple_renegotiation'] as const).flatMap((kind): Scenario[] => [
      callee(
        `sipp_scenarios/pfca_uac_apattern_${kind}.xml`,
        async (call) => {
          await call.ring({ reliable: 'always' });
          await call.answer();
        },
        {
          version: '3.8',
          options: () => ({ srtp: 'optional' }),
          ...(kind === 'g722' && {
            reason: 'compares the bytes of an echo: ours goes through PCM, exact for G.711 and not for G.722',
            complaint: /RTP check failed/,
          }),
          ...(kind.startsWith('crypto') && {
            args: ['-rtpcheck_debug', '-srtpcheck_debug'],
            reason:
              'SIPp 3.8 decrypts what it receives with the SSRC it sends, not that of the packet (RFC 3711 §4.1.1), and so hears its pattern only from its own echo',
            complaint: /RTP check failed/,
            proof: patternsInSrtp,
          }),
        },
      ),
      caller(
        `sipp_scenarios/pfca_uas_audio_${kind.startsWith('crypto') ? kind : kind}.xml`,
        dialled(async (call, stage) => {
          await stage.sleep(1000);
          if (kind.endsWith('renegotiation')) {
            await call.hold();
          }
        }),
        {
          version: '3.8',
          args: ['-rtp_echo'],
          options: () => ({
            codecs: [kind === 'g711u' ? 'pcmu' : kind === 'g722' ? 'g722' : 'pcma'],
            srtp: kind.startsWith('crypto') ? 'required' : 'accept',
          }),
        },
      ),
    ]),
    callee('sipp_scenarios/uc360_register.xml', undefined, { reason: 'the tested side is a registrar', instead: 405 }),
    callee('sipp_scenarios/uc360_register_challenge.xml', undefined, { reason: 'the tested side is a registrar', instead: 405 }),
  ],
  'sipp-drachtio': [
    callee('uac-cancel.xml', async (call) => {
      // It wants a 100 first, which there is only when nothing else is said for 200 ms (§17.2.1).
      await new Promise((resolve) => setTimeout(resolve, 300));
      await call.ring();
    }),
    callee('uac-delayed-ack.xml', async (call) => {
      await call.answer();
      await call.hold();
    }),
    callee('uac-displayname-from.xml'),
    callee('uac-drop-200-then-cancel.xml', (call) => call.answer().catch(() => {}), {
      reason:
        'wants 481 to a CANCEL with the INVITE’s own branch and to a BYE before the ACK, which the scenario itself calls a bug; RFC 3261 §9.2 and §15 say 200',
      instead: 200,
    }),
    callee('uac-drop-all-200.xml', (call) => ringAndAnswer(call).catch(() => {}), { args: ['-timeout', '45s'] }),
    callee('uac-drop-one-200.xml'),
    callee('uac-drop-one-503.xml', refuse(503)),
    callee('uac-expect-400-no-contact-header.xml'),
    callee('uac-expect-404.xml', refuse(404)),
    callee('uac-expect-480.xml', refuse(480)),
    callee('uac-expect-503.xml', refuse(503)),
    callee('uac-nosdp.xml'),
    callee('uac-pcap.xml', answer, { check: spoken('an A-law capture') }),
    callee('uac-prack.xml', (call) => call.ring({ reliable: 'always' }).catch(() => {}), {
      reason: 'writes `RAck: … INVITE INVITE`, which acknowledges nothing (RFC 3262 §7.2)',
      instead: 481,
    }),
    callee('uac-proxy.xml'),
    callee('uac-recv-reinvite.xml', async (call) => {
      await call.answer();
      await call.hold();
      await call.hangup();
    }),
    callee('uac-send-reinvite-no-sdp.xml', async (call) => {
      await call.answer();
      setTimeout(() => void call.hangup(), 3000);
    }),
    callee('uac-spammer-expect-603.xml', refuse(603)),
    callee('uac-subscribe.xml', undefined, {
      reason: 'the tested side is a notifier; a SipBot lets nobody subscribe (sipbot/sip’s UserAgent can)',
      instead: 405,
    }),
    callee('uac-success-green.xml', (call) => call.answer({ headers: { 'X-Color': 'green' } })),
    callee('uac.xml'),
    caller('uas-200-ok-no-contact-cancel.xml', dialled(), {
      reason: 'answers 200 without the Contact that §12.1.1 demands and expects a CANCEL after it, which §9.1 forbids',
      complaint: /while expecting 'CANCEL' \(index 2\), received 'ACK /,
    }),
    caller('uas-302.xml', refused(302)),
    caller('uas-404.xml', refused(404)),
    caller('uas-407-no-auth-header.xml', refused(407), {
      reason: 'a 407 without Proxy-Authenticate cannot be answered (§22.3): the call fails with 407',
      complaint: /^$/,
    }),
    caller('uas-auth-register-no-realm.xml', async () => {}, { options: registered('foo', 'bar') }),
    caller('uas-auth-register.xml', async () => {}, { options: registered('foo', 'bar') }),
    caller('uas-auth.xml', dialled(), { options: account('1234') }),
    caller('uas-bye-with-auth.xml', endedByOneBye, {
      options: account('1234'),
      complaint: /^$/,
      reason:
        'answers our BYE 407 with the very nonce that the BYE answers: that says the password is wrong, and is not tried again (§22.2)',
    }),
    caller('uas-cancel.xml', async ({ bot, sipp }) => {
      await bot.dial(`sip:service@${sipp}`, { timeoutMs: 1000 }).catch(() => {});
    }),
    caller('uas-options-expect-200.xml', ({ sleep }) => sleep(1000), {
      options: (sipp) => ({ trunks: [{ name: 'sipp', hosts: [sipp], optionsPingS: 60 }] }),
    }),
    caller('uas-prack.xml', dialled()),
    caller('uas-refer.xml', dialled()),
    caller('uas-reinvite-overlap.xml', async ({ bot, sipp, sleep }) => {
      const call = await bot.dial(`sip:service@${sipp}`);
      await call.hold();
      await call.resume();
      await call.hold();
      // It ends with the last 200, and takes a BYE for a mistake.
      await sleep(5000);
      await Promise.race([call.hangup(), sleep(500)]);
    }),
    malformed('uas-reinvite-with-auth.xml'),
    malformed('uas-reinvite.xml'),
    malformed('uas-update-with-sdp.xml'),
    caller('uas.xml', dialled()),
  ],
  'sipp-jambonz': [
    callee('uac-device-invalid-password.xml', letIn, { ...john, reason: POLITE, instead: 401 }),
    callee('uac-device-unknown-realm.xml', answer, { options: () => ({ allow: ['192.0.2.1'] }) }),
    callee('uac-device-unknown-user.xml', letIn, { ...john, reason: POLITE, instead: 401 }),
    callee('uac-expect-500.xml', refuse(500)),
    callee('uac-expect-603.xml', refuse(603)),
    callee('uac-gather-account-creds-success-send-bye.xml'),
    callee('uac-gather-account-creds-success.xml', answerThenHangup),
    callee('uac-inactive-account-expect-503.xml', refuse(503)),
    callee('uac-invalid-account-expect-503.xml', refuse(503)),
    callee('uac-invite-expect-183-cancel.xml', (call) => call.progress()),
    callee('uac-invite-expect-480.xml', refuse(480)),
    callee('uac-pcap-carrier-success.xml', answer, { check: spoken('an A-law capture') }),
    callee('uac-pcap-device-success-in-dialog-request.xml', listening, john),
    callee('uac-pcap-device-success.xml', answer, john),
    callee('uac-refer-no-notify.xml', async (call) => {
      await call.answer();
      void call.transfer('sip:elsewhere@127.0.0.99');
    }),
    callee('uac-refer-with-notify.xml', async (call) => {
      await call.answer();
      void call.transfer('sip:elsewhere@127.0.0.99');
    }),
    callee('uac-say-fail-low-balance.xml', answerThenHangup),
    callee('uac-say-our-creds-success.xml', answerThenHangup),
    callee('uac-send-info-during-dialog.xml', async (call) => {
      await call.answer();
      await call.sendDtmf('1', { via: 'info' });
      await call.hangup();
    }),
    callee('uac-success-info-received-bye.xml', async (call) => {
      call.on('message', () => setTimeout(() => void call.hangup(), 500));
      await call.answer();
    }),
    callee('uac-success-received-bye.xml', answerThenHangup),
    callee('uac-success-send-bye.xml'),
    callee('uac-transcribe-account-creds-success.xml'),
    malformed('uac-transcribe-our-creds-fail-low-balance.xml'),
    callee('uac-transcribe-our-creds-success.xml'),
    callee('uac.xml'),
    ...policy(''),
    caller(
      'uas-dial-refer.xml',
      async ({ bot, sipp, sleep }) => {
        const call = await bot.dial(`sip:service@${sipp}`);
        await new Promise<void>((resolve) => call.on('transferRequest', () => resolve()));
        await Promise.race([call.hangup(), sleep(500)]);
      },
      {
        reason: 'takes for a mistake the NOTIFY that RFC 3515 §2.4.4 demands after the 202',
        complaint: /while expecting 'BYE' \(index 9\), received 'NOTIFY /,
      },
    ),
    caller(
      'uas-dial.xml',
      dialled(async (call) => {
        await call.hold();
      }),
    ),
    caller('uas-timeout-cancel.xml', async ({ bot, sipp }) => {
      await bot.dial(`sip:service@${sipp}`, { timeoutMs: 1500 }).catch(() => {});
    }),
    caller('uas.xml', dialled()),
    callee('sbc-inbound/uac-device-invalid-password.xml', letIn, { ...john, reason: POLITE, instead: 401 }),
    callee('sbc-inbound/uac-device-unknown-realm.xml', refuse(404)),
    callee('sbc-inbound/uac-device-unknown-user.xml', letIn, { ...john, reason: POLITE, instead: 401 }),
    callee('sbc-inbound/uac-did-applicationsid-loop.xml', refuse(482)),
    ...[
      'uac-did-regex-match-vc-all-accts-nosiprealm',
      'uac-did-regex-match-vc-all-accts',
      'uac-did-regex-match',
      'uac-late-media',
      'uac-pcap-carrier-success',
      'uac-pcap-ephemeral-gateway-success',
      'uac-pcap-pbx-success',
      'uac',
    ].map((name) => callee(`sbc-inbound/${name}.xml`)),
    callee('sbc-inbound/uac-pcap-carrier-fail-ambiguous.xml', refuse(503)),
    callee('sbc-inbound/uac-pcap-carrier-max-call-limit.xml', answer, { options: () => ({ maxCalls: 0 }) }),
    callee('sbc-inbound/uac-pcap-device-success-in-dialog-request.xml', listening, john),
    callee('sbc-inbound/uac-pcap-device-success.xml', answer, john),
    ...policy('sbc-inbound/'),
    caller('sbc-inbound/uas.xml', dialled()),
  ],
};
