import { describe, expect, test } from 'vitest';
import type { SipRequest } from '../../../src/sip/message/message.js';
import type { Reliability, TimerName } from '../../../src/sip/transaction/effects.js';
import { InviteClient } from '../../../src/sip/transaction/invite-client.js';
import { cell, drive, type Input, request, response, show, timers } from './transcript.js';

const invite = request('INVITE');
const machine = (reliability: Reliability, options = {}) => new InviteClient(invite, reliability, timers(options));
const gets =
  (status: number): Input<InviteClient> =>
  (it, now) =>
    it.onResponse(response(invite, status), now);
const fires =
  (timer: TimerName): Input<InviteClient> =>
  (it, now) =>
    it.onTimer(timer, now);
const cancel: Input<InviteClient> = (it, now) => it.cancel(now);
const breaks: Input<InviteClient> = (it) => it.onTransportError();

describe('INVITE client transaction, RFC 3261 §17.1.1, whole', () => {
  test('§17.1.1.2 unanswered over UDP: Timer A 500 ms doubling, seven requests, then Timer B', () => {
    expect(drive(machine('unreliable'))).toEqual([
      '0 send INVITE',
      '500 resend',
      '1500 resend',
      '3500 resend',
      '7500 resend',
      '15500 resend',
      '31500 resend',
      '32000 end timeout',
    ]);
  });

  test('§17.1.1.2 unanswered over TCP: sent once, Timer B', () => {
    expect(drive(machine('reliable'))).toEqual(['0 send INVITE', '32000 end timeout']);
  });

  test('§17.1.1.2 other T1, A and B are taken at their word', () => {
    expect(drive(machine('unreliable', { T1: 100 }))).toEqual([
      '0 send INVITE',
      ...[100, 300, 700, 1500, 3100, 6300].map((t) => `${t} resend`),
      '6400 end timeout',
    ]);
    expect(drive(machine('unreliable', { A: 300, B: 1000 }))).toEqual(['0 send INVITE', '300 resend', '900 resend', '1000 end timeout']);
  });

  test('§17.1.1.2 a 1xx stops the requests, every 1xx goes up, 2xx goes up; RFC 6026: accepted until Timer M', () => {
    expect(
      drive(machine('unreliable'), [
        [600, gets(100)],
        [700, gets(180)],
        [800, gets(183)],
        [5000, gets(200)],
        [5500, gets(200)],
        [36999, gets(200)],
      ]),
    ).toEqual([
      '0 send INVITE',
      '500 resend',
      '600 deliver 100',
      '700 deliver 180',
      '800 deliver 183',
      '5000 deliver 200',
      '5500 deliver 200',
      '36999 deliver 200',
      '37000 end done',
    ]);
  });

  test('§17.1.1.2 a refusal over UDP is ACKed and goes up once; each copy is ACKed again until Timer D', () => {
    expect(
      drive(machine('unreliable'), [
        [50, gets(100)],
        [2000, gets(486)],
        [2500, gets(486)],
        [3500, gets(486)],
        [33999, gets(486)],
      ]),
    ).toEqual([
      '0 send INVITE',
      '50 deliver 100',
      '2000 send ACK',
      '2000 deliver 486',
      '2500 resend',
      '3500 resend',
      '33999 resend',
      '34000 end done',
    ]);
  });

  test('§17.1.1.2 a refusal over TCP is ACKed, and Timer D is zero', () => {
    expect(drive(machine('reliable'), [[2000, gets(486)]])).toEqual([
      '0 send INVITE',
      '2000 send ACK',
      '2000 deliver 486',
      '2000 end done',
    ]);
  });

  test('§17.1.1.2 Timer D is at least 32 s, even where T1 is shorter', () => {
    expect(drive(machine('unreliable', { T1: 10 }), [[1, gets(404)]]).at(-1)).toBe('32001 end done');
    expect(drive(machine('unreliable', { T1: 1000 }), [[1, gets(404)]]).at(-1)).toBe('64001 end done');
    expect(drive(machine('unreliable', { D: 5000 }), [[1, gets(404)]]).at(-1)).toBe('5001 end done');
  });

  test('§9.1 cancelled before any 1xx: the CANCEL waits for the first one; 487 ends it', () => {
    expect(
      drive(machine('unreliable'), [
        [100, cancel],
        [600, gets(100)],
        [650, gets(487)],
      ]),
    ).toEqual(['0 send INVITE', '500 resend', '600 deliver 100', '600 cancel', '650 send ACK', '650 deliver 487', '32650 end done']);
  });

  test('§9.1 cancelled while it rings, and no final: given up 64*T1 after the CANCEL', () => {
    expect(
      drive(machine('reliable'), [
        [100, gets(180)],
        [1000, cancel],
        [2000, cancel],
        [3000, gets(180)],
      ]),
    ).toEqual(['0 send INVITE', '100 deliver 180', '1000 cancel', '3000 deliver 180', '33000 end cancelled']);
  });

  test('§9.1 cancelled, and nobody ever answers: no CANCEL, Timer B', () => {
    expect(drive(machine('reliable'), [[100, cancel]])).toEqual(['0 send INVITE', '32000 end timeout']);
  });

  test('§9.1 the CANCEL crosses a 200: the call is there, and goes up', () => {
    expect(
      drive(machine('unreliable'), [
        [100, gets(180)],
        [1000, cancel],
        [1010, gets(200)],
      ]),
    ).toEqual(['0 send INVITE', '100 deliver 180', '1000 cancel', '1010 deliver 200', '33010 end done']);
  });

  test('§16.6 Timer C: rings without a sign of life, is cancelled; a 1xx but 100 starts it anew (§16.7)', () => {
    expect(
      drive(machine('reliable', { C: 180_000 }), [
        [100, gets(180)],
        [100_000, gets(100)],
        [170_100, gets(180)],
        [350_200, gets(487)],
      ]),
    ).toEqual([
      '0 send INVITE',
      '100 deliver 180',
      '100000 deliver 100',
      '170100 deliver 180',
      '350100 cancel',
      '350200 send ACK',
      '350200 deliver 487',
      '350200 end done',
    ]);
  });

  test('§17.1.1.3 the ACK of a refusal: one Via, the INVITE’s; To of the response; routes and credentials kept; CSeq number kept', () => {
    const routed = request('INVITE', [
      ['Route', '<sip:p1.example;lr>, <sip:p2.example;lr>'],
      ['Proxy-Authorization', 'Digest username="a"'],
      ['Contact', '<sip:alice@pc33.atlanta.example>'],
      ['Subject', 'lunch'],
    ]);
    const it = new InviteClient(routed, 'reliable', timers());
    it.start(0);
    const sent = it.onResponse(response(routed, 404), 10)[1];
    expect(sent?.type).toBe('send');
    const ack = (sent as { message: SipRequest }).message;
    expect([ack.method, `${ack.uri}`]).toEqual(['ACK', 'sip:bob@192.0.2.4']);
    expect(ack.entries).toEqual([
      ['Via', 'SIP/2.0/UDP pc33.atlanta.example;branch=z9hG4bKkjshdyff'],
      ['Route', '<sip:p1.example;lr>'],
      ['Route', '<sip:p2.example;lr>'],
      ['Max-Forwards', '70'],
      ['From', 'Alice <sip:alice@atlanta.example>;tag=88sja8x'],
      ['To', 'Bob <sip:bob@biloxi.example>;tag=99sa0xk'],
      ['Call-ID', '987asjd97y7atg'],
      ['CSeq', '986759 ACK'],
      ['Proxy-Authorization', 'Digest username="a"'],
    ]);
  });
});

