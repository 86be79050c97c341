import { describe, expect, test } from 'vitest';
import { type CycleEffect, type CycleTimer, RegistrationCycle, type RegistrationState } from '../../../src/sip/ua/registration-cycle.js';

type Reply = 'ok' | 'silence' | 'refused' | 'busy';

/** Drives the machine alone on a clock of its own: what it did and when, in seconds; `reply` says what becomes of each REGISTER, after `latency`. */
function drive(
  reply: (at: number, attempt: number) => Reply,
  options: { untilS: number; lifeS?: number; stopAtS?: number; flowLostAtS?: number; fraction?: number },
): string[] {
  const { untilS, lifeS = 100, stopAtS, flowLostAtS, fraction = 0.5 } = options;
  const cycle = new RegistrationCycle({ fraction: () => fraction });
  const log: string[] = [];
  const timers = new Map<CycleTimer | 'stop' | 'lost', number>();
  let now = 0;
  let attempt = 0;
  const apply = (effects: CycleEffect[]): void => {
    for (const effect of effects) {
      if (effect.type === 'arm') timers.set(effect.timer, effect.at);
      else if (effect.type === 'disarm') timers.delete(effect.timer);
      else {
        const detail =
          effect.type === 'failed'
            ? effect.retryAt === undefined
              ? ' for good'
              : ''
            : effect.type === 'unregistered'
              ? ` ${effect.reason}`
              : '';
        log.push(`${now / 1000} ${effect.type}${detail}`);
      }
      if (effect.type === 'register') {
        const answer = reply(now / 1000, attempt++);
        if (answer === 'ok') apply(cycle.onAccepted(lifeS * 1000, now));
        else if (answer === 'refused') apply(cycle.onRejected({ status: 403, isRefusal: true }, now));
        else if (answer === 'busy') apply(cycle.onRejected({ status: 503, isRefusal: false, retryAfterMs: 60_000 }, now));
        else apply(cycle.onRejected({ status: 0, isRefusal: false }, now));
      }
      if (effect.type === 'unregister') apply(cycle.onUnregistered());
    }
  };
  if (stopAtS !== undefined) timers.set('stop', stopAtS * 1000);
  if (flowLostAtS !== undefined) timers.set('lost', flowLostAtS * 1000);
  apply(cycle.start());
  for (;;) {
    const due = [...timers].sort((a, b) => a[1] - b[1])[0];
    if (due === undefined || due[1] > untilS * 1000) return log;
    now = due[1];
    timers.delete(due[0]);
    if (due[0] === 'stop') apply(cycle.stop('none'));
    else if (due[0] === 'lost') apply(cycle.onFlowLost(now));
    else apply(cycle.onTimer(due[0]));
  }
}

describe('the cycle', () => {
  test('§10.2.4: refreshed at 75 to 90 % of what was granted, told once', () => {
    expect(drive(() => 'ok', { untilS: 250 })).toEqual(['0 register', '0 registered', '82.5 register', '165 register', '247.5 register']);
    expect(drive(() => 'ok', { untilS: 80, fraction: 0 })).toEqual(['0 register', '0 registered', '75 register']);
  });

  test('RFC 5626 §4.5: a silent registrar is tried with doubled waits of 50 to 100 %, up to the longest; told once', () => {
    const log = drive(() => 'silence', { untilS: 1000 });
    expect(log).toEqual(['0 register', '0 failed', ...[7.5, 22.5, 52.5, 112.5, 232.5, 457.5, 682.5, 907.5].map((at) => `${at} register`)]);
  });

  test('an outage of a registration that lasted: failed once, expired once, registered once', () => {
    const log = drive((at) => (at > 50 && at < 300 ? 'silence' : 'ok'), { untilS: 400 });
    expect(log.filter((line) => !line.endsWith(' register'))).toEqual([
      '0 registered',
      '82.5 failed',
      '100 unregistered expired',
      '315 registered',
    ]);
  });

  test('an outage shorter than the binding: failed and registered, and no expiry', () => {
    const log = drive((at) => (at > 82 && at < 83 ? 'silence' : 'ok'), { untilS: 100 });
    expect(log).toEqual(['0 register', '0 registered', '82.5 register', '82.5 failed', '90 register', '90 registered']);
  });

  test('a refusal at first is the end', () => {
    expect(drive(() => 'refused', { untilS: 10_000 })).toEqual(['0 register', '0 failed for good']);
  });

  test('a refusal after a silence is told as what it is', () => {
    expect(drive((_at, attempt) => (attempt === 0 ? 'silence' : 'refused'), { untilS: 10_000 })).toEqual([
      '0 register',
      '0 failed',
      '7.5 register',
      '7.5 failed for good',
    ]);
  });

  test('a registrar that knew us and refuses now is asked again, at the longest wait', () => {
    const log = drive((at) => (at > 50 && at < 400 ? 'refused' : 'ok'), { untilS: 600 });
    expect(log.filter((line) => !line.includes('expired'))).toEqual([
      '0 register',
      '0 registered',
      '82.5 register',
      '82.5 failed',
      '307.5 register',
      '532.5 register',
      '532.5 registered',
    ]);
  });

  test('§21.5.4: Retry-After is the least wait', () => {
    expect(drive((_at, attempt) => (attempt === 0 ? 'busy' : 'ok'), { untilS: 100 })).toEqual([
      '0 register',
      '0 failed',
      '60 register',
      '60 registered',
    ]);
  });

  test('RFC 5626 §4.5: a lost flow is replaced within two seconds, and nothing is told when that works', () => {
    expect(drive(() => 'ok', { untilS: 60, flowLostAtS: 40 })).toEqual(['0 register', '0 registered', '41 register']);
  });

  test('§10.2.2: stopped, the binding is taken back', () => {
    expect(drive(() => 'ok', { untilS: 1000, stopAtS: 30 })).toEqual([
      '0 register',
      '0 registered',
      '30 unregister',
      '30 unregistered stopped',
    ]);
  });

  test('stopped while waiting without a binding, there is nothing to take back', () => {
    expect(drive(() => 'silence', { untilS: 1000, stopAtS: 3 })).toEqual(['0 register', '0 failed', '3 unregistered stopped']);
  });
});

