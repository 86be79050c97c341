import { describe, expect, test } from 'vitest';
import { SessionTimer, type SessionTimerEffect } from '../../../src/sip/dialog/session-timer.js';
import type { HeaderEntry } from '../../../src/sip/message/headers.js';
import { drive, request, response, type Step } from './transcript.js';

const timer = (intervalS = 1800, minS = 90) => new SessionTimer({ intervalS, minS });
const show = (effect: SessionTimerEffect): string => effect.type;
const knows: HeaderEntry = ['Supported', 'timer'];
const se = (value: string): HeaderEntry => ['Session-Expires', value];
const granted = (machine: SessionTimer, ...headers: HeaderEntry[]): string =>
  machine
    .onAccept(request('INVITE', headers), 0)
    .headers.map(([name, value]) => `${name}: ${value}`)
    .join(' | ');
const says = (machine: SessionTimer): string =>
  machine
    .requestHeaders()
    .map(([name, value]) => `${name}: ${value}`)
    .join(' | ');

describe('what our requests say, RFC 4028 §7', () => {
  test('§7.1 the first asks, and leaves the choice of refresher open; 0 asks for nothing', () => {
    expect(says(timer())).toBe('Session-Expires: 1800');
    expect(says(timer(0))).toBe('');
    expect(says(timer(10))).toBe('Session-Expires: 90');
  });

  test('§7.4 later ones keep interval and roles', () => {
    const machine = timer();
    machine.onSuccess(response(200, [se('600;refresher=uas')]), 0);
    expect(says(machine)).toBe('Session-Expires: 600;refresher=uas');
    machine.onSuccess(response(200, [se('600;refresher=uac')]), 0);
    expect(says(machine)).toBe('Session-Expires: 600;refresher=uac');
  });

  test('§7.3 a 422 raises the interval and says Min-SE from then on; one that raises nothing, or too much, is not obeyed', () => {
    const machine = timer(120);
    expect(machine.onTooSmall(response(422, [['Min-SE', '300']]))).toBe(true);
    expect(says(machine)).toBe('Session-Expires: 300 | Min-SE: 300');
    expect(machine.onTooSmall(response(422, [['Min-SE', '300']]))).toBe(false);
    expect(machine.onTooSmall(response(422))).toBe(false);
    expect(machine.onTooSmall(response(422, [['Min-SE', '4000000000']]))).toBe(false);
  });

  test('§7.4 a Min-SE that came in a request is repeated', () => {
    const machine = timer();
    granted(machine, knows, se('3600;refresher=uac'), ['Min-SE', '900']);
    expect(says(machine)).toBe('Session-Expires: 1800;refresher=uas | Min-SE: 900');
  });
});

