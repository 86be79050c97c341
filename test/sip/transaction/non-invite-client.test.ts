import { describe, expect, test } from 'vitest';
import type { Reliability, TimerName } from '../../../src/sip/transaction/effects.js';
import { NonInviteClient } from '../../../src/sip/transaction/non-invite-client.js';
import { cell, drive, type Input, request, response, show, timers } from './transcript.js';

const options = request('OPTIONS');
const machine = (reliability: Reliability, settings = {}) => new NonInviteClient(options, reliability, timers(settings));
const gets =
  (status: number): Input<NonInviteClient> =>
  (it, now) =>
    it.onResponse(response(options, status), now);
const fires =
  (timer: TimerName): Input<NonInviteClient> =>
  (it, now) =>
    it.onTimer(timer, now);
const breaks: Input<NonInviteClient> = (it) => it.onTransportError();

describe('non-INVITE client transaction, RFC 3261 §17.1.2, whole', () => {
  test('§17.1.2.2 unanswered over UDP: Timer E 500 ms doubling to T2, eleven requests, then Timer F', () => {
    const resends = [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500].map((t) => `${t} resend`);
    expect(drive(machine('unreliable'))).toEqual(['0 send OPTIONS', ...resends, '32000 end timeout']);
  });

  test('§17.1.2.2 unanswered over TCP: sent once, Timer F', () => {
    expect(drive(machine('reliable'))).toEqual(['0 send OPTIONS', '32000 end timeout']);
  });

  test('§17.1.2.2 a 1xx slows Timer E down to T2, does not stop it; Timer F still counts from the start', () => {
    expect(
      drive(machine('unreliable'), [
        [600, gets(100)],
        [700, gets(183)],
      ]),
    ).toEqual([
      '0 send OPTIONS',
      '500 resend',
      '600 deliver 100',
      '700 deliver 183',
      ...[1500, 5500, 9500, 13500, 17500, 21500, 25500, 29500].map((t) => `${t} resend`),
      '32000 end timeout',
    ]);
  });

  test('§17.1.2.2 a final over UDP goes up once; copies are absorbed until Timer K', () => {
    expect(
      drive(machine('unreliable'), [
        [550, gets(200)],
        [600, gets(200)],
        [5549, gets(200)],
      ]),
    ).toEqual(['0 send OPTIONS', '500 resend', '550 deliver 200', '5550 end done']);
  });

  test('§17.1.2.2 a final over TCP ends it: Timer K is zero', () => {
    expect(
      drive(machine('reliable'), [
        [10, gets(100)],
        [550, gets(404)],
      ]),
    ).toEqual(['0 send OPTIONS', '10 deliver 100', '550 deliver 404', '550 end done']);
  });

  test('T1, T2, T4, E, F and K are taken at their word', () => {
    expect(drive(machine('unreliable', { T1: 100, T2: 200, T4: 50 }), [[450, gets(200)]])).toEqual([
      '0 send OPTIONS',
      '100 resend',
      '300 resend',
      '450 deliver 200',
      '500 end done',
    ]);
    expect(drive(machine('unreliable', { E: 100, F: 400 }))).toEqual(['0 send OPTIONS', '100 resend', '300 resend', '400 end timeout']);
    expect(drive(machine('unreliable', { K: 1 }), [[1, gets(200)]]).at(-1)).toBe('2 end done');
  });

  test('§17.1.4 the request cannot be sent: ended, and said so', () => {
    expect(drive(machine('reliable'), [[5, breaks]])).toEqual(['0 send OPTIONS', '5 end transport']);
  });
});

describe('non-INVITE client transaction: every state with every input', () => {
  const into: Record<string, readonly Input<NonInviteClient>[]> = {
    trying: [],
    proceeding: [gets(100)],
    completed: [gets(200)],
    terminated: [breaks],
  };
  const inputs: Record<string, Input<NonInviteClient>> = {
    '100': gets(100),
    '183': gets(183),
    '200': gets(200),
    '302': gets(302),
    '404': gets(404),
    'transport error': breaks,
  };
  for (const name of ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'trying', 'cancelled', 'expired'] as const)
    inputs[`Timer ${name}`] = fires(name);

  const table = (reliable: boolean): Record<string, Record<string, string>> => {
    const finals = Object.fromEntries(
      ['200', '302', '404'].map((status) => [
        status,
        reliable
          ? `disarm F, deliver ${status}, end done, -> terminated`
          : `disarm E, disarm F, arm K 6000, deliver ${status}, -> completed`,
      ]),
    );
    const pending = { ...finals, '100': 'deliver 100, -> proceeding', '183': 'deliver 183, -> proceeding' };
    const ends = { 'transport error': 'end transport, -> terminated', 'Timer F': 'end timeout, -> terminated' };
    return {
      trying: { ...pending, ...ends, 'Timer E': 'resend, arm E 2000, -> trying' },
      proceeding: { ...pending, ...ends, 'Timer E': 'resend, arm E 5000, -> proceeding' },
      completed: reliable ? {} : { 'Timer K': 'end done, -> terminated' },
      terminated: {},
    };
  };

  for (const reliability of ['unreliable', 'reliable'] as const)
    for (const [state, way] of Object.entries(into))
      for (const [name, input] of Object.entries(inputs))
        test(`${reliability}, ${state}: ${name}`, () => {
          const it = machine(reliability);
          it.start(0);
          for (const step of way) step(it, 0);
          const before = it.state;
          expect(cell(it, input)).toBe(table(reliability === 'reliable')[state]![name] ?? `-> ${before}`);
        });

  test('start: unreliable arms E and F, reliable only F', () => {
    expect(machine('unreliable').start(7).map(show)).toEqual(['send OPTIONS', 'arm E 507', 'arm F 32007']);
    expect(machine('reliable').start(7).map(show)).toEqual(['send OPTIONS', 'arm F 32007']);
  });
});
