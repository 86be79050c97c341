import { describe, expect, test } from 'vitest';
import type { Reliability, TimerName } from '../../../src/sip/transaction/effects.js';
import { NonInviteServer } from '../../../src/sip/transaction/non-invite-server.js';
import { nonInviteTrying } from '../../../src/sip/transaction/timers.js';
import { cell, drive, type Input, request, response, show, timers } from './transcript.js';

const options = request('OPTIONS');
const machine = (reliability: Reliability, settings = {}) => new NonInviteServer(options, reliability, timers(settings));
const says =
  (status: number): Input<NonInviteServer> =>
  (it, now) =>
    it.respond(response(options, status), now);
const copy: Input<NonInviteServer> = (it, now) => it.onRequest(options, now);
const fires =
  (timer: TimerName): Input<NonInviteServer> =>
  (it, now) =>
    it.onTimer(timer, now);
const breaks: Input<NonInviteServer> = (it) => it.onTransportError();

describe('non-INVITE server transaction, RFC 3261 §17.2.2 and RFC 4320, whole', () => {
  test('§17.2.2 a final over UDP: copies before it are absorbed, copies after it get it again, until Timer J', () => {
    expect(
      drive(machine('unreliable'), [
        [50, copy],
        [100, says(200)],
        [500, copy],
        [600, says(404)],
        [32_099, copy],
      ]),
    ).toEqual(['100 send 200', '500 resend', '32099 resend', '32100 end done']);
  });

  test('§17.2.2 a final over TCP ends it: Timer J is zero', () => {
    expect(drive(machine('reliable'), [[100, says(200)]])).toEqual(['100 send 200', '100 end done']);
  });

  test('RFC 4320 §4.1 unanswered when a client’s Timer E has reached T2: 100, once, then the final', () => {
    for (const reliability of ['unreliable', 'reliable'] as const)
      expect(
        drive(machine(reliability, { J: 1 }), [
          [1500, copy],
          [3600, copy],
          [5000, says(200)],
        ]).slice(0, 3),
      ).toEqual(['3500 send 100', '3600 resend', '5000 send 200']);
  });

  test('RFC 4320 §4.1 no other provisional is sent, whoever asks', () => {
    expect(
      drive(machine('unreliable'), [
        [10, says(180)],
        [20, says(100)],
        [30, says(200)],
      ]),
    ).toEqual(['30 send 200', '32030 end done']);
  });

  test('RFC 4320 §4.2 a 408 is never sent: copies are absorbed in silence', () => {
    expect(
      drive(machine('unreliable'), [
        [10, says(408)],
        [500, copy],
      ]),
    ).toEqual(['32010 end done']);
  });

  test('RFC 4320 §4.2 no answer by the time the client has given up: no answer at all', () => {
    expect(drive(machine('unreliable'), [[32_500, says(200)]])).toEqual(['3500 send 100', '32000 end timeout']);
  });

  test('T1, T2, F and J are taken at their word', () => {
    expect(drive(machine('unreliable', { T1: 100, T2: 800 }), [[700, says(200)]])).toEqual(['700 send 200', '7100 end done']);
    expect(drive(machine('unreliable', { T1: 100, T2: 800 }), [[701, says(200)]])).toEqual([
      '700 send 100',
      '701 send 200',
      '7101 end done',
    ]);
    expect(drive(machine('unreliable', { F: 1000 }))).toEqual(['1000 end timeout']);
    expect(drive(machine('unreliable', { J: 5 }), [[0, says(200)]])).toEqual(['0 send 200', '5 end done']);
    expect(nonInviteTrying(timers())).toBe(3500);
  });

  test('RFC 6026 §8.8 a response that cannot be sent: the user hears of it, the state stays', () => {
    expect(
      drive(machine('unreliable'), [
        [10, says(200)],
        [11, breaks],
        [500, copy],
      ]),
    ).toEqual(['10 send 200', '11 failed', '500 resend', '32010 end done']);
  });
});

describe('non-INVITE server transaction: every state with every input', () => {
  const into: Record<string, readonly Input<NonInviteServer>[]> = {
    trying: [],
    proceeding: [fires('trying')],
    completed: [says(200)],
    'completed by a 408': [says(408)],
    terminated: [fires('expired')],
  };
  const inputs: Record<string, Input<NonInviteServer>> = {
    request: copy,
    'says 100': says(100),
    'says 183': says(183),
    'says 200': says(200),
    'says 302': says(302),
    'says 408': says(408),
    'says 481': says(481),
    'transport error': breaks,
  };
  for (const name of ['A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'trying', 'cancelled', 'expired'] as const)
    inputs[`Timer ${name}`] = fires(name);

  const table = (reliable: boolean): Record<string, Record<string, string>> => {
    const rest = reliable ? 'end done, -> terminated' : 'arm J 33000, -> completed';
    const finals = (before: string) => ({
      'says 200': `${before}send 200, ${rest}`,
      'says 302': `${before}send 302, ${rest}`,
      'says 408': `${before}${rest}`,
      'says 481': `${before}send 481, ${rest}`,
      'Timer expired': 'end timeout, -> terminated',
    });
    return {
      trying: { ...finals('disarm trying, disarm expired, '), 'Timer trying': 'send 100, -> proceeding' },
      proceeding: { ...finals('disarm expired, '), request: 'resend, -> proceeding', 'transport error': 'failed, -> proceeding' },
      completed: reliable
        ? {}
        : { request: 'resend, -> completed', 'transport error': 'failed, -> completed', 'Timer J': 'end done, -> terminated' },
      'completed by a 408': reliable ? {} : { 'transport error': 'failed, -> completed', 'Timer J': 'end done, -> terminated' },
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

  test('start arms the late 100 and the end', () => {
    expect(machine('unreliable').start(7).map(show)).toEqual(['arm trying 3507', 'arm expired 32007']);
  });
});