/** A machine brought into a state by inputs alone. */
const IN: Record<RegistrationState, () => RegistrationCycle> = {
  unregistered: () => new RegistrationCycle({ fraction: () => 0 }),
  registering: () => after((cycle) => cycle.start()),
  registered: () => after((cycle) => [...cycle.start(), ...cycle.onAccepted(100_000, 0)]),
  retrying: () => after((cycle) => [...cycle.start(), ...cycle.onRejected({ status: 0, isRefusal: false }, 0)]),
  refused: () => after((cycle) => [...cycle.start(), ...cycle.onRejected({ status: 403, isRefusal: true }, 0)]),
  unregistering: () => after((cycle) => [...cycle.start(), ...cycle.onAccepted(100_000, 0), ...cycle.stop('none')]),
};

function after(inputs: (cycle: RegistrationCycle) => CycleEffect[]): RegistrationCycle {
  const cycle = new RegistrationCycle({ fraction: () => 0 });
  inputs(cycle);
  return cycle;
}

const INPUTS: Record<string, (cycle: RegistrationCycle) => CycleEffect[]> = {
  start: (cycle) => cycle.start(),
  accepted: (cycle) => cycle.onAccepted(100_000, 0),
  silence: (cycle) => cycle.onRejected({ status: 0, isRefusal: false }, 0),
  refusal: (cycle) => cycle.onRejected({ status: 403, isRefusal: true }, 0),
  'next due': (cycle) => cycle.onTimer('next'),
  'expiry due': (cycle) => cycle.onTimer('expiry'),
  'flow lost': (cycle) => cycle.onFlowLost(0),
  stop: (cycle) => cycle.stop('none'),
  'stop while asking': (cycle) => cycle.stop('underway'),
  'taken back': (cycle) => cycle.onUnregistered(),
};

describe('every state with every input', () => {
  const table: Record<RegistrationState, Record<string, string>> = {
    unregistered: { start: 'registering: register' },
    registering: {
      accepted: 'registered: arm next, arm expiry, registered',
      silence: 'retrying: arm next, failed',
      refusal: 'refused: disarm next, failed',
      stop: 'unregistered: disarm next, disarm expiry',
      'stop while asking': 'unregistering: disarm next, disarm expiry, unregister',
    },
    registered: {
      accepted: 'registered: arm next, arm expiry',
      silence: 'retrying: arm next, failed',
      refusal: 'retrying: arm next, failed',
      'next due': 'registered: register',
      'expiry due': 'registered: unregistered',
      'flow lost': 'registered: arm next',
      stop: 'unregistering: disarm next, disarm expiry, unregister',
      'stop while asking': 'unregistering: disarm next, disarm expiry, unregister',
    },
    retrying: {
      accepted: 'registered: arm next, arm expiry, registered',
      silence: 'retrying: arm next',
      refusal: 'refused: disarm next, failed',
      'next due': 'retrying: register',
      stop: 'unregistered: disarm next, disarm expiry, unregistered',
      'stop while asking': 'unregistering: disarm next, disarm expiry, unregister',
    },
    refused: { start: 'registering: register', stop: 'unregistered: ', 'stop while asking': 'unregistered: ' },
    unregistering: { 'taken back': 'unregistered: unregistered' },
  };
  const cases = Object.keys(IN).flatMap((state) => Object.keys(INPUTS).map((input) => [state as RegistrationState, input] as const));

  test.each(cases)('%s, %s', (state, input) => {
    const cycle = IN[state]();
    const effects = INPUTS[input]!(cycle).map((effect) =>
      effect.type === 'arm' || effect.type === 'disarm' ? `${effect.type} ${effect.timer}` : effect.type,
    );
    expect(`${cycle.state}: ${effects.join(', ')}`).toBe(table[state][input] ?? `${state}: `);
  });
});
