import { describe, expect, test } from 'vitest';
import { OutgoingInvite } from '../../../src/sip/ua/invite-outgoing.js';
import type { InviteHandler } from '../../../src/sip/ua/invite-usage.js';
import type { ReferSubscription } from '../../../src/sip/ua/refer-subscription.js';
import { ScriptedCore, sdp } from './scripted-core.js';

function up(handler: InviteHandler = {}) {
  const core = new ScriptedCore();
  const usage = new OutgoingInvite(core, {
    uri: 'sip:b@example.org',
    from: '<sip:a@example.com>',
    body: sdp('offer'),
    sessionExpiresS: 0,
    handler,
  });
  core.sent[0]!.answer(200, { sdp: 'answer' });
  core.take();
  return { core, usage, ids: { callId: usage.callId, toTag: usage.localTag } };
}

const told = (id: string, body: string, state = 'active;expires=60') =>
  ({
    headers: [
      ['Event', id === '' ? 'refer' : `refer;id=${id}`],
      ['Subscription-State', state],
      ['X-Body', body],
    ],
    sdp: body,
  }) as const;

describe('we refer, RFC 3515', () => {
  const watch = (progress: ReturnType<OutgoingInvite['refer']>) => {
    const heard: string[] = [];
    progress.on('accepted', () => heard.push('accepted'));
    progress.on('progress', ({ status }) => heard.push(`progress ${status}`));
    progress.on('ended', ({ outcome, status }) => heard.push(`ended ${outcome} ${status}`));
    return heard;
  };

  test('accepted, followed, done; the call lives until it is hung up', async () => {
    const { core, usage, ids } = up();
    const progress = usage.refer({ referTo: 'sip:carol@example.net', referredBy: '<sip:a@example.com>', headers: [['X-T', '1']] });
    const heard = watch(progress);
    const { request } = core.last('REFER');
    expect([request.header('Refer-To'), request.header('Referred-By'), request.header('X-T'), request.has('Contact')]).toEqual([
      '<sip:carol@example.net>',
      '<sip:a@example.com>',
      '1',
      true,
    ]);
    core.last('REFER').answer(202);
    expect(core.within('NOTIFY', { ...ids, cseq: 1, ...told('', 'SIP/2.0 100 Trying') }).last?.status).toBe(200);
    core.within('NOTIFY', { ...ids, cseq: 2, ...told('2', 'SIP/2.0 200 OK', 'terminated;reason=noresource') });
    expect(await progress.done).toEqual({ outcome: 'reported', status: 200, reason: 'OK' });
    expect(heard).toEqual(['accepted', 'progress 100', 'progress 200', 'ended reported 200']);
    expect(usage.state).toBe('confirmed');
    expect(core.within('NOTIFY', { ...ids, cseq: 3, ...told('2', 'SIP/2.0 200 OK') }).last?.status).toBe(481);
  });

  test('§2.4.6 two at once are told apart by id', async () => {
    const { core, usage, ids } = up();
    const first = usage.refer({ referTo: 'sip:c@d' });
    const second = usage.refer({ referTo: 'sip:e@f' });
    core.within('NOTIFY', { ...ids, cseq: 1, ...told('3', 'SIP/2.0 486 Busy Here') });
    core.within('NOTIFY', { ...ids, cseq: 2, ...told('2', 'SIP/2.0 200 OK') });
    expect([(await first.done).status, (await second.done).status]).toEqual([200, 486]);
    expect(core.within('NOTIFY', { ...ids, cseq: 3, ...told('9', 'SIP/2.0 200 OK') }).last?.status).toBe(481);
  });

  test('RFC 5057 hung up meanwhile: the reports still come, and then the dialog is gone', async () => {
    const { core, usage, ids } = up();
    const progress = usage.refer({ referTo: 'sip:c@d' });
    core.last('REFER').answer(202);
    const bye = usage.bye();
    core.last('BYE').answer(200);
    await bye;
    await core.clock.run(0);
    expect(core.dialogs.size).toBe(1);
    expect(core.within('NOTIFY', { ...ids, ...told('', 'SIP/2.0 200 OK', 'terminated') }).last?.status).toBe(200);
    expect((await progress.done).outcome).toBe('reported');
    expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
  });

  test('refused, silent, or without subscription', async () => {
    for (const [status, headers, outcome] of [
      [603, [], 'refused'],
      [202, [['Refer-Sub', 'false']], 'unreported'],
      [202, [], 'timeout'],
    ] as const) {
      const { core, usage } = up();
      const progress = usage.refer({ referTo: 'sip:c@d', noSubscription: true });
      core.last('REFER').answer(status, { headers });
      await core.clock.run(32_000);
      expect((await progress.done).outcome).toBe(outcome);
      expect(core.clock.pending).toBe(0);
    }
  });

  test('a listener that throws stops nothing', async () => {
    const { core, usage, ids } = up();
    const progress = usage.refer({ referTo: 'sip:c@d' });
    progress.on('progress', () => {
      throw new Error('boom');
    });
    core.within('NOTIFY', { ...ids, ...told('', 'SIP/2.0 200 OK') });
    expect((await progress.done).status).toBe(200);
  });

  test('the agent closes: reports are over', async () => {
    const { core, usage } = up();
    const progress = usage.refer({ referTo: 'sip:c@d' });
    core.last('REFER').answer(202);
    core.dialogs.terminateAll('transport');
    expect((await progress.done).outcome).toBe('unreported');
    expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
  });
});

