import { describe, expect, test } from 'vitest';
import type { HeaderEntry } from '../../../src/sip/message/headers.js';
import { type IncomingSubscriptionOptions, receiveSubscribe } from '../../../src/sip/ua/subscription-incoming.js';
import { OutgoingSubscription, type SubscriptionOptions } from '../../../src/sip/ua/subscription-outgoing.js';
import { type RequestParts, ScriptedCore } from './scripted-core.js';

function subscribe(options: Partial<SubscriptionOptions> = {}) {
  const core = new ScriptedCore();
  const subscription = new OutgoingSubscription(core, {
    uri: 'sip:bob@example.org',
    from: '<sip:alice@example.com>',
    event: 'message-summary',
    expiresS: 600,
    ...options,
  });
  const said = (line: string) => core.log(`  ${line}`);
  subscription.on('state', (state) => said(`is ${state}`));
  subscription.on('notified', (_notify, body) => said(`notified [${body === undefined ? '' : new TextDecoder().decode(body.bytes)}]`));
  subscription.on('lost', ({ reason }, ms) => said(`lost ${reason}, again in ${ms}`));
  subscription.on('ended', ({ reason, response }) => said(`ended ${reason}${response ? ` ${response.status}` : ''}`));
  const ids = () => {
    const { request } = core.last('SUBSCRIBE');
    return { callId: request.callId!, toTag: request.from!.tag! };
  };
  const notify = (state: string, parts: Partial<RequestParts> = {}, event = 'message-summary') =>
    core.within('NOTIFY', {
      ...ids(),
      sdp: 'x',
      ...parts,
      headers: [
        ['Event', event],
        ['Subscription-State', state],
      ],
    });
  return { core, subscription, notify, ids };
}

