import { describe, expect, test } from 'vitest';
import { Referral, type ReferralEffect, Referred, type ReferredEffect, referHeaders } from '../../../src/sip/dialog/refer.js';
import { parseFragment, writeFragment } from '../../../src/sip/dialog/sipfrag.js';
import { parseReplaces } from '../../../src/sip/message/dialog-reference.js';
import type { HeaderEntry } from '../../../src/sip/message/headers.js';
import { parseNameAddr } from '../../../src/sip/message/name-addr.js';
import { drive, request, response, type Step } from './transcript.js';

describe('the headers of a REFER', () => {
  test('RFC 3515 §2.4.1 Refer-To in brackets, whatever was given', () => {
    expect(referHeaders({ referTo: 'sip:carol@example.net;user=phone' })).toEqual([['Refer-To', '<sip:carol@example.net;user=phone>']]);
    expect(referHeaders({ referTo: '"Carol" <sip:carol@example.net>', referredBy: '<sip:alice@example.com>' })).toEqual([
      ['Refer-To', '"Carol" <sip:carol@example.net>'],
      ['Referred-By', '<sip:alice@example.com>'],
    ]);
  });

  test('RFC 3891 §3 Replaces is escaped into the URI, and reads back as it was', () => {
    const replaces = '12adf2f34456gs5@host;to-tag=12345;from-tag=54321;early-only';
    for (const referTo of ['sip:carol@example.net', 'sip:carol@example.net?Subject=x', '<sip:carol@example.net;transport=tcp>']) {
      const [[, value]] = referHeaders({ referTo, replaces }) as [HeaderEntry];
      const uri = parseNameAddr(value)!.uri;
      expect(uri.headers.get('Replaces')).toBe(replaces);
      expect(parseReplaces(uri.headers.get('Replaces')!)).toMatchObject({ toTag: '12345', earlyOnly: true });
    }
  });

  test('RFC 4488 §4 norefersub', () => {
    expect(referHeaders({ referTo: 'sip:c@d', noSubscription: true }).slice(1)).toEqual([
      ['Refer-Sub', 'false'],
      ['Supported', 'norefersub'],
    ]);
  });
});

describe('message/sipfrag, RFC 3420', () => {
  test('the status line is read, whatever stands behind it', () => {
    expect(parseFragment('SIP/2.0 180 Ringing')).toEqual({ status: 180, reason: 'Ringing' });
    expect(parseFragment('SIP/2.0 200 OK\r\nTo: <sip:a@b>\r\n')).toEqual({ status: 200, reason: 'OK' });
    expect(parseFragment('sip/2.0 486')).toEqual({ status: 486, reason: '' });
    expect(parseFragment(`SIP/2.0 503 ${'x'.repeat(100_000)}`)?.reason).toHaveLength(200);
  });

  test('anything else is no fragment', () => {
    for (const body of ['', 'SIP/2.0', 'SIP/2.0 99 x', 'SIP/2.0 700 x', 'SIP/2.0 2000 x', 'INVITE sip:a@b SIP/2.0', ' SIP/2.0 200 OK'])
      expect(parseFragment(body)).toBeUndefined();
  });

  test('what we write reads back, and cannot break the line', () => {
    expect(parseFragment(writeFragment({ status: 486, reason: 'Busy Here' }))).toEqual({ status: 486, reason: 'Busy Here' });
    expect(writeFragment({ status: 200, reason: 'a\r\nEvil: 1' })).toBe('SIP/2.0 200 a  Evil: 1\r\n');
  });
});

const notify = (body: string, state = 'active;expires=60') =>
  request('NOTIFY', [
    ['Event', 'refer'],
    ['Subscription-State', state],
  ]).setBody('message/sipfrag', body);

