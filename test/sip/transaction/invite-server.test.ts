import { describe, expect, test } from 'vitest';
import type { Effect, Reliability, TimerName } from '../../../src/sip/transaction/effects.js';
import { InviteServer } from '../../../src/sip/transaction/invite-server.js';
import { cell, drive, type Input, request, response, show, timers } from './transcript.js';

const invite = request('INVITE', [['Timestamp', '54.21']]);
const ack = request('ACK');
const machine = (reliability: Reliability, options = {}) => new InviteServer(invite, reliability, timers(options));
const says =
  (status: number): Input<InviteServer> =>
  (it, now) =>
    it.respond(response(invite, status), now);
const copy: Input<InviteServer> = (it, now) => it.onRequest(invite, now);
const acked: Input<InviteServer> = (it, now) => it.onRequest(ack, now);
const fires =
  (timer: TimerName): Input<InviteServer> =>
  (it, now) =>
    it.onTimer(timer, now);
const breaks: Input<InviteServer> = (it) => it.onTransportError();

describe('INVITE server transaction, RFC 3261 §17.2.1 and RFC 6026 §7.1, whole', () => {
  test('§17.2.1 no answer within 200 ms: 100 by itself; copies get what was said last', () => {
    expect(
      drive(machine('unreliable'), [
        [500, copy],
        [600, says(180)],
        [1500, copy],
        [1600, says(183)],
        [3500, copy],
        [4000, says(200)],
      ]),
    ).toEqual([
      '200 send 100',
      '500 resend',
      '600 send 180',
      '1500 resend',
      '1600 send 183',
      '3500 resend',
      '4000 send 200',
      '36000 end done',
    ]);
  });

  test('§17.2.1 answered within 200 ms: no 100', () => {
    expect(
      drive(machine('reliable'), [
        [199, says(180)],
        [300, says(200)],
      ]),
    ).toEqual(['199 send 180', '300 send 200', '32300 end done']);
  });

  test('§17.2.1 a copy before any answer is answered 100 at once', () => {
    expect(drive(machine('unreliable'), [[50, copy]])).toEqual(['50 send 100']);
  });

  test('§17.2.1 trying 0: 100 at once', () => {
    expect(drive(machine('unreliable', { trying: 0 }), [[1, says(200)]])).toEqual(['0 send 100', '1 send 200', '32001 end done']);
  });

  test('§8.2.6.1 the 100 gives the Timestamp back and bears no To tag', () => {
    const effect = machine('reliable', { trying: 0 }).start(0)[0] as Extract<Effect, { type: 'send' }>;
    expect(effect.message.header('Timestamp')).toBe('54.21');
    expect(effect.message.to?.tag).toBeUndefined();
  });

  test('§17.2.1 a refusal over UDP nobody ACKs: Timer G 500 ms doubling to T2, then Timer H', () => {
    expect(drive(machine('unreliable'), [[100, says(486)]])).toEqual([
      '100 send 486',
      ...[600, 1600, 3600, 7600, 11600, 15600, 19600, 23600, 27600, 31600].map((t) => `${t} resend`),
      '32100 end timeout',
    ]);
  });

  test('§17.2.1 a refusal over TCP nobody ACKs: sent once, Timer H all the same', () => {
    expect(drive(machine('reliable'), [[100, says(486)]])).toEqual(['100 send 486', '32100 end timeout']);
  });

  test('§17.2.1 a refusal over UDP: resent by Timer G and for a copy, until the ACK; further ACKs absorbed until Timer I', () => {
    expect(
      drive(machine('unreliable'), [
        [100, says(486)],
        [550, copy],
        [700, acked],
        [800, acked],
        [900, copy],
      ]),
    ).toEqual(['100 send 486', '550 resend', '600 resend', '5700 end done']);
  });

  test('§17.2.1 a refusal over TCP and its ACK: Timer I is zero', () => {
    expect(
      drive(machine('reliable'), [
        [100, says(486)],
        [120, acked],
      ]),
    ).toEqual(['100 send 486', '120 end done']);
  });

  test('RFC 6026 §7.1 a 2xx: copies absorbed, 2xx of the user pass, ACKs go up, until Timer L, reliable or not', () => {
    for (const reliability of ['reliable', 'unreliable'] as const)
      expect(
        drive(machine(reliability), [
          [100, says(200)],
          [500, copy],
          [600, says(200)],
          [700, acked],
          [800, says(486)],
          [32_099, copy],
        ]),
      ).toEqual(['100 send 200', '600 send 200', '700 ack ACK', '32100 end done']);
  });

  test('T1, T2, T4, G, H, I and L are taken at their word', () => {
    expect(
      drive(machine('unreliable', { T1: 100, T2: 200, T4: 70 }), [
        [0, says(500)],
        [800, acked],
      ]),
    ).toEqual(['0 send 500', '100 resend', '300 resend', '500 resend', '700 resend', '870 end done']);
    expect(drive(machine('unreliable', { G: 50, H: 120 }), [[0, says(500)]])).toEqual(['0 send 500', '50 resend', '120 end timeout']);
    expect(
      drive(machine('unreliable', { I: 9 }), [
        [0, says(500)],
        [1, acked],
      ]).at(-1),
    ).toBe('10 end done');
    expect(drive(machine('unreliable', { L: 10 }), [[0, says(200)]]).at(-1)).toBe('10 end done');
  });

  test('RFC 6026 §7.1 a response that cannot be sent: the user hears of it, the state stays to absorb copies', () => {
    expect(
      drive(machine('reliable'), [
        [10, says(200)],
        [11, breaks],
        [500, copy],
      ]),
    ).toEqual(['10 send 200', '11 failed', '32010 end done']);
  });
});

