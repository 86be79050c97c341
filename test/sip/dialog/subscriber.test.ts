import { describe, expect, test } from 'vitest';
import { Subscriber, type SubscriberEffect } from '../../../src/sip/dialog/subscriber.js';
import type { HeaderEntry } from '../../../src/sip/message/headers.js';
import { drive, request, response, type Step } from './transcript.js';

const show = (effect: SubscriberEffect): string => {
  switch (effect.type) {
    case 'subscribe':
      return `subscribe ${effect.expiresS}${effect.isNew ? ' new' : ''}`;
    case 'state':
      return `is ${effect.state}`;
    case 'notified':
      return 'notified';
    case 'lost':
      return `lost ${effect.reason}, again in ${effect.retryInMs}`;
    case 'ended':
      return `ended ${effect.reason}${effect.response ? ` ${effect.response.status}` : ''}`;
    default:
      return effect.type;
  }
};
const starts = (at: number): Step<Subscriber> => [at, (it, now) => it.onStart(now)];
const answers = (at: number, status: number, ...headers: HeaderEntry[]): Step<Subscriber> => [
  at,
  (it, now) => it.onResponse(response(status, headers), now),
];
const notify = (at: number, state?: string): Step<Subscriber> => [
  at,
  (it, now) => it.onNotify(request('NOTIFY', state === undefined ? [] : [['Subscription-State', state]]), now),
];
const leaves = (at: number): Step<Subscriber> => [at, (it, now) => it.onUnsubscribe(now)];
const run = (options: { expiresS?: number; keep?: boolean; until?: number }, ...steps: Step<Subscriber>[]) =>
  drive(
    new Subscriber({ expiresS: options.expiresS ?? 600, keep: options.keep ?? true, t1: 500 }),
    steps,
    show,
    options.until ?? 1_000_000,
  );

