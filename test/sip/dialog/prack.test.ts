import { describe, expect, test } from 'vitest';
import { type ReliableEffect, ReliableOrder, ReliableProvisionals, writeRack } from '../../../src/sip/dialog/prack.js';
import { drive, request, response, type Step } from './transcript.js';

const show = (effect: ReliableEffect): string =>
  effect.type === 'send' || effect.type === 'acknowledged'
    ? `${effect.type} ${effect.response.status} rseq ${effect.response.rseq}`
    : effect.type;
type It = ReliableProvisionals;
const says = (at: number, status: number, body = ''): Step<It> => [at, (it, now) => it.onProvisional(response(status, [], 'b', body), now)];
const pracked = (at: number, rack: string): Step<It> => [at, (it, now) => it.onPrack(request('PRACK', [['RAck', rack]]), now)];
const answered = (at: number): Step<It> => [at, (it) => it.onFinal()];
const run = (...steps: Step<It>[]) => drive(new ReliableProvisionals(500, 10, 1), steps, show);

describe('reliable provisionals at the server, RFC 3262 §3', () => {
  test('unacknowledged: T1 doubling without a cap, given up after 64*T1', () => {
    expect(run(says(0, 180))).toEqual([
      ...[0, 500, 1500, 3500, 7500, 15500, 31500].map((at) => `${at} send 180 rseq 10`),
      '32000 unacknowledged',
    ]);
  });

  test('acknowledged: silence; the next number is one higher', () => {
    expect(run(says(0, 180), pracked(600, '10 1 INVITE'), says(1000, 183), pracked(1001, '11 1 INVITE'))).toEqual([
      '0 send 180 rseq 10',
      '500 send 180 rseq 10',
      '600 acknowledged 180 rseq 10',
      '1000 send 183 rseq 11',
      '1001 acknowledged 183 rseq 11',
    ]);
  });

  test('one at a time: the second waits for the PRACK of the first, with a clock of its own', () => {
    expect(
      run(
        says(0, 180),
        says(10, 183),
        says(20, 182),
        pracked(700, '10 1 INVITE'),
        pracked(1300, '11 1 INVITE'),
        pracked(1301, '12 1 INVITE'),
      ),
    ).toEqual([
      '0 send 180 rseq 10',
      '500 send 180 rseq 10',
      '700 acknowledged 180 rseq 10',
      '700 send 183 rseq 11',
      '1200 send 183 rseq 11',
      '1300 acknowledged 183 rseq 11',
      '1300 send 182 rseq 12',
      '1301 acknowledged 182 rseq 12',
    ]);
  });

  test('a PRACK that matches nothing deserves 481: wrong number, wrong CSeq, wrong method, none, twice', () => {
    expect(
      run(
        pracked(0, '10 1 INVITE'),
        says(1, 180),
        pracked(2, '9 1 INVITE'),
        pracked(3, '11 1 INVITE'),
        pracked(4, '10 2 INVITE'),
        pracked(5, '10 1 UPDATE'),
        pracked(6, 'nonsense'),
        pracked(7, '10 1 INVITE'),
        pracked(8, '10 1 INVITE'),
      ),
    ).toEqual([
      '0 unmatched',
      '1 send 180 rseq 10',
      '2 unmatched',
      '3 unmatched',
      '4 unmatched',
      '5 unmatched',
      '6 unmatched',
      '7 acknowledged 180 rseq 10',
      '8 unmatched',
    ]);
  });

  test('a final response ends the repeating; the PRACK of what is out is still taken, once; nothing new goes out', () => {
    expect(
      run(
        says(0, 180),
        says(1, 183),
        answered(600),
        says(700, 182),
        pracked(800, '10 1 INVITE'),
        pracked(900, '10 1 INVITE'),
        answered(1000),
      ),
    ).toEqual(['0 send 180 rseq 10', '500 send 180 rseq 10', '900 unmatched']);
  });

  test('§5 a description in flight, or waiting, holds the 2xx back', () => {
    const machine = new ReliableProvisionals(500, 1, 1);
    expect([machine.holdsBody, machine.isIdle]).toEqual([false, true]);
    machine.onProvisional(response(180), 0);
    expect([machine.holdsBody, machine.isIdle]).toEqual([false, false]);
    machine.onProvisional(response(183, [], 'b', 'sdp'), 0);
    expect(machine.holdsBody).toBe(true);
    machine.onPrack(request('PRACK', [['RAck', '1 1 INVITE']]), 1);
    expect(machine.holdsBody).toBe(true);
    machine.onPrack(request('PRACK', [['RAck', '2 1 INVITE']]), 2);
    expect([machine.holdsBody, machine.isIdle]).toEqual([false, true]);
  });

  test('what goes out says Require: 100rel', () => {
    const made = response(183);
    new ReliableProvisionals(500, 1, 1).onProvisional(made, 0);
    expect(made.require).toEqual(['100rel']);
  });

  test('timers out of place do nothing', () => {
    const machine = new ReliableProvisionals(500, 1, 1);
    expect([machine.onTimer('resend', 0), machine.onTimer('give-up', 0), machine.onFinal()]).toEqual([[], [], []]);
  });
});

describe('reliable provisionals at the client, RFC 3262 §4', () => {
  const rel = (rseq: number, status = 183) =>
    response(status, [
      ['Require', '100rel'],
      ['RSeq', String(rseq)],
    ]);

  test('taken in order, whatever the first number; repeated and out of order are not', () => {
    const order = new ReliableOrder();
    expect([5, 5, 7, 6, 6, 5, 7, 9].map((rseq) => order.onProvisional(rel(rseq)))).toEqual([
      'new',
      'repeated',
      'out-of-order',
      'new',
      'repeated',
      'repeated',
      'new',
      'out-of-order',
    ]);
  });

  test('100 never, without Require or RSeq never', () => {
    const order = new ReliableOrder();
    expect(order.onProvisional(rel(1, 100))).toBe('unreliable');
    expect(order.onProvisional(response(183, [['RSeq', '1']]))).toBe('unreliable');
    expect(order.onProvisional(response(183, [['Require', '100rel']]))).toBe('unreliable');
  });

  test('§7.2 RAck names the response and its INVITE', () => {
    expect(writeRack(rel(776656))).toBe('776656 1 INVITE');
  });
});
