import { describe, expect, test } from 'vitest';
import { Acceptance } from '../../../src/sip/dialog/acceptance.js';
import { drive, type Step } from './transcript.js';

const accepts = (at: number): Step<Acceptance> => [at, (it, now) => it.onAccept(now)];
const acked = (at: number): Step<Acceptance> => [at, (it) => it.onAck()];
const ends = (at: number): Step<Acceptance> => [at, (it) => it.onEnd()];
const run = (...steps: Step<Acceptance>[]) => drive(new Acceptance({ T1: 500, T2: 4000 }), steps);

describe('the 2xx of an INVITE until its ACK, RFC 3261 §13.3.1.4', () => {
  test('never acknowledged: T1 doubling to T2, given up after 64*T1', () => {
    const sends = [0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500].map((at) => `${at} send`);
    expect(run(accepts(0))).toEqual([...sends, '32000 unacknowledged']);
  });

  test('acknowledged: silence, and further ACKs mean nothing', () => {
    expect(run(accepts(100), acked(1700), acked(1800))).toEqual(['100 send', '600 send', '1600 send', '1700 acknowledged']);
  });

  test('the dialog ends: nobody waits any more', () => {
    expect(run(accepts(0), ends(700), acked(800), accepts(900))).toEqual(['0 send', '500 send']);
  });

  test('every input in every other state is ignored', () => {
    expect(run(acked(0), ends(1))).toEqual([]);
    expect(run(accepts(0), accepts(1), acked(2), accepts(3), ends(4))).toEqual(['0 send', '2 acknowledged']);
    expect(run(accepts(0), acked(40_000), accepts(50_000)).at(-1)).toBe('32000 unacknowledged');
    for (const timer of ['resend', 'give-up'] as const) expect(new Acceptance({ T1: 500, T2: 4000 }).onTimer(timer, 0)).toEqual([]);
  });

  test('states', () => {
    const machine = new Acceptance({ T1: 500, T2: 4000 });
    const states = [machine.state];
    machine.onAccept(0);
    states.push(machine.state);
    machine.onAck();
    states.push(machine.state);
    machine.onEnd();
    states.push(machine.state);
    expect(states).toEqual(['idle', 'unacknowledged', 'acknowledged', 'abandoned']);
  });
});
