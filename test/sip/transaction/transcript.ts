/** Drives one machine on a hand-turned clock and writes down what it asked for and when. */
import { SipRequest, type SipResponse } from '../../../src/sip/message/message.js';
import { responseTo } from '../../../src/sip/message/response-to.js';
import type { Effect, Reliability, TimerName } from '../../../src/sip/transaction/effects.js';
import { resolveTimers, type TimerOptions, type Timers } from '../../../src/sip/transaction/timers.js';

export interface Machine {
  readonly state: string;
  start(now: number): readonly Effect[];
  onTimer(timer: TimerName, now: number): readonly Effect[];
}

export type Input<M extends Machine> = (machine: M, now: number) => readonly Effect[];
export type Script<M extends Machine> = readonly (readonly [at: number, input: Input<M>])[];

export const RELIABILITIES: readonly Reliability[] = ['unreliable', 'reliable'];

export function timers(options?: TimerOptions): Timers {
  return resolveTimers(options);
}

export function request(method: string, headers: readonly (readonly [string, string])[] = []): SipRequest {
  return new SipRequest(method, 'sip:bob@192.0.2.4', [
    ['Via', 'SIP/2.0/UDP pc33.atlanta.example;branch=z9hG4bKkjshdyff'],
    ['Max-Forwards', '70'],
    ['From', 'Alice <sip:alice@atlanta.example>;tag=88sja8x'],
    ['To', 'Bob <sip:bob@biloxi.example>'],
    ['Call-ID', '987asjd97y7atg'],
    ['CSeq', `986759 ${method}`],
    ...headers,
  ]);
}

export function response(to: SipRequest, status: number): SipResponse {
  return responseTo(to, status, status === 100 ? {} : { toTag: '99sa0xk' });
}

export function show(effect: Effect): string {
  switch (effect.type) {
    case 'send':
      return `send ${effect.message.kind === 'request' ? effect.message.method : effect.message.status}`;
    case 'deliver':
      return `deliver ${effect.response.status}`;
    case 'arm':
      return `arm ${effect.timer} ${effect.at}`;
    case 'disarm':
      return `disarm ${effect.timer}`;
    case 'ack':
      return `ack ${effect.request.method}`;
    case 'end':
      return `end ${effect.reason}`;
    default:
      return effect.type;
  }
}

/** Everything but the arming of timers: that shows in what they do. Ends when nothing is armed and the script is through. */
export function drive<M extends Machine>(machine: M, script: Script<M> = []): string[] {
  const lines: string[] = [];
  const armed = new Map<TimerName, number>();
  let ended = false;
  const carryOut = (now: number, effects: readonly Effect[]): void => {
    for (const effect of effects) {
      if (effect.type === 'arm') armed.set(effect.timer, effect.at);
      else if (effect.type === 'disarm') {
        if (!armed.delete(effect.timer)) lines.push(`${now} disarmed ${effect.timer}, which was not armed`);
      } else lines.push(`${now} ${show(effect)}`);
      if (effect.type === 'end') {
        ended = true;
        armed.clear();
      }
    }
    if (ended && armed.size > 0) lines.push(`${now} armed ${[...armed.keys()].join(' ')} after the end`);
  };
  carryOut(0, machine.start(0));
  const waiting = [...script];
  for (;;) {
    const timer = [...armed].sort((a, b) => a[1] - b[1])[0];
    const input = waiting[0];
    if (timer === undefined && input === undefined) return lines;
    if (timer === undefined || (input !== undefined && input[0] <= timer[1])) {
      waiting.shift();
      carryOut(input![0], input![1](machine, input![0]));
    } else {
      armed.delete(timer[0]);
      carryOut(timer[1], machine.onTimer(timer[0], timer[1]));
    }
  }
}

/** One cell of a state table: what the input asks for, and the state it leaves. */
export function cell<M extends Machine>(machine: M, input: Input<M>, now = 1000): string {
  const effects = input(machine, now).map(show);
  return [...effects, `-> ${machine.state}`].join(', ');
}