describe('INVITE server transaction: every state with every input', () => {
  const into: Record<string, readonly Input<InviteServer>[]> = {
    'proceeding, nothing said': [],
    'proceeding, 100 said': [fires('trying')],
    'proceeding, 180 said': [says(180)],
    accepted: [says(200)],
    completed: [says(486)],
    confirmed: [says(486), acked],
    terminated: [says(486), fires('H')],
  };
  const inputs: Record<string, Input<InviteServer>> = {
    INVITE: copy,
    ACK: acked,
    'says 100': says(100),
    'says 183': says(183),
    'says 200': says(200),
    'says 302': says(302),
    'says 487': says(487),
    'transport error': breaks,
  };
  for (const name of ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'trying', 'cancelled', 'expired'] as const)
    inputs[`Timer ${name}`] = fires(name);

  const table = (reliable: boolean): Record<string, Record<string, string>> => {
    const g = reliable ? '' : 'arm G 1500, ';
    const answers = (before: string) => ({
      'says 100': `${before}send 100, -> proceeding`,
      'says 183': `${before}send 183, -> proceeding`,
      'says 200': `${before}send 200, arm L 33000, -> accepted`,
      'says 302': `${before}send 302, ${g}arm H 33000, -> completed`,
      'says 487': `${before}send 487, ${g}arm H 33000, -> completed`,
      'transport error': 'failed, -> proceeding',
    });
    const proceeding = { ...answers(''), INVITE: 'resend, -> proceeding' };
    return {
      'proceeding, nothing said': {
        ...answers('disarm trying, '),
        INVITE: 'disarm trying, send 100, -> proceeding',
        'Timer trying': 'send 100, -> proceeding',
      },
      'proceeding, 100 said': proceeding,
      'proceeding, 180 said': proceeding,
      accepted: {
        'says 200': 'send 200, -> accepted',
        ACK: 'ack ACK, -> accepted',
        'transport error': 'failed, -> accepted',
        'Timer L': 'end done, -> terminated',
      },
      completed: {
        INVITE: 'resend, -> completed',
        ACK: reliable ? 'disarm H, end done, -> terminated' : 'disarm G, disarm H, arm I 6000, -> confirmed',
        'transport error': 'failed, -> completed',
        'Timer G': 'resend, arm G 2000, -> completed',
        'Timer H': 'end timeout, -> terminated',
      },
      confirmed: reliable ? {} : { 'Timer I': 'end done, -> terminated' },
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

  test('start arms the 100, unless something was said before', () => {
    expect(machine('unreliable').start(7).map(show)).toEqual(['arm trying 207']);
    const it = machine('unreliable');
    says(180)(it, 7);
    expect(it.start(7)).toEqual([]);
  });
});