describe('a subscription of ours, RFC 6665 §4.1', () => {
  test('SUBSCRIBE, 200, NOTIFY, refresh in the dialog, the end: transcript, and nothing left', async () => {
    const { core, subscription, notify } = subscribe({
      accept: ['application/simple-message-summary'],
      headers: [['X-S', '1']],
      route: ['<sip:p;lr>'],
    });
    const { request } = core.sent[0]!;
    expect(['Event', 'Expires', 'Accept', 'X-S', 'Route', 'To'].map((name) => request.header(name))).toEqual([
      'message-summary',
      '600',
      'application/simple-message-summary',
      '1',
      '<sip:p;lr>',
      '<sip:bob@example.org>',
    ]);
    core.sent[0]!.answer(200, { headers: [['Expires', '600']] });
    expect(notify('active;expires=600').last?.status).toBe(200);
    await core.clock.run(560_000);
    const refresh = core.last('SUBSCRIBE').request;
    expect([String(refresh.uri), refresh.to?.tag, refresh.cseq?.number]).toEqual(['sip:bob@192.0.2.9', 'b', 2]);
    core.last('SUBSCRIBE').answer(200, { headers: [['Expires', '600']] });
    notify('active;expires=600', { cseq: 2 });
    subscription.unsubscribe();
    expect(core.last('SUBSCRIBE').request.header('Expires')).toBe('0');
    core.last('SUBSCRIBE').answer(200);
    notify('terminated;reason=timeout', { cseq: 3 });
    expect(core.take().filter((line) => line.includes('  '))).toEqual([
      '0   notified [x]',
      '0   is active',
      '560000   notified [x]',
      '560000   notified [x]',
      '560000   is terminated',
      '560000   ended timeout',
    ]);
    expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
  });

  test('§4.4.1 the NOTIFY overtakes the 200, and makes the dialog; NOTIFYs of another fork find nobody', () => {
    const { core, notify } = subscribe();
    expect(notify('pending;expires=600').last?.status).toBe(200);
    core.sent[0]!.answer(202);
    expect(notify('active;expires=600', { fromTag: 'other' }).last?.status).toBe(481);
    expect(notify('active;expires=600', { cseq: 2 }).last?.status).toBe(200);
    expect(core.take().filter((line) => line.includes('is'))).toEqual(['0   is pending', '0   is active']);
  });

  test('another event is 489, an old number 500, another method what it deserves', () => {
    const { core, notify, ids } = subscribe();
    expect(notify('active', {}, 'presence').last?.status).toBe(489);
    expect(notify('active', {}, 'message-summary;id=7').last?.status).toBe(489);
    expect(core.within('INFO', ids()).last?.status).toBe(481);
    notify('active', { cseq: 5 });
    expect(notify('active', { cseq: 4 }).last?.status).toBe(500);
    expect(core.within('MESSAGE', { ...ids(), cseq: 6 }).last?.status).toBe(405);
  });

  test('RFC 3261 §20.20 a bare URI as From: our tag is the header’s, not the URI’s', () => {
    const { core, notify } = subscribe({ from: 'sip:alice@example.com' });
    const { request } = core.sent[0]!;
    expect(request.header('From')).toBe(`<sip:alice@example.com>;tag=${request.from!.tag}`);
    core.sent[0]!.answer(200, { headers: [['Expires', '600']] });
    expect(notify('active;expires=600').last?.status).toBe(200);
  });

  test('§4.1.2.2 the notifier has forgotten it: 481, and a new one at once, with a Call-ID of its own', async () => {
    const { core, notify, ids } = subscribe();
    notify('active;expires=600');
    await core.clock.run(560_000);
    const before = ids();
    core.last('SUBSCRIBE').answer(481);
    await core.clock.run(0);
    expect(ids().callId).not.toBe(before.callId);
    expect(core.last('SUBSCRIBE').request.to?.tag).toBeUndefined();
    expect(core.within('NOTIFY', { ...before, cseq: 9, headers: [['Event', 'message-summary']] }).last?.status).toBe(481);
    expect(notify('active;expires=600').last?.status).toBe(200);
  });

  test('refused for good, unsubscribed at once, closed: nothing left', () => {
    const refused = subscribe();
    refused.core.sent[0]!.answer(403);
    const left = subscribe();
    left.subscription.unsubscribe();
    expect(left.notify('active').last?.status).toBe(481);
    const closed = subscribe();
    closed.notify('active');
    closed.core.dialogs.terminateAll('local');
    for (const [{ core }, end] of [
      [refused, 'refused 403'],
      [left, 'unsubscribed'],
      [closed, 'closed'],
    ] as const) {
      expect(core.lines.some((line) => line.endsWith(`ended ${end}`))).toBe(true);
      expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
    }
  });

  test('§4.4.3 a fetch', () => {
    const { core, notify } = subscribe({ expiresS: 0, id: '4' });
    expect(core.sent[0]!.request.header('Event')).toBe('message-summary;id=4');
    core.sent[0]!.answer(200, { headers: [['Expires', '0']] });
    notify('terminated;reason=timeout', {}, 'message-summary;id=4');
    expect(core.take().at(-1)).toBe('0   ended timeout');
    expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
  });

  test('a listener that throws stops nothing; a URI that is none is refused at the door', () => {
    const { core, subscription, notify } = subscribe();
    subscription.on('notified', () => {
      throw new Error('boom');
    });
    notify('active');
    expect(subscription.state).toBe('active');
    expect(() => new OutgoingSubscription(core, { uri: 'nonsense', from: '<sip:a@b>', event: 'x' })).toThrow(/URI/);
  });
});