describe('the one who refers, RFC 3515 §2.4', () => {
  const show = (effect: ReferralEffect): string => {
    switch (effect.type) {
      case 'progress':
        return `progress ${effect.fragment.status}`;
      case 'ended':
        return `ended ${effect.outcome} ${effect.status}`;
      default:
        return effect.type;
    }
  };
  const answers = (at: number, status: number, headers: readonly HeaderEntry[] = []): Step<Referral> => [
    at,
    (it, now) => it.onResponse(response(status, headers), now),
  ];
  const tells = (at: number, body: string, state?: string): Step<Referral> => [at, (it, now) => it.onNotify(notify(body, state), now)];
  const run = (...steps: Step<Referral>[]) => drive(new Referral(500), steps, show);

  test('accepted, tried, rung, answered', () => {
    expect(
      run(
        answers(0, 202),
        tells(10, 'SIP/2.0 100 Trying'),
        tells(20, 'SIP/2.0 180 Ringing'),
        tells(900, 'SIP/2.0 200 OK', 'terminated;reason=noresource'),
        tells(901, 'SIP/2.0 200 OK'),
      ),
    ).toEqual(['0 accepted', '10 progress 100', '20 progress 180', '900 progress 200', '900 ended reported 200']);
  });

  test('§2.4.4 the NOTIFY overtakes the 202', () => {
    expect(run(tells(0, 'SIP/2.0 100 Trying'), answers(5, 202), tells(50, 'SIP/2.0 486 Busy Here', 'terminated'))).toEqual([
      '0 accepted',
      '0 progress 100',
      '50 progress 486',
      '50 ended reported 486',
    ]);
  });

  test('§2.4.7 a final status ends it even where `terminated` was forgotten', () => {
    expect(run(answers(0, 202), tells(1, 'SIP/2.0 503 Service Unavailable')).at(-1)).toBe('1 ended reported 503');
  });

  test('refused', () => {
    expect(run(answers(0, 100), answers(1, 603), answers(2, 202), tells(3, 'SIP/2.0 200 OK'))).toEqual(['1 ended refused 603']);
  });

  test('RFC 4488 no subscription was made: nothing more is expected', () => {
    expect(run(answers(0, 202, [['Refer-Sub', 'false']]))).toEqual(['0 accepted', '0 ended unreported 202']);
  });

  test('accepted, then silence: 64*T1, or as long as the subscription lasts', () => {
    expect(run(answers(0, 202))).toEqual(['0 accepted', '32000 ended timeout 0']);
    expect(run(answers(0, 202), tells(10, 'SIP/2.0 180 Ringing')).at(-1)).toBe('60010 ended timeout 180');
  });

  test('terminated before a final status, with or without a body that can be read', () => {
    expect(run(answers(0, 202), tells(1, 'SIP/2.0 180 Ringing', 'terminated;reason=giveup')).at(-1)).toBe('1 ended unreported 180');
    expect(run(answers(0, 202), tells(1, 'garbage', 'terminated')).at(-1)).toBe('1 ended unreported 0');
  });

  test('the dialog is gone', () => {
    expect(run(answers(0, 202), [5, (it) => it.onEnd()], [6, (it) => it.onEnd()], [7, (it) => it.onTimer('silence')])).toEqual([
      '0 accepted',
      '5 ended unreported 0',
    ]);
  });
});

describe('the one who is referred, RFC 3515 §2.4.4', () => {
  const show = (effect: ReferredEffect): string =>
    effect.type === 'notify' ? `notify ${effect.fragment.status} ${effect.subscriptionState}` : effect.type;
  const accepts = (at: number): Step<Referred> => [at, (it, now) => it.onAccepted(now)];
  const learns = (at: number, status: number): Step<Referred> => [at, (it, now) => it.onStatus({ status, reason: '' }, now)];
  const notified = (at: number, status = 200, retryAfter?: number): Step<Referred> => [
    at,
    (it, now) => it.onNotified(status, now, retryAfter),
  ];
  const run = (...steps: Step<Referred>[]) => drive(new Referred(0), steps, show);

  test('100 at once, then what is learnt, the final status last', () => {
    expect(run(accepts(0), notified(10), learns(2000, 180), notified(2010), learns(5000, 200), notified(5010))).toEqual([
      '0 notify 100 active;expires=180',
      '2000 notify 180 active;expires=178',
      '5000 notify 200 terminated;reason=noresource',
      '5010 ended',
    ]);
  });

  test('§3.10 one a second, one at a time, the latest wins; a final one does not wait its second', () => {
    expect(
      run(accepts(0), learns(1, 180), notified(10), learns(20, 181), learns(30, 183), notified(1100), learns(1200, 486), notified(1300)),
    ).toEqual([
      '0 notify 100 active;expires=180',
      '1000 notify 183 active;expires=179',
      '1200 notify 486 terminated;reason=noresource',
      '1300 ended',
    ]);
  });

  test('a final status while a NOTIFY is out goes behind it; nothing follows it', () => {
    expect(run(accepts(0), learns(5, 200), learns(6, 180), notified(10), learns(11, 180), notified(20), notified(30))).toEqual([
      '0 notify 100 active;expires=180',
      '10 notify 200 terminated;reason=noresource',
      '20 ended',
    ]);
  });

  test('RFC 6665 §4.2.2 a refused NOTIFY ends it, one that says when to try again does not', () => {
    expect(run(accepts(0), notified(10, 481), learns(20, 200))).toEqual(['0 notify 100 active;expires=180', '10 ended']);
    expect(run(accepts(0), notified(10, 503, 5), learns(20, 200), notified(30))).toEqual([
      '0 notify 100 active;expires=180',
      '20 notify 200 terminated;reason=noresource',
      '30 ended',
    ]);
  });

  test('the time runs out', () => {
    expect(run(accepts(0), notified(10))).toEqual([
      '0 notify 100 active;expires=180',
      '180000 notify 100 terminated;reason=timeout',
      '180000 ended',
    ]);
  });

  test('§2.4.4 the referrer prolongs it, or ends it', () => {
    expect(run(accepts(0), notified(10), [2000, (it, now) => it.onSubscribe(600, now)], notified(2010)).at(1)).toBe(
      '2000 notify 100 active;expires=600',
    );
    expect(
      run(accepts(0), notified(10), [2000, (it, now) => it.onSubscribe(0, now)], [2001, (it, now) => it.onSubscribe(60, now)]),
    ).toEqual(['0 notify 100 active;expires=180', '2000 notify 100 terminated;reason=timeout', '2000 ended']);
  });

  test('ended: nothing moves', () => {
    const machine = new Referred(0);
    machine.onEnd();
    expect(
      [
        machine.onAccepted(0),
        machine.onStatus({ status: 200, reason: '' }, 0),
        machine.onNotified(200, 0),
        machine.onTimer('pace', 0),
        machine.onTimer('expire', 0),
        machine.onEnd(),
      ].flat(),
    ).toEqual([]);
  });
});
