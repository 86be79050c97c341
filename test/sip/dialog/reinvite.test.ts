import { describe, expect, test } from 'vitest';
import { Modification, type ModificationEffect, type Modifier } from '../../../src/sip/dialog/reinvite.js';
import { drive, type Step } from './transcript.js';

const show = (effect: ModificationEffect): string => effect.type;
const verdict = (machine: Modification, method: Modifier, hasOffer = true): string => {
  const said = machine.onRequest(method, hasOffer, 0.5);
  return said.type === 'take' ? 'take' : `${said.status}${said.status === 500 ? ` after ${said.retryAfter}` : ''}`;
};
const quiet = (owner: 'local' | 'remote' = 'local') => new Modification(owner);
/** What stands in the way of a change from our side: re-INVITE, UPDATE with and without offer. */
const mayStart = (machine: Modification): string =>
  [
    machine.mayStart('INVITE', true) ? 'INVITE' : '',
    machine.mayStart('UPDATE', true) ? 'UPDATE' : '',
    machine.mayStart('UPDATE', false) ? 'refresh' : '',
  ]
    .filter((word) => word !== '')
    .join(' ');

describe('who may change the session, RFC 3261 §14, RFC 3311 §5', () => {
  test('a quiet dialog takes everything, and may start everything', () => {
    expect(mayStart(quiet())).toBe('INVITE UPDATE refresh');
    expect(verdict(quiet(), 'INVITE')).toBe('take');
    expect(verdict(quiet(), 'UPDATE')).toBe('take');
  });

  // state × what comes: [how it came about, re-INVITE, UPDATE with offer, UPDATE without, what we may start]
  const states: readonly (readonly [string, (machine: Modification) => void, string, string, string, string])[] = [
    ['our re-INVITE with an offer is out', (it) => it.onStart('INVITE', true), '491', '491', 'take', 'refresh'],
    ['our re-INVITE without an offer is out', (it) => it.onStart('INVITE', false), '491', 'take', 'take', 'UPDATE refresh'],
    ['our UPDATE with an offer is out', (it) => it.onStart('UPDATE', true), '491', '491', 'take', ''],
    ['our UPDATE without an offer is out', (it) => it.onStart('UPDATE', false), 'take', 'take', 'take', ''],
    ['their re-INVITE is being answered', (it) => it.onRequest('INVITE', true, 0), '500 after 5', '500 after 5', 'take', 'refresh'],
    [
      'their re-INVITE without offer is being answered',
      (it) => it.onRequest('INVITE', false, 0),
      '500 after 5',
      'take',
      'take',
      'UPDATE refresh',
    ],
    ['their UPDATE is being answered', (it) => it.onRequest('UPDATE', true, 0), '500 after 5', '500 after 5', '500 after 5', 'refresh'],
    [
      'their re-INVITE is answered, its ACK not in',
      (it) => {
        it.onRequest('INVITE', true, 0);
        it.onAnswer('local');
        it.onReply('INVITE', 200);
      },
      'take',
      'take',
      'take',
      'UPDATE refresh',
    ],
    [
      'our 2xx made the offer, its ACK not in',
      (it) => {
        it.onRequest('INVITE', false, 0);
        it.onOffer('local');
        it.onReply('INVITE', 200);
      },
      '491',
      '491',
      'take',
      'refresh',
    ],
    ['an offer of theirs in a 1xx has no answer', (it) => it.onOffer('remote'), '500 after 5', '500 after 5', 'take', 'refresh'],
    ['an offer of ours in a PRACK has no answer', (it) => it.onOffer('local'), '491', '491', 'take', 'refresh'],
    [
      'our re-INVITE met with 491',
      (it) => {
        it.onStart('INVITE', true);
        it.onFinal('INVITE', 491, 0, 0);
      },
      'take',
      'take',
      'take',
      '',
    ],
  ];
  for (const [story, make, reinvite, update, refresh, start] of states) {
    test(`§14.2, RFC 3311 §5.2: ${story}`, () => {
      const made = (): Modification => {
        const machine = quiet();
        make(machine);
        return machine;
      };
      expect([verdict(made(), 'INVITE'), verdict(made(), 'UPDATE'), verdict(made(), 'UPDATE', false), mayStart(made())]).toEqual([
        reinvite,
        update,
        refresh,
        start,
      ]);
    });
  }

  test('§14.1 the glare timer: 2.1–4 s for the owner of the Call-ID, 0–2 s for the other, in units of 10 ms', () => {
    const delay = (owner: 'local' | 'remote', fraction: number): number => {
      const machine = quiet(owner);
      machine.onStart('INVITE', true);
      const [effect] = machine.onFinal('INVITE', 491, 1000, fraction);
      return effect?.type === 'arm' ? effect.at - 1000 : -1;
    };
    expect([0, 0.5, 0.9999].map((fraction) => delay('local', fraction))).toEqual([2100, 3050, 4000]);
    expect([0, 0.5, 0.9999].map((fraction) => delay('remote', fraction))).toEqual([0, 1000, 2000]);
    for (let i = 0; i < 1000; i++) expect(delay('local', i / 1000) % 10).toBe(0);
  });

  test('§14.2 Retry-After between 0 and 10 s', () => {
    const seconds = (fraction: number): string => {
      const machine = quiet();
      machine.onRequest('INVITE', true, 0);
      const said = machine.onRequest('INVITE', true, fraction);
      return said.type === 'refuse' && said.status === 500 ? String(said.retryAfter) : '';
    };
    expect([0, 0.5, 0.9999].map(seconds)).toEqual(['0', '5', '10']);
  });

  const steps = {
    wait: (at: number): Step<Modification> => [at, (it) => it.onWait()],
    start: (at: number, method: Modifier = 'INVITE'): Step<Modification> => [at, (it) => it.onStart(method, true)],
    final: (at: number, status: number, method: Modifier = 'INVITE'): Step<Modification> => [
      at,
      (it, now) => it.onFinal(method, status, now, 0),
    ],
  };

  test('who waits gets a turn when ours is final, one turn for each', () => {
    expect(
      drive(quiet(), [steps.start(0), steps.wait(1), steps.wait(2), steps.final(100, 488), steps.start(101), steps.final(200, 200)], show),
    ).toEqual(['100 turn', '200 turn']);
  });

  test('after 491 the turn comes when the glare timer fires', () => {
    expect(drive(quiet(), [steps.start(0), steps.final(10, 491), steps.wait(11)], show)).toEqual(['2110 turn']);
  });

  test('who waits gets a turn when theirs is acknowledged, refused, or answered', () => {
    expect(
      drive(
        quiet(),
        [
          [0, (it) => verdict(it, 'INVITE')],
          steps.wait(1),
          [10, (it) => it.onAnswer('local')],
          [10, (it) => it.onReply('INVITE', 200)],
          [50, (it) => it.onAcknowledged()],
        ],
        show,
      ),
    ).toEqual(['0 take', '10 turn']);
    expect(drive(quiet(), [[0, (it) => verdict(it, 'UPDATE')], steps.wait(1), [5, (it) => it.onReply('UPDATE', 488)]], show)).toEqual([
      '0 take',
      '5 turn',
    ]);
  });

  test('a refusal takes the offer back; the answer of the right side ends it, of the wrong side does not', () => {
    const machine = quiet();
    machine.onStart('INVITE', true);
    machine.onAnswer('local');
    expect(machine.offer).toBe('local');
    machine.onFinal('INVITE', 488, 0, 0);
    expect(machine.offer).toBe('none');
    machine.onRequest('UPDATE', true, 0);
    expect(machine.offer).toBe('remote');
    machine.onAnswer('local');
    expect(machine.offer).toBe('none');
  });

  test('the end stops the glare timer', () => {
    expect(drive(quiet(), [steps.start(0), steps.final(1, 491), steps.wait(2), [3, (it) => it.onEnd()]], show)).toEqual([]);
  });
});