describe('a subscription to us, RFC 6665 §4.2', () => {
  const known: IncomingSubscriptionOptions = { events: ['message-summary', 'dialog'] };
  const asked = (headers: HeaderEntry[], options = known) => {
    const core = new ScriptedCore();
    const exchange = core.receive('SUBSCRIBE', { headers });
    const subscription = receiveSubscribe(core, exchange, options);
    subscription?.on('ended', (reason) => core.log(`  ended ${reason}`));
    return { core, exchange, subscription: subscription! };
  };
  const body = (words: string) => () => ({ contentType: 'text/plain', bytes: new TextEncoder().encode(words) });

  test('accepted, told at once and at every change, refreshed, ended by them', async () => {
    const { core, exchange, subscription } = asked([
      ['Event', 'message-summary'],
      ['Expires', '7200'],
    ]);
    let words = 'one';
    expect(subscription.state).toBe('waiting');
    subscription.accept(() => body(words)());
    expect([exchange.last?.status, exchange.last?.header('Expires'), exchange.last?.has('Contact')]).toEqual([200, '3600', true]);
    const first = core.last('NOTIFY');
    expect([
      first.request.header('Event'),
      first.request.header('Subscription-State'),
      first.request.bodyText,
      first.request.cseq?.number,
    ]).toEqual(['message-summary', 'active;expires=3600', 'one', 1]);
    first.answer(200);
    words = 'two';
    subscription.notify();
    expect(core.last('NOTIFY').request.bodyText).toBe('two');
    core.last('NOTIFY').answer(200);
    const ids = { toTag: 'a' };
    expect(
      core.within('SUBSCRIBE', {
        ...ids,
        cseq: 2,
        headers: [
          ['Event', 'message-summary'],
          ['Expires', '600'],
        ],
      }).last?.status,
    ).toBe(200);
    core.last('NOTIFY').answer(200);
    expect(core.within('SUBSCRIBE', { ...ids, cseq: 3, headers: [['Event', 'dialog']] }).last?.status).toBe(489);
    expect(core.within('MESSAGE', { ...ids, cseq: 4 }).last?.status).toBe(405);
    expect(core.within('SUBSCRIBE', { ...ids, cseq: 3, headers: [['Event', 'message-summary']] }).last?.status).toBe(500);
    core.within('SUBSCRIBE', {
      ...ids,
      cseq: 5,
      headers: [
        ['Event', 'message-summary'],
        ['Expires', '0'],
      ],
    });
    expect(core.last('NOTIFY').request.header('Subscription-State')).toBe('terminated;reason=timeout');
    core.last('NOTIFY').answer(200);
    expect(core.take().at(-1)).toBe('0   ended timeout');
    expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
  });

  test('pending, then allowed, then ended by us', () => {
    const { core, subscription } = asked([['Event', 'dialog;id=5']]);
    subscription.accept(body('x'), 'pending');
    core.last('NOTIFY').answer(200);
    subscription.notify('active');
    expect([core.last('NOTIFY').request.header('Subscription-State'), core.last('NOTIFY').request.header('Event')]).toEqual([
      'active;expires=3600',
      'dialog;id=5',
    ]);
    subscription.terminate('deactivated');
    core.last('NOTIFY').answer(200);
    expect(core.last('NOTIFY').request.header('Subscription-State')).toBe('terminated;reason=deactivated');
    core.last('NOTIFY').answer(408, { local: true });
    expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
  });

  test('unknown events 489, too brief 423, an hour and more never; refused as asked; answered once', () => {
    expect(asked([]).exchange.last?.status).toBe(489);
    const unknown = asked([['Event', 'presence']]).exchange.last;
    expect([unknown?.status, unknown?.header('Allow-Events')]).toEqual([489, 'message-summary']);
    const brief = asked([
      ['Event', 'dialog'],
      ['Expires', '10'],
    ]).exchange.last;
    expect([brief?.status, brief?.header('Min-Expires')]).toEqual([423, '60']);
    expect(
      asked(
        [
          ['Event', 'dialog'],
          ['Expires', '3600'],
        ],
        { ...known, minExpiresS: 7200 },
      ).exchange.last,
    ).toBeUndefined();
    const { exchange, subscription } = asked([['Event', 'dialog']]);
    subscription.reject(403);
    expect(exchange.last?.status).toBe(403);
    expect(() => subscription.accept(body('x'))).toThrow(/answered/);
  });

  test('a subscriber that is gone is forgotten; content that throws is no content', () => {
    const { core, subscription } = asked([['Event', 'dialog']]);
    subscription.accept(() => {
      throw new Error('boom');
    });
    expect(core.last('NOTIFY').request.body.length).toBe(0);
    core.last('NOTIFY').answer(481);
    expect(core.take().at(-1)).toBe('0   ended ');
    expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
  });

  test('the agent closes', () => {
    const { core, subscription } = asked([['Event', 'dialog']]);
    subscription.accept(body('x'));
    core.dialogs.terminateAll('transport');
    expect([core.dialogs.size, core.clock.pending]).toEqual([0, 0]);
  });
});