describe('what our answers grant, RFC 4028 §9', () => {
  test('table 2: client without timer: we refresh, no Require', () => {
    expect(granted(timer(), se('600'))).toBe('Session-Expires: 600;refresher=uas');
    expect(granted(timer(), se('600;refresher=uac'))).toBe('Session-Expires: 600;refresher=uas');
  });

  test('table 2: client with timer: its choice holds, without one we refresh; Require: timer', () => {
    expect(granted(timer(), knows, se('600'))).toBe('Session-Expires: 600;refresher=uas | Require: timer');
    expect(granted(timer(), knows, se('600;refresher=uac'))).toBe('Session-Expires: 600;refresher=uac | Require: timer');
    expect(granted(timer(), knows, se('600;refresher=uas'))).toBe('Session-Expires: 600;refresher=uas | Require: timer');
  });

  test('nothing asked: one who knows the timer is given ours, one who does not is left alone, and 0 gives none', () => {
    expect(granted(timer(), knows)).toBe('Session-Expires: 1800;refresher=uas | Require: timer');
    expect(granted(timer())).toBe('');
    expect(granted(timer(0), knows)).toBe('');
    expect(granted(timer(0), knows, se('7200'))).toBe('Session-Expires: 7200;refresher=uas | Require: timer');
  });

  test('§9 reduced to ours, never below Min-SE, never increased', () => {
    expect(granted(timer(1800), knows, se('7200'))).toContain('1800;');
    expect(granted(timer(1800), knows, se('7200'), ['Min-SE', '3600'])).toContain('3600;');
    expect(granted(timer(1800), knows, se('100'))).toContain('100;');
    expect(granted(timer(1800), knows, ['Min-SE', '4000'])).toContain('4000;');
  });

  test('§9, §11 less than 90 from one who would not understand a 422: no timer; a 2xx cannot make us refresh more often than every 16 s', () => {
    expect(granted(timer(), se('1'))).toBe('');
    expect(drive(timer(), [[0, (it, now) => it.onSuccess(response(200, [se('1;refresher=uac')]), now)]], show)[0]).toBe('16000 refresh');
  });

  test('§9 422 to one who asks for less than our minimum and would understand', () => {
    expect(timer().refuses(request('INVITE', [knows, se('60')]))).toBe(90);
    expect(timer(1800, 300).refuses(request('INVITE', [knows, se('200')]))).toBe(300);
    expect(timer(1800, 30).refuses(request('INVITE', [knows, se('60')]))).toBe(90);
    expect(timer().refuses(request('INVITE', [se('60')]))).toBeUndefined();
    expect(timer().refuses(request('INVITE', [knows, se('90')]))).toBeUndefined();
    expect(timer().refuses(request('INVITE', [knows]))).toBeUndefined();
  });
});

describe('time, RFC 4028 §10', () => {
  const succeeds = (at: number, ...headers: HeaderEntry[]): Step<SessionTimer> => [
    at,
    (it, now) => it.onSuccess(response(200, headers), now),
  ];
  const accepts = (at: number, ...headers: HeaderEntry[]): Step<SessionTimer> => [
    at,
    (it, now) => it.onAccept(request('UPDATE', headers), now).effects,
  ];

  test('we refresh at half the interval; unanswered, more often; in the end 32 s before the expiration', () => {
    expect(drive(timer(), [succeeds(0, se('1800;refresher=uac'))], show)).toEqual([
      '900000 refresh',
      '1125000 refresh',
      '1350000 refresh',
      '1575000 refresh',
      '1768000 expire',
    ]);
  });

  test('a short interval ends a third before its expiration', () => {
    expect(drive(timer(), [succeeds(0, se('90;refresher=uas'))], show)).toEqual(['60000 expire']);
  });

  test('they refresh: their request starts the time anew', () => {
    expect(drive(timer(), [succeeds(0, se('600;refresher=uas')), accepts(300_000, knows, se('600;refresher=uac'))], show)).toEqual([
      '868000 expire',
    ]);
  });

  test('our refresh that succeeds starts the time anew', () => {
    expect(drive(timer(), [succeeds(0, se('600;refresher=uac')), succeeds(300_010, se('600;refresher=uac'))], show, 600_000)).toEqual([
      '300000 refresh',
      'armed: expire refresh',
    ]);
  });

  test('roles may change: from us to them no refresh is left armed', () => {
    expect(drive(timer(), [succeeds(0, se('600;refresher=uac')), accepts(100, knows, se('600;refresher=uac'))], show)).toEqual([
      '568100 expire',
    ]);
  });

  test('§7.2 a 2xx without the header switches the timer off; refresher missing means us', () => {
    expect(drive(timer(), [succeeds(0, se('600;refresher=uac')), succeeds(1000)], show)).toEqual([]);
    expect(drive(timer(), [succeeds(0, se('600'))], show)[0]).toBe('300000 refresh');
  });

  test('the end switches it off, and late timers do nothing', () => {
    const machine = timer();
    expect(drive(machine, [succeeds(0, se('600')), [10, (it) => it.onEnd()]], show)).toEqual([]);
    expect([machine.onTimer('refresh', 20), machine.onTimer('expire', 20), machine.onEnd()]).toEqual([[], [], []]);
    expect([machine.intervalS, machine.refresher]).toEqual([0, undefined]);
  });
});
