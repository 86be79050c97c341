/** Whatever a peer sends within a dialog of ours, each request gets one final answer, nothing is thrown, and all of it ends. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { HeaderEntry } from '../../../src/sip/message/headers.js';
import { receiveInvite } from '../../../src/sip/ua/invite-incoming.js';
import { OutgoingInvite } from '../../../src/sip/ua/invite-outgoing.js';
import type { InviteHandler } from '../../../src/sip/ua/invite-usage.js';
import { receiveRefer, referOutside } from '../../../src/sip/ua/refer-dialog.js';
import { receiveSubscribe } from '../../../src/sip/ua/subscription-incoming.js';
import { OutgoingSubscription } from '../../../src/sip/ua/subscription-outgoing.js';
import { type Received, ScriptedCore, sdp } from './scripted-core.js';

const RUNS = Number(process.env['SIPBOT_DIALOG_RUNS'] ?? 150);

const methods = [
  'INVITE',
  'UPDATE',
  'BYE',
  'INFO',
  'PRACK',
  'REFER',
  'NOTIFY',
  'SUBSCRIBE',
  'MESSAGE',
  'OPTIONS',
  'ACK',
  'CANCEL',
  'PUBLISH',
  'x',
];
const names = [
  'Session-Expires',
  'Min-SE',
  'Supported',
  'Require',
  'RAck',
  'RSeq',
  'Refer-To',
  'Refer-Sub',
  'Referred-By',
  'Event',
  'Subscription-State',
  'Expires',
  'Replaces',
  'Contact',
  'Allow',
  'Recv-Info',
  'Info-Package',
  'Reason',
  'Record-Route',
  'Retry-After',
  'Content-Disposition',
];
const values = [
  '',
  '0',
  '1',
  '90',
  '4294967295',
  '99999999999999999999',
  '-1',
  'timer',
  '100rel',
  'timer, 100rel',
  '1 1 INVITE',
  '4 1 INVITE',
  '4 2 INVITE',
  '<sip:c@d>',
  'sip:c@d',
  '<sip:c@d?Replaces=x>',
  '*',
  '<',
  '"',
  'false',
  'refer',
  'refer;id=1',
  'refer;id=x',
  'message-summary',
  'message-summary;id=',
  'active',
  'active;expires=0',
  'terminated;reason=deactivated',
  'terminated;retry-after=4294967295',
  'pending;expires=x',
  'x;to-tag=1;from-tag=2',
  '600;refresher=uac',
  '600;refresher=nobody',
  'Q.850;cause=16;text="',
  ';;;',
  'é',
];

const header = fc.tuple(fc.constantFrom(...names), fc.constantFrom(...values));
const request = fc.record({
  method: fc.constantFrom(...methods),
  cseq: fc.integer({ min: 0, max: 12 }),
  headers: fc.array(header, { maxLength: 5 }),
  body: fc.option(fc.constantFrom('offer', 'SIP/2.0 200 OK', 'SIP/2.0 180 x', '\0\0'), { nil: undefined }),
  contact: fc.constantFrom('<sip:b@192.0.2.9>', '<sips:x@[::1]>', '<mailto:a@b>', '*', 'nonsense <'),
  wait: fc.constantFrom(0, 0, 0, 500, 5000, 40_000),
  cancel: fc.boolean(),
  /** What happens to what we have sent: nothing, or an answer. */
  answer: fc.option(fc.constantFrom(100, 183, 200, 202, 302, 401, 408, 422, 423, 481, 488, 491, 500, 503, 603), { nil: undefined }),
});

const handler: InviteHandler = {
  onOffer: (_request, body) => ({ status: 200, ...(body && { body: sdp('answer') }) }),
  onRefer: () => ({ status: 202 }),
};

