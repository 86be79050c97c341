import { describe, expect, test } from 'vitest';
import { Forking, type ForkingEffect } from '../../../src/sip/dialog/forking.js';
import { drive, response, type Step } from './transcript.js';

const show = (effect: ForkingEffect): string => {
  switch (effect.type) {
    case 'early':
    case 'accepted':
      return `${effect.type} ${effect.tag} ${effect.response.status}${effect.isFirst ? ' first' : ''}`;
    case 'acknowledge':
    case 'lost':
      return `${effect.type} ${effect.tag}`;
    case 'release':
      return `release ${effect.tag}`;
    case 'progress':
    case 'refused':
      return `${effect.type} ${effect.response.status}`;
  }
};
const hears = (at: number, status: number, tag: string | null = 'b'): Step<Forking> => [
  at,
  (it) => it.onResponse(response(status, [], tag)),
];
const gives = (at: number): Step<Forking> => [at, (it) => it.onAbandon()];
const run = (...steps: Step<Forking>[]) => drive(new Forking(), steps, show);

describe('one INVITE, perhaps many callees, RFC 3261 §13.2.2', () => {
  test('§13.2.2.4 one callee: early, accepted, its repeated 2xx acknowledged again, forgotten after 64*T1', () => {
    expect(run(hears(0, 100, null), hears(10, 180), hears(20, 183), hears(100, 200), hears(600, 200), hears(1600, 200))).toEqual([
      '0 progress 100',
      '10 early b 180 first',
      '20 early b 183',
      '100 accepted b 200',
      '600 acknowledge b',
      '1600 acknowledge b',
    ]);
  });

  test('§13.2.2.4 three forks: the first 2xx wins, the other early dialogs are lost, each later 2xx is released once', () => {
    expect(
      run(
        hears(0, 180, 'x'),
        hears(1, 180, 'y'),
        hears(2, 183, 'z'),
        hears(50, 200, 'y'),
        hears(60, 200, 'x'),
        hears(90, 200, 'x'),
        hears(91, 200, 'w'),
        hears(92, 180, 'z'),
      ),
    ).toEqual([
      '0 early x 180 first',
      '1 early y 180 first',
      '2 early z 183 first',
      '50 accepted y 200',
      '50 lost x',
      '50 lost z',
      '60 release x',
      '90 acknowledge x',
      '91 release w',
    ]);
  });

  test('a 2xx without any 1xx makes its dialog', () => {
    expect(run(hears(7, 200))).toEqual(['7 accepted b 200 first']);
  });

  test('§13.2.2.3 refused: early dialogs are lost, and nothing is left to wait for', () => {
    expect(run(hears(0, 180, 'x'), hears(1, 180, 'y'), hears(9, 486, 'x'), hears(10, 486, 'x'), hears(11, 180, 'y'))).toEqual([
      '0 early x 180 first',
      '1 early y 180 first',
      '9 lost x',
      '9 lost y',
      '9 refused 486',
    ]);
  });

  test('§16.7 a 2xx behind a refusal is released, once', () => {
    expect(run(hears(0, 603), hears(10, 200, 'x'), hears(20, 200, 'x'))).toEqual(['0 refused 603', '10 release x', '20 acknowledge x']);
  });

  test('§9.1 given up, then refused with 487', () => {
    expect(run(hears(0, 180), gives(10), hears(20, 487))).toEqual(['0 early b 180 first', '20 lost b', '20 refused 487']);
  });

  test('§9.1 given up, and the 2xx crosses the CANCEL: released, not taken; so is every other', () => {
    expect(run(hears(0, 180), gives(10), hears(20, 200), hears(30, 200), hears(40, 200, 'y'))).toEqual([
      '0 early b 180 first',
      '20 release b',
      '30 acknowledge b',
      '40 release y',
    ]);
  });

  test('1xx without To tag, or 100 with one, is news but no dialog', () => {
    expect(run(hears(0, 181, null), hears(1, 100, 'b'))).toEqual(['0 progress 181', '1 progress 100']);
  });

  test('accepted: further 1xx and refusals mean nothing; refused: neither', () => {
    const machine = new Forking();
    machine.onResponse(response(200));
    expect([machine.state, machine.winner]).toEqual(['accepted', 'b']);
    for (const status of [100, 180, 183, 302, 486, 603]) expect(machine.onResponse(response(status))).toEqual([]);
    const refused = new Forking();
    refused.onResponse(response(404));
    expect([refused.state, refused.winner]).toEqual(['refused', undefined]);
    for (const status of [100, 180, 486, 603]) expect(refused.onResponse(response(status))).toEqual([]);
  });

  test('a hostile network makes no more than 32 early dialogs, and no more than 32 releases', () => {
    const machine = new Forking();
    let early = 0;
    for (let i = 0; i < 100; i++) early += machine.onResponse(response(180, [], `e${i}`)).length;
    expect(early).toBe(32);
    let released = 0;
    for (let i = 0; i < 100; i++)
      released += machine.onResponse(response(200, [], `s${i}`)).filter((effect) => effect.type === 'release').length;
    expect(released).toBe(31);
  });
});