describe('a subscription of ours, RFC 6665 §4.1', () => {
  test('§4.1.2 accepted, notified, refreshed before it expires', () => {
    expect(
      run(
        { until: 1_000_000 },
        starts(0),
        answers(10, 200, ['Expires', '600']),
        notify(20, 'active;expires=600'),
        answers(560_100, 200),
        notify(560_110, 'active;expires=600'),
      ).slice(0, 6),
    ).toEqual(['0 is waiting', '0 subscribe 600 new', '20 notified', '20 is active', '560020 subscribe 600', '560110 notified']);
  });

  test('§4.1.2.4 the NOTIFY overtakes the 200', () => {
    expect(run({ until: 1000 }, starts(0), notify(5, 'pending;expires=600'), answers(10, 202), notify(20, 'active;expires=600'))).toEqual([
      '0 is waiting',
      '0 subscribe 600 new',
      '5 notified',
      '5 is pending',
      '20 notified',
      '20 is active',
      'armed: expire refresh',
    ]);
  });

  test('§4.1.2.4 Timer N: accepted, and no NOTIFY in 64*T1', () => {
    expect(run({ keep: false }, starts(0), answers(10, 200))).toEqual([
      '0 is waiting',
      '0 subscribe 600 new',
      '32000 is terminated',
      '32000 ended silent',
    ]);
    expect(run({ until: 33_000 }, starts(0), answers(10, 200)).slice(2)).toEqual([
      '32000 lost silent, again in 2000',
      '32000 is resting',
      'armed: retry',
    ]);
  });

  test('§4.1.2.1 the notifier shortens; a 423 lengthens', () => {
    expect(run({ until: 40_000 }, starts(0), answers(1, 200, ['Expires', '60']), notify(2, 'active;expires=60'))).toContain(
      '30002 subscribe 600',
    );
    expect(run({ until: 10 }, starts(0), answers(1, 423, ['Min-Expires', '1200']), notify(2, 'active')).slice(1, 3)).toEqual([
      '0 subscribe 600 new',
      '1 subscribe 1200 new',
    ]);
  });

  test('a 423 that asks for no more than we did is a refusal', () => {
    expect(run({ keep: false }, starts(0), answers(1, 423, ['Min-Expires', '60'])).at(-1)).toBe('1 ended refused 423');
    expect(run({ keep: false }, starts(0), answers(1, 423)).at(-1)).toBe('1 ended refused 423');
  });

  test('a first refusal that will not pass ends it, kept or not; one that may pass is tried again, later and later', () => {
    for (const status of [400, 403, 404, 489, 603]) expect(run({}, starts(0), answers(1, status)).at(-1)).toBe(`1 ended refused ${status}`);
    expect(
      run({ until: 20_000 }, starts(0), answers(1, 503), answers(2002, 503), answers(6010, 503, ['Retry-After', '60'])).filter((line) =>
        / (lost|subscribe)/.test(line),
      ),
    ).toEqual([
      '0 subscribe 600 new',
      '1 lost refused, again in 2000',
      '2001 subscribe 600 new',
      '2002 lost refused, again in 4000',
      '6002 subscribe 600 new',
      '6010 lost refused, again in 60000',
    ]);
    expect(run({ keep: false }, starts(0), answers(1, 503)).at(-1)).toBe('1 ended refused 503');
  });

  test('§4.1.2.2 a refresh that fails for a passing reason leaves the subscription until it expires', () => {
    const lines = run({ until: 600_020 }, starts(0), notify(1, 'active;expires=600'), answers(560_010, 500), answers(562_020, 408));
    expect(lines.filter((line) => /subscribe|lost/.test(line))).toEqual([
      '0 subscribe 600 new',
      '560001 subscribe 600',
      '562010 subscribe 600',
      '564020 subscribe 600',
      '600001 lost expired, again in 2000',
    ]);
  });

  test('§4.1.2.2 a refresh met with 481: the subscription is gone, a new one is made at once', () => {
    expect(run({ until: 560_020 }, starts(0), notify(1, 'active;expires=600'), answers(560_010, 481)).slice(-5)).toEqual([
      '560010 lost refused, again in 0',
      '560010 is resting',
      '560010 is waiting',
      '560010 subscribe 600 new',
      'armed: notify',
    ]);
  });

  test.each([
    ['deactivated', 'lost deactivated, again in 0'],
    ['timeout', 'lost timeout, again in 0'],
    ['probation;retry-after=30', 'lost probation, again in 30000'],
    ['probation', 'lost probation, again in 2000'],
    ['giveup;retry-after=7', 'lost giveup, again in 7000'],
    ['unheard-of', 'lost unheard-of, again in 2000'],
    ['rejected', 'ended rejected'],
    ['noresource', 'ended noresource'],
    ['invariant', 'ended invariant'],
  ])('§4.1.3 terminated;reason=%s: %s', (reason, line) => {
    expect(run({ until: 20 }, starts(0), notify(10, `terminated;reason=${reason}`))).toContain(`10 ${line}`);
  });

  test('§4.1.3 a notifier that deactivates again and again is asked ever more slowly', () => {
    const machine = new Subscriber({ expiresS: 600, keep: true, t1: 500 });
    const delays: number[] = [];
    let now = 0;
    machine.onStart(now);
    for (let i = 0; i < 12; i++) {
      const lost = machine
        .onNotify(request('NOTIFY', [['Subscription-State', 'terminated;reason=deactivated']]), now)
        .find((effect) => effect.type === 'lost');
      delays.push(lost?.type === 'lost' ? lost.retryInMs : -1);
      now += delays.at(-1)!;
      machine.onTimer('retry', now);
    }
    expect(delays).toEqual([0, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000, 300_000, 300_000, 300_000]);
  });

  test('§4.1.2.3 unsubscribed: Expires 0, ended by the last NOTIFY, or by its absence', () => {
    expect(run({}, starts(0), notify(1, 'active'), leaves(50), answers(60, 200), notify(70, 'terminated;reason=timeout')).slice(4)).toEqual(
      ['50 subscribe 0', '70 notified', '70 is terminated', '70 ended timeout'],
    );
    expect(run({}, starts(0), notify(1, 'active'), leaves(50), answers(60, 200)).slice(4)).toEqual([
      '50 subscribe 0',
      '32050 is terminated',
      '32050 ended unsubscribed',
    ]);
    expect(run({}, starts(0), notify(1, 'active'), leaves(50), leaves(51), answers(60, 481)).at(-1)).toBe('60 ended unsubscribed 481');
    expect(run({}, starts(0), notify(1, 'active'), leaves(50), notify(51, 'active'), notify(52, 'terminated')).at(-1)).toBe(
      '52 ended unsubscribed',
    );
  });

  test('unsubscribed before anything was heard, or while resting: ended at once', () => {
    expect(run({}, starts(0), leaves(5)).at(-1)).toBe('5 ended unsubscribed');
    expect(run({}, starts(0), answers(1, 503), leaves(5)).at(-1)).toBe('5 ended unsubscribed');
    expect(run({}, leaves(5)).at(-1)).toBe('5 ended unsubscribed');
  });

  test('§4.4.3 a fetch: one NOTIFY, and it is over', () => {
    expect(run({ expiresS: 0 }, starts(0), answers(1, 200, ['Expires', '0']), notify(2, 'terminated;reason=timeout'))).toEqual([
      '0 is waiting',
      '0 subscribe 0 new',
      '2 notified',
      '2 is terminated',
      '2 ended timeout',
    ]);
  });

  test('a NOTIFY without Subscription-State is one of an active subscription', () => {
    expect(run({ until: 10 }, starts(0), notify(1))).toContain('1 is active');
  });

  test('every input is ignored before the start, while resting, and after the end', () => {
    const ignored: Step<Subscriber>[] = [answers(100, 200), answers(101, 481), notify(102, 'active'), notify(103, 'terminated')];
    expect(run({}, ...ignored)).toEqual([]);
    expect(run({ until: 200 }, starts(0), answers(1, 503), ...ignored).slice(2)).toEqual([
      '1 lost refused, again in 2000',
      '1 is resting',
      'armed: retry',
    ]);
    const over = run({}, starts(0), answers(1, 403), ...ignored, starts(104), leaves(105), [106, (it) => it.onClose()]);
    expect(over.at(-1)).toBe('1 ended refused 403');
    const machine = new Subscriber({ expiresS: 600, keep: true, t1: 500 });
    machine.onClose();
    for (const timer of ['notify', 'refresh', 'expire', 'retry'] as const) expect(machine.onTimer(timer, 0)).toEqual([]);
  });

  test('starting twice is starting once; closing is the end without a word', () => {
    expect(run({}, starts(0), starts(1), [2, (it) => it.onClose()])).toEqual([
      '0 is waiting',
      '0 subscribe 600 new',
      '2 is terminated',
      '2 ended closed',
    ]);
  });
});