describe('we are referred, RFC 3515 §2.4.4', () => {
  const refer = [
    ['Refer-To', '<sip:carol@example.net?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2>'],
    ['Referred-By', '<sip:b@example.org>'],
  ] as const;

  test('202, NOTIFY 100 at once, progress, the final status; ids from the second REFER on', async () => {
    const subscriptions: ReferSubscription[] = [];
    const { core, ids } = up({
      onRefer: (_request, subscription) => {
        subscriptions.push(subscription);
        return { status: 202 };
      },
    });
    const first = core.within('REFER', { ...ids, headers: refer });
    expect([first.last?.status, first.last?.has('Contact')]).toEqual([202, true]);
    const [subscription] = subscriptions as [ReferSubscription];
    expect([String(subscription.referTo.uri.host), String(subscription.referredBy?.uri), subscription.isActive]).toEqual([
      'example.net',
      'sip:b@example.org',
      true,
    ]);
    const notify = core.last('NOTIFY');
    expect([
      notify.request.header('Event'),
      notify.request.header('Subscription-State'),
      notify.request.bodyText,
      notify.request.header('Content-Type'),
    ]).toEqual(['refer', 'active;expires=180', 'SIP/2.0 100 Trying\r\n', 'message/sipfrag;version=2.0']);
    notify.answer(200);
    await core.clock.run(2000);
    subscription.notify(200);
    const last = core.last('NOTIFY');
    expect([last.request.header('Subscription-State'), last.request.bodyText]).toEqual([
      'terminated;reason=noresource',
      'SIP/2.0 200 OK\r\n',
    ]);
    last.answer(200);
    await core.clock.run(0);
    expect(subscription.isActive).toBe(false);
    core.within('REFER', { ...ids, cseq: 7, headers: refer });
    expect(core.last('NOTIFY').request.header('Event')).toBe('refer;id=7');
  });

  test('what is learnt before the 202 is out is told behind it; refused, nothing is', async () => {
    const early = up({
      onRefer: (_request, subscription) => {
        subscription.notify(200);
        return { status: 202 };
      },
    });
    early.core.within('REFER', { ...early.ids, headers: refer });
    early.core.last('NOTIFY').answer(200);
    await early.core.clock.run(0);
    expect(early.core.take().filter((line) => line.includes('NOTIFY'))).toHaveLength(2);
    let kept: ReferSubscription | undefined;
    const no = up({
      onRefer: (_request, subscription) => {
        kept = subscription;
        return { status: 603 };
      },
    });
    no.core.within('REFER', { ...no.ids, headers: refer });
    kept?.notify(200);
    expect(no.core.take().filter((line) => line.includes('NOTIFY'))).toEqual([]);
  });

  test('RFC 4488 who wants no subscription gets none, and is told', () => {
    const { core, ids } = up({ onRefer: () => ({ status: 202 }) });
    const exchange = core.within('REFER', { ...ids, headers: [...refer, ['Refer-Sub', 'false']] });
    expect([exchange.last?.status, exchange.last?.header('Refer-Sub')]).toEqual([202, 'false']);
    expect(core.take().filter((line) => line.includes('NOTIFY'))).toEqual([]);
  });

  test('§2.4.4 the referrer may prolong its subscription, or end it', async () => {
    const { core, ids } = up({ onRefer: () => ({ status: 202 }) });
    core.within('REFER', { ...ids, headers: refer });
    core.last('NOTIFY').answer(200);
    const more = core.within('SUBSCRIBE', {
      ...ids,
      cseq: 2,
      headers: [
        ['Event', 'refer'],
        ['Expires', '600'],
      ],
    });
    expect([more.last?.status, more.last?.header('Expires')]).toEqual([200, '600']);
    await core.clock.run(2000);
    core.last('NOTIFY').answer(200);
    await core.clock.run(0);
    core.within('SUBSCRIBE', {
      ...ids,
      cseq: 3,
      headers: [
        ['Event', 'refer;id=1'],
        ['Expires', '0'],
      ],
    });
    expect(core.last('NOTIFY').request.header('Subscription-State')).toBe('terminated;reason=timeout');
    expect(
      core.within('SUBSCRIBE', {
        ...ids,
        cseq: 4,
        headers: [
          ['Event', 'refer'],
          ['Expires', '60'],
        ],
      }).last?.status,
    ).toBe(403);
  });

  test('RFC 5057 the referrer hangs up: it is still told, and then the dialog is gone', async () => {
    let kept!: ReferSubscription;
    const { core, ids } = up({
      onRefer: (_request, subscription) => {
        kept = subscription;
        return { status: 202 };
      },
    });
    core.within('REFER', { ...ids, headers: refer });
    core.last('NOTIFY').answer(200);
    core.within('BYE', { ...ids, cseq: 2 });
    await core.clock.run(0);
    expect(core.dialogs.size).toBe(1);
    kept.notify(486);
    core.last('NOTIFY').answer(481);
    await core.clock.run(0);
    expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
  });

  test('a handler that throws: 500, and the call ends', () => {
    const { core, usage, ids } = up({
      onRefer: () => {
        throw new Error('boom');
      },
    });
    expect(core.within('REFER', { ...ids, headers: refer }).last?.status).toBe(500);
    expect(usage.state).toBe('ended');
  });
});