describe('INVITE client transaction: every state with every input', () => {
  const into: Record<string, readonly Input<InviteClient>[]> = {
    calling: [],
    'calling, cancel wanted': [cancel],
    proceeding: [gets(180)],
    'proceeding, cancelled': [gets(180), cancel],
    accepted: [gets(200)],
    completed: [gets(404)],
    terminated: [breaks],
  };
  const inputs: Record<string, Input<InviteClient>> = {
    '100': gets(100),
    '180': gets(180),
    '200': gets(200),
    '302': gets(302),
    '486': gets(486),
    '603': gets(603),
    cancel,
    'transport error': breaks,
  };
  for (const name of ['A', 'B', 'C', 'D', 'M', 'cancelled', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'trying', 'expired'] as const)
    inputs[`Timer ${name}`] = fires(name);

  const completes = (status: number, first: string, reliable: boolean) =>
    reliable
      ? `${first}, send ACK, deliver ${status}, end done, -> terminated`
      : `${first}, send ACK, arm D 33000, deliver ${status}, -> completed`;

  /** What is not named is ignored: no effect, the state stays. */
  const table = (reliable: boolean): Record<string, Record<string, string>> => {
    const disarmAB = reliable ? 'disarm B' : 'disarm A, disarm B';
    const calling = {
      '200': `${disarmAB}, arm M 33000, deliver 200, -> accepted`,
      '302': completes(302, disarmAB, reliable),
      '486': completes(486, disarmAB, reliable),
      '603': completes(603, disarmAB, reliable),
      'transport error': 'end transport, -> terminated',
      'Timer A': 'resend, arm A 2000, -> calling',
      'Timer B': 'end timeout, -> terminated',
    };
    const proceeding = (timer: string) => ({
      '200': `disarm ${timer}, arm M 33000, deliver 200, -> accepted`,
      '302': completes(302, `disarm ${timer}`, reliable),
      '486': completes(486, `disarm ${timer}`, reliable),
      '603': completes(603, `disarm ${timer}`, reliable),
      'transport error': 'end transport, -> terminated',
    });
    const cancels = 'cancel, arm cancelled 33000';
    return {
      calling: {
        ...calling,
        '100': `${disarmAB}, arm C 601000, deliver 100, -> proceeding`,
        '180': `${disarmAB}, arm C 601000, deliver 180, -> proceeding`,
        cancel: '-> calling',
      },
      'calling, cancel wanted': {
        ...calling,
        '100': `${disarmAB}, arm C 601000, deliver 100, disarm C, ${cancels}, -> proceeding`,
        '180': `${disarmAB}, arm C 601000, deliver 180, disarm C, ${cancels}, -> proceeding`,
      },
      proceeding: {
        ...proceeding('C'),
        '100': 'deliver 100, -> proceeding',
        '180': 'arm C 601000, deliver 180, -> proceeding',
        cancel: `disarm C, ${cancels}, -> proceeding`,
        'Timer C': `${cancels}, -> proceeding`,
      },
      'proceeding, cancelled': {
        ...proceeding('cancelled'),
        '100': 'deliver 100, -> proceeding',
        '180': 'deliver 180, -> proceeding',
        'Timer cancelled': 'end cancelled, -> terminated',
      },
      accepted: { '200': 'deliver 200, -> accepted', 'Timer M': 'end done, -> terminated' },
      completed: reliable
        ? {}
        : {
            '302': 'resend, -> completed',
            '486': 'resend, -> completed',
            '603': 'resend, -> completed',
            'transport error': 'end transport, -> terminated',
            'Timer D': 'end done, -> terminated',
          },
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

  test('start: unreliable arms A and B, reliable only B', () => {
    expect(machine('unreliable').start(7).map(show)).toEqual(['send INVITE', 'arm A 507', 'arm B 32007']);
    expect(machine('reliable').start(7).map(show)).toEqual(['send INVITE', 'arm B 32007']);
  });
});
