import { describe, expect, test } from 'vitest';
import { Notifier, type NotifierEffect } from '../../../src/sip/dialog/notifier.js';
import { drive, type Step } from './transcript.js';

const show = (effect: NotifierEffect): string => {
  switch (effect.type) {
    case 'notify':
      return `notify ${effect.subscriptionState}`;
    case 'ended':
      return `ended ${effect.reason}`;
    default:
      return effect.type;
  }
};
const asks = (at: number, expires: number): Step<Notifier> => [at, (it, now) => it.onSubscribe(expires, now)];
const changes = (at: number, state?: 'active'): Step<Notifier> => [at, (it, now) => it.onChange(now, state)];
const notified = (at: number, status = 200, retryAfter?: number): Step<Notifier> => [
  at,
  (it, now) => it.onNotified(status, now, retryAfter),
];
const run = (state: 'pending' | 'active', ...steps: Step<Notifier>[]) => drive(new Notifier(state), steps, show);

describe('a subscription to us, RFC 6665 §4.2', () => {
  test('§4.2.1.2 the state at once, at every change, and a last word when the time is over', () => {
    expect(run('active', asks(0, 60), notified(5), changes(10_000), notified(10_005), notified(60_010))).toEqual([
      '0 notify active;expires=60',
      '10000 notify active;expires=50',
      '60000 notify terminated;reason=timeout',
      '60010 ended timeout',
    ]);
  });

  test('§4.2.2 one NOTIFY at a time: changes meanwhile make one more', () => {
    expect(run('active', asks(0, 60), changes(1), changes(2), notified(10), notified(20)).slice(0, 2)).toEqual([
      '0 notify active;expires=60',
      '10 notify active;expires=60',
    ]);
  });

  test('pending, then allowed', () => {
    expect(run('pending', asks(0, 60), notified(1), changes(2000, 'active'), notified(2001)).slice(0, 2)).toEqual([
      '0 notify pending;expires=60',
      '2000 notify active;expires=58',
    ]);
  });

  test('§4.2.1.4 a refresh prolongs it; 0 ends it', () => {
    expect(run('active', asks(0, 60), notified(1), asks(50_000, 60), notified(50_001), asks(70_000, 0), notified(70_001))).toEqual([
      '0 notify active;expires=60',
      '50000 notify active;expires=60',
      '70000 notify terminated;reason=timeout',
      '70001 ended timeout',
    ]);
  });

  test('§4.4.3 a fetch is told the state, and is over', () => {
    expect(run('active', asks(0, 0), notified(1))).toEqual(['0 notify terminated;reason=timeout', '1 ended timeout']);
  });

  test('§4.2.2 a refused or unanswered NOTIFY ends it without another word', () => {
    for (const status of [408, 481, 500, 603])
      expect(run('active', asks(0, 60), notified(1, status), changes(2), asks(3, 60))).toEqual(['0 notify active;expires=60', '1 ended ']);
    expect(run('active', asks(0, 60), notified(1, 481, 5)).at(-1)).toBe('1 ended ');
  });

  test('§4.2.2 one that says when to try again is tried again then', () => {
    expect(run('active', asks(0, 60), notified(1, 503, 5), changes(2), notified(5100)).slice(0, 2)).toEqual([
      '0 notify active;expires=60',
      '5001 notify active;expires=55',
    ]);
  });

  test('ended by us: the reason, and when to come back', () => {
    expect(
      run('active', asks(0, 60), notified(1), [10, (it, now) => it.onTerminate('probation', now, 30)], changes(11), notified(20)),
    ).toEqual(['0 notify active;expires=60', '10 notify terminated;reason=probation;retry-after=30', '20 ended probation']);
  });

  test('ended by us while a NOTIFY is out: the last word goes behind it', () => {
    expect(
      run(
        'active',
        asks(0, 60),
        [10, (it, now) => it.onTerminate('noresource', now)],
        [11, (it, now) => it.onTerminate('giveup', now)],
        notified(20),
        notified(30),
      ),
    ).toEqual(['0 notify active;expires=60', '20 notify terminated;reason=noresource', '30 ended noresource']);
  });

  test('closed: nothing moves any more', () => {
    const machine = new Notifier('active');
    expect(machine.onClose().map(show)).toEqual(['disarm', 'disarm', 'ended ']);
    expect(
      [
        machine.onSubscribe(60, 0),
        machine.onChange(0),
        machine.onNotified(200, 0),
        machine.onTimer('expire', 0),
        machine.onTimer('retry', 0),
        machine.onTerminate('timeout', 0),
        machine.onClose(),
      ].flat(),
    ).toEqual([]);
  });
});