/** Each makes a dialog, and says what a request in it must bear. */
const stages: Record<string, (core: ScriptedCore) => { callId: string; toTag: string }> = {
  'a call of ours, ringing': (core) => {
    const call = new OutgoingInvite(core, { uri: 'sip:b@example.org', from: '<sip:a@example.com>', body: sdp('offer'), handler });
    core.sent[0]!.answer(183, {
      headers: [
        ['Require', '100rel'],
        ['RSeq', '4'],
      ],
      sdp: 'answer',
    });
    return { callId: call.callId, toTag: call.localTag };
  },
  'a call of ours, answered': (core) => {
    const call = new OutgoingInvite(core, { uri: 'sip:b@example.org', from: '<sip:a@example.com>', handler });
    core.sent[0]!.answer(200, { sdp: 'offer' });
    call.refer({ referTo: 'sip:c@d' });
    void call.reinvite({ body: sdp('hold') }).catch(() => {});
    return { callId: call.callId, toTag: call.localTag };
  },
  'a call to us, ringing': (core) => {
    const call = receiveInvite(core, core.receive('INVITE', { sdp: 'offer', headers: [['Supported', '100rel']] }))!;
    call.handler = handler;
    void call.progress(183, { body: sdp('answer') }).catch(() => {});
    call.accept().catch(() => {});
    return { callId: 'call', toTag: 'a' };
  },
  'a call to us, answered': (core) => {
    const call = receiveInvite(
      core,
      core.receive('INVITE', {
        headers: [
          ['Supported', 'timer'],
          ['Session-Expires', '90'],
        ],
      }),
    )!;
    call.handler = handler;
    call.accept({ body: sdp('offer') }).catch(() => {});
    return { callId: 'call', toTag: 'a' };
  },
  'a subscription of ours': (core) => {
    new OutgoingSubscription(core, { uri: 'sip:b@example.org', from: '<sip:a@example.com>', event: 'message-summary' });
    return { callId: core.sent[0]!.request.callId!, toTag: core.sent[0]!.request.from!.tag! };
  },
  'a subscription to us': (core) => {
    receiveSubscribe(core, core.receive('SUBSCRIBE', { headers: [['Event', 'message-summary']] }), { events: ['message-summary'] })?.accept(
      () => undefined,
    );
    return { callId: 'call', toTag: 'a' };
  },
  'a REFER of ours': (core) => {
    referOutside(core, { uri: 'sip:b@example.org', from: '<sip:a@example.com>', referTo: 'sip:c@d' });
    return { callId: core.sent[0]!.request.callId!, toTag: core.sent[0]!.request.from!.tag! };
  },
  'a REFER to us': (core) => {
    receiveRefer(core, core.receive('REFER', { headers: [['Refer-To', '<sip:c@d>']] }), handler);
    return { callId: 'call', toTag: 'a' };
  },
};

const finals = (received: Received) => received.responses.filter((response) => response.status >= 200);

test.each(Object.keys(stages))(
  '%s',
  async (name) => {
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 12 }), async (requests) => {
        const core = new ScriptedCore();
        const ids = stages[name]!(core);
        const received: Received[] = [];
        for (const { method, cseq, headers, body, contact, wait, cancel, answer } of requests) {
          const made = core.within(method, {
            ...ids,
            cseq,
            headers: headers as HeaderEntry[],
            contact,
            ...(body !== undefined && { sdp: body }),
          });
          if (method !== 'ACK') received.push(made);
          if (cancel) made.onCancel?.(made.request);
          if (answer !== undefined) core.sent.at(-1)?.answer(answer, { headers: headers as HeaderEntry[] });
          await core.clock.run(wait);
        }
        await core.clock.run(70_000);
        for (const made of received) {
          const answers = finals(made);
          // A 2xx to INVITE is repeated until its ACK; all else is said once.
          expect(answers.length).toBeGreaterThan(0);
          expect(new Set(answers).size).toBe(1);
        }
        core.dialogs.terminateAll('local');
        core.dialogs.terminateAll('transport');
        await core.clock.run(0);
        expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
      }),
      { numRuns: RUNS },
    );
  },
  120_000,
);
