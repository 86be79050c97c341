import { describe, expect, test } from 'vitest';
import type { HeaderEntry } from '../../../src/sip/message/headers.js';
import type { InviteHandler } from '../../../src/sip/ua/invite-usage.js';
import { receiveRefer, referOutside, targetDialogOf } from '../../../src/sip/ua/refer-dialog.js';
import type { ReferSubscription } from '../../../src/sip/ua/refer-subscription.js';
import { ScriptedCore } from './scripted-core.js';

const told = (cseq: number, body: string, event = 'refer'): { cseq: number; headers: HeaderEntry[]; sdp: string } => ({
  cseq,
  headers: [
    ['Event', event],
    ['Subscription-State', 'active;expires=60'],
  ],
  sdp: body,
});

describe('REFER outside any call, RFC 3515 §4.1', () => {
  const place = () => {
    const core = new ScriptedCore();
    const referral = referOutside(core, {
      uri: 'sip:b@example.org',
      from: '<sip:a@example.com>',
      referTo: 'sip:c@example.net',
      targetDialog: targetDialogOf({ callId: 'x@y', localTag: '1', remoteTag: '2' }),
    });
    const { request } = core.sent[0]!;
    return { core, referral, request, ids: { callId: request.callId!, toTag: request.from!.tag! } };
  };

  test('accepted, reported, over; RFC 4538: the shared dialog is named', async () => {
    const { core, referral, request, ids } = place();
    expect([request.header('Refer-To'), request.header('Target-Dialog'), request.require, request.has('Contact')]).toEqual([
      '<sip:c@example.net>',
      'x@y;local-tag=1;remote-tag=2',
      ['tdialog'],
      true,
    ]);
    core.sent[0]!.answer(202);
    const notified = core.within('NOTIFY', { ...ids, ...told(1, 'SIP/2.0 100 Trying') });
    expect([notified.last?.status, notified.last?.has('Contact')]).toEqual([200, true]);
    core.within('NOTIFY', { ...ids, ...told(2, 'SIP/2.0 200 OK') });
    expect((await referral.progress.done).outcome).toBe('reported');
    expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
  });

  test('the NOTIFY overtakes the 202; other forks find nobody; other methods get what they deserve', async () => {
    const { core, referral, ids } = place();
    expect(core.within('INFO', { ...ids, cseq: 1 }).last?.status).toBe(481);
    expect(core.within('NOTIFY', { ...ids, ...told(5, 'SIP/2.0 180 Ringing') }).last?.status).toBe(200);
    core.sent[0]!.answer(202);
    expect(core.within('NOTIFY', { ...ids, fromTag: 'other', ...told(1, 'SIP/2.0 486 x') }).last?.status).toBe(481);
    expect(core.within('NOTIFY', { ...ids, ...told(4, 'SIP/2.0 486 x') }).last?.status).toBe(500);
    expect(core.within('NOTIFY', { ...ids, ...told(6, 'x', 'presence') }).last?.status).toBe(481);
    core.within('NOTIFY', { ...ids, ...told(7, 'SIP/2.0 603 Decline') });
    expect((await referral.progress.done).status).toBe(603);
  });

  test('§2.4.6 again, in the dialog that the first one made; before there is one, not', () => {
    const { core, referral, ids } = place();
    expect(() => referral.again({ referTo: 'sip:d@e' })).toThrow(/answered/);
    core.sent[0]!.answer(202);
    void referral.again({ referTo: 'sip:d@e' });
    expect([core.last('REFER').request.cseq?.number, core.last('REFER').request.to?.tag]).toEqual([2, 'b']);
    core.within('NOTIFY', { ...ids, ...told(1, 'SIP/2.0 200 OK', 'refer;id=2') });
    core.within('NOTIFY', { ...ids, ...told(2, 'SIP/2.0 200 OK', 'refer;id=1') });
    expect(core.dialogs.size).toBe(0);
  });

  test('refused, or the agent closes: over', async () => {
    const refused = place();
    refused.core.sent[0]!.answer(403);
    expect((await refused.referral.progress.done).outcome).toBe('refused');
    const closed = place();
    closed.core.dialogs.terminateAll('local');
    closed.core.dialogs.terminateAll('transport');
    expect((await closed.referral.progress.done).outcome).toBe('unreported');
    for (const { core } of [refused, closed]) expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
  });
});

describe('a REFER to us outside any call', () => {
  const referred = (handler: Pick<InviteHandler, 'onRefer'>, headers: HeaderEntry[] = [['Refer-To', '<sip:c@d>']]) => {
    const core = new ScriptedCore();
    const exchange = core.receive('REFER', { headers });
    receiveRefer(core, exchange, handler);
    return { core, exchange };
  };

  test('accepted, reported, over; another one in the same dialog meanwhile', async () => {
    const subscriptions: ReferSubscription[] = [];
    const { core, exchange } = referred({
      onRefer: (_request, subscription) => {
        subscriptions.push(subscription);
        return { status: 202 };
      },
    });
    expect(exchange.last?.status).toBe(202);
    core.last('NOTIFY').answer(200);
    expect(core.within('REFER', { toTag: 'a', cseq: 2, headers: [['Refer-To', '<sip:e@f>']] }).last?.status).toBe(202);
    core.last('NOTIFY').answer(200);
    expect(core.within('MESSAGE', { toTag: 'a', cseq: 3 }).last?.status).toBe(405);
    await core.clock.run(2000);
    for (const subscription of subscriptions) {
      subscription.notify(200);
      core.last('NOTIFY').answer(200);
      await core.clock.run(0);
    }
    expect(core.take().filter((line) => line.includes('> NOTIFY'))).toHaveLength(4);
    expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
  });

  test('refused, malformed, or met by a handler that fails: answered, and nothing is left', () => {
    const fails = () => {
      throw new Error('boom');
    };
    for (const [{ core, exchange }, status] of [
      [referred({ onRefer: () => ({ status: 603 }) }), 603],
      [referred({}), 603],
      [referred({}, []), 400],
      [
        referred({}, [
          ['Refer-To', '<sip:a@b>'],
          ['Refer-To', '<sip:c@d>'],
        ]),
        400,
      ],
      [referred({ onRefer: fails }), 500],
    ] as const) {
      expect(exchange.last?.status).toBe(status);
      expect(core.dialogs.size).toBe(0);
    }
  });
});
