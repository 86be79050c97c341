/**
 * The call flows of RFC 3665, 3515 and 4916 with our agent in the place of each user agent, message by message.
 * Not played: RFC 3327 and RFC 5626, which print what proxies and registrations do, messages without Via, or no answers;
 * RFC 4916 §5.1 as Carol, who changes her own From in the middle of a dialog, which we never do.
 */
import { describe, expect, test } from 'vitest';
import { FlowPlayer, type PlayOptions, readFlow } from './call-flow.js';
import { NOTHING_LEFT } from './two-agents.js';

const data = process.env['SIPBOT_TEST_DATA'];
const alice: PlayOptions = { credentials: { user: 'alice', password: 'alice' } };
const bob: PlayOptions = { credentials: { user: 'bob', password: 'bob' } };

/** RFC 5057 §4.2: the dialog ends with its last subscription, so the second REFER comes before the first one's last NOTIFY. */
const beforeTheLastNotify = { '9 cseq': 'one NOTIFY earlier', '11 cseq': 'one NOTIFY earlier' };

// file, who we are, what we send (>) and hear (<), options
const rows: readonly (readonly [string, string, string, PlayOptions])[] = [
  ['rfc3665/2.01_sip-client-new-registration', 'Bob', '>1 <2 >3 <4', bob],
  ['rfc3665/2.02_update-of-contact-list', 'Bob', '>1 <2', bob],
  ['rfc3665/2.03_request-for-current-contact-list', 'Bob', '>1 <2', bob],
  ['rfc3665/2.04_cancellation-of-registration', 'Bob', '>1 <2', bob],
  ['rfc3665/2.05_unsuccessful-registration', 'Bob', '>1 <2 >3 <4', bob],
  ['rfc3665/3.01_successful-session-establishment', 'Alice', '>1 <2 <3 >4 <5 >6', {}],
  ['rfc3665/3.01_successful-session-establishment', 'Bob', '<1 >2 >3 <4 >5 <6', {}],
  ['rfc3665/3.02_session-establishment-through-two-proxies', 'Alice', '>1 <2 >3 >4 <6 <11 <14 >15 <20 >21', alice],
  ['rfc3665/3.02_session-establishment-through-two-proxies', 'Bob', '<7 >9 >12 <17 >18 <23', {}],
  [
    'rfc3665/3.03_session-with-multiple-proxy-authentication',
    'Alice',
    '>1 <2 >3 >4 <5 <9 >10 >11 <12 <18 >19',
    { ...alice, deviations: { '11 route': 'the RFC forgets the Route that its other INVITEs have' } },
  ],
  ['rfc3665/3.03_session-with-multiple-proxy-authentication', 'Bob', '<15 >16 <21', {}],
  [
    'rfc3665/3.04_successful-session-with-proxy-failure',
    'Alice',
    '>1 >2 >3 >4 >5 >6 >7 +32000 >8 <9 >10 >11 <13 <15 <17 >18 <21 >22',
    alice,
  ],
  ['rfc3665/3.04_successful-session-with-proxy-failure', 'Bob', '<12 >14 >16 <19 >20 <23', {}],
  ['rfc3665/3.05_session-through-a-sip-alg', 'Alice', '>1 <3 <8 <11 >12 >14 <17', {}],
  ['rfc3665/3.05_session-through-a-sip-alg', 'Bob', '<4 >6 >9 <13 <15 >16', {}],
  ['rfc3665/3.06_session-via-redirect-and-proxy-servers-with-sdp-in-ack', 'Alice', '>1 <2 >3 >4 <6 <8 <10 >11 <14 >15', {}],
  ['rfc3665/3.06_session-via-redirect-and-proxy-servers-with-sdp-in-ack', 'Bob', '<5 >7 >9 <12 >13 <16', {}],
  ['rfc3665/3.07_session-with-re-invite-ip-address-change', 'Alice', '>1 <3 <5 <7 >8 <9 >10 <11 >12 <13', {}],
  ['rfc3665/3.07_session-with-re-invite-ip-address-change', 'Bob', '<2 >4 >6 <8 >9 <10 >11 <12 >13', {}],
  ['rfc3665/3.08_unsuccessful-no-answer', 'Alice', '>1 <3 <8 >9 <10 <19 >20', {}],
  ['rfc3665/3.08_unsuccessful-no-answer', 'Bob', '<4 >6 <13 >14 >15 <16', {}],
  ['rfc3665/3.09_unsuccessful-busy', 'Alice', '>1 <3 <10 >11', {}],
  ['rfc3665/3.09_unsuccessful-busy', 'Bob', '<4 >6 <7', {}],
  ['rfc3665/3.10_unsuccessful-no-response-from-user-agent', 'Alice', '>1 <3 <14 >15', {}],
  ['rfc3665/3.11_unsuccessful-temporarily-unavailable', 'Alice', '>1 <3 <8 <13 >14', {}],
  ['rfc3665/3.11_unsuccessful-temporarily-unavailable', 'Bob', '<4 >6 >9 <10', {}],
  ['rfc3515/4.1_prototypical-refer-callflow', 'Agent A', '>1 <2 <3 >4 <5 >6', {}],
  ['rfc3515/4.1_prototypical-refer-callflow', 'Agent B', '<1 >2 >3 <4 >5 <6', {}],
  [
    'rfc3515/4.1_prototypical-refer-callflow rfc3515/4.2_multiple-refers-in-a-dialog',
    'Agent A',
    '>1 <2 <3 >4 <5 >6 >7 <8 <9 >10 <11 >12',
    {},
  ],
  [
    'rfc3515/4.1_prototypical-refer-callflow rfc3515/4.2_multiple-refers-in-a-dialog',
    'Agent B',
    '<1 >2 >3 <4 <7 >8 >9 <10 >11 <12',
    { deviations: beforeTheLastNotify },
  ],
  ['rfc4916/5.1_sending-connected-identity-after-answering-a-call', 'Alice', '>1 <4 >5 <8 >9', {}],
  ['rfc4916/5.2_sending-revised-connected-identity-during-a-call', 'Alice', '>1 <2 >3 <4 >5 <6 >7 <8', {}],
];

describe.skipIf(data === undefined)('call flows of the RFCs (skipped where SIPBOT_TEST_DATA does not say where they are)', () => {
  test.each(rows)('%s as %s: %s', async (file, _actor, script, options) => {
    const { differences, left } = await new FlowPlayer(
      file.split(' ').flatMap((name) => readFlow(data!, `${name}.yaml`)),
      options,
    ).play(script);
    expect(differences).toEqual([]);
    expect(left).toEqual(NOTHING_LEFT);
  });
});
